"""Who may call what: every route, every role, every odd key. A new route fails here until somebody decides about it."""

from __future__ import annotations

import re
from itertools import product

import pytest
from sqlalchemy import text

from reminders.store.ids import digest
from tests.house import MONDAY, Local, clinic, configured, local

#: Routes without a key, on purpose. The sandbox exists only without credentials and guards its own API; pages
#: ask for a session instead, see test_pages_show_nothing_without_a_session.
PUBLIC = {
    "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json", "GET /docs", "GET /static/<path:filename>",
    "GET /feeds/<token>.ics", "POST /hooks/twilio/sms", "POST /hooks/twilio/status/<token>", "POST /hooks/twilio/voice/<token>",
    "POST /hooks/connections/<uid:connection_id>", "GET /visit/", "GET /visit/<path:token>", "POST /visit/<path:token>",
}  # fmt: skip
GUARD_THEMSELVES = ("/sandbox/", "/console/", "/manage/")
DESK, READERS, MANAGERS, ADMINS = "desk admin integration", "desk manager admin integration", "manager admin", "admin"
PROGRAMS = "admin integration"
API = "/api/v1/"
ROLES = {
    "GET locations": READERS, "POST locations": ADMINS,
    "GET locations/<uid:item_id>": READERS, "PATCH locations/<uid:item_id>": ADMINS,
    "GET providers": READERS, "POST providers": ADMINS,
    "GET providers/<uid:item_id>": READERS, "PATCH providers/<uid:item_id>": ADMINS,
    "GET providers/<uid:item_id>/exceptions": READERS, "POST providers/<uid:item_id>/exceptions": DESK,
    "DELETE providers/<uid:item_id>/exceptions/<uid:exception_id>": DESK,
    "GET services": READERS, "POST services": ADMINS,
    "GET services/<uid:item_id>": READERS, "PATCH services/<uid:item_id>": ADMINS,
    "GET reminder-policies": READERS, "POST reminder-policies": ADMINS,
    "GET reminder-policies/<uid:item_id>": READERS, "PATCH reminder-policies/<uid:item_id>": ADMINS,
    "GET patients": READERS, "POST patients": DESK,
    "GET patients/<uid:patient_id>": READERS, "PATCH patients/<uid:patient_id>": DESK,
    "GET patients/<uid:patient_id>/messages": READERS,
    "POST patients/<uid:patient_id>/stop": DESK, "POST patients/<uid:patient_id>/start": DESK,
    "POST patients/<uid:patient_id>/pause": DESK, "POST patients/<uid:patient_id>/resume": DESK,
    "POST patients/<uid:patient_id>/merge": DESK, "GET patients/<uid:patient_id>/merges": READERS,
    "POST patient-merges/<uid:merge_id>/undo": DESK,
    "GET slots": READERS, "GET appointments": READERS, "POST appointments": DESK,
    "GET appointments/<uid:visit_id>": READERS, "GET appointments/<uid:visit_id>/reminders": READERS,
    "GET appointments/<uid:visit_id>/history": READERS,
    **{f"POST appointments/<uid:visit_id>/{change}": DESK
       for change in ("confirm", "cancel", "reschedule", "arrive", "fulfil", "no-show", "pause", "resume")},
    "GET change-sets": READERS, "POST change-sets": DESK, "GET change-sets/<uid:set_id>": READERS,
    **{f"POST change-sets/<uid:set_id>/{decision}": DESK for decision in ("release", "undo", "drop")},
    "GET feeds": READERS, "POST feeds": DESK, "GET feeds/<uid:feed_id>": READERS, "DELETE feeds/<uid:feed_id>": DESK,
    "GET dav-credentials": READERS, "POST dav-credentials": DESK,
    "GET dav-credentials/<uid:credential_id>": READERS, "DELETE dav-credentials/<uid:credential_id>": DESK,
    "GET texts": READERS,
    **{f"{method} texts/<string:channel>/<string:language>/<string:template>": roles
       for method, roles in (("GET", READERS), ("PUT", ADMINS), ("DELETE", ADMINS))},
    **{f"POST texts/<string:channel>/<string:language>/<string:template>/{act}": ADMINS for act in ("check", "test")},
    "GET calendar-connections": READERS, "POST calendar-connections": ADMINS,
    "POST calendar-connections/discover": ADMINS, "GET calendar-connections/<uid:connection_id>": READERS,
    "PATCH calendar-connections/<uid:connection_id>": ADMINS, "DELETE calendar-connections/<uid:connection_id>": ADMINS,
    "POST calendar-connections/<uid:connection_id>/test": DESK,
    "POST calendar-connections/<uid:connection_id>/sync": DESK,
    "GET calendar-connections/<uid:connection_id>/runs": READERS,
    "POST calendar-files": DESK, "POST calendar-replies": DESK, "GET sync-conflicts": READERS, "POST sync-conflicts/<uid:conflict_id>/resolve": DESK,
    "GET crm-systems": READERS, "GET crm-connections": READERS, "POST crm-connections": ADMINS,
    "GET crm-connections/<uid:connection_id>": READERS, "PATCH crm-connections/<uid:connection_id>": ADMINS,
    "DELETE crm-connections/<uid:connection_id>": ADMINS, "POST crm-connections/<uid:connection_id>/test": DESK,
    "POST crm-connections/<uid:connection_id>/preview": ADMINS, "POST crm-connections/<uid:connection_id>/sync": DESK,
    "GET crm-connections/<uid:connection_id>/runs": READERS, "GET patients/<uid:patient_id>/links": READERS,
    "GET changes": DESK, "GET webhooks": PROGRAMS, "POST webhooks": PROGRAMS,
    **{f"{method} webhooks/<uid:webhook_id>": PROGRAMS for method in ("GET", "PATCH", "DELETE")},
    **{f"POST webhooks/<uid:webhook_id>/{act}": PROGRAMS for act in ("rotate", "test")},
    "GET webhooks/<uid:webhook_id>/deliveries": PROGRAMS,
    "GET webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>": PROGRAMS,
    "POST webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>/replay": PROGRAMS,
    **{f"{method} external/<string:source>/{what}/<string:external_id>": PROGRAMS
       for method in ("GET", "PUT", "DELETE") for what in ("patients", "appointments")},
    "GET inbox": READERS, "POST inbox/<uid:item_id>/done": DESK, "POST messages": DESK,
    "GET assessments": MANAGERS, "POST assessments": MANAGERS, "GET assessments/<uid:assessment_id>": MANAGERS,
    "POST assessments/<uid:assessment_id>/versions": MANAGERS, "GET assessment-inputs": MANAGERS,
    "GET assessment-presets": MANAGERS, "GET assessment-presets/<name>": MANAGERS,
    "GET vendors": MANAGERS, "POST vendors": MANAGERS, "GET vendors/<uid:vendor_id>": MANAGERS,
    "GET reports/no-shows": MANAGERS, "GET reports/reminder-costs": MANAGERS,
    "GET reports/attendance": MANAGERS, "GET reports/attendance/heat-map": MANAGERS,
    "GET reports/visits": MANAGERS, "GET reports/messages": MANAGERS,
    "GET reports/attendance/repeaters": MANAGERS, "GET reports/savings": MANAGERS, "GET reports/risk": MANAGERS, "GET call-list": DESK, "GET reports/spending": MANAGERS,
    "POST experiments": ADMINS, "GET experiments": MANAGERS, "GET experiments/<uid:experiment_id>": MANAGERS,
    "POST experiments/<uid:experiment_id>/stop": ADMINS,
}  # fmt: skip
EVERY_ROLE = ("desk", "manager", "admin", "integration")


def routes(web: Local) -> set[str]:
    return {
        f"{method} {rule.rule}"
        for rule in web.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_somebody_decided_about_every_route(shared: Local) -> None:
    decided = PUBLIC | {line.replace(" ", f" {API}", 1) for line in ROLES}
    guarded = (*GUARD_THEMSELVES, "/dav", "/.well-known/", "/fhir")  # tests/web/fhir has its own
    found = {line for line in routes(shared) if not line.split(" ")[1].startswith(guarded)}
    found -= {"GET /", "PROPFIND /", "REPORT /"}
    assert found == decided


def called(web: Local, line: str, headers: dict[str, str]) -> tuple[int, str]:
    method, path = line.split(" ")
    answer = web.send(method, API + re.sub(r"<[^>]+>", "x_1", path), None, headers)
    return answer.status, answer.code if answer.headers["Content-Type"] == "application/problem+json" else ""


@pytest.mark.parametrize("line", ROLES)
def test_no_route_answers_without_a_key(shared: Local, line: str) -> None:
    assert called(shared, line, {}) == (401, "unauthenticated")


@pytest.mark.parametrize(("line", "role"), list(product(ROLES, EVERY_ROLE)))
def test_a_route_answers_exactly_its_roles(shared: Local, line: str, role: str) -> None:
    status, code = called(shared, line, {"Authorization": f"Bearer {shared.key(role)}"})
    if role in ROLES[line].split():
        assert status not in {401, 403, 500}
    else:
        assert (status, code) == (403, "forbidden")


@pytest.mark.parametrize("line", sorted(PUBLIC))
def test_an_open_route_asks_for_no_key(shared: Local, line: str) -> None:
    method, path = line.split(" ")
    answer = shared.send(method, re.sub(r"<[^>]+>", "x_1", path), None, {})
    assert answer.status not in {401, 500}
    assert answer.status == 403 or not path.startswith("/hooks")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic {key}", "{key}", "Bearer {key}x", "Bearer x{key}", "Bearer {upper}", "Bearer \xff",
     "Bearer {key} {key}", "Token {key}", "Bearer " + "x" * 10_000, "Bearer ' OR 1=1 --"],
)  # fmt: skip
def test_only_the_exact_key_opens(shared: Local, header: str | None) -> None:
    key = shared.key("admin")
    headers = {"Authorization": header.format(key=key, upper=key.upper())} if header is not None else {}
    answer = shared.send("GET", API + "patients", None, headers)
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_ends_at_once(web: Local) -> None:
    access = web.service.use_cases.access
    key = web.key("desk")
    assert web.get("patients")["items"]
    assert access.revoke(access.check(key).key_id)
    assert web.api("GET", "patients").status == 401
    assert not access.revoke("key_unknown")


def test_the_database_holds_no_key(web: Local) -> None:
    keys = [web.key(role) for role in EVERY_ROLE]
    with web.service.database.read() as tx:
        stored = tx.execute(text("SELECT * FROM api_key")).mappings().all()
    assert {row["hash"] for row in stored} == {digest(key) for key in keys}
    assert not any(key in str(dict(row)) for row in stored for key in keys)
    assert all(len(key) >= 43 for key in keys)


def test_with_credentials_there_is_no_sandbox(sqlite_database_url: str) -> None:
    real = configured(sqlite_database_url, "http://clinic.test")
    assert real.sandboxed
    changes = {"twilio_account_sid": "AC" + "1" * 32, "twilio_auth_token": "t", "twilio_from_number": "+15005550006"}
    with local(sqlite_database_url, **changes) as web:
        assert not any("/sandbox" in line for line in routes(web))


def test_pages_show_nothing_without_a_session(shared: Local) -> None:
    pages = [line for line in routes(shared) if re.search("/(console|manage)/", line) and "static" not in line]
    assert len(pages) > 30
    for line in sorted(pages):
        method, path = line.split(" ")
        answer = shared.send(method, re.sub(r"<[^>]+>", "x_1", path), None, {})
        assert answer.status in {303, 403} or path in {"/console/sign-in", "/manage/sign-in"}, line
        assert "Ana Ruiz" not in answer.text


def test_a_visit_of_another_role_is_told_apart_in_history(web: Local) -> None:
    """History names the key that acted, never a person."""
    access = web.service.use_cases.access
    visit = web.post("appointments", {
        "service_id": web.ids["service"], "provider_id": web.ids["provider"], "patient_id": web.ids["patient"],
        "start": "2030-05-08T09:00:00+02:00",
    }, role="integration")  # fmt: skip
    web.post(f"appointments/{visit['id']}/cancel", {"reason": "ill"})
    actors = [
        (item["change"], item["actor"], item["channel"])
        for item in web.get(f"appointments/{visit['id']}/history")["items"]
    ]
    names = {role: access.check(web.key(role)).key_id for role in ("integration", "desk")}
    assert actors == [("book", names["integration"], "api"), ("cancel", names["desk"], "api")]


def test_clinic_times_are_the_houses(shared: Local) -> None:
    assert shared.clock.now() == MONDAY
    assert clinic(shared, patient={"phone": None})
