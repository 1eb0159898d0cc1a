"""Queries on what people said about being contacted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from reminders.store.tables import OptOut

ALL = "all"


def stop(tx: Connection, phone: str, channel: str, now: datetime, evidence: str, message_id: int | None) -> bool:
    """Record a stop with its evidence; False when it was in force already."""
    if (phone, channel) in in_force(tx, [phone]):
        return False
    values = {"phone": phone, "channel": channel, "since": now, "evidence": evidence, "message_id": message_id}
    tx.execute(insert(OptOut).values(**values))
    return True


def start(tx: Connection, phone: str, channel: str | None, now: datetime) -> int:
    """End every stop of a phone (of one channel, or of all); returns how many there were."""
    statement = update(OptOut).where(OptOut.phone == phone, OptOut.ended_at.is_(None))
    if channel is not None:
        statement = statement.where(OptOut.channel.in_((channel, ALL)))
    return tx.execute(statement.values(ended_at=now)).rowcount


def in_force(tx: Connection, phones: Collection[str]) -> set[tuple[str, str]]:
    """(phone, channel) of every stop in force among ``phones``."""
    if not phones:
        return set()
    rows = tx.execute(select(OptOut.phone, OptOut.channel).where(OptOut.phone.in_(phones), OptOut.ended_at.is_(None)))
    return {(row.phone, row.channel) for row in rows}


def blocks(stops: set[tuple[str, str]], phone: str, channel: str) -> bool:
    """True when a stop covers this phone and channel."""
    return (phone, channel) in stops or (phone, ALL) in stops
