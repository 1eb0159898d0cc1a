"""The engine with each vendor's connector over HTTP: both sides agree and come to rest, whatever request fails and however."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.connector import PeerError
from reminders.domain.crm import ENTITIES, PATIENT
from reminders.services.sync.engine import run_pass
from reminders.services.sync.parts import Parts
from tests.gateways.crm_contract import CrmPeering
from tests.gateways.fake_espocrm import FakeEspoCrm
from tests.gateways.fake_gnuhealth import FakeGnuHealth
from tests.gateways.fake_hubspot import FakeHubSpot
from tests.gateways.fake_salesforce import FakeSalesforce
from tests.gateways.fake_system import Asked, FakeSystem, Fault, Said
from tests.gateways.test_espocrm import Espo
from tests.gateways.test_gnuhealth import Gnu
from tests.gateways.test_hubspot import Hub
from tests.gateways.test_salesforce import Force
from tests.services.sync.model import Ours

MAKERS: dict[str, tuple[Callable[[], FakeSystem], Callable[[Any, str], CrmPeering]]] = {
    "espocrm": (FakeEspoCrm, Espo), "espocrm without our fields": (lambda: FakeEspoCrm(vanilla=True), Espo),
    "gnuhealth": (FakeGnuHealth, Gnu), "gnuhealth that rewrites": (lambda: FakeGnuHealth(rewrites=True), Gnu),
    "gnuhealth that meddles": (lambda: FakeGnuHealth(meddles=True), Gnu),
    "hubspot": (FakeHubSpot, Hub), "hubspot that rewrites": (lambda: FakeHubSpot(rewrites=True), Hub),
    "salesforce": (FakeSalesforce, Force), "salesforce that meddles": (lambda: FakeSalesforce(meddles=True), Force),
}  # fmt: skip
_READS = (
    "GET", "/search", "/batch/read", "/oauth2/token", '.search_read"', '.search_count"', '_get"', '"common.db.login"',
)  # fmt: skip


class At(list[Fault]):
    """One fault, at the n-th request from now on."""

    def __init__(self, place: int, fault: Fault) -> None:
        super().__init__([fault])
        self._left = place

    def __bool__(self) -> bool:
        self._left -= 1
        return self._left == 0 and len(self) > 0


class Both:
    """One entity on both sides: here in memory, there behind HTTP."""

    def __init__(self, peering: CrmPeering, things: int) -> None:
        self.peering, self.fake, self.entity = peering, peering.fake, peering.entity
        self.ours = Ours(lambda place: None)
        peering.connector.entities = (self.entity,)  # type: ignore[misc]
        numbers = itertools.count(1)
        self.parts = Parts(
            self.ours, peering.connector, {self.entity: self.ours}, peering.system.owners({}), self.fake.clock,
            lambda: f"rev{next(numbers)}", grace=timedelta(0),
        )  # fmt: skip
        for number in range(1, things + 1):
            self.type_here(peering.uid(number), peering.sample(number))

    def type_here(self, key: str, fields: dict[str, Any]) -> None:
        self.ours.state.things[key] = {**self.ours.state.things.get(key, {}), **fields}
        self.ours.wake(key)

    def run(self) -> int:
        """A pass; how often it wrote there."""
        self.fake.clock.advance(timedelta(minutes=1))
        before = len(self.fake.asked)
        run_pass(self.parts)
        return sum(_is_write(one) for one in self.fake.asked[before:])

    def settle(self) -> None:
        """Comes to rest within six passes, and then writes nothing any more, on either side."""
        for _ in range(6):
            before = self.ours.writes
            if self.run() == 0 and self.ours.writes == before:
                break
        before = self.ours.writes
        assert self.run() == 0
        assert self.ours.writes == before

    def agree(self) -> dict[str, str]:
        """Ids there by ids here; both sides show the same, and nothing is there twice."""
        names, _ = self.peering.everything()
        links = {link.remote_id: link.local_id for link in self.ours.state.links.values() if not link.dead}
        assert set(links) == names
        assert sorted(map(str, links.values())) == sorted(self.ours.state.things)
        for remote_id, local_id in links.items():
            there, here = self.peering.look(str(remote_id)).fields, self.ours.state.things[str(local_id)]
            assert {name: there[name] for name in there if name in here} == {
                name: here[name] for name in there if name in here
            }
        return {str(local_id): str(remote_id) for remote_id, local_id in links.items()}


def _is_write(asked: Asked) -> bool:
    """By method and address, or by the method that a remote procedure call names first."""
    said = (
        f"{asked.method} {asked.path} {asked.body[:90]!r}"
        if b'"method"' in asked.body[:30]
        else f"{asked.method} {asked.path}"
    )
    return not any(mark in said for mark in _READS)


@contextmanager
def both(vendor: str, entity: str, things: int) -> Iterator[Both]:
    fake, make = MAKERS[vendor]
    with fake() as running:
        yield Both(make(running, entity), things)


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("vendor", MAKERS)
def test_both_sides_agree_and_rest(vendor: str, entity: str) -> None:
    with both(vendor, entity, 3) as world:
        peering = world.peering
        made = peering.make({**peering.sample(7), **({"email": "new@example.org"} if entity == PATIENT else {})})
        world.settle()
        ids = world.agree()
        assert len(ids) == 4
        first, second, third = (peering.uid(number) for number in (1, 2, 3))
        name = "phone" if entity == PATIENT else "service"
        world.type_here(first, {name: peering.sample(5)[name]})
        world.fake.clock.advance(timedelta(minutes=1))
        peering.edit(ids[second], {name: peering.sample(6)[name]})
        peering.remove(ids[third])
        world.settle()
        ids = world.agree()
        assert set(ids.values()) >= {made}
        assert third not in ids
        assert world.ours.state.things[second][name] == peering.sample(6)[name]
        assert peering.look(ids[first]).fields[name] == peering.sample(5)[name]


FAULTS = {
    "no answer to what was not done": Fault(), "no answer to what was done": Fault(after=True),
    "garbled": Fault(Said(200, "<html>maintenance</html>"), after=True),
}  # fmt: skip


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("vendor", ["espocrm", "gnuhealth", "hubspot", "salesforce"])
def test_whatever_request_fails_nothing_is_lost_or_doubled(vendor: str, entity: str) -> None:
    with both(vendor, entity, 2) as clean:
        clean.run()
        requests = len(clean.fake.asked)
    for place in range(1, requests + 1):
        for fault in FAULTS.values():
            with both(vendor, entity, 2) as world:
                world.fake.faults = At(place, fault)
                with contextlib.suppress(PeerError):
                    world.run()
                world.fake.faults = []
                world.settle()
                assert len(world.agree()) == 2
