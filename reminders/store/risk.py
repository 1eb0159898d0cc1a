"""Visits as a model of no-shows sees them, and the models that were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, insert, select, update
from sqlalchemy.orm import aliased

from reminders.domain.appointment import OPEN, Status
from reminders.domain.attendance import local_hour
from reminders.domain.delivery import State
from reminders.domain.risk import Case
from reminders.store.engine import Record
from reminders.store.facts import KEPT, Span, bounds
from reminders.store.tables import Appointment, Location, Patient, Reminder, RiskModel, Service

_KNOWN = (*KEPT, Status.NOSHOW)
_Earlier = aliased(Appointment, name="earlier")


class Past(NamedTuple):
    """A visit whose end is known: its day, what was known before, whether it was missed, and whom it is counted under."""

    day: date
    case: Case
    missed: bool
    language: str


def past(tx: Connection, span: Span, most: int) -> list[Past]:
    """The newest visits within ``span`` whose end is known, at most ``most``, in order of their days."""
    query = _cases().add_columns(
        Appointment.status, func.coalesce(Patient.language, Location.language).label("language")
    )
    query = query.where(Appointment.status.in_(_KNOWN), *bounds(span, Appointment.local_day))
    rows = tx.execute(query.order_by(Appointment.local_day.desc(), Appointment.id.desc()).limit(most)).all()
    return [Past(row.local_day, _case(row), row.status == Status.NOSHOW, row.language) for row in reversed(rows)]


def next_day(tx: Connection, location_id: int, after: date) -> date | None:
    """The first day after ``after`` on which somebody is expected."""
    mine = Appointment.location_id == location_id, Appointment.local_day > after, Appointment.status.in_(OPEN)
    query = select(Appointment.local_day).where(*mine).order_by(Appointment.local_day).limit(1)
    return tx.execute(query).scalar_one_or_none()


def ahead(tx: Connection, location_id: int, day: date, most: int) -> list[tuple[Record, Case]]:
    """The visits expected on a day, with the patient's contact; ``failed``: the last reminder of the visit did not
    arrive."""
    query = _cases().add_columns(
        Appointment.id, Appointment.uid, Appointment.provider_id, Appointment.confirmation,
        Patient.uid.label("patient_uid"), Patient.name.label("patient_name"), Patient.phone.label("patient_phone"),
        Patient.email.label("patient_email"), Patient.phone_problem, Patient.paused.label("patient_paused"),
        Appointment.paused, Patient.language.label("patient_language"),
        _last_state().label("last_state"),
    )  # fmt: skip
    mine = Appointment.location_id == location_id, Appointment.local_day == day, Appointment.status.in_(OPEN)
    rows = tx.execute(query.where(*mine).order_by(Appointment.start_at, Appointment.id).limit(most)).all()
    return [(row, _case(row)) for row in rows]


def did_fail(row: Record) -> bool:
    """Whether the last reminder that was tried did not arrive."""
    return bool(row.last_state == State.FAILED)


@lru_cache(maxsize=1)
def _cases() -> Any:
    return (
        select(
            Appointment.local_day, Appointment.start_at, Appointment.timed, Appointment.lead_days,
            Appointment.service_id, Patient.birth_year, Location.time_zone, Service.uid.label("service_uid"),
            _before(_Earlier.status == Status.NOSHOW).label("earlier_missed"),
            _before(_Earlier.status.in_(KEPT)).label("earlier_kept"),
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Location, Location.id == Appointment.location_id)
        .join(Service, Service.id == Appointment.service_id)
    )  # fmt: skip


def _before(what: Any) -> Any:
    """How many visits of the patient on earlier days were ``what``: what happens on the day itself is not known on its eve.
    The comparison of starts says nothing new, but the index has them."""
    mine = and_(
        _Earlier.patient_id == Appointment.patient_id, _Earlier.start_at < Appointment.start_at,
        _Earlier.local_day < Appointment.local_day, what,
    )  # fmt: skip
    return select(func.count()).select_from(_Earlier).where(mine).correlate(Appointment).scalar_subquery()


def _last_state() -> Any:
    """What became of the newest reminder of the visit that was tried."""
    tried = Reminder.state.in_((State.SENT, State.DELIVERED, State.FAILED))
    mine = and_(Reminder.appointment_id == Appointment.id, tried)
    newest = select(Reminder.state).where(mine).order_by(Reminder.due_at.desc(), Reminder.id.desc()).limit(1)
    return newest.correlate(Appointment).scalar_subquery()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _case(row: Record) -> Case:
    age = None if row.birth_year is None else max(0, row.local_day.year - row.birth_year)
    hour = local_hour(row.start_at, _zone(row.time_zone)) if row.timed else None
    return Case(
        row.lead_days, row.earlier_missed, row.earlier_kept, age, row.local_day.weekday(), hour, row.service_uid
    )  # fmt: skip


# Trained models


def in_use(tx: Connection) -> Record | None:
    """The model in use; ``None``: the rule is."""
    return tx.execute(select(RiskModel.__table__).where(RiskModel.in_use)).one_or_none()


def models(tx: Connection) -> Sequence[Record]:
    """Every model that was trained, newest first."""
    return tx.execute(select(RiskModel.__table__).order_by(RiskModel.version.desc())).all()


def keep(tx: Connection, values: Mapping[str, Any]) -> int:
    """A new model, not in use yet; returns its version."""
    version = int(tx.execute(select(func.coalesce(func.max(RiskModel.version), 0))).scalar_one()) + 1
    tx.execute(insert(RiskModel).values(version=version, in_use=False, **values))
    return version


def use(tx: Connection, version: int) -> bool:
    """Put a model into use, or with 0 the rule; False when there is no such version."""
    if version and tx.execute(select(RiskModel.version).where(RiskModel.version == version)).first() is None:
        return False
    tx.execute(update(RiskModel).where(RiskModel.in_use, RiskModel.version != version).values(in_use=False))
    tx.execute(update(RiskModel).where(RiskModel.version == version).values(in_use=True))
    return True
