"""A visit in dispute: the desk finds it in its worklist, and its reminders wait."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.appointment import OPEN, Status
from reminders.domain.sync import WHOLE
from reminders.services.lifecycle import Lifecycle
from reminders.store import histories, inbox
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: Why the desk finds a visit in its worklist.
CONFLICT = "sync_conflict"
#: Channel of what another system did.
SYNC = "sync"
#: Nothing is sent while one of these is in dispute: whether and when the visit takes place.
HOLDING = frozenset({"start", "status", WHOLE})


@dataclass(frozen=True, slots=True)
class Holding:
    """Holds back reminders and lets them go again, in the name of ``actor``."""

    clock: Clock
    lifecycle: Lifecycle
    actor: Actor

    def disputed(self, tx: Connection, visit: Record, field: str, *, open_: bool) -> None:
        """A conflict about ``field`` was opened, or the last one is closed."""
        if field not in HOLDING or Status(visit.status) not in OPEN:
            return
        if open_:
            self._tell(tx, visit)
        else:
            inbox.settle(tx, visit.patient_id, CONFLICT, self.actor.name, self.clock.now())
        if open_ and not visit.paused:
            self.lifecycle.pause(tx, visit.uid, self.actor, paused=True)
        elif not open_ and visit.paused and _is_held_by_sync(tx, visit):
            self.lifecycle.pause(tx, visit.uid, self.actor, paused=False)

    def _tell(self, tx: Connection, visit: Record) -> None:
        """One item in the desk's worklist."""
        now = self.clock.now()
        inbox.add_once(tx, {
            "uid": new_uid("inb", now), "message_id": None, "patient_id": visit.patient_id,
            "appointment_id": visit.id, "reason": CONFLICT, "created_at": now,
        })  # fmt: skip


def _is_held_by_sync(tx: Connection, visit: Record) -> bool:
    pauses = [row for row in histories.of_appointment(tx, visit.id) if row.change in ("pause", "resume")]
    return bool(pauses) and pauses[-1].channel == SYNC
