"""The connector against a real server: another installation's own FHIR face, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.connector import LoginRefused, Precondition, Put, Refused, Remote, Write
from reminders.domain.crm import PATIENT, VISIT, Account
from reminders.domain.fhir.shapes import id_of, uid_of
from reminders.gateways.fhir import Fhir
from reminders.gateways.outward import Outward, networks
from tests.house import House, book, clinic, running

PERSON = {
    "name": "Eva María Sol",
    "phone": "+34600000031",
    "email": "eva@example.org",
    "language": "ca",
    "birth_year": 1980,
}


@dataclass
class Peer:
    """An installation, and a connector that has a key for it."""

    house: House
    ids: dict[str, Any]
    role: str = "integration"
    revs: int = field(default=0)

    @property
    def connector(self) -> Fhir:
        outward = Outward(self.house.clock, networks("127.0.0.0/8"))
        account = Account({"url": f"{self.house.url}/fhir/"}, {"token": self.house.key(self.role)})
        return Fhir(outward, self.house.clock, account)

    def put(self, entity: str, uid: str, fields: dict[str, Any], *changed: str, seen: Remote | None = None) -> Put:
        self.revs += 1
        write = Write(
            uid, seen.remote_id if seen else None, {**(seen.fields if seen else {}), **fields},
            frozenset(changed or fields), f"rev-{self.revs}", seen is None, seen.etag if seen else None,
            seen.raw if seen else None,
        )  # fmt: skip
        return self.connector.put(entity, write)

    def look(self, entity: str, id_: str) -> Remote:
        return self.connector.fetch(entity, [id_])[id_]

    def visit(self, patient: str, hour: int, **changes: Any) -> dict[str, Any]:
        """A visit on the day after tomorrow, at this hour of UTC."""
        return {
            "start": f"2030-05-08T{hour:02}:00:00+00:00", "end": f"2030-05-08T{hour:02}:30:00+00:00", "patient": patient,
            "provider": id_of(self.ids["provider"]), "service": f"urn:reminders:service|{id_of(self.ids['service'])}",
            "status": "booked", "confirmed": False, "cancel_reason": "", **changes,
        }  # fmt: skip

    def listed(self, entity: str, cursor: str | None = None) -> tuple[dict[str, bool], str | None]:
        found: dict[str, bool] = {}
        more = True
        while more:
            page = self.connector.changes(entity, cursor)
            found |= {item.remote_id: item.gone for item in page.items}
            cursor, more = page.cursor, page.more
        return found, cursor


@pytest.fixture
def peer(sqlite_database_url: str) -> Iterator[Peer]:
    with running(sqlite_database_url) as house:
        yield Peer(house, clinic(house))


def test_it_is_recognised(peer: Peer) -> None:
    assert peer.connector.check() == "Reminders (FHIR 4.0.1)"
    with pytest.raises(LoginRefused):
        Fhir(
            Outward(peer.house.clock, networks("127.0.0.0/8")), peer.house.clock,
            Account({"url": f"{peer.house.url}/fhir"}, {"token": "rk_wrong"}),
        ).check()  # fmt: skip


def test_patients_both_ways(peer: Peer) -> None:
    name = peer.put(PATIENT, "pat_1", PERSON).remote_id
    seen = peer.look(PATIENT, name)
    assert (dict(seen.fields), seen.uid, seen.rev) == (PERSON, "pat_1", "rev-1")
    card = peer.house.get(f"patients/{uid_of(name)}")
    assert [card[key] for key in PERSON] == list(PERSON.values())
    peer.house.clock.advance(timedelta(hours=1))
    peer.house.patch(f"patients/{uid_of(name)}", {"phone": "+34600000032"})
    with pytest.raises(Precondition):
        peer.put(PATIENT, "pat_1", {"language": "es"}, "language", seen=seen)
    put = peer.put(PATIENT, "pat_1", {"language": "es"}, "language", seen=peer.look(PATIENT, name))
    assert put.stored is not None
    assert dict(put.stored.fields) == {**PERSON, "phone": "+34600000032", "language": "es"}
    with pytest.raises(Refused):
        peer.put(PATIENT, "pat_1", {"phone": "12"}, "phone", seen=peer.look(PATIENT, name))
    found = peer.connector.find(PATIENT, "pat_1")
    assert found is not None
    assert found.remote_id == name
    with pytest.raises(Precondition):
        peer.put(PATIENT, "pat_1", PERSON)


def test_visits_both_ways(peer: Peer) -> None:
    patient = peer.put(PATIENT, "pat_1", PERSON).remote_id
    name = peer.put(VISIT, "apt_1", peer.visit(patient, 9)).remote_id
    assert dict(peer.look(VISIT, name).fields) == peer.visit(patient, 9)
    there = f"appointments/{uid_of(name)}"
    assert peer.house.get(there)["start"] == "2030-05-08T11:00:00+02:00"
    moved = peer.visit(patient, 10)
    peer.put(VISIT, "apt_1", moved, "start", "end", seen=peer.look(VISIT, name))
    assert peer.house.get(there)["start"] == "2030-05-08T12:00:00+02:00"
    put = peer.put(VISIT, "apt_1", {"confirmed": True}, "confirmed", seen=peer.look(VISIT, name))
    assert peer.house.get(there)["confirmation"] == "confirmed"
    assert put.stored is not None
    assert dict(put.stored.fields) == {**moved, "confirmed": True}
    _, cursor = peer.listed(VISIT)
    peer.house.clock.advance(timedelta(hours=1))
    peer.house.post(f"{there}/reschedule", {"start": "2030-05-08T14:00:00+02:00"})
    assert peer.listed(VISIT, cursor)[0] == {name: False}
    assert peer.look(VISIT, name).fields["start"] == "2030-05-08T12:00:00+00:00"
    off = {"status": "cancelled", "cancel_reason": "moved away"}
    peer.put(VISIT, "apt_1", off, "status", "cancel_reason", seen=peer.look(VISIT, name))
    assert peer.house.get(there)["cancel_reason"] == "moved away"


def test_rules_there_are_refusals_here(peer: Peer) -> None:
    patient = peer.put(PATIENT, "pat_1", PERSON).remote_id
    name = peer.put(VISIT, "apt_1", peer.visit(patient, 9)).remote_id
    for uid, changes in (
        ("apt_2", {"hour": 9}),
        ("apt_3", {"hour": 20}),
        ("apt_4", {"hour": 10, "provider": "prv-none"}),
    ):
        with pytest.raises(Refused):
            peer.put(VISIT, uid, peer.visit(patient, **changes))  # type: ignore[arg-type]
    other = peer.put(VISIT, "apt_5", peer.visit(patient, 10)).remote_id
    seen = peer.look(VISIT, other)
    with pytest.raises(Refused) as caught:
        peer.put(VISIT, "apt_5", peer.visit(patient, 9), "start", "end", seen=seen)
    assert "no longer free" in caught.value.sentence
    peer.house.post(f"appointments/{uid_of(other)}/confirm")
    with pytest.raises(Precondition):
        peer.put(VISIT, "apt_5", peer.visit(patient, 11), "start", "end", seen=seen)
    assert set(peer.listed(VISIT)[0]) == {name, other}


def test_deletions_both_ways(peer: Peer) -> None:
    patient = peer.put(PATIENT, "pat_1", PERSON).remote_id
    name = peer.put(VISIT, "apt_1", peer.visit(patient, 9)).remote_id
    _, cursor = peer.listed(VISIT)
    with pytest.raises(Precondition):
        peer.connector.delete(VISIT, name, "7")
    peer.connector.delete(VISIT, name, peer.look(VISIT, name).etag)
    assert peer.listed(VISIT, cursor)[0] == {name: True}
    assert peer.listed(VISIT)[0] == {}
    assert peer.house.get(f"appointments/{uid_of(name)}")["status"] == "cancelled"
    peer.connector.delete(VISIT, name, None)
    with pytest.raises(Refused):
        peer.connector.delete(PATIENT, patient, None)


def test_an_answer_that_never_came(peer: Peer) -> None:
    """The same write again finds what it made."""
    fields = peer.visit(peer.put(PATIENT, "pat_1", PERSON).remote_id, 9)
    write = Write("apt_1", None, fields, frozenset(fields), "rev-x", create=True)
    first = peer.connector.put(VISIT, write)
    assert peer.connector.put(VISIT, write).remote_id == first.remote_id
    with pytest.raises(Precondition):
        peer.connector.put(VISIT, replace(write, rev="rev-y"))


def test_long_lists_come_whole(peer: Peer) -> None:
    """More than a page, with the same time of change."""
    names = {peer.put(PATIENT, f"pat_{number}", {**PERSON, "phone": ""}).remote_id for number in range(105)}
    found, cursor = peer.listed(PATIENT)
    assert set(found) == names | {id_of(peer.ids["patient"])}
    visit = book(peer.house, peer.ids, "2030-05-08T10:00:00+02:00")
    assert peer.listed(VISIT)[0] == {id_of(visit["id"]): False}
    assert set(peer.listed(PATIENT, cursor)[0]) == set(found)
