"""FHIR R4 servers: the contract of connectors, and what is particular to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.connector import CursorGone, LoginRefused, Missing, PeerError, Precondition, Refused
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.domain.fhir import appointment, patient
from reminders.gateways.fhir import Fhir
from reminders.gateways.fhir_words import SYSTEM
from reminders.gateways.jsonapi import moment
from reminders.gateways.outward import NotPublic, Outward, networks
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_fhir import CLIENT, CLIENT_SECRET, TOKEN, FakeFhir
from tests.gateways.fake_system import Fault, Said

KIND = {PATIENT: "Patient", VISIT: "Appointment"}
HOBBY = "urn:example:hobby"


class FhirServer(CrmPeering):
    system, somebody = SYSTEM, "https://ehr.example/desk"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: FakeFhir, entity: str, secrets: Mapping[str, str] | None = None, **settings: str) -> None:
        self.fake, self.server, self.entity, self.kind = fake, fake, entity, KIND[entity]
        config = {"url": f"{fake.url}/fhir", **settings}
        outward = Outward(fake.clock, networks("127.0.0.0/8"))
        self.connector = Fhir(outward, fake.clock, Account(config, {"token": TOKEN} if secrets is None else secrets))
        self.refs = {"patient": ["1", "2", "3"], "provider": ["d1", "d2"], "service": ["urn:x|clean", "Check-up"]}

    def words(self, fields: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """What the other system makes of what a person types."""
        return _patient(fields, row) if self.entity == PATIENT else _visit(fields, row)

    def make(self, fields: Mapping[str, Any]) -> str:
        return str(self.server.save(self.kind, self.words(fields, {}))["id"])

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        row = self.server.rows[self.kind][remote_id]
        self.server.save(self.kind, self.words(fields, row), remote_id, self.somebody or "")

    def remove(self, remote_id: str) -> None:
        self.server.remove(self.kind, remote_id)

    def add_foreign(self, remote_id: str) -> Any:
        row = self.server.rows[self.kind][remote_id]
        self.server.save(self.kind, {**row, "extension": [{"url": HOBBY, "valueString": "chess"}]}, remote_id)
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.server.rows[self.kind][remote_id]["extension"]


def _patient(fields: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(row)
    steps = {
        "name": patient.with_name, "phone": patient.with_phone, "email": patient.with_email,
        "language": patient.with_language, "birth_year": patient.with_birth_year,
    }  # fmt: skip
    for name, step in steps.items():
        if name in fields:
            made = step(made, fields[name])
    return made


def _visit(fields: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(row)
    if "start" in fields:
        made = appointment.with_times(made, moment(fields["start"]), moment(fields["end"]))
    if "status" in fields:
        made = appointment.with_status(made, fields["status"], fields.get("cancel_reason") or None)
    if "patient" in fields:
        answer = "accepted" if fields["confirmed"] else "needs-action"
        made["participant"] = [
            {"actor": {"reference": f"Patient/{fields['patient']}"}, "status": answer},
            {"actor": {"reference": f"Practitioner/{fields['provider']}"}, "status": "accepted"},
        ]
        system, _, code = fields["service"].rpartition("|")
        made["serviceType"] = [{"coding": [{"system": system, "code": code}]} if system else {"text": code}]
    return made


@pytest.fixture
def server() -> Iterator[FakeFhir]:
    with FakeFhir() as fake:
        yield fake


class TestContract(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeFhir() as fake:
            yield FhirServer(fake, request.param)


class TestWithHistory(CrmContract):
    """The server keeps a history of the type, and says 409 where it should say 412."""

    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeFhir(history=True, conflict=409) as fake:
            yield FhirServer(fake, request.param)


class TestTaciturn(CrmContract):
    """The server shows nothing in answers to writes; the client fetches tokens."""

    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeFhir(returns=False) as fake:
            yield FhirServer(
                fake, request.param, {"client_secret": CLIENT_SECRET}, client_id=CLIENT, token_url=f"{fake.url}/token",
                scope="system/*.cruds",
            )  # fmt: skip


# Credentials


def test_a_token_is_fetched_once_and_again_when_it_has_expired(server: FakeFhir) -> None:
    server.life = 600
    peering = FhirServer(
        server, PATIENT, {"client_secret": CLIENT_SECRET}, client_id=CLIENT, token_url=f"{server.url}/token",
        scope="system/*.cruds",
    )  # fmt: skip

    def fetched() -> int:
        return sum(one.path == "/token" for one in server.asked)

    peering.everything()
    peering.everything()
    assert fetched() == 1
    server.clock.advance(timedelta(seconds=571))
    peering.everything()
    assert fetched() == 2
    server.tokens = ["withdrawn"]
    peering.everything()
    assert fetched() == 3


def test_a_client_that_is_not_known_is_refused(server: FakeFhir) -> None:
    peering = FhirServer(server, PATIENT, {"client_secret": "wrong"}, client_id=CLIENT, token_url=f"{server.url}/token")
    with pytest.raises(LoginRefused):
        peering.connector.check()


def test_name_and_password(server: FakeFhir) -> None:
    peering = FhirServer(server, PATIENT, {"password": "pass word"}, username="user")
    assert peering.connector.check() == "Fake FHIR (FHIR 4.0.1)"


def test_another_version_of_fhir_is_not_spoken(server: FakeFhir) -> None:
    server.version = "5.0.0"
    with pytest.raises(PeerError) as caught:
        FhirServer(server, PATIENT).connector.check()
    assert caught.value.permanent


# Lists


def test_next_pages_are_read_from_the_same_server_only(server: FakeFhir) -> None:
    peering = FhirServer(server, PATIENT)
    for number in range(50):
        peering.make(peering.sample(number))
    server.elsewhere = "http://127.0.0.2:9"
    with pytest.raises(PeerError) as caught:
        peering.everything()
    assert caught.value.permanent
    assert all(not one.path.startswith("http") for one in server.asked)


def test_a_private_address_is_not_asked(server: FakeFhir) -> None:
    connector = Fhir(Outward(server.clock), server.clock, Account({"url": f"{server.url}/fhir"}, {"token": TOKEN}))
    with pytest.raises(NotPublic):
        connector.check()
    assert server.asked == []


def test_a_page_that_the_server_forgot_begins_anew(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT)
    for number in range(1, 60):
        peering.make(peering.sample(number % 9 + 1))
    page = peering.connector.changes(VISIT, None)
    assert page.more
    server.faults.append(Fault(Said(410)))
    with pytest.raises(CursorGone):
        peering.connector.changes(VISIT, page.cursor)
    with pytest.raises(CursorGone):
        peering.connector.changes(VISIT, "{}")


@pytest.mark.parametrize("answer", [Said(200, {"resourceType": "OperationOutcome"}), Said(200, "[]"), Said(200, b""), Said(403),
                                    Said(200, "<html>"), Said(404)])  # fmt: skip
def test_what_is_no_list_is_not_an_empty_one(server: FakeFhir, answer: Said) -> None:
    peering = FhirServer(server, VISIT)
    peering.create(1)
    server.faults.append(Fault(answer))
    with pytest.raises(PeerError):
        peering.connector.changes(VISIT, None)


def test_changes_are_asked_for_with_an_overlap(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT)
    peering.make(peering.sample(1))
    _, cursor = peering.everything()
    server.clock.advance(timedelta(minutes=30))
    peering.since(cursor)
    asked = server.asked[-1].query
    assert asked["_sort"] == "_lastUpdated"
    assert moment(asked["_lastUpdated"].removeprefix("ge")) == server.clock.now() - timedelta(minutes=40)


def test_with_a_history_deletions_are_named_at_once() -> None:
    with FakeFhir(history=True) as fake:
        peering = FhirServer(fake, VISIT)
        gone, kept = peering.create(1).remote_id, peering.create(2).remote_id
        _, cursor = peering.everything()
        for _ in range(60):
            peering.edit(kept, {"status": "arrived"})
        peering.edit(gone, {"status": "arrived"})
        peering.remove(gone)
        assert peering.since(cursor) == {gone: True, kept: False}
        page = peering.connector.changes(VISIT, cursor)
        latest = next(item for item in page.items if item.remote_id == kept)
        assert latest.etag == fake.rows["Appointment"][kept]["meta"]["versionId"]


def test_what_was_entered_in_error_counts_as_deleted(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT)
    name = peering.create(1).remote_id
    _, cursor = peering.everything()
    peering.edit(name, {"status": "entered-in-error"})
    assert peering.since(cursor) == {name: True}
    assert peering.everything()[0] == set()
    assert peering.connector.fetch(VISIT, [name]) == {}
    assert peering.connector.find(VISIT, peering.uid(1)) is None


def test_only_some_visits_are_listed(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT, visits="status=arrived")
    peering.make({**peering.sample(1), "status": "booked"})
    name = peering.make({**peering.sample(1), "status": "arrived"})
    assert peering.everything()[0] == {name}


def test_what_cannot_be_read_is_there_all_the_same(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT)
    name = server.save("Appointment", {"status": "strange", "participant": []})["id"]
    assert peering.everything()[0] == {name}
    assert dict(peering.look(name).fields) == {}


@pytest.mark.parametrize(
    ("theirs", "ours"), [("proposed", "pending"), ("waitlist", "pending"), ("checked-in", "arrived")]
)
def test_words_that_we_have_not(server: FakeFhir, theirs: str, ours: str) -> None:
    peering = FhirServer(server, VISIT)
    name = peering.make(peering.sample(1))
    server.save("Appointment", {**server.rows["Appointment"][name], "status": theirs}, name)
    assert peering.look(name).fields["status"] == ours
    if theirs in appointment.STATUSES:
        fields = {**peering.look(name).fields, "status": ours}
        seen = peering.look(name)
        peering.connector.put(VISIT, peering.write(
            1, remote_id=name, fields=fields, changed=frozenset({"status"}), create=False, etag=seen.etag, raw=seen.raw,
        ))  # fmt: skip
        assert server.rows["Appointment"][name]["status"] == theirs


# Writes


def test_a_repeated_create_finds_the_first(server: FakeFhir) -> None:
    peering = FhirServer(server, PATIENT)
    first = peering.create(1)
    assert peering.create(1).remote_id == first.remote_id  # the very same write
    with pytest.raises(Precondition):
        peering.connector.put(PATIENT, peering.write(1, "another"))
    assert len(server.rows["Patient"]) == 1
    server.save("Patient", {"identifier": [{"system": "urn:reminders:id", "value": peering.uid(1)}]})
    with pytest.raises(Refused) as caught:
        peering.create(1)
    assert caught.value.code == "several_there"


def test_without_extensions_our_id_is_still_known() -> None:
    with FakeFhir(keeps_extensions=False) as fake:
        peering = FhirServer(fake, VISIT)
        name = peering.create(1).remote_id
        assert (peering.look(name).uid, peering.look(name).rev) == (peering.uid(1), None)


def test_a_generated_text_does_not_outlive_what_it_says(server: FakeFhir) -> None:
    peering = FhirServer(server, PATIENT)
    name = peering.create(1).remote_id
    server.save(
        "Patient", {**server.rows["Patient"][name], "text": {"status": "generated", "div": "<div>Ana</div>"}}, name
    )
    peering.update(name, 2, "name")
    assert "text" not in server.rows["Patient"][name]
    own = {"status": "additional", "div": "<div>Ana</div>"}
    server.save("Patient", {**server.rows["Patient"][name], "text": own}, name)
    peering.update(name, 3, "name")
    assert server.rows["Patient"][name]["text"] == own


def test_a_rule_of_theirs_is_told_from_a_version_that_is_old(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT)
    name = peering.create(1).remote_id
    issue = {"severity": "error", "code": "conflict", "details": {"text": "Room\n taken"}}
    outcome = Said(409, {"resourceType": "OperationOutcome", "issue": [issue]})
    seen = peering.look(name)
    server.faults.append(Fault(outcome))
    with pytest.raises(Refused) as caught:
        peering.connector.put(VISIT, peering.write(2, remote_id=name, create=False, etag=seen.etag, raw=seen.raw))
    assert caught.value.sentence == "The other system does not take it (409: Room taken)."


def test_a_server_that_deletes_nothing_says_so() -> None:
    with FakeFhir(deletes=False) as fake:
        peering = FhirServer(fake, VISIT)
        name = peering.create(1).remote_id
        with pytest.raises(Refused):
            peering.connector.delete(VISIT, name, peering.look(name).etag)


# Servers that do not let visits be moved


def moved(peering: FhirServer, name: str, *names: str, **changes: Any) -> Any:
    """Our visit now is as the second sample, in these fields."""
    seen = peering.look(name)
    fields = {**seen.fields, **{one: peering.sample(2)[one] for one in names}, **changes}
    write = peering.write(
        1, "rev-2", uid=peering.uid(1), remote_id=name, fields=fields, changed=frozenset({*names, *changes}),
        create=False, etag=seen.etag, raw=seen.raw,
    )  # fmt: skip
    return peering.connector.put(VISIT, write)


@pytest.mark.parametrize(("moves", "status_only"), [("replace", False), ("status", True)])
def test_a_move_is_a_new_visit_and_the_end_of_the_old(moves: str, status_only: bool) -> None:
    with FakeFhir(status_only=status_only) as fake:
        peering = FhirServer(fake, VISIT, moves=moves)
        old = peering.create(1).remote_id
        put = moved(peering, old, "start", "end")
        rows = fake.rows["Appointment"]
        assert put.remote_id != old
        assert (rows[old]["status"], rows[put.remote_id]["status"]) == ("cancelled", "booked")
        assert peering.look(put.remote_id).fields == {
            **peering.sample(1),
            **{n: peering.sample(2)[n] for n in ("start", "end")},
        }
        found = peering.connector.find(VISIT, peering.uid(1))
        assert found is not None
        assert found.remote_id == put.remote_id


def test_a_move_that_was_broken_off_is_not_made_twice() -> None:
    with FakeFhir() as fake:
        peering = FhirServer(fake, VISIT, moves="replace")
        old = peering.create(1).remote_id
        before = fake.reply

        def broken(asked: Any) -> Said | None:
            return None if asked.method == "PUT" else before(asked)

        fake.reply = broken  # type: ignore[method-assign]  # the new visit is made, the old is not ended
        with pytest.raises(PeerError):
            moved(peering, old, "start", "end")
        fake.reply = before  # type: ignore[method-assign]
        put = moved(peering, old, "start", "end")
        assert len(fake.rows["Appointment"]) == 2
        assert fake.rows["Appointment"][old]["status"] == "cancelled"
        assert fake.rows["Appointment"][put.remote_id]["status"] == "booked"


def test_where_only_the_status_changes_the_rest_is_not_sent() -> None:
    with FakeFhir(status_only=True) as fake:
        peering = FhirServer(fake, VISIT, moves="status")
        name = peering.create(1).remote_id
        moved(peering, name, status="arrived", confirmed=True)
        assert peering.look(name).fields["status"] == "arrived"
        assert peering.look(name).fields["confirmed"] is False
        assert fake.asked[-3].method == "PATCH"
        seen = peering.look(name)
        stale = peering.write(1, remote_id=name, create=False, etag="1", raw=seen.raw, changed=frozenset({"status"}))
        with pytest.raises(Precondition):
            peering.connector.put(VISIT, replace(stale, fields={**seen.fields, "status": "fulfilled"}))
        with pytest.raises(Refused):
            peering.connector.put(VISIT, replace(stale, raw='{"participant": 5}'))


def test_where_visits_are_not_moved_that_is_refused(server: FakeFhir) -> None:
    peering = FhirServer(server, VISIT, moves="refuse")
    name = peering.create(1).remote_id
    with pytest.raises(Refused) as caught:
        moved(peering, name, "start", "end")
    assert (caught.value.code, caught.value.fields) == ("not_movable", ("end", "start"))
    moved(peering, name, status="arrived")
    assert peering.look(name).fields["status"] == "arrived"


def test_a_move_of_what_is_gone_or_changed_is_not_made() -> None:
    with FakeFhir() as fake:
        peering = FhirServer(fake, VISIT, moves="replace")
        name = peering.create(1).remote_id
        seen = peering.look(name)
        write = peering.write(2, remote_id=name, create=False, etag=seen.etag, raw=seen.raw)
        peering.edit(name, {"status": "arrived"})
        with pytest.raises(Precondition):
            peering.connector.put(VISIT, write)
        peering.remove(name)
        with pytest.raises(Missing):
            peering.connector.put(VISIT, write)
        assert fake.rows["Appointment"] == {}
