"""What a person at the desk has to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from reminders.store.engine import Record
from reminders.store.tables import Appointment, InboxItem, Message, Patient

_ITEM = (
    select(
        *InboxItem.__table__.columns,
        Message.body,
        Message.phone,
        Message.channel,
        Message.language,
        Patient.uid.label("patient_uid"),
        Patient.name.label("patient_name"),
        Patient.phone_problem,
        Appointment.uid.label("appointment_uid"),
    )
    .join_from(InboxItem, Message, isouter=True)
    .join(Patient, Patient.id == InboxItem.patient_id, isouter=True)
    .join(Appointment, Appointment.id == InboxItem.appointment_id, isouter=True)
)


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(InboxItem), dict(values))


def propose(tx: Connection, values: Mapping[str, Any]) -> None:
    """Add an item about a visit; while one for the same reason is open it gets the newer wish instead."""
    about = (InboxItem.appointment_id == values["appointment_id"], InboxItem.reason == values["reason"])
    newer = update(InboxItem).where(*about, InboxItem.done_at.is_(None)).values(proposed_at=values["proposed_at"])
    if not tx.execute(newer).rowcount:
        add(tx, values)


def add_once(tx: Connection, values: Mapping[str, Any]) -> bool:
    """Add an item about a patient, unless one for the same reason is open; False when there is one.

    Holds the patient's card until the commit, so that two cannot be added at the same moment.
    """
    about = values["patient_id"]
    tx.execute(select(Patient.id).where(Patient.id == about).with_for_update(key_share=True))
    if tx.execute(select(InboxItem.id).where(_open(about, values["reason"])).limit(1)).first():
        return False
    add(tx, values)
    return True


def settle(tx: Connection, patient_id: int, reason: str, actor: str, now: datetime) -> int:
    """Mark what is open about a patient for this reason as dealt with: it is out of the world; returns how many."""
    statement = update(InboxItem).where(_open(patient_id, reason))
    return tx.execute(statement.values(done_at=now, done_by=actor)).rowcount


def settle_visit(tx: Connection, appointment_id: int, reasons: Sequence[str], actor: str, now: datetime) -> None:
    """The same for what is open about one visit for one of these reasons."""
    about = (InboxItem.appointment_id == appointment_id, InboxItem.reason.in_(reasons), InboxItem.done_at.is_(None))
    tx.execute(update(InboxItem).where(*about).values(done_at=now, done_by=actor))


def has_for_visit(tx: Connection, appointment_id: int, reason: str, since: datetime) -> bool:
    """True when this visit has brought somebody such an item since ``since``."""
    mine = (InboxItem.appointment_id == appointment_id, InboxItem.reason == reason, InboxItem.created_at >= since)
    return tx.execute(select(InboxItem.id).where(*mine).limit(1)).first() is not None


def _open(patient_id: int, reason: str) -> ColumnElement[bool]:
    return and_(InboxItem.patient_id == patient_id, InboxItem.reason == reason, InboxItem.done_at.is_(None))


def is_open(tx: Connection, appointment_id: int, reason: str) -> bool:
    """True while the desk has an item about this visit for the same reason."""
    about = (InboxItem.appointment_id == appointment_id, InboxItem.reason == reason, InboxItem.done_at.is_(None))
    return tx.execute(select(InboxItem.id).where(*about).limit(1)).first() is not None


def listing(tx: Connection, after: int, limit: int, *, done: bool) -> Sequence[Record]:
    """Items in order of arrival: the open ones, or those somebody has dealt with."""
    state = InboxItem.done_at.is_not(None) if done else InboxItem.done_at.is_(None)
    return tx.execute(_ITEM.where(InboxItem.id > after, state).order_by(InboxItem.id).limit(limit)).all()


def get(tx: Connection, uid: str) -> Record | None:
    return tx.execute(_ITEM.where(InboxItem.uid == uid)).first()


def finish(tx: Connection, uid: str, actor: str, now: datetime) -> bool:
    """Mark one item as dealt with; doing it twice changes nothing."""
    statement = update(InboxItem).where(InboxItem.uid == uid, InboxItem.done_at.is_(None))
    return tx.execute(statement.values(done_at=now, done_by=actor)).rowcount == 1
