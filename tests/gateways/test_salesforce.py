"""Salesforce: the contract of connectors, and what is particular to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.connector import CursorGone, LoginRefused, PeerError, Put, Refused
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.gateways.outward import Outward, networks
from reminders.gateways.salesforce import Salesforce
from reminders.gateways.salesforce_api import quoted
from reminders.gateways.salesforce_words import SYSTEM
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_salesforce import CLIENT, ME, REFRESH, SECRET, FakeSalesforce, literal, tokens_of

_EVENT = {
    "start": "StartDateTime", "end": "EndDateTime", "patient": "WhoId", "provider": "OwnerId", "service": "Subject",
    "status": "RemindersStatus__c", "confirmed": "RemindersConfirmed__c", "cancel_reason": "Reason__c",
}  # fmt: skip
_OWN = {
    "start": "Start__c", "end": "End__c", "patient": "Contact__c", "provider": "Provider__c", "service": "Service__c",
    "status": "Status__c", "confirmed": "Confirmed__c", "cancel_reason": "Reason__c",
}  # fmt: skip
_CONTACT = {
    "phone": "MobilePhone", "email": "Email", "language": "Language__c", "sms_opt_out": "RemindersNoSms__c",
    "voice_opt_out": "DoNotCall", "email_opt_out": "HasOptedOutOfEmail",
}  # fmt: skip
APPOINTMENTS = {"visit_object": "Appointment__c", **{f"{name}_field": word for name, word in _OWN.items()}}


class Force(CrmPeering):
    system, somebody = SYSTEM, "Eva Vega"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: FakeSalesforce, entity: str, **settings: str) -> None:
        self.fake, self.crm, self.entity = fake, fake, entity
        config = {"url": fake.url, "language_field": "Language__c", "reason_field": "Reason__c", **settings}
        self.kind = "Contact" if entity == PATIENT else config.get("visit_object", "Event")
        self._words = _CONTACT if entity == PATIENT else _EVENT if self.kind == "Event" else _OWN
        config.pop("cancel_reason_field", None)
        self.account = Account(config, {"client_id": CLIENT, "client_secret": SECRET})
        self.outward = Outward(fake.clock, networks("127.0.0.0/8"))
        self.connector = Salesforce(self.outward, fake.clock, self.account)
        self.refs = {
            "patient": [f"00300000000090{number}AAA" for number in (1, 2, 3)], "provider": ["005000000000071AAA", "005000000000072AAA"],
            "service": ["Cleaning", "Check-up"],
        }  # fmt: skip

    def words(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What a person types for these."""
        values = {
            self._words[name]: None if value == "" else value for name, value in fields.items() if name in self._words
        }
        for name in ("start", "end"):
            if name in fields:
                values[self._words[name]] = fields[name].replace("+00:00", ".000+0000")
        if "name" in fields:
            values["FirstName"], _, values["LastName"] = str(fields["name"]).rpartition(" ")
        return values

    def make(self, fields: Mapping[str, Any]) -> str:
        return str(self.crm.save(self.kind, self.words(fields))["Id"])

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        self.crm.save(self.kind, self.words(fields), remote_id)

    def remove(self, remote_id: str) -> None:
        self.crm.remove(self.kind, remote_id)

    def add_foreign(self, remote_id: str) -> Any:
        self.crm.save(self.kind, {"Hobby__c": "chess"}, remote_id)
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.crm.rows[self.kind][remote_id]["Hobby__c"]

    many = 250


class TestContract(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeSalesforce() as fake:
            yield Force(fake, request.param)


class TestOwnObject(CrmContract):
    """Visits in an object of the clinic's own; queries come in small pieces."""

    @pytest.fixture
    def peering(self) -> Iterator[CrmPeering]:
        with FakeSalesforce() as fake:
            fake.most = 40
            yield Force(fake, VISIT, **APPOINTMENTS)


@pytest.fixture
def visits() -> Iterator[Force]:
    with FakeSalesforce() as fake:
        yield Force(fake, VISIT)


@pytest.fixture
def patients() -> Iterator[Force]:
    with FakeSalesforce() as fake:
        yield Force(fake, PATIENT)


@given(st.text())
def test_texts_in_queries_are_what_they_were(text: str) -> None:
    assert [literal(token) for token in tokens_of(quoted(text))] == [text]


def test_no_query_can_be_made_of_an_id(patients: Force) -> None:
    patients.create(1)
    assert patients.connector.find(PATIENT, "x' OR Name != '") is None
    assert patients.connector.fetch(PATIENT, ["x') OR (Id != '"]) == {}
    for setting in ("phone_field", "id_field", "visit_object"):
        config = {**patients.account.config, setting: "Id FROM User"}
        with pytest.raises(PeerError):
            Salesforce(patients.outward, patients.fake.clock, Account(config, patients.account.secrets))


def test_an_expired_session_is_renewed_once(patients: Force) -> None:
    patients.create(1)
    patients.crm.tokens.clear()
    assert len(patients.everything()[0]) == 1
    assert [grant["grant_type"] for grant in patients.crm.grants] == ["client_credentials"] * 2


def test_a_refresh_token_will_do() -> None:
    with FakeSalesforce() as fake:
        peering = Force(fake, PATIENT)
        secrets = {**peering.account.secrets, "refresh_token": REFRESH}
        connector = Salesforce(peering.outward, fake.clock, Account(peering.account.config, secrets))
        assert connector.check().startswith("Salesforce ")
        assert fake.grants == [{"grant_type": "refresh_token", "refresh_token": REFRESH}]
        withdrawn = Account(peering.account.config, {**secrets, "refresh_token": "other"})
        with pytest.raises(LoginRefused):
            Salesforce(peering.outward, fake.clock, withdrawn).check()


def test_two_hundred_are_written_and_read_with_one_request(patients: Force) -> None:
    connector = patients.connector
    assert isinstance(connector, Salesforce)
    connector.check()
    before = len(patients.crm.asked)
    outcomes = connector.put_many(PATIENT, [patients.write(number) for number in range(1, 201)])
    assert all(isinstance(one, Put) and one.stored is not None for one in outcomes)
    assert len(patients.crm.asked) == before + 1


def test_what_triggers_made_of_a_write_is_seen() -> None:
    with FakeSalesforce(rewrites=True) as fake:
        peering = Force(fake, VISIT)
        put = peering.connector.put(VISIT, peering.write(1, fields={**peering.sample(1), "service": "Big  cleaning"}))
    assert put.stored is not None
    assert put.stored.fields["service"] == "Big cleaning"


def test_an_edit_right_after_a_write_is_not_taken_for_its_result() -> None:
    with FakeSalesforce(meddles=True) as fake:
        put = Force(fake, PATIENT).create(1)
    assert put.stored is None
    assert put.etag is None


@pytest.mark.parametrize(
    ("rule", "choice", "made"), [("warn", "ask", False), ("warn", "create", True), ("block", "create", False)]
)
def test_duplicate_rules(rule: str, choice: str, made: bool) -> None:
    with FakeSalesforce(rules=rule) as fake:
        peering = Force(fake, PATIENT, duplicates=choice)
        peering.make(peering.sample(1))
        if made:
            assert peering.create(1).remote_id
            return
        with pytest.raises(Refused) as caught:
            peering.create(1)
        assert caught.value.code == "duplicate_there"


def test_what_was_deleted_is_named(patients: Force) -> None:
    kept, gone = patients.create(1).remote_id, patients.create(2).remote_id
    _, cursor = patients.everything()
    patients.fake.clock.advance(timedelta(minutes=30))
    patients.remove(gone)
    assert patients.since(cursor) == {gone: True, kept: False}


def test_the_quota_is_left_to_others(patients: Force) -> None:
    _, cursor = patients.everything()
    patients.crm.quota = 10
    patients.crm.used = 8
    patients.connector.changes(PATIENT, cursor)  # the ninth of ten
    with pytest.raises(PeerError) as caught:
        patients.connector.changes(PATIENT, cursor)
    assert caught.value.reason == "quota_used"
    assert caught.value.retry_after == 3600
    patients.crm.used = 10
    with pytest.raises(PeerError) as caught:
        Force(patients.crm, PATIENT).connector.changes(PATIENT, cursor)
    assert caught.value.reason == "quota_used"


def test_fields_that_nobody_made_are_named() -> None:
    with FakeSalesforce() as fake:
        with pytest.raises(PeerError, match="Contact has no field Sms__c"):
            Force(fake, PATIENT, no_sms_field="Sms__c").connector.check()
        fake.external = False
        with pytest.raises(PeerError, match="no external id"):
            Force(fake, PATIENT).connector.check()


def test_a_refused_record_does_not_spoil_the_others(patients: Force) -> None:
    connector = patients.connector
    assert isinstance(connector, Salesforce)
    nameless = patients.write(1, fields={**patients.sample(1), "name": ""})
    bad, good = connector.put_many(PATIENT, [nameless, patients.write(2)])
    assert isinstance(bad, Refused)
    assert isinstance(good, Put)


def test_visits_of_nobody_who_is_a_user_there_are_ours(visits: Force) -> None:
    name = visits.connector.put(VISIT, visits.write(1, fields={**visits.sample(1), "provider": ""})).remote_id
    assert visits.crm.rows["Event"][name]["OwnerId"] == ME
    assert visits.look(name).fields["provider"] == ""


def test_leads_are_no_patients_and_copies_of_the_invited_no_visits(visits: Force) -> None:
    name = visits.make(visits.sample(1))
    visits.crm.save("Event", {"WhoId": "00Q000000000001AAA"}, name)
    assert visits.look(name).fields["patient"] == ""
    visits.crm.save("Event", {"IsChild": True}, name)
    assert visits.everything()[0] == set()


def test_an_event_that_lasts_all_day_has_no_time_to_compare(visits: Force) -> None:
    name = visits.make(visits.sample(1))
    visits.crm.save("Event", {"IsAllDayEvent": True}, name)
    assert not {"start", "end"} & set(visits.look(name).fields)
    write = visits.write(
        2, remote_id=name, changed=frozenset({"start", "end"}), create=False, raw=visits.look(name).raw
    )
    visits.connector.put(VISIT, write)
    assert visits.look(name).fields["start"] == visits.sample(2)["start"]


def test_own_words_for_the_status() -> None:
    with FakeSalesforce() as fake:
        peering = Force(fake, VISIT, statuses="Kept = fulfilled, Off = cancelled")
        name = peering.create(3).remote_id
        assert fake.rows["Event"][name]["RemindersStatus__c"] == "Kept"
        fake.save("Event", {"RemindersStatus__c": "Off"}, name)
        assert peering.look(name).fields["status"] == "cancelled"


def test_a_foreign_cursor_starts_over(patients: Force) -> None:
    with pytest.raises(CursorGone):
        patients.connector.changes(PATIENT, '{"token": "x"}')
