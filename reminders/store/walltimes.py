"""Queries of the checks of wall times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, tuple_, update

from reminders.domain.appointment import OPEN
from reminders.store.engine import Record
from reminders.store.tables import Appointment, ZoneCheck

_CHECK: Any = ZoneCheck.__table__
_VISIT: Any = Appointment.__table__


def last(tx: Connection, *, lock: bool = False) -> Record | None:
    """The last check, perhaps still under way; with ``lock`` ``None`` also while another worker is at it."""
    query = select(_CHECK).order_by(_CHECK.c.id.desc()).limit(1)
    return tx.execute(query.with_for_update(skip_locked=True, key_share=True) if lock else query).first()


def alone(tx: Connection) -> None:
    """Until the end of the transaction nobody else decides whether a new check is due (SQLite writes one at a time)."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('zone check', 0))"))


def open_new(tx: Connection, version: str, now: datetime) -> None:
    counts = {"after": 0, "checked": 0, "moved": 0, "overlapping": 0}
    tx.execute(insert(ZoneCheck), {"version": version, "started_at": now, "ended_at": None, **counts})


def go_on(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(ZoneCheck).where(ZoneCheck.id == number).values(**values))


def next_provider(tx: Connection, after: int, now: datetime) -> int | None:
    """The next provider with visits ahead, by number."""
    query = select(func.min(_VISIT.c.provider_id)).where(_VISIT.c.provider_id > after, *_ahead(now))
    found = tx.execute(query).scalar()
    return None if found is None else int(found)


def ahead(tx: Connection, provider: int, now: datetime, page_size: int = 1000) -> Iterator[Record]:
    """Where and when the visits ahead of one provider are, as promised and as a moment. Read page by page: what a process
    held once for a full diary it keeps for good."""
    columns = (
        _VISIT.c.id,
        _VISIT.c.uid,
        _VISIT.c.location_id,
        _VISIT.c.start_at,
        _VISIT.c.time_zone,
        _VISIT.c.local_start,
    )
    place = tuple_(_VISIT.c.start_at, _VISIT.c.id)
    query = select(*columns).where(_VISIT.c.provider_id == provider, *_ahead(now))
    query = query.order_by(_VISIT.c.start_at, _VISIT.c.id).limit(page_size)
    page = tx.execute(query).all()
    while page:
        yield from page
        page = tx.execute(query.where(place > (page[-1].start_at, page[-1].id))).all() if len(page) == page_size else []


def write_down(tx: Connection, number: int, time_zone: str, local_start: str) -> None:
    """Promise a wall time to a visit that was booked before such promises were kept."""
    tx.execute(
        update(Appointment).where(Appointment.id == number).values(time_zone=time_zone, local_start=local_start)
    )  # fmt: skip


def _ahead(now: datetime) -> tuple[Any, ...]:
    return (_VISIT.c.status.in_(OPEN), _VISIT.c.timed, _VISIT.c.start_at > now)
