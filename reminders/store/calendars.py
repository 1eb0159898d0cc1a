"""Providers' calendars: what has changed since it was last rendered, what they hold, and the count of changes.

Bookings do not touch these tables. A change only leaves a visit ``published`` = false; whoever reads a calendar next
renders it. So the count of a calendar is given out in the order of commits, which a sequence would not promise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, insert, literal, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.domain.appointment import Change
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, AppointmentHistory, Calendar, CalendarEntry, Patient
from reminders.store.tables.base import among

#: Visits that began longer ago get into no calendar any more.
REACH = timedelta(days=365)

_ENTRY = CalendarEntry.__table__
_ALL = select(_ENTRY)
_is_move = (AppointmentHistory.change == Change.RESCHEDULE.value) | (AppointmentHistory.change == Change.CANCEL.value)

#: RFC 5546 section 2.1.4: how often the visit got another time, or was called off.
SEQUENCE = (
    select(func.count())
    .select_from(AppointmentHistory)
    .where(AppointmentHistory.appointment_id == Appointment.id, _is_move)
    .correlate(Appointment)
    .scalar_subquery()
    .label("sequence")
)

_VISIT = select(
    Appointment.id,
    Appointment.uid,
    Appointment.provider_id,
    Appointment.location_id,
    Appointment.service_id,
    Appointment.status,
    Appointment.start_at,
    Appointment.end_at,
    Appointment.booked_at,
    Appointment.updated_at,
    Appointment.version,
    Appointment.paused,
    Appointment.timed,
    Patient.name.label("patient_name"),
    SEQUENCE,
).join_from(Appointment, Patient)

_PENDING = Prepared(
    union_all(
        select(Appointment.provider_id).where(
            among(Appointment.provider_id, "providers"),
            ~Appointment.published,
            Appointment.start_at > bindparam("since"),
        ),
        select(CalendarEntry.provider_id).where(among(CalendarEntry.provider_id, "providers"), CalendarEntry.stale),
    ).limit(1)
)
_UNPUBLISHED = Prepared(
    _VISIT.where(
        Appointment.provider_id == bindparam("provider"),
        ~Appointment.published,
        Appointment.start_at > bindparam("since"),
    )
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(of=Appointment, key_share=True, skip_locked=True)
)
_STATES = Prepared(
    select(Calendar.provider_id, Calendar.seq, Calendar.floor)
    .where(among(Calendar.provider_id, "providers"))
    .order_by(Calendar.provider_id)
)


def pending(tx: Connection, providers: Collection[int], since: datetime) -> int | None:
    """One of these providers with something to render that begins after ``since``; ``None`` when there is none."""
    row = _PENDING.first(tx, {"providers": list(providers), "since": since})
    return None if row is None else int(row[0])


def unpublished(tx: Connection, provider: int, since: datetime, most: int) -> Sequence[Record]:
    """Visits to render, held until the commit. One that is being changed right now is left for later."""
    return _UNPUBLISHED.all(tx, {"provider": provider, "since": since, "most": most})


def of_patient(tx: Connection, patient: int, since: datetime, until: datetime) -> Sequence[Record]:
    """A patient's visits in [since, until), soonest first."""
    window = (Appointment.patient_id == patient, Appointment.start_at >= since, Appointment.start_at < until)
    return tx.execute(_VISIT.where(*window).order_by(Appointment.start_at, Appointment.id)).all()


def by_appointments(tx: Connection, numbers: Collection[int]) -> dict[int, Record]:
    """The entries of these visits, in whosever calendar they are."""
    rows = tx.execute(_ALL.where(among(CalendarEntry.appointment_id, "numbers")), {"numbers": list(numbers)})
    return {row.appointment_id: row for row in rows}


def stale(tx: Connection, provider: int) -> Sequence[Record]:
    """Entries of visits that went to somebody else."""
    return tx.execute(_ALL.where(_ENTRY.c.provider_id == provider, CalendarEntry.stale)).all()


def published(tx: Connection, numbers: Collection[int]) -> None:
    statement = update(Appointment).where(among(Appointment.id, "numbers")).values(published=True)
    tx.execute(statement, {"numbers": list(numbers)})


def unpublish(tx: Connection, column: Any, number: int, since: datetime) -> None:
    """Something that events show has changed: those from ``since`` on whose ``column`` is ``number`` are rendered
    anew."""
    tx.execute(update(Appointment).where(column == number, Appointment.start_at > since).values(published=False))


def unpublish_one(tx: Connection, appointment: int) -> None:
    """Render one visit anew, wherever it lies."""
    tx.execute(update(Appointment).where(Appointment.id == appointment).values(published=False))


def count(tx: Connection, provider: int, changes: int) -> int:
    """Count ``changes`` of a calendar, which is held until the commit; returns the count before them."""
    counted = (
        update(Calendar)
        .where(Calendar.provider_id == provider)
        .values(seq=Calendar.seq + changes)
        .returning(Calendar.seq)
    )
    seq = tx.execute(counted).scalar()
    if seq is None:
        build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        row = {"provider_id": provider, "seq": 0, "floor": 0, "props": {}}
        tx.execute(build(Calendar).values(**row).on_conflict_do_nothing(index_elements=["provider_id"]))
        seq = tx.execute(counted).scalar_one()
    return int(seq) - changes


def states(tx: Connection, providers: Collection[int]) -> Sequence[Record]:
    """(provider_id, seq, floor) of the calendars that have been used, in order of providers."""
    return _STATES.all(tx, {"providers": list(providers)})


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """New entries; a deleted one of the same address gives way."""
    for row in rows:
        tx.execute(delete(CalendarEntry).where(
            CalendarEntry.provider_id == row["provider_id"], CalendarEntry.href == row["href"], CalendarEntry.deleted
        ))  # fmt: skip
    if rows:
        tx.execute(insert(CalendarEntry), [dict(row) for row in rows])


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(CalendarEntry).where(CalendarEntry.id == number).values(**values))


def remove(tx: Connection, number: int) -> None:
    tx.execute(delete(CalendarEntry).where(CalendarEntry.id == number))


#: What is left of an entry that is gone.
GONE = {"deleted": True, "stale": False, "body": "", "client": None, "head": "", "full": "", "initials": ""}

_FEED = (
    select(CalendarEntry.head, CalendarEntry.full, CalendarEntry.initials)
    .where(
        among(CalendarEntry.provider_id, "providers"),
        CalendarEntry.start_at >= bindparam("since"),
        CalendarEntry.start_at < bindparam("until"),
        CalendarEntry.appointment_id.is_not(None),
        ~CalendarEntry.deleted,
        (~CalendarEntry.cancelled) | (CalendarEntry.modified_at > bindparam("kept")),
    )
    .order_by(CalendarEntry.start_at, CalendarEntry.id)
)
_FEEDS = {
    name: Prepared(_FEED.with_only_columns(CalendarEntry.head, column))
    for name, column in (
        ("full", CalendarEntry.full), ("initials", CalendarEntry.initials), ("busy", literal("").label("busy")),
    )
}  # fmt: skip


def feed(
    tx: Connection, providers: Collection[int], since: datetime, until: datetime, kept: datetime, privacy: str
) -> Sequence[Record]:
    """(head, rest) of every event of a feed, in order; cancelled ones only if that happened after ``kept``."""
    values = {"providers": list(providers), "since": since, "until": until, "kept": kept}
    return _FEEDS[privacy].all(tx, values)


def known_visits(tx: Connection, numbers: Sequence[int]) -> dict[int, Record]:
    """What a calendar in a mail says of these visits besides their time: public id, end and sequence."""
    query = select(Appointment.id, Appointment.uid, Appointment.end_at, SEQUENCE).where(Appointment.id.in_(numbers))
    return {row.id: row for row in tx.execute(query)} if numbers else {}
