"""Queries on invitations that went out by mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store.engine import Record
from reminders.store.tables import Invitation

_TABLE = Invitation.__table__


def add_once(tx: Connection, token_hash: str, appointment_id: int, now: datetime) -> None:
    """Remember a reply address; nothing happens when it is known."""
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    values = {"token_hash": token_hash, "appointment_id": appointment_id, "created_at": now}
    tx.execute(build(Invitation).values(**values).on_conflict_do_nothing(index_elements=["token_hash"]))


def find(tx: Connection, token_hashes: Sequence[str]) -> Record | None:
    """The invitation one of these belongs to, kept from changing until the commit: two answers take their turns."""
    query = select(_TABLE).where(_TABLE.c.token_hash.in_(token_hashes)).order_by(_TABLE.c.id).limit(1)
    return tx.execute(query.with_for_update(key_share=True)).first()


def answered(tx: Connection, number: int, stamp: datetime, answer: str) -> None:
    """Keep the last answer and when it was made."""
    statement = update(Invitation).where(Invitation.id == number)
    tx.execute(statement.values(answered_at=stamp, answer=answer))
