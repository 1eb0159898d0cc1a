"""Time held without a visit: offered to somebody, blocked from a phone, busy in another calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from reminders.store.appointments import translated
from reminders.store.engine import Record
from reminders.store.tables import Hold


def add(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Hold time; ``SlotTaken`` when a visit (for an offer: or another hold) has it. ``created_at`` is the time now: what
    had expired by then is in nobody's way."""
    try:
        if rows:
            tx.execute(insert(Hold), [{"expires_at": None, **row} for row in rows])
    except IntegrityError as problem:
        raise translated(problem) from problem


def replace(tx: Connection, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let what ``source`` held go, and hold ``rows`` instead."""
    release(tx, source)
    add(tx, rows)


def release(tx: Connection, source: str) -> int:
    """Let go of everything that ``source`` holds; returns how many there were."""
    return tx.execute(delete(Hold).where(Hold.source == source)).rowcount


def of_source(tx: Connection, source: str) -> Sequence[Record]:
    """What ``source`` holds, also if it has expired."""
    table = Hold.__table__
    return tx.execute(select(table).where(table.c.source == source).order_by(table.c.start_at, table.c.id)).all()


def touching(tx: Connection, provider_id: int, since: datetime, until: datetime, now: datetime) -> Sequence[Record]:
    """What is held of a provider's time in [since, until), soonest first."""
    table = Hold.__table__
    query = select(table).where(table.c.provider_id == provider_id, table.c.end_at > since, table.c.start_at < until)
    return tx.execute(query.where(in_force(now)).order_by(table.c.start_at, table.c.id)).all()


def forget_expired(tx: Connection, now: datetime) -> int:
    """Drop what has expired; nothing depends on it, it only takes up room."""
    return tx.execute(delete(Hold).where(and_(Hold.expires_at.is_not(None), Hold.expires_at <= now))).rowcount


def in_force(now: datetime) -> ColumnElement[bool]:
    """The condition that a hold has not expired."""
    return or_(Hold.expires_at.is_(None), Hold.expires_at > now)
