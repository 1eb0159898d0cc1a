"""Records what became of a message: the provider's answer, its callbacks, and what a search at the provider found.

All of it may come late, twice or in any order; the state machines of ``domain/delivery.py`` decide what still counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.ports import Report
from reminders.errors import GatewayError
from reminders.services.catalogue import Catalogue
from reminders.store import consents, messages, outbox, patients
from reminders.store import reminders as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: How long an attempt without an answer rests before the provider is searched for it.
GRACE = timedelta(seconds=60)
_PRICE_DELAY = timedelta(minutes=1)


class Outcomes:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, bad_number: frozenset[int]) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._bad_number = bad_number

    def accepted(self, reminder_id: int, message_id: int, report: Report, reason: Reason = Reason.DUE) -> None:
        """The provider took the message (or was found to have taken it)."""
        now = self._clock.now()
        sent_at = (report.created_at if reason is Reason.ADOPTED else None) or now
        with self._database.write() as tx:
            messages.settle(tx, message_id, State.SENT, provider_sid=report.sid, sent_at=sent_at, **_bill(report))
            if not store.move(tx, reminder_id, State.SENT, reason, now):
                return  # a callback was faster than the answer
            if report.state is not State.SENT:
                self._settle(tx, messages.by_number(tx, message_id), report, now)

    def refused(self, reminder_id: int, message_id: int, problem: GatewayError, retry_at: datetime | None) -> None:
        """The provider did not take it: leave it to reconciling, try again later, or give up."""
        now = self._clock.now()
        with self._database.write() as tx:
            if problem.sent_unknown:
                store.rest(tx, reminder_id, now + GRACE)
                return
            message = messages.by_number(tx, message_id)
            messages.settle(tx, message_id, State.FAILED, error_code=problem.provider_code)
            if problem.opted_out:
                self._learn_stop(tx, message, now)
            if retry_at is not None:
                _again(tx, reminder_id, Reason.RETRYING, now, due_at=retry_at)
            elif problem.permanent:
                self._fail(tx, message, reminder_id, Reason.OPTED_OUT if problem.opted_out else Reason.REFUSED, now)
                self._flag_number(tx, message, problem.provider_code)
            else:
                store.move(tx, reminder_id, State.MISSED, Reason.TOO_LATE, now)

    def not_called(self, reminder_id: int, message_id: int) -> None:
        """The lease ran out before the provider was asked: nothing was sent, somebody else may try."""
        now = self._clock.now()
        with self._database.write() as tx:
            messages.settle(tx, message_id, State.FAILED)
            _again(tx, reminder_id, Reason.LEASE_EXPIRED, now)

    def callback(self, token: str, report: Report) -> bool:
        """Apply a status callback; False when no message has this token. It may be the first we hear of the SID."""
        now = self._clock.now()
        with self._database.write() as tx:
            message = messages.by_token(tx, token, lock=True)
            if message is None or (message.provider_sid and message.provider_sid != report.sid):
                return False
            if message.provider_sid is None and messages.known_sid(tx, report.sid):
                return False  # it is about another message
            if message.state == State.FAILED and message.provider_sid is None:
                messages.revive(tx, message.id)  # given up as lost, but it did go out
            messages.settle(tx, message.id, State.SENT, provider_sid=report.sid, sent_at=message.sent_at or now)
            if message.reminder_id is not None:
                store.move(tx, message.reminder_id, State.SENT, Reason.DUE, now)
            if report.state is not State.SENT:
                self._settle(tx, message, report, now)
        return True

    def priced(self, message_uid: str, report: Report) -> None:
        """Keep the true price and number of segments."""
        with self._database.write() as tx:
            message = messages.by_uid(tx, message_uid)
            if message is not None:
                messages.settle(tx, message.id, State(message.state), **_bill(report))

    def _settle(self, tx: Connection, message: Record, report: Report, now: datetime) -> None:
        """Move message and reminder to the final state reported, once; then ask for the price."""
        delivered = now if report.state is State.DELIVERED else None
        unanswered = report.state is State.FAILED and message.channel == Channel.VOICE
        free = Decimal(0) if unanswered else None  # a call nobody takes is not charged and never gets a price
        if not messages.settle(
            tx, message.id, report.state, error_code=report.error_code, delivered_at=delivered, estimated=free
        ):
            return
        outbox.add(tx, "message.price", message.uid, {}, now + _PRICE_DELAY)
        if message.reminder_id is None:
            return
        if report.state is State.DELIVERED:
            store.move(tx, message.reminder_id, State.DELIVERED, None, now)
            return
        reason = Reason.NOT_ANSWERED if message.channel == Channel.VOICE else Reason.UNDELIVERED
        self._fail(tx, message, message.reminder_id, reason, now)
        self._flag_number(tx, message, report.error_code)

    def _fail(self, tx: Connection, message: Record, reminder_id: int, reason: Reason, now: datetime) -> None:
        """Give up on this channel. Who asked us to stop is not tried on another one instead."""
        failed = store.move(tx, reminder_id, State.FAILED, reason, now)
        if failed and message.kind == "reminder" and reason is not Reason.OPTED_OUT:
            self._fall_back(tx, reminder_id, now)

    def _fall_back(self, tx: Connection, reminder_id: int, now: datetime) -> None:
        """Let the next channel of the same step follow at once: bring its reminder forward, or plan it."""
        failed = store.by_number(tx, reminder_id)
        following = self._next_channel(tx, failed)
        if following is None or now > failed.not_after or store.overtaken(tx, reminder_id):
            return
        if store.bring_forward(tx, failed.appointment_id, failed.plan, failed.step, following, now):
            return
        if following in {row.channel for row in store.contacted(tx, failed.appointment_id, failed.plan, failed.step)}:
            return
        values = {"uid": new_uid("rem", now), "channel": following, "due_at": now, "state": State.PLANNED,
                  "reason": Reason.DUE, "attempts": 0, "updated_at": now}  # fmt: skip
        same = ("appointment_id", "patient_id", "kind", "plan", "step", "not_after")
        store.add(tx, [values | {name: getattr(failed, name) for name in same}])

    def _next_channel(self, tx: Connection, failed: Record) -> Channel | None:
        service_id = store.service_of(tx, failed.appointment_id)
        service = self._catalogue.current().service_by_id.get(service_id)
        steps = service.policy.steps if service and service.policy else ()
        if failed.step >= len(steps) or failed.channel not in steps[failed.step].channels:
            return None
        channels = steps[failed.step].channels
        position = channels.index(Channel(failed.channel)) + 1
        return channels[position] if position < len(channels) else None

    def _learn_stop(self, tx: Connection, message: Record, now: datetime) -> None:
        if consents.stop(tx, message.phone, Channel.SMS, now, "provider: recipient opted out (21610)", message.id):
            store.withdraw_for_phone(tx, message.phone, Channel.SMS, now)

    def _flag_number(self, tx: Connection, message: Record, code: int | None) -> None:
        if code in self._bad_number and message.patient_id is not None:
            patients.change(tx, message.patient_id, {"phone_problem": f"provider error {code}"})


def _again(tx: Connection, reminder_id: int, reason: Reason, now: datetime, **values: Any) -> None:
    """Back to the plan; withdrawn instead when the visit has changed while the attempt was under way."""
    overtaken = store.overtaken(tx, reminder_id)
    if overtaken is None:
        store.move(tx, reminder_id, State.PLANNED, reason, now, **values)
    else:
        store.move(tx, reminder_id, State.WITHDRAWN, overtaken, now)


def _bill(report: Report) -> dict[str, Any]:
    """Segments and price as the provider states them; ``None`` values are left out when stored."""
    return {
        "segments": report.segments,
        "price": report.price,
        "price_currency": report.currency if report.price is not None else None,
    }
