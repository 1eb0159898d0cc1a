"""Records what became of a message: the provider's answer, its callbacks, and what a search at the provider found.

All of it may come late, twice or in any order; the state machines of ``domain/delivery.py`` decide what still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.call import MACHINES, Outcome
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.ports import Report
from reminders.errors import GatewayError
from reminders.services import callcosts, calltimes, numbers
from reminders.services.batch import Job
from reminders.services.catalogue import Catalogue
from reminders.services.following import Following
from reminders.store import claims, consents, messages, spendings
from reminders.store import reminders as store
from reminders.store.engine import Database, Record

#: How long an attempt without an answer rests before the provider is searched for it.
GRACE = timedelta(seconds=60)
#: When to ask the provider itself for an outcome nobody has reported, and for the price of what has ended.
_CHECK_OUTCOME = timedelta(minutes=5)
_CHECK_PRICE = timedelta(minutes=1)


class Accepted(NamedTuple):
    """A message that the provider took."""

    job: Job
    report: Report


class Outcomes:
    """One public method = one transaction."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        catalogue: Catalogue,
        bad_number: frozenset[int],
        grace: timedelta = GRACE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._following = Following(catalogue)
        self._bad_number = bad_number
        self._grace = grace

    def accepted(self, done: Sequence[Accepted]) -> None:
        """The provider took these messages. Most just wait for their callbacks now and are recorded together."""
        now = self._clock.now()
        with self._database.write() as tx:
            waiting = claims.accept(tx, [_taken(one, now) for one in done], [
                {"id": number, "state": State.SENT, "reason": Reason.COMBINED if place else Reason.DUE, "lease_until": None,
                 "updated_at": now}
                for one in done for place, number in enumerate(one.job.reminders)
            ])  # fmt: skip
            known = {} if waiting == len(done) else messages.sids(tx, [one.job.token for one in done])
            for one in done:
                faster = waiting < len(done) and known.get(one.job.token) != one.report.sid
                if faster or one.report.state is not State.SENT:
                    message = messages.by_token(tx, one.job.token)
                    if message is not None:
                        self._accept(tx, one.job.reminders[0], message, one.report, Reason.DUE, now)

    def accepted_nameless(self, one: Accepted) -> None:
        """The provider took a message under an id that another message of ours has: it went out, more is not known."""
        self.accepted([one._replace(report=replace(one.report, sid=""))])

    def adopted(self, row: store.Lapsed, message_id: int, report: Report) -> None:
        """A message whose answer got lost was found at the provider; nothing when somebody has dealt with it since."""
        now = self._clock.now()
        with self._database.write() as tx:
            if store.still_lapsed(tx, row):
                self._accept(tx, row.id, messages.by_number(tx, message_id), report, Reason.ADOPTED, now)

    def refused(self, job: Job, problem: GatewayError, retry_at: datetime | None) -> None:
        """The provider did not take it: leave it to reconciling, try again later, or give up."""
        now, reminder_id = self._clock.now(), job.reminders[0]
        with self._database.write() as tx:
            message = messages.by_token(tx, job.token, lock=True)
            if message is None or message.state != State.UNCERTAIN:
                return  # somebody has dealt with it since
            if problem.sent_unknown:
                if job.channel is Channel.EMAIL:
                    _assume_sent(tx, job, message.id, now)
                else:
                    store.rest(tx, reminder_id, now + self._grace)
                return
            abandon(tx, message, problem.provider_code)
            if problem.opted_out:
                self._learn_stop(tx, message, now)
            if retry_at is not None:
                _again(tx, reminder_id, Reason.RETRYING, now, due_at=retry_at)
            elif problem.permanent:
                self._fail(tx, message, Reason.OPTED_OUT if problem.opted_out else Reason.REFUSED, now)
                self._flag_number(tx, message, problem.provider_code)
            else:
                store.move(tx, reminder_id, State.MISSED, Reason.TOO_LATE, now)

    def put_back(self, job: Job, problem: GatewayError) -> None:
        """The account was refused, not the message: it waits unharmed until the account works again."""
        now = self._clock.now()
        with self._database.write() as tx:
            message = messages.by_token(tx, job.token, lock=True)
            if message is None or message.state != State.UNCERTAIN:
                return
            abandon(tx, message, problem.provider_code)
            _again(tx, job.reminders[0], Reason.ACCOUNT_CLOSED, now, due_at=now, attempts=job.attempts - 1)

    def not_called(self, job: Job) -> None:
        """The lease ran out before the provider was asked: nothing was sent, somebody else may try."""
        now = self._clock.now()
        with self._database.write() as tx:
            message = messages.by_token(tx, job.token, lock=True)
            if message is not None and message.state == State.UNCERTAIN:
                abandon(tx, message)
                _again(tx, job.reminders[0], Reason.LEASE_EXPIRED, now, due_at=now)

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
                _count(tx, message)
            facts = {"provider_sid": report.sid or None, "sent_at": message.sent_at or now}
            if message.check_at is None and report.state is State.SENT:
                facts["check_at"] = now + _CHECK_OUTCOME
            messages.settle(tx, message.id, State.SENT, **facts)
            if message.reminder_id is not None:
                store.move(tx, message.reminder_id, State.SENT, Reason.DUE, now)
            if report.state is not State.SENT:
                self._settle(tx, message, report, now)
        return True

    def learned(self, message: Record, report: Report, check_at: datetime | None) -> None:
        """What the provider said when it was asked: the outcome if it has one, the bill, and when to ask again."""
        now, report = self._clock.now(), callcosts.billed(message, report)
        with self._database.write() as tx:
            if report.state is not State.SENT:
                self._settle(tx, message, report, now)
            if report.price is not None and message.price is None:
                _correct_spending(tx, messages.by_number(tx, message.id), report)
            messages.settle(tx, message.id, State(message.state), **_bill(report))
            messages.check_again(tx, message.id, check_at)

    def _accept(
        self, tx: Connection, reminder_id: int, message: Record, report: Report, reason: Reason, now: datetime
    ) -> None:
        sent_at = (report.created_at if reason is Reason.ADOPTED else None) or now
        facts = _bill(report) | {"check_at": now + _CHECK_OUTCOME}
        messages.settle(tx, message.id, State.SENT, provider_sid=report.sid or None, sent_at=sent_at, **facts)
        moved = store.move(tx, reminder_id, State.SENT, reason, now)
        if report.state is not State.SENT and (moved or store.by_number(tx, reminder_id).state == State.SENT):
            self._settle(tx, messages.by_number(tx, message.id), report, now)

    def _settle(self, tx: Connection, message: Record, report: Report, now: datetime) -> None:
        """Move message and reminder to the final state reported, once; then ask for the price."""
        delivered = now if report.state is State.DELIVERED else None
        unanswered = report.state is State.FAILED and message.channel == Channel.VOICE
        if not messages.settle(tx, message.id, report.state):
            return
        messages.learn(
            tx, message.id, delivered_at=delivered, error_code=report.error_code,
            duration=report.duration, answered_by=report.answered_by, outcome=_outcome(message, report),
        )  # fmt: skip
        messages.check_again(tx, message.id, None if unanswered else now + _CHECK_PRICE)
        if message.channel == Channel.VOICE:
            _hung_up(tx, messages.by_number(tx, message.id), report, now)
        if message.reminder_id is None:
            return
        if report.state is State.DELIVERED:
            self._arrived(tx, message, report, now)
        elif not (unanswered and self._following.call_again(tx, message.reminder_id, now)):
            reason = Reason.NOT_ANSWERED if message.channel == Channel.VOICE else Reason.UNDELIVERED
            self._fail(tx, message, reason, now)
            self._flag_number(tx, message, report.error_code)

    def _arrived(self, tx: Connection, message: Record, report: Report, now: datetime) -> None:
        """Done; but a machine was told nothing of the visit, so the step's next channel follows."""
        machine = (report.answered_by or message.answered_by) in MACHINES
        moved = store.move(tx, message.reminder_id, State.DELIVERED, Reason.VOICEMAIL if machine else None, now)
        if moved and machine and message.kind == "reminder":
            self._following.fall_back(tx, message.reminder_id, now)

    def _fail(self, tx: Connection, message: Record, reason: Reason, now: datetime) -> None:
        """Give up on this channel. Who asked us to stop is not tried on another one instead."""
        spoken_for = [message.reminder_id, *store.carried(tx, message.reminder_id)]
        failed = store.move(tx, message.reminder_id, State.FAILED, reason, now)
        if failed and message.kind == "reminder" and reason is not Reason.OPTED_OUT:
            for number in spoken_for:
                self._following.fall_back(tx, number, now)

    def _learn_stop(self, tx: Connection, message: Record, now: datetime) -> None:
        if consents.stop(tx, message.phone, Channel.SMS, now, "provider: recipient opted out (21610)", message.id):
            store.withdraw_for_phone(tx, message.phone, Channel.SMS, now)

    def _flag_number(self, tx: Connection, message: Record, code: int | None) -> None:
        if code in self._bad_number and message.patient_id is not None:
            numbers.flag(tx, message, f"provider error {code}", self._clock.now())


def _again(tx: Connection, reminder_id: int, reason: Reason, now: datetime, **values: Any) -> None:
    """Back to the plan; withdrawn instead when the visit has changed while the attempt was under way."""
    overtaken = store.overtaken(tx, reminder_id)
    if overtaken is None:
        store.put_back(tx, reminder_id, reason, now, **values)
    else:
        store.move(tx, reminder_id, State.WITHDRAWN, overtaken, now)


def _assume_sent(tx: Connection, job: Job, message_id: int, now: datetime) -> None:
    """An e-mail whose answer got lost at the very end: nobody can be asked, and twice would be worse than once too few."""
    messages.settle(tx, message_id, State.SENT, sent_at=now, provider_sid=job.reminder_uid)
    store.move(tx, job.reminders[0], State.SENT, Reason.UNCONFIRMED, now)


def _taken(one: Accepted, now: datetime) -> dict[str, Any]:
    """What is stored of a message that the provider took. E-mail ends here: nobody reports on it, and it is free."""
    job, report = one
    check_at = None if job.channel is Channel.EMAIL else now + _CHECK_OUTCOME
    return {
        "token": job.token, "state": State.SENT, "provider_sid": report.sid or None, "sent_at": now, "check_at": check_at,
        "segments": report.segments or (job.segments if job.channel is Channel.SMS else None),
        "price": report.price, "price_currency": report.currency if report.price is not None else None,
    }  # fmt: skip


def _hung_up(tx: Connection, call: Record, report: Report, now: datetime) -> None:
    """A call nobody takes is not charged and never gets a price."""
    if report.state is State.FAILED:
        callcosts.untaken(tx, call)
    elif report.duration:
        callcosts.ended(tx, call, report.duration)
    calltimes.hung_up(tx, call, now)


def _outcome(message: Record, report: Report) -> Outcome | None:
    """How a call ended that got no answer by key or words; ``None`` when it did, and for texts."""
    if message.channel != Channel.VOICE or message.outcome is not None:
        return None
    if report.state is State.FAILED:
        return Outcome.NOT_ANSWERED
    return Outcome.VOICEMAIL if (report.answered_by or message.answered_by) in MACHINES else Outcome.NO_CHOICE


def _bill(report: Report) -> dict[str, Any]:
    """Segments and price as the provider states them; ``None`` values are left out when stored."""
    return {
        "segments": report.segments,
        "price": report.price,
        "price_currency": report.currency if report.price is not None else None,
        "duration": report.duration,
        "answered_by": report.answered_by,
    }


def abandon(tx: Connection, attempt: Record, error_code: int | None = None) -> None:
    """The provider never took it: it costs nothing."""
    if messages.settle(tx, attempt.id, State.FAILED, error_code=error_code):
        _count(tx, attempt, -1)


def _count(tx: Connection, message: Record, sign: int = 1) -> None:
    """In the month's sum, as when it was written."""
    if message.estimated:
        spendings.add(tx, message.created_at, message.estimated_currency, sign * message.estimated)


def _correct_spending(tx: Connection, message: Record, report: Report) -> None:
    """The month's sum was counted with the estimate."""
    if report.price is not None and message.estimated is not None and report.currency == message.estimated_currency:
        spendings.add(tx, message.created_at, message.estimated_currency, report.price - message.estimated)
