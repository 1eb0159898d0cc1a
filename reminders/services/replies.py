"""What a patient's SMS means and what follows from it.

Recorded once by the provider's id, read in the patient's language, applied through the lifecycle, answered in words.
What nobody can read with certainty goes to the desk's inbox, and the patient is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import patient
from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.clinic import Location
from reminders.domain.cost import rate_card
from reminders.domain.delivery import Channel, State
from reminders.domain.reply import Intent, is_carrier_yes, read
from reminders.domain.sms import segments
from reminders.errors import IllegalTransition
from reminders.services.batch import visit_facts
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, consents, inbox, messages, patients
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.texts import Rendered, Template, Texts
from reminders.texts.lexicons import Lexicons

#: How long a question stays open for an answer.
_OPEN_FOR = timedelta(days=14)
#: Two questions this close together could both be meant by one answer.
_SAME_BREATH = timedelta(hours=12)
#: Answers to one phone within a day; beyond that two machines are talking to each other.
_ANSWERS_PER_DAY = 10

_CHANGES = {Intent.CONFIRM: Change.CONFIRM, Intent.CANCEL: Change.CANCEL}
_EVEN_AFTER_STOP = frozenset({Template.ANSWER_HELP, Template.ANSWER_START})
_ANSWERS = {Change.CONFIRM: Template.ANSWER_CONFIRMED, Change.CANCEL: Template.ANSWER_CANCELLED}


@dataclass(frozen=True, slots=True)
class Incoming:
    """An SMS as it arrived. ``opt_out`` is what the provider itself made of it: STOP, START, HELP or nothing."""

    sid: str
    phone: str
    body: str
    opt_out: str = ""


@dataclass(frozen=True, slots=True)
class _Reply:
    """An incoming message on its way through: who sent it and which visit it can be about."""

    incoming: Incoming
    message_id: int
    sender: Record | None
    visits: Sequence[Record]
    was_asked: bool
    now: datetime

    @property
    def visit(self) -> Record | None:
        """The one visit it is about, if that is beyond doubt."""
        return self.visits[0] if len(self.visits) == 1 else None


class Replies:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, texts: Texts,
        lexicons: Lexicons,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._texts = texts
        self._lexicons = lexicons

    def receive(self, incoming: Incoming) -> str | None:
        """Handle one SMS; the answer to send back, or ``None`` for silence. A repeated delivery is silent."""
        now = self._clock.now()
        self._lexicons.keywords()  # read before the transaction: the first time takes a while
        with self._database.write() as tx:
            questions = messages.questions(tx, incoming.phone, now - _OPEN_FOR)
            visits = _asked_about(questions, now)
            sender = _sender(tx, incoming.phone, visits)
            number = messages.add_once(tx, _incoming(incoming, sender, now))
            if number is None:
                return None
            reply = _Reply(incoming, number, sender, visits, bool(questions), now)
            template = self._act(tx, reply, self._intent(tx, reply))
            return self._answer(tx, reply, template) if template else None

    def _intent(self, tx: Connection, reply: _Reply) -> Intent:
        """What the provider made of it, else what we read. After a stop by text a bare "yes" is a start, as it is for
        carriers, which lift their block at that word."""
        body = reply.incoming.body
        if reply.incoming.opt_out:
            return {"STOP": Intent.STOP, "START": Intent.START}.get(reply.incoming.opt_out.upper(), Intent.HELP)
        if is_carrier_yes(body) and consents.said_by_text(tx, reply.incoming.phone):
            return Intent.START
        own, english = self._lexicons.of(self._language(reply)), self._lexicons.of("en")
        return read(body, own, english, others=self._lexicons.keywords()).intent

    def _act(self, tx: Connection, reply: _Reply, intent: Intent) -> Template | None:
        match intent:
            case Intent.STOP:
                self._stop(tx, reply)
                return None
            case Intent.START:
                self._start(tx, reply)
                return self._unless_provider_answers(reply, Template.ANSWER_START)
            case Intent.HELP:
                return self._unless_provider_answers(reply, Template.ANSWER_HELP)
            case Intent.THANKS:
                return None
            case Intent.CONFIRM | Intent.CANCEL:
                return self._decide(tx, reply, _CHANGES[intent])
            case Intent.RESCHEDULE:
                return self._move(tx, reply)
            case _:
                self._to_desk(tx, reply, "not_understood")
                return Template.ANSWER_UNCLEAR

    def _decide(self, tx: Connection, reply: _Reply, change: Change) -> Template:
        """Apply a yes or no to the one visit it can be about; to none when it could be about several."""
        if not reply.visits:
            return self._about_nothing(tx, reply)
        asked_together = len({visit.id for visit in reply.visits}) == 1  # one message named them all and asked for a 1
        if reply.visit is None and not (change is Change.CONFIRM and asked_together):
            self._to_desk(tx, reply, "several_visits")
            return Template.ANSWER_AMBIGUOUS
        try:
            for visit in reply.visits:
                self._lifecycle.change(tx, visit.appointment_uid, change, patient("sms"))
        except IllegalTransition:
            return self._too_late(tx, reply)
        return _ANSWERS[change] if reply.visit else Template.ANSWER_ALL_CONFIRMED

    def _move(self, tx: Connection, reply: _Reply) -> Template:
        """Only the desk finds another time; it is told whichever visit may be meant."""
        if not reply.visits and not self._has_visit_ahead(tx, reply):
            return self._about_nothing(tx, reply)
        self._to_desk(tx, reply, "wants_another_time")
        if not reply.visits:
            return Template.ANSWER_UNCLEAR
        return Template.ANSWER_RESCHEDULE if reply.visit else Template.ANSWER_AMBIGUOUS

    def _about_nothing(self, tx: Connection, reply: _Reply) -> Template:
        """Say no more than is true: that the question is out of date, that there is no visit, or that a person reads it."""
        if reply.was_asked:
            return self._too_late(tx, reply)
        self._to_desk(tx, reply, "no_open_visit")
        return Template.ANSWER_UNCLEAR if self._has_visit_ahead(tx, reply) else Template.ANSWER_NOTHING

    def _has_visit_ahead(self, tx: Connection, reply: _Reply) -> bool:
        return bool(appointments.open_for_phone(tx, reply.incoming.phone, reply.now))

    def _too_late(self, tx: Connection, reply: _Reply) -> Template:
        self._to_desk(tx, reply, "visit_changed_meanwhile")
        return Template.ANSWER_TOO_LATE

    def _stop(self, tx: Connection, reply: _Reply) -> None:
        """Nothing more is sent: not even a goodbye, which the provider says itself and would block from us."""
        phone = reply.incoming.phone
        consents.stop(tx, phone, Channel.SMS, reply.now, _evidence(reply), reply.message_id)
        reminder_store.withdraw_for_phone(tx, phone, Channel.SMS, reply.now)

    def _start(self, tx: Connection, reply: _Reply) -> None:
        phone = reply.incoming.phone
        consents.start(tx, phone, Channel.SMS, reply.now, _evidence(reply))
        reminder_store.resume_for_phone(tx, phone, Channel.SMS, reply.now)

    def _unless_provider_answers(self, reply: _Reply, template: Template) -> Template | None:
        return None if reply.incoming.opt_out else template

    def _to_desk(self, tx: Connection, reply: _Reply, reason: str) -> None:
        inbox.add(tx, {
            "uid": new_uid("inb", reply.now), "message_id": reply.message_id,
            "patient_id": reply.sender.id if reply.sender else None,
            "appointment_id": reply.visit.appointment_id if reply.visit else None, "reason": reason,
            "created_at": reply.now,
        })  # fmt: skip

    def _answer(self, tx: Connection, reply: _Reply, template: Template) -> str | None:
        location = self._venue(reply)
        if location is None or self._is_silenced(tx, reply, template):
            return None
        rendered = self._words(tx, reply, template, location)
        units = segments(rendered.body).count
        price = rate_card(reply.now.date()).price(Channel.SMS, reply.incoming.phone, units)
        values = {
            "uid": new_uid("msg", reply.now), "direction": "out", "channel": Channel.SMS, "kind": "answer",
            "appointment_id": reply.visit.appointment_id if reply.visit else None,
            "patient_id": reply.sender.id if reply.sender else None, "phone": reply.incoming.phone,
            "body": rendered.body, "language": rendered.language, "state": State.SENT, "segments": units, "template": template, "text_version": rendered.version,
            "estimated": price.amount, "estimated_currency": price.currency, "created_at": reply.now,
            "sent_at": reply.now,
        }  # fmt: skip
        messages.add(tx, values)
        return rendered.body

    def _is_silenced(self, tx: Connection, reply: _Reply, template: Template) -> bool:
        """Nobody is answered endlessly, and who said stop only about stop and start."""
        phone = reply.incoming.phone
        stops = consents.in_force(tx, [phone])
        if consents.blocks(stops, phone, Channel.SMS) and template not in _EVEN_AFTER_STOP:
            return True
        return messages.answers_since(tx, phone, reply.now - timedelta(days=1)) >= _ANSWERS_PER_DAY

    def _words(self, tx: Connection, reply: _Reply, template: Template, location: Location) -> Rendered:
        visit = appointments.by_number(tx, reply.visit.appointment_id) if reply.visit else None
        name = visit.patient_name if visit else (reply.sender.name if reply.sender else "")
        zone = visit.patient_zone if visit else None
        facts = visit_facts(location, name, zone, visit.start_at if visit else None)
        own, language = self._catalogue.current().texts, reply.sender.language if reply.sender else None
        return self._texts.sms(template, language, location.locale, facts, own)

    def _venue(self, reply: _Reply) -> Location | None:
        """Who answers: the visit's venue, else that of the sender's latest visit, else the clinic's first; nobody before
        there is one."""
        places = self._catalogue.current().location_by_id
        home = reply.visits[0].location_id if reply.visits else getattr(reply.sender, "home_location_id", None)
        return places[home] if home else next(iter(places.values()), None)

    def _language(self, reply: _Reply) -> str:
        wanted, place = reply.sender.language if reply.sender else None, self._venue(reply)
        return self._texts.negotiate(wanted, place.locale if place else None)[0]


def _sender(tx: Connection, phone: str, visits: Sequence[Record]) -> Record | None:
    """The patient the visit belongs to; several people may share a phone. Else the one we wrote to last."""
    if len(visits) == 1:
        return patients.by_number(tx, visits[0].patient_id)
    return messages.patient_of_phone(tx, phone)


def _evidence(reply: _Reply) -> str:
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
