"""Queries on change sets: held changes of many visits, and the visits they concern."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, literal, select, tuple_, update

from reminders.domain.appointment import OPEN
from reminders.domain.changeset import MOST_NAMED, Kind, SetState, refusal, sources
from reminders.domain.delivery import UNSENT
from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.tables import Appointment, ChangeSet, Patient, Reminder, ReminderPolicy, Service

#: Without ``facts``, which may name thousands of visits.
_SHORT = [column for column in ChangeSet.__table__.columns if column.name != "facts"]
#: Written out, so that the partial index on it can be used.
_WAITING = ChangeSet.apply_at.is_not(None)

_COLUMNS: list[Any] = [
    Appointment.id, Appointment.uid, Appointment.patient_id, Appointment.provider_id, Appointment.location_id,
    Appointment.service_id, Appointment.status, Appointment.start_at, Appointment.booked_at, Appointment.version,
    Appointment.paused,
    Patient.uid.label("patient_uid"), Patient.name.label("patient_name"), Patient.phone.label("patient_phone"),
    Patient.email.label("patient_email"), Patient.language.label("patient_language"),
    Patient.time_zone.label("patient_zone"), Patient.phone_problem, Patient.paused.label("patient_paused"),
]  # fmt: skip
_VISIT = select(*_COLUMNS).join_from(Appointment, Patient)


@dataclass(frozen=True, slots=True)
class Which:
    """Which visits: open ones that begin at ``first`` or later and before ``last``."""

    first: datetime
    last: datetime | None = None
    provider_id: int | None = None
    location_id: int | None = None
    policy_id: int | None = None
    service_id: int | None = None


def ahead(now: datetime) -> datetime:
    """The first moment at which a visit that has not begun may begin."""
    return now + timedelta(microseconds=1)


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(ChangeSet), dict(values))


def get(tx: Connection, uid: str) -> Record:
    """One set with everything; ``NotFound`` when there is none."""
    row = tx.execute(select(ChangeSet.__table__).where(ChangeSet.uid == uid)).first()
    if row is None:
        raise NotFound("There is no change set with this id.")
    return row


def listing(tx: Connection, before: int | None, limit: int, state: str | None) -> Sequence[Record]:
    """Newest first, without the visits they concern; ``before`` is the number of the last one seen."""
    query = select(*_SHORT)
    if before is not None:
        query = query.where(ChangeSet.id < before)
    if state is not None:
        query = query.where(ChangeSet.state == state)
    return tx.execute(query.order_by(ChangeSet.id.desc()).limit(limit)).all()


def open_sets(tx: Connection, limit: int) -> int:
    """How many sets wait for a decision, counted up to ``limit``."""
    found = select(ChangeSet.id).where(ChangeSet.state == SetState.HELD).limit(limit).subquery()
    return tx.execute(select(func.count()).select_from(found)).scalar_one()


def move(tx: Connection, number: int, state: SetState, **values: Any) -> bool:
    """Move a set if its present state allows it; False when somebody else was faster."""
    changed = update(ChangeSet).where(ChangeSet.id == number, ChangeSet.state.in_(sources(state)))
    return tx.execute(changed.values(state=state, **values)).rowcount == 1


def due(tx: Connection, now: datetime) -> Sequence[Record]:
    """Sets to work on, by their time; the ones begun come first because their time came first."""
    query = select(ChangeSet.id, ChangeSet.uid, ChangeSet.state).where(_WAITING, ChangeSet.apply_at <= now)
    return tx.execute(query.order_by(ChangeSet.apply_at, ChangeSet.id)).all()


def hold(tx: Connection, number: int) -> Record | None:
    """State and counts of a set, locked until the commit; ``None`` when another worker is at it right now."""
    query = select(ChangeSet.state, ChangeSet.done, ChangeSet.refused).where(ChangeSet.id == number)
    return tx.execute(query.with_for_update(skip_locked=True)).first()


def count_done(tx: Connection, number: int) -> None:
    tx.execute(update(ChangeSet).where(ChangeSet.id == number).values(done=ChangeSet.done + 1))


def count_refused(tx: Connection, number: int, visit: str, code: str) -> None:
    """Count a visit that was left alone, and name it while there are not too many."""
    preview = dict(tx.execute(select(ChangeSet.preview).where(ChangeSet.id == number)).scalar_one())
    named = preview.get("left_alone", [])
    values: dict[str, Any] = {"refused": ChangeSet.refused + 1}
    if len(named) < MOST_NAMED:
        values["preview"] = preview | {"left_alone": [*named, refusal(visit, code)]}
    tx.execute(update(ChangeSet).where(ChangeSet.id == number).values(**values))


def is_being_edited(tx: Connection, policy: str) -> bool:
    """True while a worker plans the visits of this policy (a public id) anew."""
    begun = (ChangeSet.state == SetState.APPLYING, ChangeSet.kind == Kind.EDIT_POLICY, _WAITING)
    return any(facts["policy_id"] == policy for facts in tx.execute(select(ChangeSet.facts).where(*begun)).scalars())


def lock_policy(tx: Connection, uid: str) -> Record:
    """A reminder policy, held until the commit: edits of one policy happen one after the other."""
    row = tx.execute(
        select(ReminderPolicy.__table__).where(ReminderPolicy.uid == uid).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFound("There is no reminder policy with this id.")
    return row


def policy_of(tx: Connection, service_id: int) -> Record | None:
    """The reminder policy that a service follows."""
    query = select(ReminderPolicy.__table__).join(Service, Service.reminder_policy_id == ReminderPolicy.id)
    return tx.execute(query.where(Service.id == service_id)).first()


def visits(tx: Connection, which: Which, after: tuple[datetime, int] | None, limit: int) -> Sequence[Record]:
    """A page of visits with their patients, in order of (start, id); ``after`` is that of the last one seen."""
    query = _narrowed(_VISIT, which)
    if after is not None:
        seen = tuple_(literal(after[0], Appointment.start_at.type), after[1])
        query = query.where(tuple_(Appointment.start_at, Appointment.id) > seen)
    return tx.execute(query.order_by(Appointment.start_at, Appointment.id).limit(limit)).all()


def names(tx: Connection, which: Which) -> list[tuple[str, datetime]]:
    """(public id, start) of all of them, in order of start."""
    columns: list[Any] = [Appointment.uid, Appointment.start_at]
    query = _narrowed(select(*columns), which)
    rows = tx.execute(query.order_by(Appointment.start_at, Appointment.id))
    return [(row.uid, row.start_at) for row in rows]


def patients(tx: Connection, which: Which) -> int:
    """How many people these visits belong to."""
    columns: list[Any] = [func.count(Appointment.patient_id.distinct())]
    return int(tx.execute(_narrowed(select(*columns), which)).scalar_one())


def unsent(tx: Connection, numbers: Collection[int]) -> dict[int, int]:
    """How many reminders of each of these visits are still to go out; visits with none are missing."""
    ahead = and_(Reminder.appointment_id.in_(numbers), Reminder.state.in_(UNSENT))
    rows = tx.execute(
        select(Reminder.appointment_id, func.count()).where(ahead).group_by(Reminder.appointment_id)
    )  # fmt: skip
    return {int(number): int(count) for number, count in rows if number is not None}


def _narrowed(query: Select[Any], which: Which) -> Select[Any]:
    query = query.where(Appointment.status.in_(OPEN), Appointment.start_at >= which.first)
    if which.last is not None:
        query = query.where(Appointment.start_at < which.last)
    if which.provider_id is not None:
        query = query.where(Appointment.provider_id == which.provider_id)
    if which.location_id is not None:
        query = query.where(Appointment.location_id == which.location_id)
    if which.policy_id is not None:
        services = select(Service.id).where(Service.reminder_policy_id == which.policy_id)
        query = query.where(Appointment.service_id.in_(services))
    if which.service_id is not None:
        query = query.where(Appointment.service_id == which.service_id)
    return query
