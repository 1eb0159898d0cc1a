"""From an amount on the page of costs to the messages it is the sum of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from tests.browser.pages import Browser, faults
from tests.house import House, book, clinic, running
from tests.web.test_manage import account, enter

DAYS = {"from": "2030-05-01", "to": "2030-05-31"}


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    """Two visits of two weeks, each reminded once."""
    with running(sqlite_database_url) as house:
        ids = clinic(house)
        for day in (8, 15):
            book(house, ids, f"2030-05-{day:02}T09:00:00+02:00")
            house.clock.set(house.clock.now().replace(day=day - 1, hour=8))
            house.settle()
        yield house


@pytest.fixture
def manager(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        enter(browser, account(house))
        yield browser


def test_an_amount_leads_to_its_messages(manager: Browser) -> None:
    page = manager.open("/manage/costs", **DAYS)
    figure = page.root.all("div", class_="figure")[0]
    page = manager.open(figure.all("a")[1].attrs["href"])
    assert (page.status, faults(page)) == (200, [])
    lines = page.root.one("tbody").all("tr")
    assert len(lines) == 2
    assert "messages of reminders" in page.text
    assert all("SMS" in line.text for line in lines)
    assert "+34" not in page.text


@pytest.mark.parametrize(("table", "count"), [("channel", 2), ("kinds", 2), ("language", 2), ("step", 2), ("week", 1)])
def test_a_line_of_a_table_leads_to_its_messages(manager: Browser, table: str, count: int) -> None:
    page = manager.open("/manage/costs", **DAYS)
    link = page.root.one("table", id=f"{table}-table").one("tbody").all("a")[0]
    assert len(manager.open(link.attrs["href"]).root.one("tbody").all("tr")) == count


def test_messages_about_no_visit_have_a_page_of_their_own(manager: Browser) -> None:
    manager.open("/manage/messages", **DAYS)
    page = manager.follow("Those about no visit")
    assert (page.status, faults(page)) == (200, [])
    assert "about no visit" in page.text
    assert "about=none" not in manager.follow("Those about visits").answer.url


def test_messages_come_as_a_file(manager: Browser) -> None:
    text = manager.open("/manage/messages", **DAYS, csv="messages").answer.text
    assert text.splitlines()[0].startswith("\ufeffday,created,kind,channel,state,segments,price,estimated")
    assert len(text.splitlines()) == 3


def test_a_forged_place_is_refused(manager: Browser) -> None:
    assert manager.open("/manage/messages", after="forged").status == 422


def test_the_api_has_the_messages_behind_an_amount(house: House) -> None:
    [total] = house.get("reports/reminder-costs", role="manager", **DAYS)["totals"]
    asked = DAYS | {"of": "reminders", "currency": total["currency"], "step": "0"}
    whole = house.get("reports/messages", role="manager", **asked)["items"]
    assert [(one["day"], one["kind"]) for one in whole] == [("2030-05-08", "reminder"), ("2030-05-15", "reminder")]
    assert sum(one["segments"] for one in whole) == total["segments"]
    amounts = sum(Decimal(one["price"] or one["estimated"]) for one in whole)
    assert amounts == Decimal(total["actual_cost"] or 0) + Decimal(total["estimated_cost"] or 0)
    assert not {"phone", "body", "patient", "patient_id"} & {*whole[0]}
    page = house.get("reports/messages", role="manager", **asked, limit="1")
    rest = house.get("reports/messages", role="manager", **asked, cursor=page["next_cursor"])
    assert [*page["items"], *rest["items"]] == whole
    assert house.get("reports/messages", role="manager", **DAYS, about="none")["items"] == []
