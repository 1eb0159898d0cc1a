"""What the database knows about the work on a clinic's phones: visits booked, answers by patients, hours of work.

Like all reports it looks at visits by ``local_day``, the day of the venue's calendar, both ends included.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, func, select

from reminders.domain.appointment import Change
from reminders.store.engine import Record
from reminders.store.tables import Appointment, AppointmentHistory, Location, Service
from reminders.store.tables.base import epoch_seconds

PATIENT, SYSTEM = "patient", "system"
#: What a patient does by text, key or link that would otherwise have been a call.
BY_PATIENTS = (Change.CONFIRM, Change.CANCEL, Change.RESCHEDULE)
_HOUR = 3600


def answers(tx: Connection, first: date, last: date) -> dict[str, int]:
    """How often patients themselves changed their visits of these days, by kind of change."""
    history = AppointmentHistory.__table__
    query = select(history.c.change, func.count()).join(Appointment, Appointment.id == history.c.appointment_id)
    query = query.where(
        Appointment.local_day.between(first, last), history.c.actor == PATIENT, history.c.change.in_(BY_PATIENTS)
    )  # fmt: skip
    return {str(change): int(count) for change, count in tx.execute(query.group_by(history.c.change))}


def desk_hours(tx: Connection, first: date, last: date) -> Sequence[Record]:
    """(time zone, hour since 1970, count) of what people at the desk did with visits of these days."""
    history = AppointmentHistory.__table__
    hour = epoch_seconds(history.c.at) // _HOUR
    query = select(Location.time_zone, hour.label("hour"), func.count().label("count")).select_from(
        history.join(Appointment.__table__, Appointment.id == history.c.appointment_id).join(
            Location.__table__, Location.id == Appointment.location_id
        )
    )
    query = query.where(
        Appointment.local_day.between(first, last), history.c.actor.not_in((PATIENT, SYSTEM)),
        history.c.change.in_(("book", *BY_PATIENTS)),
    )  # fmt: skip
    return tx.execute(query.group_by(Location.time_zone, "hour")).all()


def values(tx: Connection, first: date, last: date) -> list[tuple[str, Decimal, int]]:
    """(currency, value of a visit, visits) of the visits of these days, by service; services without a value left out."""
    query = select(Service.value_currency, Service.value_amount, func.count()).join(
        Appointment, Appointment.service_id == Service.id
    )
    query = query.where(Appointment.local_day.between(first, last), Service.value_amount.is_not(None))
    rows = tx.execute(query.group_by(Service.id, Service.value_currency, Service.value_amount))
    return [(currency or "", amount or Decimal(0), int(count)) for currency, amount, count in rows]
