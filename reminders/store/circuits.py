"""Accounts that the provider refuses: one row while it does, shared by all workers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store.engine import Record
from reminders.store.tables import Circuit


def trip(tx: Connection, account: str, now: datetime, retry_at: datetime, error_code: int | None) -> bool:
    """Open the circuit of ``account``; False when it is open already."""
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {"account": account, "opened_at": now, "retry_at": retry_at, "error_code": error_code, "failures": 1}
    return tx.execute(build(Circuit).values(**values).on_conflict_do_nothing()).rowcount == 1


def all_open(tx: Connection) -> list[Record]:
    """Every account that is refused now."""
    return list(tx.execute(select(Circuit.__table__).order_by(Circuit.id)).all())


def take_probe(tx: Connection, account: str, now: datetime, next_at: datetime) -> bool:
    """Become the one who asks whether the account works again; False when it is not time or another worker does."""
    due = (Circuit.account == account, Circuit.retry_at <= now)
    return tx.execute(update(Circuit).where(*due).values(retry_at=next_at, failures=Circuit.failures + 1)).rowcount == 1


def close(tx: Connection, account: str) -> None:
    tx.execute(delete(Circuit).where(Circuit.account == account))
