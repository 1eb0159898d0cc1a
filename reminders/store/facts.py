"""Visits with everything the reports count them by, as the database knows it: what became of each, which reminders went
out, what the patient did before, and whether the time of a lost visit was used after all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, case, exists, false, func, or_, select
from sqlalchemy.orm import aliased

from reminders.domain.actor import ASSUMING
from reminders.domain.appointment import Change, Status
from reminders.domain.attendance import Seen, local_hour
from reminders.domain.delivery import CONTACTED
from reminders.domain.experiment import Experiment
from reminders.store.engine import Record
from reminders.store.tables import Appointment, AppointmentHistory, Location, Message, Patient, Reminder
from reminders.store.tables.base import day_before

#: Days from one to another, both included; ``None`` for no bound.
Span = tuple[date | None, date | None]

KEPT = (Status.ARRIVED, Status.FULFILLED)
#: Nobody has more visits than this.
_FIELD = 1 << 20
#: Rows fetched at once.
_AT_ONCE = 1000
_LOST = (Status.CANCELLED, Status.NOSHOW)
_Earlier = aliased(Appointment, name="earlier")
_Later = aliased(Appointment, name="later")


def seen(tx: Connection, spans: Sequence[Span]) -> Iterator[Seen]:
    """Every visit whose day lies in one of ``spans``."""
    if not spans:
        return
    query = _query().where(within(spans))
    for rows in tx.execute(query).partitions(_AT_ONCE):
        yield from map(_seen, rows)


def within(spans: Sequence[Span], day: Any = Appointment.local_day) -> ColumnElement[bool]:
    """True for a day in one of ``spans``."""
    return or_(false(), *(and_(*bounds(span, day)) for span in spans))


def bounds(span: Span, day: Any) -> list[ColumnElement[bool]]:
    first, last = span
    if first is not None and first == last:
        return [day == first]
    given = [] if first is None else [day >= first]
    given += [] if last is None else [day <= last]
    return given or [day.is_not(None)]


@lru_cache(maxsize=1)
def _query() -> Any:
    return (
        select(
            Appointment.local_day, Appointment.location_id, Appointment.provider_id, Appointment.service_id,
            Appointment.status, Appointment.start_at, Appointment.end_at, Appointment.lead_days, Appointment.timed,
            Location.time_zone,
            func.coalesce(Patient.language, Location.language).label("language"),
            channel(_both_ends).label("channels"), before().label("before"),
            case((Appointment.status == Status.CANCELLED, cancelled_late()), else_=False).label("late"),
            case((Appointment.version > 1, was_moved()), else_=False).label("moved"),
            case((Appointment.status.in_(_LOST), was_refilled()), else_=False).label("refilled"),
            case((Appointment.status == Status.FULFILLED, was_assumed()), else_=False).label("assumed"),
        )
        .join(Patient, Patient.id == Appointment.patient_id)
        .join(Location, Location.id == Appointment.location_id)
    )  # fmt: skip


def _both_ends(column: Any) -> Any:
    """The first and the last one, in one look."""
    return func.min(column) + " " + func.max(column)


def channel(pick: Any) -> Any:
    """The first or last channel of the reminders that went out."""
    mine = and_(Reminder.appointment_id == Appointment.id, Reminder.kind == "reminder", Reminder.state.in_(CONTACTED))
    return select(pick(Reminder.channel)).where(mine).correlate(Appointment).scalar_subquery()


def before() -> Any:
    """How many of the patient's earlier visits were missed, times ``_FIELD``, and how many kept: one look for both."""
    mine = and_(_Earlier.patient_id == Appointment.patient_id, _Earlier.start_at < Appointment.start_at)
    what = case((_Earlier.status == Status.NOSHOW, _FIELD), (_Earlier.status.in_(KEPT), 1), else_=0)
    return select(func.sum(what)).select_from(_Earlier).where(mine).correlate(Appointment).scalar_subquery()


def _history(change: Change) -> Any:
    return and_(AppointmentHistory.appointment_id == Appointment.id, AppointmentHistory.change == change)


def cancelled_late() -> Any:
    """Called off less than a day before the start. What was cancelled in another system has no entry here."""
    late = AppointmentHistory.at > day_before(Appointment.start_at)
    return exists().where(_history(Change.CANCEL), late).correlate(Appointment)


def was_moved() -> Any:
    return exists().where(_history(Change.RESCHEDULE)).correlate(Appointment)


def was_assumed() -> Any:
    """Taken for kept by the location's rule, and nobody said so since."""
    assumed = AppointmentHistory.channel == ASSUMING.channel
    kept = _history(Change.FULFIL)
    return exists().where(kept, assumed).correlate(Appointment) & ~exists().where(kept, ~assumed).correlate(Appointment)


def was_refilled() -> Any:
    """The provider's time was used by another visit, of which the guard against double booking says that it came after
    this one was given up."""
    overlaps = and_(_Later.busy_start < Appointment.end_at, _Later.busy_end > Appointment.start_at)
    # visits are shorter than a day, and the index begins with the start
    near = _Later.busy_start > day_before(Appointment.start_at)
    return exists().where(
        _Later.provider_id == Appointment.provider_id, _Later.occupies, _Later.id != Appointment.id, overlaps, near
    ).correlate(Appointment)  # fmt: skip


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _seen(row: Record) -> Seen:
    """By position: reading columns by name took longer than all the rest."""
    (
        day, location, provider, service, status, start, end, lead, timed, zone, language, channels, before, *facts
    ) = row  # fmt: skip
    first, _, last = (channels or "").partition(" ")
    missed, kept = divmod(int(before or 0), _FIELD)
    hour = local_hour(start, _zone(zone)) if timed else None
    return Seen(
        day, location, provider, service, status, end, hour, lead, language, first or None, last or None, missed, kept,
        *map(bool, facts),
    )  # fmt: skip


class Enrolled(NamedTuple):
    """The first visit of a patient in a trial."""

    day: date
    patient_uid: str
    status: str
    end: datetime


def enrolled(tx: Connection, trial: Experiment, spans: Sequence[Span]) -> Iterator[Enrolled]:
    """The visits on days in one of ``spans`` that are the first of their patients booked in the trial."""
    if not spans:
        return
    mine = (_Earlier.patient_id == Appointment.patient_id, *_in_trial(_Earlier, trial))
    before = (
        or_(
            _Earlier.booked_at < Appointment.booked_at,
            and_(_Earlier.booked_at == Appointment.booked_at, _Earlier.id < Appointment.id),
        ),
    )
    query = (
        select(Appointment.local_day, Patient.uid, Appointment.status, Appointment.end_at)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(within(spans), *_in_trial(Appointment, trial), ~exists().where(*mine, *before).correlate(Appointment))
    )
    for row in tx.execute(query):
        yield Enrolled(*row)


def _in_trial(table: Any, trial: Experiment) -> list[ColumnElement[bool]]:
    found = [table.service_id.in_(trial.service_ids), table.booked_at >= trial.started_at]
    return found if trial.ended_at is None else [*found, table.booked_at < trial.ended_at]


def count(tx: Connection, spans: Sequence[Span], most: int) -> int:
    """How many visits lie on these days, up to ``most``."""
    if not spans:
        return 0
    few = select(Appointment.id).where(within(spans)).limit(most).subquery()
    return tx.execute(select(func.count()).select_from(few)).scalar_one()


def days(tx: Connection, first: date, last: date) -> set[date]:
    """The days from ``first`` to ``last`` with visits, or (UTC) with messages about none."""
    found = set(tx.execute(select(Appointment.local_day).where(within([(first, last)])).distinct()).scalars())
    begin = datetime.combine(first, time(), UTC)
    written = select(Message.created_at).where(Message.appointment_id.is_(None), Message.created_at >= begin)
    end = datetime.combine(last, time(), UTC) + timedelta(days=1)
    return found | {moment.date() for moment in tx.execute(written.where(Message.created_at < end)).scalars()}
