"""Answers to invitations by mail: who comes, who does not, and what only a person can decide.

Whichever way a mail came (read from a mailbox, or handed over by another program) it takes the way of an answer by text:
recorded once, applied through the lifecycle, refused where a text would be refused. Nothing is answered by mail, so two
machines cannot keep each other busy.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import Change, Status
from reminders.domain.delivery import Channel, State
from reminders.domain.imip import Answer, Mail, Participation, ReplyAddress, read_mail
from reminders.services.consequences import Consequences
from reminders.services.reply import Incoming, Reply
from reminders.store import appointments, calendars, invitations, messages, patients
from reminders.store.engine import Database, Record
from reminders.store.ids import digest, new_uid

_CHANGES = {Participation.ACCEPTED: Change.CONFIRM, Participation.DECLINED: Change.CANCEL}
#: Longest mail that is read, in bytes; answers have a few thousand.
MOST_BYTES = 256 * 1024


class Heard(StrEnum):
    """What became of one mail."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    NOTED = "noted"
    DESK = "desk"
    STALE = "stale"
    REPEATED = "repeated"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


class Attending:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, consequences: Consequences, address: ReplyAddress | None
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._then = consequences
        self._address = address

    def receive(self, data: bytes) -> Heard:
        """Take in one mail as it came (RFC 5322); never fails because of what it holds."""
        if self._address is None or len(data) > MOST_BYTES:
            return Heard.IGNORED
        mail = read_mail(data, self._address)
        if not mail.tokens or (mail.answer is None and (mail.automatic or not mail.text)):
            return Heard.IGNORED if mail.tokens else Heard.UNKNOWN
        return self._database.run(lambda tx: self._receive(tx, mail, self._clock.now()))

    def _receive(self, tx: Connection, mail: Mail, now: datetime) -> Heard:
        invited = invitations.find(tx, [digest(token) for token in mail.tokens])
        if invited is None:
            return Heard.UNKNOWN
        visit = appointments.by_number(tx, invited.appointment_id)
        if mail.answer is None:
            return self._letter(tx, mail, visit, now)
        if mail.answer.uid != visit.uid:
            return Heard.UNKNOWN
        return self._answer(tx, mail, mail.answer, invited, visit, now)

    def _answer(
        self, tx: Connection, mail: Mail, answer: Answer, invited: Record, visit: Record, now: datetime
    ) -> Heard:  # fmt: skip
        if answer.participation in {Participation.DELEGATED, Participation.NOTHING}:
            return Heard.IGNORED
        stamp = min(answer.stamp or now, now)  # a clock ahead of ours must not silence later answers
        known = calendars.known_visits(tx, [visit.id])[visit.id]
        if answer.sequence < known.sequence or (invited.answered_at and stamp <= invited.answered_at):
            return Heard.STALE
        reply = self._record(tx, mail, _words(answer), f"{invited.id} {answer}", visit, now)
        if reply is None:
            return Heard.REPEATED
        invitations.answered(tx, invited.id, stamp, answer.participation)
        return self._apply(tx, reply, answer, visit)

    def _apply(self, tx: Connection, reply: Reply, answer: Answer, visit: Record) -> Heard:
        if answer.participation is Participation.COUNTER:
            self._then.to_desk(tx, reply, "wants_another_time", proposed=answer.proposed)
            return Heard.DESK
        if answer.comment:
            self._then.to_desk(tx, reply, "comment_by_mail")
        change = _CHANGES.get(answer.participation)
        if change is None:
            return Heard.NOTED
        self._then.change(tx, reply, [visit], change)
        return _heard(appointments.get(tx, visit.uid), change)

    def _letter(self, tx: Connection, mail: Mail, visit: Record, now: datetime) -> Heard:
        """Somebody wrote instead of pressing a button: a person reads it."""
        reply = self._record(tx, mail, mail.text, f"letter {mail}", visit, now)
        if reply is None:
            return Heard.REPEATED
        self._then.to_desk(tx, reply, "comment_by_mail")
        return Heard.DESK

    def _record(
        self, tx: Connection, mail: Mail, body: str, identity: str, visit: Record, now: datetime
    ) -> Reply | None:
        """Keep it once, however often and whichever way it comes; ``None`` when it is known."""
        sid = f"mail:{digest(identity)}"
        number = messages.add_once(tx, {
            "uid": new_uid("msg", now), "direction": "in", "channel": Channel.EMAIL, "kind": "reply",
            "patient_id": visit.patient_id, "appointment_id": visit.id, "phone": mail.sender, "body": body,
            "provider_sid": sid, "state": State.DELIVERED, "created_at": now,
        })  # fmt: skip
        if number is None:
            return None
        sender = patients.by_number(tx, visit.patient_id)
        return Reply(Incoming(sid, mail.sender, body), number, sender, [visit], False, True, now, via=Channel.EMAIL)


def _words(answer: Answer) -> str:
    """An answer as the conversation shows it: what the calendar program said, and what its user added."""
    wished = f" {answer.proposed:%Y-%m-%dT%H:%MZ}" if answer.proposed else ""
    return f"{answer.participation}{wished}" + (f": {answer.comment}" if answer.comment else "")


def _heard(visit: Record, change: Change) -> Heard:
    """Whether it had the effect that was asked for; what was refused is with the desk."""
    if change is Change.CANCEL:
        return Heard.CANCELLED if visit.status == Status.CANCELLED else Heard.DESK
    return Heard.CONFIRMED if visit.confirmation == "confirmed" and visit.status == Status.BOOKED else Heard.DESK
