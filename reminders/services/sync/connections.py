"""Connections as people handle them: set up, try, pause, look into, decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Once
from reminders.domain.connector import PeerError
from reminders.domain.ports import Discovery, FoundCalendar, Vault
from reminders.errors import Conflict, Invalid, NotFound
from reminders.services.catalogue import Catalogue
from reminders.services.sync.kinds import FIRST_IMPORT, Kinds
from reminders.store import connections as store
from reminders.store import keys
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: Without a good pass for so long, a connection is shown as a trouble.
STALE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A connection to be made. ``secret`` is the password or token, if there is one."""

    kind: str
    label: str
    provider_id: str | None = None
    location_id: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = None
    on_remote_delete: str = "ask"
    state: str = "ok"
    state_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Whether address and credentials work; ``detail`` is what the other side calls itself, or what is wrong."""

    ok: bool
    detail: str
    reason: str | None = None


class Connections:
    """Use cases around connections of one ``family``."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, kinds: Kinds, vault: Vault, discovery: Discovery | None,
        family: str,
    ) -> None:  # fmt: skip
        self._database, self._clock, self._catalogue = database, clock, catalogue
        self._kinds, self._vault, self._discovery = kinds, vault, discovery
        self._names = [name for name, kind in kinds.items() if kind.family == family]

    def create(self, wanted: Wanted, once: Once | None = None) -> Record:
        """Store a connection; its first pass is due at once. A repeat with the same ``once`` gives the one that is there."""
        if wanted.kind not in self._names:
            raise Invalid("There is no such kind of connection.", field="kind")
        snapshot, now = self._catalogue.current(), self._clock.now()
        provider = snapshot.provider(wanted.provider_id) if wanted.provider_id else None
        location = snapshot.location(wanted.location_id) if wanted.location_id else None
        values = {
            "uid": new_uid("con", now), "kind": wanted.kind, "label": wanted.label, "config": dict(wanted.config),
            "provider_id": provider.id if provider else None, "location_id": location.id if location else None,
            "secret": self._vault.seal(wanted.secret) if wanted.secret else None, "cursors": {},
            "state": wanted.state, "state_reason": wanted.state_reason,
            "on_remote_delete": wanted.on_remote_delete, "created_at": now, "updated_at": now, "next_run_at": now,
        }  # fmt: skip
        return self._database.run(lambda tx: _added(tx, values, once))

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return store.get(tx, uid)

    def listing(self, after: int, limit: int) -> Sequence[Record]:
        """One page and one row more."""
        with self._database.read() as tx:
            return store.listing(tx, self._names, after, limit + 1)

    def change(
        self, uid: str, *, label: str | None = None, secret: str | None = None, paused: bool | None = None,
        on_remote_delete: str | None = None, wait: timedelta = timedelta(0),
    ) -> Record:  # fmt: skip
        """Rename, give a new password, pause or go on, change the policy. A new password and going on make the next
        pass due, after ``wait``; going on after a mass change lets it happen. A first import that is paused before it
        began waits again to be let begin."""
        now = self._clock.now()

        def work(tx: Connection) -> Record:
            row = store.get(tx, uid, lock=True)
            values: dict[str, Any] = {"updated_at": now}
            if label is not None:
                values["label"] = label
            if on_remote_delete is not None:
                values["on_remote_delete"] = on_remote_delete
            if secret is not None:
                values |= {"secret": self._vault.seal(secret), **_going(row, now)}
            if paused is True:
                is_first = row.last_run_at is None and "preview" in row.config
                stopped = ("held", FIRST_IMPORT) if is_first else ("paused", None)
                values |= {"state": stopped[0], "state_reason": stopped[1]}
            elif paused is False:
                values |= _going(row, now + wait)
            store.change(tx, row.id, values)
            return store.get(tx, uid)

        return self._database.run(work)

    def remove(self, uid: str) -> None:
        """Forget a connection. What it wrote over there stays there; what it held of anybody's time is free again."""
        now = self._clock.now()

        def work(tx: Connection) -> None:
            row = store.get(tx, uid, lock=True)
            if row.lease_until is not None and row.lease_until > now:
                raise Conflict("A pass over this connection is under way; try again in a moment.")
            store.remove(tx, row.id, row.uid)

        self._database.run(work)

    def test(self, uid: str) -> Check:
        """Try address and credentials; reads only, and not within a transaction."""
        row = self.get(uid)
        try:
            secret = self._vault.open(row.secret) if row.secret else ""
        except Invalid as problem:
            return Check(False, problem.message, "secret_unreadable")
        return self._checked(row, secret)

    def try_out(self, wanted: Wanted) -> Check:
        """The same for one that is not stored yet."""
        if wanted.kind not in self._names:
            raise Invalid("There is no such kind of connection.", field="kind")
        provider = self._catalogue.current().provider(wanted.provider_id).id if wanted.provider_id else None
        return self._checked(_Draft(wanted.kind, wanted.config, provider), wanted.secret or "")

    def _checked(self, row: Record, secret: str) -> Check:
        try:
            return Check(True, self._kinds[row.kind].connect(row, secret).check())
        except PeerError as problem:
            return Check(False, problem.message, problem.reason)

    def discover(self, address: str, user: str, password: str) -> list[FoundCalendar]:
        """Calendars behind an address; ``Invalid`` says what is wrong."""
        if self._discovery is None:
            raise NotFound("There are no calendars here.")
        try:
            return self._discovery(address, user, password)
        except PeerError as problem:
            raise Invalid(problem.message, field="address", reason=problem.reason) from problem

    def runs(self, uid: str, limit: int) -> Sequence[Record]:
        """The last passes, newest first."""
        with self._database.read() as tx:
            return store.runs(tx, store.get(tx, uid).id, limit)

    def troubled(self) -> Sequence[Record]:
        """Connections that somebody should look at."""
        with self._database.read() as tx:
            return store.troubled(tx, self._names, self._clock.now() - STALE)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A connection that is not stored yet, as far as trying it needs."""

    kind: str
    config: Mapping[str, Any]
    provider_id: int | None
    location_id: int | None = None
    uid: str = ""


def _added(tx: Connection, values: Mapping[str, Any], once: Once | None) -> Record:
    earlier = keys.claim_once(tx, once, values["uid"], values["created_at"]) if once else None
    if earlier is None:
        store.add(tx, values)
    return store.get(tx, earlier or values["uid"])


def _going(row: Record, now: Any) -> dict[str, Any]:
    return {
        "state": "ok", "state_reason": None, "failures": 0, "next_run_at": now,
        "trusted": row.state == "held" or row.trusted,
    }  # fmt: skip
