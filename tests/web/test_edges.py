"""What the service shows of itself: rate limits, headers, health, metrics, documentation."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from reminders.store import circuits
from tests.house import Local, book, clinic, local


def test_calls_are_counted_per_key(sqlite_database_url: str) -> None:
    with local(sqlite_database_url, rate_limit="5/minute") as web:
        answers = [web.api("GET", "patients") for _ in range(6)]
        assert [answer.status for answer in answers] == [200] * 5 + [429]
        assert answers[-1].code == "rate_limited"
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert web.api("POST", "patients", {"name": "Eva Sol"}).status == 429
        assert web.api("GET", "patients", role="manager").status == 200
        assert web.send("GET", "/healthz", None, {}).status == 200


def test_providers_and_probes_are_not_counted(sqlite_database_url: str) -> None:
    with local(sqlite_database_url, rate_limit="2/minute") as web:
        for number in range(5):
            assert web.sms("+34600000099", "hello", f"SM{number}").status == 200
            assert web.send("GET", "/metrics", None, {}).status == 200


@pytest.mark.parametrize(
    "target", ["/api/v1/patients", "/api/v1/nowhere", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/nowhere",
               "/hooks/twilio/sms", "/sandbox/", "/static/pages.css", "/console/sign-in", "/"],
)  # fmt: skip
def test_every_answer_carries_the_safe_headers(shared: Local, target: str) -> None:
    answer = shared.send("GET", target, None, {})
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "Set-Cookie" not in answer.headers or "HttpOnly" in answer.headers["Set-Cookie"]
    assert "Server" not in answer.headers
    assert "no-store" in answer.headers["Cache-Control"] or "static" in target


def test_documentation_is_open_and_complete(shared: Local) -> None:
    page = shared.send("GET", "/docs", None, {}).text
    spec = shared.send("GET", "/openapi.json", None, {}).json()
    assert spec["openapi"].startswith("3.1")
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in shared.client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    }
    assert set(spec["paths"]) == rules
    for path, operations in spec["paths"].items():
        assert path in page
        for operation in operations.values():
            assert operation["summary"]
            assert "default" in operation["responses"]
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}
    for link in re.findall(r'(?:href|src)="(/[^"]+)"', page):
        assert shared.send("GET", link, None, {}).status == 200, link
    assert "<script" not in page


def test_no_part_of_the_description_is_empty(shared: Local) -> None:
    """Every answer that has a body says what is in it."""
    spec = shared.send("GET", "/openapi.json", None, {}).json()
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status not in {"204", "default"}:
                    assert answer["content"]["application/json"]["schema"], (method, path)


def test_ready_only_while_a_worker_ticks(web: Local) -> None:
    def ready() -> tuple[int, dict[str, object]]:
        answer = web.send("GET", "/readyz", None, {})
        return answer.status, answer.json()

    assert ready()[0] == 503
    web.tick()
    assert ready() == (
        200,
        {
            "status": "ready",
            "database": True,
            "worker": True,
            "last_tick": web.clock.now().isoformat(),
            "refused": [],
        },
    )
    web.clock.advance(timedelta(seconds=59))
    assert ready()[0] == 200
    web.clock.advance(timedelta(seconds=2))
    status, body = ready()
    assert (status, body["database"], body["worker"]) == (503, True, False)
    web.tick()
    assert ready()[0] == 200


def test_a_refused_account_is_named_and_the_desk_keeps_its_console(web: Local) -> None:
    web.tick()
    now = web.clock.now()
    with web.service.database.write() as tx:
        circuits.trip(tx, "AC1", now, now + timedelta(seconds=30), 20003)
    answer = web.send("GET", "/readyz", None, {})
    refused = {
        "provider": "messages", "since": now.isoformat(), "retry_at": (now + timedelta(seconds=30)).isoformat(),
        "error_code": 20003,
    }  # fmt: skip
    assert (answer.status, answer.json()["refused"]) == (200, [refused])
    assert "AC1" not in answer.text
    assert 'reminders_account_refused{provider="messages"} 1.0' in web.send("GET", "/metrics", None, {}).text


@pytest.mark.parametrize("broken", ["DROP TABLE heartbeat", "UPDATE alembic_version SET version_num = 'older'"])
def test_not_ready_with_a_broken_database(database_url: str, broken: str) -> None:
    with local(database_url) as web:
        web.tick()
        with web.service.database.write() as tx:
            tx.exec_driver_sql(broken)
        answer = web.send("GET", "/readyz", None, {})
        assert (answer.status, answer.json()["database"]) == (503, False)
        assert web.send("GET", "/healthz", None, {}).status == 200
        assert web.send("GET", "/metrics", None, {}).status == 200


def test_not_ready_without_any_database(tmp_path_factory: pytest.TempPathFactory) -> None:
    nowhere = tmp_path_factory.mktemp("gone") / "missing" / "reminders.db"
    with local(f"sqlite:///{nowhere}") as web:
        assert web.send("GET", "/readyz", None, {}).status == 503
        assert web.send("GET", "/healthz", None, {}).status == 200
        assert web.send("GET", "/metrics", None, {}).status == 200
        assert web.send("GET", "/api/v1/patients", None, {"Authorization": "Bearer x"}).status in {500, 503}


def test_metrics_count_and_tell_nothing_personal(alone: Local) -> None:
    def booked() -> float:
        line = r'^reminders_http_answers_total\{route="appointments.book",status="201"\} (\S+)'
        found = re.search(line, alone.send("GET", "/metrics", None, {}).text, re.M)
        return float(found[1]) if found else 0.0

    before = booked()
    visit = book(alone, alone.ids, "2030-05-08T09:00:00+02:00")
    assert booked() == before + 1
    alone.tick(seconds=30)  # a worker beats every ten seconds, and this one may have worked for another test
    alone.get(f"appointments/{visit['id']}")
    alone.get("patients", q="Ana", phone="+34600000010")
    text = alone.send("GET", "/metrics", None, {}).text
    assert re.search(r"^reminders_sql_statements_total [1-9]", text, re.M)
    assert re.search(r"^reminders_clock_age_seconds 0", text, re.M)
    assert re.search(r'reminders_http_seconds_bucket\{le="[\d.]+",route="appointments.book"\} [1-9]', text)
    for secret in ("Ana", "Ruiz", "600000010", "Check-up", visit["id"], alone.key("desk")):
        assert secret not in text


def test_health_needs_no_database_work(alone: Local) -> None:
    before = alone.service.database.statements
    assert alone.send("GET", "/healthz", None, {}).json() == {"status": "ok"}
    assert alone.service.database.statements == before


def test_a_slot_search_takes_two_statements(shared: Local) -> None:
    """One for the key and the catalogue's version, one for what is booked."""
    query = {"service_id": shared.ids["service"], "first": "2030-05-08T00:00:00Z", "last": "2030-06-08T00:00:00Z"}
    shared.get("slots", **query)
    before = shared.service.database.statements
    assert shared.get("slots", **query)["items"]
    assert shared.service.database.statements - before <= 2


def test_another_process_changes_the_clinic(web: Local) -> None:
    """A second web process sees at once what the first has changed."""
    with local(web.service.settings.database_url) as other:
        other.keys = web.keys
        added = clinic(other, patient={"phone": "600 000 011"})
        query = {"service_id": added["service"], "first": "2030-05-08T00:00:00Z", "last": "2030-05-09T00:00:00Z"}
        assert len(web.get("slots", **query)["items"]) == 16
        web.patch(f"services/{added['service']}", {"duration_minutes": 60}, role="admin")
        assert len(other.get("slots", **query)["items"]) == 15


def test_the_region_of_a_venues_holidays_can_be_changed_and_emptied(web: Local) -> None:
    path = f"locations/{web.ids['location']}"
    changes = {"country": "DE", "holiday_region": "BY", "observes_holidays": True}
    assert web.patch(path, changes, role="admin")["holiday_region"] == "BY"
    window = {
        "service_id": web.ids["service"],
        "first": "2030-06-20T00:00:00+02:00",
        "last": "2030-06-21T00:00:00+02:00",
    }
    assert web.get("slots", **window)["items"] == []  # Corpus Christi, in Bavaria
    assert web.patch(path, {"holiday_region": None}, role="admin")["holiday_region"] is None
    assert web.get("slots", **window)["items"]
