"""Queries on messages and calls, in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.domain.appointment import Change
from reminders.domain.delivery import State, sources
from reminders.store.engine import Record
from reminders.store.patients import HOME
from reminders.store.tables import Appointment, AppointmentHistory, Message, Patient, Reminder

_ADD = insert(Message).returning(Message.id)


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    """Store an outgoing message before the provider is asked to send it; returns its number."""
    return tx.execute(_ADD, dict(values)).scalar_one()


def add_once(tx: Connection, values: Mapping[str, Any]) -> int | None:
    """Store an incoming message; ``None`` when its provider id is known already."""
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = build(Message).values(**values).on_conflict_do_nothing(index_elements=["provider_sid"])
    return tx.execute(statement.returning(Message.id)).scalar()


def by_token(tx: Connection, token: str, *, lock: bool = False) -> Record | None:
    """The message whose callback address holds ``token``."""
    query = select(Message.__table__).where(Message.token == token)
    return tx.execute(query.with_for_update(key_share=True) if lock else query).first()


def came_from(tx: Connection, phone: str) -> bool:
    """True when somebody has answered from this number, so that it is theirs."""
    query = select(Message.id).where(Message.phone == phone, Message.direction == "in").limit(1)
    return tx.execute(query).first() is not None


def by_number(tx: Connection, number: int) -> Record:
    return tx.execute(select(Message.__table__).where(Message.id == number)).one()


def by_uid(tx: Connection, uid: str) -> Record | None:
    return tx.execute(select(Message.__table__).where(Message.uid == uid)).first()


def settle(tx: Connection, number: int, state: State, **values: Any) -> bool:
    """Move a message to ``state`` if it may; facts (segments, price, SID) are kept even when the move is late."""
    learn(tx, number, **values)
    moved = tx.execute(
        update(Message).where(Message.id == number, Message.state.in_(sources(state))).values(state=state)
    )
    return moved.rowcount == 1


def learn(tx: Connection, number: int, **values: Any) -> None:
    """Keep facts about a message; ``None`` values are left as they are."""
    facts = {name: value for name, value in values.items() if value is not None}
    if facts:
        tx.execute(update(Message).where(Message.id == number).values(**facts))


def revive(tx: Connection, number: int) -> None:
    """An attempt that was given up turns out to have reached the provider: its outcome is open again."""
    values = {"state": State.UNCERTAIN, "error_code": None}
    tx.execute(update(Message).where(Message.id == number, Message.provider_sid.is_(None)).values(**values))


def questions(tx: Connection, phone: str, since: datetime) -> Sequence[Record]:
    """Reminders this phone was sent since ``since``, newest first, with their visits as they are now. ``moved`` is the
    version the visit got when it was last moved: a question planned before that (``plan``) told another time. A message
    that spoke for several reminders asked about each of their visits."""
    moved = (
        select(func.max(AppointmentHistory.version))
        .where(AppointmentHistory.appointment_id == Appointment.id, AppointmentHistory.change == Change.RESCHEDULE)
        .correlate(Appointment)
        .scalar_subquery()
    )
    return tx.execute(
        select(Message.id, Reminder.appointment_id, Message.created_at, Reminder.plan, moved.label("moved"),
               Appointment.uid.label("appointment_uid"), Appointment.start_at, Appointment.location_id,
               Appointment.patient_id, Appointment.status, Appointment.confirmation)
        .join_from(Message, Reminder, or_(Reminder.id == Message.reminder_id, Reminder.carried_by == Message.reminder_id))
        .join(Appointment, Appointment.id == Reminder.appointment_id)
        .where(
            Message.phone == phone,
            Message.created_at >= since,
            Message.direction == "out",
            Message.kind.in_(("reminder", "moved")),
            Message.state.in_((State.UNCERTAIN, State.SENT, State.DELIVERED)),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
    ).all()  # fmt: skip


def answers_since(tx: Connection, phone: str, since: datetime) -> int:
    """How many answers this phone was sent since ``since``."""
    query = select(func.count()).where(Message.phone == phone, Message.created_at >= since, Message.kind == "answer")
    return tx.execute(query).scalar_one()


def answer_of(tx: Connection, phone: str, moment: datetime) -> str:
    """The words that this phone was answered with at exactly that moment; empty if it was not."""
    query = select(Message.body).where(Message.phone == phone, Message.created_at == moment, Message.kind == "answer")
    return tx.execute(query.limit(1)).scalar() or ""


def conversation(tx: Connection, patient_id: int, limit: int = 100) -> Sequence[Record]:
    """Everything said to and by one patient, newest first."""
    return tx.execute(
        select(Message.__table__).where(Message.patient_id == patient_id).order_by(Message.id.desc()).limit(limit)
    ).all()


def of_reminder(tx: Connection, reminder_id: int) -> Sequence[Record]:
    """Every attempt of one reminder, oldest first."""
    return tx.execute(select(Message.__table__).where(Message.reminder_id == reminder_id).order_by(Message.id)).all()


def reminder_of(tx: Connection, message: Record) -> Record | None:
    """The reminder a message carries."""
    if message.reminder_id is None:
        return None
    return tx.execute(select(Reminder.__table__).where(Reminder.id == message.reminder_id)).first()


def sids(tx: Connection, tokens: Sequence[str]) -> dict[str, str | None]:
    """The provider's id of each of these messages, by token."""
    rows = tx.execute(select(Message.token, Message.provider_sid).where(Message.token.in_(tokens)))
    return {row.token: row.provider_sid for row in rows}


def check_again(tx: Connection, number: int, moment: datetime | None) -> None:
    """Ask the provider about this message at ``moment``; ``None``: there is nothing left to ask."""
    tx.execute(update(Message).where(Message.id == number).values(check_at=moment))


def any_check_due(tx: Connection, now: datetime) -> bool:
    return tx.execute(select(Message.id).where(Message.check_at <= now).limit(1)).first() is not None


def take_checks(tx: Connection, now: datetime, until: datetime, limit: int) -> Sequence[Record]:
    """Messages to ask the provider about, oldest first; others leave them alone until ``until``."""
    due = (
        select(Message.id)
        .where(Message.check_at <= now)
        .order_by(Message.check_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as in store/claims.py: a plain subquery could take more than the limit
    )
    taken = update(Message).where(Message.id.in_(select(due.c.id)))
    table = Message.__table__
    return tx.execute(taken.values(check_at=until, checks=Message.checks + 1).returning(*table.columns)).all()


def known_sid(tx: Connection, sid: str) -> bool:
    """True when some message already carries this provider id."""
    return tx.execute(select(Message.id).where(Message.provider_sid == sid)).first() is not None


_PERSON = (*Patient.__table__.columns, HOME)


def patient_of_phone(tx: Connection, phone: str) -> Record | None:
    """The patient with this number whom we wrote to last, else any with this number."""
    last = tx.execute(
        select(*_PERSON).join_from(Message, Patient, Patient.id == Message.patient_id)
        .where(Message.phone == phone).order_by(Message.id.desc()).limit(1)
    ).first()  # fmt: skip
    return last or tx.execute(select(*_PERSON).where(Patient.phone == phone).limit(1)).first()
