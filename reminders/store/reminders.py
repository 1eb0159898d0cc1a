"""Queries on reminders: planning, withdrawing, claiming with a lease, and moving them through their states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, or_, select, text, update
from sqlalchemy.orm import aliased

from reminders.domain.appointment import OPEN, Change
from reminders.domain.delivery import UNSENT, Channel, Reason, State, sources
from reminders.domain.dispatch import WITHDRAWN_BECAUSE
from reminders.store.bulk import insert_rows
from reminders.store.engine import Record, planned
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, AppointmentHistory, Message, Patient, Reminder

#: Written out rather than bound: a planner may use a partial index only when it sees the very condition of the index.
#: The first half is the condition of the index, the second what is looked for.
_HELD = text("reminder.state IN ('claimed', 'uncertain') AND reminder.state = 'uncertain'")

#: From here on the rows travel together.
_FEW = 20
#: Workers look every second; only what is due before they have looked is worth waking them for.
SOON = timedelta(seconds=2)
_REMINDER: Table = Reminder.__table__  # type: ignore[assignment]


class Lapsed(NamedTuple):
    """A reminder nobody knows the outcome of, and until when it is ours to find out."""

    id: int
    channel: str
    not_after: datetime
    held_until: datetime
    message_id: int


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store planned reminders; all rows have the same columns."""
    if rows:
        if len(rows) > _FEW:
            insert_rows(tx, _REMINDER, rows)
        else:
            _adding(tuple(rows[0])).many(tx, rows)
        if any(row["due_at"] - row["updated_at"] <= SOON for row in rows):
            planned(tx)


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
    if tx.execute(visit.with_for_update(of=Appointment, key_share=True)).first() is None:
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
    """Take back what is planned for a number (or e-mail address) whose owner said stop."""
    statement = update(Reminder).where(
        Reminder.patient_id.in_(_people(phone)), Reminder.state.in_(UNSENT), _by(phone, channel)
    )
    values = {"state": State.SUPPRESSED, "reason": Reason.OPTED_OUT, "updated_at": now}
    return tx.execute(statement.values(**values)).rowcount


def resume_for_phone(tx: Connection, phone: str, channel: str | None, now: datetime) -> int:
    """Plan again what a stop took back and is still ahead, now that its owner said start; returns how many.

    The one way out of a final state: people may change their mind. Only what holds for the visit as it is now.
    """
    other = aliased(Reminder)
    newest = select(func.max(other.plan)).where(other.appointment_id == Reminder.appointment_id).scalar_subquery()
    open_visits = select(Appointment.id).where(
        Appointment.patient_id.in_(_people(phone)),
        Appointment.status.in_(OPEN), Appointment.start_at > now,
    )  # fmt: skip
    statement = update(Reminder).where(
        Reminder.appointment_id.in_(open_visits), Reminder.kind == "reminder", Reminder.plan == newest,
        Reminder.state == State.SUPPRESSED, Reminder.reason == Reason.OPTED_OUT, Reminder.due_at > now,
        _by(phone, channel),
    )  # fmt: skip
    return tx.execute(statement.values(state=State.PLANNED, reason=Reason.DUE, updated_at=now)).rowcount


def _people(phone: str) -> Select[Any]:
    """Everybody with this number or e-mail address."""
    known = func.lower(Patient.email) == phone.lower() if "@" in phone else Patient.phone == phone
    return select(Patient.id).where(known)


def _by(phone: str, channel: str | None) -> ColumnElement[bool]:
    """Reminders of one channel, or without one of all that reach a phone, or an e-mail address."""
    if channel is not None:
        return Reminder.channel == channel
    return Reminder.channel == Channel.EMAIL if "@" in phone else Reminder.channel != Channel.EMAIL


def move(tx: Connection, number: int, state: State, reason: Reason | None, now: datetime, **values: Any) -> bool:
    """Move one reminder, and those its message speaks for, if their present state allows it; False when it is elsewhere
    already."""
    values |= {"state": state, "updated_at": now, "lease_until": values.get("lease_until")}
    if reason is not None:
        values["reason"] = reason
    result = tx.execute(
        update(Reminder).where(_with_carried(number), Reminder.state.in_(sources(state))).values(**values)
    )
    return result.rowcount >= 1


def put_back(
    tx: Connection, number: int, reason: Reason, now: datetime, *, on_a_call: bool = False, **values: Any
) -> bool:  # fmt: skip
    """Plan a reminder again that did not reach anybody, and those its message spoke for, each on its own from now on.
    ``on_a_call``: also one that the provider had taken, because a call nobody answered is placed again."""
    before = sources(State.PLANNED, on_a_call=on_a_call)
    values |= {"state": State.PLANNED, "reason": reason, "updated_at": now, "lease_until": None, "carried_by": None}
    statement = update(Reminder).where(_with_carried(number), Reminder.state.in_(before))
    return tx.execute(statement.values(**values)).rowcount >= 1


def carried(tx: Connection, number: int) -> list[int]:
    """The reminders that the message of this one speaks for as well."""
    return list(tx.execute(select(Reminder.id).where(Reminder.carried_by == number)).scalars())


def _with_carried(number: int) -> ColumnElement[bool]:
    return or_(Reminder.id == number, Reminder.carried_by == number)


def take_lapsed(tx: Connection, now: datetime, until: datetime, limit: int) -> list[Lapsed]:
    """Reminders whose lease ended without an outcome, with their newest attempt. Whoever gets them has until ``until`` to
    find out what happened; nobody else asks about them meanwhile."""
    table = Reminder.__table__
    due = (
        select(Reminder.id)
        .where(_HELD, Reminder.lease_until <= now, Reminder.carried_by.is_(None))
        .order_by(Reminder.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as in store/claims.py: a plain subquery could take more than the limit
    )
    taken = update(Reminder).where(Reminder.id.in_(select(due.c.id))).values(lease_until=until)
    rows = tx.execute(taken.returning(*table.columns).execution_options(synchronize_session=False)).all()
    numbers = [row.id for row in rows]
    if not numbers:
        return []
    newest = select(Message.reminder_id, func.max(Message.id).label("id")).where(Message.reminder_id.in_(numbers))
    attempts = {row.reminder_id: row.id for row in tx.execute(newest.group_by(Message.reminder_id))}
    tx.execute(update(Reminder).where(Reminder.carried_by.in_(numbers)).values(lease_until=until))
    return [
        Lapsed(row.id, row.channel, row.not_after, until, attempts[row.id]) for row in rows if row.id in attempts
    ]  # fmt: skip


def any_lapsed(tx: Connection, now: datetime) -> bool:
    query = select(Reminder.id).where(_HELD, Reminder.lease_until <= now, Reminder.carried_by.is_(None))
    return tx.execute(query.limit(1)).first() is not None


def still_lapsed(tx: Connection, row: Lapsed) -> bool:
    """True while nobody else has dealt with what ``take_lapsed`` gave out; locks it until the commit."""
    held = (Reminder.id == row.id, Reminder.state == State.UNCERTAIN, Reminder.lease_until == row.held_until)
    return tx.execute(select(Reminder.id).where(*held).with_for_update(key_share=True)).first() is not None


def move_lapsed(tx: Connection, row: Lapsed, state: State, reason: Reason, now: datetime) -> bool:
    """Move a reminder that ``take_lapsed`` gave out, unless somebody else has dealt with it since."""
    if not still_lapsed(tx, row):
        return False
    values = {"state": state, "reason": reason, "updated_at": now, "lease_until": None}
    if state is State.PLANNED:  # due now: a worker's low-water mark may be past its time
        values |= {"due_at": now, "carried_by": None}
    tx.execute(update(Reminder).where(_with_carried(row.id), Reminder.state == State.UNCERTAIN).values(**values))
    return True


def rest(tx: Connection, number: int, until: datetime) -> None:
    """Leave an uncertain reminder alone until ``until``."""
    tx.execute(
        update(Reminder).where(_with_carried(number), Reminder.state == State.UNCERTAIN).values(lease_until=until)
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


def of_appointment(tx: Connection, appointment_id: int) -> Sequence[Record]:
    """Every reminder of a visit with its newest message, in order of due time."""
    return of_appointments(tx, [appointment_id])


def of_appointments(tx: Connection, appointment_ids: Sequence[int]) -> Sequence[Record]:
    """Every reminder of these visits with its newest message, which may be that of another reminder that speaks for it,
    in order of due time."""
    newest = (
        select(func.max(Message.id))
        .where(Message.reminder_id == func.coalesce(Reminder.carried_by, Reminder.id))
        .correlate(Reminder)
        .scalar_subquery()
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
