"""Public holidays, from the ``holidays`` library (a table per country, no network)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays


def public_holidays(country: str, region: str | None, years: Iterable[int]) -> frozenset[date]:
    """The public holidays of a country (ISO 3166-1 alpha-2) and, if given, of one of its regions. A country or region
    the library does not know has none."""
    try:
        found = holidays.country_holidays(country, subdiv=region, years=list(years))
    except NotImplementedError:
        return frozenset() if region is None else public_holidays(country, None, years)
    return frozenset(found)
