"""The pages for managers in a real browser: charts are drawn under the content policy, axe finds nothing, keyboards get
everywhere, and what is printed is complete. Skipped where there is no Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from reminders.domain.actor import Role
from tests.house import House, book, clinic, running

TOP = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGES = ("", "attendance", "costs", "savings", "risk", "experiments", "assessments", "vendors", "definitions",
         "definitions/assessment", "visits", "messages", "account")  # fmt: skip
#: Without these it looks for servers of its maker, which no test should.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
#: Drawn: some pixel of the picture is not empty.
DRAWN = """canvas => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return data.some((value, place) => place % 4 === 3 && value > 0);
}"""
AXE = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations)"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Three weeks of visits, each reminded, some missed."""
    path = tmp_path_factory.mktemp("pages") / "reminders.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as house:
        ids = clinic(house)
        for day in (8, 9, 10, 14, 15, 16, 20, 21):
            visit = book(house, ids, f"2030-05-{day:02}T09:00:00+02:00")
            house.clock.set(house.clock.now().replace(day=day, hour=5, minute=1))
            house.settle()
            house.clock.set(house.clock.now().replace(hour=9))
            house.post(f"appointments/{visit['id']}/{'no-show' if day % 4 == 0 else 'fulfil'}")
        yield house


@pytest.fixture(scope="module")
def made(house: House) -> list[str]:
    """Pages of what was started: a trial, an assessment and its editor."""
    policy = house.get("reminder-policies")["items"][0]["id"]
    arms = [{"name": "holdout", "share": 0.5}]
    trial = house.post("experiments", {"name": "Do they help?", "policy_id": policy, "arms": arms}, role="admin")["id"]
    preset = house.get("assessment-presets/clinic", role="manager")
    assessment = house.post("assessments", preset | {"runs": 100}, role="manager")["id"]
    return [f"experiments/{trial}", f"assessments/{assessment}", f"assessments/{assessment}/edit"]


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, house: House) -> Any:
    """The cookies of somebody who may see and start everything."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{house.url}/manage/sign-in")
    page.fill("#name", "ana")
    page.fill("#password", house.service.use_cases.staff.create("ana", Role.ADMIN))
    page.click("button[type=submit]")
    page.wait_for_selector("h1:text('Overview')")
    state = context.storage_state()
    context.close()
    return state


#: What depends on colours is looked at in both.
IN_BOTH_COLOURS = pytest.mark.parametrize("page", ["light", "dark"], indirect=True)


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser, signed_in: Any) -> Iterator[Page]:
    """A page of somebody who has signed in. Whatever the browser complains of fails the test."""
    colours = getattr(request, "param", "light")
    context = chromium.new_context(
        color_scheme=colours, locale="en-GB", viewport={"width": 1280, "height": 900}, storage_state=signed_in
    )
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    assert problems == []
    context.close()


def violations(page: Page) -> list[Any]:
    """What axe finds: rule, how bad, and the first place."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate((TOP / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
    return [(one["id"], one["impact"], one["nodes"][0]["html"]) for one in page.evaluate(AXE)]


@IN_BOTH_COLOURS
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(page: Page, house: House, path: str) -> None:
    assert page.goto(f"{house.url}/manage/{path}").status == 200  # type: ignore[union-attr]
    assert violations(page) == []


@IN_BOTH_COLOURS
def test_axe_finds_nothing_in_what_was_made(page: Page, house: House, made: list[str]) -> None:
    for path in made:
        assert page.goto(f"{house.url}/manage/{path}").status == 200  # type: ignore[union-attr]
        assert violations(page) == [], path
        for canvas in page.locator("[data-chart] canvas").all():
            assert canvas.evaluate(DRAWN), path


@IN_BOTH_COLOURS
def test_axe_finds_nothing_at_the_door(page: Page, house: House) -> None:
    page.context.clear_cookies()
    page.goto(f"{house.url}/manage/")
    assert page.locator("h1").inner_text() == "Management"
    assert violations(page) == []


@IN_BOTH_COLOURS
@pytest.mark.parametrize("path", ["", "attendance", "costs"])
def test_every_chart_is_drawn(page: Page, house: House, path: str) -> None:
    page.goto(f"{house.url}/manage/{path}")
    charts = page.locator("[data-chart]")
    assert charts.count() > 0
    for canvas in charts.locator("canvas").all():
        assert canvas.evaluate(DRAWN)
        assert canvas.get_attribute("aria-label")


def test_a_narrow_screen_scrolls_tables_and_nothing_else(page: Page, house: House, made: list[str]) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for path in (*PAGES, *made):
        page.goto(f"{house.url}/manage/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_keyboard_reaches_everything_in_order(page: Page, house: House) -> None:
    page.goto(f"{house.url}/manage/attendance")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    wanted = page.evaluate("document.querySelectorAll('main :is(a, button, input, [tabindex=\"0\"])').length")
    reached = set()
    for _ in range(4 * wanted):
        page.keyboard.press("Tab")
        place = page.evaluate(
            "[...document.querySelectorAll('main :is(a, button, input, [tabindex=\"0\"])')].indexOf(document.activeElement)"
        )
        if place < 0 and reached:
            break
        reached.add(place)
    assert len(reached - {-1}) == wanted


def test_paper_has_the_figures_and_no_buttons(page: Page, house: House) -> None:
    page.goto(f"{house.url}/manage/attendance")
    page.emulate_media(media="print")
    assert page.locator("table:visible").count() == page.locator("table").count()
    assert page.locator("button:visible, form:visible, nav:visible").count() == 0
    assert (
        page.evaluate(
            "Math.max(...[...document.querySelectorAll('.scroll')].map(one => one.scrollHeight - one.clientHeight))"
        )
        <= 1
    )
    assert page.pdf()[:5] == b"%PDF-"


def test_without_scripts_the_tables_remain(chromium: Browser, house: House, signed_in: Any) -> None:
    context = chromium.new_context(java_script_enabled=False, storage_state=signed_in)
    page = context.new_page()
    page.goto(f"{house.url}/manage/attendance")
    assert page.locator("[data-chart]:visible").count() == 0
    assert page.locator("table:visible").count() > 3
    context.close()
