"""Queries on visits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError

from reminders.domain.appointment import OCCUPYING, Status
from reminders.domain.availability import Interval
from reminders.domain.clinic import Unmarked
from reminders.errors import NotFound, SlotTaken
from reminders.store.engine import Record
from reminders.store.guards import OVERLAP
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, CalendarEntry, Hold, Location, Patient
from reminders.store.tables.base import among, epoch_seconds

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_VISIT = select(
    *Appointment.__table__.columns,
    Patient.uid.label("patient_uid"),
    Patient.name.label("patient_name"),
    Patient.phone.label("patient_phone"),
    Patient.language.label("patient_language"),
    Patient.email.label("patient_email"),
    Patient.time_zone.label("patient_zone"),
    Patient.paused.label("patient_paused"),
).join_from(Appointment, Patient)

#: A visit with its patient's contact.
VISIT = _VISIT
_BY_UID = _VISIT.where(Appointment.uid == bindparam("uid"))
_GET, _GET_LOCKED = Prepared(_BY_UID), Prepared(_BY_UID.with_for_update(of=Appointment, key_share=True))
_BY_ID = _VISIT.where(Appointment.id == bindparam("number"))


@lru_cache(maxsize=256)
def _busy(providers: int) -> Prepared:
    """The query for so many providers."""
    names = [bindparam(f"p{number}", type_=BigInteger) for number in range(providers)]
    taken = select(
        Appointment.provider_id,
        epoch_seconds(Appointment.busy_start).label("start"),
        epoch_seconds(Appointment.busy_end).label("end"),
    )
    touching = taken.where(
        Appointment.occupies,
        Appointment.provider_id.in_(names),
        Appointment.busy_start < bindparam("until"),
        Appointment.busy_start >= bindparam("look_back"),
        Appointment.busy_end > bindparam("since"),
    )
    held = select(
        Hold.provider_id, epoch_seconds(Hold.start_at).label("start"), epoch_seconds(Hold.end_at).label("end")
    ).where(
        Hold.provider_id.in_(names),
        Hold.start_at < bindparam("until"),
        Hold.end_at > bindparam("since"),
        or_(Hold.expires_at.is_(None), Hold.expires_at > bindparam("now")),
    )
    return Prepared(union_all(touching, held))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which visits a list shows; ``after`` is the (start, id) of the last row of the page before. ``unmarked_by``: only
    those that were over by then and of which nobody noted how they ended, where the location wants to be asked."""

    first: datetime | None = None
    last: datetime | None = None
    provider_id: int | None = None
    location_id: int | None = None
    patient_uid: str | None = None
    status: str | None = None
    unmarked_by: datetime | None = None
    after: tuple[datetime, int] | None = None
    limit: int = 50


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    """Update one visit; ``SlotTaken`` when its new time is occupied. Calendars show it anew, and a former provider's no
    longer."""
    try:
        tx.execute(update(Appointment).where(Appointment.id == number).values({"published": False, **values}))
    except IntegrityError as problem:
        raise translated(problem) from problem
    if "provider_id" in values:
        elsewhere = CalendarEntry.provider_id != values["provider_id"]
        tx.execute(update(CalendarEntry).where(CalendarEntry.appointment_id == number, elsewhere).values(stale=True))


def get(tx: Connection, uid: str, *, lock: bool = False) -> Record:
    """One visit with the patient's contact; ``NotFound`` when there is none. ``lock`` holds it until the commit."""
    row = (_GET_LOCKED if lock else _GET).first(tx, {"uid": uid})
    if row is None:
        raise NotFound("There is no visit with this id.")
    return row


def by_number(tx: Connection, number: int) -> Record:
    return tx.execute(_BY_ID, {"number": number}).one()


def listing(tx: Connection, wanted: Filter) -> Sequence[Record]:
    """Visits in order of (start, id), at most ``limit`` of them."""
    query = _filtered(_VISIT, wanted)
    if wanted.after is not None:
        start, number = wanted.after
        after = tuple_(literal(start, Appointment.start_at.type), number)
        query = query.where(tuple_(Appointment.start_at, Appointment.id) > after)
    return tx.execute(query.order_by(Appointment.start_at, Appointment.id).limit(wanted.limit)).all()


def busy(
    tx: Connection, providers: Sequence[int], since: datetime, until: datetime, longest: timedelta,
    now: datetime | None = None,
) -> dict[int, list[Interval]]:  # fmt: skip
    """Occupied time per provider as epoch seconds, sorted by start: visits, and what is held (by default all of it, else
    what has not expired ``now``), which may overlap. Reads only what touches the window: no visit is longer than
    ``longest``, so none that began earlier can reach into it."""
    values: dict[str, Any] = {"since": since, "until": until, "look_back": since - longest, "now": now or _EPOCH}
    values |= {f"p{number}": provider for number, provider in enumerate(providers)}
    taken: dict[int, list[Interval]] = {provider: [] for provider in providers}
    for provider, start, end in _busy(len(providers)).all(tx, values):
        taken[provider].append((start, end))
    for spans in taken.values():
        spans.sort()  # they come almost so, out of two indexes
    return taken


_HOLD = Prepared(
    select(Appointment.id).where(among(Appointment.id, "numbers")).with_for_update(read=True, skip_locked=True)
)


def hold(tx: Connection, numbers: Sequence[int]) -> set[int]:
    """Keep these visits from changing until the commit; returns those that nobody is changing already. SQLite has one
    writer at a time, so there it is all of them."""
    return {row.id for row in _HOLD.all(tx, {"numbers": list(numbers)})} if numbers else set()


def uids_of_provider(
    tx: Connection, provider_id: int, since: datetime, after: str | None, limit: int
) -> Sequence[str]:  # fmt: skip
    """Ids of a provider's visits with a time of day that begin at ``since`` or later, in order of id."""
    query = select(Appointment.uid).where(
        Appointment.provider_id == provider_id, Appointment.start_at >= since, Appointment.timed
    )
    if after is not None:
        query = query.where(Appointment.uid > after)
    return tx.execute(query.order_by(Appointment.uid).limit(limit)).scalars().all()


def uids_since(tx: Connection, since: datetime, after: str | None, limit: int) -> Sequence[str]:
    """Ids of visits booked here, with a time of day, that begin at ``since`` or later, in order of id."""
    query = select(Appointment.uid).where(
        Appointment.start_at >= since, Appointment.timed, Appointment.source.is_(None)
    )
    if after is not None:
        query = query.where(Appointment.uid > after)
    return tx.execute(query.order_by(Appointment.uid).limit(limit)).scalars().all()


_UIDS_AT = Prepared(
    select(Appointment.uid)
    .join(Patient)
    .where(Patient.uid == bindparam("patient"), Appointment.start_at == bindparam("start"))
    .order_by(Appointment.id)
)
_BETWEEN = Prepared(
    select(Patient.uid, Appointment.start_at)
    .join_from(Patient, Appointment)
    .where(among(Patient.uid, "patients"), Appointment.start_at.between(bindparam("first"), bindparam("last")))
)


def uids_at(tx: Connection, patient_uid: str, start: datetime) -> Sequence[str]:
    """Ids of a patient's visits that begin at this moment."""
    return [row.uid for row in _UIDS_AT.all(tx, {"patient": patient_uid, "start": start})]


def between(tx: Connection, patient_uids: Sequence[str], first: datetime, last: datetime) -> set[tuple[str, datetime]]:
    """(patient, start) of the visits of these patients that begin from ``first`` to ``last``, both included."""
    values = {"patients": list(patient_uids), "first": first, "last": last}
    return {(row.uid, row.start_at) for row in _BETWEEN.all(tx, values)} if patient_uids else set()


def open_for_phone(tx: Connection, phone: str, now: datetime) -> Sequence[Record]:
    """Visits still ahead of everybody who is reached under this number, soonest first."""
    return tx.execute(
        _VISIT.where(
            Patient.phone == phone, Appointment.start_at > now, Appointment.status.in_(("pending", "booked"))
        ).order_by(Appointment.start_at)
    ).all()


def occupies(status: str) -> bool:
    return status in OCCUPYING


def _filtered(query: Select[Any], wanted: Filter) -> Select[Any]:
    conditions = {
        Appointment.provider_id: wanted.provider_id,
        Appointment.location_id: wanted.location_id,
        Patient.uid: wanted.patient_uid,
        Appointment.status: wanted.status,
    }
    for column, value in conditions.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.first is not None:
        query = query.where(Appointment.start_at >= wanted.first)
    if wanted.last is not None:
        query = query.where(Appointment.start_at < wanted.last)
    if wanted.unmarked_by is not None:
        query = query.join(Location, Location.id == Appointment.location_id)
        query = query.where(unmarked(wanted.unmarked_by), Location.unmarked_after != Unmarked.NONE)
    return query


#: As the index says it (``ix_appointment_open``): a database uses it only for this very condition.
_STILL_OPEN: ColumnElement[bool] = literal_column("appointment.status IN ('pending', 'booked')", Boolean)


def unmarked(now: datetime) -> ColumnElement[bool]:
    """True for a visit that is over, and nobody noted how it ended."""
    return and_(_STILL_OPEN, Appointment.start_at < now, Appointment.end_at <= now)


def kept_by_rule(tx: Connection, location_id: int, last: date, now: datetime, limit: int) -> Sequence[str]:
    """Public ids of booked visits of a location up to the day ``last`` of which nobody noted the outcome."""
    query = select(Appointment.uid).where(
        unmarked(now), Appointment.status == Status.BOOKED, Appointment.location_id == location_id,
        Appointment.local_day <= last,
    )  # fmt: skip
    return tx.execute(query.order_by(Appointment.start_at, Appointment.id).limit(limit)).scalars().all()


def translated(problem: IntegrityError) -> Exception:
    """``SlotTaken`` when it was the guard against double booking that objected, else ``problem`` itself."""
    return SlotTaken() if OVERLAP in str(problem.orig) else problem
