"""Finds out what happened to attempts whose worker never told: asks the provider before anything is sent again.

A provider's create call has no idempotency key, so an unanswered request may or may not have been carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Event
from typing import Any

from reminders.clock import Clock
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.ports import Messenger, Report
from reminders.domain.sms import smart_encode
from reminders.errors import GatewayError
from reminders.services.outcomes import GRACE, Outcomes, abandon
from reminders.store import messages
from reminders.store import reminders as store
from reminders.store.engine import Database, Record

#: So many are asked about at once.
_BATCH = 16
_HOLD = timedelta(seconds=60)
#: How far the provider's clock may be behind ours.
_SKEW = timedelta(minutes=2)

#: Carries out a function for each item, like ``map``: one after the other, or several at once.
Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Reconciling:
    """Sweeps leases that ended without an outcome: safe on any number of workers, each row is asked about by one.

    ``hold``: after this another may ask about what somebody took and has not dealt with. Both may then be at it; only
    the last one's answer counts.
    """

    def __init__(
        self, database: Database, clock: Clock, messenger: Messenger, outcomes: Outcomes, grace: timedelta = GRACE,
        hold: timedelta = _HOLD, each: Each = map, ending: Event | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._outcomes = outcomes
        self._grace = grace
        self._hold = max(hold, grace)
        self._each = each
        self._ending = ending or Event()

    def run(self) -> int:
        """Handle every lapsed lease, or those that were taken when the process is to end; returns how many."""
        handled = 0
        while not self._ending.is_set() and (lapsed := self._take()):
            handled += len(list(self._each(self._resolve, lapsed)))
        return handled

    def _take(self) -> list[store.Lapsed]:
        now = self._clock.now()
        with self._database.read() as tx:
            if not store.any_lapsed(tx, now):
                return []
        with self._database.write() as tx:
            return store.take_lapsed(tx, now, now + self._hold, _BATCH)

    def _resolve(self, row: store.Lapsed) -> None:
        with self._database.read() as tx:
            attempt = messages.by_number(tx, row.message_id)
        if row.channel == Channel.EMAIL:  # nobody can be asked; the same Message-ID lets a mailbox see that it is one
            self._send_again(row, attempt, Reason.LEASE_EXPIRED)
            return
        try:
            found = self._messenger.find(Channel(row.channel), attempt.phone, attempt.created_at - _SKEW)
        except GatewayError:
            with self._database.write() as tx:
                if store.still_lapsed(tx, row):
                    store.rest(tx, row.id, self._clock.now() + self._grace)
            return
        match = self._ours(attempt, found)
        if match is not None:
            self._outcomes.adopted(row, attempt.id, match)
        else:
            self._send_again(row, attempt, Reason.NOT_FOUND)

    def _ours(self, attempt: Record, found: list[Report]) -> Report | None:
        """The provider's record of this attempt: same text (calls have none) and not known as another message. Twilio
        may have replaced typographic characters in the text."""
        ours = smart_encode(attempt.body).strip()
        with self._database.read() as tx:
            for report in found:
                same_text = report.body is None or smart_encode(report.body).strip() == ours
                if same_text and not messages.known_sid(tx, report.sid):
                    return report
        return None

    def _send_again(self, row: store.Lapsed, attempt: Record, why: Reason) -> None:
        now = self._clock.now()
        state, reason = (State.PLANNED, why) if now <= row.not_after else (State.MISSED, Reason.TOO_LATE)
        with self._database.write() as tx:
            if (overtaken := store.overtaken(tx, row.id)) is not None:
                state, reason = State.WITHDRAWN, overtaken
            if store.move_lapsed(tx, row, state, reason, now):  # else a callback was faster
                abandon(tx, attempt)
