"""The one place where a visit changes: it asks the status machine, replans reminders, writes history, queues effects.

Every path (API, console, SMS, call, import, sync) ends here, inside the caller's transaction, so a visit and its
reminders can never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import SYSTEM, Actor
from reminders.domain.appointment import OCCUPYING, OPEN, Change, Confirmation, Status, next_confirmation, next_status
from reminders.domain.clinic import Location, Provider, Service
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import WITHDRAWN_BECAUSE
from reminders.domain.plan import into_allowed_hours
from reminders.errors import IllegalTransition, Invalid, Stale
from reminders.services.catalogue import Catalogue
from reminders.services.changefacts import facts_of
from reminders.services.planning import Lot, reminders_of
from reminders.services.replanning import Edit, replan, retime
from reminders.services.visittimes import times
from reminders.store import appointments, bookings, histories, outbox
from reminders.store import reminders as reminder_store
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: How long a notice of a change waits, so that a slip of the mouse can be put right before anybody is told.
NOTICE_DELAY = timedelta(minutes=2)

_REACHED_BY = {Change.ARRIVE: Status.ARRIVED, Change.FULFIL: Status.FULFILLED, Change.NOSHOW: Status.NOSHOW}
_NOTICES = {Change.RESCHEDULE: "moved", Change.CANCEL: "cancelled"}
_PATIENT = "patient"
#: What a visit booked here has no value for.
_NOT_SET = {"cancel_reason": None, "source": None, "external_id": None, "paused": False, "published": False}


@dataclass(frozen=True, slots=True)
class Draft:
    """A visit to be booked."""

    service: Service
    provider: Provider
    patient: Record
    start: datetime


@dataclass(frozen=True, slots=True)
class _Subject:
    """The visit whose reminders are planned, as it will be after the change."""

    patient_id: int
    version: int
    service: Service
    location: Location
    zone: tzinfo
    lot: Lot
    by_mail: bool = False  # an address on the card and no number


class Lifecycle:
    """Books and changes visits within a transaction that the caller opened."""

    def __init__(self, clock: Clock, catalogue: Catalogue) -> None:
        self._clock = clock
        self._catalogue = catalogue

    def book(self, tx: Connection, uid: str, draft: Draft, actor: Actor) -> Record:
        """Store a new visit with its reminders, history and effects; ``SlotTaken`` when the time is occupied.

        Returns the visit as ``appointments.get`` would read it, without asking again.
        """
        now = self._clock.now()
        location, lot = draft.provider.location, Lot(draft.service.id, draft.patient.uid, now)
        values = times(draft.service, location, draft.start, now) | {
            "uid": uid, "location_id": location.id, "provider_id": draft.provider.id, "service_id": draft.service.id,
            "patient_id": draft.patient.id, "status": Status.BOOKED, "confirmation": Confirmation.UNCONFIRMED,
            "occupies": True, "timed": True, "booked_at": now, "version": 1, "updated_at": now,
        }  # fmt: skip
        zone = location.zone_of(draft.patient.time_zone)
        planned = _planned(_Subject(draft.patient.id, 1, draft.service, location, zone, lot), draft.start, now)
        history, effect = _record(uid, "book", actor, 1, {"start": draft.start.isoformat()}, now)
        number = bookings.add(tx, values, planned, history, effect)
        return SimpleNamespace(**values, **_NOT_SET, id=number, **_contact(draft.patient))

    def change(
        self, tx: Connection, uid: str, change: Change, actor: Actor, *, version: int | None = None,
        start: datetime | None = None, provider: Provider | None = None, reason: str | None = None,
    ) -> Record:  # fmt: skip
        """Carry out one change; returns the visit as it was before.

        ``version`` is what the caller last saw (``Stale`` when it is not the current one). Repeating a change that
        has already had its effect is harmless and changes nothing. A reschedule needs a ``start`` (else ``Invalid``).
        """
        if change is Change.RESCHEDULE and start is None:
            raise Invalid("The new time is missing.", field="start")
        visit = appointments.get(tx, uid, lock=True)
        if version is not None and visit.version != version:
            raise Stale(current_version=visit.version)
        assumed = visit.status == Status.FULFILLED and histories.is_assumed(tx, visit.id)  # anybody may know better
        if not assumed and _has_happened(visit, change, start, provider):
            return visit
        now = self._clock.now()
        status = next_status(Status.BOOKED if assumed else Status(visit.status), change)
        values = _values(visit, change, status, actor, reason) | {"version": visit.version + 1, "updated_at": now}
        told = actor.name == _PATIENT
        if change is Change.RESCHEDULE and start is not None:
            known, confirmed = _last_told(tx, visit)
            values |= self._moved(visit, start, provider, now)
            values |= {"confirmation": Confirmation.CONFIRMED} if confirmed and known == start else {}
            told |= known == start
        appointments.change(tx, visit.id, values)
        self._replan(tx, visit, change, start, provider, now, told=told)
        facts = facts_of(visit, change, start, provider, reason)
        _write(tx, visit, change.value, actor, facts, now)
        return visit

    def pause(self, tx: Connection, uid: str, actor: Actor, *, paused: bool, version: int | None = None) -> None:
        """Hold back the reminders of a visit still ahead, or let them go again; repeating it changes nothing."""
        visit, change = appointments.get(tx, uid, lock=True), "pause" if paused else "resume"
        if version is not None and visit.version != version:
            raise Stale(current_version=visit.version)
        if visit.paused == paused:
            return
        if Status(visit.status) not in OPEN:
            raise IllegalTransition(current_status=visit.status, change=change)
        now = self._clock.now()
        appointments.change(tx, visit.id, {"paused": paused, "version": visit.version + 1, "updated_at": now})
        _write(tx, visit, change, actor, {}, now)

    def replan(self, tx: Connection, uid: str, edit: Edit, actor: Actor) -> bool:
        """Bring the reminders of a visit still ahead in line with an edited policy; False when nothing had to change.
        The visit itself, its version included, stays as it is."""
        visit, now = appointments.get(tx, uid, lock=True), self._clock.now()
        service = self._catalogue.current().service_by_id[visit.service_id]
        if not edit.concerns(service) or Status(visit.status) not in OPEN or visit.start_at <= now:
            return False
        return replan(tx, visit, self._catalogue.current().location_by_id[visit.location_id], edit, actor, now)

    def rezone(
        self, tx: Connection, visit: Record, start: datetime, facts: Mapping[str, Any], *, occupies: bool
    ) -> None:
        """The same wall time at another moment, since the zone's rules changed: reminders and calendars follow, nobody is
        told. ``visit`` must be locked; ``SlotTaken`` when it is to take up time that somebody else has."""
        now, snapshot = self._clock.now(), self._catalogue.current()
        service, location = snapshot.service_by_id[visit.service_id], snapshot.location_by_id[visit.location_id]
        kept = {name: getattr(visit, name) for name in ("local_day", "lead_days", "time_zone", "local_start")}
        moved = times(service, location, start, visit.booked_at) | kept | {
            "version": visit.version + 1, "updated_at": now,
        }  # fmt: skip
        appointments.change(tx, visit.id, moved | {"occupies": occupies})
        retime(tx, visit, location, service.policy, start, now)
        _write(
            tx, visit, "zone-rules", SYSTEM, {"from": visit.start_at.isoformat(), "to": start.isoformat(), **facts}, now
        )

    def _moved(self, visit: Record, start: datetime, provider: Provider | None, now: datetime) -> dict[str, Any]:
        snapshot = self._catalogue.current()
        service = snapshot.service_by_id[visit.service_id]
        to = provider or snapshot.provider_by_id[visit.provider_id]
        return times(service, to.location, start, visit.booked_at or now) | {
            "provider_id": to.id, "location_id": to.location.id, "timed": True,
        }  # fmt: skip

    def _replan(
        self, tx: Connection, visit: Record, change: Change, start: datetime | None, provider: Provider | None, now: datetime,
        *, told: bool,
    ) -> None:  # fmt: skip
        if change in WITHDRAWN_BECAUSE:
            reminder_store.withdraw(tx, visit.id, WITHDRAWN_BECAUSE[change], now)
        if change not in _NOTICES:
            return
        snapshot = self._catalogue.current()
        location = provider.location if provider else snapshot.location_by_id[visit.location_id]
        service = snapshot.service_by_id[visit.service_id]
        zone = location.zone_of(visit.patient_zone)
        by_mail = bool(visit.patient_email) and not visit.patient_phone
        subject = _Subject(visit.patient_id, visit.version + 1, service, location, zone, Lot.of(visit), by_mail)
        if change is Change.RESCHEDULE and start is not None:
            reminder_store.add(tx, _of_visit(visit.id, _planned(subject, start, now)))
        if not told and Status(visit.status) in OPEN:
            notice = _notice(subject, _NOTICES[change], min(start or visit.start_at, visit.start_at), now)
            reminder_store.add(tx, _of_visit(visit.id, notice))


def _contact(patient: Record) -> dict[str, Any]:
    return {
        "patient_uid": patient.uid, "patient_name": patient.name, "patient_phone": patient.phone,
        "patient_email": patient.email, "patient_language": patient.language, "patient_zone": patient.time_zone,
        "patient_paused": patient.paused,
    }  # fmt: skip


def _record(
    uid: str, change: str, actor: Actor, version: int, facts: Mapping[str, Any], now: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The line of the history, which still needs the number of the visit, and the effect to carry out."""
    history = {
        "at": now, "change": change, "actor": actor.name, "channel": actor.channel, "version": version,
        "facts": dict(facts),
    }  # fmt: skip
    return history, outbox.row("appointment.changed", uid, {"change": change, "version": version}, now)


def _write(
    tx: Connection, visit: Record, change: str, actor: Actor, facts: Mapping[str, Any], now: datetime
) -> None:  # fmt: skip
    history, effect = _record(visit.uid, change, actor, visit.version + 1, facts, now)
    histories.add(tx, {**history, "appointment_id": visit.id})
    outbox.add_row(tx, effect)


def _of_visit(number: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "appointment_id": number} for row in rows]


def _planned(subject: _Subject, start: datetime, now: datetime) -> list[dict[str, Any]]:
    """The reminders of a visit as rows, without its number."""
    policy = subject.service.policy
    planned = reminders_of(policy, subject.lot, subject.location, subject.zone, start, now) if policy else []
    return [
        _row(subject, now, kind="reminder", step=item.step, channel=item.channel, due_at=item.due_at,
             not_after=item.not_after, state=item.state, reason=item.reason)
        for item in planned
    ]  # fmt: skip


def _last_told(tx: Connection, visit: Record) -> tuple[datetime | None, bool]:
    """The time the patient believes in when nobody has told of any later move, else ``None``, and whether it is the time
    that was confirmed."""
    told, known = reminder_store.told_versions(tx, visit.id), None
    for row in reversed(histories.answers_and_moves(tx, visit.id)):
        if row.change != Change.RESCHEDULE:
            return known, row.change == Change.CONFIRM and known is not None
        if row.version in told or row.actor == _PATIENT or "from_provider" in row.facts:
            break
        known = datetime.fromisoformat(row.facts["from"])
    return known, False


def _notice(subject: _Subject, kind: str, before: datetime, now: datetime) -> list[dict[str, Any]]:
    """Tell the patient of a change somebody else made; nothing is said about visits that have begun."""
    policy = subject.service.policy
    if policy is None or kind not in policy.notices or before <= now:
        return []
    wished = min(now + NOTICE_DELAY, before)
    quiet = policy.quiet(subject.location.country)
    due = into_allowed_hours(wished, before, now, subject.zone, quiet) or wished
    reason = Reason.DUE if due == wished else Reason.SHIFTED
    channel = Channel.EMAIL if subject.by_mail else Channel.SMS
    return [_row(subject, now, kind=kind, step=0, channel=channel, due_at=due, not_after=before, state=State.PLANNED,
                 reason=reason)]  # fmt: skip


def _row(subject: _Subject, now: datetime, **values: Any) -> dict[str, Any]:
    return {
        "uid": new_uid("rem", now), "patient_id": subject.patient_id,
        "plan": subject.version, "attempts": 0, "updated_at": now, **values,
    }  # fmt: skip


def _values(visit: Record, change: Change, status: Status, actor: Actor, reason: str | None) -> dict[str, Any]:
    """What a change does to the visit's own state, its time aside."""
    values: dict[str, Any] = {
        "status": status, "occupies": _takes_time(visit, change) and status in OCCUPYING,
        "confirmation": next_confirmation(Confirmation(visit.confirmation), change),
    }  # fmt: skip
    if change is Change.CANCEL:
        values["cancel_reason"] = reason
        if actor.name == _PATIENT:
            values["confirmation"] = Confirmation.DECLINED
    return values


def _takes_time(visit: Record, change: Change) -> bool:
    """Visits imported from the past take up no time, unless they are moved to a time of ours."""
    return change is Change.RESCHEDULE or visit.source is None


def _has_happened(visit: Record, change: Change, start: datetime | None, provider: Provider | None) -> bool:
    match change:
        case Change.CONFIRM:
            return bool(visit.status == Status.BOOKED and visit.confirmation == Confirmation.CONFIRMED)
        case Change.CANCEL:
            return bool(visit.status == Status.CANCELLED)
        case Change.RESCHEDULE:
            same_provider = provider is None or provider.id == visit.provider_id
            return bool(visit.start_at == start and same_provider and Status(visit.status) in OPEN)
        case _:
            return bool(visit.status == _REACHED_BY[change])
