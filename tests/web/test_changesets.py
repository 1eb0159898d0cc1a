"""Change sets through the API and the console: shown, held, released, undone, dropped, carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.browser.pages import Browser, Page, faults, sign_in
from tests.house import Answer, House, Local, book, clinic, local, running

FIRST, LAST = "2030-05-08T00:00:00+02:00", "2030-05-09T00:00:00+02:00"


@pytest.fixture
def web(database_url: str) -> Iterator[Local]:
    """A clinic where a change of more than two patients is held."""
    with local(database_url, blast_radius=2) as web:
        web.ids = clinic(web, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        yield web


@pytest.fixture
def small(sqlite_database_url: str) -> Iterator[Local]:
    with local(sqlite_database_url, blast_radius=2) as web:
        web.ids = clinic(web, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        yield web


def visits(web: Any, count: int) -> list[str]:
    """So many visits on Wednesday, each of another patient; the last one has no phone."""
    found = []
    for n in range(count):
        phone = None if n == count - 1 else f"+34 600 000 1{n:02}"
        card = {"name": f"Patient {n}", "phone": phone, "language": ["es", "de"][n % 2]}
        patient = web.post("patients", card)["id"]
        found.append(book(web, web.ids, f"2030-05-08T{9 + n:02}:00:00+02:00", patient_id=patient)["id"])
    return found


def asked(web: Any, **changes: Any) -> dict[str, Any]:
    body = {"kind": "cancel_visits", "provider_id": web.ids["provider"], "from": FIRST, "to": LAST, "reason": "ill"}
    return {name: value for name, value in (body | changes).items() if value is not None}


def ask(web: Any, role: str = "desk", **changes: Any) -> Answer:
    answer: Answer = web.api("POST", "change-sets", asked(web, **changes), role=role)
    return answer


def decide(web: Any, found: Any, decision: str, role: str = "desk") -> Answer:
    answer: Answer = web.api("POST", f"change-sets/{found['id']}/{decision}", {}, role=role)
    return answer


def test_a_doctor_is_ill(web: Local) -> None:
    here = visits(web, 4)
    answer = ask(web)
    held = answer.json()
    assert (answer.status, held["state"], held["apply_at"], held["done"]) == (202, "held", None, 0)
    preview = held["preview"]
    assert (preview["visits"], preview["patients"], preview["messages"]) == (4, 4, 3)
    assert (preview["by_language"], preview["by_channel"]) == ({"de": 1, "es": 2}, {"sms": 3})
    assert preview["unreachable_by_reason"] == {"no_address": 1}
    assert held["asked"] == {
        "provider_id": web.ids["provider"], "location_id": None, "from": FIRST, "to": LAST, "reason": "ill",
    }  # fmt: skip
    web.tick(hours=1)
    assert {web.get(f"appointments/{one}")["status"] for one in here} == {"booked"}

    released = decide(web, held, "release").json()
    assert (released["state"], released["apply_at"]) == ("released", "2030-05-06T07:05:00+00:00")
    assert decide(web, held, "undo").json()["state"] == "held"
    web.tick(minutes=10)
    assert web.get(f"change-sets/{held['id']}")["state"] == "held"

    decide(web, held, "release")
    web.post(f"appointments/{here[0]}/cancel")
    web.tick(minutes=5)
    done = web.get(f"change-sets/{held['id']}")
    assert (done["state"], done["done"], done["refused"]) == ("applied", 3, 1)
    assert done["left_alone"] == [{"appointment_id": here[0], "code": "visit_cancelled"}]
    last = web.get(f"appointments/{here[1]}/history")["items"][-1]
    assert (last["change"], last["channel"], last["actor"]) == ("cancel", "api", held["created_by"])
    assert web.get(f"appointments/{here[1]}")["cancel_reason"] == "ill"
    again = decide(web, held, "undo")
    assert (again.status, again.code, again.json()["current_state"]) == (409, "change_set_state", "applied")


def test_few_patients_need_no_decision(web: Local) -> None:
    here = visits(web, 2)
    found = ask(web).json()
    assert (found["state"], found["apply_at"]) == ("released", "2030-05-06T06:05:00+00:00")
    web.tick(minutes=5)
    assert {web.get(f"appointments/{one}")["status"] for one in here} == {"cancelled"}


def test_a_colleague_stands_in(web: Local) -> None:
    ids = web.ids
    other = web.post("providers", {
        "name": "Dr Sol", "location_id": ids["location"], "hours": [{"weekday": "WE", "start": "09:00", "end": "10:00"}],
    }, role="admin")["id"]  # fmt: skip
    web.patch(f"services/{ids['service']}", {"provider_ids": [ids["provider"], other]}, role="admin")
    here = visits(web, 2)
    found = ask(web, kind="move_provider", to_provider_id=other, reason=None).json()
    assert (found["preview"]["visits"], found["preview"]["refused"]) == (1, 1)
    assert found["preview"]["refusals"] == [{"appointment_id": here[1], "code": "slot_not_offered"}]
    web.tick(minutes=5)
    assert [web.get(f"appointments/{one}")["provider_id"] for one in here] == [other, ids["provider"]]


def test_an_edited_policy_is_held_when_many_are_booked_under_it(web: Local) -> None:
    path = f"reminder-policies/{web.ids['policy']}"
    here = visits(web, 2)
    steps = [{"offset": "-P1D"}, {"offset": "-PT3H"}]
    assert [step["offset"] for step in web.patch(path, {"steps": steps}, role="admin")["steps"]] == ["-P1D", "-PT3H"]
    here.append(book(web, web.ids, "2030-05-08T15:00:00+02:00")["id"])
    answer = web.api("PATCH", path, {"steps": [{"offset": "-PT5H"}], "name": "One"}, role="admin")
    held = answer.json()
    assert (answer.status, held["kind"], held["state"]) == (202, "edit_policy", "held")
    assert (held["preview"]["patients"], held["preview"]["taken_back"]) == (3, 6)
    assert web.get(path)["name"] == "Two nudges"
    assert (decide(web, held, "release").status, decide(web, held, "drop").code) == (403, "forbidden")
    assert decide(web, held, "release", "admin").status == 200
    web.tick(minutes=5)
    web.tick(seconds=10)
    assert web.get(f"change-sets/{held['id']}")["state"] == "applied"
    assert (web.get(path)["name"], len(web.get(path)["steps"])) == ("One", 1)
    for one in here:
        planned = [item for item in web.reminders({"id": one}) if item["state"] == "planned"]
        assert [(item["step"], item["kind"]) for item in planned] == [(0, "reminder")]
        assert "5 hours before" in planned[0]["sentence"]
        assert web.get(f"appointments/{one}/history")["items"][-1]["change"] == "replan"


def test_a_service_gets_another_policy_at_once_or_when_an_admin_agrees(web: Local) -> None:
    other = web.post("reminder-policies", {"name": "Late", "steps": [{"offset": "-PT5H"}]}, role="admin")["id"]
    path, first = f"services/{web.ids['service']}", web.ids["policy"]
    here = visits(web, 2)
    assert web.patch(path, {"reminder_policy_id": other}, role="admin")["reminder_policy_id"] == other
    (planned,) = (item for item in web.reminders({"id": here[0]}) if item["state"] == "planned")
    assert "5 hours before" in planned["sentence"]
    here.append(book(web, web.ids, "2030-05-08T15:00:00+02:00")["id"])
    answer = web.api("PATCH", path, {"reminder_policy_id": first, "name": "Control"}, role="admin")
    held = answer.json()
    assert (answer.status, held["kind"], held["state"], held["preview"]["patients"]) == (202, "edit_policy", "held", 3)
    shown = web.get(path)
    assert (shown["name"], shown["reminder_policy_id"]) == ("Control", other)
    assert decide(web, held, "release", "admin").status == 200
    web.tick(minutes=5)
    web.tick(seconds=10)
    assert web.get(path)["reminder_policy_id"] == first
    for one in here:
        assert sum(item["state"] == "planned" for item in web.reminders({"id": one})) == 2
    refused = web.api("PATCH", path, {"reminder_policy_id": "pol_nothing"}, role="admin")
    assert (refused.status, refused.code) == (422, "invalid")


def test_lists_are_paged_and_can_be_narrowed(small: Local) -> None:
    visits(small, 1)
    found = [ask(small).json() for _ in range(3)]
    small.post(f"change-sets/{found[0]['id']}/undo")
    small.post(f"change-sets/{found[0]['id']}/drop")
    first = small.get("change-sets", limit=2)
    assert [item["id"] for item in first["items"]] == [found[2]["id"], found[1]["id"]]
    second = small.get("change-sets", limit=2, cursor=first["next_cursor"])
    assert ([item["id"] for item in second["items"]], second["next_cursor"]) == ([found[0]["id"]], None)
    assert [item["id"] for item in small.get("change-sets", state="dropped")["items"]] == [found[0]["id"]]
    assert "asked" not in first["items"][0]


def test_a_repeated_request_makes_one_set(small: Local) -> None:
    visits(small, 1)
    one, two = (small.api("POST", "change-sets", asked(small), Idempotency_Key="ill-1").json() for _ in range(2))
    assert one["id"] == two["id"]
    assert len(small.get("change-sets")["items"]) == 1


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"provider_id": None}, 422, "provider_id"),
        ({"kind": "drop_database"}, 422, None),
        ({"kind": None}, 422, None),
        ({"kind": "edit_policy"}, 422, None),
        ({"from": LAST, "to": FIRST}, 422, None),
        ({"from": "2030-05-08T00:00:00"}, 422, None),
        ({"to_provider_id": "prv_x"}, 422, None),
        ({"kind": "move_provider", "reason": None}, 422, None),
        ({"provider_id": "prv_unknown"}, 404, None),
        ({"kind": "move_provider", "reason": None, "to_provider_id": "prv_unknown"}, 404, None),
    ],
)
def test_what_cannot_be_asked_for(small: Local, changes: dict[str, Any], status: int, field: str | None) -> None:
    answer = ask(small, **changes)
    assert answer.status == status, answer.text
    assert field is None or answer.fields == {field}
    assert small.get("change-sets")["items"] == []


def test_nobody_moves_visits_to_the_one_who_is_away(small: Local) -> None:
    answer = ask(small, kind="move_provider", to_provider_id=small.ids["provider"], reason=None)
    assert (answer.status, answer.fields) == (422, {"to_provider_id"})


def test_an_unknown_set(small: Local) -> None:
    assert small.api("GET", "change-sets/chg_none").status == 404
    assert decide(small, {"id": "chg_none"}, "release").status == 404


# The console


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url, blast_radius=2) as house:
        house.ids = clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        yield house


@pytest.fixture
def desk(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        yield browser


def sound(page: Page, status: int = 200) -> Page:
    assert (page.status, faults(page)) == (status, [])
    return page


def submit(desk: Browser, **fields: str) -> Page:
    desk.open("/console/changes")
    return desk.submit("Preview", first="2030-05-08", last="2030-05-08", **fields)


def heading(page: Page) -> str:
    return page.root.one("h1").text


def test_the_desk_previews_releases_undoes_and_drops(house: House, desk: Browser) -> None:
    here = visits(house, 3)
    page = sound(desk.open("/console/changes"))
    assert "No changes of many visits yet." in page.text
    page = sound(submit(desk, reason="<b>ill</b>"))
    assert heading(page) == "Cancel visits Waits for a decision"
    assert "Messages2 (2 SMS segments)" in page.text
    assert "no phone number1" in page.text
    assert "in German1" in page.text
    assert "Patient 2" in page.text, "who has to be called"
    assert "<b>ill</b>" in page.text
    page = sound(desk.submit("Release"))
    assert ("Released" in heading(page), "BeginsMon 6 May 2030, 08:05" in page.text) == (True, True)
    page = sound(desk.submit("Undo"))
    assert "Nothing was changed; it waits again." in page.notices[0]
    page = sound(desk.submit("Drop"))
    assert heading(page) == "Cancel visits Dropped"
    assert not page.root.all("button", name="decision")
    page = sound(desk.open("/console/changes"))
    assert "3 visits, 3 patients" in page.text
    assert {house.get(f"appointments/{one}")["status"] for one in here} == {"booked"}


def test_the_page_says_how_far_it_is_and_what_was_left_alone(house: House, desk: Browser) -> None:
    here = visits(house, 3)
    page = submit(desk)
    desk.submit("Release")
    house.post(f"appointments/{here[1]}/cancel")
    house.tick(minutes=5)
    page = sound(desk.open(page.answer.url))
    assert "Visits done2Left alone1" in page.text
    assert "was cancelled meanwhile" in page.text
    assert house.get(f"appointments/{here[0]}/history")["items"][-1]["channel"] == "console"


def test_moving_to_a_colleague_shows_what_is_not_possible(house: House, desk: Browser) -> None:
    other = house.post("providers", {"name": "Dr Sol", "location_id": house.ids["location"], "hours": []}, role="admin")
    visits(house, 1)
    page = sound(submit(desk, to=other["id"]))
    assert heading(page).startswith("Move visits to a colleague")
    assert "Not possible for 1 visits" in page.text
    assert "does not offer this service" in page.text


def test_a_form_that_cannot_be_done_says_why(house: House, desk: Browser) -> None:
    page = submit(desk, to=house.ids["provider"])
    assert "Name two different providers." in sound(page, 422).notices


def test_a_late_click_says_so(house: House, desk: Browser) -> None:
    visits(house, 1)
    page = submit(desk)
    house.tick(minutes=5)
    assert "The change set is applied." in sound(desk.submit("Undo"), 409).notices
    assert heading(desk.open(page.answer.url)).endswith("Done")


def test_only_an_admin_decides_about_policies(house: House, desk: Browser) -> None:
    visits(house, 3)
    policy = f"reminder-policies/{house.ids['policy']}"
    held = house.api("PATCH", policy, {"steps": [{"offset": "-PT5H"}]}, role="admin").json()
    page = sound(desk.open(f"/console/changes/{held['id']}"))
    assert ("Two nudges" in page.text, page.root.all("button", name="decision")) == (True, [])
    csrf = page.root.all("input", name="csrf")[0].attrs["value"]
    page = desk.send(f"/console/changes/{held['id']}/decide", "post", {"csrf": csrf, "decision": "release"})
    assert (page.status, house.get(f"change-sets/{held['id']}")["state"]) == (403, "held")
    page = desk.send(f"/console/changes/{held['id']}/decide", "post", {"csrf": csrf, "decision": "explode"})
    assert page.status == 422
    with closing(Browser(house.url)) as admin:
        sign_in(admin, house.key("admin"))
        admin.open(f"/console/changes/{held['id']}")
        assert "Released" in heading(sound(admin.submit("Release")))
