"""HubSpot: the contract of connectors, and what is particular to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.connector import CursorGone, Missing, PeerError, Precondition, Put, Refused
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.gateways.hubspot import HubSpot
from reminders.gateways.hubspot_words import SYSTEM
from reminders.gateways.outward import Outward, networks
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_hubspot import CLIENT_SECRET, HOOK, TOKEN, FakeHubSpot

_OUTCOME = {"booked": "SCHEDULED", "fulfilled": "COMPLETED", "cancelled": "CANCELED", "noshow": "NO_SHOW"}


class Hub(CrmPeering):
    system, somebody = SYSTEM, "user 4711"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: FakeHubSpot, entity: str, **settings: str) -> None:
        self.fake, self.crm, self.entity = fake, fake, entity
        config = {"url": fake.url, "webhook_url": HOOK, "reason_property": "reason", **settings}
        self.kind = "contacts" if entity == PATIENT else config.get("visits", "meetings")
        account = Account(config, {"token": TOKEN, "client_secret": CLIENT_SECRET})
        self.connector = HubSpot(Outward(fake.clock, networks("127.0.0.0/8")), fake.clock, account)
        self.refs = {"patient": ["901", "902", "903"], "provider": ["71", "72"], "service": ["Cleaning", "Check-up"]}

    def words(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What a person types for these."""
        given, _, family = str(fields.get("name", "")).rpartition(" ")
        stem = "hs_meeting_" if self.kind == "meetings" else "hs_appointment_"
        meeting = self.kind == "meetings"
        plain = {
            "phone": "phone", "email": "email", "language": "hs_language", "provider": "hubspot_owner_id",
            "service": f"{stem}{'title' if meeting else 'name'}", "cancel_reason": "reason",
            "start": f"{stem}start{'_time' * meeting}", "end": f"{stem}end{'_time' * meeting}",
        }  # fmt: skip
        flags = {
            "sms_opt_out": "reminders_no_sms", "voice_opt_out": "reminders_no_calls", "email_opt_out": "reminders_no_email",
            "confirmed": "reminders_confirmed",
        }  # fmt: skip
        values = {plain[name]: value for name, value in fields.items() if name in plain}
        values |= {flags[name]: "true" if value else "false" for name, value in fields.items() if name in flags}
        if "name" in fields:
            values |= {"firstname": given, "lastname": family}
        if "status" in fields:
            values[f"{stem}{'outcome' if meeting else 'status'}"] = _OUTCOME[fields["status"]]
        return values

    def make(self, fields: Mapping[str, Any]) -> str:
        key = str(self.crm.save(self.kind, self.words(fields))["id"])
        if "patient" in fields:
            self.crm.contacts[key] = [fields["patient"]]
        return key

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        self.crm.save(self.kind, self.words(fields), remote_id)

    def remove(self, remote_id: str) -> None:
        self.crm.remove(self.kind, remote_id)

    def add_foreign(self, remote_id: str) -> Any:
        self.crm.save(self.kind, {"hobby": "chess"}, remote_id)
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.crm.rows[self.kind][remote_id]["properties"]["hobby"]

    def webhook(self, remote_id: str) -> tuple[dict[str, str], bytes]:
        return self.crm.webhook(self.kind, remote_id)


class TestContract(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeHubSpot() as fake:
            yield Hub(fake, request.param)


class TestAppointments(CrmContract):
    """The other object for visits; a bad input spoils a batch."""

    @pytest.fixture
    def peering(self) -> Iterator[CrmPeering]:
        with FakeHubSpot(whole=True) as fake:
            yield Hub(fake, VISIT, visits="appointments")


@pytest.fixture
def visits() -> Iterator[Hub]:
    with FakeHubSpot() as fake:
        yield Hub(fake, VISIT)


@pytest.fixture
def patients() -> Iterator[Hub]:
    with FakeHubSpot() as fake:
        yield Hub(fake, PATIENT)


def test_a_search_that_lags_behind_is_asked_again() -> None:
    with FakeHubSpot(eventual=True) as fake:
        peering = Hub(fake, PATIENT)
        known = peering.make(peering.sample(1))
        fake.settle()
        _, cursor = peering.everything()
        fake.clock.advance(timedelta(minutes=1))
        peering.edit(known, {"phone": "+12025550199"})
        first = peering.connector.changes(PATIENT, cursor)
        fake.clock.advance(timedelta(minutes=3))
        peering.edit(late := peering.make(peering.sample(2)), {"phone": "+12025550198"})
        fake.settle()
        assert {known, late} <= set(peering.since(first.cursor))
        assert peering.look(known).fields["phone"] == "+12025550199"


def test_more_changes_than_a_search_shows(patients: Hub) -> None:
    """Some share one moment, some do not; the search never has to go further than its first page."""
    patients.crm.most_results = 100
    _, cursor = patients.everything()
    names = set()
    for number in range(350):
        names.add(patients.make(patients.sample(1 + number % 3)))
        if number > 230 or number % 115 == 0:
            patients.fake.clock.advance(timedelta(seconds=1))
    assert set(patients.since(cursor)) == names


def test_what_went_to_the_bin_is_named(patients: Hub) -> None:
    kept, gone = patients.create(1).remote_id, patients.create(2).remote_id
    _, cursor = patients.everything()
    patients.remove(gone)
    patients.fake.clock.advance(timedelta(minutes=3))
    made = patients.make(patients.sample(3))
    named = patients.since(cursor)
    assert named == {gone: True, kept: False, made: False}


def test_properties_that_nobody_made_are_named() -> None:
    with FakeHubSpot() as fake:
        fake.missing = {"reminders_id", "reminders_no_sms"}
        with pytest.raises(PeerError, match="contacts has no property reminders_id, reminders_no_sms"):
            Hub(fake, PATIENT).connector.check()


def test_an_address_that_somebody_else_has_is_a_persons_business(patients: Hub) -> None:
    """HubSpot keeps e-mail addresses unique, and families share them."""
    patients.make(patients.sample(1))
    with pytest.raises(Refused) as caught:
        patients.create(1)
    assert caught.value.code == "duplicate_there"
    connector = patients.connector
    assert isinstance(connector, HubSpot)
    bad, good = connector.put_many(PATIENT, [patients.write(1), patients.write(2)])
    assert isinstance(bad, Refused)
    assert isinstance(good, Put)


def test_a_visit_that_is_there_is_not_made_again(visits: Hub) -> None:
    visits.create(1)
    with pytest.raises(Precondition):
        visits.create(1)
    assert len(visits.everything()[0]) == 1


def test_a_visit_moves_to_another_patient(visits: Hub) -> None:
    name = visits.create(1).remote_id
    visits.crm.contacts[name].append("999")  # somebody who comes along
    visits.update(name, 2, "patient")
    assert set(visits.crm.contacts[name]) == {visits.sample(2)["patient"], "999"}
    assert visits.look(name).fields["patient"] == visits.sample(2)["patient"]


def test_of_several_contacts_the_patient_is_ours_or_nobody(visits: Hub) -> None:
    made = visits.make(visits.sample(1))
    visits.crm.contacts[made] = ["901", "902"]
    assert visits.look(made).fields["patient"] == ""
    assert next(item for item in visits.connector.changes(VISIT, None).items).remote == visits.look(made)


def test_their_own_unsubscribe_link_counts(patients: Hub) -> None:
    name = patients.make({**patients.sample(1), "email_opt_out": False})
    patients.crm.save("contacts", {"hs_email_optout": "true"}, name)
    assert patients.look(name).fields["email_opt_out"] is True


def test_languages_are_written_their_way(patients: Hub) -> None:
    write = patients.write(1, fields={**patients.sample(1), "language": "pt-BR"})
    name = patients.connector.put(PATIENT, write).remote_id
    assert patients.crm.rows["contacts"][name]["properties"]["hs_language"] == "pt-br"
    assert patients.look(name).fields["language"] == "pt-BR"


def test_the_answer_to_a_write_shows_what_was_made_of_it() -> None:
    with FakeHubSpot(rewrites=True) as fake:
        peering = Hub(fake, PATIENT)
        put = peering.connector.put(PATIENT, peering.write(1, fields={**peering.sample(1), "email": "Ana@Example.org"}))
    assert put.stored is not None
    assert put.stored.fields["email"] == "ana@example.org"
    assert put.stored.etag is None


def test_rescheduled_is_still_booked(visits: Hub) -> None:
    name = visits.make(visits.sample(1))
    visits.crm.save("meetings", {"hs_meeting_outcome": "RESCHEDULED"}, name)
    assert visits.look(name).fields["status"] == "booked"


def test_a_hundred_are_written_with_one_request(patients: Hub) -> None:
    connector = patients.connector
    assert isinstance(connector, HubSpot)
    before = len(patients.crm.asked)
    outcomes = connector.put_many(PATIENT, [patients.write(number) for number in range(1, 101)])
    assert all(isinstance(one, Put) for one in outcomes)
    assert len(patients.crm.asked) == before + 1


def test_webhooks_have_ids_of_their_own_and_grow_old(visits: Hub) -> None:
    name, connector = visits.create(1).remote_id, visits.connector
    assert isinstance(connector, HubSpot)
    headers, body = visits.webhook(name)
    now = visits.fake.clock.now()
    first, repeat = connector.read_webhook(headers, body, now)
    assert (first.id, first.entity, first.remote_id) == (repeat.id, VISIT, name)
    (other, _) = connector.read_webhook(*visits.crm.webhook("meetings", name, number=2), now)
    assert other.id != first.id
    with pytest.raises(Refused):
        connector.read_webhook(headers, body, now + timedelta(minutes=6))


def test_where_nothing_else_is_said_the_address_is_ours() -> None:
    with FakeHubSpot() as fake:
        peering = Hub(fake, VISIT, webhook_url="")
        connector = peering.connector
        assert isinstance(connector, HubSpot)
        headers, body = peering.webhook(peering.create(1).remote_id)
        now = fake.clock.now()
        assert connector.read_webhook({**headers, ":url": HOOK}, body, now)
        with pytest.raises(Refused):
            connector.read_webhook({**headers, ":url": "https://elsewhere.example"}, body, now)


def test_a_foreign_cursor_starts_over(patients: Hub) -> None:
    with pytest.raises(CursorGone):
        patients.connector.changes(PATIENT, '{"token": "x"}')


def test_what_was_deleted_there_cannot_be_changed(visits: Hub) -> None:
    name = visits.create(1).remote_id
    seen = visits.look(name)
    visits.remove(name)
    write = visits.write(1, remote_id=name, changed=frozenset({"status"}), create=False, raw=seen.raw)
    with pytest.raises(Missing):
        visits.connector.put(VISIT, write)
