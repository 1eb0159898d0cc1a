"""Webhooks as people handle them: who is told of what, with which secret, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.ports import Courier, Vault
from reminders.domain.webhook import ALL, OVERLAP, SECRET_BYTES, TEST, secret_of
from reminders.errors import Conflict
from reminders.services.webhooks.delivering import Delivering, Sent
from reminders.services.webhooks.telling import Telling
from reminders.store import webhooks
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: More are not kept in step with each change at a bearable cost.
MOST = 50


@dataclass(frozen=True, slots=True)
class Wish:
    """What is set; ``None`` leaves it as it is."""

    url: str | None = None
    label: str | None = None
    events: Sequence[str] | None = None
    paused: bool | None = None


class Webhooks:
    """Use cases around webhooks."""

    def __init__(
        self, database: Database, clock: Clock, courier: Courier, vault: Vault, telling: Telling, delivering: Delivering
    ) -> None:  # fmt: skip
        self._database, self._clock, self._courier, self._vault = database, clock, courier, vault
        self._telling, self._delivering = telling, delivering

    def add(self, wish: Wish) -> tuple[Record, str]:
        """A new one, and its secret, which nobody can read again."""
        url = wish.url or ""
        self._courier.check(url)
        now, secret = self._clock.now(), secret_of(token_bytes(SECRET_BYTES))
        uid = new_uid("whk", now)
        values = {
            "uid": uid, "url": url, "label": wish.label or "", "events": list(wish.events or [ALL]),
            "secret": self._vault.seal(secret), "state": "active", "state_reason": None, "created_at": now,
            "updated_at": now, "next_at": now,
        }  # fmt: skip

        def work(tx: Connection) -> Record:
            if webhooks.count(tx) >= MOST:
                raise Conflict(f"There are {MOST} webhooks; remove one first.")
            webhooks.add(tx, values)
            return webhooks.get(tx, uid)

        return self._database.run(work), secret

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return webhooks.get(tx, uid)

    def listing(self, after: int, limit: int) -> Sequence[Record]:
        """One page and one row more."""
        with self._database.read() as tx:
            return webhooks.listing(tx, after, limit + 1)

    def waiting(self, numbers: Sequence[int]) -> dict[int, int]:
        """How many deliveries are still to be made, by webhook."""
        with self._database.read() as tx:
            return webhooks.waiting(tx, numbers)

    def change(self, uid: str, wish: Wish) -> Record:
        """Another address or choice of events; pause, or go on, which also takes back that it was disabled."""
        if wish.url is not None:
            self._courier.check(wish.url)
        now = self._clock.now()
        given = {"url": wish.url, "label": wish.label, "events": None if wish.events is None else list(wish.events)}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if wish.paused is not None:
            values |= {"state": "paused" if wish.paused else "active", "state_reason": None}
        if wish.paused is False or wish.url is not None:
            values |= {"failures": 0, "next_at": now, "last_error": None}

        def work(tx: Connection) -> Record:
            row = webhooks.get(tx, uid, lock=True)
            webhooks.change(tx, row.id, {**values, "updated_at": now})
            return webhooks.get(tx, uid)

        return self._database.run(work)

    def remove(self, uid: str) -> None:
        self._database.run(lambda tx: webhooks.remove(tx, uid))

    def rotate(self, uid: str) -> tuple[Record, str]:
        """A new secret. Until the overlap ends the old one signs, too, so that the receiver can change over in peace."""
        now, secret = self._clock.now(), secret_of(token_bytes(SECRET_BYTES))

        def work(tx: Connection) -> Record:
            row = webhooks.get(tx, uid, lock=True)
            values = {"secret": self._vault.seal(secret), "old_secret": row.secret, "old_until": now + OVERLAP}
            webhooks.change(tx, row.id, {**values, "updated_at": now})
            return webhooks.get(tx, uid)

        return self._database.run(work), secret

    def test(self, uid: str) -> tuple[Record, Sent]:
        """Send a test event and wait for the answer."""

        def work(tx: Connection) -> Record:
            row = webhooks.get(tx, uid, lock=True)
            (made,) = self._telling.tell(tx, TEST, {"id": row.uid}, [row.id])
            return webhooks.delivery(tx, row.id, made)

        delivery = self._database.run(work)
        return delivery, self._delivering.now(self.get(uid), delivery)

    def deliveries(self, uid: str, state: str | None, before: int | None, limit: int) -> Sequence[Record]:
        """The log, newest first: one page and one row more."""
        with self._database.read() as tx:
            return webhooks.deliveries(tx, webhooks.get(tx, uid).id, state, before, limit + 1)

    def delivery(self, uid: str, delivery_uid: str) -> tuple[Record, Sequence[Record]]:
        """One of them, and each try."""
        with self._database.read() as tx:
            found = webhooks.delivery(tx, webhooks.get(tx, uid).id, delivery_uid)
            return found, webhooks.tries(tx, [found.id])

    def replay(self, uid: str, delivery_uid: str) -> Record:
        """Send it again, under its old id: a receiver that has it already recognises it."""
        now = self._clock.now()

        def work(tx: Connection) -> Record:
            row = webhooks.get(tx, uid, lock=True)
            found = webhooks.delivery(tx, row.id, delivery_uid)
            webhooks.again(tx, found.id, now)
            webhooks.change(tx, row.id, {"next_at": now})
            return webhooks.delivery(tx, row.id, delivery_uid)

        return self._database.run(work)
