"""Queries on numbered questions to phones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from reminders.store.engine import Record
from reminders.store.tables import Question


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(Question), dict(values))


def latest(tx: Connection, phone: str, channel: str, since: datetime) -> Record | None:
    """The last question to this phone on this channel since then, kept from changing until the commit: two answers at the same moment
    take their turns."""
    table = Question.__table__
    query = select(table).where(table.c.phone == phone, table.c.channel == channel, table.c.asked_at >= since)
    return tx.execute(query.order_by(table.c.id.desc()).limit(1).with_for_update(key_share=True)).first()


def close(tx: Connection, phone: str, channel: str, now: datetime, *, lingers: bool = False) -> list[str]:
    """Nothing that this phone was asked on this channel waits for an answer any more; returns the uids of what did. ``lingers``: until it
    would have expired, a second answer is still known to be about it."""
    waiting = update(Question).where(
        Question.phone == phone, Question.channel == channel, Question.closed_at.is_(None)
    )  # fmt: skip
    values = {"closed_at": now} if lingers else {"closed_at": now, "expires_at": now}
    return [row.uid for row in tx.execute(waiting.values(**values).returning(Question.uid))]
