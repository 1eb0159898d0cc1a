"""Finds out what happened to attempts whose worker never told: asks the provider before anything is sent again.

A provider's create call has no idempotency key, so an unanswered request may or may not have been carried out.
"""

from __future__ import annotations

from datetime import timedelta

from reminders.clock import Clock
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.ports import Messenger, Report
from reminders.domain.sms import smart_encode
from reminders.errors import GatewayError
from reminders.services.outcomes import GRACE, Outcomes
from reminders.store import messages
from reminders.store import reminders as store
from reminders.store.engine import Database, Record

_BATCH = 100
#: How far the provider's clock may be behind ours.
_SKEW = timedelta(minutes=2)


class Reconciling:
    """Sweeps leases that ended without an outcome."""

    def __init__(self, database: Database, clock: Clock, messenger: Messenger, outcomes: Outcomes) -> None:
        self._database = database
        self._clock = clock
        self._messenger = messenger
        self._outcomes = outcomes

    def run(self) -> int:
        """Handle every lapsed lease; returns how many."""
        now = self._clock.now()
        with self._database.read() as tx:
            lapsed = store.lapsed(tx, now, _BATCH)
        for row in lapsed:
            if row.state == State.CLAIMED:
                self._give_back(row)
            else:
                self._resolve(row)
        return len(lapsed)

    def _give_back(self, row: Record) -> None:
        """Claimed, but no attempt was written: nothing left the house."""
        now = self._clock.now()
        state, reason = (
            (State.PLANNED, Reason.LEASE_EXPIRED) if now <= row.not_after else (State.MISSED, Reason.TOO_LATE)
        )
        with self._database.write() as tx:
            store.move_lapsed(tx, row.id, State.CLAIMED, state, reason, now)

    def _resolve(self, row: Record) -> None:
        with self._database.read() as tx:
            attempt = messages.by_number(tx, row.message_id)
        try:
            found = self._messenger.find(Channel(row.channel), attempt.phone, attempt.created_at - _SKEW)
        except GatewayError:
            with self._database.write() as tx:
                store.rest(tx, row.id, self._clock.now() + GRACE)
            return
        match = self._ours(attempt, found)
        if match is not None:
            self._outcomes.accepted(row.id, attempt.id, match, Reason.ADOPTED)
        else:
            self._send_again(row, attempt)

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

    def _send_again(self, row: Record, attempt: Record) -> None:
        now = self._clock.now()
        state, reason = (State.PLANNED, Reason.NOT_FOUND) if now <= row.not_after else (State.MISSED, Reason.TOO_LATE)
        with self._database.write() as tx:
            if (overtaken := store.overtaken(tx, row.id)) is not None:
                state, reason = State.WITHDRAWN, overtaken
            if store.move_lapsed(tx, row.id, State.UNCERTAIN, state, reason, now):  # else a callback was faster
                messages.settle(tx, attempt.id, State.FAILED)
