"""The sums that the reports are made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from reminders.domain.attendance import Attendance, AttendanceBy, Seen, tally
from reminders.domain.estimators import NOBODY, Arm
from reminders.domain.savings import Stratum, cells_of
from reminders.store import facts


class Figures:
    """Visits of the days ``first`` to ``last`` that are over or take place today, added up."""

    def __init__(self, tx: Connection, now: datetime, first: date | None, last: date | None) -> None:
        self._tx = tx
        self._now = now
        self.first = first
        # somewhere it is tomorrow already
        self.last = min(filter(None, (last, now.date() + timedelta(days=1))))

    def attendance(self, by: AttendanceBy) -> Iterator[tuple[date, str, Attendance]]:
        """(day, key, counts) under one of ``STORED``."""
        sums = tally(self._seen, self._now)
        return ((day, key, counts) for (day, grouping, key), counts in sums.items() if grouping is by)

    def strata(self) -> dict[tuple[Stratum, bool], Arm]:
        """Visits whose outcome is known, by stratum and by whether a reminder went out."""
        sums: dict[tuple[Stratum, bool], Arm] = {}
        for (_, stratum, told), arm in cells_of(self._seen).items():
            sums[stratum, told] = sums.get((stratum, told), NOBODY) + arm
        return sums

    @cached_property
    def _seen(self) -> list[Seen]:
        return list(facts.seen(self._tx, [(self.first, self.last)]))
