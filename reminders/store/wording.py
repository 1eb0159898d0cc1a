"""Queries on the texts of the clinic's own, and on how often each text goes out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select

from reminders.domain.wording import Key
from reminders.store import clinic
from reminders.store.engine import Record
from reminders.store.tables import ClinicText, Message, Patient


def versions(tx: Connection, key: Key) -> Sequence[Record]:
    """Every version of one text, newest first."""
    table = ClinicText.__table__
    return tx.execute(select(table).where(*_is(key)).order_by(table.c.version.desc())).all()


def add(tx: Connection, key: Key, values: dict[str, Any]) -> None:
    """Store the next version; the catalogue has changed. The database refuses a version that is taken."""
    clinic.touch(tx)
    tx.execute(insert(ClinicText).values(**key._asdict(), **values))


def volume(tx: Connection, key: Key, since: datetime) -> int:
    """How many messages of this text went out since ``since``."""
    return tx.execute(select(func.count()).select_from(Message).where(*_sent(key, since))).scalar_one()


def recipients(tx: Connection, key: Key, since: datetime, limit: int) -> Sequence[Record]:
    """Name and number of those whom this text was sent to last."""
    return tx.execute(
        select(Patient.name, Message.phone).join_from(Message, Patient, Patient.id == Message.patient_id)
        .where(*_sent(key, since)).order_by(Message.id.desc()).limit(limit)
    ).all()  # fmt: skip


def _is(key: Key) -> tuple[ColumnElement[bool], ...]:
    return (
        ClinicText.channel == key.channel, ClinicText.template == key.template, ClinicText.language == key.language
    )  # fmt: skip


def _sent(key: Key, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Message.created_at >= since, Message.direction == "out", Message.channel == key.channel,
        func.coalesce(Message.template, Message.kind) == key.template, Message.language == key.language,
    )  # fmt: skip
