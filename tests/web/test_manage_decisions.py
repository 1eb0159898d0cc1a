"""The managers' pages on which something is decided: money to come, experiments, and quotes of vendors."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from reminders.domain.actor import Role
from tests.browser.pages import Browser, Page, faults
from tests.house import House, book, clinic, running
from tests.web.test_manage import account, enter

#: What a vendor offered.
QUOTE = {
    "name": "Calls & Co", "plan": "Day", "currency": "eur", "month_low": "300", "month_high": "450",
    "dated": "2030-05-02", "languages": "en, es", "compliance": "GDPR", "source": "Offer 17",
}  # fmt: skip


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url, monthly_budget=Decimal(5)) as house:
        yield house


@pytest.fixture
def ids(house: House) -> dict[str, Any]:
    return clinic(house)


@pytest.fixture
def admin(house: House, ids: dict[str, Any]) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        enter(browser, account(house, Role.ADMIN))
        yield browser


@pytest.fixture
def trial(admin: Browser, ids: dict[str, Any]) -> Page:
    """A running trial that holds out half of the patients."""
    admin.open("/manage/experiments")
    return admin.submit("Start", name="Do they help?", policy_id=ids["policy"], share="50", kind="holdout")


def later(house: House, browser: Browser, **time: float) -> None:
    """Time passes; sessions that nobody used have ended, so somebody else signs in."""
    house.clock.advance(timedelta(**time))
    enter(browser, account(house, Role.ADMIN, "cy"), "cy")


def rows(browser: Browser, path: str, table: str, **query: str) -> list[dict[str, str]]:
    """A table of a page as its file has it."""
    answer = browser.session.get(f"{browser.url}{path}", params={"csv": table, **query}, timeout=30)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def figure(page: Page, label: str) -> str:
    """A figure with everything around it."""
    return next(one.text for one in page.root.all("div", class_="figure") if one.one("dt").text == label)


class TestMoney:
    def test_the_calendar_is_priced_for_the_days_to_come(self, house, ids, admin):
        book(house, ids, "2030-05-08T09:00:00+02:00")
        page = admin.open("/manage/costs")
        line = rows(admin, "/manage/costs", "forecast")[0]
        assert (line["reminders"], line["label"]) == ("2", "SMS")
        each = Decimal(line["each"])
        assert Decimal(line["cost"]) == 2 * each > 0
        assert "rate card" in line["source"]
        assert "2 reminders are planned" in figure(page, "Expected in the next 30 days")

    def test_the_month_stands_beside_its_budget(self, house, ids, admin):
        book(house, ids, "2030-05-08T09:00:00+02:00")
        said = figure(admin.open("/manage/costs"), "Spent this month")
        assert "$0.00" in said
        assert "of a budget of $5.00" in said
        for hour in range(9, 17):
            for day in (13, 14, 15, 16, 17, 20, 21):
                book(house, ids, f"2030-05-{day}T{hour:02}:00:00+02:00")
        page = admin.open("/manage/costs")
        assert "more than the budget" in figure(page, "Spent this month")
        assert "figure-bad" in " ".join(one.attrs["class"] for one in page.root.all("div", class_="figure"))

    def test_what_was_charged_stands_beside_what_was_estimated(self, house, ids, admin):
        book(house, ids, "2030-05-08T09:00:00+02:00")
        later(house, admin, days=1, hours=2)
        house.settle()
        week = {"from": "2030-05-06", "to": "2030-05-12"}
        lines = rows(admin, "/manage/costs", "kinds", **week)
        reported = house.get("reports/spending", role="manager", **{"from": week["from"], "to": week["to"]})["items"]
        assert [(line["actual_cost"], line["estimated_cost"], line["messages"]) for line in lines] == [
            (one["actual_cost"], one["estimated_cost"], str(one["messages"])) for one in reported
        ]
        assert "reminders, SMS" in admin.open("/manage/costs", **week).text


class TestExperiments:
    def test_one_is_started_read_and_stopped(self, house, ids, admin, trial):
        assert (trial.status, faults(trial)) == (200, [])
        assert "running since May 6, 2030" in trial.text
        assert "Too little data for any statement yet. Go on." in trial.text
        (kept,) = house.get("experiments", role="manager")["items"]
        assert (kept["name"], kept["arms"]) == ("Do they help?", [{"name": "holdout", "share": 0.5, "steps": []}])
        (line,) = rows(admin, "/manage/experiments", "experiments")
        assert (line["name"], line["policy"], line["started"], line["ended"]) == (
            "Do they help?", "Two nudges", "2030-05-06", "")  # fmt: skip
        page = admin.submit("Stop it")
        assert (page.status, "Stop it" in page.text) == (200, False)
        assert house.get("experiments", role="manager")["items"][0]["ended_at"]

    def test_visits_count_in_the_arm_that_their_patient_drew(self, house, ids, admin, trial):
        patients = [
            house.post("patients", {"name": f"Patient {number}", "phone": f"600 000 1{number:02}", "language": "es"})[
                "id"
            ]
            for number in range(30)
        ]
        hours = [(day, hour, minute) for day in (7, 8) for hour in range(9, 17) for minute in (0, 30)]
        visits = [
            book(house, ids, f"2030-05-{day:02}T{hour:02}:{minute:02}:00+02:00", patient_id=patient)
            for patient, (day, hour, minute) in zip(patients, hours, strict=False)
        ]
        later(house, admin, days=3)
        for number, visit in enumerate(visits):
            house.post(f"appointments/{visit['id']}/{'no-show' if number % 3 == 0 else 'fulfil'}")
        path = trial.answer.url.removeprefix(house.url)
        lines = rows(admin, path, "arms")
        assert {line["label"] for line in lines} == {"usual reminders", "no reminders"}
        assert sum(int(line["visits"]) for line in lines) == 30
        assert sum(int(line["noshow"]) for line in lines) == 10
        assert all(5 <= int(line["visits"]) <= 25 for line in lines)
        (contrast,) = rows(admin, path, "contrasts")
        assert (contrast["label"], contrast["value"]) == ("usual reminders against no reminders", "")

    def test_an_arm_with_other_reminders(self, admin, ids, house):
        admin.open("/manage/experiments")
        page = admin.submit("Start", name="Earlier?", policy_id=ids["policy"], share="20", kind="other", number_0="3",
                            unit_0="days", number_1="5", unit_1="hours", channel_1="voice")  # fmt: skip
        assert "SMS 3 days before, calls 5 h before" in page.text
        steps = house.get("experiments", role="manager")["items"][0]["arms"][0]["steps"]
        assert [(one["offset"], one["channels"]) for one in steps] == [("-P3D", ["sms"]), ("-PT5H", ["voice"])]

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"share": "80"}, "Share of the patients, or their reminders"), ({"share": "some"}, "Share of the patients"),
            ({"name": ""}, "Name"), ({"difference": "0"}, "Smallest difference that matters"),
            ({"kind": "other", "number_0": "999"}, "Share of the patients, or their reminders"),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_named_and_nothing_starts(self, house, ids, admin, typed, said):
        admin.open("/manage/experiments")
        values = {"name": "Try", "policy_id": ids["policy"], "share": "10", "kind": "holdout"} | typed
        page = admin.submit("Start", **values)
        assert (page.status, faults(page)) == (422, [])
        assert said in page.root.one("div", role="alert").text
        assert page.root.one("input", id="share").attrs["value"] == values["share"]
        assert house.get("experiments", role="manager")["items"] == []

    def test_a_policy_has_one_at_a_time(self, ids, admin, trial):
        admin.open("/manage/experiments")
        page = admin.submit("Start", name="Another", policy_id=ids["policy"], share="10", kind="holdout")
        assert (page.status, "Stop it first" in page.root.one("div", role="alert").text) == (409, True)

    def test_a_service_on_the_guard_list_takes_no_part(self, house, ids, admin):
        spare = house.post("services", {
            "name": "Infusion", "duration_minutes": 30, "provider_ids": [ids["provider"]],
            "reminder_policy_id": ids["policy"],
        }, role="admin")["id"]  # fmt: skip
        admin.open("/manage/experiments")
        admin.submit("Start", name="Try", policy_id=ids["policy"], share="10", kind="holdout", guarded=spare)
        (kept,) = house.get("experiments", role="manager")["items"]
        assert (kept["guarded_service_ids"], kept["service_ids"]) == ([spare], [ids["service"]])

    def test_managers_read_and_do_not_start_or_stop(self, house, ids, admin, trial):
        with closing(Browser(house.url)) as browser:
            enter(browser, account(house, name="bo"), "bo")
            page = browser.open("/manage/experiments")
            assert "role admin can start and stop" in page.text
            token = browser.open("/manage/account").root.all("input", name="csrf")[0].attrs["value"]
            for path in ("/manage/experiments", trial.answer.url.removeprefix(house.url) + "/stop"):
                assert browser.send(path, "post", {"csrf": token, "name": "x"}).status == 403
        assert house.get("experiments", role="manager")["items"][0]["ended_at"] is None

    def test_how_large_a_trial_has_to_be(self, house, ids, admin):
        for day in (7, 8, 9, 10):
            visit = book(house, ids, f"2030-05-{day:02}T09:00:00+02:00")
            house.clock.advance(timedelta(days=1, hours=3))
            house.post(f"appointments/{visit['id']}/{'no-show' if day == 7 else 'fulfil'}")
        later(house, admin, hours=1)
        lines = rows(admin, "/manage/experiments", "sizes")
        needed = {(line["difference"], line["share"]): int(line["visits"]) for line in lines}
        assert needed[("-0.05", "0.5")] < needed[("-0.05", "0.1")] < needed[("-0.02", "0.1")]
        assert "At today's no-show rate of 25.0%" in admin.open("/manage/experiments").text


class TestVendors:
    def test_a_quote_of_ones_own_joins_the_list_and_the_scenario(self, house, admin):
        admin.open("/manage/vendors")
        page = admin.submit("Keep it", **QUOTE)
        assert (page.status, page.notices, faults(page)) == (200, ["The quote is kept."], [])
        own = rows(admin, "/manage/vendors", "vendors")[-1]
        assert (own["name"], own["whose"], own["spoken"], own["complies"]) == (
            "Calls & Co", "your quote", "English, Spanish", "GDPR")  # fmt: skip
        admin.open("/manage/assessments")
        admin.submit("Start", preset="twenty-seats")
        page = admin.follow("Change the scenario")
        assert "Calls & Co, Day (300–450 EUR" in page.root.one("select", id="vendor").text

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"month_low": "500"}, "Lowest price a month"), ({"month_high": "much"}, "Highest price a month"),
            ({"currency": "EURO"}, "Currency"), ({"dated": "soon"}, "Day of the offer"), ({"languages": "??"}, "Languages"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_named_and_not_kept(self, admin, typed, said):
        admin.open("/manage/vendors")
        page = admin.submit("Keep it", **QUOTE | typed)
        assert (page.status, faults(page)) == (422, [])
        assert said in page.root.one("div", role="alert").text
        assert page.root.one("input", id="name").attrs["value"] == "Calls & Co"
        assert {line["whose"] for line in rows(admin, "/manage/vendors", "vendors")} == {"the list"}


def test_every_definition_that_a_page_leads_to_is_there(house, ids, admin, trial):
    """On pages with figures, the words lead to an anchor that exists."""
    admin.open("/manage/assessments")
    assessment = admin.submit("Start", preset="clinic").answer.url
    pages = ["/manage/", "/manage/attendance", "/manage/costs", "/manage/savings", "/manage/experiments",
             trial.answer.url, assessment]  # fmt: skip
    links = {one.attrs["href"] for path in pages for one in admin.open(path).root.all("a", class_="defined")}
    assert len(links) > 40
    documents = {path: admin.open(path).root for path in {link.partition("#")[0] for link in links}}
    assert set(documents) == {"/manage/definitions", "/manage/definitions/assessment"}
    lost = [link for link in links if not documents[link.partition("#")[0]].all(id=link.partition("#")[2])]
    assert lost == []
