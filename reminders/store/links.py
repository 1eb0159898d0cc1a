"""What is remembered of items in other systems: links, touches and conflicts of one connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.domain.sync import Cause, Dispute, Link
from reminders.store.engine import Record
from reminders.store.ids import new_secret, new_uid
from reminders.store.prepared import Prepared
from reminders.store.tables import SyncConflict, SyncConnection, SyncLink, SyncTouch
from reminders.store.tables.base import among

_LINK: Any = SyncLink.__table__
_TOUCH: Any = SyncTouch.__table__
_CONFLICT: Any = SyncConflict.__table__
_LISTED = select(_CONFLICT, SyncConnection.uid.label("connection_uid")).join(
    SyncConnection, SyncConnection.id == _CONFLICT.c.connection_id
)
_VALUES = tuple(name for name in Link.__dataclass_fields__ if name != "number")
_MINE = (_LINK.c.connection_id == bindparam("connection"), _LINK.c.entity == bindparam("kind"))

_BY_REMOTE = Prepared(select(_LINK).where(*_MINE, among(_LINK.c.remote_id, "ids")))
_BY_LOCAL = Prepared(select(_LINK).where(*_MINE, _LINK.c.local_id == bindparam("local")).order_by(_LINK.c.dead))
_LIVE = Prepared(select(_LINK.c.remote_id, _LINK.c.local_id, _LINK.c.base_remote).where(*_MINE, ~_LINK.c.dead))
_ADD = Prepared(insert(_LINK).returning(_LINK.c.id), ("connection_id", *_VALUES))
_SAVE = Prepared(
    update(_LINK)
    .where(_LINK.c.id == bindparam("number"))
    .values({name: bindparam(f"v_{name}", type_=_LINK.c[name].type) for name in _VALUES})
)


def by_remotes(tx: Connection, connection: int, entity: str, remote_ids: Sequence[str]) -> dict[str, Link]:
    """What is known of these items, the dead and the ignored included."""
    rows = _BY_REMOTE.all(tx, {"connection": connection, "kind": entity, "ids": list(remote_ids)})
    return {row.remote_id: _link(row) for row in rows}


def by_local(tx: Connection, connection: int, entity: str, local_id: str) -> Link | None:
    """The link of one of our things; a dead one if there is no other."""
    row = _BY_LOCAL.first(tx, {"connection": connection, "kind": entity, "local": local_id})
    return None if row is None else _link(row)


def live(tx: Connection, connection: int, entity: str) -> dict[str, bool]:
    """Ids of all items that were seen there and are not dead, and whether they are linked with ours."""
    rows = _LIVE.all(tx, {"connection": connection, "kind": entity})
    return {
        row.remote_id: row.local_id is not None
        for row in rows
        if row.remote_id is not None and (row.base_remote or row.local_id is None)
    }


def gone(tx: Connection, connection: int, entity: str) -> list[Link]:
    """Links whose item was deleted there, and nothing was done about it yet."""
    query = select(_LINK).where(
        _LINK.c.connection_id == connection, _LINK.c.entity == entity, _LINK.c.gone_since.is_not(None),
        ~_LINK.c.dead, ~_LINK.c.held,
    )  # fmt: skip
    return [_link(row) for row in tx.execute(query)]


def waiting(tx: Connection, connection: int, entity: str) -> list[Link]:
    """Items there that were neither taken in nor ignored: a person decides, or what they lack comes to be known."""
    query = select(_LINK).where(
        _LINK.c.connection_id == connection, _LINK.c.entity == entity, _LINK.c.held, _LINK.c.local_id.is_(None)
    )
    return [_link(row) for row in tx.execute(query)]


def save(tx: Connection, connection: int, link: Link) -> int:
    """Store a link; returns its number."""
    values = {name: getattr(link, name) for name in _VALUES}
    if link.number:
        _SAVE.run(tx, {"number": link.number, **{f"v_{name}": value for name, value in values.items()}})
        return link.number
    return int(_ADD.first(tx, {"connection_id": connection, **values})[0])  # type: ignore[index]


def forget(tx: Connection, number: int) -> None:
    tx.execute(delete(SyncConflict).where(SyncConflict.link_id == number))
    tx.execute(delete(SyncLink).where(SyncLink.id == number))


def of_local(tx: Connection, local_id: str) -> Sequence[Record]:
    """Links of one of our things in all connections."""
    return tx.execute(select(_LINK).where(_LINK.c.local_id == local_id, ~_LINK.c.dead)).all()


def find(tx: Connection, number: int) -> Record | None:
    """The row of a link, if it is still there."""
    return tx.execute(select(_LINK.c.id, _LINK.c.connection_id).where(_LINK.c.id == number)).first()


def by_number(tx: Connection, number: int) -> Link:
    return _link(tx.execute(select(_LINK).where(_LINK.c.id == number)).one())


# Touches


def touch(tx: Connection, connection: int, entity: str, local_ids: Sequence[str]) -> None:
    """These things are to be compared, again if that is already planned."""
    kind = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement: Any = kind(SyncTouch)
    statement = statement.on_conflict_do_update(
        index_elements=["connection_id", "entity", "local_id"], set_={"stamp": statement.excluded.stamp}
    )
    rows = [
        {"connection_id": connection, "entity": entity, "local_id": one, "stamp": new_secret()[:16]}
        for one in sorted(set(local_ids))
    ]
    if rows:
        tx.execute(statement, rows)


def touched(tx: Connection, connection: int, entity: str, after: str | None, limit: int) -> Sequence[Record]:
    """Things to compare, in order of id."""
    query = select(_TOUCH.c.local_id, _TOUCH.c.stamp)
    query = query.where(_TOUCH.c.connection_id == connection, _TOUCH.c.entity == entity)
    if after is not None:
        query = query.where(_TOUCH.c.local_id > after)
    return tx.execute(query.order_by(_TOUCH.c.local_id).limit(limit)).all()


def untouch(tx: Connection, connection: int, entity: str, local_id: str, stamp: str) -> None:
    tx.execute(
        delete(SyncTouch).where(
            SyncTouch.connection_id == connection, SyncTouch.entity == entity, SyncTouch.local_id == local_id,
            SyncTouch.stamp == stamp,
        )
    )  # fmt: skip


# Conflicts


def dispute(tx: Connection, connection: int, link: Link, found: Dispute, now: datetime) -> None:
    """Add to the list; the same dispute stands there once."""
    values = asdict(found)
    said = {name: values.pop(name) for name in ("theirs_by", "theirs_at")}
    for row in tx.execute(select(_CONFLICT).where(_CONFLICT.c.link_id == link.number, _CONFLICT.c.closed_at.is_(None))):
        if all(getattr(row, name) == value for name, value in values.items()):
            return
    tx.execute(
        insert(SyncConflict),
        {
            "uid": new_uid("cfl", now), "connection_id": connection, "link_id": link.number, "entity": link.entity,
            "local_id": link.local_id, "opened_at": now, **values, **said,
        },
    )  # fmt: skip


def settle(tx: Connection, number: int, field: str, actor: str, now: datetime) -> None:
    """Open disputes about this field of this link are over."""
    closed = {"closed_at": now, "closed_by": actor, "attention": False}
    tx.execute(
        update(SyncConflict)
        .where(SyncConflict.link_id == number, SyncConflict.field == field, SyncConflict.closed_at.is_(None))
        .values(**closed)
    )


def conflict(tx: Connection, uid: str, *, lock: bool = False) -> Record | None:
    query = _LISTED.where(_CONFLICT.c.uid == uid)
    return tx.execute(query.with_for_update(of=_CONFLICT, key_share=True) if lock else query).first()


def close(tx: Connection, number: int, actor: str, choice: str, live: str, now: datetime) -> None:
    """A person has decided."""
    values = {"closed_at": now, "closed_by": actor, "choice": choice, "live": live, "attention": False}
    tx.execute(update(SyncConflict).where(SyncConflict.id == number).values(**values))


def conflicts(
    tx: Connection, connection: int | None, *, attention: bool | None, after: int | None, limit: int,
    local_id: str | None = None,
) -> Sequence[Record]:  # fmt: skip
    """The conflict list, newest first."""
    query = _LISTED
    conditions: Mapping[Any, Any] = {
        _CONFLICT.c.connection_id: connection, _CONFLICT.c.attention: attention, _CONFLICT.c.local_id: local_id,
    }  # fmt: skip
    for column, value in conditions.items():
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(_CONFLICT.c.id < after)
    return tx.execute(query.order_by(_CONFLICT.c.id.desc()).limit(limit)).all()


def open_about(tx: Connection, number: int) -> Sequence[Record]:
    """What is open about one link, newest first."""
    query = select(_CONFLICT).where(_CONFLICT.c.link_id == number, _CONFLICT.c.closed_at.is_(None))
    return tx.execute(query.order_by(_CONFLICT.c.id.desc())).all()


def remote_ids(tx: Connection, connection: int, local_ids: Sequence[str]) -> dict[str, str]:
    """What these of ours are called in one connection."""
    query = select(_LINK.c.local_id, _LINK.c.remote_id).where(
        _LINK.c.connection_id == connection,
        _LINK.c.local_id.in_(local_ids),
        ~_LINK.c.dead,
        _LINK.c.remote_id.is_not(None),
    )
    return {row.local_id: row.remote_id for row in tx.execute(query)} if local_ids else {}


def waiting_count(tx: Connection, connection: int) -> int:
    """How many conflicts of a connection wait for a person."""
    waits = (_CONFLICT.c.connection_id == connection, _CONFLICT.c.attention, _CONFLICT.c.closed_at.is_(None))
    return int(tx.execute(select(func.count()).where(*waits)).scalar_one())


def candidates(tx: Connection, connection: int, entity: str) -> frozenset[str]:
    """All of ours that open conflicts name because one of several could be it."""
    query = select(_CONFLICT.c.ours).where(
        _CONFLICT.c.connection_id == connection, _CONFLICT.c.closed_at.is_(None), _CONFLICT.c.entity == entity,
        _CONFLICT.c.cause == Cause.AMBIGUOUS.value,
    )  # fmt: skip
    return frozenset(uid for ours in tx.execute(query).scalars() for uid in ours or ())


def open_disputes(tx: Connection, local_id: str) -> int:
    """How many conflicts about this thing wait for a person."""
    query = select(_CONFLICT.c.id).where(_CONFLICT.c.local_id == local_id, _CONFLICT.c.attention)
    return len(tx.execute(query.where(_CONFLICT.c.closed_at.is_(None))).all())


def _link(row: Record) -> Link:
    return Link(number=row.id, **{name: getattr(row, name) for name in _VALUES})
