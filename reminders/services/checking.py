"""Asks the provider for what it should have told and has not: lost callbacks, and prices, which it learns late."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Event

from reminders.clock import Clock
from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Messenger, Report
from reminders.errors import GatewayError
from reminders.services.outcomes import Outcomes
from reminders.services.reconciling import Each
from reminders.store import messages
from reminders.store.engine import Database, Record

#: So many are asked about at once: few, because a process that is to end finishes them first.
_BATCH = 16
#: A run goes no further after this: others wait for their turn to ask.
_TURN = timedelta(seconds=5)
#: Who takes a message to ask about it and dies leaves it to the next one after this.
_LEASE = timedelta(minutes=2)
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720, 1440))
_ENDED = frozenset({State.DELIVERED, State.FAILED})


class Checking:
    """Sweeps messages whose time to be asked about has come: safe on any number of workers, harmless when repeated."""

    def __init__(
        self, database: Database, clock: Clock, messenger: Messenger, outcomes: Outcomes, each: Each = map,
        ending: Event | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._outcomes = outcomes
        self._each = each
        self._ending = ending or Event()

    def run(self) -> int:
        """Ask about what is due, until nothing is left, the turn is over or the process is to end; returns how many
        messages that were."""
        asked, until = 0, self._clock.now() + _TURN
        while not self._ending.is_set() and self._clock.now() < until and (due := self._take()):
            asked += len(list(self._each(self._ask, due)))
        return asked

    def _take(self) -> Sequence[Record]:
        now = self._clock.now()
        with self._database.read() as tx:
            if not messages.any_check_due(tx, now):
                return []
        with self._database.write() as tx:
            return messages.take_checks(tx, now, now + _LEASE, _BATCH)

    def _ask(self, row: Record) -> None:
        now = self._clock.now()
        if row.provider_sid is None or row.channel == Channel.EMAIL:
            self._put_off(row, None)
            return
        try:
            report = self._messenger.fetch(Channel(row.channel), row.provider_sid)
        except GatewayError as problem:
            self._put_off(row, None if problem.permanent else _later(row, now))
            return
        self._outcomes.learned(row, report, None if _is_complete(report) else _later(row, now))

    def _put_off(self, row: Record, moment: datetime | None) -> None:
        with self._database.write() as tx:
            messages.check_again(tx, row.id, moment)


def _is_complete(report: Report) -> bool:
    return report.state in _ENDED and report.price is not None


def _later(row: Record, now: datetime) -> datetime | None:
    """When to ask again; ``None`` when it was asked often enough."""
    return now + _WAITS[row.checks - 1] if row.checks <= len(_WAITS) else None
