"""Assessments of how the phones are answered: made, kept with all their versions, and read again."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.domain.sourcing.assessment import assess
from reminders.domain.sourcing.reading import NOTHING, Measurements, read
from reminders.errors import NotFound
from reminders.services.answering import Answering
from reminders.services.assessment_view import as_dict
from reminders.store import assessments as store
from reminders.store import keys
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: A scenario with every field, as ``domain/sourcing/reading.py`` takes it.
Given: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shipped:
    """Data that comes with the product: worked scenarios by name, and the vendors with their published prices."""

    presets: Mapping[str, Mapping[str, Any]]
    vendors: Sequence[Mapping[str, Any]]


def read_shipped(folder: Path) -> Shipped:
    """Everything in ``folder``: one file per scenario, and ``vendors.toml``."""
    found = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))}
    vendors = found.pop("vendors")["vendors"]
    return Shipped(found, vendors)


@dataclass(frozen=True, slots=True)
class Asked:
    """A scenario: ``given`` has every field, ``sent`` is what somebody wrote, to be kept and edited again."""

    given: Given
    sent: Mapping[str, Any]


class Assessments:
    """One public method = one transaction; the arithmetic is done outside of it."""

    def __init__(self, database: Database, clock: Clock, answering: Answering, folder: Path) -> None:
        self._database = database
        self._clock = clock
        self._answering = answering
        self._shipped = cache(partial(read_shipped, folder))

    def compute(self, given: Given, *, measuring: bool = True) -> dict[str, Any]:
        """The assessment of a scenario, without keeping it. ``Invalid`` names a field that is wrong or missing.
        ``measuring`` false: there is no database to measure in."""
        measured = self._measured(given) if measuring and given["measured"] else NOTHING
        return as_dict(assess(read(given, measured)))

    def create(self, asked: Asked, actor: Actor, once: Once | None = None) -> Record:
        """A new assessment; its first version."""
        result, now = self.compute(asked.given), self._clock.now()
        uid = new_uid("asm", now)
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, uid, now) if once else None
            if earlier is None:
                number = store.add(tx, {
                    "uid": uid, "name": asked.given["name"], "version": 0, "headline": None, "created_at": now,
                    "updated_at": now,
                })  # fmt: skip
                self._add_version(tx, number, 1, asked, result, actor)
            return store.get(tx, earlier or uid)

    def revise(self, uid: str, asked: Asked, actor: Actor, once: Once | None = None) -> Record:
        """The next version of an assessment; earlier ones stay as they are."""
        with self._database.read() as tx:
            store.get(tx, uid)
        result, now = self.compute(asked.given), self._clock.now()
        with self._database.write() as tx:
            if once and keys.claim_once(tx, once, uid, now) is not None:
                return store.get(tx, uid)
            row = store.lock(tx, uid)
            self._add_version(tx, row.id, row.version + 1, asked, result, actor)
            return store.get(tx, uid)

    def get(self, uid: str, version: int | None = None) -> Record:
        """One version, the newest unless another is named."""
        with self._database.read() as tx:
            return store.get(tx, uid, version)

    def listing(self, before: int | None, limit: int) -> Sequence[Record]:
        """Newest first, and one more when there are more."""
        with self._database.read() as tx:
            return store.listing(tx, before, limit)

    def measured(self, first: date | None, last: date | None, currency: str) -> Measurements:
        """What the product would fill in."""
        return self._answering.measure(first, last, currency)

    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Worked scenarios, by name."""
        return self._shipped().presets

    def preset(self, name: str) -> Mapping[str, Any]:
        """``NotFound`` for an unknown one."""
        try:
            return self._shipped().presets[name]
        except KeyError:
            raise NotFound(f"There is no preset {name!r}.") from None

    def vendors(self) -> list[Mapping[str, Any]]:
        """The shipped ones, then the clinic's own quotes."""
        with self._database.read() as tx:
            own = store.quotes(tx)
        return [*({**one, "own": False} for one in self._shipped().vendors), *map(_quote, own)]

    def vendor(self, uid: str) -> Mapping[str, Any]:
        """One of them; ``NotFound``."""
        for one in self._shipped().vendors:
            if one["id"] == uid:
                return {**one, "own": False}
        with self._database.read() as tx:
            return _quote(store.quote(tx, uid))

    def add_quote(self, facts: Mapping[str, Any], actor: Actor, once: Once | None = None) -> Mapping[str, Any]:
        """Keep what a vendor offered this clinic."""
        now = self._clock.now()
        uid = new_uid("vnd", now)
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, uid, now) if once else None
            if earlier is None:
                row = {"uid": uid, "name": facts["name"], "facts": facts, "created_at": now, "actor": actor.name}
                store.add_quote(tx, row)
            return _quote(store.quote(tx, earlier or uid))

    def _measured(self, given: Given) -> Measurements:
        return self._answering.measure(given["measured_from"], given["measured_to"], given["currency"])

    def _add_version(
        self, tx: Connection, number: int, version: int, asked: Asked, result: dict[str, Any], actor: Actor
    ) -> None:
        now, found = self._clock.now(), result["recommendation"]
        store.add_version(tx, {
            "assessment_id": number, "version": version, "scenario": asked.sent, "result": result, "created_at": now,
            "actor": actor.name,
        })  # fmt: skip
        headline = found["headline"]["sentence"] if found else None
        store.renew(tx, number, asked.given["name"], version, headline, now)


def _quote(row: Record) -> Mapping[str, Any]:
    return {"id": row.uid, **row.facts, "own": True}
