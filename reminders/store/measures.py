"""The sums behind the reports. The database counts and adds up; what the groups are called is decided in Python.

Every query looks at visits by ``local_day``, the day of the venue's calendar, so no time zone is needed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, literal, literal_column, select

from reminders.domain.appointment import OPEN, Confirmation, Status
from reminders.domain.delivery import Reason
from reminders.domain.measures import CostBy, NoShowBy
from reminders.store.engine import Record
from reminders.store.facts import Span, within
from reminders.store.spent import CURRENCY, GUESSED, PRICED, REFUSED
from reminders.store.tables import Appointment, Location, Message, Patient, Provider, Reminder, Service

UNMARKED = "unmarked"
UPCOMING = "upcoming"
IMPORTED = "imported"

Named = type[Location] | type[Provider] | type[Service]

_LANGUAGE: ColumnElement[Any] = func.coalesce(Patient.language, Location.language)

_NO_SHOW_KEYS: dict[NoShowBy, ColumnElement[Any] | Any] = {
    NoShowBy.NONE: literal(""),
    NoShowBy.DAY: Appointment.local_day,
    NoShowBy.WEEK: Appointment.local_day,
    NoShowBy.LOCATION: Appointment.location_id,
    NoShowBy.PROVIDER: Appointment.provider_id,
    NoShowBy.SERVICE: Appointment.service_id,
    NoShowBy.LANGUAGE: _LANGUAGE,
    NoShowBy.LEAD_TIME: Appointment.lead_days,
}

_COST_KEYS: dict[CostBy, ColumnElement[Any] | Any] = {
    CostBy.NONE: literal(""),
    CostBy.DAY: Appointment.local_day,
    CostBy.WEEK: Appointment.local_day,
    CostBy.LOCATION: Appointment.location_id,
    CostBy.CHANNEL: Reminder.channel,
    CostBy.LANGUAGE: _LANGUAGE,
    CostBy.STEP: Reminder.step,
}

_KEPT = (Status.ARRIVED, Status.FULFILLED)


def visits(tx: Connection, by: NoShowBy, spans: Sequence[Span], now: datetime) -> Sequence[Record]:
    """(key, outcome, count): outcome is a final status, ``unmarked`` or ``upcoming``."""
    if not spans:
        return []
    is_open = Appointment.status.in_(OPEN)
    outcome = case((and_(is_open, Appointment.end_at <= now), UNMARKED), (is_open, UPCOMING), else_=Appointment.status)
    key = _NO_SHOW_KEYS[by].label("key")
    query = select(key, outcome.label("outcome"), func.count().label("count")).select_from(Appointment)
    if by is NoShowBy.LANGUAGE:
        query = query.join(Patient).join(Location, Location.id == Appointment.location_id)
    return tx.execute(query.where(within(spans)).group_by("key", "outcome")).all()


def reminders(tx: Connection, by: CostBy, spans: Sequence[Span]) -> Sequence[Record]:
    """(key, outcome, count) of the policy's reminders: outcome is a state, or ``imported``."""
    return tx.execute(_reminders(by).where(within(spans))).all() if spans else []


def spending(tx: Connection, by: CostBy, spans: Sequence[Span]) -> Sequence[Record]:
    """Messages of the policy's reminders, by key and currency.

    A message with a price counts its price, one without counts its estimate. What the provider refused to take was
    never billed, so it is not a message here. Denominators count each reminder and each visit once per currency.
    """
    return tx.execute(_spending(by).where(within(spans))).all() if spans else []


@cache
def _reminders(by: CostBy) -> Any:
    outcome = case((Reminder.reason == Reason.IMPORTED, IMPORTED), else_=Reminder.state)
    key = _COST_KEYS[by].label("key")
    query = select(key, outcome.label("outcome"), func.count().label("count")).select_from(Reminder)
    return _joined(query, by).where(Reminder.kind == "reminder").group_by("key", "outcome")


@cache
def _spending(by: CostBy) -> Any:
    known = PRICED | GUESSED
    query = select(
        _COST_KEYS[by].label("key"),
        CURRENCY.label("paid_in"),
        func.count().label("messages"),
        func.coalesce(func.sum(Message.segments), 0).label("segments"),
        _count(PRICED).label("actual_messages"),
        _count(GUESSED).label("estimated_messages"),
        func.sum(case((PRICED, Message.price))).label("actual"),
        func.sum(case((GUESSED, Message.estimated))).label("estimated"),
        _each(Reminder.id, known).label("reminders"),
        _each(Appointment.id, and_(known, Appointment.confirmation == Confirmation.CONFIRMED)).label("confirmed"),
        _each(Appointment.id, and_(known, Appointment.status.in_(_KEPT))).label("kept"),
    ).select_from(Message)
    query = _joined(query.join(Reminder, Reminder.id == Message.reminder_id), by)
    return query.where(Reminder.kind == "reminder", Message.direction == "out", ~REFUSED).group_by("key", "paid_in")


def names(tx: Connection, table: Named) -> dict[int, tuple[str, str]]:
    """Internal number -> (public id, name)."""
    return {row.id: (row.uid, row.name) for row in tx.execute(select(table.id, table.uid, table.name))}


def repeaters(tx: Connection, spans: Sequence[Span], least: int, limit: int) -> Sequence[Record]:
    """(public id of the patient, no-shows, day of the last one), most no-shows first."""
    missed = func.count()
    counted = (
        select(Appointment.patient_id, missed.label("missed"), func.max(Appointment.local_day).label("missed_on"))
        .where(literal_column("appointment.status = 'noshow'"), within(spans))
        .group_by(Appointment.patient_id)
        .having(missed >= least)
        .order_by(missed.desc(), func.max(Appointment.local_day).desc(), Appointment.patient_id)
        .limit(limit)
        .subquery()
    )
    columns = Patient.uid.label("patient_id"), counted.c.missed, counted.c.missed_on
    order = counted.c.missed.desc(), counted.c.missed_on.desc(), counted.c.patient_id
    return tx.execute(select(*columns).join(counted, counted.c.patient_id == Patient.id).order_by(*order)).all()


def _joined(query: Any, by: CostBy) -> Any:
    query = query.join(Appointment, Appointment.id == Reminder.appointment_id)
    if by is CostBy.LANGUAGE:
        query = query.join(Patient, Patient.id == Appointment.patient_id)
        query = query.join(Location, Location.id == Appointment.location_id)
    return query


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _each(column: Any, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(distinct(case((condition, column))))
