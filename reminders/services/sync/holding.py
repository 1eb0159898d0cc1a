"""A visit in dispute: the desk finds it in its worklist, and its reminders wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.appointment import OPEN, Status
from reminders.domain.sync import WHOLE
from reminders.services.lifecycle import Lifecycle
from reminders.store import histories, inbox, links
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: Why the desk finds a visit in its worklist.
CONFLICT, MOVED = "sync_conflict", "moved_in_calendar"
#: The rule against which a move is refused where the desk wants to be asked first.
DESK_DECIDES = "desk_decides"
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
        """A conflict about ``field`` was opened, or the last one of the visit, whatever it was about, is closed."""
        is_open = Status(visit.status) in OPEN
        if not open_:
            inbox.settle_visit(tx, visit.id, (CONFLICT, MOVED), self.actor.name, self.clock.now())
            if is_open and visit.paused and _is_held_by_sync(tx, visit):
                self.lifecycle.pause(tx, visit.uid, self.actor, paused=False)
        elif is_open and field in HOLDING:
            self._tell(tx, visit)
            if not visit.paused:
                self.lifecycle.pause(tx, visit.uid, self.actor, paused=True)

    def _tell(self, tx: Connection, visit: Record) -> None:
        """One item in the desk's worklist; of a move that the desk decides about, with the time that is wished for."""
        now, wished = self.clock.now(), _wished(tx, visit.uid)
        item = {
            "uid": new_uid("inb", now), "message_id": None, "patient_id": visit.patient_id,
            "appointment_id": visit.id, "reason": CONFLICT, "created_at": now,
        }  # fmt: skip
        inbox.propose(tx, item | {"reason": MOVED if wished else CONFLICT, "proposed_at": wished})


def _wished(tx: Connection, uid: str) -> datetime | None:
    """When somebody wants the visit to begin, if the desk was asked about that."""
    found = links.conflicts(tx, None, attention=True, after=None, limit=9, local_id=uid)
    times = [row.theirs for row in found if (row.field, row.note) == ("start", DESK_DECIDES)]
    return datetime.fromisoformat(times[0]) if times else None


def _is_held_by_sync(tx: Connection, visit: Record) -> bool:
    pauses = [row for row in histories.of_appointment(tx, visit.id) if row.change in ("pause", "resume")]
    return bool(pauses) and pauses[-1].channel == SYNC
