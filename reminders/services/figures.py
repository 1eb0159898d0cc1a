"""The sums that the reports are made of: stored ones for past days, the visits themselves for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from reminders.domain.attendance import Attendance, AttendanceBy, Seen, tally
from reminders.domain.rollup import Pieces, Rolled
from reminders.domain.savings import Cells, both, cells_of
from reminders.store import facts, rollups

#: With more visits than this to look at one by one, reports go up to the last night instead of up to now.
MOST_LIVE = 1000
#: The same for reports whose live part the database counts by itself.
MOST_COUNTED = 10_000
#: So many times more may lie ahead: little is known yet about visits to come.
_AHEAD = 3


@dataclass(frozen=True, slots=True)
class Range:
    """The days of a report, and which sums they are made of. ``as_of`` is the last day that is in the figures."""

    rolled: Rolled | None
    first: date | None
    as_of: date | None

    def pieces(self, *, daily: bool = False) -> Pieces:
        """``daily`` keeps the days apart."""
        if self.rolled is None:
            return Pieces((), (), (), ((self.first, self.as_of),))
        return self.rolled.pieces(self.first, self.as_of or date.max, daily=daily)


def ranged(
    tx: Connection, now: datetime, first: date | None, last: date | None, most_live: int = MOST_COUNTED
) -> Range:  # fmt: skip
    """What a report can say of these days, which may reach into the future: everything, unless more than ``most_live``
    visits would have to be looked at; then what the last night left. Where no last day is asked for and very many visits
    are to come, it ends today."""
    rolled = rollups.state(tx)
    if rolled is None:
        return Range(None, first, last)
    over = min(filter(None, (last, _today(now))))
    if facts.count(tx, rolled.pieces(first, over).live, most_live + 1) <= most_live:
        if last is None and (first is None or first <= over):
            most = _AHEAD * most_live
            last = over if facts.count(tx, rolled.pieces(first, date.max).live, most + 1) > most else None
        return Range(rolled, first, last)
    before = rolled.as_it_was()
    return Range(before, first, min(filter(None, (last, before.through))))


def _today(now: datetime) -> date:
    """The last day that has begun: somewhere it is tomorrow already."""
    return now.date() + timedelta(days=1)


class Figures:
    """Visits of the days ``first`` to ``last`` that are over or take place today, added up. ``as_of`` is the last day
    that is in the figures."""

    def __init__(
        self, tx: Connection, now: datetime, first: date | None, last: date | None, most_live: int = MOST_LIVE
    ) -> None:  # fmt: skip
        self._tx = tx
        self._now = now
        self.first = first
        self.last = min(filter(None, (last, _today(now))))
        self._range = ranged(tx, now, first, self.last, most_live)
        self.as_of = self._range.as_of or self.last
        self._pieces = self._range.pieces()

    def attendance(self, by: AttendanceBy, *, daily: bool = False) -> Iterator[tuple[date | None, str, Attendance]]:
        """(day, key, counts) under one of ``STORED``; the day may be missing unless ``daily``."""
        stored = self._range.pieces(daily=True) if daily else self._pieces
        yield from rollups.visits(self._tx, by, stored, daily=daily)
        sums = tally(self._seen, self._now)
        yield from ((day, key, counts) for (day, grouping, key), counts in sums.items() if grouping == by)

    def strata(self) -> Cells:
        """Visits whose outcome is known, by stratum and by whether a reminder went out."""
        sums = rollups.strata(self._tx, self._pieces)
        for stratum, cell in cells_of(self._seen).items():
            sums[stratum] = both(sums[stratum], cell) if stratum in sums else cell
        return sums

    @property
    def pieces(self) -> Pieces:
        """What the figures are made of."""
        return self._pieces

    @cached_property
    def _seen(self) -> list[Seen]:
        return list(facts.seen(self._tx, self._pieces.live))
