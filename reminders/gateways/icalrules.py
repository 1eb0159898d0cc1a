"""Repetitions that end: rules of events get an end before they are worked out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar

_DAY = timedelta(days=1)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)


def bounded(calendar: icalendar.Calendar, until: datetime) -> icalendar.Calendar:
    """The same calendar, in which rules without an end stop soon after ``until``: the library would look for a day that
    never comes, such as 30 February, as far as the year 9999."""
    end = min(until, _LAST - _DAY).astimezone(UTC) + _DAY
    for rule in _rules(calendar):
        if not {"COUNT", "UNTIL"} & rule.keys():
            rule["UNTIL"] = [end]
    return calendar


def _rules(calendar: icalendar.Calendar) -> Iterator[Any]:
    for part in calendar.walk():
        if part.name in {"VEVENT", "VTODO", "VJOURNAL"}:
            for name in ("RRULE", "EXRULE"):
                found = part.get(name, [])
                rules = found if isinstance(found, list) else [found]
                yield from (rule for rule in rules if isinstance(rule, icalendar.vRecur))
