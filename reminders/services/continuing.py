"""Goes on after a numbered question: what a number, or words instead of one, mean as an answer to it.

A number never falls through to what it means under a reminder: "2" to a list of times is the second time, not "cancel",
also when the list has expired. Then the question is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.dialogue import Kind
from reminders.domain.reply import ALL, Intent, Reading
from reminders.services.consequences import Consequences
from reminders.services.dialogues import Dialogues
from reminders.services.reply import Answer, Reply
from reminders.store import appointments
from reminders.store.engine import Record
from reminders.texts import Template

_CHANGES = {
    Intent.CONFIRM: Change.CONFIRM, Intent.CANCEL: Change.CANCEL, Intent.PERHAPS_CANCEL: Change.CANCEL,
    Intent.RESCHEDULE: Change.RESCHEDULE,
}  # fmt: skip
_DIGITS = {1: Change.CONFIRM, 2: Change.CANCEL, 3: Change.RESCHEDULE}


class Continuing:
    """Works within a transaction that the caller opened."""

    def __init__(self, dialogues: Dialogues, consequences: Consequences) -> None:
        self._dialogues = dialogues
        self._then = consequences

    def answer(self, tx: Connection, reply: Reply, question: Record, reading: Reading, chosen: int | None) -> Answer:
        """``chosen`` is the number in the answer, ``reading`` what its words mean."""
        visits = [appointments.get(tx, uid) for uid in question.facts["visits"]]
        ahead = [visit for visit in visits if Status(visit.status) in OPEN and visit.start_at > reply.now]
        if not ahead:
            self._dialogues.close(tx, reply)
            return self._then.out_of_date(tx, reply, visits[0])
        match Kind(question.kind):
            case Kind.WHICH:
                return self._which(tx, reply, question, visits, ahead, reading, chosen)
            case Kind.SURE:
                return self._sure(tx, reply, visits[0], reading, chosen, expired=question.expires_at <= reply.now)
            case Kind.TIMES if question.closed_at is None:
                return self._times(tx, reply, question, visits[0], reading, chosen)
            case _:
                return self._afterwards(tx, reply, question, visits[0], reading, chosen)

    def _which(
        self, tx: Connection, reply: Reply, question: Record, visits: Sequence[Record], ahead: Sequence[Record],
        reading: Reading, chosen: int | None,
    ) -> Answer:  # fmt: skip
        change = Change(question.change)
        meant = _chosen(visits, change, chosen)
        if meant and question.expires_at > reply.now:
            self._dialogues.close(tx, reply)
            return self._do(tx, reply, meant, change)
        if chosen == 0 or (chosen is None and reading.intent not in _CHANGES):
            self._dialogues.close(tx, reply)
            self._then.to_desk(tx, reply, "wants_call_back" if chosen == 0 else "not_understood")
            return Answer(Template.ANSWER_AMBIGUOUS)
        wanted = change if chosen is not None else _CHANGES[reading.intent]
        return self._dialogues.which(tx, reply, ahead, wanted)

    def _sure(
        self, tx: Connection, reply: Reply, visit: Record, reading: Reading, chosen: int | None, *, expired: bool
    ) -> Answer:
        change = _DIGITS.get(chosen) if chosen is not None else None
        if chosen is None and not reading.bare and reading.intent in (Intent.CANCEL, Intent.RESCHEDULE):
            change = _CHANGES[reading.intent]
        if change and not expired:
            self._dialogues.close(tx, reply)
            return self._do(tx, reply, [visit], change)
        if expired and (change or reading.intent in _CHANGES):
            return self._dialogues.sure(tx, reply, visit)
        self._dialogues.close(tx, reply)
        self._then.to_desk(tx, reply, "not_understood", visit)
        return Answer(Template.ANSWER_UNCLEAR, visit)

    def _times(
        self, tx: Connection, reply: Reply, question: Record, visit: Record, reading: Reading, chosen: int | None
    ) -> Answer:
        starts = question.facts["starts"]
        if chosen is not None and chosen != 0:
            if question.expires_at <= reply.now or not 1 <= chosen <= len(starts):
                return self._then.offer_times(tx, reply, visit)
            return self._then.move(tx, reply, visit, datetime.fromisoformat(starts[chosen - 1]))
        if chosen is None and reading.intent is Intent.CANCEL and not reading.bare:
            self._dialogues.close(tx, reply)
            return self._then.change(tx, reply, [visit], Change.CANCEL)
        if reading.intent is Intent.CONFIRM and chosen is None:  # yes to which?
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
            return self._do(tx, reply, [visit], _CHANGES[reading.intent])
        return self._dialogues.sure(tx, reply, visit)

    def _do(self, tx: Connection, reply: Reply, visits: Sequence[Record], change: Change) -> Answer:
        if change is Change.RESCHEDULE:
            return self._then.offer_times(tx, reply, visits[0])
        return self._then.change(tx, reply, visits, change)


def _chosen(visits: Sequence[Record], change: Change, chosen: int | None) -> Sequence[Record]:
    """The visits that a number stands for; the one after the last, or "both", is all of them."""
    if chosen is None or chosen == 0:
        return []
    if change is not Change.RESCHEDULE and chosen in (ALL, len(visits) + 1):
        return visits
    return visits[chosen - 1 : chosen] if chosen > 0 else []
