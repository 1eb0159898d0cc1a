"""Who changed what on a visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from reminders.domain.actor import ASSUMING
from reminders.domain.appointment import Change
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import AppointmentHistory

_COLUMNS = ("appointment_id", "at", "change", "actor", "channel", "version", "facts")
_ADD = Prepared(insert(AppointmentHistory.__table__).inline(), _COLUMNS)  # type: ignore[arg-type]


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    _ADD.run(tx, values)


_ANSWERS_AND_MOVES = (Change.RESCHEDULE, Change.CONFIRM, Change.CANCEL)


def answers_and_moves(tx: Connection, appointment_id: int) -> Sequence[Record]:
    """Every time a visit was confirmed, cancelled or moved, oldest first."""
    table = AppointmentHistory.__table__
    query = select(table).where(table.c.appointment_id == appointment_id, table.c.change.in_(_ANSWERS_AND_MOVES))
    return tx.execute(query.order_by(table.c.id)).all()


def is_assumed(tx: Connection, appointment_id: int) -> bool:
    """Whether the last thing that happened to a visit is that it was taken for kept, because nobody said otherwise."""
    table = AppointmentHistory.__table__
    query = select(table.c.channel).where(table.c.appointment_id == appointment_id)
    return tx.execute(query.order_by(table.c.id.desc()).limit(1)).scalar() == ASSUMING.channel


def of_appointment(tx: Connection, appointment_id: int) -> Sequence[Record]:
    """Every change of a visit, oldest first."""
    table = AppointmentHistory.__table__
    return tx.execute(select(table).where(table.c.appointment_id == appointment_id).order_by(table.c.id)).all()
