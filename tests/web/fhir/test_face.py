"""The FHIR face: what is written comes back, in the right shapes, under the clinic's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.fhir.shapes import id_of, uid_of
from tests.fhir_shapes import check
from tests.house import Answer, Local

MRN = "urn:oid:1.2.36.146"
NINE, TEN = "2030-05-07T09:00:00+02:00", "2030-05-07T10:00:00+02:00"


def call(web: Local, method: str, path: str, body: Any = None, role: str | None = "desk", **headers: str) -> Answer:
    """A call below /fhir; whatever comes back has the right shape."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if role:
        sent["Authorization"] = f"Bearer {web.key(role)}"
    if body is not None:
        sent.setdefault("Content-Type", "application/fhir+json")
    answer = web.send(method, f"/fhir/{path}", json.dumps(body).encode() if body is not None else None, sent)
    if answer.text:
        assert answer.headers["Content-Type"].startswith("application/fhir+json")
        assert check(answer.json()) == []
    return answer


def code(answer: Answer) -> str:
    return str(answer.json()["issue"][0]["details"]["coding"][0]["code"])


def found(answer: Answer) -> list[Any]:
    """The matches of a search."""
    assert answer.status == 200, answer.text
    entries = answer.json().get("entry", [])
    return [entry["resource"] for entry in entries if entry["search"]["mode"] == "match"]


def person(number: str = "1", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "identifier": [{"system": MRN, "value": number}],
        "name": [{"use": "official", "family": "Sol", "given": ["Eva", "María"]}],
        "telecom": [{"system": "phone", "use": "mobile", "value": "600 000 011"}, {"system": "email", "value": "eva@example.org"}],
        "birthDate": "1980-02-03",
        "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "ca"}]}, "preferred": True}],
        **changes,
    }  # fmt: skip


def visit(web: Local, start: str = NINE, end: str | None = None, **changes: Any) -> dict[str, Any]:
    people = [("Patient", "patient", "needs-action"), ("Practitioner", "provider", "accepted")]
    return {
        "resourceType": "Appointment", "status": "booked", "start": start,
        "participant": [
            {"actor": {"reference": f"{kind}/{id_of(web.ids[name])}"}, "status": status} for kind, name, status in people
        ],
        **({"end": end} if end else {}), **changes,
    }  # fmt: skip


def booked(web: Local, start: str = NINE, **changes: Any) -> dict[str, Any]:
    answer = call(web, "POST", "Appointment", visit(web, start, **changes))
    assert answer.status == 201, answer.text
    return dict(answer.json())


def put(web: Local, resource: Mapping[str, Any], **headers: str) -> Answer:
    return call(web, "PUT", f"{resource['resourceType']}/{resource['id']}", resource, **headers)


def answered(resource: Mapping[str, Any], status: str) -> dict[str, Any]:
    """The patient's answer in an appointment."""
    first, *others = resource["participant"]
    return {**resource, "participant": [{**first, "status": status}, *others]}


# What the server says of itself


def test_the_capabilities_are_public_and_true(shared: Local) -> None:
    answer = call(shared, "GET", "metadata", role=None)
    rest = answer.json()["rest"][0]
    assert {one["type"] for one in rest["resource"]} == {
        "Patient", "Appointment", "Slot", "Schedule", "Practitioner", "Location", "HealthcareService",
    }  # fmt: skip
    for one in rest["resource"]:
        kind = one["type"]
        codes = {each["code"] for each in one["interaction"]}
        assert codes >= {"read", "search-type"}
        for name in (each["name"] for each in one["searchParam"]):
            query = f"{name}={'ge2030-05-06' if name in ('date', 'start', '_lastUpdated') else 'free' if (kind, name) == ('Slot', 'status') else 'booked' if name == 'status' else 'x'}"
            more = "&schedule=Schedule/x" if kind == "Slot" and name != "schedule" else ""
            assert call(shared, "GET", f"{kind}?{query}{more}").status == 200, (kind, name)
        written = call(shared, "POST", kind, {"resourceType": kind})
        assert (written.status == 405) == ("create" not in codes)
        assert (call(shared, "DELETE", f"{kind}/x").status == 405) == ("delete" not in codes)


def test_roles_are_those_of_the_api(shared: Local) -> None:
    for path in ("Patient", "Patient/x", "Appointment", "Slot?schedule=x", "nothing", "Patient/x/_history", ""):
        answer = call(shared, "GET", path, role=None)
        assert (answer.status, code(answer)) == (401, "unauthenticated")
    for method, path in (
        ("POST", "Patient"),
        ("PUT", "Patient/x"),
        ("DELETE", "Appointment/x"),
        ("POST", "Appointment"),
    ):
        body = None if method == "DELETE" else {}
        assert code(call(shared, method, path, body, role=None)) == "unauthenticated"
        assert code(call(shared, method, path, body, role="manager")) == "forbidden"
        assert call(shared, method, path, body, role="integration").status not in (401, 403)
    assert call(shared, "GET", "Patient", role="manager").status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "Observation", 404), ("GET", "Observation/1", 404), ("GET", "Patient/pat-none", 404),
     ("GET", "Appointment/apt-none", 404), ("GET", "Patient/1_2", 404), ("GET", "Slot/1.2.3", 404),
     ("GET", "Schedule/x", 404), ("GET", "Patient/x/_history", 405), ("PATCH", "Patient/x", 405), ("POST", "", 405),
     ("GET", "_history", 404), ("DELETE", "Appointment/apt-none", 404), ("GET", "Patient/%00", 404)],
)  # fmt: skip
def test_what_is_not_there_says_so_in_fhir(shared: Local, method: str, path: str, status: int) -> None:
    answer = call(shared, method, path)
    assert answer.status == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_only_json_is_spoken(shared: Local) -> None:
    assert call(shared, "GET", "Patient", Accept="application/fhir+xml").status == 406
    assert call(shared, "GET", "Patient?_format=xml").status == 406
    for fine in ("application/fhir+json", "*/*", "application/fhir+xml, application/json;q=0.5"):
        assert call(shared, "GET", "Patient?_format=json", Accept=fine).status == 200
    assert call(shared, "POST", "Patient", person(), Content_Type="application/fhir+xml").status == 415


# Patients


def test_a_patient_comes_back_as_written(web: Local) -> None:
    answer = call(web, "POST", "Patient", person())
    made = answer.json()
    assert answer.status == 201
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Location"] == f"{web.url}/fhir/Patient/{made['id']}/_history/1"
    card = web.get(f"patients/{uid_of(made['id'])}")
    assert [card[name] for name in ("name", "phone", "email", "language", "birth_year")] == [
        "Eva María Sol", "+34600000011", "eva@example.org", "ca", 1980,
    ]  # fmt: skip
    again = call(web, "GET", f"Patient/{made['id']}")
    assert again.json() == made
    assert made["identifier"] == person()["identifier"]
    assert made["telecom"][0] == {"system": "phone", "use": "mobile", "value": "+34600000011"}


def test_a_patient_is_made_once(web: Local) -> None:
    first = call(web, "POST", "Patient", person(), If_None_Exist=f"identifier={MRN}|1")
    again = call(web, "POST", "Patient", person(), If_None_Exist=f"?identifier={MRN}%7C1")
    assert (first.status, again.status) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    taken = call(web, "POST", "Patient", person())
    assert (taken.status, code(taken)) == (409, "identifier_taken")
    assert call(web, "POST", "Patient", person("2"), If_None_Exist="name=Eva").status == 422


def test_two_that_create_the_same_patient_at_once_get_one(web: Local) -> None:
    def create(_: int) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json",
                   "If-None-Exist": f"identifier={MRN}|9"}  # fmt: skip
        client = app.test_client()
        return client.post("/fhir/Patient", data=json.dumps(person("9")), headers=headers).json["id"]

    key, app = web.key("desk"), web.service.app()
    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(create, range(8)))
    assert len(ids) == 1
    assert len(found(call(web, "GET", f"Patient?identifier={MRN}|9"))) == 1


def test_a_patient_is_replaced_only_when_nobody_was_faster(web: Local) -> None:
    made = call(web, "POST", "Patient", person()).json()
    changed = {**made, "name": [{"text": "Eva Luna"}], "telecom": made["telecom"][1:]}
    web.clock.advance(timedelta(hours=1))
    answer = put(web, changed, If_Match='W/"1"')
    assert (answer.status, answer.headers["ETag"]) == (200, 'W/"2"')
    assert answer.json()["name"] == [{"use": "official", "text": "Eva Luna"}]
    assert [one["system"] for one in answer.json()["telecom"]] == ["email"]
    assert answer.json()["meta"]["lastUpdated"] > made["meta"]["lastUpdated"]
    stale = put(web, made, If_Match='W/"1"')
    assert (stale.status, code(stale)) == (412, "version_mismatch")
    assert call(web, "GET", f"Patient/{made['id']}", If_None_Match='W/"2"').status == 304


def test_writing_what_is_there_changes_nothing(web: Local) -> None:
    made = call(web, "POST", "Patient", person()).json()
    web.clock.advance(timedelta(hours=1))
    assert put(web, made).json() == made
    appointment = booked(web)
    web.clock.advance(timedelta(hours=1))
    assert put(web, appointment).json() == appointment


def test_identifiers_survive_as_they_came_and_count_as_a_change(web: Local) -> None:
    ours = {
        "use": "secondary",
        "system": "urn:other",
        "value": "a b",
        "extension": [{"url": "urn:rev", "valueString": "r1"}],
    }
    made = call(web, "POST", "Patient", person(identifier=[ours])).json()
    assert made["identifier"] == [ours]
    second = {**ours, "extension": [{"url": "urn:rev", "valueString": "r2"}]}
    answer = put(web, {**made, "identifier": [second]})
    assert answer.json()["identifier"] == [second]
    assert answer.headers["ETag"] == 'W/"2"'
    visit_ = booked(web, identifier=[ours])
    assert put(web, {**visit_, "identifier": [second]}).headers["ETag"] == 'W/"2"'
    assert found(call(web, "GET", "Appointment?identifier=urn:other|a b".replace(" ", "%20")))[0]["identifier"] == [
        second
    ]


def test_who_has_died_is_written_to_no_more(web: Local) -> None:
    made = call(web, "POST", "Patient", person()).json()
    put(web, {**made, "deceasedDateTime": "2030-01-01"})
    assert web.get(f"patients/{uid_of(made['id'])}")["paused"]
    put(web, made)
    assert web.get(f"patients/{uid_of(made['id'])}")["paused"]  # only the desk takes that back


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"name": []}, "Patient.name"), ({"name": [{"use": "old", "text": "X"}]}, "Patient.name"),
     ({"telecom": [{"system": "phone", "value": "12"}]}, "Patient.telecom"), ({"name": None}, "Patient.name"),
     ({"telecom": [{"system": "email", "value": "nobody"}]}, "Patient.telecom"), ({"name": "Eva"}, "Patient.name"),
     ({"birthDate": "3.2.1980"}, "Patient.birthDate"), ({"name": [{"text": "a\x00b"}]}, "Patient.name[0].text"),
     ({"identifier": [{"system": "u", "value": "x" * 300}]}, "identifier"), ({"resourceType": "Person"}, "resourceType"),
     ({"identifier": [{}]}, "Patient.identifier[0]")],
)  # fmt: skip
def test_a_resource_of_the_wrong_shape_names_the_element(shared: Local, changes: dict[str, Any], where: str) -> None:
    answer = call(shared, "POST", "Patient", {**person("77"), **changes})
    assert answer.status == 422
    assert answer.json()["issue"][0]["expression"] == [where]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"resourceType": 5}', b'{"resourceType": "Patient", "name": ' + b"[" * 3000]
)
def test_what_is_no_resource_is_refused(shared: Local, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {shared.key('desk')}", "Content-Type": "application/fhir+json"}
    answer = shared.send("POST", "/fhir/Patient", body, headers)
    assert answer.status in (400, 422)
    assert check(answer.json()) == []


def test_the_id_in_the_resource_is_that_of_the_address(shared: Local) -> None:
    assert call(shared, "PUT", "Patient/pat-1", {**person(), "id": "pat-2"}).status == 400


# Visits


def test_a_visit_is_booked_confirmed_moved_and_cancelled(web: Local) -> None:
    made = booked(web, end="2030-05-07T09:30:00+02:00", identifier=[{"system": "urn:emr", "value": "v1"}])
    assert (made["status"], made["minutesDuration"]) == ("booked", 30)
    confirmed = put(web, answered(made, "accepted"), If_Match='W/"1"').json()
    uid = uid_of(made["id"])
    assert web.get(f"appointments/{uid}")["confirmation"] == "confirmed"
    moved = put(web, {**confirmed, "start": TEN, "end": "2030-05-07T10:30:00+02:00"}).json()
    assert moved["start"] == TEN
    assert moved["participant"][0]["status"] == "needs-action"
    assert [one["change"] for one in web.get(f"appointments/{uid}/history")["items"]] == [
        "book",
        "confirm",
        "reschedule",
    ]
    off = put(web, {**moved, "status": "cancelled", "cancelationReason": {"text": "moved away"}}).json()
    assert (off["status"], off["cancelationReason"]["text"]) == ("cancelled", "moved away")
    assert web.get(f"appointments/{uid}")["cancel_reason"] == "moved away"
    back = put(web, {**moved, "status": "booked"})
    assert (back.status, code(back)) == (409, "status_conflict")


@pytest.mark.parametrize(
    ("codes", "status"),
    [(["arrived", "fulfilled"], "fulfilled"), (["checked-in"], "arrived"), (["noshow"], "noshow"),
     (["noshow", "checked-in", "fulfilled"], "fulfilled"), (["entered-in-error"], "entered-in-error"),
     (["pending"], "booked"), (["fulfilled"], "fulfilled")],
)  # fmt: skip
def test_statuses_follow_the_machine(web: Local, codes: list[str], status: str) -> None:
    made = booked(web)
    for one in codes:
        made = put(web, {**made, "status": one}).json()
    assert made["status"] == status


def test_who_declines_has_cancelled(web: Local) -> None:
    made = booked(web)
    off = put(web, answered(made, "declined")).json()
    assert off["status"] == "cancelled"
    assert off["participant"][0]["status"] == "declined"
    change = web.get(f"appointments/{uid_of(made['id'])}/history")["items"][-1]
    assert (change["change"], change["actor"], change["channel"]) == ("cancel", "patient", "fhir")


def test_booked_and_accepted_at_once(web: Local) -> None:
    made = booked(web, participant=answered(visit(web), "accepted")["participant"])
    assert web.get(f"appointments/{uid_of(made['id'])}")["confirmation"] == "confirmed"
    assert made["meta"]["versionId"] == "2"


def test_deleting_cancels_and_says_that_it_was_a_mistake(web: Local) -> None:
    made = booked(web)
    assert call(web, "DELETE", f"Appointment/{made['id']}", If_Match='W/"7"').status == 412
    assert call(web, "DELETE", f"Appointment/{made['id']}", If_Match='W/"1"').status == 204
    assert call(web, "GET", f"Appointment/{made['id']}").json()["status"] == "entered-in-error"
    assert web.get(f"appointments/{uid_of(made['id'])}")["status"] == "cancelled"
    assert found(call(web, "GET", "Appointment?status=cancelled")) == []
    assert [one["id"] for one in found(call(web, "GET", "Appointment?status=entered-in-error,noshow"))] == [made["id"]]
    assert call(web, "DELETE", f"Appointment/{made['id']}").status == 204
    booked(web)  # the time is free again


def test_a_taken_time_is_a_conflict_that_says_what_is_free(web: Local) -> None:
    booked(web)
    answer = call(web, "POST", "Appointment", visit(web))
    assert (answer.status, code(answer)) == (409, "slot_taken")
    assert len(json.loads(answer.json()["issue"][0]["diagnostics"])["alternatives"]) == 5
    other = booked(web, TEN)
    assert code(put(web, {**other, "start": NINE, "end": "2030-05-07T09:30:00+02:00"})) == "slot_taken"
    assert call(web, "GET", f"Appointment/{other['id']}").json() == other


def test_one_of_many_gets_the_time(web: Local) -> None:
    def create(_: int) -> int:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return app.test_client().post("/fhir/Appointment", data=body, headers=headers).status_code

    key, app, body = web.key("desk"), web.service.app(), json.dumps(visit(web))
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(create, range(8))) == [201] + [409] * 7


def test_all_of_a_change_or_nothing(web: Local) -> None:
    """A move that is fine with a status that is not."""
    made = put(web, {**booked(web), "status": "arrived"}).json()
    answer = put(web, {**made, "start": TEN, "end": "2030-05-07T10:30:00+02:00", "status": "noshow"})
    assert code(answer) == "status_conflict"
    assert call(web, "GET", f"Appointment/{made['id']}").json() == made


def _without(resource: dict[str, Any], kind: str) -> dict[str, Any]:
    people = [one for one in resource["participant"] if not one["actor"]["reference"].startswith(kind)]
    return {**resource, "participant": people}


@pytest.mark.parametrize(
    ("change", "status", "what"),
    [(lambda r: {**r, "start": "2030-05-07T20:00:00+02:00"}, 409, "slot_not_offered"),
     (lambda r: {**r, "start": "2030-05-01T09:00:00+02:00"}, 409, "slot_not_offered"),
     (lambda r: {**r, "start": "2030-05-07T09:00:00"}, 422, "naive_time"),
     (lambda r: {**r, "start": "tomorrow"}, 422, "Appointment.start"),
     (lambda r: {**r, "start": "2030-05-07"}, 422, "Appointment.start"),
     (lambda r: {**r, "end": TEN}, 422, "Appointment.end"),
     (lambda r: {**r, "minutesDuration": 45}, 422, "Appointment.end"),
     (lambda r: {**r, "status": "waitlist"}, 422, "Appointment.status"),
     (lambda r: {**r, "status": "fulfilled"}, 422, "Appointment.status"),
     (lambda r: {**r, "status": "gone"}, 422, "Appointment.status"),
     (lambda r: {k: v for k, v in r.items() if k != "status"}, 422, "Appointment.status"),
     (lambda r: {k: v for k, v in r.items() if k != "participant"}, 422, "Appointment.participant"),
     (lambda r: {k: v for k, v in r.items() if k != "start"}, 422, "Appointment.start"),
     (lambda r: _without(r, "Patient"), 422, "Appointment.participant"),
     (lambda r: _without(r, "Practitioner"), 422, "Appointment.participant"),
     (lambda r: {**r, "participant": [{"actor": {"reference": "Patient/x"}}]}, 422, "Appointment.participant[0].status"),
     (lambda r: {**_without(r, "Patient"), "participant": [*_without(r, "Patient")["participant"],
      {"actor": {"reference": "Patient/x"}, "status": "accepted"}]}, 422, "Appointment.participant"),
     (lambda r: {**r, "serviceType": [{"coding": [{"system": "urn:reminders:service", "code": "x"}]}]}, 422,
      "Appointment.serviceType")],
)  # fmt: skip
def test_bookings_against_the_rules(shared: Local, change: Any, status: int, what: str) -> None:
    answer = call(shared, "POST", "Appointment", change(visit(shared)))
    assert answer.status == status
    assert what in (code(answer), *answer.json()["issue"][0].get("expression", []))
    assert found(call(shared, "GET", "Appointment")) == []


def test_what_a_visit_cannot_change(web: Local) -> None:
    made = booked(web)
    other = call(web, "POST", "Patient", person()).json()["id"]
    stranger = {"actor": {"reference": f"Patient/{other}"}, "status": "accepted"}
    for changes, where in (
        ({"participant": [stranger]}, "Appointment.participant"), ({"end": TEN}, "Appointment.end"),
        ({"status": "waitlist"}, "Appointment.status"),
        ({"serviceType": [{"coding": [{"system": "urn:reminders:service", "code": "x"}]}]}, "Appointment.serviceType"),
        ({"participant": [{"actor": {"reference": "Practitioner/x"}, "status": "accepted"}]}, "Appointment.participant"),
    ):  # fmt: skip
        answer = put(
            web, _without({**made, **changes}, "HealthcareService") if "serviceType" in changes else {**made, **changes}
        )
        assert (answer.status, answer.json()["issue"][0]["expression"]) == (422, [where])


# Slots and schedules


def test_from_a_free_slot_to_a_visit(web: Local) -> None:
    schedule = found(call(web, "GET", f"Schedule?actor=Practitioner/{id_of(web.ids['provider'])}"))[0]
    query = f"Slot?schedule=Schedule/{schedule['id']}&start=ge2030-05-07&start=lt2030-05-08&status=free"
    slots = found(call(web, "GET", f"{query}&_count=500"))
    assert [slots[0]["start"], len(slots)] == [NINE, 16]
    paged, address = [], f"{query}&_count=5"
    while address:
        page = call(web, "GET", address)
        paged += found(page)
        address = next(
            (one["url"].partition("/fhir/")[2] for one in page.json()["link"] if one["relation"] == "next"), ""
        )
    assert paged == slots
    people = [visit(web)["participant"][0]]
    made = call(web, "POST", "Appointment", {
        "resourceType": "Appointment", "status": "proposed", "slot": [{"reference": f"Slot/{slots[2]['id']}"}],
        "participant": people,
    }).json()  # fmt: skip
    assert made["start"] == TEN
    assert made["slot"] == [{"reference": f"Slot/{slots[2]['id']}"}]
    assert call(web, "GET", f"Slot/{slots[2]['id']}").json()["status"] == "busy"
    assert call(web, "GET", f"Slot/{slots[3]['id']}").json() == slots[3]
    busy = found(call(web, "GET", query.replace("free", "busy")))
    assert [(one["id"], one["status"]) for one in busy] == [(slots[2]["id"], "busy")]
    assert len(found(call(web, "GET", query))) == 15


def test_what_is_offered_can_be_found(shared: Local) -> None:
    for kind, name in (("Practitioner", "provider"), ("Location", "location"), ("HealthcareService", "service")):
        id_ = id_of(shared.ids[name])
        assert call(shared, "GET", f"{kind}/{id_}").json()["id"] == id_
        shown = call(shared, "GET", f"{kind}/{id_}").json()["name"]
        text = shown if isinstance(shown, str) else shown[0]["text"]
        assert [one["id"] for one in found(call(shared, "GET", f"{kind}?name={text.split()[-1].lower()}"))] == [id_]
        assert found(call(shared, "GET", f"{kind}?name:exact={text[:3]}")) == []
    assert found(call(shared, "GET", "Schedule?actor=Practitioner/nobody")) == []


@pytest.mark.parametrize("query", ["", "start=ge2030-05-07", "schedule=Schedule/x&status=free,busy", "schedule:missing=true&status=free",
                                   "schedule=Schedule/x&_after=1.2", "schedule=x&start=soon", "specialty=x"])  # fmt: skip
def test_slots_that_cannot_be_looked_for(shared: Local, query: str) -> None:
    assert call(shared, "GET", f"Slot?{query}").status == 400
