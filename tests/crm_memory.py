"""A CRM in memory: records with versions, people who edit them, and a connector to it without HTTP.

``Shelf`` is what such a system keeps; fakes that speak HTTP put an API before one. ``MemoryCrm`` gives ids itself, writes
many at once, cannot refuse a write, and calls us: as most CRMs do.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from reminders.clock import ManualClock
from reminders.domain.connector import (
    Caps,
    Delivery,
    Item,
    LoginRefused,
    Missing,
    Page,
    PeerError,
    Precondition,
    Put,
    Refused,
    Remote,
    Write,
)
from reminders.domain.crm import ENTITIES, Account, Setting, System
from tests.factories import MONDAY

SYSTEM = System(
    "memory", "In memory",
    (
        Setting("url", "Address"), Setting("token", "API token", secret=True),
        Setting("webhook_secret", "Secret of webhooks", secret=True, default=""),
    ),
    pages={"patient": "{url}/patients/{id}"},
)  # fmt: skip
SIGNATURE = "x-memory-signature"


@dataclass(frozen=True)
class Row:
    """One record. ``foreign`` is what people keep there that we know nothing of."""

    fields: Mapping[str, Any]
    version: int
    changed_at: datetime
    uid: str | None = None
    rev: str | None = None
    by: str | None = None
    foreign: Mapping[str, Any] = field(default_factory=dict)


class Shelf:
    """Records of each entity, and in which order they changed last."""

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(MONDAY)
        self.rows: dict[str, dict[str, Row]] = {entity: {} for entity in ENTITIES}
        self.log: dict[str, dict[str, int]] = {entity: {} for entity in ENTITIES}
        self._numbers = itertools.count(1)

    def new_id(self, entity: str) -> str:
        return f"{entity[0].upper()}{next(self._numbers)}"

    def write(self, entity: str, remote_id: str, fields: Mapping[str, Any], **marks: Any) -> Row:
        """Create a record or change fields of one."""
        number = next(self._numbers)
        old = self.rows[entity].get(remote_id) or Row({}, 0, self.clock.now())
        row = replace(old, fields={**old.fields, **fields}, version=number, changed_at=self.clock.now(), **marks)
        self.rows[entity][remote_id] = row
        self._noted(entity, remote_id, number)
        return row

    def remove(self, entity: str, remote_id: str) -> None:
        del self.rows[entity][remote_id]
        self._noted(entity, remote_id, next(self._numbers))

    def since(self, entity: str, number: int, limit: int) -> list[tuple[int, str, Row | None]]:
        """(number, id, record or ``None`` when it was deleted) of what changed after ``number``, in that order."""
        changed = [(at, key) for key, at in self.log[entity].items() if at > number]
        return [(at, key, self.rows[entity].get(key)) for at, key in itertools.islice(changed, limit)]

    def of_uid(self, entity: str, uid: str) -> str | None:
        """Id of the record that carries our id."""
        return next((key for key, row in self.rows[entity].items() if row.uid == uid), None)

    def _noted(self, entity: str, remote_id: str, number: int) -> None:
        self.log[entity].pop(remote_id, None)
        self.log[entity][remote_id] = number


class MemoryCrm:
    """A connector to a ``Shelf``. ``failures`` are raised by the next calls, one each; ``lost``: the next write is carried
    out and its answer lost. ``calls`` and ``written`` count."""

    entities: Sequence[str] = ENTITIES

    def __init__(self, shelf: Shelf, *, page: int = 100, batch: int = 100) -> None:
        self.shelf, self._batch = shelf, batch
        self.page(page)
        self.failures: list[PeerError] = []
        self.lost = False
        self.calls: Counter[str] = Counter()
        self.written: list[Write] = []
        self.account = Account({"url": "memory:"}, {"token": "t", "webhook_secret": "s"})

    def page(self, size: int) -> None:
        """List and fetch so many at once."""
        self._page, self.caps = size, Caps(if_match=False, batch=self._batch, fetch=size)

    def check(self) -> str:
        self._called("check")
        return "In memory"

    def changes(self, entity: str, cursor: str | None, /) -> Page:
        self._called("changes")
        full = cursor is None or cursor.startswith("full:")
        number = int((cursor or "0").removeprefix("full:"))
        found = self.shelf.since(entity, number, self._page)
        items = [
            Item(key, str(row.version) if row else None, row is None, _remote(key, row) if row else None)
            for _, key, row in found
            if row is not None or not full
        ]
        more, last = len(found) == self._page, found[-1][0] if found else number
        return Page(items, f"full:{last}" if full and more else str(last), full, more)

    def fetch(self, entity: str, remote_ids: Sequence[str], /) -> Mapping[str, Remote]:
        self._called("fetch")
        rows = self.shelf.rows[entity]
        return {key: _remote(key, rows[key]) for key in remote_ids if key in rows}

    def new_id(self, entity: str, uid: str, /) -> str | None:
        return None

    def find(self, entity: str, uid: str, /) -> Remote | None:
        self._called("find")
        key = self.shelf.of_uid(entity, uid)
        return None if key is None else _remote(key, self.shelf.rows[entity][key])

    def put(self, entity: str, write: Write, /) -> Put:
        self._called("put")
        done = self._written(entity, write)
        if self.lost:
            self.lost = False
            raise PeerError
        return done

    def put_many(
        self, entity: str, writes: Sequence[Write], /
    ) -> Sequence[Put | Precondition | Missing | Refused | PeerError]:
        self._called("put_many")
        outcomes: list[Put | Precondition | Missing | Refused | PeerError] = []
        for write in writes:
            try:
                outcomes.append(self._written(entity, write))
            except Missing as problem:
                outcomes.append(problem)
        if self.lost:
            self.lost = False
            raise PeerError
        return outcomes

    def delete(self, entity: str, remote_id: str, etag: str | None, /) -> None:
        self._called("delete")
        if remote_id not in self.shelf.rows[entity]:
            raise Missing
        self.shelf.remove(entity, remote_id)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Sequence[Delivery]:
        expected = signature(self.account.secrets["webhook_secret"], body)
        if not hmac.compare_digest(headers.get(SIGNATURE, ""), expected):
            raise Refused("signature_invalid")
        said = json.loads(body)
        if abs(now - datetime.fromisoformat(said["at"])) > timedelta(minutes=5):
            raise Refused("signature_expired")
        return [Delivery(said["id"], said["entity"], said["of"])]

    def _written(self, entity: str, write: Write) -> Put:
        key = write.remote_id or self.shelf.of_uid(entity, write.uid) or self.shelf.new_id(entity)
        if not write.create and key not in self.shelf.rows[entity]:
            raise Missing
        self.written.append(write)
        values = {name: write.fields[name] for name in write.changed}
        row = self.shelf.write(entity, key, values, uid=write.uid, rev=write.rev, by="Reminders")
        return Put(key, stored=_remote(key, row))

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.failures:
            raise self.failures.pop(0)


def webhook(crm: MemoryCrm, entity: str, remote_id: str, *, number: str = "evt_1") -> tuple[dict[str, str], bytes]:
    """Headers and body of what this system sends when a record changed."""
    said = {"id": number, "entity": entity, "of": remote_id, "at": crm.shelf.clock.now().isoformat()}
    body = json.dumps(said).encode()
    return {SIGNATURE: signature(crm.account.secrets["webhook_secret"], body)}, body


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def refusals(count: int) -> list[PeerError]:
    return [LoginRefused() for _ in range(count)]


def _remote(key: str, row: Row) -> Remote:
    return Remote(key, dict(row.fields), str(row.version), row.uid, row.rev, modified=row.changed_at, by=row.by)
