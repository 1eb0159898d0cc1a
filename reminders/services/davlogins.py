"""Logins of phones and calendar programs: one per device, made once, shown once, stored as a hash, ended any time."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.errors import NotFound, Unauthenticated
from reminders.services.catalogue import Catalogue
from reminders.store import calendars, keys
from reminders.store import feeds as store
from reminders.store.engine import Database, Record
from reminders.store.ids import digest, new_secret, new_uid
from reminders.store.tables import DavCredential

_PREFIX = "dp_"
_NOTED = timedelta(minutes=1)
_LONGEST_AGENT = 200


class Scope(StrEnum):
    """What a device may do with the calendar."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Login:
    """A device that has signed in, the one provider whose calendar it sees, and the catalogue's version seen meanwhile.

    ``is_current``: no visit had to be rendered first. Then ``entry`` is what lies at the address that was asked for.
    """

    uid: str
    provider: int
    provider_uid: str
    can_write: bool
    catalogue_version: int
    is_current: bool = False
    entry: Record | None = None

    @property
    def actor(self) -> Actor:
        """The device as history names it."""
        return Actor(self.uid, "caldav")


class DavLogins:
    """Creates, checks and revokes logins; one public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def create(
        self, provider_uid: str, label: str, scope: Scope, once: Once | None = None
    ) -> tuple[Record, str | None]:
        """A new login and its password, which cannot be read again; ``None`` for a repeat with the same ``once``."""
        now, password = self._clock.now(), _PREFIX + new_secret()
        uid, provider = new_uid("dav", now), self._catalogue.current().provider(provider_uid)
        values = {"uid": uid, "hash": digest(password), "provider_id": provider.id, "label": label, "scope": scope,
                  "created_at": now}  # fmt: skip
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, uid, now) if once else None
            if earlier is None:
                store.add(tx, DavCredential, values)
            row = store.get(tx, DavCredential, earlier or uid)
        return row, password if earlier is None else None

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return store.get(tx, DavCredential, uid)

    def listing(self, after: int, limit: int) -> Sequence[Record]:
        """One page and one row more."""
        with self._database.read() as tx:
            return store.listing(tx, DavCredential, after, limit + 1)

    def revoke(self, uid: str) -> None:
        """End a login at once; ``NotFound`` when there is none in force."""
        with self._database.write() as tx:
            if not store.revoke(tx, DavCredential, uid, self._clock.now()):
                raise NotFound()

    def check(self, name: str, password: str, agent: str, href: str = "") -> Login:
        """The device behind these, which asks for what lies at ``href``; ``Unauthenticated`` when name and password do not
        belong together."""
        now = self._clock.now()
        with self._database.read() as tx:
            row = store.sign_in(tx, digest(password), href, now - calendars.REACH)
        if row is None or not hmac.compare_digest(row.uid.encode(), name.encode()):
            raise Unauthenticated("This name and password are not known here.")
        if row.used_at is None or now - row.used_at >= _NOTED:
            with self._database.write() as tx:
                store.change(tx, DavCredential, row.id, {"used_at": now, "agent": agent[:_LONGEST_AGENT]})
        entry = None if row.is_behind or row.href is None else row
        return Login(
            row.uid, row.provider_id, row.provider_uid, row.scope == Scope.WRITE, row.catalogue_version, not row.is_behind,
            entry,
        )  # fmt: skip
