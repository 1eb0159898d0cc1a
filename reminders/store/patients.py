"""Queries on patients."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, Patient
from reminders.store.tables.base import among

TABLE: Any = Patient.__table__
_VISIT = aliased(Appointment)
#: So many cards behind one address are more than anybody can choose between.
_MOST_SHARING = 50

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


#: Topic of the outbox: somebody's card changed, or what they allow.
CHANGED = "patient.changed"


_COLUMNS = tuple(column.name for column in Patient.__table__.columns if column.name != "id")
_EMPTY: Mapping[str, Any] = dict.fromkeys(_COLUMNS) | {"paused": False}
_ADD = Prepared(insert(Patient.__table__).returning(Patient.__table__.c.id), _COLUMNS)  # type: ignore[arg-type]
_SHARING = Prepared(
    select(Patient.__table__)
    .where(
        or_(Patient.phone == bindparam("phone"), Patient.email.in_((bindparam("email"), bindparam("lower")))),
        Patient.merged_into.is_(None),
    )
    .order_by(Patient.id)
    .limit(_MOST_SHARING)
)

_PHONES_HELD = Prepared(
    select(TABLE.c.phone).where(among(TABLE.c.phone, "phones"), TABLE.c.merged_into.is_(None)).distinct()
)
_EMAILS_HELD = Prepared(
    select(TABLE.c.email).where(among(TABLE.c.email, "emails"), TABLE.c.merged_into.is_(None)).distinct()
)


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    return int(_ADD.first(tx, {**_EMPTY, "updated_at": values["created_at"], **values})[0])  # type: ignore[index]


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


def sharing(tx: Connection, phone: str | None, email: str | None) -> Sequence[Record]:
    """Cards with this phone (E.164) or e-mail address, in order of creation."""
    if not phone and not email:
        return []
    return _SHARING.all(tx, {"phone": phone, "email": email, "lower": email.lower() if email else None})


def held(tx: Connection, phones: Collection[str], emails: Collection[str]) -> set[str]:
    """Which of these phones (E.164) and e-mail addresses, as they are written, stand on some card."""
    found = [row.phone for row in _PHONES_HELD.all(tx, {"phones": list(phones)})] if phones else []
    return {*found, *(row.email for row in _EMAILS_HELD.all(tx, {"emails": list(emails)}) if emails)}


def by_external(tx: Connection, source: str, external_id: str) -> Record | None:
    """The card that an import made of this record."""
    query = select(Patient.__table__).where(Patient.source == source, Patient.external_id == external_id)
    return tx.execute(query).first()


def uids(tx: Connection, after: str | None, limit: int) -> Sequence[str]:
    """Ids of all cards but those merged into others, in order of id."""
    query = select(Patient.uid).where(Patient.merged_into.is_(None))
    if after is not None:
        query = query.where(Patient.uid > after)
    return tx.execute(query.order_by(Patient.uid).limit(limit)).scalars().all()


def listing(tx: Connection, after: int, limit: int, text: str | None, phone: str | None) -> Sequence[Record]:
    """Patients in order of creation; ``text`` matches part of the name, ``phone`` the whole number."""
    query = select(Patient.__table__).where(Patient.id > after, Patient.merged_into.is_(None))
    if text:
        query = query.where(func.lower(Patient.name).contains(text.lower(), autoescape=True))
    if phone:
        query = query.where(Patient.phone == phone)
    return tx.execute(query.order_by(Patient.id).limit(limit)).all()
