"""The days a page is about, and the days before that it compares with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import Any

from flask import request

from reminders.web.context import now, use_cases
from reminders.web.manage import words
from reminders.web.manage.words import _

#: What can be chosen with one click, in days.
LENGTHS = (28, 91, 364)
_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """Days of visits in the venue's calendar, both included; both ``None`` for everything there is."""

    first: date | None
    last: date | None

    @property
    def length(self) -> int | None:
        """Number of days; ``None`` for everything."""
        return (self.last - self.first).days + 1 if self.first and self.last else None

    @property
    def before(self) -> Period | None:
        """As many days just before; ``None`` for everything, before which there is nothing."""
        if not (self.first and self.last):
            return None
        days = timedelta(days=(self.last - self.first).days + 1)
        return Period(self.first - days, self.last - days)

    def within(self, other: Period) -> Period:
        """The days that both have; they must have some in common."""
        if not (self.first and self.last and other.first and other.last):
            return self
        return Period(max(self.first, other.first), min(self.last, other.last))

    def query(self) -> dict[str, Any]:
        """As a page's address has it."""
        if not (self.first and self.last):
            return {"from": "", "to": ""}
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def zone() -> tzinfo:
    """That of the first location; UTC while there is none."""
    places = use_cases().catalogue.current().locations
    location = next(iter(places.values()), None)
    return location.zone if location else UTC


def today() -> date:
    """On the clock of the first location."""
    return now().astimezone(zone()).date()


def latest(days: int) -> Period:
    """The last ``days`` days, today included."""
    last = today()
    return Period(last - timedelta(days=days - 1), last)


def asked() -> Period:
    """As the address says; the last four weeks when it says nothing or nonsense. Empty fields are everything."""
    first, last = request.args.get("from"), request.args.get("to")
    if first == "" and last == "":
        return Period(None, None)
    one, other = _day(first), _day(last)
    if one is None or other is None:
        return latest(LENGTHS[0])
    return Period(min(one, other), max(one, other))


def up_to(period: Period, as_of: date | None) -> list[str]:
    """A note for a page whose figures end before the days it is about."""
    end = min(period.last or today(), today())
    if as_of is None or as_of >= end:
        return []
    note = _(
        "Very much has changed. The figures go up to %(day)s; the rest is added up in the night.", day=words.day(as_of)
    )
    return [note]


def _day(text: str | None) -> date | None:
    try:
        return min(max(date.fromisoformat(text or ""), _EARLIEST), _LATEST)
    except ValueError:
        return None
