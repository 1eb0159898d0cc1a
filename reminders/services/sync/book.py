"""The engine's memory in the database: one connection's links, touches, conflicts and cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import TypeVar

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import SYSTEM
from reminders.domain.sync import Dispute, Link
from reminders.services.sync.parts import LeaseLost, Stopped, Touch
from reminders.store import connections, links
from reminders.store.engine import Database, Record

T = TypeVar("T")


class Ledger:
    """A ``Book`` over the database. ``owner`` holds the lease of the connection for ``lease`` at a time, until the
    process is to end."""

    def __init__(
        self, database: Database, clock: Clock, connection: Record, owner: str, lease: timedelta,
        ending: Event | None = None,
    ) -> None:  # fmt: skip
        self._database, self._clock = database, clock
        self._number, self._uid = connection.id, connection.uid
        self._owner, self._lease = owner, lease
        self._ending = ending or Event()
        self._renewed = clock.now()

    def run(self, work: Callable[[Connection], T]) -> T:
        return self._database.run(work)

    def look(self, work: Callable[[Connection], T]) -> T:
        with self._database.read() as tx:
            return work(tx)

    def cursor(self, tx: Connection, entity: str) -> str | None:
        found = connections.get(tx, self._uid).cursors.get(entity)
        return None if found is None else str(found)

    def set_cursor(self, tx: Connection, entity: str, cursor: str | None) -> None:
        kept = connections.get(tx, self._uid, lock=True).cursors
        connections.change(tx, self._number, {"cursors": {**kept, entity: cursor}})

    def links(self, tx: Connection, entity: str, remote_ids: Sequence[str]) -> dict[str, Link]:
        return links.by_remotes(tx, self._number, entity, remote_ids)

    def link_of(self, tx: Connection, entity: str, local_id: str) -> Link | None:
        return links.by_local(tx, self._number, entity, local_id)

    def live(self, tx: Connection, entity: str) -> dict[str, bool]:
        return links.live(tx, self._number, entity)

    def gone(self, tx: Connection, entity: str) -> Sequence[Link]:
        return links.gone(tx, self._number, entity)

    def save(self, tx: Connection, link: Link) -> Link:
        return replace(link, number=links.save(tx, self._number, link))

    def forget(self, tx: Connection, link: Link) -> None:
        links.forget(tx, link.number)

    def dispute(self, tx: Connection, link: Link, found: Dispute) -> None:
        links.dispute(tx, self._number, link, found, self._clock.now())

    def settle(self, tx: Connection, link: Link, field: str) -> None:
        links.settle(tx, link.number, field, SYSTEM.name, self._clock.now())

    def candidates(self, tx: Connection, entity: str) -> frozenset[str]:
        return links.candidates(tx, self._number, entity)

    def touched(self, tx: Connection, entity: str, after: str | None, limit: int) -> Sequence[Touch]:
        return [Touch(row.local_id, row.stamp) for row in links.touched(tx, self._number, entity, after, limit)]

    def touch(self, tx: Connection, entity: str, local_ids: Sequence[str]) -> None:
        links.touch(tx, self._number, entity, local_ids)

    def untouch(self, tx: Connection, entity: str, touch: Touch) -> None:
        links.untouch(tx, self._number, entity, touch.local_id, touch.stamp)

    def announced(self, tx: Connection, entity: str) -> Sequence[tuple[int, str]]:
        return connections.announced(tx, self._number, entity)

    def answered(self, tx: Connection, numbers: Sequence[int]) -> None:
        connections.answered(tx, numbers, self._clock.now())

    def beat(self) -> None:
        """Between two steps: keep the lease (at most three times per lease), and see whether to go on at all."""
        if self._ending.is_set():
            raise Stopped
        now = self._clock.now()
        if now - self._renewed < self._lease / 3:
            return
        with self._database.write() as tx:
            if not connections.renew(tx, self._number, self._owner, now + self._lease):
                raise LeaseLost
        self._renewed = now
