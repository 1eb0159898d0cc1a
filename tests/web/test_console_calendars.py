"""The desk's pages about calendars: connections, conflicts, feeds and devices, as a browser without scripts sees them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import Browser, Page, defaults, faults, sign_in
from tests.caldav_peers import PASSWORD, USER, CalDavServer, serving
from tests.house import House, clinic, running
from tests.journeys.test_calendar_sync import ELEVEN, TEN, Diary
from tests.web.test_dav import Phone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    folder: Path = tmp_path_factory.mktemp("radicale")
    with serving("radicale", folder) as running_server:
        yield running_server


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[House]:
    with running(sqlite_database_url, private_networks="127.0.0.0/8") as house:
        yield house


@pytest.fixture
def desk(house: House) -> Iterator[Browser]:
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        yield browser


@pytest.fixture
def diary(house: House, server: CalDavServer) -> Diary:
    """A provider whose calendar lives on a server, and a visit in it."""
    for name in server.names():
        server.delete(name)
    return Diary(house, server)  # type: ignore[arg-type]


def codes(page: Page) -> list[str]:
    return [one.text for one in page.root.all("code")]


def listed(page: Page, section: str) -> list[str]:
    """What stands in the list of a section."""
    (part,) = (one for one in page.root.all("section") if one.attrs.get("aria-labelledby") == section)
    return [one.text for one in part.all("li")]


class TestConnections:
    def test_state_passes_and_a_pass_now(self, diary: Diary, desk: Browser) -> None:
        diary.book()
        page = desk.open("/console/calendars")
        assert faults(page) == []
        (line,) = listed(page, "connections")
        assert "Dr Vega's phone" in line
        assert "Running" in line
        page = desk.follow("Dr Vega's phone")
        assert faults(page) == []
        assert "Calendar, both ways of Dr Vega" in page.text
        before = len(page.root.all("tr"))
        page = desk.submit("Sync now")
        assert page.notices == ["Seen 0, taken over 0, written there 0."]
        assert len(page.root.all("tr")) == before + 1
        assert "It answers" in desk.submit("Test").notices[0]

    def test_only_an_administrator_pauses(self, house: House, diary: Diary, desk: Browser) -> None:
        page = desk.open(f"/console/calendars/connections/{diary.connection}")
        assert not [one for one in page.root.all("button") if one.text == "Pause"]
        form = page.root.one("form", class_="acts")
        answer = desk.send(form.attrs["action"], "post", defaults(form) | {"act": "pause"})
        assert (answer.status, diary.state()[0]) == (403, "ok")
        with closing(Browser(house.url)) as admin:
            sign_in(admin, house.key("admin"))
            admin.open(f"/console/calendars/connections/{diary.connection}")
            assert "Paused" in admin.submit("Pause").text
            assert diary.state()[0] == "paused"
            admin.submit("Go on")
            assert diary.state()[0] == "ok"

    def test_a_refused_password_heads_the_inbox(self, house: House, diary: Diary, desk: Browser) -> None:
        assert "Connections that do not work" not in desk.open("/console/inbox").text
        house.patch(f"calendar-connections/{diary.connection}", {"password": "wrong"}, role="admin")
        house.tick(minutes=5)
        page = desk.open("/console/inbox")
        assert faults(page) == []
        (line,) = listed(page, "troubled")
        assert "User name or password are refused." in line
        page = desk.follow("Dr Vega's phone")
        assert "Stopped: needs a password" in page.text
        page = desk.submit("Test")
        assert (page.status, len(page.root.all(role="alert"))) == (422, 1)

    @pytest.mark.parametrize("act", ["", "delete"])
    def test_other_actions_are_none(self, diary: Diary, desk: Browser, act: str) -> None:
        page = desk.open(f"/console/calendars/connections/{diary.connection}")
        form = page.root.one("form", class_="acts")
        assert desk.send(form.attrs["action"], "post", defaults(form) | {"act": act}).status == 422


class TestConnecting:
    @pytest.fixture
    def ids(self, house: House) -> Any:
        return clinic(house)

    @pytest.fixture
    def admin(self, house: House, ids: Any) -> Iterator[Browser]:
        with closing(Browser(house.url)) as browser:
            sign_in(browser, house.key("admin"))
            yield browser

    def fill(self, admin: Browser, address: str, **more: str) -> Page:
        fields = {"address": address, "username": USER, "password": PASSWORD, "label": "Dr Vega's phone"}
        return admin.submit("Connect", **(fields | more))

    def test_found_tried_and_kept(self, house: House, admin: Browser, server: CalDavServer) -> None:
        admin.open("/console/calendars")
        page = admin.follow("Connect a calendar")
        assert faults(page) == []
        page = self.fill(admin, server.calendar)
        assert page.notices == ["Connected. It answers, and the first pass begins within seconds."]
        assert PASSWORD not in page.text
        assert "It answers" in admin.submit("Test").notices[0]
        (row,) = house.get("calendar-connections")["items"]
        assert (row["url"], row["state"], row["visits"]) == (server.calendar, "ok", True)

    def test_a_wrong_password_saves_nothing(self, house: House, admin: Browser, server: CalDavServer) -> None:
        admin.open("/console/calendars/connections/new")
        page = self.fill(admin, server.calendar, password="secret-but-wrong")
        assert (page.status, len(page.root.all(role="alert"))) == (422, 1)
        assert faults(page) == []
        assert page.root.one("input", id="address").attrs["value"] == server.calendar
        assert page.root.one("input", id="password").attrs["value"] == ""
        assert house.get("calendar-connections")["items"] == []

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"address": ""}, "The address is missing."),
            ({"password": ""}, "Give user name and password, or neither."),
            ({"address": "http://10.0.0.1/"}, "A password goes only over https."),
        ],
    )
    def test_what_is_wrong_is_said(self, admin: Browser, changes: dict[str, str], says: str) -> None:
        admin.open("/console/calendars/connections/new")
        page = self.fill(admin, changes.pop("address", "http://127.0.0.1:9/"), **changes)
        assert page.status == 422
        (alert,) = page.root.all(role="alert")
        assert says in alert.text

    def test_several_are_chosen_from(self, house: House, admin: Browser, server: CalDavServer) -> None:
        other = f"{server.root}{USER}/private/"
        server.request("MKCALENDAR", other)
        admin.open("/console/calendars/connections/new")
        page = self.fill(admin, server.root)
        assert faults(page) == []
        assert "There are 2 calendars behind this address." in page.text
        assert {one.attrs["value"] for one in page.root.all("input", type="radio")} == {server.calendar, other}
        assert house.get("calendar-connections")["items"] == []
        page = self.fill(admin, server.root, calendar=other)
        server.request("DELETE", other)
        assert page.notices == ["Connected. It answers, and the first pass begins within seconds."]
        assert [row["url"] for row in house.get("calendar-connections")["items"]] == [other]

    def test_sent_twice_it_is_one(self, house: House, admin: Browser, server: CalDavServer) -> None:
        page = admin.open("/console/calendars/connections/new")
        form = page.root.one("form", class_="card")
        values = defaults(form) | {"address": server.calendar, "username": USER, "password": PASSWORD}
        answers = [admin.send(form.attrs["action"], "post", values) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        assert len(house.get("calendar-connections")["items"]) == 1

    def test_only_administrators_and_only_from_our_form(
        self, house: House, admin: Browser, desk: Browser, server: CalDavServer
    ) -> None:
        assert desk.open("/console/calendars/connections/new").status == 403
        assert "Connect a calendar" not in desk.open("/console/calendars").text
        page = admin.open("/console/calendars/connections/new")
        form = page.root.one("form", class_="card")
        values = defaults(form) | {"address": server.calendar, "username": USER, "password": PASSWORD}
        assert admin.send(form.attrs["action"], "post", values | {"csrf": "forged"}).status == 403
        assert house.get("calendar-connections")["items"] == []

    def test_a_new_password_lets_it_go_on(self, house: House, diary: Diary) -> None:
        house.patch(f"calendar-connections/{diary.connection}", {"password": "wrong"}, role="admin")
        house.tick(minutes=5)
        assert diary.state()[0] == "needs_login"
        with closing(Browser(house.url)) as admin:
            sign_in(admin, house.key("admin"))
            admin.open(f"/console/calendars/connections/{diary.connection}")
            page = admin.submit("Save the new password", password=PASSWORD)
        assert page.notices == ["The new password works."]
        assert diary.state()[0] == "ok"


class TestConflicts:
    @pytest.fixture
    def visit(self, diary: Diary) -> Any:
        """Moved in the calendar, at a venue that wants to be asked."""
        diary.house.patch(f"locations/{diary.ids['location']}", {"on_remote_move": "ask"}, role="admin")
        visit = diary.book()
        diary.edit(visit, "T100000", "T110000")
        diary.edit(visit, "T103000", "T113000")
        diary.settled()
        return visit

    def test_both_values_and_who(self, desk: Browser, visit: Any) -> None:
        assert "1 waiting" in desk.open("/console/calendars").text
        page = desk.follow("Conflicts")
        assert faults(page) == []
        (article,) = page.root.all("article")  # start and end are one move
        assert article.one("h2").text == "Ana Ruiz · Check-up, Tue 7 May 2030, 10:00"
        assert f"/console/visits/{visit['id']}" in [one.attrs["href"] for one in article.all("a")]
        begins = [one.text for one in article.all("tr")[1].all("td")]
        assert begins == ["Tue 7 May 2030, 10:00", "Tue 7 May 2030, 10:00", "Tue 7 May 2030, 11:00"]
        assert [one.one("th").text for one in article.all("tr")[1:]] == ["Begins", "Ends"]
        assert "holds" in article.all("tr")[0].all("th")[2].text
        assert "Changed there, and refused by our rules: the desk is asked first." in article.text
        assert "Ours was last changed by your key through the API, Mon 6 May 2030" in article.text
        assert "changed in Dr Vega's phone by somebody it does not name" in article.text

    @pytest.mark.parametrize(("button", "start"), [("Theirs holds", ELEVEN), ("Ours holds", TEN)])
    def test_two_choices(self, diary: Diary, desk: Browser, visit: Any, button: str, start: str) -> None:
        page = desk.open("/console/calendars/conflicts")
        page = desk.submit(button, page.root.one("article"))
        assert "Nothing waits for a decision." in page.text
        assert diary.visit(visit)["start"] == start
        page = desk.follow("All")
        assert len(page.root.all("article")) == 1
        assert "Decided" in page.text

    def test_the_inbox_decides_the_same(self, diary: Diary, desk: Browser, visit: Any) -> None:
        desk.open("/console/inbox")
        desk.submit("Move it there")
        assert (diary.visit(visit)["start"], diary.visit(visit)["paused"]) == (ELEVEN, False)
        assert diary.conflicts(attention=True) == []

    def test_a_choice_that_our_rules_refuse_says_so(self, diary: Diary, desk: Browser, visit: Any) -> None:
        diary.house.post("appointments", {
            "service_id": diary.ids["service"], "provider_id": diary.ids["provider"],
            "patient_id": diary.ids["patient"], "start": ELEVEN,
        })  # fmt: skip
        page = desk.open("/console/calendars/conflicts")
        page = desk.submit("Theirs holds", page.root.all("article")[0])
        assert (page.status, len(page.root.all(role="alert"))) == (409, 1)
        assert diary.visit(visit)["start"] == TEN

    def test_other_choices_are_none(self, desk: Browser, visit: Any) -> None:
        page = desk.open("/console/calendars/conflicts")
        form = page.root.all("form", class_="acts")[0]
        assert desk.send(form.attrs["action"], "post", defaults(form) | {"choice": "both"}).status == 422


class TestFeedsAndDevices:
    @pytest.fixture(autouse=True)
    def ids(self, house: House) -> dict[str, Any]:
        house.ids = clinic(house)
        return house.ids

    def test_an_address_is_shown_once(self, house: House, desk: Browser) -> None:
        page = desk.open("/console/calendars")
        form = next(one for one in page.root.all("form") if one.attrs["action"].endswith("/feeds"))
        values = defaults(form) | {"label": "Dr Vega <at> work"}
        page = desk.send(form.attrs["action"], "post", values)
        assert (page.status, faults(page)) == (200, [])
        (address,) = codes(page)
        assert house.send("GET", address.removeprefix(house.url), None, {"User-Agent": "Phone/1"}).status == 200
        assert codes(desk.send(form.attrs["action"], "post", values)) == [], "a reload shows nothing again"
        page = desk.open("/console/calendars")
        assert faults(page) == []
        (line,) = listed(page, "feeds")
        assert "Dr Vega <at> work" in line
        assert "Only when time is taken" in line
        assert "by Phone/1" in line
        assert address not in page.answer.text
        page = desk.submit("Revoke")
        assert listed(page, "feeds") == []
        assert house.send("GET", address.removeprefix(house.url), None, {}).status == 404

    def test_a_location_has_a_feed_too(self, house: House, desk: Browser, ids: dict[str, Any]) -> None:
        desk.open("/console/calendars")
        desk.submit("Make a feed", whose=f"location:{ids['location']}", privacy="full")
        (made,) = house.get("feeds")["items"]
        assert (made["location_id"], made["privacy"]) == (ids["location"], "full")

    @pytest.mark.parametrize("whose", ["", "patient:x", "provider:prv_none"])
    def test_a_feed_of_nobody_is_refused(self, house: House, desk: Browser, whose: str) -> None:
        desk.open("/console/calendars")
        page = desk.submit("Make a feed", whose=whose)
        assert page.status in {404, 422}
        assert page.root.all(role="alert")
        assert house.get("feeds")["items"] == []

    def test_a_device_is_let_in_and_shut_out(self, house: House, desk: Browser) -> None:
        desk.open("/console/calendars")
        page = desk.submit("Let it in", device="Dr Vega's phone", scope="read")
        assert faults(page) == []
        server, user, password = codes(page)
        assert server == f"{house.url}/dav/"
        (made,) = house.get("dav-credentials")["items"]
        phone = Phone(house, made | {"username": user, "password": password})  # type: ignore[arg-type]
        assert phone("PROPFIND", Depth="0").status == 207
        page = desk.open("/console/calendars")
        (line,) = listed(page, "logins")
        assert "Read only" in line
        assert "never used" not in line
        house.clock.advance(timedelta(minutes=1))
        desk.submit("Shut out")
        assert phone("PROPFIND", Depth="0").status == 401

    def test_a_device_needs_a_name(self, house: House, desk: Browser) -> None:
        desk.open("/console/calendars")
        page = desk.submit("Let it in", device="")
        assert page.status == 422
        assert house.get("dav-credentials")["items"] == []
