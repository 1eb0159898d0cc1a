"""Requests that are wrong as a whole: broken JSON, unknown fields, odd queries and headers, on every route that reads them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import structlog

from tests.house import Local, book, booking, clinic, local

WRITES = [
    ("POST", "locations"), ("PATCH", "locations/{location}"), ("POST", "providers"), ("PATCH", "providers/{provider}"),
    ("POST", "providers/{provider}/exceptions"), ("POST", "services"), ("PATCH", "services/{service}"),
    ("POST", "reminder-policies"), ("PATCH", "reminder-policies/{policy}"), ("POST", "patients"),
    ("PATCH", "patients/{patient}"), ("POST", "patients/{patient}/stop"), ("POST", "patients/{patient}/start"),
    ("POST", "patients/{patient}/pause"), ("POST", "patients/{patient}/resume"),
    ("POST", "appointments/{visit}/pause"), ("POST", "appointments/{visit}/resume"),
    ("POST", "appointments"), ("POST", "appointments/{visit}/confirm"), ("POST", "appointments/{visit}/cancel"),
    ("POST", "appointments/{visit}/reschedule"), ("POST", "appointments/{visit}/arrive"),
    ("POST", "appointments/{visit}/fulfil"), ("POST", "appointments/{visit}/no-show"), ("POST", "messages"),
    ("POST", "inbox/inb_1/done"),
]  # fmt: skip
LISTS = ["locations", "providers", "services", "reminder-policies", "patients", "appointments", "inbox"]
NO_JSON = [b"{", b"{'a': 1}", b"{\"a\": }", b"\xff\xfe\x00", b"{\"a\": NaN}", b"{\"a\": Infinity}", b"{\"a\": " + b"9" * 5000 + b"}",
           b"[" * 100_000, b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"{} {}", b"\xed\xa0\x80"]  # fmt: skip
NO_OBJECT = [b"[]", b"[{}]", b'"text"', b"5", b"true", b"null"]


@pytest.fixture(scope="module", autouse=True)
def _visit(shared: Local) -> None:
    shared.ids["visit"] = book(shared, shared.ids, "2030-05-09T09:00:00+02:00")["id"]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_every_write_refuses_what_is_not_a_json_object(shared: Local, method: str, path: str) -> None:
    path = path.format(**shared.ids)
    for data in NO_JSON:
        answer = shared.api(method, path, data=data, role="admin")
        assert (answer.status, answer.code) == (400, "malformed"), data[:40]
    for data in NO_OBJECT:
        answer = shared.api(method, path, data=data, role="admin")
        assert (answer.status, answer.fields) == (422, {"body"}), data


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("field", ["nonsense", "nam\ud800e", "__proto__", "id", "a" * 500, "\x00"])
def test_every_write_refuses_unknown_fields_by_name(shared: Local, method: str, path: str, field: str) -> None:
    answer = shared.api(method, path.format(**shared.ids), {field: 1}, role="admin")
    assert answer.status == 422
    if field.isascii():
        assert (field, "unknown_field") in {(item["field"], item["code"]) for item in answer.json()["errors"]}


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""]
)
def test_every_write_wants_json_that_says_so(shared: Local, method: str, path: str, kind: str) -> None:
    answer = shared.api(method, path.format(**shared.ids), data=b'{"name": "x"}', role="admin", Content_Type=kind)
    assert (answer.status, answer.code) == (415, "not_json")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_no_write_takes_more_than_a_megabyte(shared: Local, method: str, path: str) -> None:
    answer = shared.api(
        method, path.format(**shared.ids), data=b'{"name": "' + b"x" * 1024 * 1024 + b'"}', role="admin"
    )
    assert (answer.status, answer.code) == (413, "too_large")


@pytest.mark.parametrize("change", ["confirm", "cancel"])
def test_a_change_that_needs_no_body_takes_none(web: Local, change: str) -> None:
    visit = book(web, web.ids, "2030-05-09T09:00:00+02:00")
    answer = web.api("POST", f"appointments/{visit['id']}/{change}")
    assert answer.status == 200, answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *[({"limit": value}, "limit") for value in ("0", "-1", "501", "x", "", "1e2", "9" * 40, "1.5", "\x00")],
        *[({"cursor": value}, "cursor") for value in ("x", "AAAA", "....", "ö", "\x00", "9" * 101, "-")],
        ({"nonsense": "1"}, "nonsense"),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", LISTS)
def test_every_list_refuses_an_odd_query_by_name(shared: Local, path: str, query: dict[str, str], field: str) -> None:
    answer = shared.api("GET", path, query=query)
    assert (answer.status, answer.fields) == (422, {field}), answer.text


def forged(*numbers: object) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


@pytest.mark.parametrize("first", [2**62, -(2**62), 2**62 - 1, -(2**62) + 1, 2**80, "", "x", 1.5, "١"], ids=str)
def test_forged_cursors_are_refused_or_harmless(both: Local, first: object) -> None:
    for path in LISTS:
        for cursor in (forged(first), forged(first, 1), forged(1, first), forged(first, first, first)):
            answer = both.api("GET", path, query={"cursor": cursor})
            assert answer.status in {200, 422}, (path, cursor, answer.text)
            assert answer.status == 200 or answer.fields == {"cursor"}


ODD_TEXTS = ["\x00", "a\x00b", "%", "_", "'", "\\", "\ufffd", "\u202e", "x" * 100, "İ", "ß", "a\nb", "\x1b[0m"]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_searching_for_odd_text_finds_nothing_and_breaks_nothing(both: Local, text: str) -> None:
    answer = both.api("GET", "patients", query={"q": text})
    assert answer.status in {200, 422}, answer.text
    if answer.status == 200:
        assert answer.json()["items"] == []
    else:
        assert answer.fields == {"q"}


@pytest.mark.parametrize("text", ["\x00", "abc", "1", "+" + "9" * 39, "'"], ids=ascii)
def test_searching_for_an_odd_number_is_refused_by_name(both: Local, text: str) -> None:
    answer = both.api("GET", "patients", query={"phone": text})
    assert (answer.status, answer.fields) == (422, {"phone"}), answer.text


MOMENTS = [
    "2030-05-07", "2030-05-07T09:00:00", "1893456000", "", "x", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2030-05-07T09:00:00+99:00", "\x00", "P1D",
]  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS, ids=ascii)
@pytest.mark.parametrize("field", ["from", "to"])
@pytest.mark.parametrize("path", ["appointments", "slots"])
def test_a_window_needs_times_that_can_be(both: Local, path: str, field: str, moment: str) -> None:
    good = {"from": "2030-05-07T09:00:00Z", "to": "2030-05-08T09:00:00Z"}
    query = good | {field: moment} | ({"service_id": both.ids["service"]} if path == "slots" else {})
    answer = both.api("GET", path, query=query)
    assert (answer.status, answer.fields) == (422, {field}), answer.text


def test_times_at_the_edge_of_what_is_taken(both: Local) -> None:
    edges = ["1900-01-01T00:00:00+14:00", "2199-12-31T23:59:59-12:00"]
    for first in edges:
        for last in edges:
            assert both.api("GET", "appointments", query={"first": first, "last": last}).status == 200
            slots = both.api("GET", "slots", query={"service_id": both.ids["service"], "first": first, "last": last})
            assert slots.status in {200, 422}, slots.text
            assert both.api("POST", "appointments", booking(both.ids, first)).status in {409, 422}
            assert both.api("POST", "appointments", booking(both.ids, last, override=True)).status in {201, 409, 422}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422), ({"service_id": "svc_unknown"}, 404), ({"provider_id": "prv_unknown"}, 404), ({"location_id": "loc_unknown"}, 404),
        ({"service_id": "\x00"}, 422), ({"limit": "0"}, 422), ({"limit": "5001"}, 422), ({"last": "2031-05-07T09:00:00Z"}, 422),
        ({"last": "2030-05-01T09:00:00Z"}, 200), ({"cursor": "x"}, 422), ({"nonsense": "x"}, 422),
    ],
)  # fmt: skip
def test_slots_query(shared: Local, query: dict[str, str], status: int) -> None:
    good = {"service_id": shared.ids["service"], "first": "2030-05-07T09:00:00Z", "last": "2030-05-08T09:00:00Z"}
    answer = shared.api("GET", "slots", query=good | query if query else {})
    assert answer.status == status, answer.text


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2030-02-30"}, "from"), ({"from": "1893456000"}, "from"), ({"from": "2030-05-07T09:00:00Z"}, "from"), ({"to": "x"}, "to"),
        ({"from": "1000-01-01"}, "from"), ({"by": "patient"}, "by"), ({"by": ""}, "by"), ({"x": "1"}, "x"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["reports/no-shows", "reports/reminder-costs"])
def test_report_query(shared: Local, path: str, query: dict[str, str], field: str) -> None:
    answer = shared.api("GET", path, query=query, role="manager")
    assert (answer.status, answer.fields) == (422, {field}), answer.text


@pytest.mark.parametrize("key", ["", " ", "two words", "tab\there", "x" * 201, "clé", "\x7f"])
def test_an_odd_idempotency_key_is_refused_by_name(shared: Local, key: str) -> None:
    answer = shared.api("POST", "patients", {"name": "Eva Sol"}, Idempotency_Key=key)
    assert (answer.status, answer.fields) == (422, {"Idempotency-Key"})


@pytest.mark.parametrize(
    "value", ['"0"', '"99"', "1", "x", '"x"', '"1', "9" * 400, '"' + "9" * 400 + '"', "W/", '""', "\xff"]
)
def test_an_if_match_that_is_not_the_version_changes_nothing(shared: Local, value: str) -> None:
    before = shared.get(f"appointments/{shared.ids['visit']}")
    for change in ("confirm", "cancel", "arrive", "fulfil", "no-show"):
        answer = shared.api("POST", f"appointments/{shared.ids['visit']}/{change}", {}, If_Match=value)
        assert (answer.status, answer.code) == (412, "version_mismatch")
    answer = shared.api("PATCH", f"patients/{shared.ids['patient']}", {"name": "Other"}, If_Match=value)
    assert answer.status == 412
    assert shared.get(f"appointments/{shared.ids['visit']}") == before


@pytest.mark.parametrize(
    "target", ["/api/v1/appointments/%00", "/api/v1/appointments/%ff", "/api/v1/appointments/..%2f..", "/api/v1/patients/A",
               "/api/v1/patients/" + "a" * 41, "/api/v1/nothing", "/api/v1/", "/%", "/api/v1/appointments/apt_1?%ff=%ff&=&&"],
)  # fmt: skip
def test_odd_addresses_are_not_found(shared: Local, target: str) -> None:
    answer = shared.send("GET", target, None, {"Authorization": f"Bearer {shared.key('admin')}"})
    assert (answer.status, answer.code) == (404, "not_found")


PATCHES = [
    ("locations/{location}", {"name": None, "phone": None}, {"name": "Clinica Norte", "phone": None}),
    ("providers/{provider}", {"name": None, "hours": None}, {"name": "Dr Vega"}),
    ("services/{service}", {"duration_minutes": None}, {"duration_minutes": 30}),
    ("reminder-policies/{policy}", {"name": None}, {"name": "Two nudges"}),
    ("patients/{patient}", {"name": None, "language": None}, {"name": "Ana Ruiz", "language": None}),
]


@pytest.mark.parametrize(("path", "body", "shown"), PATCHES)
def test_null_in_a_change_empties_what_may_be_empty_and_leaves_the_rest(
    web: Local, path: str, body: dict[str, Any], shown: dict[str, Any]
) -> None:
    changed = web.patch(path.format(**web.ids), body, role="admin")
    assert changed | shown == changed


@pytest.mark.parametrize("path", [path for method, path in WRITES if method == "PATCH"])
def test_an_empty_change_changes_nothing(both: Local, path: str) -> None:
    path = path.format(**both.ids)
    before = both.get(path)
    assert both.patch(path, {}, role="admin") == before
    assert both.get(path) == before


def test_a_clinic_without_anything_answers(database_url: str) -> None:
    """Lists, searches and texts before the first location exists."""
    with local(database_url) as web:
        for path in LISTS:
            assert web.get(path) == {"items": [], "next_cursor": None}
        assert web.api("POST", "patients", {"name": "Eva Sol", "phone": "+34 600 000 011"}).status == 201
        assert (
            web.api(
                "POST",
                "appointments",
                booking(dict.fromkeys(("service", "provider", "patient"), "x_1"), "2030-05-07T09:00:00Z"),
            ).status
            == 404
        )
        note = {"patient_id": web.get("patients")["items"][0]["id"], "text": "Please call us"}
        assert web.api("POST", "messages", note).status == 201
        with structlog.testing.capture_logs() as logged:
            web.tick()
        assert [entry for entry in logged if entry["log_level"] not in {"debug", "info"}] == []
        for text in ("1", "hello there", "STOP", "START", "HELP", "2", "3", "thank you"):
            answer = web.sms("+34600000011", text, f"SM{text[:3]}")
            assert answer.status == 200, text
        assert clinic(web)
