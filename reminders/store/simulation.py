"""Queries of a rehearsal: what is planned, and the visits a policy would be planned for. They read and lock nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, literal, literal_column, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from reminders.domain.appointment import OPEN
from reminders.store.engine import Record
from reminders.store.patients import HOME
from reminders.store.tables import Appointment, Patient, Reminder

#: (time, number) of the last row of the page before.
After = tuple[datetime, int]

#: Written out rather than bound: a planner may use a partial index only when it sees the very condition of the index.
_PLANNED = Reminder.state == literal_column("'planned'")

_VISIT = (
    Appointment.uid.label("appointment_uid"), Appointment.id.label("appointment_id"),
    Appointment.location_id.label("appointment_location_id"), Appointment.service_id.label("appointment_service_id"),
    Appointment.status.label("appointment_status"), Appointment.confirmation.label("appointment_confirmation"),
    Appointment.booked_at.label("appointment_booked_at"), Appointment.start_at.label("appointment_start_at"),
    Appointment.paused.label("appointment_paused"),
)  # fmt: skip
_PATIENT = (
    Patient.uid.label("patient_uid"), Patient.name.label("patient_name"), Patient.phone.label("patient_phone"),
    Patient.email.label("patient_email"), Patient.language.label("patient_language"),
    Patient.time_zone.label("patient_zone"), Patient.paused.label("patient_paused"),
)  # fmt: skip
_REMINDER = (
    Reminder.id.label("reminder_id"), Reminder.kind.label("reminder_kind"), Reminder.step.label("reminder_step"),
    Reminder.channel.label("reminder_channel"), Reminder.due_at.label("reminder_due_at"),
    Reminder.not_after.label("reminder_not_after"), Reminder.body.label("reminder_body"),
)  # fmt: skip


def planned(
    tx: Connection, channel: str, after: After | None, end: datetime, location_id: int | None, limit: int
) -> Sequence[Record]:
    """One page of what is planned on one channel and due before ``end``, in order of (due time, number).

    With ``location_id`` only visits there, and notes to patients whose visit they do not name: whose those are, the
    caller has to find out.
    """
    query = (
        select(*_REMINDER, *_VISIT, *_PATIENT, HOME)
        .join_from(Reminder, Patient, Patient.id == Reminder.patient_id)
        .join(Appointment, Appointment.id == Reminder.appointment_id, isouter=True)
        .where(_PLANNED, Reminder.channel == channel, Reminder.due_at < end)
    )
    if after is not None:
        query = query.where(_beyond(after, Reminder.due_at, Reminder.id))
    if location_id is not None:
        query = query.where(_there(location_id))
    return tx.execute(query.order_by(Reminder.due_at, Reminder.id).limit(limit)).all()


def count_planned(tx: Connection, start: datetime | None, end: datetime, location_id: int | None) -> int:
    """How many rows the pages of ``planned`` hold, over all channels."""
    query = select(func.count()).select_from(Reminder).where(_PLANNED, Reminder.due_at < end)
    if start is not None:
        query = query.where(Reminder.due_at >= start)
    if location_id is not None:
        query = query.join(Appointment, Appointment.id == Reminder.appointment_id, isouter=True)
        query = query.where(_there(location_id))
    return tx.execute(query).scalar_one()


def visits(
    tx: Connection,
    after: After | None,
    end: datetime,
    service_ids: Collection[int],
    location_id: int | None,
    limit: int,
) -> Sequence[Record]:
    """One page of the visits ahead of these services, in order of (start, number), between ``after`` and ``end``.

    Only those that take up a provider's time: imported visits do not, and nobody is reminded of them.
    """
    query = (
        select(*_VISIT, *_PATIENT)
        .join_from(Appointment, Patient, Patient.id == Appointment.patient_id)
        .where(
            Appointment.start_at < end, Appointment.status.in_(sorted(OPEN)), Appointment.occupies,
            Appointment.service_id.in_(service_ids),
        )
    )  # fmt: skip
    if after is not None:
        query = query.where(_beyond(after, Appointment.start_at, Appointment.id))
    if location_id is not None:
        query = query.where(Appointment.location_id == location_id)
    return tx.execute(query.order_by(Appointment.start_at, Appointment.id).limit(limit)).all()


def _beyond(
    after: After, time: InstrumentedAttribute[datetime], number: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    return tuple_(time, number) > tuple_(literal(after[0], time.type), after[1])


def _there(location_id: int) -> ColumnElement[bool]:
    return or_(Reminder.appointment_id.is_(None), Appointment.location_id == location_id)
