"""Effects to carry out after the commit: rows written in the transaction that causes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Outbox

_COLUMNS = ("topic", "key", "facts", "not_before", "attempts")
_ADD = Prepared(insert(Outbox.__table__).inline(), _COLUMNS)  # type: ignore[arg-type]  # nobody asks for the number


def add(tx: Connection, topic: str, key: str, facts: Mapping[str, Any], not_before: datetime) -> None:
    """Ask for an effect; it is carried out at least once, not before ``not_before``."""
    add_row(tx, row(topic, key, facts, not_before))


def row(topic: str, key: str, facts: Mapping[str, Any], not_before: datetime) -> dict[str, Any]:
    """The row that asks for an effect."""
    return {"topic": topic, "key": key, "facts": dict(facts), "not_before": not_before, "attempts": 0}


def add_row(tx: Connection, values: Mapping[str, Any]) -> None:
    """Store what ``row`` made."""
    _ADD.run(tx, values)


def any_due(tx: Connection, now: datetime) -> bool:
    return tx.execute(select(Outbox.id).where(Outbox.not_before <= now).limit(1)).first() is not None


def take(tx: Connection, now: datetime, until: datetime, limit: int) -> Sequence[Record]:
    """Claim due rows by moving their time to ``until``: a worker that dies leaves them to be taken again then."""
    due = (
        select(Outbox.id)
        .where(Outbox.not_before <= now)
        .order_by(Outbox.not_before, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # as in store/reminders.py: a plain subquery could take more than the limit
    )
    taken = tx.execute(
        update(Outbox)
        .where(Outbox.id.in_(select(due.c.id)))
        .values(not_before=until, attempts=Outbox.attempts + 1)
        .returning(Outbox.id, Outbox.topic, Outbox.key, Outbox.facts, Outbox.attempts)
    )
    return sorted(taken, key=attrgetter("id"))  # an UPDATE returns its rows in any order


def done(tx: Connection, numbers: Sequence[int]) -> None:
    tx.execute(delete(Outbox).where(Outbox.id.in_(numbers)))


def again(tx: Connection, number: int, not_before: datetime, error: str) -> None:
    """Try later; ``error`` is a code or class name, never a message with personal data."""
    tx.execute(update(Outbox).where(Outbox.id == number).values(not_before=not_before, last_error=error))
