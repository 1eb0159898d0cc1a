"""The sums that the reports are made of: stored ones for past days, the visits themselves for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from reminders.domain.attendance import Attendance, AttendanceBy, Seen, tally
from reminders.domain.rollup import Pieces, Rolled
from reminders.domain.savings import Cells, both, cells_of
from reminders.store import facts, rollups

#: With more visits than this to look at one by one, reports go up to the last night instead of up to now.
MOST_LIVE = 1000


def pieces(tx: Connection, first: date | None, last: date | None, *, daily: bool = False) -> Pieces:
    """What makes up a range, which may reach into the future; ``daily`` keeps the days apart."""
    found = rollups.state(tx)
    if found is None:
        return Pieces((), (), (), ((first, last),))
    return found.pieces(first, last or date.max, daily=daily)


class Figures:
    """Visits of the days ``first`` to ``last`` that are over or take place today, added up. ``as_of`` is the last day
    that is in the figures."""

    def __init__(
        self, tx: Connection, now: datetime, first: date | None, last: date | None, most_live: int = MOST_LIVE
    ) -> None:  # fmt: skip
        self._tx = tx
        self._now = now
        self.first = first
        # somewhere it is tomorrow already
        self.last = self.as_of = min(filter(None, (last, now.date() + timedelta(days=1))))
        self._rolled = rollups.state(tx)
        self._pieces = self._chosen(most_live)

    def attendance(self, by: AttendanceBy, *, daily: bool = False) -> Iterator[tuple[date | None, str, Attendance]]:
        """(day, key, counts) under one of ``STORED``; the day may be missing unless ``daily``."""
        stored = self._pieces
        if daily and self._rolled is not None:
            stored = self._source.pieces(self.first, self.as_of, daily=True)
        yield from rollups.visits(self._tx, by, stored, daily=daily)
        sums = tally(self._seen, self._now)
        yield from ((day, key, counts) for (day, grouping, key), counts in sums.items() if grouping == by)

    def strata(self) -> Cells:
        """Visits whose outcome is known, by stratum and by whether a reminder went out."""
        sums = rollups.strata(self._tx, self._pieces)
        for (_, stratum), cell in cells_of(self._seen).items():
            sums[stratum] = both(sums[stratum], cell) if stratum in sums else cell
        return sums

    @property
    def pieces(self) -> Pieces:
        """What the figures are made of."""
        return self._pieces

    @cached_property
    def _seen(self) -> list[Seen]:
        return list(facts.seen(self._tx, self._pieces.live))

    def _chosen(self, most_live: int) -> Pieces:
        if self._rolled is None:
            return Pieces((), (), (), ((self.first, self.last),))
        self._source = self._rolled
        found = self._rolled.pieces(self.first, self.last)
        if facts.count(self._tx, found.live, most_live + 1) <= most_live:
            return found
        self._source = Rolled(self._rolled.since, self._rolled.through)
        self.as_of = min(self.last, self._rolled.through)
        return self._source.pieces(self.first, self.as_of)
