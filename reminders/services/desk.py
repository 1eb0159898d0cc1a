"""The desk's own work: the inbox of replies nobody could read, and notes to patients."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.domain.delivery import Channel, Reason, State
from reminders.errors import Conflict, Invalid, NotFound
from reminders.store import consents, inbox, keys, patients
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.texts import clean_lines

#: A note written now is of no use tomorrow.
_NOTE_LIVES = timedelta(hours=4)


class OptedOut(Conflict):
    """The patient asked not to be texted."""

    code = "opted_out"
    sentence = "This patient asked not to receive texts; please call."


class Desk:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def inbox(self, after: int, limit: int, *, done: bool) -> Sequence[Record]:
        """One page and one row more, in order of arrival."""
        with self._database.read() as tx:
            return inbox.listing(tx, after, limit + 1, done=done)

    def item(self, uid: str) -> Record:
        """One item; ``NotFound`` when there is none."""
        with self._database.read() as tx:
            found = inbox.get(tx, uid)
        if found is None:
            raise NotFound("There is no such item.")
        return found

    def finish(self, uid: str, actor: Actor) -> Record:
        """Mark an item as dealt with."""
        with self._database.write() as tx:
            inbox.finish(tx, uid, actor.name, self._clock.now())
            item = inbox.get(tx, uid)
        if item is None:
            raise NotFound("There is no such item.")
        return item

    def write(self, patient_uid: str, text: str, once: Once | None = None) -> Record:
        """Queue a note to a patient; it goes out with the next tick, also in quiet hours: a person decided so.
        ``Invalid`` when nothing of ``text`` can be seen."""
        if not clean_lines(text):
            raise Invalid("A message needs a text.", field="text")
        now = self._clock.now()
        uid = new_uid("rem", now)
        with self._database.write() as tx:
            patient = patients.get(tx, patient_uid)
            if not patient.phone:
                raise Invalid("This patient has no phone number.", field="patient_id")
            if consents.blocks(consents.in_force(tx, [patient.phone]), patient.phone, Channel.SMS):
                raise OptedOut()
            earlier = keys.claim_once(tx, once, uid, now) if once else None
            if earlier is None:
                reminder_store.add(tx, [{
                    "uid": uid, "patient_id": patient.id, "kind": "desk", "plan": 0, "step": 0, "channel": Channel.SMS,
                    "due_at": now, "not_after": now + _NOTE_LIVES, "state": State.PLANNED, "reason": Reason.DUE,
                    "attempts": 0, "body": text, "updated_at": now,
                }])  # fmt: skip
            return reminder_store.by_uid(tx, earlier or uid)
