"""Trials within reminder policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from reminders.errors import NotFound
from reminders.store import clinic
from reminders.store.engine import Record
from reminders.store.tables import Experiment

_TABLE = Experiment.__table__


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store a new trial; every process plans by it from its next request on."""
    clinic.touch(tx)
    tx.execute(insert(Experiment), dict(values))


def end(tx: Connection, number: int, at: datetime) -> bool:
    """End a trial; False when it has ended before."""
    clinic.touch(tx)
    running = (Experiment.id == number, Experiment.ended_at.is_(None))
    return tx.execute(update(Experiment).where(*running).values(ended_at=at)).rowcount == 1


def get(tx: Connection, uid: str) -> Record:
    """One trial by its public id; ``NotFound`` when there is none."""
    row = tx.execute(select(_TABLE).where(_TABLE.c.uid == uid)).first()
    if row is None:
        raise NotFound("There is no experiment with this id.")
    return row


def all_rows(tx: Connection) -> Sequence[Record]:
    """Every trial, the latest first."""
    return tx.execute(select(_TABLE).order_by(_TABLE.c.id.desc())).all()


def listing(tx: Connection, after: int, limit: int) -> Sequence[Record]:
    return tx.execute(select(_TABLE).where(_TABLE.c.id > after).order_by(_TABLE.c.id).limit(limit)).all()


def running(tx: Connection, policy_id: int) -> bool:
    """Whether a policy has a trial that has not ended."""
    query = select(_TABLE.c.id).where(_TABLE.c.policy_id == policy_id, _TABLE.c.ended_at.is_(None))
    return tx.execute(query).first() is not None
