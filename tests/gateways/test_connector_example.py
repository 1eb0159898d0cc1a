"""The connector that docs/connectors.md shows keeps the contract as it stands there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import pytest

from reminders.domain.crm import ENTITIES, PATIENT, Account
from reminders.gateways.outward import Outward, networks
from tests.crm_memory import Row, Shelf
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_system import Asked, FakeSystem, Said

_PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
_LIMIT = 50


def example() -> Any:
    """The module on the page."""
    (source,) = re.findall(r"```python\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    module = ModuleType("little")
    exec(compile(source, "docs/connectors.md", "exec"), module.__dict__)
    return module


LITTLE = example()


class LittleClinic(FakeSystem):
    """That API, over a shelf."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf = Shelf(self.clock)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Bearer key":
            return Said(401)
        entity, _, name = unquote(asked.path).strip("/").partition("/")
        if entity == "account":
            return Said(body={"name": "Little Clinic of Madrid"})
        if name:
            return self._record(asked, entity, name)
        return self._listing(asked, entity)

    def _listing(self, asked: Asked, entity: str) -> Said:
        rows = self.shelf.rows[entity]
        if "ids" in asked.query:
            names = asked.query["ids"].split(",")
            return Said(body={"records": [_shown(name, rows[name]) for name in names if name in rows]})
        after = int(asked.query["after"])
        found = self.shelf.since(entity, after, _LIMIT)
        changes = [
            {"id": name, "deleted": row is None, **({"version": str(row.version)} if row else {})}
            for _, name, row in found
        ]
        last = found[-1][0] if found else after
        return Said(body={"changes": changes, "next": last, "more": len(found) == _LIMIT})

    def _record(self, asked: Asked, entity: str, name: str) -> Said:
        old = self.shelf.rows[entity].get(name)
        if asked.method == "PUT" and old is not None:
            return Said(412)
        if asked.method != "PUT" and old is None:
            return Said(404)
        if old is not None and asked.headers["if-match"] not in ("*", str(old.version)):
            return Said(412)
        if asked.method == "DELETE":
            self.shelf.remove(entity, name)
            return Said(204)
        body = asked.json()
        uid, rev = body["marks"]
        return Said(body=_shown(name, self.shelf.write(entity, name, body["fields"], uid=uid, rev=rev)))


def _shown(name: str, row: Row) -> dict[str, Any]:
    marks = [row.uid, row.rev] if row.uid else None
    return {"id": name, "version": str(row.version), "fields": dict(row.fields), "marks": marks}


class Little(CrmPeering):
    system = LITTLE.SYSTEM
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: LittleClinic, entity: str) -> None:
        self.fake, self.shelf, self.entity = fake, fake.shelf, entity
        outward = Outward(fake.clock, networks("127.0.0.0/8"))
        self.connector = LITTLE.Little(outward, fake.clock, Account({"url": fake.url}, {"token": "key"}))
        patients = [self.shelf.new_id(PATIENT) for _ in range(3)]
        self.refs = {"patient": patients, "provider": ["D1", "D2"], "service": ["S1", "S2"]}

    def make(self, fields: Mapping[str, Any]) -> str:
        name = self.shelf.new_id(self.entity)
        self.shelf.write(self.entity, name, fields)
        return name

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        self.shelf.write(self.entity, remote_id, fields)

    def remove(self, remote_id: str) -> None:
        self.shelf.remove(self.entity, remote_id)

    def add_foreign(self, remote_id: str) -> Any:
        self.shelf.write(self.entity, remote_id, {}, foreign={"hobby": "chess"})
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.shelf.rows[self.entity][remote_id].foreign["hobby"]


class TestLittle(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with LittleClinic() as fake:
            yield Little(fake, request.param)
