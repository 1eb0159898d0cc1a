"""Every refusal has the shape of RFC 9457 and a stable code."""

from __future__ import annotations

from typing import Any

import pytest

from reminders.web.problems import problem
from tests.house import Answer, Local, book, booking, local

GOOD = "2030-05-08T09:00:00+02:00"


def checked(answer: Answer, status: int, code: str) -> dict[str, Any]:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= body.keys()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert all(body[name] for name in ("title", "detail"))
    assert "Traceback" not in answer.text
    return body


def test_400(shared: Local) -> None:
    checked(shared.api("POST", "patients", data=b"{"), 400, "malformed")


def test_401(shared: Local) -> None:
    checked(shared.api("GET", "patients", role=None), 401, "unauthenticated")


def test_403(shared: Local) -> None:
    assert checked(shared.api("GET", "reports/no-shows"), 403, "forbidden")["role"] == "desk"


@pytest.mark.parametrize("path", ["patients/pat_x", "appointments/apt_x", "locations/loc_x", "nowhere"])
def test_404(shared: Local, path: str) -> None:
    checked(shared.api("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "patients"), ("DELETE", "appointments/apt_x"), ("GET", "messages")]
)
def test_405_says_what_is_allowed(shared: Local, method: str, path: str) -> None:
    answer = shared.api(method, path)
    checked(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_409_slot_taken_offers_what_is_really_free(web: Local) -> None:
    book(web, web.ids, GOOD)
    body = checked(web.api("POST", "appointments", booking(web.ids, GOOD)), 409, "slot_taken")
    assert len(body["alternatives"]) == 5
    assert GOOD not in {offer["start"] for offer in body["alternatives"]}
    for offer in body["alternatives"]:
        free = web.get("slots", service_id=web.ids["service"], first=offer["start"], last=offer["end"])["items"]
        assert offer["start"] in {slot["start"] for slot in free}
        taken = web.api("POST", "appointments", booking(web.ids, offer["start"], provider_id=offer["provider_id"]))
        assert taken.status == 201, taken.text


def test_409_slot_taken_by_half_an_overlap(web: Local) -> None:
    book(web, web.ids, GOOD)
    answer = web.api("POST", "appointments", booking(web.ids, "2030-05-08T09:15:00+02:00"))
    assert "2030-05-08T09:30:00+02:00" in {
        offer["start"] for offer in checked(answer, 409, "slot_taken")["alternatives"]
    }


def test_409_slot_taken_when_moving(web: Local) -> None:
    book(web, web.ids, GOOD)
    later = book(web, web.ids, "2030-05-08T11:00:00+02:00")
    answer = web.api("POST", f"appointments/{later['id']}/reschedule", {"start": GOOD})
    assert checked(answer, 409, "slot_taken")["alternatives"]
    assert web.get(f"appointments/{later['id']}") == later


@pytest.mark.parametrize(
    ("start", "word"),
    [("2030-05-08T08:30:00+02:00", "offered"), ("2030-05-11T09:00:00+02:00", "offered"), ("2030-05-05T09:00:00+02:00", "soon"),
     ("2031-05-30T09:00:00+02:00", "ahead"), ("2030-05-08T16:45:00+02:00", "offered")],
)  # fmt: skip
def test_409_slot_not_offered(shared: Local, start: str, word: str) -> None:
    answer = shared.api("POST", "appointments", booking(shared.ids, start))
    assert word in checked(answer, 409, "slot_not_offered")["detail"]


@pytest.mark.parametrize("path", ["confirm", "cancel", "reschedule", "arrive", "fulfil", "no-show"])
@pytest.mark.parametrize("last", ["cancel", "fulfil"])
def test_409_status_conflict(alone: Local, last: str, path: str) -> None:
    """What is final stays final, and the refusal says in which status the visit is; repeating the last step is fine."""
    visit = book(alone, alone.ids, GOOD)
    ended = alone.post(f"appointments/{visit['id']}/{last}")
    body = {"start": "2030-05-08T10:00:00+02:00"} if path == "reschedule" else {}
    answer = alone.api("POST", f"appointments/{visit['id']}/{path}", body)
    if path == last:
        assert answer.status == 200
    else:
        assert checked(answer, 409, "status_conflict")["current_status"] == ended["status"]
    assert alone.get(f"appointments/{visit['id']}") == ended


def test_412(alone: Local) -> None:
    visit = book(alone, alone.ids, GOOD)
    answer = alone.api("POST", f"appointments/{visit['id']}/confirm", {}, If_Match='"7"')
    assert checked(answer, 412, "version_mismatch")["current_version"] == 1


def test_413(shared: Local) -> None:
    checked(shared.api("POST", "patients", data=b" " * (1024 * 1024 + 1)), 413, "too_large")


def test_415(shared: Local) -> None:
    checked(shared.api("POST", "patients", data=b"<a/>", Content_Type="text/xml"), 415, "not_json")


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ({}, "invalid", {"name": "missing"}),
        ({"name": "x", "nam": "y"}, "invalid", {"nam": "unknown_field"}),
        (
            {"name": "x", "birth_year": "1980", "phone": 5},
            "invalid",
            {"birth_year": "int_type", "phone": "string_type"},
        ),
        ({"name": "x", "phone": "+34 1"}, "invalid", {"phone": "invalid"}),
    ],
)
def test_422_names_every_field(shared: Local, body: dict[str, Any], code: str, errors: dict[str, str]) -> None:
    found = checked(shared.api("POST", "patients", body), 422, code)
    assert {item["field"]: item["code"] for item in found["errors"]} == errors
    assert all(item["message"] for item in found["errors"])


def test_422_naive_time_has_its_own_code(shared: Local) -> None:
    found = checked(shared.api("POST", "appointments", booking(shared.ids, "2030-05-08T09:00:00")), 422, "naive_time")
    assert found["errors"][0]["field"] == "start"


def test_422_never_repeats_what_was_sent(shared: Local) -> None:
    """Names and numbers must not come back in answers that clients log."""
    answer = shared.api(
        "POST", "patients", {"name": "Zoe Secret\x00", "phone": "600 999 secret", "email": "zoe secret"}
    )
    checked(answer, 422, "invalid")
    assert "ecret" not in answer.text


def test_422_for_a_key_that_was_used_for_something_else(alone: Local) -> None:
    alone.post("patients", {"name": "Eva Sol"}, Idempotency_Key="one")
    answer = alone.api("POST", "patients", {"name": "Eva Luz"}, Idempotency_Key="one")
    checked(answer, 422, "idempotency_key_reused")


def test_no_fact_displaces_a_standard_member() -> None:
    body = problem(409, "conflict", "No.", {"status": "booked", "code": "x", "alternatives": []}).get_json()
    assert (body["status"], body["code"], body["alternatives"]) == (409, "conflict", [])


def test_500_tells_nothing(sqlite_database_url: str) -> None:
    with local(sqlite_database_url) as web:
        with web.service.database.write() as tx:
            tx.exec_driver_sql("DROP TABLE inbox_item")
        checked(web.api("GET", "inbox"), 500, "internal")
