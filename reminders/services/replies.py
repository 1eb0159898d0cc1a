"""What a patient's SMS means and what follows from it.

Recorded once by the provider's id, read in the patient's language, applied through the lifecycle, answered in words.
What nobody can read with certainty goes to the desk's inbox, and the patient is told so. What could mean several visits,
or a cancellation without being sure, is asked about (``services/dialogues.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.delivery import Channel, State
from reminders.domain.dialogue import Kind
from reminders.domain.lexicon import Lexicon, Role
from reminders.domain.reply import UNCLEAR, Intent, Reading, about, is_carrier_yes, read
from reminders.services.answers import Answers
from reminders.services.catalogue import Catalogue
from reminders.services.consequences import CHANGES, Consequences
from reminders.services.continuing import Continuing
from reminders.services.dialogues import Dialogues
from reminders.services.lifecycle import Lifecycle
from reminders.services.reply import Answer, Incoming, Reply
from reminders.services.slots import Slots
from reminders.store import appointments, consents, messages, patients, questions
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.texts import Template, Texts
from reminders.texts.lexicons import Lexicons

__all__ = ["Incoming", "Replies"]

#: How long a question stays open for an answer.
_OPEN_FOR = timedelta(days=14)
#: Two questions this close together could both be meant by one answer.
_SAME_BREATH = timedelta(hours=12)


class Replies:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, texts: Texts,
        lexicons: Lexicons, slots: Slots,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lexicons = lexicons
        self._answers = Answers(catalogue, texts)
        self._dialogues = Dialogues(catalogue, slots)
        self._then = Consequences(catalogue, lifecycle, self._dialogues)
        self._continuing = Continuing(catalogue, self._dialogues, self._then)

    def receive(self, incoming: Incoming) -> str | None:
        """Handle one SMS; the answer to send back, or ``None`` for silence. A repeated delivery is silent."""
        return self._lexicons.with_words(
            lambda: self._database.run(lambda tx: self._receive(tx, incoming, self._clock.now()))
        )

    def _receive(self, tx: Connection, incoming: Incoming, now: datetime) -> str | None:
        asked = messages.questions(tx, incoming.phone, now - _OPEN_FOR)
        meant = _asked_about(asked, now)
        visits = [appointments.by_number(tx, question.appointment_id) for question in meant]
        since = asked[0].created_at if asked else now - _OPEN_FOR
        question = _standing(questions.latest(tx, incoming.phone, Channel.SMS, since), now)
        sender = _sender(tx, incoming.phone, visits, question)
        number = messages.add_once(tx, _incoming(incoming, sender, now))
        if number is None:
            return None
        together = len({one.id for one in meant}) == 1  # one message named them all and asked for a 1
        ahead = () if visits else appointments.open_for_phone(tx, incoming.phone, now)
        reply = Reply(incoming, number, sender, visits, together, bool(asked), now, question, ahead)
        answer = self._act(tx, reply, self._read(tx, reply))
        return self._answers.say(tx, reply, answer) if answer else None

    def _read(self, tx: Connection, reply: Reply) -> Reading:
        """What the provider made of it, else what we read. After a stop by text a bare "yes" is a start, as it is for
        carriers, which lift their block at that word."""
        body, opt_out = reply.incoming.body, reply.incoming.opt_out.upper()
        if opt_out:
            return Reading({"STOP": Intent.STOP, "START": Intent.START}.get(opt_out, Intent.HELP), None, "")
        if is_carrier_yes(body) and consents.said_by_text(tx, reply.phone):
            return Reading(Intent.START, None, "")
        own, english = self._words(reply)
        return self._about(reply, read(body, own, english, others=self._lexicons.elsewhere()))

    def _about(self, reply: Reply, reading: Reading) -> Reading:
        """Compared with the visit, when the answer names a day or a time and can mean only one visit."""
        visit = reply.ahead[0] if len(reply.ahead) == 1 else reply.visit
        if visit is None:
            named = reading.days or reading.hours
            return UNCLEAR if reading.instead or (named and reading.intent is Intent.CONFIRM) else reading
        zone = self._catalogue.current().location_by_id[visit.location_id].zone
        return about(reading, visit.start_at.astimezone(zone), reply.now.astimezone(zone).date())

    def _words(self, reply: Reply) -> tuple[Lexicon, Lexicon]:
        return self._lexicons.at_hand(self._answers.language(reply)), self._lexicons.at_hand("en")

    def _act(self, tx: Connection, reply: Reply, reading: Reading) -> Answer | None:
        match reading.intent:
            case Intent.STOP:
                self._stop(tx, reply)
                return None
            case Intent.START:
                self._start(tx, reply)
                return self._unless_provider_answers(reply, Template.ANSWER_START)
            case Intent.HELP:
                self._dialogues.close(tx, reply)  # the help names what the digits mean under a reminder
                return self._unless_provider_answers(reply, Template.ANSWER_HELP)
            case Intent.THANKS:
                return None
        if reply.question is not None:
            return self._continuing.answer(tx, reply, reply.question, reading, self._words(reply))
        return self._first(tx, reply, reading) if reply.visits else self._unasked(tx, reply, reading)

    def _first(self, tx: Connection, reply: Reply, reading: Reading) -> Answer:
        """An answer to a reminder."""
        match reading.intent:
            case Intent.CONFIRM | Intent.CANCEL:
                return self._decide(tx, reply, CHANGES[reading.intent])
            case Intent.PERHAPS_CANCEL:
                if reply.visit is not None:
                    return self._dialogues.sure(tx, reply, reply.visit)
                return self._decide(tx, reply, Change.CANCEL)
            case Intent.RESCHEDULE:
                return self._move(tx, reply, reading.days)
            case _:
                return self._unclear(tx, reply)

    def _unasked(self, tx: Connection, reply: Reply, reading: Reading) -> Answer:
        """Nothing was asked that still stands. The wish of somebody who has visits ahead is asked about before anything
        changes: they answer a call or a letter, or write of their own accord."""
        change = CHANGES.get(reading.intent)
        if change is None:
            return self._unclear(tx, reply)
        if reply.was_asked and (not reply.ahead or reading.by_number or reading.bare):
            return self._then.out_of_date(tx, reply)
        if not reply.ahead:
            self._then.to_desk(tx, reply, "no_open_visit")
            return Answer(Template.ANSWER_NOTHING)
        if len(reply.ahead) > 1:
            return self._dialogues.which(tx, reply, reply.ahead, change)
        if change is Change.RESCHEDULE and not reading.by_number:
            return self._then.offer_times(tx, reply, reply.ahead[0], reading.days)
        return self._dialogues.sure(tx, reply, reply.ahead[0])

    def _unclear(self, tx: Connection, reply: Reply) -> Answer:
        self._then.to_desk(tx, reply, "not_understood")
        return Answer(Template.ANSWER_UNCLEAR, reply.visit)

    def _decide(self, tx: Connection, reply: Reply, change: Change) -> Answer:
        """Apply a yes or no to the one visit it can be about; ask which when it could be about several."""
        if reply.visit is None and not (change is Change.CONFIRM and reply.together):
            return self._dialogues.which(tx, reply, reply.visits, change)
        return self._then.change(tx, reply, reply.visits, change)

    def _move(self, tx: Connection, reply: Reply, days: frozenset[Role]) -> Answer:
        if reply.visit is not None:
            return self._then.offer_times(tx, reply, reply.visit, days)
        return self._dialogues.which(tx, reply, reply.visits, Change.RESCHEDULE)

    def _stop(self, tx: Connection, reply: Reply) -> None:
        """Nothing more is sent: not even a goodbye, which the provider says itself and would block from us."""
        self._dialogues.close(tx, reply)
        consents.stop(tx, reply.phone, Channel.SMS, reply.now, _evidence(reply), reply.message_id)
        reminder_store.withdraw_for_phone(tx, reply.phone, Channel.SMS, reply.now)

    def _start(self, tx: Connection, reply: Reply) -> None:
        consents.start(tx, reply.phone, Channel.SMS, reply.now, _evidence(reply))
        reminder_store.resume_for_phone(tx, reply.phone, Channel.SMS, reply.now)

    def _unless_provider_answers(self, reply: Reply, template: Template) -> Answer | None:
        return None if reply.incoming.opt_out else Answer(template, reply.visit)


def _sender(tx: Connection, phone: str, visits: Sequence[Record], question: Record | None) -> Record | None:
    """The patient the visit belongs to; several people may share a phone. Else the one we wrote to last."""
    if question is not None and len(question.facts["visits"]) == 1:
        return patients.by_number(tx, appointments.get(tx, question.facts["visits"][0]).patient_id)
    if len(visits) == 1 and question is None:
        return patients.by_number(tx, visits[0].patient_id)
    return messages.patient_of_phone(tx, phone)


def _standing(question: Record | None, now: datetime) -> Record | None:
    """The numbered question an answer belongs to: one that nobody has answered, or the times that were chosen from a
    moment ago, so that a second number is not taken for an answer to the reminder."""
    if question is None:
        return None
    just_chosen = question.kind == Kind.TIMES and question.expires_at > now
    return question if question.closed_at is None or just_chosen else None


def _evidence(reply: Reply) -> str:
    return f"sms: {reply.incoming.body.strip()[:60]}"


def _incoming(incoming: Incoming, sender: Record | None, now: datetime) -> dict[str, Any]:
    return {
        "uid": new_uid("msg", now), "direction": "in", "channel": Channel.SMS, "kind": "reply",
        "patient_id": sender.id if sender else None, "phone": incoming.phone, "body": incoming.body,
        "provider_sid": incoming.sid, "state": State.DELIVERED, "created_at": now,
    }  # fmt: skip


def _asked_about(questions: Sequence[Record], now: datetime) -> list[Record]:
    """The visits an answer can be about: that of the latest question, and any other that is still unanswered and was
    asked about in the same breath. A visit that was moved since is another question."""
    ahead = [question for question in questions if _still_stands(question, now)]
    if not ahead:
        return []
    latest = ahead[0]
    meant = {latest.appointment_id: latest}
    for question in ahead[1:]:
        close = latest.created_at - question.created_at <= _SAME_BREATH
        if close and question.confirmation == Confirmation.UNCONFIRMED:
            meant.setdefault(question.appointment_id, question)
    return list(meant.values())


def _still_stands(question: Record, now: datetime) -> bool:
    is_open = Status(question.status) in OPEN and question.start_at > now
    return bool(is_open and question.plan >= (question.moved or 0))
