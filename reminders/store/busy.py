"""Events of other people's calendars, as they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import BusyEvent

_TABLE: Any = BusyEvent.__table__
_COLUMNS = ("uid", "source", "key", "provider_id", "digest", "raw", "expanded_to", "created_at")
_ADD = Prepared(insert(_TABLE).inline(), _COLUMNS)
_GET = Prepared(select(_TABLE).where(_TABLE.c.source == bindparam("of"), _TABLE.c.key == bindparam("named")))


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    _ADD.run(tx, values)


def get(tx: Connection, source: str, key: str) -> Record | None:
    return _GET.first(tx, {"of": source, "named": key})


def by_uid(tx: Connection, uid: str) -> Record | None:
    return tx.execute(select(_TABLE).where(_TABLE.c.uid == uid)).first()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(BusyEvent).where(BusyEvent.id == number).values(**values))


def remove(tx: Connection, uid: str) -> None:
    tx.execute(delete(BusyEvent).where(BusyEvent.uid == uid))


def digests(tx: Connection, source: str) -> dict[str, str]:
    """Key and digest of everything that came from a source."""
    rows = tx.execute(select(_TABLE.c.key, _TABLE.c.digest).where(_TABLE.c.source == source))
    return {row.key: row.digest for row in rows}


def running_out(tx: Connection, before: datetime, limit: int) -> Sequence[Record]:
    """Recurring events that are not worked out as far as ``before``."""
    query = select(_TABLE).where(_TABLE.c.expanded_to.is_not(None), _TABLE.c.expanded_to < before)
    return tx.execute(query.order_by(_TABLE.c.expanded_to).limit(limit)).all()
