"""The contract of connectors, kept by the server in memory, however it misbehaves within what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.gateways.connector_contract import ConnectorContract, Peering
from tests.services.sync.model import ENTITY, Mode, Server, Stored


class InMemory(Peering):
    entity, some_field = ENTITY, "name"

    def __init__(self, mode: Mode) -> None:
        self.connector = self.server = Server(mode, lambda place: None)

    def sample(self, number: int) -> dict[str, Any]:
        return {"name": f"name {number}", "note": f"note {number}"}

    def make(self, fields: Mapping[str, Any]) -> str:
        name = f"person-{self.server.next()}"
        self.server.change(name, Stored(dict(fields), self.server.next(), None, None))
        return name

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        old = self.server.items[remote_id]
        self.server.change(remote_id, replace(old, fields={**old.fields, **fields}, etag=self.server.next()))

    def remove(self, remote_id: str) -> None:
        self.server.change(remote_id, None)


class TestInMemory(ConnectorContract):
    @pytest.fixture(
        params=[Mode(), Mode(withholds=True), Mode(gives_ids=True), Mode(tokens=False), Mode(if_match=False)], ids=str
    )
    def peering(self, request: pytest.FixtureRequest) -> Peering:
        return InMemory(request.param)
