"""A program of the clinic's own puts its patients and visits here and reads what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.house import Answer, Api, book, booking
from tests.seeded import Seed

TEN, ELEVEN, NOON = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00", "2030-05-07T12:00:00+02:00"
TEN_UTC, ELEVEN_UTC, NOON_UTC = (f"2030-05-07T{hour:02}:00:00+00:00" for hour in (8, 9, 10))
EVA = {"name": "Eva Gil", "phone": "600 000 044", "language": "es"}


@dataclass
class Program:
    """Somebody's program and the clinic that it calls."""

    house: Api
    connection: str

    def put(self, path: str, body: Mapping[str, Any], match: str = "") -> Answer:
        return self.house.api("PUT", f"external/ehr/{path}", dict(body), role="integration", If_Match=match)

    def put_ok(self, path: str, body: Mapping[str, Any], match: str = "", status: int = 200) -> Any:
        answer = self.put(path, body, match)
        assert answer.status == status, answer.text
        return answer.json()

    def get(self, path: str) -> Answer:
        return self.house.api("GET", f"external/ehr/{path}", role="integration")

    def etag(self, path: str) -> str:
        return str(self.get(path).headers["ETag"])

    def conflicts(self) -> list[Any]:
        items: list[Any] = self.house.get("sync-conflicts", attention=True)["items"]
        return items

    def eva(self) -> str:
        """A patient that the program brought."""
        return str(self.put_ok("patients/e-1", EVA, status=201)["id"])

    def visit(self, start: str = TEN, name: str = "v-1") -> Any:
        return self.put_ok(f"appointments/{name}", {"start": start, "patient": "e-1"}, status=201)


def program_of(house: Api) -> Program:
    made = house.post("crm-connections", {"kind": "generic", "settings": {"source": "ehr"}}, role="admin")
    assert (made["state"], made["state_reason"]) == ("ok", None)
    return Program(house, made["id"])


@pytest.fixture
def program(seeded: Seed) -> Program:
    return program_of(seeded.local())


@pytest.fixture
def small(seeded_sqlite: Seed) -> Program:
    return program_of(seeded_sqlite.local())


def test_patients_and_visits_arrive_and_go_back(program: Program) -> None:
    house = program.house
    made = program.put("patients/e-1", EVA)
    assert made.status == 201
    body = made.json()
    assert body["state"] == {
        "name": "Eva Gil", "phone": "+34600000044", "email": "", "language": "es", "birth_year": None,
        "sms_opt_out": False, "voice_opt_out": False, "email_opt_out": False,
    }  # fmt: skip
    assert body["differences"] == []
    assert house.get(f"patients/{body['id']}")["phone"] == "+34600000044"
    again = program.put("patients/e-1", EVA)
    assert (again.status, again.json(), again.headers["ETag"]) == (200, body, made.headers["ETag"])

    visit = program.put_ok("appointments/v-1", {
        "start": TEN, "patient": "e-1", "provider": house.ids["provider"], "service": house.ids["service"],
    }, status=201)  # fmt: skip
    assert (visit["state"]["start"], visit["state"]["patient"], visit["state"]["status"]) == (TEN_UTC, "e-1", "booked")
    assert len(house.reminders(visit)) == 2
    (link,) = house.get(f"patients/{body['id']}/links")["items"]
    assert (link["kind"], link["remote_id"], link["name"]) == ("generic", "e-1", "Eva Gil")

    house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    house.tick(seconds=1)
    items = house.get("changes", role="integration", source="ehr")["items"]
    assert {(one["entity"], one["external_id"]) for one in items if one["external_id"]} == {
        ("patient", "e-1"), ("appointment", "v-1"),
    }  # fmt: skip
    assert program.get("appointments/v-1").json()["state"]["start"] == ELEVEN_UTC


def test_what_is_put_and_read_is_counted(program: Program) -> None:
    house, path = program.house, f"crm-connections/{program.connection}"
    eva = program.eva()
    program.put_ok("patients/e-1", {**EVA, "email": "eva@example.org"})
    program.put_ok("patients/e-1", {**EVA, "email": "eva@example.org"})
    house.tick(seconds=1)
    read = house.get("changes", role="integration", source="ehr")["items"]
    assert eva in [one["id"] for one in read]
    names = ("seen", "pulled", "pushed", "removed", "conflicts")
    assert [house.get(path)["last_run"][name] for name in names] == [3, 2, len(read), 0, 0]
    house.get("changes", role="integration")  # somebody else's reading does not count
    assert house.get(path)["last_run"]["pushed"] == len(read)
    before = len(house.get(f"{path}/runs")["items"])
    house.tick(hours=2)
    program.put_ok("patients/e-1", {**EVA, "email": "gil@example.org"})
    assert len(house.get(f"{path}/runs")["items"]) > before
    assert house.get(path)["last_run"]["pulled"] == 1


def test_a_move_there_is_a_request(program: Program) -> None:
    """Granted, reminders follow; refused, ours holds, the answer says so each time, and a person finds it in the list."""
    house = program.house
    program.eva()
    visit = program.visit()
    moved = program.put_ok("appointments/v-1", {"start": ELEVEN, "patient": "e-1"})
    assert moved["state"]["start"] == ELEVEN_UTC
    planned = {one["due_at"][:13] for one in house.reminders(visit) if one["state"] == "planned"}
    assert planned == {"2030-05-06T06", "2030-05-06T09", "2030-05-07T07"}  # the first tells of the new time
    book(house, house.ids, NOON)
    for _ in range(2):
        refused = program.put("appointments/v-1", {"start": NOON, "patient": "e-1"})
        problem = refused.json()
        assert (refused.status, problem["code"], problem["reason"]) == (409, "refused_here", "slot_taken")
        assert problem["current"]["state"]["start"] == ELEVEN_UTC
        assert problem["current"]["differences"] == [
            {"field": "start", "ours": ELEVEN_UTC, "theirs": NOON_UTC, "code": "slot_taken"}
        ]
    (conflict,) = program.conflicts()
    assert (conflict["field"], conflict["cause"], conflict["live"]) == ("start", "refused_here", "ours")
    assert [one["reason"] for one in house.get("inbox")["items"]] == ["sync_conflict"]
    assert house.get(f"appointments/{visit['id']}")["paused"] is True
    assert program.put_ok("appointments/v-1", {"start": ELEVEN, "patient": "e-1"})["differences"] == []
    assert program.conflicts() == []  # it took ours over; reminders go out again
    assert house.get(f"appointments/{visit['id']}")["paused"] is False


def test_if_match(program: Program) -> None:
    house = program.house
    uid = program.eva()
    seen = program.etag("patients/e-1")
    house.patch(f"patients/{uid}", {"name": "Eva Gil Mora"})
    stale = program.put("patients/e-1", {**EVA, "name": "Eva G"}, seen)
    assert (stale.status, stale.code) == (409, "state_changed")
    assert stale.json()["current"]["state"]["name"] == "Eva Gil Mora"
    assert house.get(f"patients/{uid}")["name"] == "Eva Gil Mora"
    fresh = stale.headers["ETag"]
    assert fresh == program.etag("patients/e-1")
    meant = program.put_ok("patients/e-1", EVA, fresh)
    assert (meant["state"]["name"], meant["differences"]) == ("Eva Gil", [])
    nothing = program.put("patients/e-2", EVA, '"x"')
    assert (nothing.status, nothing.json()["current"]["state"]) == (409, None)
    assert program.get("patients/e-2").status == 404


def test_without_if_match_what_was_sent_last_counts(small: Program) -> None:
    """A program that repeats what it said before does not undo what happened here since."""
    uid = small.eva()
    small.house.patch(f"patients/{uid}", {"language": "en"})
    repeated = small.put_ok("patients/e-1", EVA)
    assert repeated["state"]["language"] == "en"
    assert repeated["differences"] == [{"field": "language", "ours": "en", "theirs": "es", "code": "kept"}]
    changed = small.put_ok("patients/e-1", {**EVA, "language": "ca"})
    assert (changed["state"]["language"], changed["differences"]) == ("ca", [])
    assert small.conflicts() == []  # the answer before had told it of ours


def test_both_changed(small: Program) -> None:
    """The desk and the program change the same, neither knowing of the other: a person finds both values."""
    uid = small.eva()
    visit = small.visit()
    small.house.patch(f"patients/{uid}", {"language": "en"})
    small.house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    card = small.put_ok("patients/e-1", {**EVA, "language": "ca"})
    assert card["state"]["language"] == "ca"
    moved = small.put_ok("appointments/v-1", {"start": NOON, "patient": "e-1"})
    assert moved["state"]["start"] == ELEVEN_UTC
    assert [(one["field"], one["code"]) for one in moved["differences"]] == [("start", "both_changed")]
    assert sorted((one["field"], one["live"]) for one in small.conflicts()) == [
        ("language", "theirs"),
        ("start", "ours"),
    ]
    assert [item["reason"] for item in small.house.get("inbox")["items"]] == ["sync_conflict"]
    small.put_ok("appointments/v-1", {"start": ELEVEN, "patient": "e-1"})
    assert [one["field"] for one in small.conflicts()] == ["language"]


def test_opt_outs_are_never_taken_back(program: Program) -> None:
    house = program.house
    uid = program.eva()
    visit = program.visit()
    program.put_ok("patients/e-1", {**EVA, "sms_opt_out": True})
    assert house.get(f"patients/{uid}")["opted_out"] == ["sms"]
    back = program.put("patients/e-1", {**EVA, "sms_opt_out": False})
    assert house.get(f"patients/{uid}")["opted_out"] == ["sms"]
    current = back.json()["current"] if back.status == 409 else back.json()
    assert current["state"]["sms_opt_out"] is True
    house.tick(days=1)
    assert not any(one["state"] == "sent" for one in house.reminders(visit))


def test_who_is_who(program: Program) -> None:
    house = program.house
    ana = house.ids["patient"]
    by_phone = program.put_ok("patients/a-1", {"name": "Ruiz Ana", "phone": "+34600000010"}, status=201)
    assert by_phone["id"] == ana
    twins = [house.post("patients", {"name": "Leo Paz", "phone": "600 000 077"})["id"] for _ in range(2)]
    several = program.put("patients/l-1", {"name": "Leo Paz", "phone": "600 000 077"})
    assert (several.status, several.json()["reason"]) == (409, "ambiguous")
    (conflict,) = [one for one in program.conflicts() if one["cause"] == "ambiguous"]
    house.post(f"sync-conflicts/{conflict['id']}/resolve", {"choice": "theirs", "match": twins[1]})
    assert program.put_ok("patients/l-1", {"name": "Leo Paz", "phone": "600 000 077"})["id"] == twins[1]
    named = house.post("patients", {"name": "Ada Sol"})["id"]
    assert program.put_ok("patients/d-1", {"id": named, "name": "Ada Sol"}, status=201)["id"] == named


def test_a_verified_phone_stays(small: Program) -> None:
    uid = small.eva()
    assert small.house.sms("+34600000044", "hola", "SM1").status == 200
    refused = small.put("patients/e-1", {**EVA, "phone": "600 000 045"})
    assert (refused.status, refused.json()["reason"]) == (409, "phone_verified")
    assert small.house.get(f"patients/{uid}")["phone"] == "+34600000044"


def test_a_visit_waits_for_its_patient(small: Program) -> None:
    early = small.put("appointments/v-1", {"start": TEN, "patient": "e-1"})
    assert (early.status, early.json()["reason"]) == (409, "patient_unknown")
    small.eva()
    assert small.visit()["state"]["start"] == TEN_UTC
    assert small.conflicts() == []


def test_outcomes_and_cancellations(program: Program) -> None:
    house = program.house
    program.eva()
    first, second = program.visit(), program.visit(ELEVEN, "v-2")
    early = program.put("appointments/v-1", {"status": "fulfilled"})
    assert (early.status, early.json()["reason"]) == (409, "too_early")
    off = program.put_ok("appointments/v-2", {"status": "cancelled", "cancel_reason": "moved away"})
    assert (off["state"]["status"], off["state"]["cancel_reason"]) == ("cancelled", "moved away")
    assert [one["state"] for one in house.reminders(second)].count("planned") == 1  # the notice that it is off
    house.tick(days=1, hours=4)
    program.put_ok("appointments/v-1", {"status": "noshow"})
    assert house.get(f"appointments/{first['id']}")["status"] == "noshow"
    over = program.put_ok("appointments/v-9", {"start": TEN, "patient": "e-1", "status": "fulfilled"})
    assert (over["id"], over["state"]) == (None, None)


@pytest.mark.parametrize(("policy", "status", "left"), [("cancel", "cancelled", 0), ("ask", "booked", 1)])
def test_deleted_there(small: Program, policy: str, status: str, left: int) -> None:
    small.house.patch(f"crm-connections/{small.connection}", {"on_remote_delete": policy}, role="admin")
    small.eva()
    visit = small.visit()
    assert small.house.api("DELETE", "external/ehr/appointments/v-1", role="integration").status == 204
    assert small.house.get(f"appointments/{visit['id']}")["status"] == status
    assert len(small.conflicts()) == left
    assert small.house.api("DELETE", "external/ehr/appointments/v-7", role="integration").status == 404


def test_a_person_may_decide_for_them(small: Program) -> None:
    """Once the time is free, what was refused can be granted from the conflict list."""
    house = small.house
    small.eva()
    small.visit()
    other = book(house, house.ids, NOON)
    assert small.put("appointments/v-1", {"start": NOON, "patient": "e-1"}).status == 409
    house.post(f"appointments/{other['id']}/cancel", {})
    (conflict,) = small.conflicts()
    house.post(f"sync-conflicts/{conflict['id']}/resolve", {"choice": "theirs"})
    assert small.get("appointments/v-1").json()["state"]["start"] == NOON_UTC
    assert small.put_ok("appointments/v-1", {"start": NOON, "patient": "e-1"})["differences"] == []


def test_mapped_names_and_own_ids(small: Program) -> None:
    house = small.house
    names = {"providers": {house.ids["provider"]: "dr-7"}, "services": {house.ids["service"]: "CHK"}}
    house.patch(f"crm-connections/{small.connection}", names, role="admin")
    small.eva()
    visit = small.put_ok(
        "appointments/v-1", {"start": TEN, "patient": "e-1", "provider": "dr-7", "service": "CHK"}, status=201
    )
    assert (visit["state"]["provider"], visit["state"]["service"]) == ("dr-7", "CHK")
    unknown = small.put("appointments/v-2", {"start": ELEVEN, "patient": "e-1", "provider": "dr-8", "service": "CHK"})
    assert (unknown.status, unknown.json()["reason"]) == (409, "provider_unknown")


def test_names_of_sources(small: Program) -> None:
    house = small.house
    twice = house.api("POST", "crm-connections", {"kind": "generic", "settings": {"source": "ehr"}}, role="admin")
    odd = house.api("POST", "crm-connections", {"kind": "generic", "settings": {"source": "E H"}}, role="admin")
    assert (twice.status, odd.status, odd.fields) == (409, 422, {"settings.source"})
    assert house.api("PUT", "external/other/patients/1", EVA, role="integration").status == 404
    assert house.api("GET", "changes", role="integration", query={"source": "other"}).status == 404
    check = house.post(f"crm-connections/{small.connection}/test")
    assert (check["ok"], check["detail"]) == (True, "Waits for calls to /api/v1/external/ehr/")
    assert house.api("POST", f"crm-connections/{small.connection}/preview", {}, role="admin").status == 409
    house.patch(f"crm-connections/{small.connection}", {"paused": True}, role="admin")
    assert small.put("patients/e-1", EVA).status == 409
    house.patch(f"crm-connections/{small.connection}", {"paused": False}, role="admin")
    small.eva()


@pytest.mark.parametrize("body", [
    {"name": 3}, {"nome": "x"}, {"birth_year": "1980"}, {"sms_opt_out": "yes"}, {"name": "x" * 301}, {"name": "a\nb"},
])  # fmt: skip
def test_what_is_no_patient(small: Program, body: dict[str, Any]) -> None:
    assert small.put("patients/e-1", body).status == 422


def test_only_programs_and_administrators(small: Program) -> None:
    for role, status in (("desk", 403), ("manager", 403), ("admin", 201), (None, 401)):
        assert small.house.api("PUT", "external/ehr/patients/e-1", EVA, role=role).status == status


VALUES = st.fixed_dictionaries({}, optional={
    "name": st.sampled_from(["Eva Gil", "Eva Gil Mora"]), "language": st.sampled_from(["", "es", "en"]),
    "sms_opt_out": st.booleans(), "birth_year": st.sampled_from([None, 1980, 1981]),
})  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(["put", "match", "desk"]), VALUES), max_size=6)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_whatever_is_put_the_answer_is_what_holds(seeded_sqlite: Seed, steps: list[tuple[str, dict[str, Any]]]) -> None:
    """Each answer is the state; a repeat changes nothing; an opt-out stays; a change meant with If-Match is taken."""
    program = program_of(seeded_sqlite.local())
    uid = program.eva()
    stopped = False
    for who, values in steps:
        if who == "desk":
            wanted = {name: value or None for name, value in values.items() if name in ("language", "birth_year")}
            program.house.patch(f"patients/{uid}", wanted or {"name": "Eva Gil"})
            continue
        match = program.etag("patients/e-1") if who == "match" else ""
        answer = program.put("patients/e-1", values, match)
        stopped = stopped or values.get("sms_opt_out", False)
        body = answer.json()["current"] if answer.status == 409 else answer.json()
        assert body["state"] == program.get("patients/e-1").json()["state"]
        assert body["state"]["sms_opt_out"] is stopped
        taken = {name: value for name, value in values.items() if name not in ("sms_opt_out",)}
        if who == "match":
            assert {name: body["state"][name] for name in taken} == taken
        before = program.house.get(f"patients/{uid}")["version"]
        again = program.put("patients/e-1", values)
        assert (again.status, again.headers["ETag"]) == (answer.status, answer.headers["ETag"])
        assert program.house.get(f"patients/{uid}")["version"] == before


def test_the_body_of_a_booking_is_another(small: Program) -> None:
    """What the API's own booking takes is not taken here by mistake."""
    assert small.put("appointments/v-1", booking(small.house.ids, TEN)).status == 422
