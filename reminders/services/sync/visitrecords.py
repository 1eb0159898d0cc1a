"""Our side of visits in a patient system: what is shown there, and what becomes of requests made there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.domain.appointment import Change, Confirmation, Status
from reminders.domain.clinic import Provider, Service
from reminders.domain.connector import Fields, Refused, Remote
from reminders.domain.crm import PATIENT, VISIT
from reminders.domain.replica import Fate, Local
from reminders.domain.sync import canonical_moment, canonical_text
from reminders.errors import NotFound, ReminderError
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Draft, Lifecycle
from reminders.services.sync.arrivals import Arrivals
from reminders.services.sync.holding import Holding
from reminders.store import appointments, links, patients
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: What began longer ago is left as it is on both sides.
_PAST = timedelta(days=1)
#: A visit that began this long ago may still be moved or written down: a walk-in.
_LATE = timedelta(hours=1)
_AHEAD = frozenset({Status.PENDING, Status.BOOKED})
#: What a status that was set there asks for.
_ASKS = {
    "booked": Change.CONFIRM, "arrived": Change.ARRIVE, "fulfilled": Change.FULFIL, "noshow": Change.NOSHOW,
    "cancelled": Change.CANCEL,
}  # fmt: skip
#: What is not changed from there, and why.
_FIXED = {"patient": "patient_fixed", "service": "service_fixed"}


class VisitRecords:
    """A ``Replica`` of visits. ``config`` of the connection maps our providers and services to ids or names there."""

    def __init__(
        self, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, connection: Record, actor: Actor
    ) -> None:  # fmt: skip
        self._clock, self._catalogue, self._lifecycle = clock, catalogue, lifecycle
        self._connection, self._actor = connection, actor
        self._holding = Holding(clock, lifecycle, actor)
        self._arrivals: Arrivals | None = None

    def gather(self, tx: Connection, remotes: Sequence[Remote]) -> None:
        """Many that are new here are taken in next."""
        self._arrivals = Arrivals.of(tx, self._connection.id, remotes) if remotes else None

    def canonical(self, remote: Remote) -> Remote:
        """Connectors give these fields in canonical form already."""
        return remote

    def read(self, tx: Connection, local_id: str) -> Local | None:
        visit = self._visit(tx, local_id)
        if visit is None or not visit.timed or visit.provider_id is None or visit.source is not None:
            return None
        patient = self._patient_there(tx, visit.patient_uid)
        snapshot = self._catalogue.current()
        provider, service = snapshot.provider_by_id[visit.provider_id], snapshot.service_by_id[visit.service_id]
        mapped = {
            "provider": self._map("providers").get(provider.uid),
            "service": self._map("services").get(service.uid),
        }
        return Local(
            {
                "start": canonical_moment(visit.start_at), "end": canonical_moment(visit.end_at),
                "patient": patient or "", **{name: there for name, there in mapped.items() if there},
                "status": str(visit.status), "confirmed": visit.confirmation == Confirmation.CONFIRMED,
                "cancel_reason": canonical_text(visit.cancel_reason),
            },
            final=visit.status == Status.CANCELLED, modified=visit.updated_at, ready=patient is not None,
        )  # fmt: skip

    def match(self, tx: Connection, remote: Remote) -> str | None:
        """By our id, else the visit of the same patient at the same time, which people had entered on both sides."""
        if remote.uid and self._visit(tx, remote.uid) is not None:
            return remote.uid
        patient = self._patient_here(tx, remote)
        return self.recognise(tx, remote, patient) if patient is not None else None

    def recognise(self, tx: Connection, remote: Remote, patient: str) -> str | None:
        """The visit of this patient at the same time, if it is no other there already."""
        start = remote.fields.get("start")
        if not start or (self._arrivals and self._arrivals.is_new(patient, datetime.fromisoformat(start))):
            return None
        for uid in appointments.uids_at(tx, patient, datetime.fromisoformat(start)):
            link = links.by_local(tx, self._connection.id, VISIT, uid)
            if link is None or link.dead:
                return uid
        return None

    def judge(self, tx: Connection, remote: Remote, known: Collection[str] = ()) -> bool:
        """False for what is over or called off; ``Refused`` when patient, provider or service are not known."""
        fields = remote.fields
        start = datetime.fromisoformat(fields["start"]) if fields.get("start") else None
        if start is None or start < self._clock.now() - _LATE or fields.get("status", "booked") not in _AHEAD:
            return False
        if fields.get("patient") not in known and self._patient_here(tx, remote) is None:
            raise Refused("patient_unknown", "The patient of this visit is not known here yet.")
        self._offer(fields)
        self._check_minute(start)
        return True

    def create(self, tx: Connection, remote: Remote) -> str | None:
        """Book what was booked there; ``None`` for what is over or called off, ``Refused`` when our rules say no."""
        patient = self._patient_here(tx, remote) if self.judge(tx, remote) else None
        if patient is None:
            return None
        fields = remote.fields
        service, provider = self._offer(fields)
        uid = new_uid("apt", self._clock.now())
        draft = Draft(service, provider, patients.get(tx, patient), datetime.fromisoformat(fields["start"]))
        self._obey((), lambda: self._lifecycle.book(tx, uid, draft, self._actor))
        if self._arrivals is not None:
            self._arrivals.add(patient, draft.start)
        if fields.get("confirmed"):
            self._lifecycle.change(tx, uid, Change.CONFIRM, self._actor)
        return uid

    def apply(self, tx: Connection, local_id: str, fields: Fields, remote: Remote) -> None:
        """Every change is a request; ``Refused`` names the fields that our rules do not let change."""
        visit = self._visit(tx, local_id)
        if visit is None:
            return
        for name in _FIXED.keys() & fields.keys():
            raise Refused(_FIXED[name], f"The {name} of a visit is not changed from there.", (name,))
        if fields.get("status") == Status.CANCELLED:
            others = tuple(sorted(fields.keys() - {"status", "cancel_reason"}))
            if others:
                raise Refused("status_conflict", "A visit that is called off is not changed otherwise.", others)
            reason = str(remote.fields.get("cancel_reason") or "") or None
            self._change(tx, visit, Change.CANCEL, ("status",), reason=reason)
            return
        if fields.keys() & {"start", "end", "provider"}:
            self._move(tx, visit, fields)
        if "status" in fields:
            self._step(tx, visit, str(fields["status"]))
        if fields.get("confirmed"):
            self._change(tx, visit, Change.CONFIRM, ("confirmed",))
        elif "confirmed" in fields and visit.confirmation == Confirmation.CONFIRMED and "start" not in fields:
            raise Refused("confirmed_stays", "The patient has said yes.", ("confirmed",))
        if "cancel_reason" in fields:
            self._reason(tx, visit, fields["cancel_reason"])

    def removed(self, tx: Connection, local_id: str) -> Fate:
        policy = self._connection.on_remote_delete
        if policy == "cancel":
            try:
                self.drop(tx, local_id)
                return Fate.DROP
            except Refused:
                return Fate.ASK
        return Fate.RESTORE if policy == "restore" else Fate.ASK

    def drop(self, tx: Connection, local_id: str) -> None:
        """Call the visit off; the patient is told as of any cancellation."""
        visit = self._visit(tx, local_id)
        if visit is not None:
            self._change(tx, visit, Change.CANCEL, ("status",), reason="deleted in the patient system")

    def revive(self, _tx: Connection, _local_id: str, _remote: Remote) -> bool:
        return False

    def everything(self, tx: Connection, after: str | None, limit: int) -> Sequence[str]:
        return appointments.uids_since(tx, self._clock.now() - _PAST, after, limit)

    def disputed(self, tx: Connection, local_id: str, field: str, *, open_: bool) -> None:
        visit = self._visit(tx, local_id)
        if visit is not None:
            self._holding.disputed(tx, visit, field, open_=open_)

    def waiting(self, tx: Connection) -> Sequence[str]:
        """Visits there that were refused because nobody knew their patient, and now somebody does."""
        held = links.waiting(tx, self._connection.id, VISIT)
        named = {str(link.base_remote.get("patient") or "") for link in held}
        known = {
            key
            for key, link in links.by_remotes(tx, self._connection.id, PATIENT, sorted(named)).items()
            if link.local_id
        }
        return [link.remote_id for link in held if link.remote_id and link.base_remote.get("patient") in known]

    def _move(self, tx: Connection, visit: Record, fields: Fields) -> None:
        start = datetime.fromisoformat(fields["start"]) if "start" in fields else visit.start_at
        names = tuple(name for name in ("start", "end", "provider") if name in fields)
        self._check_minute(start, names)
        if "start" in fields and start < self._clock.now() - _LATE:
            raise Refused("slot_not_offered", "This time is in the past.", names)
        length = visit.end_at - visit.start_at
        if "end" in fields and datetime.fromisoformat(fields["end"]) != start + length:
            raise Refused("length_fixed", "The service says how long a visit takes.", ("end",))
        to = self._provider(str(fields["provider"])) if "provider" in fields else None
        if "provider" in fields and to is None:
            raise Refused("provider_unknown", "Nobody here has this name there.", ("provider",))
        if start != visit.start_at or to is not None:
            self._change(tx, visit, Change.RESCHEDULE, names, start=start, provider=to)

    def _step(self, tx: Connection, visit: Record, status: str) -> None:
        change = _ASKS.get(status)
        if change is None:
            raise Refused("status_conflict", "A visit does not go back to this status.", ("status",))
        if change in (Change.FULFIL, Change.NOSHOW) and visit.start_at > self._clock.now():
            raise Refused("too_early", "This visit has not begun yet.", ("status",))
        self._change(tx, visit, change, ("status",))

    def _reason(self, tx: Connection, visit: Record, reason: Any) -> None:
        current = appointments.get(tx, visit.uid)
        if current.status == Status.CANCELLED:
            appointments.change(tx, visit.id, {"cancel_reason": str(reason) or None})

    def _change(self, tx: Connection, visit: Record, change: Change, fields: Sequence[str], **more: Any) -> None:
        self._obey(fields, lambda: self._lifecycle.change(tx, visit.uid, change, self._actor, **more))

    def _obey(self, fields: Sequence[str], work: Callable[[], object]) -> None:
        try:
            work()
        except ReminderError as problem:
            raise Refused(problem.code, problem.message, fields) from problem

    def _check_minute(self, start: datetime, fields: Sequence[str] = ()) -> None:
        if start.second:
            raise Refused("invalid", "Visits begin on a full minute.", fields)

    def _offer(self, fields: Fields) -> tuple[Service, Provider]:
        """What is booked with whom: as mapped, or what leaves no choice."""
        provider = self._provider(str(fields.get("provider") or ""))
        if provider is None:
            raise Refused("provider_unknown", "The connection does not say who this provider is here.")
        service = self._service(str(fields.get("service") or ""), provider)
        if service is None:
            raise Refused("service_unknown", "The connection does not say which service this is here.")
        return service, provider

    def _provider(self, there: str) -> Provider | None:
        snapshot = self._catalogue.current()
        found = _mapped(self._map("providers"), there, snapshot.providers)
        active = [one for one in snapshot.providers.values() if one.active]
        return found or (active[0] if len(active) == 1 and not there else None)

    def _service(self, there: str, provider: Provider) -> Service | None:
        snapshot = self._catalogue.current()
        offered = {uid: one for uid, one in snapshot.services.items() if provider.id in one.provider_ids and one.active}
        found = _mapped(self._map("services"), there, offered)
        standard = self._connection.config.get("default_service")
        return found or offered.get(standard or "") or (next(iter(offered.values())) if len(offered) == 1 else None)

    def _patient_there(self, tx: Connection, uid: str) -> str | None:
        there = self._arrivals.patient_there(uid) if self._arrivals else None
        if there is not None:
            return there
        link = links.by_local(tx, self._connection.id, PATIENT, uid)
        return link.remote_id if link is not None else None

    def _patient_here(self, tx: Connection, remote: Remote) -> str | None:
        there = str(remote.fields.get("patient") or "")
        if self._arrivals is not None:
            known = self._arrivals.patient_here(there)
            return known.local_id if known is not None else None
        link = links.by_remotes(tx, self._connection.id, PATIENT, [there]).get(there) if there else None
        return link.local_id if link is not None else None

    def _visit(self, tx: Connection, uid: str) -> Record | None:
        try:
            return appointments.get(tx, uid)
        except NotFound:
            return None

    def _map(self, what: str) -> Mapping[str, str]:
        found: Mapping[str, str] = self._connection.config.get(what, {})
        return found


def _mapped(names: Mapping[str, str], there: str, ours: Mapping[str, Any]) -> Any:
    """The one of ours that has this name there."""
    return next((ours[uid] for uid, name in names.items() if there and name == there and uid in ours), None)
