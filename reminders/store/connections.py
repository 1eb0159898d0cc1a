"""Connections to other systems: their settings, whose turn it is, and what the last passes did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.ids import new_secret
from reminders.store.tables import (
    BusyEvent,
    Hold,
    SyncConflict,
    SyncConnection,
    SyncInbox,
    SyncLink,
    SyncRun,
    SyncTouch,
)

_TABLE: Any = SyncConnection.__table__
_RUN: Any = SyncRun.__table__
#: States in which passes go on by themselves.
RUNNING = ("ok", "failing")
_KEEP_RUNS = 200
#: Calls within so long count as one pass.
_TOGETHER = timedelta(minutes=30)
#: More webhooks than this wait for the next pass.
_MOST_ANNOUNCED = 500


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(SyncConnection).returning(SyncConnection.id), dict(values)).scalar_one())


def get(tx: Connection, uid: str, *, lock: bool = False) -> Record:
    """``NotFound`` when there is none."""
    query = select(_TABLE).where(_TABLE.c.uid == uid)
    row = tx.execute(query.with_for_update(key_share=True) if lock else query).first()
    if row is None:
        raise NotFound("There is no connection with this id.")
    return row


def get_by_number(tx: Connection, number: int) -> Record:
    return tx.execute(select(_TABLE).where(_TABLE.c.id == number)).one()


def listing(tx: Connection, kinds: Sequence[str], after: int, limit: int) -> Sequence[Record]:
    query = select(_TABLE).where(_TABLE.c.kind.in_(kinds), _TABLE.c.id > after)
    return tx.execute(query.order_by(_TABLE.c.id).limit(limit)).all()


def troubled(tx: Connection, kinds: Sequence[str], stale: datetime) -> Sequence[Record]:
    """Connections that somebody should look at: stopped, failing, or without a good pass since ``stale``."""
    late: ColumnElement[bool] = or_(_TABLE.c.last_ok_at < stale, _TABLE.c.last_ok_at.is_(None))
    bad = or_(_TABLE.c.state.in_(("held", "needs_login", "failing")), (_TABLE.c.state == "ok") & late)
    old = _TABLE.c.created_at < stale
    query = select(_TABLE).where(_TABLE.c.kind.in_(kinds), bad, or_(_TABLE.c.state != "ok", old))
    return tx.execute(query.order_by(_TABLE.c.id)).all()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(SyncConnection).where(SyncConnection.id == number).values(**values))


def wake(tx: Connection, numbers: Sequence[int], now: datetime) -> None:
    """Let these run at once, unless they rest after an error. The first pass has its own time: somebody may take it
    back until then."""
    waits = (SyncConnection.state == "ok", SyncConnection.next_run_at > now, SyncConnection.last_run_at.is_not(None))
    tx.execute(update(SyncConnection).where(SyncConnection.id.in_(numbers), *waits).values(next_run_at=now))


def of_kinds(tx: Connection, kinds: Sequence[str]) -> Sequence[Record]:
    """Who may be concerned by a change: number, kind and provider of each connection of these kinds."""
    columns = (_TABLE.c.id, _TABLE.c.kind, _TABLE.c.provider_id)
    return tx.execute(select(*columns).where(_TABLE.c.kind.in_(kinds)).order_by(_TABLE.c.id)).all()


def any_due(tx: Connection, now: datetime) -> bool:
    return tx.execute(select(_TABLE.c.id).where(*_due(now)).limit(1)).first() is not None


def claim(tx: Connection, now: datetime, owner: str, until: datetime, uid: str | None = None) -> Record | None:
    """Take the lease of the connection that is most overdue, or of the one named, due or not; ``None`` when there is
    nothing to do, or another worker has it."""
    free = or_(_TABLE.c.lease_until.is_(None), _TABLE.c.lease_until <= now)
    wanted = (_TABLE.c.uid == uid, free) if uid is not None else _due(now)
    query = select(_TABLE).where(*wanted).order_by(_TABLE.c.next_run_at, _TABLE.c.id).limit(1)
    row = tx.execute(query.with_for_update(skip_locked=True, key_share=True)).first()
    if row is not None:
        change(tx, row.id, {"lease_owner": owner, "lease_until": until})
    return row


def renew(tx: Connection, number: int, owner: str, until: datetime) -> bool:
    """Keep the lease; false when another worker has it."""
    statement = update(SyncConnection).where(SyncConnection.id == number, SyncConnection.lease_owner == owner)
    return bool(tx.execute(statement.values(lease_until=until)).rowcount)


def release(tx: Connection, number: int, owner: str, values: Mapping[str, Any]) -> None:
    """End the lease and write down how it went; nothing happens when another worker has it by now."""
    statement = update(SyncConnection).where(SyncConnection.id == number, SyncConnection.lease_owner == owner)
    tx.execute(statement.values(lease_owner=None, lease_until=None, **values))


def add_run(tx: Connection, values: Mapping[str, Any]) -> None:
    """Remember a pass; old ones make room."""
    number = tx.execute(insert(SyncRun).returning(SyncRun.id), dict(values)).scalar_one()
    mine = select(_RUN.c.id).where(_RUN.c.connection_id == values["connection_id"], _RUN.c.id <= number)
    oldest = tx.execute(mine.order_by(_RUN.c.id.desc()).offset(_KEEP_RUNS).limit(1)).scalar()
    if oldest is not None:
        tx.execute(delete(SyncRun).where(SyncRun.connection_id == values["connection_id"], SyncRun.id <= oldest))


def count(tx: Connection, number: int, now: datetime, done: Mapping[str, int]) -> None:
    """Add to what the last pass did, or begin another when that is long ago: for systems that call us, call by call."""
    newest = next(iter(runs(tx, number, 1)), None)
    if newest is not None and newest.error is None and now - newest.started_at < _TOGETHER:
        added = {name: _RUN.c[name] + value for name, value in done.items()}
        tx.execute(update(SyncRun).where(SyncRun.id == newest.id).values(ended_at=now, **added))
        return
    nothing = dict.fromkeys(("seen", "pulled", "pushed", "removed", "conflicts"), 0)
    add_run(tx, {"connection_id": number, "started_at": now, "ended_at": now, "full": False, **nothing, **done})


def runs(tx: Connection, number: int, limit: int) -> Sequence[Record]:
    """The last passes, newest first."""
    query = select(_RUN).where(_RUN.c.connection_id == number)
    return tx.execute(query.order_by(_RUN.c.id.desc()).limit(limit)).all()


def remove(tx: Connection, number: int, uid: str) -> None:
    """Forget a connection with everything that was remembered for it; what it held of anybody's time is free."""
    sources = select(BusyEvent.uid).where(BusyEvent.source == uid)
    tx.execute(delete(Hold).where(Hold.source.in_(sources)))
    tx.execute(delete(BusyEvent).where(BusyEvent.source == uid))
    for table in (SyncConflict, SyncTouch, SyncRun, SyncInbox, SyncLink):
        tx.execute(delete(table).where(table.connection_id == number))
    tx.execute(delete(SyncConnection).where(SyncConnection.id == number))


def first_of_webhook(tx: Connection, number: int, delivery_id: str, now: datetime) -> bool:
    """Record a webhook by the vendor's id; false when it was there already."""
    seen = select(SyncInbox.id).where(SyncInbox.connection_id == number, SyncInbox.delivery_id == delivery_id)
    if tx.execute(seen).first() is not None:
        return False
    tx.execute(insert(SyncInbox), {"connection_id": number, "delivery_id": delivery_id, "received_at": now})
    return True


def announce(
    tx: Connection, number: int, entity: str | None, remote_id: str | None, delivery_id: str, now: datetime
) -> None:  # fmt: skip
    """Have an item there looked at by the next pass; the same wish counts once."""
    if first_of_webhook(tx, number, delivery_id, now):
        statement = update(SyncInbox).where(SyncInbox.connection_id == number, SyncInbox.delivery_id == delivery_id)
        tx.execute(statement.values(entity=entity, remote_id=remote_id))


def announce_waiting(tx: Connection, number: int, now: datetime) -> None:
    """Have everything looked at again that was neither taken in nor ignored."""
    waits = (SyncLink.connection_id == number, SyncLink.held, SyncLink.local_id.is_(None))
    for row in tx.execute(select(SyncLink.entity, SyncLink.remote_id).where(*waits)).all():
        announce(tx, number, row.entity, row.remote_id, f"again {new_secret()[:16]}", now)


def announced(tx: Connection, number: int, entity: str) -> list[tuple[int, str]]:
    """(number, id there) of items to look at, oldest first."""
    query = select(SyncInbox.id, SyncInbox.remote_id).where(
        SyncInbox.connection_id == number, SyncInbox.entity == entity, SyncInbox.handled_at.is_(None),
        SyncInbox.remote_id.is_not(None),
    )  # fmt: skip
    return [(row.id, row.remote_id) for row in tx.execute(query.order_by(SyncInbox.id).limit(_MOST_ANNOUNCED))]


def answered(tx: Connection, numbers: Sequence[int], now: datetime) -> None:
    tx.execute(update(SyncInbox).where(SyncInbox.id.in_(numbers)).values(handled_at=now))


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(_TABLE.c.lease_until.is_(None), _TABLE.c.lease_until <= now)
    return (_TABLE.c.next_run_at <= now, _TABLE.c.state.in_(RUNNING), free)
