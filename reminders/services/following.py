"""What follows a contact that did not reach the patient: the same call later, or the next channel at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.plan import DEFAULT_QUIET_HOURS, into_allowed_hours
from reminders.services.catalogue import Catalogue
from reminders.services.planning import Lot
from reminders.store import appointments
from reminders.store import reminders as store
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: A phone that is busy or not taken is called so often in all, so far apart.
CALLS = 3
CALL_AGAIN = timedelta(minutes=15)


class Following:
    """Works within the transaction that records the failure."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def call_again(self, tx: Connection, reminder_id: int, now: datetime) -> bool:
        """Plan the same call once more, within allowed hours and before its deadline; False when that was enough."""
        row = store.by_number(tx, reminder_id)
        if row.attempts >= CALLS or row.appointment_id is None or store.overtaken(tx, reminder_id):
            return False
        visit = appointments.by_number(tx, row.appointment_id)
        snapshot = self._catalogue.current()
        place = snapshot.location_by_id[visit.location_id]
        service = snapshot.service_by_id.get(visit.service_id)
        policy = service.policy if service else None
        quiet = policy.quiet(place.country) if policy else DEFAULT_QUIET_HOURS
        due = into_allowed_hours(now + CALL_AGAIN, row.not_after, now, place.zone_of(visit.patient_zone), quiet)
        if due is None or due < now + CALL_AGAIN or due > row.not_after:
            return False
        return store.put_back(tx, reminder_id, Reason.CALL_AGAIN, now, on_a_call=True, due_at=due)

    def fall_back(self, tx: Connection, reminder_id: int, now: datetime) -> None:
        """Let the next channel of the same step follow at once: bring its reminder forward, or plan it."""
        failed = store.by_number(tx, reminder_id)
        following = self._next_channel(tx, failed)
        if following is None or now > failed.not_after or store.overtaken(tx, reminder_id):
            return
        if store.bring_forward(tx, failed.appointment_id, failed.plan, failed.step, following, now):
            return
        if following in {row.channel for row in store.contacted(tx, failed.appointment_id, failed.plan, failed.step)}:
            return
        values = {"uid": new_uid("rem", now), "channel": following, "due_at": now, "state": State.PLANNED,
                  "reason": Reason.DUE, "attempts": 0, "updated_at": now}  # fmt: skip
        same = ("appointment_id", "patient_id", "kind", "plan", "step", "not_after")
        store.add(tx, [values | {name: getattr(failed, name) for name in same}])

    def _next_channel(self, tx: Connection, failed: Record) -> Channel | None:
        if failed.appointment_id is None:
            return None
        visit = appointments.by_number(tx, failed.appointment_id)
        service = self._catalogue.current().service_by_id.get(visit.service_id)
        rule = Lot.of(visit).step(service.policy if service else None, failed.step)
        return rule.after(Channel(failed.channel)) if rule else None
