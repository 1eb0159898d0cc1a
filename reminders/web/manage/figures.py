"""Single figures in large type: what it is, how sure one can be of it, where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for

from reminders.domain.measures import Rate
from reminders.web.manage import words
from reminders.web.manage.period import Period
from reminders.web.manage.words import _


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` and ``detail`` as people read them; ``defined`` is an anchor among the definitions, ``rows`` the address
    of what was counted, ``tone`` one of good, bad, open or nothing."""

    label: str
    value: str
    detail: str = ""
    change: str = ""
    tone: str = ""
    defined: str = ""
    rows: str = ""


def interval(rate: Rate | None) -> str:
    """How sure one can be of a rate, in one short sentence."""
    if rate is None:
        return _("Nothing to divide by yet.")
    low, high = words.percent(rate.low), words.percent(rate.high)
    return _("95 %% interval %(low)s to %(high)s, of %(count)s visits", low=low, high=high, count=words.number(rate.of))


def unmarked(count: int) -> list[str]:
    """What a reader has to know when the outcome of visits was not noted."""
    if not count:
        return []
    said = words.ngettext(
        "%(num)s visit is over and nobody noted how it ended; it is left out of the rate.",
        "%(num)s visits are over and nobody noted how they ended; they are left out of the rate.", count,
    )  # fmt: skip
    return [said % {"num": words.number(count)}]


def rows_of(period: Period, **wanted: Any) -> str:
    """The address of the visits behind a figure."""
    return url_for("manage.visits.show", **period.query(), **wanted)
