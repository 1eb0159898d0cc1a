"""The efficiency assessment on the pages: started from a worked scenario, changed in a form, read as tables."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from reminders.domain.savings import COCHRANE
from reminders.domain.sourcing import recommending
from reminders.domain.sourcing.reading import read
from reminders.settings import data_dir
from reminders.web.manage import reasons, savings, terms
from reminders.web.manage.scenario import changed, with_line, with_option
from reminders.web.schemas.scenario import ScenarioIn
from tests.browser.pages import Browser, Page, faults
from tests.house import House, running
from tests.web.test_manage import account, enter


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        yield house


@pytest.fixture
def started(house: House) -> Iterator[Browser]:
    """A browser that shows a new assessment made of the published case of twenty seats."""
    with closing(Browser(house.url)) as browser:
        enter(browser, account(house))
        browser.open("/manage/assessments")
        browser.submit("Start", preset="twenty-seats")
        yield browser


def rows(browser: Browser, name: str) -> list[dict[str, str]]:
    """A table of the assessment, as its file has it."""
    answer = browser.session.get(browser.page.answer.url, params={"csv": name}, timeout=30)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def edit(browser: Browser) -> Page:
    return browser.follow("Change the scenario")


def test_a_worked_scenario_comes_to_its_published_figures(started):
    page = started.page
    assert (page.status, faults(page)) == (200, [])
    lines = {row["month"]: row for row in rows(started, "over_time")}
    assert [float(lines["1"][name]) for name in ("o0", "o1")] == [254_000, 104_000]
    assert "measured" not in [chip.text for chip in page.root.all("span", class_="chip")]


def test_a_change_is_a_new_version_and_the_old_one_stays(started):
    page = edit(started)
    assert (page.status, faults(page)) == (200, [])
    path = next(one.attrs["name"] for one in page.root.all("input") if one.attrs.get("value") == "10000")
    page = started.submit("Assess", **{path: "0", "name": "Cheaper rent"})
    assert (page.status, page.root.one("h1").text) == (200, "Cheaper rent")
    assert "version 2 of 2" in page.text
    first = {row["month"]: row for row in rows(started, "over_time")}["1"]["o0"]
    assert float(first) == 244_000
    started.follow("Version before")
    assert {row["month"]: row for row in rows(started, "over_time")}["1"]["o0"] == "254000.00"


def test_what_cannot_be_is_marked_and_nothing_is_saved(started):
    page = edit(started)
    path = next(one.attrs["name"] for one in page.root.all("input") if one.attrs.get("value") == "10000")
    page = started.submit("Assess", **{path: "a lot", "currency": "EURO"})
    assert (page.status, faults(page)) == (422, [])
    wrong = page.root.one("input", name=path)
    assert (wrong.attrs["value"], wrong.attrs["aria-invalid"]) == ("a lot", "true")
    assert "currency" in page.root.one("div", role="alert").text
    assert "version 1" in started.open("/manage/assessments").text


def test_a_vendor_and_a_cost_line_are_added_and_an_option_left_out(started):
    page = edit(started)
    vendor = page.root.one("select", id="vendor").all("option")[1]
    page = started.submit(
        "Add, and go on", vendor=vendor.attrs["value"], line_name="Coffee", line_amount="50", line_option="0"
    )
    titles = [one.text for one in page.root.all("h2")]
    assert any(title in vendor.text for title in titles if title)
    assert "Coffee" in page.text
    page = started.submit("Assess", **{"drop:1": "1"})
    assert page.status == 200
    assert len(rows(started, "totals")) == 2


@pytest.mark.parametrize("path", ["/manage/assessments/asm_unknown", "/manage/assessments/asm_unknown/edit"])
def test_what_is_not_there_is_a_page(started, path):
    assert started.open(path).status == 404


def test_a_preset_that_is_none_starts_nothing(started):
    started.open("/manage/assessments")
    assert started.submit("Start", preset="nothing").status == 404


SCENARIO: dict[str, Any] = {
    "name": "A", "currency": "EUR", "baseline": "Desk", "volume": {"calls_per_month": {"value": "5", "source": "us"}},
    "options": [{"name": "Desk", "kind": "in_house", "lines": [{"name": "Agents", "amount": 3}]},
                {"name": "Service", "kind": "outsourced", "lines": []}],
}  # fmt: skip


class TestForm:
    @pytest.mark.parametrize(
        ("path", "value", "low", "high", "made"),
        [
            ("options.0.lines.0.amount", "7", "", "", {"value": "7"}),
            ("options.0.lines.0.amount", "7", "6", "8", {"value": "7", "low": "6", "high": "8"}),
            ("options.0.lines.0.amount", "7", "6", "", {"value": "7", "low": "6"}),
            ("volume.calls_per_month", "9", "", "", {"value": "9", "source": "us"}),
        ],
    )
    def test_a_figure_is_written_where_it_belongs(self, path, value, low, high, made):
        found: Any = changed(SCENARIO, {f"f:{path}:value": value, f"f:{path}:low": low, f"f:{path}:high": high})
        for step in path.split("."):
            found = found[int(step)] if step.isdecimal() else found[step]
        assert found == made

    def test_an_empty_figure_is_left_to_what_was_measured(self):
        assert changed(SCENARIO, {"f:volume.calls_per_month:value": ""})["volume"] == {}

    def test_a_cost_is_never_left_out_by_emptying_it(self):
        made = changed(SCENARIO, {"f:options.0.lines.0.amount:value": ""})
        assert made["options"][0]["lines"][0]["amount"] == {"value": ""}, "for the schema to refuse"

    @pytest.mark.parametrize("path", ["options.7.lines.0.amount", "options.x.lines", "name.first", "options.0.name.x"])
    def test_places_that_do_not_exist_are_left_alone(self, path):
        assert changed(SCENARIO, {f"f:{path}:value": "1"}) == SCENARIO

    def test_nothing_is_changed_in_place(self):
        before = repr(SCENARIO)
        changed(SCENARIO, {"drop:0": "1", "name": "B"})
        with_option(SCENARIO, {"name": "Desk"})
        with_line(SCENARIO, 0, {"name": "Coffee"})
        assert repr(SCENARIO) == before

    def test_the_baseline_goes_with_its_option(self):
        made = changed(SCENARIO, {"drop:0": "1"})
        assert ([one["name"] for one in made["options"]], "baseline" in made) == (["Service"], False)

    def test_options_have_names_of_their_own(self):
        names = [
            one["name"] for one in with_option(with_option(SCENARIO, {"name": "Desk"}), {"name": "Desk"})["options"]
        ]
        assert names == ["Desk", "Service", "Desk 2", "Desk 3"]

    def test_a_line_for_no_option_is_not_written(self):
        assert with_line(SCENARIO, 9, {"name": "Coffee"}) == with_line(SCENARIO, -1, {"name": "Coffee"}) == SCENARIO


def test_reasons_are_those_of_the_recommendation():
    assert reasons.SENTENCES == recommending.SENTENCES
    spoken = {*recommending._KPI_WORDS.values(), *recommending._CRITERION_WORDS.values()}
    assert spoken <= set(reasons.WORDS)


def test_a_recommendation_is_read_in_the_readers_language(started):
    english = started.page.root.one("section", class_="verdict")
    assert english.one("h2").text == "Choose Outsourced."
    started.open("/manage/account")
    started.submit("Save", language="zh_Hans")
    started.open("/manage/assessments")
    page = started.open(started.page.root.one("ul", class_="people").all("a")[0].attrs["href"])
    assert page.root.one("section", class_="verdict").one("h2").text == "建议选择：Outsourced。"
    assert "Over " not in page.root.one("section", class_="verdict").text
    assert "建议选择：Outsourced。" in started.open("/manage/assessments").root.one("ul", class_="people").text


def test_a_published_figure_is_called_what_it_is():
    assert COCHRANE.text == savings.PUBLISHED


def test_who_reads_chinese_starts_from_a_scenario_in_chinese(started):
    started.open("/manage/account")
    started.submit("Save", language="zh_Hans")
    started.open("/manage/assessments")
    page = started.submit("开始", preset="clinic")
    assert (page.status, page.root.one("h1").text) == (200, "诊所的电话")
    labels = [
        row.one("th").text
        for row in page.root.one("section", **{"aria-labelledby": "inputs-title"}).one("tbody").all("tr")
    ]
    assert {
        "每月来电数",
        "本院前台：接线人员",
        "电话代接服务：年涨价率",
        "托管电话系统，自有人员：首次来电解决率",
    } <= set(labels)
    assert not [label for label in labels if re.search("[A-Za-z]", label)]
    verdict = page.root.one("section", class_="verdict")
    assert verdict.one("h2").text == "建议选择：本院前台，加自动化。"
    assert set(re.findall("[A-Za-z]+", verdict.text)) == {"USD"}
    page = started.follow("修改方案")
    assert {one.text for one in page.root.one("select", id="line_when").all("option")} == {"一次性", "每月", "每年"}


@pytest.mark.parametrize("preset", ["clinic", "contact-cost", "twenty-seats"])
def test_every_figure_that_the_product_names_has_its_word(preset):
    scenario = tomllib.loads((data_dir() / "assessments" / f"{preset}.toml").read_text("utf-8"))
    given = ScenarioIn.model_validate(scenario).model_dump()
    labels = [one.label for one in read(given).figures() if one.path and not one.path.endswith(".amount")]
    assert {label.rpartition(": ")[2] for label in labels} <= set(terms.FIGURES)
    assert all(said == word for word, said in terms.FIGURES.items())
