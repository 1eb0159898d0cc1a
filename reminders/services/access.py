"""API keys: made once, shown once, stored as a hash."""

from __future__ import annotations

from dataclasses import dataclass

from reminders.clock import Clock
from reminders.domain.actor import Role
from reminders.errors import Unauthenticated
from reminders.store import keys
from reminders.store.engine import Database
from reminders.store.ids import digest, new_secret, new_uid

_PREFIX = "rk_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling: the public id of the key, its role, and the catalogue version seen in the same query."""

    key_id: str
    role: Role
    catalogue_version: int


class Access:
    """Creates, checks and revokes keys."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, role: Role, label: str) -> str:
        """A new key; this is the only time it can be read."""
        key = _PREFIX + new_secret()
        now = self._clock.now()
        values = {"uid": new_uid("key", now), "role": role, "label": label, "hash": digest(key), "created_at": now}
        with self._database.write() as tx:
            keys.add(tx, values)
        return key

    def check(self, key: str) -> Caller:
        """The caller behind ``key``; ``Unauthenticated`` for one we do not know."""
        with self._database.read() as tx:
            row = keys.by_hash(tx, digest(key))
        if row is None:
            raise Unauthenticated()
        return Caller(row.uid, Role(row.role), row.catalogue_version)

    def resume(self, key_uid: str) -> Caller:
        """The caller who signed in with this key before; ``Unauthenticated`` once the key has been revoked."""
        with self._database.read() as tx:
            row = keys.by_uid(tx, key_uid)
        if row is None:
            raise Unauthenticated()
        return Caller(row.uid, Role(row.role), row.catalogue_version)

    def revoke(self, key_id: str) -> bool:
        """End a key at once; False when there is no such key in force."""
        with self._database.write() as tx:
            return keys.revoke(tx, key_id, self._clock.now())
