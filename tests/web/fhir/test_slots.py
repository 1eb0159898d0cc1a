"""Slots and schedules that other systems write: blocked time, openings, and what a provider offers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.fhir.shapes import id_of, uid_of
from tests.house import Local, book
from tests.web.fhir.test_face import NINE, TEN, call, code, found, put, visit
from tests.web.test_dav import device, event

EMR = "urn:emr:slots"
ELEVEN = "2030-05-07T11:00:00+02:00"
SIX, EIGHT = "2030-05-07T18:00:00+02:00", "2030-05-07T20:00:00+02:00"


def slot(
    web: Local, start: str = NINE, end: str = TEN, status: str = "busy-unavailable", **changes: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Slot", "schedule": {"reference": f"Schedule/{id_of(web.ids['provider'])}"}, "status": status,
        "start": start, "end": end, **changes,
    }  # fmt: skip


def made(web: Local, *args: str, **changes: Any) -> dict[str, Any]:
    answer = call(web, "POST", "Slot", slot(web, *args, **changes))
    assert answer.status == 201, answer.text
    assert answer.headers["Location"].endswith(f"/fhir/Slot/{answer.json()['id']}/_history/1")
    return dict(answer.json())


def starts(web: Local, day: str = "2030-05-07") -> list[str]:
    """When a visit could begin on that day, as the API has it."""
    window = {"first": f"{day}T00:00:00+02:00", "last": f"{day}T23:59:00+02:00"}
    return [one["start"] for one in web.get("slots", service_id=web.ids["service"], **window)["items"]]


def listed(web: Local, query: str) -> list[str]:
    return [
        one["id"] for one in found(call(web, "GET", f"Slot?schedule=Schedule/{id_of(web.ids['provider'])}&{query}"))
    ]


# Blocked time


def test_blocked_time_cannot_be_booked_until_it_is_let_go(web: Local) -> None:
    free = len(starts(web))
    block = made(web, comment="Ward round", identifier=[{"system": EMR, "value": "1"}])
    assert (block["status"], block["comment"], block["start"], block["end"]) == (
        "busy-unavailable",
        "Ward round",
        NINE,
        TEN,
    )
    assert call(web, "GET", f"Slot/{block['id']}").json() == block
    assert len(starts(web)) == free - 2
    assert code(call(web, "POST", "Appointment", visit(web))) == "slot_taken"
    assert call(web, "DELETE", f"Slot/{block['id']}", If_Match='W/"7"').status == 412
    assert call(web, "DELETE", f"Slot/{block['id']}", If_Match='W/"1"').status == 204
    assert len(starts(web)) == free
    assert call(web, "GET", f"Slot/{block['id']}").status == 404
    assert call(web, "DELETE", f"Slot/{block['id']}").status == 404
    made(web, identifier=[{"system": EMR, "value": "1"}])  # its identifier went with it


def test_blocked_time_moves_when_nobody_was_faster(web: Local) -> None:
    block = made(web)
    web.clock.advance(timedelta(minutes=1))
    moved = put(web, {**block, "start": TEN, "end": ELEVEN, "status": "busy-tentative"}, If_Match='W/"1"')
    assert (moved.status, moved.headers["ETag"], moved.json()["status"]) == (200, 'W/"2"', "busy-tentative")
    assert moved.json()["meta"]["lastUpdated"] > block["meta"]["lastUpdated"]
    assert NINE in starts(web)
    assert TEN not in starts(web)
    assert code(put(web, block, If_Match='W/"1"')) == "version_mismatch"
    assert put(web, moved.json()).headers["ETag"] == 'W/"2"'  # nothing changed


def test_what_a_visit_has_is_not_blocked(web: Local) -> None:
    book(web, web.ids, NINE)
    assert (call(web, "POST", "Slot", slot(web)).status, listed(web, "status=busy-unavailable")) == (409, [])
    later = made(web, TEN, ELEVEN)
    answer = put(web, {**later, "start": NINE})
    assert (answer.status, code(answer)) == (409, "slot_taken")
    assert call(web, "GET", f"Slot/{later['id']}").json() == later


def test_time_is_blocked_once(alone: Local) -> None:
    body = slot(alone, identifier=[{"system": EMR, "value": "1"}])
    first = call(alone, "POST", "Slot", body, If_None_Exist=f"identifier={EMR}|1")
    again = call(alone, "POST", "Slot", body, If_None_Exist=f"identifier={EMR}|1")
    assert (first.status, again.status, again.json()["id"]) == (201, 200, first.json()["id"])
    assert code(call(alone, "POST", "Slot", {**body, "start": TEN, "end": ELEVEN})) == "identifier_taken"
    assert listed(alone, "status=busy-unavailable") == [first.json()["id"]]


def test_of_a_visit_and_a_block_at_the_same_moment_one_wins(web: Local) -> None:
    app, key = web.service.app(), web.key("desk")

    def send(what: tuple[str, dict[str, Any]]) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return app.test_client().post(f"/fhir/{what[0]}", json=what[1], headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, [("Slot", slot(web)), ("Appointment", visit(web))] * 3))
    blocked, booked = answers[::2].count(201), answers[1::2].count(201)
    assert (blocked > 0) != (booked > 0)
    assert set(answers) == {201, 409}


def test_what_is_blocked_is_found(web: Local) -> None:
    first, second = (
        made(web, TEN, ELEVEN, identifier=[{"system": EMR, "value": "1"}]),
        made(web, SIX, EIGHT, "busy-tentative"),
    )
    assert listed(web, "status=busy-unavailable") == [first["id"]]
    ids = [first["id"], second["id"]]
    assert listed(web, "status=busy-unavailable,busy-tentative") == ids
    assert listed(web, "status=busy-tentative,busy-unavailable&start=lt2030-05-07T12:00:00%2B02:00") == [first["id"]]
    assert listed(web, f"status=busy-unavailable&service-type={id_of(web.ids['service'])}") == [first["id"]]
    assert listed(web, "status=busy-unavailable&service-type=x") == []
    page = call(web, "GET", f"Slot?schedule.actor=Practitioner/{id_of(web.ids['provider'])}"
                            "&status=busy-unavailable,busy-tentative&_count=1")  # fmt: skip
    following = next(one["url"] for one in page.json()["link"] if one["relation"] == "next")
    assert [found(page)[0]["id"], found(call(web, "GET", following.partition("/fhir/")[2]))[0]["id"]] == ids
    assert [one["id"] for one in found(call(web, "GET", f"Slot?identifier={EMR}|1"))] == [first["id"]]
    assert found(call(web, "GET", f"Slot?identifier={EMR}|1&status=busy-tentative")) == []
    assert [one["id"] for one in found(call(web, "GET", f"Slot?_id={second['id']},slo-none"))] == [second["id"]]


def test_time_that_a_calendar_holds_is_seen_but_not_changed(alone: Local) -> None:
    phone = device(alone)
    assert phone("PUT", "own-1.ics", event(start="20300507T090000", end="20300507T100000")).status == 201
    (held,) = listed(alone, "status=busy-unavailable")
    shown = call(alone, "GET", f"Slot/{held}").json()
    assert (shown["start"], shown["end"]) == (NINE, TEN)
    assert "Dentist" not in str(shown)
    for answer in (call(alone, "DELETE", f"Slot/{held}"), put(alone, shown)):
        assert (answer.status, code(answer)) == (409, "slot_not_written")


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"status": "busy"}, "Slot.status"), ({"status": "entered-in-error"}, "Slot.status"), ({"status": "x"}, "Slot.status"),
     ({"schedule": {"reference": "Schedule/x"}}, "Slot.schedule"), ({"schedule": {"reference": "Patient/x"}}, "Slot.schedule"),
     ({"start": TEN}, "Slot.end"), ({"start": "2030-05-07"}, "Slot.start"), ({"end": "2030-05-07T10:00:00"}, "Slot.end"),
     ({"end": "2030-09-07T10:00:00+02:00"}, "Slot.end"), ({"overbooked": True}, "Slot.overbooked"),
     ({"serviceType": [{"text": "x"}]}, "Slot.serviceType"), ({"comment": 5}, "Slot.comment"),
     ({"status": "free"}, "Slot.status"), ({"status": "free", "start": SIX, "end": "2030-05-08T01:00:00+02:00"}, "Slot.end"),
     ({"status": "free", "start": SIX, "end": "2030-05-07T19:00:30+02:00"}, "Slot.end")],
)  # fmt: skip
def test_slots_that_cannot_be_kept(shared: Local, changes: dict[str, Any], where: str) -> None:
    answer = call(shared, "POST", "Slot", slot(shared, **changes))
    assert (answer.status, answer.json()["issue"][0]["expression"]) == (422, [where])


def test_a_slot_that_is_worked_out_is_written_by_nobody(alone: Local) -> None:
    free = found(call(alone, "GET", f"Slot?schedule=Schedule/{id_of(alone.ids['provider'])}&start=ge2030-05-07"))[0]
    assert code(put(alone, {**free, "status": "busy-unavailable"})) == "slot_not_written"
    assert code(call(alone, "DELETE", f"Slot/{free['id']}")) == "slot_not_written"
    assert call(alone, "PUT", "Slot/slo-none", {**slot(alone), "id": "slo-none"}).status == 404


# Openings


def test_an_extra_opening_can_be_booked_while_it_is_there(web: Local) -> None:
    before = starts(web)
    extra = made(web, SIX, EIGHT, "free", comment="Late clinic")
    assert (extra["status"], len(starts(web)) - len(before)) == ("free", 4)
    (day,) = web.get(f"providers/{web.ids['provider']}/exceptions")["items"]
    assert (day["start"], day["end"], day["open"], day["note"]) == ("18:00", "20:00", True, "Late clinic")
    book(web, web.ids, SIX)
    shown = call(web, "GET", f"Slot/{extra['id']}").json()
    assert shown == {**extra, "status": "busy"}
    shorter = put(web, {**shown, "end": "2030-05-07T19:00:00+02:00"}, If_Match='W/"1"').json()
    assert (shorter["meta"]["versionId"], len(starts(web)) - len(before)) == ("2", 1)
    assert call(web, "DELETE", f"Slot/{extra['id']}").status == 204
    assert starts(web) == before
    assert web.get(f"providers/{web.ids['provider']}/exceptions")["items"] == []
    assert [one["status"] for one in web.get("appointments", first=SIX, last=EIGHT)["items"]] == ["booked"]


def test_an_opening_becomes_a_block_and_back(alone: Local) -> None:
    before, extra = starts(alone), made(alone, SIX, EIGHT, "free")
    blocked = put(alone, {**extra, "status": "busy-unavailable"}).json()
    assert (starts(alone), listed(alone, "status=busy-unavailable")) == (before, [extra["id"]])
    assert put(alone, {**blocked, "status": "free"}).json()["status"] == "free"
    assert (len(starts(alone)) - len(before), listed(alone, "status=busy-unavailable")) == (4, [])


def test_an_opening_that_the_desk_takes_back_is_gone(alone: Local) -> None:
    extra = made(alone, SIX, EIGHT, "free", identifier=[{"system": EMR, "value": "1"}])
    path = f"providers/{alone.ids['provider']}/exceptions/{uid_of(extra['id'])}"
    assert alone.api("DELETE", path).status == 204
    assert call(alone, "GET", f"Slot/{extra['id']}").status == 404
    made(alone, SIX, EIGHT, "free", identifier=[{"system": EMR, "value": "1"}])


# Schedules


def agenda(web: Local) -> dict[str, Any]:
    return dict(call(web, "GET", f"Schedule/{id_of(web.ids['provider'])}").json())


def without(resource: dict[str, Any], service: str) -> dict[str, Any]:
    """The agenda that does not offer this service."""
    return {
        **resource, "actor": [one for one in resource["actor"] if service not in one["reference"]],
        "serviceType": [one for one in resource["serviceType"] if one["coding"][0]["code"] != service],
    }  # fmt: skip


def test_an_administrator_says_whether_a_provider_may_be_booked(web: Local) -> None:
    shown = agenda(web)
    off = call(web, "PUT", f"Schedule/{shown['id']}", {**shown, "active": False}, role="admin",
               If_Match=f'W/"{shown["meta"]["versionId"]}"')  # fmt: skip
    assert (off.status, off.json()["active"], starts(web)) == (200, False, [])
    stale = call(
        web, "PUT", f"Schedule/{shown['id']}", shown, role="admin", If_Match=f'W/"{shown["meta"]["versionId"]}"'
    )
    assert (stale.status, code(stale)) == (412, "version_mismatch")
    again = call(web, "PUT", f"Schedule/{shown['id']}", off.json(), role="admin")
    assert again.headers["ETag"] == off.headers["ETag"]  # nothing changed


def test_an_administrator_says_what_a_provider_offers(web: Local) -> None:
    more = {"name": "Scaling", "duration_minutes": 45, "provider_ids": [web.ids["provider"]]}
    other = id_of(web.post("services", more, role="admin")["id"])
    shown = agenda(web)
    less = call(web, "PUT", f"Schedule/{shown['id']}", without(shown, other), role="admin").json()
    assert len(less["serviceType"]) == len(shown["serviceType"]) - 1
    assert web.get(f"services/{uid_of(other)}")["provider_ids"] == []
    back = call(web, "PUT", f"Schedule/{shown['id']}", shown, role="admin").json()
    assert [back[name] for name in ("actor", "serviceType")] == [shown[name] for name in ("actor", "serviceType")]
    assert web.get(f"services/{uid_of(other)}")["provider_ids"] == [web.ids["provider"]]
    silent = {name: value for name, value in without(shown, "svc-").items() if name != "serviceType"}
    kept = call(web, "PUT", f"Schedule/{shown['id']}", silent, role="admin").json()
    assert kept["serviceType"] == shown["serviceType"]  # nothing was said about it


@pytest.mark.parametrize(
    ("changes", "where"),
    [({"comment": "x"}, "Schedule.comment"), ({"identifier": [{"value": "x"}]}, "Schedule.identifier"),
     ({"specialty": [{"text": "x"}]}, "Schedule.specialty"), ({"active": "yes"}, "Schedule.active"),
     ({"actor": [{"reference": "Practitioner/x"}]}, "Schedule.actor"), ({"actor": [{"display": "x"}]}, "Schedule.actor"),
     ({"serviceType": [{"text": "x"}]}, "Schedule.serviceType"),
     ({"serviceType": [{"coding": [{"system": "urn:reminders:service", "code": "x"}]}]}, "Schedule.serviceType"),
     ({"planningHorizon": {"start": NINE, "end": TEN}}, "Schedule.planningHorizon"),
     ({"planningHorizon": {"start": NINE}}, "Schedule.planningHorizon")],
)  # fmt: skip
def test_what_an_agenda_cannot_change_says_why(shared: Local, changes: dict[str, Any], where: str) -> None:
    shown = agenda(shared)
    answer = call(shared, "PUT", f"Schedule/{shown['id']}", {**shown, **changes}, role="admin")
    assert (answer.status, answer.json()["issue"][0]["expression"]) == (422, [where])
    assert agenda(shared)["meta"] == shown["meta"]


def test_only_administrators_write_agendas(shared: Local) -> None:
    shown = agenda(shared)
    for role in ("desk", "integration", "manager"):
        assert code(call(shared, "PUT", f"Schedule/{shown['id']}", shown, role=role)) == "forbidden"
    assert call(shared, "POST", "Schedule", shown, role="admin").status == 405
    assert call(shared, "PUT", "Schedule/prv-none", {**shown, "id": "prv-none"}, role="admin").status == 404
