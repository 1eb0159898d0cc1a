"""Others are told of changes: signed, once more when that failed, and no longer when nobody is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from reminders.domain.webhook import WAITS
from reminders.store import webhooks
from reminders.wiring.service import build
from tests.house import Api, book, local
from tests.receiver import Receiver, receiver
from tests.seeded import Seed

TEN, ELEVEN, NOON = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00", "2030-05-07T12:00:00+02:00"


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def opened(seed: Seed) -> Api:
    house = seed.local(private_networks="127.0.0.0/8")
    house.tick(seconds=1)
    return house


@pytest.fixture
def house(seeded_sqlite: Seed) -> Api:
    return opened(seeded_sqlite)


@pytest.fixture
def either(seeded: Seed) -> Api:
    """On both kinds of database: what depends on their locks and queries."""
    return opened(seeded)


def subscribe(house: Api, there: Receiver, **more: Any) -> Any:
    return house.post("webhooks", {"url": there.url} | more, role="integration")


def show(house: Api, hook: Any) -> Any:
    return house.get(f"webhooks/{hook['id']}", role="integration")


def log(house: Api, hook: Any, **query: Any) -> list[Any]:
    items: list[Any] = house.get(f"webhooks/{hook['id']}/deliveries", role="integration", **query)["items"]
    return items


def test_the_life_of_a_visit_is_told(either: Api, there: Receiver) -> None:
    hook = subscribe(either, there)
    visit = book(either, either.ids, TEN)
    path = f"appointments/{visit['id']}"
    either.tick(seconds=1)
    either.post(f"{path}/confirm")
    moved = either.post(f"{path}/reschedule", {"start": ELEVEN})
    either.tick(seconds=1)
    either.post(f"{path}/cancel", {"reason": "flu"})
    either.patch(f"patients/{either.ids['patient']}", {"name": "Ana Ruiz Gil"})
    either.tick(seconds=1)

    assert there.types == [
        "appointment.booked", "appointment.confirmed", "appointment.rescheduled", "appointment.cancelled",
        "patient.changed",
    ]  # fmt: skip
    assert all(one.signed_with(hook["secret"]) for one in there.got)
    assert len({one.id for one in there.got}) == 5
    first, last = there.got[0].event, there.got[3].event
    assert first["data"] == {
        "id": visit["id"], "status": "booked", "confirmation": "unconfirmed", "start": TEN, "end": visit["end"],
        "version": 1, "patient_id": either.ids["patient"], "provider_id": either.ids["provider"],
        "service_id": either.ids["service"], "location_id": either.ids["location"],
    }  # fmt: skip
    assert (last["data"]["status"], last["data"]["start"]) == ("cancelled", moved["start"])
    assert there.got[4].event["data"]["id"] == either.ids["patient"]
    assert not any(word in one.body for one in there.got for word in (b"Ana", b"+34", b"flu"))
    assert there.got[0].headers["content-type"] == "application/json"
    assert [one["state"] for one in log(either, hook)] == ["delivered"] * 5
    assert show(either, hook)["waiting"] == 0


def test_only_what_was_asked_for(house: Api, there: Receiver) -> None:
    subscribe(house, there, events=["appointment.cancelled", "patient.*"])
    visit = book(house, house.ids, TEN)
    house.post(f"appointments/{visit['id']}/cancel", {})
    house.tick(seconds=1)
    assert there.types == ["appointment.cancelled"]


def test_a_failed_delivery_is_tried_again_under_the_same_id(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    there.answers = [(500, {}), (302, {"Location": "http://127.0.0.1:1/"})]
    book(house, house.ids, TEN)
    house.tick(seconds=1)
    (waiting,) = log(house, hook)
    assert (waiting["state"], waiting["tries"]) == ("pending", 1)
    assert (show(house, hook)["failures"], show(house, hook)["last_error"]) == (1, "http_500")
    house.tick(seconds=3)
    assert len(there.got) == 1
    house.tick(seconds=3)
    house.tick(minutes=6)
    assert len(there.got) == 3
    assert len({(one.id, one.body) for one in there.got}) == 1
    assert len({one.headers["webhook-timestamp"] for one in there.got}) == 3
    assert all(one.signed_with(hook["secret"]) for one in there.got)
    seen = house.get(f"webhooks/{hook['id']}/deliveries/{waiting['id']}", role="integration")
    assert [(one["status"], one["error"]) for one in seen["log"]] == [(500, "http_500"), (302, "http_302"), (204, None)]
    assert (seen["state"], seen["body"].encode()) == ("delivered", there.got[0].body)
    assert show(house, hook)["failures"] == 0


def test_retry_after_is_obeyed(house: Api, there: Receiver) -> None:
    subscribe(house, there)
    there.answers = [(429, {"Retry-After": "3600"})]
    book(house, house.ids, TEN)
    house.tick(seconds=1)
    book(house, house.ids, ELEVEN)
    for _ in range(5):
        house.tick(minutes=11)
    assert len(there.got) == 1
    house.tick(minutes=10)
    assert len(there.got) == 3


def test_who_is_gone_is_told_nothing_more(either: Api, there: Receiver) -> None:
    hook = subscribe(either, there)
    there.answers = [(410, {})]
    visit = book(either, either.ids, TEN)
    either.tick(seconds=1)
    shown = show(either, hook)
    assert (shown["state"], shown["state_reason"]) == ("disabled", "gone")
    assert [item["reason"] for item in either.get("inbox")["items"]] == ["webhook_disabled"]
    either.post(f"appointments/{visit['id']}/confirm")
    either.tick(hours=30)
    assert len(there.got) == 1
    either.patch(f"webhooks/{hook['id']}", {"paused": False}, role="integration")
    either.post(f"appointments/{visit['id']}/cancel", {})
    either.tick(seconds=1)
    assert there.types == ["appointment.booked", "appointment.cancelled"]


def test_a_dead_receiver_is_given_up(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    there.answer = (503, {})
    book(house, house.ids, TEN)
    house.tick(seconds=1)
    for wait in WAITS:
        assert show(house, hook)["state"] == "active"
        house.tick(seconds=wait.total_seconds() * 1.2 + 1)
    assert len(there.got) == len(WAITS) + 1
    shown = show(house, hook)
    assert (shown["state"], shown["state_reason"]) == ("disabled", "given_up")
    assert [one["state"] for one in log(house, hook, state="failed")] == ["failed"]
    assert [item["reason"] for item in house.get("inbox")["items"]].count("webhook_disabled") == 1


def test_one_message_that_cannot_be_taken_stops_nothing(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    there.answers = [(400, {})]
    book(house, house.ids, TEN)
    house.tick(seconds=1)
    book(house, house.ids, ELEVEN)
    house.tick(seconds=3)
    assert len(there.got) == 2
    for wait in WAITS:
        there.answers = [(400, {})]
        house.tick(seconds=wait.total_seconds() * 1.2 + 1)
    assert [one["state"] for one in log(house, hook)] == ["delivered", "failed"]
    assert show(house, hook)["state"] == "active"
    assert "webhook_disabled" not in [item["reason"] for item in house.get("inbox")["items"]]


def test_secrets_are_changed_over_in_peace(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    fresh = house.post(f"webhooks/{hook['id']}/rotate", role="integration")
    assert fresh["secret"] != hook["secret"]
    assert fresh["old_secret_until"] is not None
    book(house, house.ids, TEN)
    house.tick(seconds=1)
    house.tick(hours=25)
    book(house, house.ids, "2030-05-08T10:00:00+02:00")
    house.tick(seconds=1)
    both, one = there.got
    assert both.signed_with(hook["secret"])
    assert both.signed_with(fresh["secret"])
    assert (one.signed_with(hook["secret"]), one.signed_with(fresh["secret"])) == (False, True)
    assert show(house, hook)["old_secret_until"] is None


def test_a_delivery_is_replayed_by_its_id(either: Api, there: Receiver) -> None:
    hook = subscribe(either, there)
    book(either, either.ids, TEN)
    either.tick(seconds=1)
    (made,) = log(either, hook)
    again = either.post(f"webhooks/{hook['id']}/deliveries/{made['id']}/replay", role="integration")
    assert (again["state"], again["event_id"]) == ("pending", made["event_id"])
    either.tick(seconds=1)
    assert [(one.id, one.body) for one in there.got] == [(made["event_id"], there.got[0].body)] * 2
    assert log(either, hook)[0]["state"] == "delivered"
    missing = either.api("POST", f"webhooks/{hook['id']}/deliveries/dlv_1/replay", {}, role="integration")
    assert missing.status == 404


def test_what_happens_during_a_pause_is_kept(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    house.patch(f"webhooks/{hook['id']}", {"paused": True}, role="integration")
    book(house, house.ids, TEN)
    house.tick(hours=1)
    assert (there.got, show(house, hook)["waiting"]) == ([], 1)
    house.patch(f"webhooks/{hook['id']}", {"paused": False}, role="integration")
    house.tick(seconds=1)
    assert there.types == ["appointment.booked"]


def test_a_test_says_what_came_back(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there, events=["patient.*"])
    path = f"webhooks/{hook['id']}/test"
    good = house.post(path, role="integration")
    assert (good["ok"], good["status"]) == (True, 204)
    assert (there.types, there.got[0].signed_with(hook["secret"])) == (["webhook.test"], True)
    there.answers = [(404, {})]
    bad = house.post(path, role="integration")
    assert (bad["ok"], bad["status"], bad["error"]) == (False, 404, "http_404")


def test_removed_is_removed(either: Api, there: Receiver) -> None:
    hook = subscribe(either, there)
    book(either, either.ids, TEN)
    either.tick(seconds=1)
    assert either.api("DELETE", f"webhooks/{hook['id']}", role="integration").status == 204
    book(either, either.ids, ELEVEN)
    either.tick(seconds=1)
    assert len(there.got) == 1
    assert either.get("webhooks", role="integration")["items"] == []
    assert either.api("GET", f"webhooks/{hook['id']}", role="integration").status == 404


def test_who_may_do_what(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    for role in ("desk", "manager"):
        assert house.api("GET", "webhooks", role=role).status == 403
        assert house.api("POST", "webhooks", {"url": there.url}, role=role).status == 403
        assert house.api("POST", f"webhooks/{hook['id']}/rotate", {}, role=role).status == 403
    assert [one["id"] for one in house.get("webhooks", role="admin")["items"]] == [hook["id"]]


@pytest.mark.parametrize("body", [
    {"url": "ftp://example.org/"}, {"url": "https://me:word@example.org/"}, {"url": "https:///x"},
    {"url": "http://203.0.113.7/"}, {"url": "https://192.168.0.7/"}, {"url": "https://[::1]/"},
    {"url": "https://169.254.169.254/latest"}, {"url": "https://example.org/", "events": ["visit.booked"]},
    {"url": "https://example.org/", "events": []}, {"url": "https://example.org/", "secret": "whsec_x"},
])  # fmt: skip
def test_what_is_no_webhook(empty_sqlite_url: str, body: dict[str, Any]) -> None:
    with local(empty_sqlite_url) as house:
        assert house.api("POST", "webhooks", body, role="admin").status == 422


def test_no_name_leads_behind_the_firewall(empty_sqlite_url: str) -> None:
    """The address is looked at when it is connected to, whatever the name resolved to before."""
    with local(empty_sqlite_url) as house, receiver() as there:
        port = there.url.split(":")[2].split("/")[0]
        hook = house.post("webhooks", {"url": f"https://localhost:{port}/"}, role="admin")
        outcome = house.post(f"webhooks/{hook['id']}/test", role="admin")
        assert (outcome["ok"], outcome["error"], there.got) == (False, "address_refused", [])


def test_secrets_are_unreadable_in_the_database_and_logs_say_little(house: Api, there: Receiver) -> None:
    hook = subscribe(house, there)
    rotated = house.post(f"webhooks/{hook['id']}/rotate", role="integration")
    there.answers = [(500, {})]
    book(house, house.ids, TEN)
    with capture_logs() as lines:
        house.tick(seconds=1)
    (line,) = [one for one in lines if one["event"] == "webhook.failed"]
    assert (line["webhook"], line["error"]) == (hook["id"], "http_500")
    assert "127.0.0.1" not in str(lines)
    with house.service.database.read() as tx:
        (row,) = tx.execute(text("SELECT * FROM webhook")).all()
    assert hook["secret"][6:] not in str(row)
    assert rotated["secret"][6:] not in str(row)
    assert "secret" not in show(house, hook)


def test_no_transaction_is_open_while_the_receiver_thinks(either: Api, there: Receiver) -> None:
    subscribe(either, there)
    there.during = lambda: book(either, either.ids, TEN) if len(there.got) == 1 else None
    either.patch(f"patients/{either.ids['patient']}", {"name": "Ana R"})
    either.tick(seconds=1)
    either.tick(seconds=1)
    assert there.types == ["patient.changed", "appointment.booked"]


def test_workers_do_not_send_the_same_twice(either: Api, there: Receiver) -> None:
    """Two processes at the same moment: each delivery is made by one of them."""
    for _ in range(3):
        subscribe(either, there)
    other = build(either.service.settings, either.clock)
    gate = threading.Barrier(2)

    def sweep(service: Any) -> None:
        gate.wait()
        for _ in range(6):
            service.worker.tick()

    for hour in range(9, 15):
        book(either, either.ids, f"2030-05-07T{hour:02}:00:00+02:00")
    threads = [threading.Thread(target=sweep, args=(one,)) for one in (either.service, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert len(there.got) == 18
    assert len({(one.id, one.headers["webhook-signature"]) for one in there.got}) == 18


def test_what_a_dead_worker_held_is_taken_over(either: Api, there: Receiver) -> None:
    subscribe(either, there)
    book(either, either.ids, TEN)
    either.service.worker.sweep()
    now = either.clock.now()
    with either.service.database.write() as tx:
        assert len(webhooks.claim(tx, now, "dead", now + timedelta(minutes=2), 8)) == 1
    other = build(either.service.settings, either.clock)
    other.worker.tick()
    assert there.got == []
    either.clock.advance(timedelta(minutes=2))
    other.worker.tick()
    other.close()
    assert there.types == ["appointment.booked"]


def test_the_log_is_forgotten_with_age(either: Api, there: Receiver) -> None:
    hook = subscribe(either, there)
    book(either, either.ids, TEN)
    either.tick(seconds=1)
    either.clock.advance(timedelta(days=29))
    either.service.worker.tidy()
    assert len(log(either, hook)) == 1
    either.clock.advance(timedelta(days=2))
    either.service.worker.tidy()
    assert log(either, hook) == []
