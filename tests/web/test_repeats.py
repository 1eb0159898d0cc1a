"""Requests that come again or at the same time: idempotency keys, versions, and a race for one slot."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.house import Answer, Local, book, booking

START = "2030-05-08T09:00:00+02:00"


def at_once(count: int, call: Callable[[int], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def fresh(web: Local) -> Local:
    """The same installation with a client of its own, for a thread."""
    return Local(web.service, web.clock, web.url, web.keys, client=web.client.application.test_client(), ids=web.ids)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("appointments", None), ("patients", {"name": "Eva Sol"}), ("messages", {"text": "Please call us"}),
        ("locations", {"name": "South", "time_zone": "Europe/Lisbon", "country": "PT"}),
        ("reminder-policies", {"name": "None", "steps": []}),
        ("providers", {"name": "Dr Sol", "hours": [{"weekday": "MO", "start": "09:00", "end": "12:00"}]}),
        ("services", {"name": "Visit", "duration_minutes": 15}),
        ("providers/{provider}/exceptions", {"first_day": "2030-06-03", "last_day": "2030-06-04"}),
    ],
)  # fmt: skip
def test_a_repeat_with_the_same_key_takes_effect_once(web: Local, path: str, body: dict[str, Any] | None) -> None:
    body = booking(web.ids, START) if body is None else dict(body)
    if path == "messages":
        body["patient_id"] = web.ids["patient"]
    if path == "providers":
        body["location_id"] = web.ids["location"]
    path = path.format(**web.ids)
    answers = [web.api("POST", path, body, role="admin", Idempotency_Key="one") for _ in range(3)]
    assert {answer.status for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert web.api("POST", path, body | {"nonsense": 1}, role="admin", Idempotency_Key="one").status == 422
    another = web.api("POST", path, body, role="admin", Idempotency_Key="two")
    assert another.status in {201, 409}
    assert another.text != answers[0].text


def test_a_repeat_changes_nothing_that_was_changed_since(web: Local) -> None:
    """A late repeat of a creation must not bring back what an administrator has changed in between."""
    monday, friday = ([{"weekday": day, "start": "09:00", "end": "12:00"}] for day in ("MO", "FR"))
    body = {"name": "Dr Sol", "location_id": web.ids["location"], "hours": monday}
    made = web.post("providers", body, role="admin", Idempotency_Key="one")
    web.patch(f"providers/{made['id']}", {"hours": friday}, role="admin")
    assert web.post("providers", body, role="admin", Idempotency_Key="one")["hours"] == friday
    offer = {"name": "Visit", "duration_minutes": 15, "provider_ids": [made["id"]]}
    service = web.post("services", offer, role="admin", Idempotency_Key="two")
    web.patch(f"services/{service['id']}", {"provider_ids": []}, role="admin")
    assert web.post("services", offer, role="admin", Idempotency_Key="two")["provider_ids"] == []


def test_a_booking_repeated_much_later_is_still_the_same_booking(web: Local) -> None:
    visit = book(web, web.ids, START)
    once = web.post("appointments", booking(web.ids, "2030-05-06T15:00:00+02:00"), Idempotency_Key="one")
    web.clock.set(web.clock.now().replace(hour=18))
    again = web.api("POST", "appointments", booking(web.ids, "2030-05-06T15:00:00+02:00"), Idempotency_Key="one")
    assert (again.status, again.json()["id"]) == (201, once["id"])
    assert visit["id"] != once["id"]


def test_a_move_repeated_after_the_visit_moved_on_is_not_done_again(web: Local) -> None:
    visit = book(web, web.ids, START)
    body = {"start": "2030-05-08T10:00:00+02:00"}
    path = f"appointments/{visit['id']}/reschedule"
    web.post(path, body, Idempotency_Key="one")
    web.post(path, {"start": "2030-05-08T11:00:00+02:00"})
    assert web.post(path, body, Idempotency_Key="one")["start"] == "2030-05-08T11:00:00+02:00"


def test_a_refused_request_does_not_use_up_its_key(web: Local) -> None:
    first = book(web, web.ids, START)
    assert web.api("POST", "appointments", booking(web.ids, START), Idempotency_Key="one").status == 409
    web.post(f"appointments/{first['id']}/cancel")
    assert web.api("POST", "appointments", booking(web.ids, START), Idempotency_Key="one").status == 201


def test_keys_of_different_callers_do_not_meet(web: Local) -> None:
    one = web.post("patients", {"name": "Eva Sol"}, Idempotency_Key="same")
    other = web.post("patients", {"name": "Eva Sol"}, role="integration", Idempotency_Key="same")
    assert one["id"] != other["id"]


def test_a_key_belongs_to_its_address(web: Local) -> None:
    web.post("patients", {"name": "Eva Sol"}, Idempotency_Key="same")
    answer = web.api("POST", "reminder-policies", {"name": "Eva Sol", "steps": []}, role="desk", Idempotency_Key="same")
    assert answer.status == 403
    visit = book(web, web.ids, START)
    web.post(f"appointments/{visit['id']}/confirm", {}, Idempotency_Key="change")
    assert web.api("POST", f"appointments/{visit['id']}/cancel", {}, Idempotency_Key="change").status == 422
    assert web.get(f"appointments/{visit['id']}")["status"] == "booked"


def test_the_same_booking_sent_eight_times_at_once_is_one(web: Local) -> None:
    key = web.key("desk")
    assert key
    answers = at_once(
        8, lambda _: fresh(web).api("POST", "appointments", booking(web.ids, START), Idempotency_Key="one")
    )
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(web.get("appointments")["items"]) == 1


def test_eight_callers_race_for_one_slot(web: Local) -> None:
    web.key("desk")
    answers = at_once(8, lambda _: fresh(web).api("POST", "appointments", booking(web.ids, START)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert {answer.code for answer in answers if answer.status == 409} == {"slot_taken"}


def test_eight_changes_to_the_same_version_are_one(web: Local) -> None:
    visit = book(web, web.ids, START)
    starts = [f"2030-05-09T{hour:02}:00:00+02:00" for hour in range(9, 17)]
    answers = at_once(8, lambda number: fresh(web).api(
        "POST", f"appointments/{visit['id']}/reschedule", {"start": starts[number]}, If_Match='"1"'
    ))  # fmt: skip
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7
    assert web.get(f"appointments/{visit['id']}")["version"] == 2


def test_etags_follow_the_version(web: Local) -> None:
    made = web.api("POST", "appointments", booking(web.ids, START))
    path = f"appointments/{made.json()['id']}"
    assert made.headers["ETag"] == web.api("GET", path).headers["ETag"] == '"1"'
    confirmed = web.api("POST", f"{path}/confirm", {}, If_Match=made.headers["ETag"])
    assert (confirmed.status, confirmed.headers["ETag"]) == (200, '"2"')
    stale = web.api("POST", f"{path}/reschedule", {"start": "2030-05-08T10:00:00+02:00"}, If_Match='"1"')
    assert (stale.status, stale.json()["current_version"]) == (412, 2)
    for fine in ("*", 'W/"2"', '"2-gzip"', '"2"'):
        assert web.api("POST", f"{path}/confirm", {}, If_Match=fine).status == 200
    assert web.get(path)["version"] == 2


def test_a_patients_card_has_a_version_too(web: Local) -> None:
    path = f"patients/{web.ids['patient']}"
    first = web.api("GET", path).headers["ETag"]
    assert web.api("PATCH", path, {"language": "en"}, If_Match=first).headers["ETag"] != first
    assert web.api("PATCH", path, {"language": "zh-Hans"}, If_Match=first).status == 412
    assert web.get(path)["language"] == "en"
