"""Goes on after a numbered question: what a number, or words instead of one, mean as an answer to it.

A number never falls through to what it means under a reminder: "2" to a list of times is the second time, not "cancel",
also when the list has expired. Then the question is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, tzinfo

from sqlalchemy import Connection

from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.choosing import NOTHING, Chosen, Line, Listed, choose
from reminders.domain.dialogue import Kind, short_names
from reminders.domain.lexicon import Lexicon, Role
from reminders.domain.reply import Intent, Reading, choice
from reminders.services.catalogue import Catalogue
from reminders.services.consequences import CHANGES, Consequences
from reminders.services.dialogues import Dialogues
from reminders.services.reply import Answer, Reply
from reminders.store import appointments, messages
from reminders.store.engine import Record
from reminders.texts import Template

_WISHES = {Change.CONFIRM: Role.CONFIRM, Change.CANCEL: Role.CANCEL, Change.RESCHEDULE: Role.RESCHEDULE}
_DIGITS = {1: Change.CONFIRM, 2: Change.CANCEL, 3: Change.RESCHEDULE}


class Continuing:
    """Works within a transaction that the caller opened."""

    def __init__(self, catalogue: Catalogue, dialogues: Dialogues, consequences: Consequences) -> None:
        self._catalogue = catalogue
        self._dialogues = dialogues
        self._then = consequences

    def answer(
        self, tx: Connection, reply: Reply, question: Record, reading: Reading, words: Sequence[Lexicon]
    ) -> Answer:  # fmt: skip
        """``reading`` is what the answer would mean to a reminder, ``words`` are the lists it was read with."""
        visits = [appointments.get(tx, uid) for uid in question.facts["visits"]]
        ahead = [visit for visit in visits if Status(visit.status) in OPEN and visit.start_at > reply.now]
        if not ahead:
            self._dialogues.close(tx, reply)
            return self._then.out_of_date(tx, reply, visits[0])
        number = choice(reply.incoming.body, *words)
        sent = messages.answer_of(tx, reply.phone, question.asked_at)
        match Kind(question.kind):
            case Kind.WHICH:
                listed = self._visits(question, visits, reply.now)
                chosen = choose(reply.incoming.body, replace(listed, sent=sent), *words)
                return self._which(tx, reply, question, visits, ahead, reading, chosen)
            case Kind.SURE:
                return self._sure(tx, reply, visits[0], reading, number, expired=question.expires_at <= reply.now)
            case Kind.TIMES if question.closed_at is None:
                listed = times_on_offer(question, self._zone(visits[0]), reply.now)
                chosen = choose(reply.incoming.body, replace(listed, sent=sent), *words)
                return self._times(tx, reply, question, visits[0], reading, chosen)
            case _:
                return self._afterwards(tx, reply, question, visits[0], reading, number)

    def _visits(self, question: Record, visits: Sequence[Record], now: datetime) -> Listed:
        """The list of visits as the patient has it before them."""
        change = Change(question.change)
        shorts = short_names([visit.patient_name for visit in visits])
        lines = [
            Line(visit.start_at.astimezone(self._zone(visit)), (short, visit.patient_name))
            for visit, short in zip(visits, shorts, strict=True)
        ]
        several = change is not Change.RESCHEDULE
        return Listed(lines, now.astimezone(self._zone(visits[0])).date(), several, _WISHES[change])

    def _which(
        self, tx: Connection, reply: Reply, question: Record, visits: Sequence[Record], ahead: Sequence[Record],
        reading: Reading, chosen: Chosen,
    ) -> Answer:  # fmt: skip
        change, numbers = Change(question.change), chosen.numbers
        meant = [visits[number - 1] for number in numbers if 1 <= number <= len(visits)]
        if meant and question.expires_at > reply.now:
            self._dialogues.close(tx, reply)
            return self._do(tx, reply, meant, change)
        if chosen.unsaid:
            return self._dialogues.which(tx, reply, ahead, change)
        if numbers == (0,) or (chosen == NOTHING and reading.intent not in CHANGES):
            self._dialogues.close(tx, reply)
            self._then.to_desk(tx, reply, "wants_call_back" if numbers else "not_understood")
            return Answer(Template.ANSWER_AMBIGUOUS)
        wanted = change if chosen != NOTHING or reading.by_number else CHANGES[reading.intent]
        return self._dialogues.which(tx, reply, ahead, wanted)

    def _sure(
        self, tx: Connection, reply: Reply, visit: Record, reading: Reading, chosen: int | None, *, expired: bool
    ) -> Answer:
        change = _DIGITS.get(chosen) if chosen is not None else None
        if chosen is None and not reading.bare and reading.intent in (Intent.CANCEL, Intent.RESCHEDULE):
            change = CHANGES[reading.intent]
        if change and not expired:
            self._dialogues.close(tx, reply)
            return self._do(tx, reply, [visit], change)
        if expired and (change or reading.intent in CHANGES):
            return self._dialogues.sure(tx, reply, visit)
        self._dialogues.close(tx, reply)
        self._then.to_desk(tx, reply, "not_understood", visit)
        return Answer(Template.ANSWER_UNCLEAR, visit)

    def _times(
        self, tx: Connection, reply: Reply, question: Record, visit: Record, reading: Reading, chosen: Chosen
    ) -> Answer:
        starts = question.facts["starts"]
        if chosen.numbers and chosen.numbers != (0,):
            number = chosen.numbers[0]
            if question.expires_at <= reply.now or number > len(starts):
                return self._then.offer_times(tx, reply, visit)
            return self._then.move(tx, reply, visit, datetime.fromisoformat(starts[number - 1]))
        days = chosen.days or (reading.days if reading.intent is Intent.RESCHEDULE else frozenset())
        if days and not chosen.numbers:
            return self._then.offer_times(tx, reply, visit, days)
        if not chosen.numbers and reading.intent is Intent.CANCEL and not (reading.bare or reading.by_number):
            if reading.implied:  # "I can't come": to the visit, or at none of these times?
                return self._dialogues.sure(tx, reply, visit)
            self._dialogues.close(tx, reply)
            return self._then.change(tx, reply, [visit], Change.CANCEL)
        if not chosen.numbers and (reading.intent is Intent.CONFIRM or reading.by_number):  # which of them?
            return self._then.offer_times(tx, reply, visit)
        return self._then.desk_finds_time(tx, reply, visit)

    def _afterwards(
        self, tx: Connection, reply: Reply, question: Record, visit: Record, reading: Reading, chosen: int | None
    ) -> Answer:
        """A time was chosen a moment ago, or the desk is looking for one. A number could still mean the list."""
        certain = chosen is None and not reading.bare
        if certain and reading.intent is Intent.CANCEL:
            return self._then.change(tx, reply, [visit], Change.CANCEL)
        if visit.start_at.isoformat() not in question.facts["starts"]:
            return self._then.desk_finds_time(tx, reply, visit)
        if certain and reading.intent in (Intent.CONFIRM, Intent.RESCHEDULE):
            return self._do(tx, reply, [visit], CHANGES[reading.intent])
        return self._dialogues.sure(tx, reply, visit)

    def _do(self, tx: Connection, reply: Reply, visits: Sequence[Record], change: Change) -> Answer:
        if change is Change.RESCHEDULE:
            return self._then.offer_times(tx, reply, visits[0])
        return self._then.change(tx, reply, visits, change)

    def _zone(self, visit: Record) -> tzinfo:
        return self._catalogue.current().location_by_id[visit.location_id].zone


def times_on_offer(question: Record, zone: tzinfo, now: datetime) -> Listed:
    """The list of times that was offered, on the clock of the venue."""
    starts = [datetime.fromisoformat(start).astimezone(zone) for start in question.facts["starts"]]
    return Listed([Line(start) for start in starts], now.astimezone(zone).date(), several=False, wish=Role.CONFIRM)
