"""From a figure back to the visits it was counted from."""

from __future__ import annotations

from collections.abc import Sequence

from reminders.clock import Clock
from reminders.store import evidence
from reminders.store.engine import Database, Record
from reminders.store.evidence import Behind


class Evidence:
    """Reads only."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def visits(self, wanted: Behind) -> Sequence[Record]:
        """At most ``wanted.limit`` visits, by day."""
        with self._database.read() as tx:
            return evidence.visits(tx, wanted, self._clock.now())
