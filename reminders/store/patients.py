"""Queries on patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.orm import aliased

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, Patient

_VISIT = aliased(Appointment)

#: The venue of the patient's latest visit, past or to come: who speaks when a message belongs to no visit.
HOME = (
    select(_VISIT.location_id)
    .where(_VISIT.patient_id == Patient.id)
    .order_by(_VISIT.start_at.desc())
    .limit(1)
    .correlate(Patient)
    .scalar_subquery()
    .label("home_location_id")
)

_BY_UID = select(Patient.__table__).where(Patient.uid == bindparam("uid"))
_GET, _GET_LOCKED = Prepared(_BY_UID), Prepared(_BY_UID.with_for_update(key_share=True))


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    return tx.execute(insert(Patient).returning(Patient.id), dict(values)).scalar_one()


def get(tx: Connection, uid: str, *, lock: bool = False) -> Record:
    """One patient; ``NotFound`` when there is none. ``lock`` holds the card until the commit."""
    row = (_GET_LOCKED if lock else _GET).first(tx, {"uid": uid})
    if row is None:
        raise NotFound("There is no patient with this id.")
    return row


def by_number(tx: Connection, number: int) -> Record:
    return tx.execute(select(Patient.__table__).where(Patient.id == number)).one()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(Patient).where(Patient.id == number).values(**values, version=Patient.version + 1))
    if "name" in values:  # calendars show it
        tx.execute(update(Appointment).where(Appointment.patient_id == number).values(published=False))


def listing(tx: Connection, after: int, limit: int, text: str | None, phone: str | None) -> Sequence[Record]:
    """Patients in order of creation; ``text`` matches part of the name, ``phone`` the whole number."""
    query = select(Patient.__table__).where(Patient.id > after)
    if text:
        query = query.where(func.lower(Patient.name).contains(text.lower(), autoescape=True))
    if phone:
        query = query.where(Patient.phone == phone)
    return tx.execute(query.order_by(Patient.id).limit(limit)).all()
