"""GNU Health: the contract of connectors, and what is particular to it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from reminders.domain.connector import CursorGone, LoginRefused, PeerError, Precondition, Put, Refused
from reminders.domain.crm import ENTITIES, PATIENT, VISIT, Account
from reminders.gateways.gnuhealth import GnuHealth
from reminders.gateways.gnuhealth_words import SYSTEM
from reminders.gateways.outward import NotPublic, Outward, networks
from tests.gateways import fake_gnuhealth as there
from tests.gateways.crm_contract import CrmContract, CrmPeering
from tests.gateways.fake_gnuhealth import PASSWORD, USER, FakeGnuHealth
from tests.gateways.fake_system import Fault, Said

_STATES = {
    "pending": None, "booked": "confirmed", "arrived": "checked_in", "fulfilled": "done", "noshow": "no_show",
    "cancelled": "user_cancelled",
}  # fmt: skip
_MODEL = {PATIENT: there.PATIENT, VISIT: there.VISIT}


class Gnu(CrmPeering):
    system, somebody = SYSTEM, f"user {there.SOMEBODY}"
    statuses = ("booked", "cancelled", "fulfilled", "pending", "arrived", "noshow")

    def __init__(self, fake: FakeGnuHealth, entity: str, **settings: str) -> None:
        self.fake, self.his, self.entity, self.model = fake, fake, entity, _MODEL[entity]
        account = Account({"url": fake.url, "user": USER, **settings}, {"password": PASSWORD})
        self.connector = GnuHealth(Outward(fake.clock, networks("127.0.0.0/8")), fake.clock, account)
        self.refs = {"patient": ["901", "902", "903"], "provider": ["1", "2"], "service": ["31", "32"]}

    def words(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What a person enters for these."""
        refs = {"patient": "patient", "provider": "healthprof", "service": "speciality"}
        values: dict[str, Any] = {word: int(fields[name]) for name, word in refs.items() if fields.get(name)}
        for name, word in (("start", "appointment_date"), ("end", "appointment_date_end")):
            if name in fields:
                values[word] = datetime.fromisoformat(fields[name])
        if "status" in fields:
            values["state"] = _STATES[fields["status"]]
        return values

    def person(self, fields: Mapping[str, Any], row: Mapping[str, Any] | None) -> dict[str, Any]:
        """What a person enters about a person."""
        values: dict[str, Any] = {}
        if "name" in fields:
            values["name"], _, values["lastname"] = fields["name"].rpartition(" ")
        if "language" in fields:
            rows = self.his.rows[there.LANG].values()
            values["lang"] = next((one["id"] for one in rows if one["code"] == fields["language"]), None)
        values["contact_mechanisms"] = [
            self._contact(kind, fields[name], row) for name, kind in (("phone", "mobile"), ("email", "email")) if name in fields
        ]  # fmt: skip
        return values

    def _contact(self, kind: str, value: str, row: Mapping[str, Any] | None) -> list[Any]:
        mechanisms = self.his.rows[there.MECHANISM].values()
        known = [one["id"] for one in mechanisms if row and one["party"] == row["party"] and one["type"] == kind]
        return ["write", known[:1], {"value": value}] if known else ["create", [{"type": kind, "value": value}]]

    def make(self, fields: Mapping[str, Any]) -> str:
        if self.entity == PATIENT:
            new = {"is_person": True, "is_patient": True, "create_target": True, "gender": "f"}
            return str(self.his.add_person({**new, **self.person(fields, None)})["id"])
        return str(self.his.add(self.model, self.words(fields))["id"])

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        row = self.his.rows[self.model][int(remote_id)]
        if self.entity == PATIENT:
            self.his.edit(there.PARTY, row["party"], self.person(fields, row))
        else:
            self.his.edit(self.model, int(remote_id), self.words(fields))

    def remove(self, remote_id: str) -> None:
        self.his.remove(self.model, int(remote_id))

    def add_foreign(self, remote_id: str) -> Any:
        if self.entity == PATIENT:
            self.his.edit(there.PARTY, self.row(remote_id)["party"], {"notes": "likes chess"})
        else:
            before = self.row(remote_id)["comments"]
            self.his.edit(self.model, int(remote_id), {"comments": f"fasting\n{before}", "urgency": "b"})
        return self.foreign(remote_id)

    def foreign(self, remote_id: str) -> Any:
        row = self.row(remote_id)
        if self.entity == PATIENT:
            return self.his.rows[there.PARTY][row["party"]]["notes"]
        return (row["comments"].partition("\n")[0], row["urgency"], row["name"])

    def row(self, remote_id: str) -> dict[str, Any]:
        return self.his.rows[self.model][int(remote_id)]


class TestContract(CrmContract):
    @pytest.fixture(params=ENTITIES)
    def peering(self, request: pytest.FixtureRequest) -> Iterator[CrmPeering]:
        with FakeGnuHealth() as fake:
            yield Gnu(fake, request.param)


class TestRewriting(CrmContract):
    """Numbers are stored in another form than they were sent in."""

    @pytest.fixture
    def peering(self) -> Iterator[CrmPeering]:
        with FakeGnuHealth(rewrites=True) as fake:
            yield Gnu(fake, PATIENT)


@pytest.fixture
def visits() -> Iterator[Gnu]:
    with FakeGnuHealth() as fake:
        yield Gnu(fake, VISIT)


@pytest.fixture
def patients() -> Iterator[Gnu]:
    with FakeGnuHealth() as fake:
        yield Gnu(fake, PATIENT)


def test_the_account_names_those_who_see_patients(patients: Gnu) -> None:
    patients.create(1)
    assert patients.connector.check() == "GNU Health: 1 patients, 0 appointments; health professionals: 1 Vega, Eva"


def test_what_was_never_changed_is_noticed(visits: Gnu) -> None:
    """It has no time of change."""
    _, cursor = visits.everything()
    visits.fake.clock.advance(timedelta(hours=1))
    made = visits.make(visits.sample(1))
    assert visits.row(made)["write_date"] is None
    assert visits.since(cursor) == {made: False}


def test_a_new_number_alone_is_noticed(patients: Gnu) -> None:
    """It is a record of its own, and may be changed without the person."""
    name = patients.create(1).remote_id
    patients.fake.clock.advance(timedelta(hours=1))
    _, cursor = patients.everything()
    number = next(key for key, row in patients.his.rows[there.MECHANISM].items() if row["type"] == "mobile")
    patients.fake.clock.advance(timedelta(hours=1))
    patients.his.edit(there.MECHANISM, number, {"value": "+12025550199"})
    assert patients.since(cursor) == {name: False}
    assert patients.look(name).fields["phone"] == "+12025550199"


def test_an_expired_session_is_renewed_once(patients: Gnu) -> None:
    patients.create(1)
    patients.his.sessions.clear()
    assert len(patients.everything()[0]) == 1
    logins = [one for one in patients.his.asked if b"common.db.login" in one.body]
    assert len(logins) == 2


def test_a_wrong_password_is_tried_once(patients: Gnu) -> None:
    account = Account({"url": patients.his.url, "user": USER}, {"password": "wrong"})
    connector = GnuHealth(Outward(patients.fake.clock, networks("127.0.0.0/8")), patients.fake.clock, account)
    with pytest.raises(LoginRefused):
        connector.check()
    assert len(patients.his.asked) == 1


def test_a_password_goes_only_over_https_and_follows_nowhere(patients: Gnu) -> None:
    open_ = GnuHealth(
        Outward(patients.fake.clock), patients.fake.clock, Account({"url": "http://his.example", "user": USER}, {"password": PASSWORD})
    )  # fmt: skip
    with pytest.raises(NotPublic):
        open_.check()
    patients.his.faults = [Fault(Said(307, b"", {"Location": f"{patients.his.url}/health/"}))]
    with pytest.raises(PeerError, match="307"):
        patients.connector.check()
    assert len(patients.his.asked) == 1


def test_a_database_that_is_not_there_is_named(patients: Gnu) -> None:
    with pytest.raises(PeerError, match="no database 'other'"):
        Gnu(patients.his, PATIENT, database="other").connector.check()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (["UserError", ["The speciality is required.", "", None]], "refused"),
        (["UserWarning", ["party_similar", "There is somebody like that.", ""]], "warning_there"),
        (["'healthprof'", ""], "server_error"),
    ],
)  # fmt: skip
def test_what_their_rules_or_code_refuse_is_one_records_trouble(visits: Gnu, error: list[Any], code: str) -> None:
    connector = visits.connector
    assert isinstance(connector, GnuHealth)
    visits.his.raises = error
    with pytest.raises(Refused) as caught:
        visits.create(1)
    assert caught.value.code == code
    assert visits.everything()[0] == set()


def test_a_locked_database_is_waited_for(visits: Gnu) -> None:
    visits.his.raises = ["database is locked", ""]
    with pytest.raises(PeerError):
        visits.create(1)


def test_one_refused_among_many_is_the_only_one_left_out(visits: Gnu) -> None:
    connector = visits.connector
    assert isinstance(connector, GnuHealth)
    backwards = {**visits.sample(2), "end": visits.sample(1)["start"]}
    outcomes = connector.put_many(VISIT, [visits.write(1), visits.write(2, fields=backwards), visits.write(3)])
    assert [type(one) for one in outcomes] == [Put, Refused, Put]
    assert len(visits.everything()[0]) == 2


def test_fifty_visits_are_made_with_one_request(visits: Gnu) -> None:
    connector = visits.connector
    assert isinstance(connector, GnuHealth)
    connector.check()
    before = len(visits.his.asked)
    outcomes = connector.put_many(VISIT, [visits.write(number) for number in range(1, 51)])
    assert all(isinstance(one, Put) and one.stored is not None for one in outcomes)
    assert len(visits.his.asked) == before + 2


def test_an_edit_between_reading_and_writing_is_seen(visits: Gnu) -> None:
    name = visits.create(1).remote_id
    seen = visits.look(name)
    real = visits.his._write

    def meanwhile(model: str, numbers: list[int], values: dict[str, Any], context: Any) -> None:
        visits.his.edit(model, numbers[0], {"urgency": "c"})
        real(model, numbers, values, context)

    visits.his._write = meanwhile  # type: ignore[method-assign]
    with pytest.raises(Precondition):
        visits.update(name, 2, "status", etag=seen.etag)


def test_an_edit_right_after_a_write_is_not_taken_for_its_result() -> None:
    with FakeGnuHealth(meddles=True) as fake:
        put = Gnu(fake, VISIT).create(1)
    assert put.stored is None
    assert put.etag is None


def test_a_visit_that_is_confirmed_again_keeps_its_number(visits: Gnu) -> None:
    name = visits.create(1).remote_id
    number = visits.row(name)["name"]
    visits.update(name, 2, "status")
    visits.update(name, 1, "status")
    assert visits.row(name)["state"] == "confirmed"
    assert visits.row(name)["name"] == number


def test_what_the_patient_called_off_there_stays_so(visits: Gnu) -> None:
    name = visits.create(1).remote_id
    visits.edit(name, {"status": "cancelled"})
    visits.update(name, 2, "status")
    assert visits.row(name)["state"] == "user_cancelled"
    other = visits.create(3).remote_id
    visits.update(other, 2, "status")
    assert visits.row(other)["state"] == "center_cancelled"


def test_free_times_are_no_visits(visits: Gnu) -> None:
    name = visits.make(visits.sample(1))
    _, cursor = visits.everything()
    visits.his.edit(there.VISIT, int(name), {"state": "free", "patient": None})
    assert visits.since(cursor) == {name: True}
    assert visits.everything()[0] == set()
    assert visits.connector.fetch(VISIT, [name]) == {}


def test_a_patient_put_out_of_use_is_gone_and_so_do_we_delete(patients: Gnu) -> None:
    name, other = patients.create(1).remote_id, patients.create(2).remote_id
    _, cursor = patients.everything()
    patients.his.edit(there.PATIENT, int(name), {"active": False})
    assert patients.since(cursor)[name] is True
    patients.connector.delete(PATIENT, other, None)
    assert patients.row(other)["active"] is False


def test_without_health_calendar_visits_have_no_end() -> None:
    with FakeGnuHealth(ends=False) as fake:
        peering = Gnu(fake, VISIT)
        name = peering.create(1).remote_id
        assert "end" not in peering.look(name).fields
        assert "without health_calendar" in peering.connector.check()


def test_comments_stay_there(visits: Gnu) -> None:
    name = visits.create(2).remote_id
    visits.his.edit(there.VISIT, int(name), {"comments": f"suspected fracture\n\n{visits.row(name)['comments']}"})
    seen = visits.look(name)
    assert (seen.uid, seen.fields["confirmed"]) == (visits.uid(2), True)
    assert "fracture" not in repr(seen)
    visits.his.edit(there.VISIT, int(name), {"comments": "suspected fracture"})
    assert visits.look(name).uid is None
    write = visits.write(2, "rev-2", remote_id=name, changed=frozenset({"status"}), create=False)
    visits.connector.put(VISIT, write)
    assert visits.row(name)["comments"].startswith("suspected fracture\n\n[reminders apt_")


def test_further_numbers_are_left_alone(patients: Gnu) -> None:
    name = patients.make({**patients.sample(1), "phone": "+12025550101"})
    party = patients.row(name)["party"]
    landline = {"type": "phone", "value": "+12025550102"}
    patients.his.edit(there.PARTY, party, {"contact_mechanisms": [["create", [landline]]]})
    patients.update(name, 2, "phone", etag=None)
    values = [one["value"] for one in patients.his.rows[there.MECHANISM].values() if one["type"] != "email"]
    assert values == [patients.sample(2)["phone"], "+12025550102"]


def test_a_language_that_is_not_known_there_is_left_as_it_is(patients: Gnu) -> None:
    name = patients.create(1).remote_id
    before = patients.look(name)
    write = patients.write(
        1, remote_id=name, fields={**before.fields, "language": "eu"}, changed=frozenset({"language"}), create=False,
        etag=before.etag,
    )  # fmt: skip
    put = patients.connector.put(PATIENT, write)
    assert put.stored is not None
    assert put.stored.fields["language"] == before.fields["language"]


def test_somebody_with_one_name_has_it_as_given_name(patients: Gnu) -> None:
    name = patients.connector.put(PATIENT, patients.write(1, fields={**patients.sample(1), "name": "Plato"})).remote_id
    party = patients.his.rows[there.PARTY][patients.row(name)["party"]]
    assert (party["name"], party["lastname"]) == ("Plato", "")


def test_a_foreign_cursor_starts_over(patients: Gnu) -> None:
    with pytest.raises(CursorGone):
        patients.connector.changes(PATIENT, json.dumps({"token": "x"}))
