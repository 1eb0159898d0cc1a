"""A program reads what changed, goes on from there, and has everything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import Api, book
from tests.seeded import Seed

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"


@pytest.fixture
def house(seeded: Seed) -> Api:
    made = seeded.local()
    made.tick(seconds=1)
    return made


def news(house: Api, cursor: str | None = None, **query: Any) -> Any:
    return house.get("changes", role="integration", **({"cursor": cursor} if cursor else {}), **query)


def test_what_changed_is_listed_once_as_it_is_now(house: Api) -> None:
    first = news(house)
    (card,) = first["items"]
    assert (card["entity"], card["id"], card["appointment"]) == ("patient", house.ids["patient"], None)
    assert (card["patient"]["name"], first["more"]) == ("Ana Ruiz", False)

    visit = book(house, house.ids, TEN)
    house.post(f"appointments/{visit['id']}/confirm")
    house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    house.tick(seconds=1)
    second = news(house, first["next_cursor"])
    (item,) = second["items"]
    assert item["appointment"] == house.get(f"appointments/{visit['id']}")
    assert (item["appointment"]["start"], item["patient"]) == (ELEVEN, None)

    still = news(house, second["next_cursor"])
    assert (still["items"], still["next_cursor"]) == ([], second["next_cursor"])

    house.post(f"patients/{house.ids['patient']}/stop", {"channel": "sms", "evidence": "said so"})
    house.tick(seconds=1)
    third = news(house, second["next_cursor"])
    assert third["items"][-1]["patient"]["opted_out"] == ["sms"]

    house.tick(days=1, hours=5)
    house.post(f"appointments/{visit['id']}/no-show")
    house.tick(seconds=1)
    (last,) = news(house, third["next_cursor"])["items"]
    assert (last["id"], last["appointment"]["status"]) == (visit["id"], "noshow")


def test_pages_hold_everything_in_order(house: Api) -> None:
    visits = [book(house, house.ids, f"2030-05-07T{hour:02}:00:00+02:00")["id"] for hour in range(9, 14)]
    house.tick(seconds=1)
    found, cursor, more = [], None, True
    while more:
        part = news(house, cursor, limit=2)
        assert len(part["items"]) <= 2
        found += [one["id"] for one in part["items"]]
        cursor, more = part["next_cursor"], part["more"]
    assert (len(found), found[1:]) == (6, visits)


def test_a_card_that_was_merged_names_the_other(house: Api) -> None:
    other = house.post("patients", {"name": "Ana Ruiz", "phone": "600 000 010"})
    house.tick(seconds=1)
    cursor = news(house)["next_cursor"]
    house.post(f"patients/{house.ids['patient']}/merge", {"patient_id": other["id"]}, role="admin")
    house.tick(seconds=1)
    items = {one["id"]: one["patient"] for one in news(house, cursor)["items"] if one["entity"] == "patient"}
    assert items[other["id"]]["merged_into"] == house.ids["patient"]


def test_reading_on_costs_what_changed(house: Api) -> None:
    for hour in range(9, 14):
        book(house, house.ids, f"2030-05-07T{hour:02}:00:00+02:00")
    house.tick(seconds=1)
    cursor = news(house)["next_cursor"]
    before = house.service.database.statements
    news(house, cursor)
    quiet = house.service.database.statements - before
    before = house.service.database.statements
    news(house)
    assert house.service.database.statements - before <= quiet + 3


def test_what_is_no_cursor(house: Api) -> None:
    for cursor in ("x", "MS4y", "OTk5OTk"):
        answer = house.api("GET", "changes", role="integration", query={"cursor": cursor})
        assert (answer.status, answer.fields) == (422, {"cursor"})
    assert house.api("GET", "changes", role="manager").status == 403
