"""From a figure back to the visits it was counted from, and from an amount to its messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.attendance import local_hour
from reminders.store import billed, evidence
from reminders.store.billed import Billed
from reminders.store.engine import Database, Record
from reminders.store.evidence import Behind

_PAGE = 1000


class Evidence:
    """Reads only."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def visits(self, wanted: Behind, hour: int | None = None) -> Sequence[Record]:
        """At most ``wanted.limit`` visits, by day; ``hour``: only those that begin then on the venue's clock."""
        with self._database.read() as tx:
            if hour is None:
                return evidence.visits(tx, wanted, self._clock.now())
            return list(islice(self._at(tx, wanted, hour), wanted.limit))

    def messages(self, wanted: Billed) -> Sequence[Record]:
        """At most ``wanted.limit`` messages that an amount is the sum of."""
        with self._database.read() as tx:
            return billed.messages(tx, wanted)

    def _at(self, tx: Connection, wanted: Behind, hour: int) -> Iterator[Record]:
        """Page by page: no database knows the clocks of all venues."""
        rows: Sequence[Record] = [None]
        while rows:
            rows = evidence.visits(tx, replace(wanted, limit=_PAGE), self._clock.now())
            for row in rows:
                if row.timed and local_hour(row.start_at, ZoneInfo(row.time_zone)) == hour:
                    yield row
            if rows:
                wanted = replace(wanted, after=(rows[-1].local_day, rows[-1].id))
