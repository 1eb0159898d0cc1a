"""The visits behind a figure: what a report counted, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, extract, func, literal, select, tuple_

from reminders.domain.appointment import OPEN, Status
from reminders.domain.attendance import NO_CHANNEL, SEVERAL
from reminders.store import facts
from reminders.store.engine import Record
from reminders.store.tables import Appointment, Location, Patient, Provider, Service

UNMARKED, UPCOMING = "unmarked", "upcoming"


@dataclass(frozen=True, slots=True)
class Behind:
    """Which visits: by day of the venue's calendar (both ends included), and by what a report groups them by.
    ``outcome`` is a count of a report: a final status, ``unmarked`` or ``upcoming``, or one of ``COUNTS``; ``leads`` the
    shortest and longest lead time in days, ``None`` for no end; ``weekday`` 0 for Monday; ``channel`` of the reminders
    that went out, ``none`` or ``several``; ``first_visit``: whether the patient neither came nor missed a visit before;
    ``after`` the (day, number) of the last row of the page before."""

    first: date | None = None
    last: date | None = None
    outcome: str | None = None
    location: str | None = None
    provider: str | None = None
    service: str | None = None
    language: str | None = None
    leads: tuple[int | None, int | None] = (None, None)
    weekday: int | None = None
    channel: str | None = None
    first_visit: bool | None = None
    after: tuple[date, int] | None = None
    limit: int = 100


def visits(tx: Connection, wanted: Behind, now: datetime) -> Sequence[Record]:
    """In order of day and number, without names: figures are about visits, not about people."""
    query = (
        select(
            Appointment.id, Appointment.uid, Appointment.local_day, Appointment.start_at, Appointment.end_at,
            Appointment.timed, Appointment.status, Appointment.confirmation, Appointment.lead_days,
            Location.name.label("location"), Location.time_zone, Provider.name.label("provider"),
            Service.name.label("service"), func.coalesce(Patient.language, Location.language).label("language"),
        )
        .join(Location, Location.id == Appointment.location_id)
        .join(Service, Service.id == Appointment.service_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(Provider, Provider.id == Appointment.provider_id)
        .where(*_conditions(wanted, now))
    )  # fmt: skip
    return tx.execute(query.order_by(Appointment.local_day, Appointment.id).limit(wanted.limit)).all()


def _conditions(wanted: Behind, now: datetime) -> list[ColumnElement[bool]]:
    same: dict[Any, str | None] = {
        Location.uid: wanted.location, Provider.uid: wanted.provider, Service.uid: wanted.service,
        func.coalesce(Patient.language, Location.language): wanted.language,
    }  # fmt: skip
    found = [column == value for column, value in same.items() if value is not None]
    found += [Appointment.local_day >= wanted.first] if wanted.first else []
    found += [Appointment.local_day <= wanted.last] if wanted.last else []
    shortest, longest = wanted.leads
    found += [] if shortest is None else [Appointment.lead_days >= shortest]
    found += [] if longest is None else [Appointment.lead_days <= longest]
    found += _history(wanted)
    if wanted.after is not None:
        day, number = wanted.after
        place = tuple_(literal(day, Appointment.local_day.type), number)
        found.append(tuple_(Appointment.local_day, Appointment.id) > place)
    return found + _outcome(wanted.outcome, now)


def _history(wanted: Behind) -> list[ColumnElement[bool]]:
    """What has to be looked up elsewhere, as the reports count it."""
    found: list[ColumnElement[bool]] = []
    if wanted.weekday is not None:
        found.append((extract("dow", Appointment.local_day) + 6) % 7 == wanted.weekday)
    if wanted.channel == NO_CHANNEL:
        found.append(facts.channel(func.min).is_(None))
    elif wanted.channel == SEVERAL:
        found.append(facts.channel(func.min) != facts.channel(func.max))
    elif wanted.channel is not None:
        found += [facts.channel(pick) == wanted.channel for pick in (func.min, func.max)]
    if wanted.first_visit is not None:
        none_before = func.coalesce(facts.before(), 0) == 0
        found.append(none_before if wanted.first_visit else ~none_before)
    return found


#: Counts of the attendance report that are not a status: what they are counted of.
COUNTS: Mapping[str, Callable[[], list[ColumnElement[bool]]]] = {
    "booked": list,
    "known": lambda: [Appointment.status.in_((*facts.KEPT, Status.NOSHOW))],
    "late_cancelled": lambda: [Appointment.status == Status.CANCELLED, facts.cancelled_late()],
    "refilled": lambda: [Appointment.status == Status.CANCELLED, facts.was_refilled()],
    "noshow_refilled": lambda: [Appointment.status == Status.NOSHOW, facts.was_refilled()],
    "moved": lambda: [facts.was_moved()],
    "assumed": lambda: [Appointment.status == Status.FULFILLED, facts.was_assumed()],
}


def _outcome(outcome: str | None, now: datetime) -> list[ColumnElement[bool]]:
    if outcome is None:
        return []
    if outcome in COUNTS:
        return COUNTS[outcome]()
    if outcome == UNMARKED:
        return [Appointment.status.in_(OPEN), Appointment.end_at <= now]
    if outcome == UPCOMING:
        return [Appointment.status.in_(OPEN), Appointment.end_at > now]
    return [Appointment.status == outcome]
