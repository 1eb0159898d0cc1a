"""The contract of connectors to CRMs, kept by the CRM in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reminders.domain.connector import PeerError
from reminders.domain.crm import ENTITIES, PATIENT
from tests.crm_memory import SYSTEM, MemoryCrm, Shelf, refusals, webhook
from tests.gateways.crm_contract import CrmContract, CrmPeering


class InMemory(CrmPeering):
    system, somebody = SYSTEM, "Eva Vega"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, entity: str) -> None:
        self.entity = entity
        self.shelf = self.fake = Shelf()  # type: ignore[assignment]
        self.crm = self.connector = MemoryCrm(self.shelf, page=50)
        patients = [self.shelf.new_id(PATIENT) for _ in range(3)]
        self.refs = {"patient": patients, "provider": ["D1", "D2"], "service": ["S1", "S2"]}

    def make(self, fields: Mapping[str, Any]) -> str:
        name = self.shelf.new_id(self.entity)
        self.shelf.write(self.entity, name, fields)
        return name

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        self.shelf.write(self.entity, remote_id, fields, by=self.somebody)

    def remove(self, remote_id: str) -> None:
        self.shelf.remove(self.entity, remote_id)

    def refuse_login(self) -> None:
        self.crm.failures += refusals(100)

    def limit(self, seconds: int) -> None:
        self.crm.failures.append(PeerError(retry_after=seconds))

    def break_down(self) -> None:
        self.crm.failures += [PeerError() for _ in range(5)]

    def lose_answer(self) -> None:
        self.crm.lost = True

    def mend(self) -> None:
        self.crm.failures.clear()

    def add_foreign(self, remote_id: str) -> Any:
        self.shelf.write(self.entity, remote_id, {}, foreign={"hobby": "chess"})
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.shelf.rows[self.entity][remote_id].foreign["hobby"]

    def webhook(self, remote_id: str) -> tuple[dict[str, str], bytes]:
        return webhook(self.crm, self.entity, remote_id)


class TestInMemory(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> CrmPeering:
        return InMemory(request.param)
