"""Statements that load past visits in bulk and tell which are there already.

Bulk inserts go to the driver in one piece, with values turned into its form column by column: the usual way, row by
row, costs more time than the database itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, and_, func, select, text

from reminders.domain.imports import Account
from reminders.store.engine import Record
from reminders.store.ids import new_uid
from reminders.store.tables import Appointment, AppointmentHistory, Location, Patient, Provider, Reminder, Service

#: What the history calls the entry that an import writes.
CHANGE = "import"

_TAIL = 11
_DIGITS = bytes(b"0123456789abcdefghjkmnpqrstvwxyz"[number % 32] for number in range(256))

Table = type[Appointment] | type[AppointmentHistory] | type[Patient] | type[Reminder]


def lock(tx: Connection, source: str) -> None:
    """Let only one import of this source write at a time, until the commit. SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"import {source}"})


def known_visits(tx: Connection, source: str, ids: Iterable[str]) -> dict[str, Account | None]:
    """Visits of ``source`` that are there, with what was imported about them; ``None`` if they came another way."""
    entry = and_(AppointmentHistory.appointment_id == Appointment.id, AppointmentHistory.change == CHANGE)
    rows = tx.execute(
        select(Appointment.external_id, Patient.external_id.label("patient"), AppointmentHistory.facts)
        .join_from(Appointment, Patient)
        .join(AppointmentHistory, entry, isouter=True)
        .where(Appointment.source == source, Appointment.external_id.in_(list(ids)))
    )
    return {row.external_id: Account.restored(row.patient, row.facts) if row.facts else None for row in rows}


def patient_numbers(tx: Connection, source: str, ids: Iterable[str]) -> dict[str, int]:
    """Internal numbers of the patients of ``source`` that are there."""
    query = select(Patient.external_id, Patient.id).where(Patient.source == source, Patient.external_id.in_(list(ids)))
    return {row.external_id: row.id for row in tx.execute(query)}


def reserve(tx: Connection, table: type[Appointment] | type[Patient], count: int) -> Sequence[int]:
    """Internal numbers for ``count`` new rows. On SQLite the write lock keeps them free until the commit."""
    if tx.dialect.name == "postgresql":
        sequence = func.nextval(func.pg_get_serial_sequence(table.__tablename__, "id"))
        return tx.execute(select(sequence).select_from(func.generate_series(1, count))).scalars().all()
    last = tx.execute(select(func.coalesce(func.max(table.id), 0))).scalar_one()
    return range(last + 1, last + 1 + count)


def uids(prefix: str, now: datetime, count: int) -> list[str]:
    """``count`` public ids of the form of ``new_uid``, in ascending order, so that indexes grow at one end."""
    head = new_uid(prefix, now)[:-_TAIL]
    digits = secrets.token_bytes(_TAIL * count).translate(_DIGITS).decode()
    return sorted(head + digits[place : place + _TAIL] for place in range(0, _TAIL * count, _TAIL))


def add(tx: Connection, table: Table, columns: Mapping[str, Sequence[Any]], constants: Mapping[str, Any]) -> None:
    """Insert rows given as equally long columns, plus ``constants`` that are the same in every row."""
    readers = {name: _processor(tx, table, name) for name in (*columns, *constants)}
    each = [map(reader, values) if (reader := readers[name]) else values for name, values in columns.items()]
    same = [repeat(reader(value) if (reader := readers[name]) else value) for name, value in constants.items()]
    rows = list(zip(*each, *same, strict=False))
    if rows:
        mark = "?" if tx.dialect.paramstyle == "qmark" else "%s"
        marks = ", ".join(mark for _ in readers)
        names = f"{table.__tablename__} ({', '.join(readers)})"
        tx.exec_driver_sql(f"INSERT INTO {names} VALUES ({marks})", rows)  # noqa: S608 - names of our own tables


def location_named(tx: Connection, name: str) -> Record | None:
    return tx.execute(select(Location.__table__).where(Location.name == name).order_by(Location.id)).first()


def service_named(tx: Connection, name: str) -> int | None:
    return tx.execute(select(Service.id).where(Service.name == name).order_by(Service.id)).scalar()


def provider_named(tx: Connection, name: str, location_id: int) -> int | None:
    mine = (Provider.name == name, Provider.location_id == location_id)
    return tx.execute(select(Provider.id).where(*mine).order_by(Provider.id)).scalar()


def _processor(tx: Connection, table: Table, column: str) -> Any:
    """What turns a value of this column into what the driver takes; ``None`` when it takes it as it is."""
    kind = table.__table__.c[column].type
    return kind.dialect_impl(tx.dialect).bind_processor(tx.dialect)
