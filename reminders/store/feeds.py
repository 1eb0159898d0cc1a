"""Feeds and logins: addresses and passwords that are kept as hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, or_, select, update

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import (
    Appointment,
    CalendarEntry,
    CatalogueVersion,
    DavCredential,
    Feed,
    Location,
    Patient,
    Provider,
)

Table = type[Feed] | type[DavCredential]

_FEED = (
    select(
        *Feed.__table__.columns,
        Provider.uid.label("provider_uid"),
        Location.uid.label("location_uid"),
        Patient.uid.label("patient_uid"),
    )
    .join_from(Feed, Provider, isouter=True)
    .join(Location, Location.id == Feed.location_id, isouter=True)
    .join(Patient, Patient.id == Feed.patient_id, isouter=True)
)
_LOGIN = select(
    *DavCredential.__table__.columns,
    Provider.uid.label("provider_uid"),
    select(CatalogueVersion.version).scalar_subquery().label("catalogue_version"),
).join_from(DavCredential, Provider)
_SHOWN = {Feed: _FEED, DavCredential: _LOGIN}
_BY_TOKEN = Prepared(select(Feed.__table__).where(Feed.token_hash == bindparam("hash"), Feed.revoked_at.is_(None)))
_TO_RENDER = or_(
    select(Appointment.id)
    .where(
        Appointment.provider_id == DavCredential.provider_id,
        ~Appointment.published,
        Appointment.start_at > bindparam("since"),
    )
    .exists(),
    select(CalendarEntry.id)
    .where(CalendarEntry.provider_id == DavCredential.provider_id, CalendarEntry.stale)
    .correlate(DavCredential)
    .exists(),
)
_AT_ADDRESS = and_(
    CalendarEntry.provider_id == DavCredential.provider_id,
    CalendarEntry.href == bindparam("href"),
    ~CalendarEntry.deleted,
)
_SIGN_IN = Prepared(
    _LOGIN.add_columns(
        _TO_RENDER.label("is_behind"),
        CalendarEntry.href,
        CalendarEntry.etag,
        CalendarEntry.modified_at,
        CalendarEntry.body,
    )
    .join(CalendarEntry, _AT_ADDRESS, isouter=True)
    .where(DavCredential.hash == bindparam("hash"), DavCredential.revoked_at.is_(None))
)


def add(tx: Connection, table: Table, values: Mapping[str, Any]) -> None:
    tx.execute(insert(table), dict(values))


def by_token(tx: Connection, digest: str) -> Record | None:
    """The feed in force whose token has this digest."""
    return _BY_TOKEN.first(tx, {"hash": digest})


def sign_in(tx: Connection, digest: str, href: str, since: datetime) -> Record | None:
    """The login in force whose password has this digest, the version of the clinic's catalogue, whether the calendar is
    behind its visits (of those that begin after ``since``), and what lies at ``href`` in it: all that most requests need,
    in one statement."""
    return _SIGN_IN.first(tx, {"hash": digest, "href": href, "since": since})


def get(tx: Connection, table: Table, uid: str) -> Record:
    """One of them, also if revoked; ``NotFound`` when there is none."""
    row = tx.execute(_SHOWN[table].where(table.uid == uid)).first()
    if row is None:
        raise NotFound()
    return row


def listing(tx: Connection, table: Table, after: int, limit: int) -> Sequence[Record]:
    """Those in force, in order of creation."""
    query = _SHOWN[table].where(table.id > after, table.revoked_at.is_(None))
    return tx.execute(query.order_by(table.id).limit(limit)).all()


def change(tx: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(table).where(table.id == number).values(**values))


def revoke(tx: Connection, table: Table, uid: str, now: datetime) -> bool:
    """End it at once; False when there is none in force."""
    statement = update(table).where(table.uid == uid, table.revoked_at.is_(None)).values(revoked_at=now)
    return tx.execute(statement).rowcount == 1
