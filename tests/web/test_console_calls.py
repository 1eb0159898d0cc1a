"""The console's page of calls, as a browser without scripts sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.browser.pages import Browser, faults, sign_in
from tests.house import House, book, clinic, running


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        yield house


@pytest.fixture
def ids(house: House) -> dict[str, Any]:
    return clinic(house)


@pytest.fixture
def desk(house: House, ids: dict[str, Any]) -> Iterator[Browser]:
    """A browser of somebody who has signed in."""
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        yield browser


def test_the_desk_confirms_from_the_list(house: House, ids: dict[str, Any], desk: Browser) -> None:
    far = house.post("patients", {"name": "Bea Sol", "phone": "+34 600 000 020", "language": "tr", "birth_year": 2006})
    cheap = house.post(
        "services",
        {"name": "Chat", "duration_minutes": 30, "provider_ids": [ids["provider"]],
         "value": {"amount": "5.00", "currency": "EUR"}},
        role="admin",
    )  # fmt: skip
    book(house, ids, "2030-05-07T09:00:00+02:00", service_id=cheap["id"])
    first = book(house, ids, "2030-05-07T10:00:00+02:00", patient_id=far["id"])
    page = desk.open("/console/calls")
    assert faults(page) == []
    assert page.root.one("h1").text == "10 minutes for calls"
    assert "visits of Tuesday 7 May 2030 (tomorrow)" in page.text
    assert "a fixed rule" in page.text
    lines = page.root.one("ol", class_="calls").all("li", class_="line")
    assert [line.all("h2")[0].text.split(" Not")[0] for line in lines] == ["Bea Sol", "Ana Ruiz"]
    assert lines[0].attrs["id"] == first["id"]
    assert "speaks Turkish" in lines[0].text
    assert "Aged 18 to 29 raises the risk" in lines[0].text
    assert lines[0].one("a", class_="phone").attrs["href"] == "tel:+34600000020"
    page = desk.submit("Confirm: Bea Sol, 10:00")
    assert (page.notices, "/console/calls" in page.answer.url) == (["The visit is confirmed."], True)
    assert "Bea Sol" not in page.text
    assert house.get(f"appointments/{first['id']}")["confirmation"] == "confirmed"


def test_what_does_not_fit_stands_below_the_line(house: House, ids: dict[str, Any], desk: Browser) -> None:
    for hour in (9, 10, 11):
        book(house, ids, f"2030-05-07T{hour:02}:00:00+02:00")
    page = desk.open("/console/calls?minutes=6")
    assert "2 calls fit" in page.text
    found = page.root.one("ol", class_="calls").all("li")
    assert [("now" in one.attrs["class"]) for one in found if "line" in one.attrs.get("class", "") or "now" in one.attrs.get("class", "")] == [
        False, False, True, False,
    ]  # fmt: skip
    assert faults(page) == []


@pytest.mark.parametrize(
    "query", ["minutes=99999", "minutes=-1", "minutes=x&day=never", "location=loc_x", "day=2030-05-20"]
)
def test_odd_questions_still_give_a_page(house: House, ids: dict[str, Any], desk: Browser, query: str) -> None:
    page = desk.open(f"/console/calls?{query}")
    assert (page.status, faults(page)) == (200, [])


def test_nobody_to_call(house: House, ids: dict[str, Any], desk: Browser) -> None:
    assert "Nobody is expected" in desk.open("/console/calls").text
    visit = book(house, ids, "2030-05-07T09:00:00+02:00")
    house.post(f"appointments/{visit['id']}/confirm")
    assert "1 of 1 visit is confirmed" in desk.open("/console/calls").text


def test_who_cannot_be_called_is_counted(house: House, ids: dict[str, Any], desk: Browser) -> None:
    silent = house.post("patients", {"name": "Cleo Mar", "language": "es"})
    book(house, ids, "2030-05-07T09:00:00+02:00", patient_id=silent["id"])
    page = desk.open("/console/calls")
    assert "1 patient without a phone number" in page.text
    assert "Cleo" not in page.text
