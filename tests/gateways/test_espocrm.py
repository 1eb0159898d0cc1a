"""EspoCRM: the contract of connectors, and what is particular to it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.connector import CursorGone, LoginRefused, Missing, PeerError, Precondition, Refused
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.gateways.espocrm import EspoCrm
from reminders.gateways.espocrm_words import SYSTEM
from reminders.gateways.outward import Outward, networks
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_espocrm import HOOK, HOOK_SECRET, KEY, LONGEST, ME, SECRET, FakeEspoCrm
from tests.gateways.fake_system import Fault, Said

_STATUS = {"booked": "Planned", "fulfilled": "Held", "cancelled": "Not Held"}
_KIND = {PATIENT: "Contact", VISIT: "Meeting"}


class Espo(CrmPeering):
    system, somebody = SYSTEM, "Eva Vega"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: FakeEspoCrm, entity: str, **settings: str) -> None:
        self.fake, self.crm, self.entity, self.kind = fake, fake, entity, _KIND[entity]
        config = {
            "url": fake.url, "language_field": "cLanguage", "reason_field": "cReason", "duplicates": "create", **settings,
        }  # fmt: skip
        secrets = {"api_key": KEY, "webhooks": f"{HOOK}:{HOOK_SECRET}"}
        if fake.hmac_only:
            secrets["secret_key"] = SECRET
        self.connector = EspoCrm(Outward(fake.clock, networks("127.0.0.0/8")), fake.clock, Account(config, secrets))
        patients = [fake.save("Contact", {"lastName": f"Ref {number}"})["id"] for number in range(3)]
        if entity == PATIENT:
            for key in patients:
                del fake.rows["Contact"][key]
        self.refs = {"patient": patients, "provider": ["u1", "u2"], "service": ["Cleaning", "Check-up"]}

    def words(self, fields: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
        """What a person types for these."""
        given, _, family = str(fields.get("name", "")).rpartition(" ")
        plain = {
            "phone": "phoneNumber", "email": "emailAddress", "language": "cLanguage", "sms_opt_out": "phoneNumberIsOptedOut",
            "voice_opt_out": "doNotCall", "email_opt_out": "emailAddressIsOptedOut", "provider": "assignedUserId",
            "service": "name", "cancel_reason": "cReason",
        }  # fmt: skip
        values = {plain[name]: value for name, value in fields.items() if name in plain}
        if "name" in fields:
            values |= {"firstName": given, "lastName": family}
        for name, word in (("start", "dateStart"), ("end", "dateEnd")):
            if name in fields:
                values[word] = fields[name].replace("T", " ").removesuffix("+00:00")
        if "status" in fields:
            values["status"] = _STATUS[fields["status"]]
        if "patient" in fields:
            said = "Accepted" if fields["confirmed"] else "None"
            values |= {
                "parentType": "Contact", "parentId": fields["patient"], "contactsIds": [fields["patient"]],
                "contactsColumns": {fields["patient"]: {"status": said}},
            }  # fmt: skip
        return values

    def make(self, fields: Mapping[str, Any]) -> str:
        return str(self.crm.save(self.kind, self.words(fields, {}))["id"])

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        self.crm.save(self.kind, self.words(fields, self.crm.rows[self.kind][remote_id]), remote_id)

    def remove(self, remote_id: str) -> None:
        self.crm.remove(self.kind, remote_id)

    def add_foreign(self, remote_id: str) -> Any:
        self.crm.save(self.kind, {"description": "likes chess"}, remote_id)
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        return self.crm.rows[self.kind][remote_id]["description"].partition("\n")[0]

    def webhook(self, remote_id: str) -> tuple[dict[str, str], bytes]:
        return self.crm.webhook(self.kind, remote_id)


class TestContract(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeEspoCrm() as fake:
            yield Espo(fake, request.param)


class TestVanilla(CrmContract):
    """Nobody made our fields; requests are signed."""

    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeEspoCrm(vanilla=True, hmac_only=True) as fake:
            yield Espo(fake, request.param)


@pytest.fixture
def visits() -> Iterator[Espo]:
    with FakeEspoCrm() as fake:
        yield Espo(fake, VISIT)


@pytest.fixture
def patients() -> Iterator[Espo]:
    with FakeEspoCrm() as fake:
        yield Espo(fake, PATIENT)


def test_what_looks_like_somebody_else_is_not_made_twice() -> None:
    """Families share addresses: a person decides, unless the connection says "create"."""
    with FakeEspoCrm() as fake:
        peering = Espo(fake, PATIENT, duplicates="ask")
        peering.make(peering.sample(1))
        with pytest.raises(Refused) as caught:
            peering.create(1)
    assert caught.value.code == "duplicate_there"


def test_where_versions_are_kept_nobody_is_overwritten_unseen() -> None:
    with FakeEspoCrm(versions=True) as fake:
        peering = Espo(fake, VISIT)
        name = peering.create(1).remote_id
        seen = peering.look(name)
        peering.edit(name, {"status": "fulfilled"})
        write = peering.write(
            2, uid=seen.uid, remote_id=name, changed=frozenset({"status"}), create=False, raw=seen.raw
        )  # fmt: skip
        with pytest.raises(Precondition):
            peering.connector.put(VISIT, write)


def test_not_held_means_cancelled_before_the_visit_and_nobody_came_after_it(visits: Espo) -> None:
    early, late = visits.create(1).remote_id, visits.create(4).remote_id
    visits.edit(early, {"status": "cancelled"})
    assert visits.look(early).fields["status"] == "cancelled"
    visits.fake.clock.advance(timedelta(days=30))
    assert visits.look(early).fields["status"] == "cancelled"
    visits.edit(late, {"status": "booked"})
    visits.edit(late, {"status": "cancelled"})
    assert visits.look(late).fields["status"] == "noshow"


def test_a_no_show_recorded_here_stays_one_there(visits: Espo) -> None:
    name = visits.create(6).remote_id  # long before its time
    assert visits.crm.rows["Meeting"][name]["status"] == "Not Held"
    assert visits.look(name).fields["status"] == "noshow"
    visits.edit(name, {"status": "booked"})
    assert visits.look(name).fields["status"] == "booked"


def test_own_statuses_are_used() -> None:
    with FakeEspoCrm() as fake:
        peering = Espo(fake, VISIT, statuses="No Show = noshow, Called Off = cancelled")
        name = peering.make(peering.sample(1))
        for word, status in (("No Show", "noshow"), ("Called Off", "cancelled")):
            fake.save("Meeting", {"status": word}, name)
            assert peering.look(name).fields["status"] == status
        with pytest.raises(Refused):  # that word is not one of this system's
            peering.update(name, 6, "status")


def test_an_opt_out_of_a_shared_number_is_not_cleared_by_giving_it_to_somebody_else(patients: Espo) -> None:
    shared = "+12025550142"
    patients.make({"name": "Eva Ruiz", "phone": shared, "sms_opt_out": True})
    name = patients.create(1).remote_id  # who has not opted out
    seen = patients.look(name)
    write = patients.write(
        1, uid=seen.uid, remote_id=name, fields={**seen.fields, "phone": shared}, changed=frozenset({"phone"}), create=False,
        raw=seen.raw,
    )  # fmt: skip
    patients.connector.put(PATIENT, write)
    assert patients.crm.opted_out[shared] is True
    assert patients.look(name).fields["sms_opt_out"] is True
    new = patients.write(3, fields={**patients.sample(3), "phone": shared, "sms_opt_out": False})
    patients.connector.put(PATIENT, new)
    assert patients.crm.opted_out[shared] is True


def test_without_a_number_there_is_no_opt_out_to_compare(patients: Espo) -> None:
    name = patients.make({"name": "Eva Ruiz", "phone": "", "email": ""})
    assert not {"sms_opt_out", "email_opt_out"} & set(patients.look(name).fields)


def test_numbers_without_a_prefix_are_read_in_the_clinics_country() -> None:
    with FakeEspoCrm() as fake:
        peering = Espo(fake, PATIENT, region="ES")
        assert (
            peering.look(peering.make({"name": "Eva Ruiz", "phone": "612 34 56 78"})).fields["phone"] == "+34612345678"
        )
        assert peering.look(peering.make({"name": "Eva Ruiz", "phone": "ask her"})).fields["phone"] == "ask her"


def test_a_family_name_of_several_words_stays_whole(patients: Espo) -> None:
    name = str(patients.crm.save("Contact", {"firstName": "Ana", "lastName": "de la Fuente"})["id"])
    seen = patients.look(name)
    assert seen.fields["name"] == "Ana de la Fuente"
    write = patients.write(
        1, remote_id=name, fields={**seen.fields, "name": "Ana María de la Fuente"}, changed=frozenset({"name"}),
        create=False, raw=seen.raw,
    )  # fmt: skip
    patients.connector.put(PATIENT, write)
    row = patients.crm.rows["Contact"][name]
    assert (row["firstName"], row["lastName"]) == ("Ana María", "de la Fuente")


def test_a_meeting_that_lasts_all_day_has_no_time_to_compare(visits: Espo) -> None:
    name = visits.make(visits.sample(1))
    visits.crm.save("Meeting", {"dateStartDate": "2030-05-13", "dateEndDate": "2030-05-13"}, name)
    assert not {"start", "end"} & set(visits.look(name).fields)
    visits.update(name, 2, "start", "end")
    assert visits.look(name).fields["start"] == visits.sample(2)["start"]


def test_whoever_else_attends_stays(visits: Espo) -> None:
    name, (ours, other, _) = visits.create(3).remote_id, visits.refs["patient"]
    patient = visits.look(name).fields["patient"]
    guest = next(one for one in (ours, other) if one != patient)
    columns = {patient: {"status": "None"}, guest: {"status": "Tentative"}}
    visits.crm.save("Meeting", {"contactsIds": [guest, patient], "contactsColumns": columns}, name)
    visits.update(name, 2, "confirmed")
    row = visits.crm.rows["Meeting"][name]
    assert set(row["contactsIds"]) == {patient, guest}
    assert row["contactsColumns"] == {patient: {"status": "Accepted"}, guest: {"status": "Tentative"}}
    assert visits.look(name).fields["confirmed"] is True


def test_an_answer_given_there_makes_another_version(visits: Espo) -> None:
    """Accepting changes neither the meeting's own attributes nor when it was modified."""
    name = visits.make({**visits.sample(1), "confirmed": False})
    before = visits.look(name)
    row = visits.crm.rows["Meeting"][name]
    row["contactsColumns"] = {before.fields["patient"]: {"status": "Accepted"}}
    assert visits.look(name).etag != before.etag
    assert visits.look(name).fields["confirmed"] is True


def test_visits_of_nobody_who_is_a_user_there_are_ours(visits: Espo) -> None:
    name = visits.connector.put(VISIT, visits.write(1, fields={**visits.sample(1), "provider": ""})).remote_id
    assert visits.crm.rows["Meeting"][name]["assignedUserId"] == ME
    assert visits.look(name).fields["provider"] == ""


def test_a_deletion_is_noticed_with_the_next_pass(patients: Espo) -> None:
    kept, gone = patients.create(1).remote_id, patients.create(2).remote_id
    _, cursor = patients.everything()
    patients.remove(gone)
    patients.fake.clock.advance(timedelta(minutes=3))
    made = patients.make(patients.sample(3))
    page = patients.connector.changes(PATIENT, cursor)
    assert page.full
    assert {item.remote_id for item in page.items} == {kept, made}
    assert not patients.connector.changes(PATIENT, page.cursor).full


def test_a_system_that_does_not_count_is_asked_for_changes_only(patients: Espo) -> None:
    patients.crm.counts = False
    gone = patients.create(2).remote_id
    _, cursor = patients.everything()
    patients.remove(gone)
    assert not patients.connector.changes(PATIENT, cursor).full


def test_a_list_that_may_not_be_read_is_not_an_empty_one(patients: Espo) -> None:
    patients.crm.faults.append(Fault(Said(403, "", {"X-Status-Reason": "No read access."})))
    with pytest.raises(PeerError) as caught:
        patients.connector.changes(PATIENT, None)
    assert caught.value.permanent
    patients.crm.faults.append(Fault(Said(200, "<html>maintenance</html>")))
    with pytest.raises(PeerError):
        patients.connector.changes(PATIENT, None)


def test_a_foreign_cursor_starts_over(patients: Espo) -> None:
    with pytest.raises(CursorGone):
        patients.connector.changes(PATIENT, '{"token": "x"}')


def test_webhooks_of_somebody_else_are_refused(patients: Espo) -> None:
    headers, body = patients.webhook(patients.create(1).remote_id)
    other = EspoCrm(
        Outward(patients.fake.clock), patients.fake.clock, Account({"url": "https://crm.example"}, {"api_key": "k"})
    )  # fmt: skip
    with pytest.raises(Refused):
        other.read_webhook(headers, body, patients.fake.clock.now())


def test_what_was_deleted_there_cannot_be_changed(visits: Espo) -> None:
    name = visits.create(1).remote_id
    seen = visits.look(name)
    visits.remove(name)
    write = visits.write(1, remote_id=name, changed=frozenset({"status"}), create=False, raw=seen.raw)
    with pytest.raises(Missing):
        visits.connector.put(VISIT, write)


@pytest.fixture
def old() -> Iterator[Espo]:
    with FakeEspoCrm(hmac_only=True) as fake:
        fake.old = True
        yield Espo(fake, PATIENT)


def test_versions_before_9_sign_bytes(old: Espo) -> None:
    name = old.create(1).remote_id
    assert old.look(name).uid == old.uid(1)
    told = [b64decode(one.headers["x-hmac-authorization"]).removeprefix(f"{KEY}:".encode()) for one in old.fake.asked]
    assert [len(one) for one in told] == [64] + [32] * (len(told) - 1)  # found out once
    headers, body = old.webhook(name)
    assert list(headers) == ["x-signature"]
    now = old.fake.clock.now()
    (one,) = old.connector.read_webhook(headers, body, now)
    assert one.remote_id == name
    for wrong in ({}, {"signature": headers["x-signature"]}, {"x-signature": "!"}, headers | {"signature": ""}):
        with pytest.raises(Refused):
            old.connector.read_webhook(wrong, body, now)


def test_a_wrong_secret_is_tried_in_both_ways_and_then_refused(old: Espo) -> None:
    old.refuse_login()
    with pytest.raises(LoginRefused):
        old.connector.check()
    assert len(old.fake.asked) == 2


def test_a_long_description_that_a_list_cuts_is_written_back_whole() -> None:
    with FakeEspoCrm(vanilla=True) as fake:
        patients = Espo(fake, PATIENT)
        name = patients.create(1).remote_id
        story = "Once upon a time. " * (LONGEST // 10)
        fake.save("Contact", {"description": story + fake.rows["Contact"][name]["description"]}, name)
        assert len(fake.rows["Contact"][name]["description"]) > LONGEST
        patients.update(name, 2, "name")
        kept = fake.rows["Contact"][name]["description"]
        assert kept.startswith(story)
        assert kept.count("[reminders ") == 1
