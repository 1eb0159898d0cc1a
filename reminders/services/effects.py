"""Carries out what the outbox asks for, after the change that asked for it is committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from reminders.clock import Clock
from reminders.errors import GatewayError
from reminders.store import outbox
from reminders.store.engine import Database, Record

_BATCH = 100
_LEASE = timedelta(minutes=2)
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720, 1440))


class NotYet(Exception):
    """The effect cannot be completed now; ask again later."""


#: Carries out one effect: receives the row, may raise ``NotYet`` or ``GatewayError``.
Handler = Callable[[Record], None]


class Effects:
    """Runs handlers for outbox rows; each row at least once, in order of time."""

    def __init__(self, database: Database, clock: Clock, handlers: Mapping[str, Handler]) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers

    def run(self) -> int:
        """Handle what is due; returns how many rows."""
        now = self._clock.now()
        with self._database.read() as tx:
            if not outbox.any_due(tx, now):
                return 0
        with self._database.write() as tx:
            rows = outbox.take(tx, now, now + _LEASE, _BATCH)
        finished = [row.id for row in rows if self._done(row)]
        if finished:
            with self._database.write() as tx:
                outbox.done(tx, finished)
        return len(rows)

    def _done(self, row: Record) -> bool:
        handler = self._handlers.get(row.topic)
        if handler is None:
            return True
        try:
            handler(row)
        except (NotYet, GatewayError) as problem:
            return self._postpone(row, type(problem).__name__)
        return True

    def _postpone(self, row: Record, error: str) -> bool:
        """Try later; after the last wait the row is given up."""
        if row.attempts > len(_WAITS):
            return True
        with self._database.write() as tx:
            outbox.again(tx, row.id, self._clock.now() + _WAITS[row.attempts - 1], error)
        return False
