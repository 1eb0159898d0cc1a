"""The pages for managers: who gets in, what they show, and where each figure leads."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from reminders.domain.actor import Role
from reminders.domain.staff import IDLE_LIFE, MOST_TRIES_PER_NAME, ROTATE_AFTER
from reminders.services.figures import MOST_LIVE
from reminders.settings import data_dir
from reminders.store import rollups
from reminders.store.tables import Appointment
from reminders.web.manage import definitions
from tests.browser.pages import Browser, Page, faults
from tests.house import House, book, clinic, running

PAGES = (
    "/manage/",
    "/manage/attendance",
    "/manage/costs",
    "/manage/savings",
    "/manage/experiments",
    "/manage/assessments",
    "/manage/vendors",
    "/manage/risk",
    "/manage/definitions",
    "/manage/definitions/assessment",
    "/manage/visits",
    "/manage/messages",
    "/manage/account",
)
WEEK = {"from": "2030-05-06", "to": "2030-05-12"}
NEW = "green kettle on fire"


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url) as house:
        yield house


@pytest.fixture
def ids(house: House) -> dict[str, Any]:
    return clinic(house)


def account(house: House, role: Role = Role.MANAGER, name: str = "ana") -> str:
    """A new account; returns its password."""
    return house.service.use_cases.staff.create(name, role)


def enter(browser: Browser, password: str, name: str = "ana") -> Page:
    browser.open("/manage/sign-in")
    return browser.submit("Sign in", name=name, password=password)


@pytest.fixture
def manager(house: House, ids: dict[str, Any]) -> Iterator[Browser]:
    """A browser of a manager who has signed in."""
    with closing(Browser(house.url)) as browser:
        enter(browser, account(house))
        yield browser


@pytest.fixture
def visits(house: House, ids: dict[str, Any]) -> list[dict[str, Any]]:
    """A week of four visits: two kept, one missed, one nobody marked; a week later one more that is still ahead."""
    return week(house, ids)


@pytest.fixture(scope="module")
def seen(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One clinic with these visits for all tests that only look; the visits are its ``ids["visits"]``."""
    path = tmp_path_factory.mktemp("seen") / "reminders.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as house:
        house.ids = clinic(house)
        house.ids["visits"] = week(house, house.ids)
        yield house


@pytest.fixture(scope="module")
def password(seen: House) -> str:
    return account(seen)


@pytest.fixture
def reader(seen: House, password: str) -> Iterator[Browser]:
    """A browser of a manager who has signed in there, and changes nothing."""
    with closing(Browser(seen.url)) as browser:
        enter(browser, password)
        yield browser


def week(house: House, ids: dict[str, Any]) -> list[dict[str, Any]]:
    made = [book(house, ids, f"2030-05-{day:02}T09:00:00+02:00") for day in (7, 8, 9, 10, 17)]
    for visit, change in zip(made, ("fulfil", "fulfil", "no-show"), strict=False):
        house.clock.set(house.clock.now() + timedelta(days=1, hours=3))
        house.post(f"appointments/{visit['id']}/{change}")
    house.clock.advance(timedelta(days=3))
    return made


class TestSigningIn:
    @pytest.mark.parametrize("role", [Role.MANAGER, Role.ADMIN])
    def test_name_and_password_open_the_pages_and_signing_out_closes_them(self, house, ids, role):
        with closing(Browser(house.url)) as browser:
            assert enter(browser, account(house, role)).root.one("h1").text == "Overview"
            assert "You are signed out." in browser.submit("Sign out").notices
            assert "/manage/sign-in" in browser.open("/manage/").answer.url

    def test_the_desk_gets_to_its_console_and_sees_no_figures(self, house, ids):
        with closing(Browser(house.url)) as browser:
            assert enter(browser, account(house, Role.DESK)).answer.url == f"{house.url}/console/"
            assert browser.open("/manage/account").status == 200
            assert {browser.open(path).status for path in PAGES[1:-1]} == {403}

    def test_the_desk_works_with_its_account_and_is_named_in_history(self, house, ids):
        visit = book(house, ids, "2030-05-07T09:00:00+02:00")
        with closing(Browser(house.url)) as browser, closing(Browser(house.url)) as other:
            enter(browser, account(house, Role.DESK))
            browser.open(f"/console/visits/{visit['id']}")
            token = browser.page.root.all("input", name="csrf")[0].attrs["value"]
            assert "Written" not in browser.submit("Confirm").text
            entry = house.get(f"appointments/{visit['id']}/history")["items"][-1]
            assert (entry["change"], entry["actor"][:4], entry["channel"]) == ("confirm", "usr_", "console")
            enter(other, account(house, Role.DESK, "bo"), "bo")
            values = {"csrf": token, "change": "cancel", "page": "visit", "version": "2"}
            assert other.send(f"/console/visits/{visit['id']}/change", "post", values).status == 403
            browser.open("/console/")
            browser.submit("Sign out")
            assert "/manage/account" not in browser.open("/manage/account").answer.url.partition("?")[0]

    @pytest.mark.parametrize("role", [Role.MANAGER])
    def test_a_manager_has_no_console(self, house, ids, role):
        with closing(Browser(house.url)) as browser:
            enter(browser, account(house, role))
            assert "/console/sign-in" in browser.open("/console/").answer.url

    @pytest.mark.parametrize(
        ("name", "password"), [("ana", ""), ("ana", "wrong"), ("bo", NEW), ("é\x00🙂" * 50, "\x00")]
    )
    def test_what_does_not_belong_together_is_refused_alike(self, house, ids, name, password):
        account(house)
        with closing(Browser(house.url)) as browser:
            page = enter(browser, password, name)
            assert (page.status, page.notices) == (401, ["This name and this password do not belong together."])
            assert "/manage/sign-in" in browser.open("/manage/").answer.url

    def test_guessing_has_to_wait(self, house, ids):
        password = account(house)
        with closing(Browser(house.url)) as browser:
            answers = [enter(browser, "wrong").status for _ in range(MOST_TRIES_PER_NAME)]
            assert (set(answers), enter(browser, password).status) == ({401}, 429)

    def test_the_page_asked_for_comes_after_signing_in(self, house, ids):
        with closing(Browser(house.url)) as browser:
            browser.open("/manage/costs?from=2030-05-06&to=2030-05-12")
            page = browser.submit("Sign in", name="ana", password=account(house))
            assert page.answer.url.endswith("/manage/costs?from=2030-05-06&to=2030-05-12")

    @pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example/manage/", "/manage/\\@evil.example"])
    def test_no_other_place_comes_after_signing_in(self, house, ids, wanted):
        with closing(Browser(house.url)) as browser:
            browser.open("/manage/sign-in", next=wanted)
            page = browser.submit("Sign in", name="ana", password=account(house), next=wanted)
            assert page.answer.url == f"{house.url}/manage/"


class TestSessions:
    def test_the_cookie_is_guarded_and_replaced_while_it_is_used(self, house, manager):
        first = manager.session.cookies["reminders_staff"]
        house.clock.advance(ROTATE_AFTER)
        page = manager.open("/manage/")
        header = page.answer.headers["Set-Cookie"]
        assert all(part in header for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"))
        assert manager.session.cookies["reminders_staff"] != first
        assert manager.open("/manage/").status == 200

    def test_behind_https_it_is_bound_to_the_host(self, sqlite_database_url):
        with running(sqlite_database_url) as house:
            settings = house.service.use_cases.settings
            object.__setattr__(settings, "public_url", "https://clinic.example")
            with closing(Browser(house.url)) as browser:
                header = browser.open("/manage/sign-in").answer.headers["Set-Cookie"]
            assert header.startswith("__Host-reminders_door=")
            assert "Secure" in header
            assert "Domain" not in header

    def test_it_ends_when_nobody_uses_it(self, house, manager):
        house.clock.advance(IDLE_LIFE)
        assert "/manage/sign-in" in manager.open("/manage/").answer.url

    def test_a_closed_account_is_out_at_once(self, house, manager):
        house.service.use_cases.staff.end("ana")
        assert "/manage/sign-in" in manager.open("/manage/").answer.url

    def test_a_new_password_takes_over_and_ends_the_others(self, house, ids):
        old = account(house)
        with closing(Browser(house.url)) as one, closing(Browser(house.url)) as other:
            enter(one, old)
            enter(other, old)
            one.open("/manage/account")
            page = one.submit("Change the password", old=old, new=NEW)
            assert page.notices == ["Your password is changed. You are signed out everywhere else."]
            assert "/manage/sign-in" in other.open("/manage/").answer.url
            assert enter(other, NEW).root.one("h1").text == "Overview"

    @pytest.mark.parametrize(
        ("old", "new", "status", "said"),
        [
            ("wrong", NEW, 401, "This is not your present password."), (None, "short", 422, "needs 12 characters"),
            (None, "ana and ana and ana", 422, "must not contain your name"), (None, "a" * 20, 422, "too few different"),
        ],
    )  # fmt: skip
    def test_a_password_that_will_not_do_is_explained_at_its_field(self, house, ids, old, new, status, said):
        right = account(house)
        with closing(Browser(house.url)) as browser:
            enter(browser, right)
            browser.open("/manage/account")
            page = browser.submit("Change the password", old=old or right, new=new)
            assert (page.status, said in page.text, faults(page)) == (status, True, [])


class TestForms:
    def test_a_form_of_another_session_is_refused(self, house, manager):
        with closing(Browser(house.url)) as other:
            enter(other, account(house, name="bo"), "bo")
            token = other.open("/manage/account").root.all("input", name="csrf")[0].attrs["value"]
        for values in ({}, {"csrf": "x"}, {"csrf": token}):
            assert manager.send("/manage/account/language", "post", {"language": "zh_Hans"} | values).status == 403

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
    def test_a_form_from_elsewhere_is_refused(self, house, manager, headers):
        token = manager.open("/manage/account").root.all("input", name="csrf")[0].attrs["value"]
        values = {"csrf": token, "language": "zh_Hans"}
        assert manager.send("/manage/account/language", "post", values, **headers).status == 403
        assert manager.send("/manage/account/language", "post", values).status == 200

    def test_nobody_is_signed_in_by_a_form_from_elsewhere(self, house, ids):
        password = account(house)
        with closing(Browser(house.url)) as browser:
            browser.open("/manage/sign-in")
            page = browser.send("/manage/sign-in", "post", {"name": "ana", "password": password})
            assert (page.status, "reminders_staff" in browser.session.cookies) == (403, False)


class TestEveryPage:
    def test_pages_are_sound_and_run_our_own_scripts_only(self, seen, reader):
        for path in PAGES:
            page = reader.open(path)
            assert (page.status, faults(page)) == (200, []), path
            policy = page.answer.headers["Content-Security-Policy"]
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert page.answer.headers["Cache-Control"] == "no-store"
            for script in page.root.all("script"):
                assert (reader.session.get(seen.url + script.attrs["src"]).status_code, script.text) == (200, "")

    def test_a_clinic_without_anything_shows_so(self, sqlite_database_url):
        with running(sqlite_database_url) as house, closing(Browser(house.url)) as browser:
            enter(browser, account(house))
            for path in PAGES:
                page = browser.open(path)
                assert (page.status, faults(page)) == (200, []), path
            assert "Nothing to show for these days." in browser.open("/manage/attendance").text

    def test_what_is_not_there_is_a_page_too(self, reader):
        page = reader.open("/manage/nothing")
        assert (page.status, faults(page), "There is nothing at this address." in page.text) == (404, [], True)
        assert reader.open("/manage/attendance", csv="nothing").status == 404
        assert reader.open("/manage/visits", after="forged").status == 422

    @pytest.mark.parametrize("query", [{"from": "x"}, {"from": "2030-05-40", "to": "2030-05-01"}, {"to": "0001-01-01"}])
    def test_odd_days_are_the_last_four_weeks(self, reader, query):
        assert "Apr 15, 2030 – May 12, 2030" in reader.open("/manage/attendance", **query).text

    def test_pages_speak_the_language_of_the_account_and_at_the_door_of_the_browser(self, house, manager):
        manager.open("/manage/account")
        manager.submit("Save", language="zh_Hans")
        page = manager.open("/manage/", **WEEK)
        assert (page.root.one("html").attrs["lang"], page.root.one("h1").text) == ("zh-Hans", "概览")
        assert "2030年5月6日 – 2030年5月12日" in page.text
        answer = manager.session.get(
            f"{house.url}/manage/sign-in", headers={"Accept-Language": "de, zh-CN;q=0.8"}, cookies={}
        )
        assert "登录" in answer.text


class TestFigures:
    def test_the_rate_stands_with_its_interval_its_definition_and_its_visits(self, seen, reader):
        page = reader.open("/manage/", **WEEK)
        figure = page.root.all("div", class_="figure")[0]
        assert "33.3%" in figure.text
        assert "95 % interval 6.1% to 79.2%, of 3 visits" in figure.text
        assert "1 visit is over and nobody noted how it ended" in page.text
        rows = reader.follow("33.3%").root.one("tbody").all("tr")
        assert [row.all("td")[6].text for row in rows] == ["no-show"]
        assert seen.ids["visits"][2]["id"] in rows[0].text
        reader.open("/manage/", **WEEK)
        document = reader.follow("No-show rate")
        anchor = document.answer.url.partition("#")[2] or "rate"
        assert "noshow" in document.root.one("tr", id=anchor).text

    def test_figures_that_end_early_say_so(self, house, visits, manager):
        with house.service.database.write() as tx:
            visit = dict(tx.execute(select(Appointment.__table__).limit(1)).mappings().one())
            visit.pop("id")
            crowd = [visit | {"uid": f"apt_{number}", "occupies": False} for number in range(MOST_LIVE)]
            tx.execute(insert(Appointment), crowd)
            rollups.extend(tx, date(2030, 5, 1), date(2030, 5, 6))
            rollups.settle(tx, date(2030, 5, 6))
        for path in ("/manage/", "/manage/attendance", "/manage/savings"):
            assert "The figures go up to May 6, 2030" in manager.open(path, **WEEK).text, path

    def test_a_table_leads_to_the_visits_of_each_line(self, reader):
        reader.open("/manage/attendance", **WEEK)
        page = reader.follow("Check-up")
        assert len(page.root.one("tbody").all("tr")) == 4
        assert "Check-up" in page.text.partition("Without names")[0]

    def test_every_chart_has_the_table_it_is_drawn_from(self, reader):
        for path in ("/manage/", "/manage/attendance"):
            page = reader.open(path, **WEEK)
            charts = page.root.all("div", class_="chart")
            assert charts, path
            for chart in charts:
                table = page.root.one("table", id=chart.attrs["data-table"])
                heads = table.one("thead").all("th")
                parts = [head.attrs.get("data-part") for head in heads]
                assert parts.count("label") == 1
                assert "value" in parts
                for row in table.one("tbody").all("tr"):
                    cells = row.all("th") + row.all("td")
                    assert all("data-value" in cell.attrs for cell, part in zip(cells, parts, strict=True) if part)

    def test_a_table_as_a_file_has_the_same_figures_unrounded(self, seen, reader):
        answer = reader.open("/manage/attendance", **WEEK, csv="service").answer
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert 'filename="service.csv"' in answer.headers["Content-Disposition"]
        (line,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        reported = seen.get("reports/no-shows", role="manager", first="2030-05-06", last="2030-05-12", by="service")[
            "items"
        ][0]
        assert (line["rate"], line["noshow"], line["booked"]) == (str(reported["rate"]), "1", "4")

    def test_a_name_is_never_taken_for_a_formula(self, house, visits, manager, ids):
        house.patch(f"services/{ids['service']}", {"name": "=HYPERLINK(1)"}, role="admin")
        answer = manager.open("/manage/attendance", **WEEK, csv="service").answer
        assert "'=HYPERLINK(1)" in answer.text

    def test_visits_come_page_by_page_without_names(self, house, manager, ids):
        days = [f"2030-05-{day:02}" for day in (7, 8, 9, 10, 13, 14, 15)]
        times = [f"{hour:02}:{minute:02}" for hour in range(9, 17) for minute in (0, 30)]
        made = {book(house, ids, f"{day}T{time}:00+02:00")["id"] for day in days for time in times[:15]}
        first = manager.open("/manage/visits", **{"from": "", "to": ""})
        assert "Ana Ruiz" not in first.answer.text
        second = manager.follow("Next page")
        shown = [[row.all("td")[-1].text for row in page.root.one("tbody").all("tr")] for page in (first, second)]
        assert ([len(page) for page in shown], {uid for page in shown for uid in page}) == ([100, 5], made)
        assert "Next page" not in second.text

    @pytest.mark.parametrize(
        ("outcome", "count"),
        [("fulfilled", 2), ("noshow", 1), ("unmarked", 1), ("upcoming", 1), ("cancelled", 0), ("", 5)],
    )
    def test_visits_are_narrowed_to_an_outcome(self, reader, outcome, count):
        page = reader.open("/manage/visits", **{"from": "", "to": "", "outcome": outcome})
        assert sum(len(body.all("tr")) for body in page.root.all("tbody")) == count


def test_every_definition_that_a_page_leads_to_is_there():
    written = "".join(
        path.read_text("utf-8") for path in (data_dir() / "reminders" / "web" / "manage").glob("*.py")
    ) if (data_dir() / "reminders").is_dir() else ""  # fmt: skip
    wanted = set(re.findall(r'defined="([\w-]+)"', written)) | set(
        re.findall(r'Kind\.\w+, Part\.\w+, "([\w-]+)"', written)
    )
    anchors = set(
        re.findall(r'id="([^"]+)"', definitions.html((data_dir() / "docs" / "measures.md").read_text("utf-8")))
    )
    assert len(wanted) > 10
    assert wanted <= anchors


@pytest.mark.parametrize("document", definitions.DOCUMENTS)
def test_the_chinese_definitions_define_the_same(document):
    codes, rows = (
        [re.findall(pattern, (data_dir() / "docs" / folder / f"{document}.md").read_text("utf-8"), re.MULTILINE)
         for folder in ("", "zh_Hans")]
        for pattern in (r"`([^`\n]+)`", r"^\| `[^|]+", )
    )  # fmt: skip
    assert set(codes[1]) == set(codes[0])
    assert [re.findall("`(.+?)`", row) for row in rows[1]] == [re.findall("`(.+?)`", row) for row in rows[0]]
    english, chinese = (
        set(re.findall(r'<(?:tr|code) id="(\w+)"', definitions.html((data_dir() / "docs" / folder / f"{document}.md").read_text("utf-8"))))
        for folder in ("", "zh_Hans")
    )  # fmt: skip
    assert english <= chinese
