"""Queries on reminders: planning, withdrawing, claiming with a lease, and moving them through their states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, text, update
from sqlalchemy.orm import aliased

from reminders.domain.appointment import OPEN, Change
from reminders.domain.delivery import UNSENT, Reason, State, sources
from reminders.domain.dispatch import WITHDRAWN_BECAUSE
from reminders.store.engine import Record
from reminders.store.patients import HOME
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, AppointmentHistory, Message, Patient, Reminder

#: Written out rather than bound: a planner may use a partial index only when it sees the very condition of the index.
_PLANNED = Reminder.state == literal_column("'planned'")
_HELD = text("reminder.state IN ('claimed', 'uncertain')")


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store planned reminders; all rows have the same columns."""
    if rows:
        _adding(tuple(rows[0])).many(tx, rows)


@lru_cache(maxsize=16)
def _adding(columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(Reminder.__table__).inline(), columns)  # type: ignore[arg-type]


def withdraw(tx: Connection, appointment_id: int, reason: Reason, now: datetime) -> int:
    """Take back everything of a visit that has not been handed to anybody; returns how many.

    A claimed row has no attempt yet (the attempt makes it uncertain), so its worker finds it withdrawn and stops.
    """
    result = tx.execute(
        update(Reminder)
        .where(Reminder.appointment_id == appointment_id, Reminder.state.in_(UNSENT))
        .values(state=State.WITHDRAWN, reason=reason, updated_at=now)
    )
    return result.rowcount


def told_versions(tx: Connection, appointment_id: int) -> set[int]:
    """The versions of a visit about which something left for the patient, or may have."""
    left = (State.UNCERTAIN, State.SENT, State.DELIVERED, State.FAILED)
    query = select(Reminder.plan).where(Reminder.appointment_id == appointment_id, Reminder.state.in_(left))
    return set(tx.execute(query).scalars())


def overtaken(tx: Connection, number: int) -> Reason | None:
    """Why a reminder under way is no longer wanted: its visit was moved, cancelled or ended since it was planned.

    Holds the visit until the commit, so that a change under way is either seen here or finds the reminder itself.
    """
    visit = select(Appointment.id).join_from(Reminder, Appointment).where(Reminder.id == number)
    if tx.execute(visit.with_for_update(of=Appointment)).first() is None:
        return None
    since = (
        select(AppointmentHistory.change)
        .join(Reminder, Reminder.appointment_id == AppointmentHistory.appointment_id)
        .where(
            Reminder.id == number, AppointmentHistory.version > Reminder.plan,
            AppointmentHistory.change.in_(WITHDRAWN_BECAUSE),
        )
        .order_by(AppointmentHistory.id.desc())
    )  # fmt: skip
    change = tx.execute(since.limit(1)).scalar()
    return WITHDRAWN_BECAUSE[Change(change)] if change else None


def withdraw_for_phone(tx: Connection, phone: str, channel: str | None, now: datetime) -> int:
    """Take back what is planned for a number whose owner said stop."""
    people = select(Patient.id).where(Patient.phone == phone)
    statement = update(Reminder).where(Reminder.patient_id.in_(people), Reminder.state.in_(UNSENT))
    if channel is not None:
        statement = statement.where(Reminder.channel == channel)
    values = {"state": State.SUPPRESSED, "reason": Reason.OPTED_OUT, "updated_at": now}
    return tx.execute(statement.values(**values)).rowcount


def resume_for_phone(tx: Connection, phone: str, channel: str | None, now: datetime) -> int:
    """Plan again what a stop took back and is still ahead, now that its owner said start; returns how many.

    The one way out of a final state: people may change their mind. Only what holds for the visit as it is now.
    """
    other = aliased(Reminder)
    newest = select(func.max(other.plan)).where(other.appointment_id == Reminder.appointment_id).scalar_subquery()
    open_visits = select(Appointment.id).where(
        Appointment.patient_id.in_(select(Patient.id).where(Patient.phone == phone)),
        Appointment.status.in_(OPEN), Appointment.start_at > now,
    )  # fmt: skip
    statement = update(Reminder).where(
        Reminder.appointment_id.in_(open_visits), Reminder.kind == "reminder", Reminder.plan == newest,
        Reminder.state == State.SUPPRESSED, Reminder.reason == Reason.OPTED_OUT, Reminder.due_at > now,
    )  # fmt: skip
    if channel is not None:
        statement = statement.where(Reminder.channel == channel)
    return tx.execute(statement.values(state=State.PLANNED, reason=Reason.DUE, updated_at=now)).rowcount


def claim_due(tx: Connection, channel: str, now: datetime, owner: str, lease_until: datetime, limit: int) -> list[int]:
    """Take up to ``limit`` due reminders of one channel for ``owner``: nobody else gets them until the lease ends.

    Ordered by due time through the partial index on what is still planned, so the cost depends on what is due.
    """
    due = (
        select(Reminder.id)
        .where(_PLANNED, Reminder.channel == channel, Reminder.due_at <= now)
        .order_by(Reminder.due_at, Reminder.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # PostgreSQL may run a plain subquery once per row and then takes more than the limit
    )
    claimed = tx.execute(
        update(Reminder)
        .where(Reminder.id.in_(select(due.c.id)), Reminder.state == State.PLANNED)
        .values(state=State.CLAIMED, lease_owner=owner, lease_until=lease_until, updated_at=now)
        .returning(Reminder.id)
        .execution_options(synchronize_session=False)
    )
    return list(claimed.scalars())


def details(tx: Connection, numbers: Sequence[int], owner: str) -> Sequence[Record]:
    """Reminders still claimed by ``owner``, locked, with everything that decides whether and how they go out."""
    return tx.execute(_DETAILS, {"numbers": numbers, "owner": owner}).all()


def move(tx: Connection, number: int, state: State, reason: Reason | None, now: datetime, **values: Any) -> bool:
    """Move one reminder if its present state allows it; False when it is elsewhere already."""
    values |= {"state": state, "updated_at": now, "lease_until": values.get("lease_until")}
    if reason is not None:
        values["reason"] = reason
    result = tx.execute(
        update(Reminder).where(Reminder.id == number, Reminder.state.in_(sources(state))).values(**values)
    )
    return result.rowcount == 1


def lapsed(tx: Connection, now: datetime, limit: int) -> Sequence[Record]:
    """Reminders whose lease ended without an outcome, with the attempt they made, if any (newest)."""
    attempt = (
        select(func.max(Message.id)).where(Message.reminder_id == Reminder.id).correlate(Reminder).scalar_subquery()
    )
    return tx.execute(
        select(Reminder.id, Reminder.state, Reminder.not_after, Reminder.channel, attempt.label("message_id"))
        .where(_HELD, Reminder.lease_until <= now)
        .order_by(Reminder.lease_until)
        .limit(limit)
    ).all()


def move_lapsed(tx: Connection, number: int, current: State, state: State, reason: Reason, now: datetime) -> bool:
    """Move a reminder whose lease ended, unless somebody else has dealt with it since."""
    mine = (Reminder.id == number, Reminder.state == current, Reminder.lease_until <= now)
    values = {"state": state, "reason": reason, "updated_at": now, "lease_until": None}
    return tx.execute(update(Reminder).where(*mine).values(**values)).rowcount == 1


def rest(tx: Connection, number: int, until: datetime) -> None:
    """Leave an uncertain reminder alone until ``until``."""
    tx.execute(
        update(Reminder).where(Reminder.id == number, Reminder.state == State.UNCERTAIN).values(lease_until=until)
    )


def by_number(tx: Connection, number: int) -> Record:
    return tx.execute(select(Reminder.__table__).where(Reminder.id == number)).one()


def by_uid(tx: Connection, uid: str) -> Record:
    return tx.execute(select(Reminder.__table__).where(Reminder.uid == uid)).one()


def bring_forward(tx: Connection, appointment_id: int, plan: int, step: int, channel: str, now: datetime) -> bool:
    """Make a planned reminder of another channel due now."""
    same = (
        Reminder.appointment_id == appointment_id, Reminder.plan == plan, Reminder.step == step,
        Reminder.kind == "reminder", Reminder.channel == channel, Reminder.state == State.PLANNED,
    )  # fmt: skip
    return tx.execute(update(Reminder).where(*same).values(due_at=now, updated_at=now)).rowcount == 1


def service_of(tx: Connection, appointment_id: int | None) -> int:
    """Number of the service a visit is for; 0 when there is no visit."""
    return tx.execute(select(Appointment.service_id).where(Appointment.id == appointment_id)).scalar() or 0


def any_due(tx: Connection, channel: str, now: datetime) -> bool:
    """True when a claim would find something."""
    query = select(Reminder.id).where(_PLANNED, Reminder.channel == channel, Reminder.due_at <= now)
    return tx.execute(query.limit(1)).first() is not None


def next_due(tx: Connection) -> datetime | None:
    """When the next reminder falls due."""
    return tx.execute(select(func.min(Reminder.due_at)).where(_PLANNED)).scalar()


def extend_lease(tx: Connection, numbers: Iterable[int], owner: str, until: datetime) -> None:
    tx.execute(
        update(Reminder)
        .where(Reminder.id.in_(list(numbers)), Reminder.lease_owner == owner, Reminder.state == State.CLAIMED)
        .values(lease_until=until)
    )


def of_appointment(tx: Connection, appointment_id: int) -> Sequence[Record]:
    """Every reminder of a visit with its newest message, in order of due time."""
    return of_appointments(tx, [appointment_id])


def of_appointments(tx: Connection, appointment_ids: Sequence[int]) -> Sequence[Record]:
    """Every reminder of these visits with its newest message, in order of due time."""
    newest = (
        select(func.max(Message.id)).where(Message.reminder_id == Reminder.id).correlate(Reminder).scalar_subquery()
    )
    return tx.execute(
        select(
            *(column.label(f"reminder_{column.name}") for column in Reminder.__table__.columns),
            *Message.__table__.columns,
        )
        .join_from(Reminder, Message, Message.id == newest, isouter=True)
        .where(Reminder.appointment_id.in_(appointment_ids))
        .order_by(Reminder.due_at, Reminder.id)
    ).all()


def contacted(tx: Connection, appointment_id: int, plan: int, step: int) -> Sequence[Record]:
    """Reminders of the same step on other channels, for deciding on a fallback."""
    return tx.execute(
        select(Reminder.id, Reminder.channel, Reminder.state).where(
            Reminder.appointment_id == appointment_id, Reminder.plan == plan, Reminder.step == step
        )
    ).all()


_DETAILS = (
    select(
        *(column.label(f"reminder_{column.name}") for column in Reminder.__table__.columns),
        *(column.label(f"appointment_{column.name}") for column in Appointment.__table__.columns),
        Patient.name.label("patient_name"),
        Patient.phone.label("patient_phone"),
        Patient.language.label("patient_language"),
        Patient.time_zone.label("patient_zone"),
        HOME,
    )
    .join_from(Reminder, Patient, Patient.id == Reminder.patient_id)
    .join(Appointment, Appointment.id == Reminder.appointment_id, isouter=True)
    .where(
        Reminder.id.in_(bindparam("numbers", expanding=True)),
        Reminder.state == State.CLAIMED,
        Reminder.lease_owner == bindparam("owner"),
    )
    .order_by(Reminder.due_at, Reminder.id)
    .with_for_update(of=Reminder)
)
