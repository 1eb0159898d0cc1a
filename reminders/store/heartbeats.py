"""When each worker's clock last ticked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store.tables import Heartbeat


def beat(tx: Connection, worker: str, now: datetime) -> None:
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = build(Heartbeat).values(worker=worker, at=now)
    tx.execute(statement.on_conflict_do_update(index_elements=["worker"], set_={"at": now}))


def last(tx: Connection) -> datetime | None:
    """The newest tick of any worker."""
    return tx.execute(select(func.max(Heartbeat.at))).scalar()


def forget_before(tx: Connection, moment: datetime) -> None:
    """Drop workers that have been gone for long."""
    tx.execute(delete(Heartbeat).where(Heartbeat.at < moment))
