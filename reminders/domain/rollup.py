"""Which sums of days, months and years make up a range of days.

Visits are added up night by night. A range is then made of whole years, whole months and single days, so that even ten
years are a few hundred rows. A day that changed since it was added up is ``stale``: until the next night it is counted
anew, and the month and the year around it are made of their other days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

_DAY = timedelta(days=1)
#: The place where it is a given day for the longest is 12 hours behind UTC.
_LAST_ZONE = timedelta(hours=12)

Span = tuple[date, date]


class Level(StrEnum):
    """How much one stored sum holds."""

    DAY = "d"
    MONTH = "m"
    YEAR = "y"


@dataclass(frozen=True, slots=True)
class Pieces:
    """``months`` and ``years`` by their first days; ``days`` and ``live`` are spans, both ends included. What is ``live``
    has to be counted from the visits themselves."""

    years: tuple[date, ...]
    months: tuple[date, ...]
    days: tuple[Span, ...]
    live: tuple[tuple[date | None, date | None], ...]


@dataclass(frozen=True, slots=True)
class Rolled:
    """What is stored: every day from ``since`` to ``through``, except the ``stale`` ones. Up to ``settled`` there are sums of
    the stale ones, too: those of the night before they changed; later ones may be waiting for their first night."""

    since: date
    through: date
    stale: frozenset[date] = frozenset()
    settled: date | None = None

    def as_it_was(self) -> Rolled:
        """The sums as they were left by the last night, whatever changed since."""
        return Rolled(self.since, self.through if self.settled is None else self.settled)

    def pieces(self, first: date | None, last: date, *, daily: bool = False) -> Pieces:
        """What makes up the days ``first`` (``None``: since ever) to ``last``; ``daily``: of days only."""
        stale = sorted(day for day in self.stale if (first is None or day >= first) and day <= last)
        begin = min([self.since, *stale]) if first is None else first
        live: list[Span] = [(day, day) for day in stale if day <= self.through]
        end = min(last, self.through)
        if last > self.through:
            live.append((max(begin, self.through + _DAY), last))
        counted = tuple(span for span in live if span[0] <= span[1])
        if daily:
            return Pieces((), (), tuple(_without(begin, end, self.stale)), counted)
        # nothing lies before the first day, so its month and its year may be taken whole
        years, months, days = _split(year_of(begin) if begin <= self.since else begin, end, self.stale)
        return Pieces(tuple(years), tuple(months), tuple(days), counted)


def rollable(now: datetime) -> date:
    """The last day that is over everywhere."""
    return (now - _LAST_ZONE).date() - _DAY


def month_of(day: date) -> date:
    return day.replace(day=1)


def year_of(day: date) -> date:
    return day.replace(month=1, day=1)


def month_end(day: date) -> date:
    return (month_of(day) + timedelta(days=32)).replace(day=1) - _DAY


def year_end(day: date) -> date:
    return day.replace(month=12, day=31)


def _split(begin: date, end: date, stale: Collection[date]) -> tuple[list[date], list[date], list[Span]]:
    years: list[date] = []
    months: list[date] = []
    days: list[Span] = []
    dirty_months, dirty_years = {month_of(day) for day in stale}, {year_of(day) for day in stale}
    day = begin
    while day <= end:
        if day == year_of(day) and year_end(day) <= end and day not in dirty_years:
            years.append(day)
            day = year_end(day) + _DAY
        elif day == month_of(day) and month_end(day) <= end and day not in dirty_months:
            months.append(day)
            day = month_end(day) + _DAY
        else:
            until = min(end, month_end(day))
            days += _without(day, until, stale)
            day = until + _DAY
    return years, months, days


def _without(first: date, last: date, stale: Collection[date]) -> Iterator[Span]:
    """The days from ``first`` to ``last`` that are not stale, in one piece where possible."""
    begin = first
    for day in sorted(day for day in stale if first <= day <= last):
        if begin < day:
            yield begin, day - _DAY
        begin = day + _DAY
    if begin <= last:
        yield begin, last
