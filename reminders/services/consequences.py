"""What follows from a text once it is understood: the visit changes, a question goes back, or the desk is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from reminders.domain.actor import patient
from reminders.domain.appointment import Change
from reminders.domain.lexicon import Role
from reminders.domain.reply import Intent
from reminders.errors import IllegalTransition, SlotTaken
from reminders.services.catalogue import Catalogue
from reminders.services.dialogues import Dialogues
from reminders.services.lifecycle import Lifecycle
from reminders.services.reply import Answer, Reply
from reminders.store import appointments, inbox
from reminders.store.engine import Record, attempt
from reminders.store.ids import new_uid
from reminders.texts import Template

#: What a text wishes for.
CHANGES = {
    Intent.CONFIRM: Change.CONFIRM, Intent.CANCEL: Change.CANCEL, Intent.PERHAPS_CANCEL: Change.CANCEL,
    Intent.RESCHEDULE: Change.RESCHEDULE,
}  # fmt: skip
_ONE = {Change.CONFIRM: Template.ANSWER_CONFIRMED, Change.CANCEL: Template.ANSWER_CANCELLED}
_ALL = {Change.CONFIRM: Template.ANSWER_ALL_CONFIRMED, Change.CANCEL: Template.ANSWER_ALL_CANCELLED}


class Consequences:
    """Works within a transaction that the caller opened."""

    def __init__(self, catalogue: Catalogue, lifecycle: Lifecycle, dialogues: Dialogues) -> None:
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._dialogues = dialogues

    def change(self, tx: Connection, reply: Reply, visits: Sequence[Record], change: Change) -> Answer:
        """Confirm or cancel these visits, all or none of them."""
        late = [visit for visit in visits if change is Change.CANCEL and self._is_late(visit, reply.now)]
        if late:
            self.to_desk(tx, reply, "late_cancel", late[0])
            return Answer(Template.ANSWER_LATE, late[0])
        try:
            with attempt(tx):
                for visit in visits:
                    self._lifecycle.change(tx, visit.uid, change, patient(reply.via))
        except IllegalTransition:
            return self.out_of_date(tx, reply, visits[0])
        return Answer(_ONE[change], visits[0]) if len(visits) == 1 else Answer(_ALL[change])

    def offer_times(
        self, tx: Connection, reply: Reply, visit: Record, days: frozenset[Role] = frozenset()
    ) -> Answer:  # fmt: skip
        """Other times to choose from, on the ``days`` that were named; without any, or too close to the visit, somebody
        from the clinic finds one."""
        if self._is_late(visit, reply.now):
            self.to_desk(tx, reply, "wants_another_time", visit)
            return Answer(Template.ANSWER_LATE, visit)
        return self._dialogues.times(tx, reply, visit, days) or self.desk_finds_time(tx, reply, visit)

    def move(self, tx: Connection, reply: Reply, visit: Record, start: datetime) -> Answer:
        """Move the visit to the time that was offered; should it be gone, others are offered."""
        self._dialogues.close(tx, reply, lingers=True)
        try:
            with attempt(tx):
                self._lifecycle.change(tx, visit.uid, Change.RESCHEDULE, patient(reply.via), start=start)
        except SlotTaken:
            return self.offer_times(tx, reply, visit)
        except IllegalTransition:
            return self.out_of_date(tx, reply, visit)
        return Answer(Template.ANSWER_MOVED, appointments.get(tx, visit.uid))

    def desk_finds_time(self, tx: Connection, reply: Reply, visit: Record) -> Answer:
        self._dialogues.close(tx, reply, lingers=True)
        self.to_desk(tx, reply, "wants_another_time", visit)
        return Answer(Template.ANSWER_RESCHEDULE, visit)

    def out_of_date(self, tx: Connection, reply: Reply, visit: Record | None = None) -> Answer:
        """The visit is over or has changed since the question."""
        self.to_desk(tx, reply, "visit_changed_meanwhile", visit)
        return Answer(Template.ANSWER_TOO_LATE, visit)

    def to_desk(
        self, tx: Connection, reply: Reply, reason: str, visit: Record | None = None, proposed: datetime | None = None
    ) -> None:  # fmt: skip
        about = visit or reply.visit
        inbox.add(tx, {
            "uid": new_uid("inb", reply.now), "message_id": reply.message_id,
            "patient_id": reply.sender.id if reply.sender else None,
            "appointment_id": about.id if about else None, "reason": reason, "proposed_at": proposed,
            "created_at": reply.now,
        })  # fmt: skip

    def _is_late(self, visit: Record, now: datetime) -> bool:
        """Whether the service wants no more cancelling by text this close to the visit."""
        return self._catalogue.current().service_by_id[visit.service_id].is_closed_for_changes(visit.start_at, now)
