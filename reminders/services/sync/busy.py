"""Events of other people's calendars as time that cannot be booked: rows of ``hold``, worked out for a window ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.ports import EventReader, Unreadable
from reminders.services.catalogue import Catalogue
from reminders.store import busy, holds
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.store.tables.holds import HoldKind

#: How far ahead recurrences are worked out, and how much of that must be left before it is done again.
AHEAD, LEFT = timedelta(days=400), timedelta(days=370)
_BACK = timedelta(days=1)
_BATCH = 200


@dataclass(frozen=True, slots=True)
class BusyItem:
    """One event as it came: ``key`` says which it is within its source, ``digest`` whether it changed; ``write`` writes it
    down, which only those that changed need."""

    key: str
    digest: str
    write: Callable[[], str]


class Kept(NamedTuple):
    """An event that was stored: its id, and codes of what was guessed or left out of it."""

    uid: str
    doubts: frozenset[str]


class BusyTimes:
    """Keeps what is busy elsewhere. Functions that take a transaction are for the engine."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, reader: EventReader) -> None:
        self._database, self._clock, self._catalogue, self._reader = database, clock, catalogue, reader

    def put(self, tx: Connection, source: str, provider: int, item: BusyItem) -> Kept:
        """Store one event and hold its time. Raises ``Unreadable``."""
        now = self._clock.now()
        text = item.write()
        occupied = self._reader(text, self._zone(provider), now - _BACK, now + AHEAD)
        values = {
            "source": source, "key": item.key, "provider_id": provider, "digest": item.digest, "raw": text,
            "expanded_to": now + AHEAD if occupied.recurs else None,
        }  # fmt: skip
        old = busy.get(tx, source, item.key)
        uid = old.uid if old is not None else new_uid("bsy", now)
        if old is not None:
            busy.change(tx, old.id, values)
        else:
            busy.add(tx, {**values, "uid": uid, "created_at": now})
        holds.replace(tx, uid, [_hold(uid, provider, span, now) for span in occupied.spans])
        return Kept(uid, occupied.doubts)

    def drop(self, tx: Connection, uid: str) -> None:
        """Forget an event and let its time go."""
        holds.release(tx, uid)
        busy.remove(tx, uid)

    def replace(self, source: str, provider: int, items: Iterable[BusyItem]) -> Replaced:
        """Make ``items`` all there is of a source. Only what has another digest is read; events that cannot be read are
        counted by their code and change nothing."""
        with self._database.read() as tx:
            known = busy.digests(tx, source)
        done, seen = Replaced(), set[str]()
        batch: list[BusyItem] = []
        for item in items:
            seen.add(item.key)
            done.total += 1
            if known.get(item.key) == item.digest:
                done.unchanged += 1
                continue
            batch.append(item)
            if len(batch) == _BATCH:
                self._store(source, provider, batch, done)
                batch = []
        self._store(source, provider, batch, done)
        self._forget(source, [key for key in known if key not in seen], done)
        return done

    def has_any(self, source: str) -> bool:
        """True when something of this source takes time now."""
        with self._database.read() as tx:
            return bool(busy.digests(tx, source))

    def extend(self) -> int:
        """Work out more of what recurs, before the window runs out; returns how many events."""
        now = self._clock.now()
        with self._database.read() as tx:
            rows = busy.running_out(tx, now + LEFT, _BATCH)
        for row in rows:
            self._database.run(lambda tx, row=row: self._again(tx, row))  # type: ignore[misc]
        return len(rows)

    def _again(self, tx: Connection, row: Record) -> None:
        try:
            self.put(tx, row.source, row.provider_id, BusyItem(row.key, row.digest, lambda: str(row.raw)))
        except Unreadable:
            busy.change(tx, row.id, {"expanded_to": None})

    def _store(self, source: str, provider: int, batch: Sequence[BusyItem], done: Replaced) -> None:
        if batch:
            self._database.run(lambda tx: self._put_all(tx, source, provider, batch, done))

    def _put_all(
        self, tx: Connection, source: str, provider: int, batch: Sequence[BusyItem], done: Replaced
    ) -> None:  # fmt: skip
        for item in batch:
            try:
                doubts = self.put(tx, source, provider, item).doubts
                done.doubtful += [(item.key, code) for code in sorted(doubts)]
                done.stored += 1
            except Unreadable as problem:
                done.rejected.append((item.key, problem.code))

    def _forget(self, source: str, keys: Sequence[str], done: Replaced) -> None:
        for start in range(0, len(keys), _BATCH):
            with self._database.write() as tx:
                for key in keys[start : start + _BATCH]:
                    row = busy.get(tx, source, key)
                    if row is not None:
                        self.drop(tx, row.uid)
                        done.removed += 1

    def _zone(self, provider: int) -> ZoneInfo:
        return self._catalogue.current().provider_by_id[provider].location.zone


class Replaced:
    """What became of the events of a source. ``rejected`` holds key and code of each that could not be read, ``doubtful``
    of each that was taken in with something guessed or left out."""

    def __init__(self) -> None:
        self.total = self.stored = self.unchanged = self.removed = 0
        self.rejected: list[tuple[str, str]] = []
        self.doubtful: list[tuple[str, str]] = []

    @property
    def remarks(self) -> dict[str, int]:
        """How many of each code."""
        return dict(Counter(code for _, code in self.rejected + self.doubtful))


def _hold(uid: str, provider: int, span: tuple[datetime, datetime], now: datetime) -> dict[str, object]:
    return {
        "uid": new_uid("hld", now), "provider_id": provider, "kind": HoldKind.BUSY, "source": uid, "start_at": span[0],
        "end_at": span[1], "created_at": now,
    }  # fmt: skip
