"""Our side of a provider's calendar: visits are shown in it, everything else in it takes the provider's time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.appointment import Change, Status
from reminders.domain.clinic import RemoteMove
from reminders.domain.connector import Fields, Refused, Remote
from reminders.domain.ports import Unreadable
from reminders.domain.replica import Fate, Local
from reminders.domain.sync import Owner, canonical_moment, canonical_text
from reminders.domain.visit_event import CANCELLED_STAYS, Privacy, Visit, event
from reminders.errors import NotFound, ReminderError
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Lifecycle
from reminders.services.sync.busy import BusyItem, BusyTimes
from reminders.services.sync.holding import DESK_DECIDES, SYNC, Holding
from reminders.store import appointments, busy
from reminders.store.engine import Record

#: Time and status are ours: a change made there is a request. What else is written there stays there.
OWNERS = {
    "start": Owner.OURS, "end": Owner.OURS, "status": Owner.OURS, "summary": Owner.MIRROR, "location": Owner.MIRROR,
    "digest": Owner.THEIRS,
}  # fmt: skip
_BUSY = "bsy_"
_PAST = timedelta(days=1)
#: A visit that began this long ago may still be moved: a walk-in is written down a little late.
_LATE = timedelta(hours=1)


class VisitEvents:
    """A ``Replica`` of one provider's visits and busy time. ``connection`` says whose, and what may be shown."""

    def __init__(
        self, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, busy_times: BusyTimes, connection: Record,
        actor: Actor,
    ) -> None:  # fmt: skip
        self._clock, self._catalogue, self._lifecycle, self._busy = clock, catalogue, lifecycle, busy_times
        self._connection, self._actor = connection, actor
        self._holding = Holding(clock, lifecycle, actor)
        self._privacy = Privacy(connection.config.get("privacy", Privacy.FULL))

    def canonical(self, remote: Remote) -> Remote:
        """The connector knows all forms."""
        return remote

    def read(self, tx: Connection, local_id: str) -> Local | None:
        if local_id.startswith(_BUSY):
            row = busy.by_uid(tx, local_id)
            return None if row is None else Local({"digest": row.digest})
        visit = self._visit(tx, local_id)
        if visit is None or visit.provider_id != self._connection.provider_id or not visit.timed:
            return None
        is_off = visit.status == Status.CANCELLED
        if is_off and visit.updated_at < self._clock.now() - CANCELLED_STAYS:
            return None
        shown = event(self._facts(visit), self._privacy)
        return Local(
            {
                "start": canonical_moment(visit.start_at), "end": canonical_moment(visit.end_at),
                "status": "cancelled" if is_off else "confirmed", "summary": canonical_text(shown.summary),
                "location": canonical_text(shown.location),
            },
            final=is_off,
        )  # fmt: skip

    def match(self, tx: Connection, remote: Remote) -> str | None:
        visit = self._visit(tx, remote.uid) if remote.uid else None
        return visit.uid if visit is not None and visit.provider_id == self._connection.provider_id else None

    def create(self, tx: Connection, remote: Remote) -> str | None:
        """Somebody's own event: it takes the provider's time. A copy of a visit of ours does not."""
        if remote.uid is not None or self._connection.config.get("busy") is False:
            return None
        try:
            return self._put(tx, remote)
        except Unreadable:
            return None

    def apply(self, tx: Connection, local_id: str, fields: Fields, remote: Remote) -> None:
        if local_id.startswith(_BUSY):
            try:
                self._put(tx, remote)
            except Unreadable as problem:
                raise Refused(problem.code, fields=("digest",)) from problem
            return
        visit = self._visit(tx, local_id)
        if visit is None:
            return
        if fields.get("status") == "cancelled":
            self._cancel(tx, visit)
        elif "status" in fields:
            raise Refused("status_conflict", "A visit that was cancelled stays so.", ("status",))
        elif "start" in fields:
            self._move(tx, visit, datetime.fromisoformat(fields["start"]), fields)
        elif "end" in fields:
            raise Refused("length_fixed", "The service says how long a visit takes.", ("end",))

    def removed(self, tx: Connection, local_id: str) -> Fate:
        if local_id.startswith(_BUSY):
            self._busy.drop(tx, local_id)
            return Fate.DROP
        policy = self._connection.on_remote_delete
        if policy == "cancel":
            try:
                self.drop(tx, local_id)
                return Fate.DROP
            except Refused:
                return Fate.ASK
        return Fate.RESTORE if policy == "restore" else Fate.ASK

    def revive(self, _tx: Connection, _local_id: str, _remote: Remote) -> bool:
        """A visit that went to somebody else, or is over, does not come back because of a calendar."""
        return False

    def everything(self, tx: Connection, after: str | None, limit: int) -> Sequence[str]:
        since = self._clock.now() - _PAST
        return appointments.uids_of_provider(tx, self._connection.provider_id, since, after, limit)

    def disputed(self, tx: Connection, local_id: str, field: str, *, open_: bool) -> None:
        """No reminder goes out while it is open when the visit takes place."""
        visit = None if local_id.startswith(_BUSY) else self._visit(tx, local_id)
        if visit is not None:
            self._holding.disputed(tx, visit, field, open_=open_)

    def drop(self, tx: Connection, local_id: str) -> None:
        """Call the visit off as its calendar wants; the patient is told as of any cancellation."""
        self._change(tx, local_id, Change.CANCEL, ("status",), reason="calendar")

    def _cancel(self, tx: Connection, visit: Record) -> None:
        """A cancellation there is carried out only where deletions are, too: patients are not cancelled unasked."""
        if self._actor.channel == SYNC and self._connection.on_remote_delete != "cancel":
            raise Refused("cancelled_there", "Cancelled in the calendar; a person decides.", ("status",))
        self.drop(tx, visit.uid)

    def _move(self, tx: Connection, visit: Record, start: datetime, fields: Fields) -> None:
        if start.second:
            raise Refused("invalid", "Visits begin on a full minute.", ("start", "end"))
        if start < self._clock.now() - _LATE:
            raise Refused("slot_not_offered", "This time is in the past.", ("start", "end"))
        length = visit.end_at - visit.start_at
        if "end" in fields and datetime.fromisoformat(fields["end"]) != start + length:
            raise Refused("length_fixed", "The service says how long a visit takes.", ("end",))
        if self._actor.channel == SYNC and self._asks_first(visit):
            raise Refused(DESK_DECIDES, "The front desk decides about moves.", ("start", "end"))
        self._change(tx, visit.uid, Change.RESCHEDULE, ("start", "end"), start=start)

    def _asks_first(self, visit: Record) -> bool:
        location = self._catalogue.current().location_by_id[visit.location_id]
        return location.on_remote_move is RemoteMove.ASK

    def _change(self, tx: Connection, uid: str, change: Change, fields: Sequence[str], **more: Any) -> None:
        try:
            self._lifecycle.change(tx, uid, change, self._actor, **more)
        except ReminderError as problem:
            raise Refused(problem.code, problem.message, fields) from problem

    def _put(self, tx: Connection, remote: Remote) -> str:
        item = BusyItem(remote.remote_id, remote.fields["digest"], lambda: remote.raw or "")
        return self._busy.put(tx, self._connection.uid, self._connection.provider_id, item).uid

    def _visit(self, tx: Connection, uid: str) -> Record | None:
        try:
            return appointments.get(tx, uid)
        except NotFound:
            return None

    def _facts(self, visit: Record) -> Visit:
        snapshot = self._catalogue.current()
        location = snapshot.location_by_id[visit.location_id]
        return Visit(
            uid=visit.uid, start=visit.start_at, end=visit.end_at, zone=location.zone, status=visit.status, sequence=0,
            changed_at=visit.updated_at, booked_at=visit.booked_at, patient=visit.patient_name,
            service=snapshot.service_by_id[visit.service_id].name, provider="", location=location.name,
        )  # fmt: skip
