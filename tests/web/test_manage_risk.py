"""The managers' page on risks: the rule at first, a trained model with its rivals, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from reminders.store import risk as store
from tests.browser.pages import Browser, Page, faults
from tests.house import House, book, clinic, running
from tests.services.test_risk import MODEL
from tests.web.test_manage import account, enter

DAYS = "from=2030-05-01&to=2030-05-31"


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        yield house


@pytest.fixture
def manager(house: House) -> Iterator[Browser]:
    """A browser of a manager; a week of visits, every other one missed."""
    ids = clinic(house, patient={"birth_year": 2006})
    for day in range(7, 11):
        visit = book(house, ids, f"2030-05-{day:02}T09:00:00+02:00")
        house.clock.set(house.clock.now().replace(day=day, hour=9))
        house.post(f"appointments/{visit['id']}/{'no-show' if day % 2 else 'fulfil'}")
    with closing(Browser(house.url)) as browser:
        enter(browser, account(house))
        yield browser


def rows(page: Page, table: str) -> list[list[str]]:
    """The texts of a table's body."""
    body = page.root.one("table", id=f"{table}-table").one("tbody")
    return [[cell.text for cell in row.children if not isinstance(cell, str)] for row in body.all("tr")]


def test_the_rule_is_shown_with_what_became_of_it(manager: Browser) -> None:
    page = manager.open(f"/manage/risk?{DAYS}")
    assert (page.status, faults(page)) == (200, [])
    assert "fixed rule" in page.text
    assert "2 happened among 4 visits" in page.text
    groups = {(row[0], row[1]): row for row in rows(page, "fairness")}
    assert set(groups) == {("all visits", ""), ("language", "Spanish"), ("age", "18-29")}
    assert groups["all visits", ""][2:4] == ["4", "2"]
    assert groups["age", "18-29"][-1] == "too few visits to tell"
    assert len(rows(page, "calibration")) == 4
    assert not page.root.all("table", id="rivals-table")


def test_a_model_stands_beside_its_rivals(house: House, manager: Browser) -> None:
    rival: dict[str, Any] = {"auc": 0.71, "log_loss": 0.4, "brier": 0.13, "expected_noshows": 10.4, "noshows": 12}
    metrics = {"model": rival, "lead_time_alone": rival | {"auc": 0.69}, "rule": rival | {"auc": 0.7}}
    with house.service.database.write() as tx:
        store.use(tx, store.keep(tx, MODEL | {"through": date(2030, 5, 8), "metrics": metrics}))
    page = manager.open(f"/manage/risk?{DAYS}")
    assert faults(page) == []
    assert "model 1" in page.text
    assert "flatter" in page.text
    assert [row[:2] for row in rows(page, "rivals")] == [
        ["trained model", "0.71"], ["lead time alone", "0.69"], ["fixed rule", "0.7"],
    ]  # fmt: skip
    assert "flatter" not in manager.open("/manage/risk?from=2030-05-09&to=2030-05-31").text


def test_days_without_visits_have_no_figures(manager: Browser) -> None:
    page = manager.open("/manage/risk?from=2029-05-01&to=2029-05-31")
    assert (page.status, faults(page)) == (200, [])
    assert "Nothing to show for these days." in page.text


def test_tables_come_as_files(manager: Browser) -> None:
    text = manager.open(f"/manage/risk?{DAYS}&csv=fairness").answer.text
    assert text.splitlines()[0].startswith("\ufeffby,label,visits,noshow,predicted")
