"""The console's page of visits that nobody marked, as a browser without scripts sees it."""

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
def visits(house: House, ids: dict[str, Any]) -> list[str]:
    """Three visits of Tuesday, and it is Wednesday."""
    found = [book(house, ids, f"2030-05-07T{hour:02}:00:00+02:00")["id"] for hour in (9, 10, 11)]
    house.clock.set(house.clock.now().replace(day=8, hour=6))
    return found


@pytest.fixture
def browser(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        yield browser


@pytest.fixture
def desk(house: House, visits: list[str], browser: Browser) -> Browser:
    sign_in(browser, house.key("desk"))
    return browser


def status(house: House, visit: str) -> str:
    return str(house.get(f"appointments/{visit}")["status"])


def test_a_no_show_and_everybody_else_came(house: House, visits: list[str], desk: Browser) -> None:
    page = desk.open("/console/unmarked")
    assert (page.status, faults(page)) == (200, [])
    assert len(page.root.all("li", class_="line")) == 3
    page = desk.submit("Save, and everybody else here came", **{f"visit:{visits[1]}": "no-show"})
    assert page.notices == ["3 visits are marked."]
    assert "Every visit that is over has been marked." in page.text
    assert [status(house, visit) for visit in visits] == ["fulfilled", "noshow", "fulfilled"]
    history = house.get(f"appointments/{visits[1]}/history")["items"]
    assert (history[-1]["change"], history[-1]["channel"]) == ("no-show", "console")


def test_what_is_not_chosen_stays(house: House, visits: list[str], desk: Browser) -> None:
    desk.open("/console/unmarked")
    page = desk.submit("Save what is chosen", **{f"visit:{visits[0]}": "fulfil"})
    assert page.notices == ["1 visit is marked."]
    assert [line.attrs["id"] for line in page.root.all("li", class_="line")] == visits[1:]
    page = desk.submit("Save what is chosen")
    assert (page.notices, len(page.root.all("li", class_="line"))) == ([], 2)
    assert [status(house, visit) for visit in visits] == ["fulfilled", "booked", "booked"]


def test_what_somebody_else_marked_meanwhile_is_left(house: House, visits: list[str], desk: Browser) -> None:
    desk.open("/console/unmarked")
    house.post(f"appointments/{visits[0]}/cancel")
    page = desk.submit("Save, and everybody else here came")
    assert page.status == 409
    assert "cancelled" in page.root.one("p", role="alert").text
    assert [status(house, visit) for visit in visits] == ["cancelled", "fulfilled", "fulfilled"]


def test_visits_still_ahead_are_not_listed(house: House, ids: dict[str, Any], desk: Browser) -> None:
    book(house, ids, "2030-05-08T12:00:00+02:00")
    assert len(desk.open("/console/unmarked").root.all("li", class_="line")) == 3


@pytest.mark.parametrize(
    ("query", "expected"), [("after=x", 422), ("location=loc_x", 200), ("after=OTk5OTk5OTk5OTk5OTk5OS4x", 200)]
)
def test_odd_questions_still_give_a_page(desk: Browser, query: str, expected: int) -> None:
    page = desk.open(f"/console/unmarked?{query}")
    assert (page.status, faults(page)) == (expected, [])


def test_another_mark_is_refused(visits: list[str], house: House, desk: Browser) -> None:
    desk.open("/console/unmarked")
    assert desk.submit("Save what is chosen", **{f"visit:{visits[0]}": "reschedule"}).status == 422
    assert status(house, visits[0]) == "booked"


def test_later_ones_come_on_further_pages(house: House, ids: dict[str, Any], browser: Browser) -> None:
    for day in (13, 14, 15, 16):
        for hour in range(9, 16):
            book(house, ids, f"2030-05-{day:02}T{hour:02}:00:00+02:00")
    house.clock.set(house.clock.now().replace(day=20))
    sign_in(browser, house.key("desk"))
    assert len(browser.open("/console/unmarked").root.all("li", class_="line")) == 25
    page = browser.follow("Later ones")
    assert len(page.root.all("li", class_="line")) == 3
    assert "Back to the oldest" in page.text
