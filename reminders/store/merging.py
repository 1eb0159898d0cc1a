"""Rows that change hands when two cards turn out to be one person's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.orm import aliased

from reminders.store.engine import Record
from reminders.store.tables import Appointment, Feed, InboxItem, Message, Patient, PatientMerge, Reminder

#: What belongs to a patient, by the name it has in ``PatientMerge.moved``.
_TABLES: Mapping[str, Any] = {
    "appointment": Appointment.__table__, "reminder": Reminder.__table__, "message": Message.__table__,
    "inbox_item": InboxItem.__table__, "feed": Feed.__table__,
}  # fmt: skip
_KEPT, _GONE = aliased(Patient), aliased(Patient)
_LISTED = (
    select(*PatientMerge.__table__.columns, _KEPT.uid.label("kept_uid"), _GONE.uid.label("gone_uid"))
    .join_from(PatientMerge, _KEPT, _KEPT.id == PatientMerge.kept_id)
    .join(_GONE, _GONE.id == PatientMerge.gone_id)
)


def move(tx: Connection, gone: int, kept: int) -> dict[str, list[int]]:
    """Give everything of one card to the other; returns which rows these were."""
    moved = {}
    for name, table in _TABLES.items():
        moved[name] = list(tx.execute(select(table.c.id).where(table.c.patient_id == gone)).scalars())
        tx.execute(update(table).where(table.c.patient_id == gone).values(patient_id=kept))
    return moved


def move_back(tx: Connection, moved: Mapping[str, Sequence[int]], gone: int, kept: int) -> None:
    """Give these rows back, as far as they still belong to the card that was kept."""
    for name, table in _TABLES.items():
        mine = table.c.id.in_(moved.get(name, ()))
        tx.execute(update(table).where(mine, table.c.patient_id == kept).values(patient_id=gone))


def visits_ahead(tx: Connection, patient: int, now: datetime) -> Sequence[str]:
    """Ids of visits that have not begun yet."""
    query = select(Appointment.uid).where(Appointment.patient_id == patient, Appointment.start_at > now)
    return tx.execute(query.order_by(Appointment.start_at)).scalars().all()


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(PatientMerge), dict(values))


def get(tx: Connection, uid: str, *, lock: bool = False) -> Record | None:
    query = _LISTED.where(PatientMerge.uid == uid)
    return tx.execute(query.with_for_update(of=PatientMerge, key_share=True) if lock else query).first()


def finish(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(PatientMerge).where(PatientMerge.id == number).values(**values))


def listing(tx: Connection, patient: int) -> Sequence[Record]:
    """Merges that this card took part in, newest first."""
    mine = or_(PatientMerge.kept_id == patient, PatientMerge.gone_id == patient)
    return tx.execute(_LISTED.where(mine).order_by(PatientMerge.id.desc())).all()
