"""API keys and the record of requests already carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.domain.actor import Once
from reminders.errors import KeyReused
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import ApiKey, CatalogueVersion, IdempotencyKey

_IN_FORCE = select(
    ApiKey.uid, ApiKey.role, select(CatalogueVersion.version).scalar_subquery().label("catalogue_version")
).where(ApiKey.revoked_at.is_(None))
_BY_HASH = Prepared(_IN_FORCE.where(ApiKey.hash == bindparam("hash")))
_BY_UID = Prepared(_IN_FORCE.where(ApiKey.uid == bindparam("uid")))


def add(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(ApiKey), dict(values))


def by_hash(tx: Connection, digest: str) -> Record | None:
    """The key with this digest and, in the same statement, the version of the clinic's catalogue."""
    return _BY_HASH.first(tx, {"hash": digest})


def by_uid(tx: Connection, uid: str) -> Record | None:
    """Like ``by_hash``, for the public id of a key that was checked before."""
    return _BY_UID.first(tx, {"uid": uid})


def labelled(tx: Connection, label: str) -> list[str]:
    """Public ids of the keys in force that carry this label."""
    query = select(ApiKey.uid).where(ApiKey.label == label, ApiKey.revoked_at.is_(None))
    return list(tx.execute(query).scalars())


def revoke(tx: Connection, uid: str, now: datetime) -> bool:
    result = tx.execute(update(ApiKey).where(ApiKey.uid == uid, ApiKey.revoked_at.is_(None)).values(revoked_at=now))
    return result.rowcount == 1


def claim_once(tx: Connection, once: Once, resource_uid: str, now: datetime) -> str | None:
    """Write down that ``once`` is being carried out for ``resource_uid``; the earlier resource if it already was.

    Written in the transaction of the effect itself: both are kept or neither. A simultaneous repeat waits for the
    first to commit. ``KeyReused`` when the same key came with another request.
    """
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement = build(IdempotencyKey).on_conflict_do_nothing(index_elements=["actor", "key"])
    row = {
        "actor": once.actor, "key": once.key, "fingerprint": once.fingerprint, "resource_uid": resource_uid,
        "created_at": now,
    }  # fmt: skip
    if tx.execute(statement.values(**row).returning(IdempotencyKey.id)).scalar() is not None:
        return None
    table = IdempotencyKey.__table__
    earlier = tx.execute(select(table).where(table.c.actor == once.actor, table.c.key == once.key)).one()
    if earlier.fingerprint != once.fingerprint:
        raise KeyReused()
    return str(earlier.resource_uid)


def is_known(tx: Connection, once: Once) -> bool:
    """True when this request was carried out before."""
    table = IdempotencyKey.__table__
    return (
        tx.execute(select(table.c.id).where(table.c.actor == once.actor, table.c.key == once.key)).first() is not None
    )


def forget_before(tx: Connection, moment: datetime) -> int:
    """Drop records of requests older than ``moment``."""
    return tx.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < moment)).rowcount
