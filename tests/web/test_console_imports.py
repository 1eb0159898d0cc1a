"""The desk's page of a patient system that waits for its first import, as a browser without scripts sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from reminders.domain.connector import LoginRefused, PeerError
from tests.browser.pages import Browser, defaults, faults, sign_in
from tests.crm_house import Practice, practice

TEN, ELEVEN = "2030-05-07T08:00:00+00:00", "2030-05-07T09:00:00+00:00"
HALF_PAST_TEN, HALF_PAST_ELEVEN = "2030-05-07T08:30:00+00:00", "2030-05-07T09:30:00+00:00"


@pytest.fixture
def here(sqlite_database_url: str) -> Iterator[Practice]:
    """A clinic whose patient system is connected, and knows two people with visits."""
    with practice(sqlite_database_url, connected=False, served=True, blast_radius=1) as here:
        ana = here.patient_there("Ana Ruiz", phone="+34600000010")
        luis = here.patient_there("Luis Gil")
        here.visit_there(ana, TEN, HALF_PAST_TEN)
        here.visit_there(luis, ELEVEN, HALF_PAST_ELEVEN)
        here.visit_there("unheard of", TEN, HALF_PAST_TEN)
        here.connect(start=False)
        yield here


def visitor(here: Practice, role: str) -> Browser:
    browser = Browser(here.house.url)
    sign_in(browser, here.house.key(role))
    return browser


def test_it_is_looked_at_and_then_begins(here: Practice) -> None:
    with closing(visitor(here, "admin")) as admin:
        admin.open("/console/calendars")
        page = admin.follow("In memory")
        assert faults(page) == []
        assert "look at what it would do" in page.text
        assert "Waits for its first import" in page.text
        assert not [one for one in page.root.all("button") if one.text in ("Let it begin", "Go on", "Sync now")]
        page = admin.submit("Look at what it would do")
        assert faults(page) == []
        assert page.notices == ["Read. Nothing was changed on either side."]
        rows = {row.one("th").text: [one.text for one in row.all("td")] for row in page.root.all("tr") if row.all("td")}
        assert (rows["Recognised as ours"], rows["Taken in as new"]) == (["1", "0"], ["1", "2"])
        assert "Visits against our rules: 1, their patient is not linked." in page.text
        assert "2 patients would be reminded of visits that are new here, more than the 1 who may" in page.text
        page = admin.submit("Let it begin")
        assert page.notices == ["It begins in some minutes; until then it may be taken back."]
        assert "The first import begins at Mon 6 May 2030, 08:05." in page.text
        assert not [one for one in page.root.all("button") if one.text == "Sync now"]
        assert "Begins soon" in admin.open("/console/calendars").text
        admin.follow("In memory")
        assert admin.submit("Take it back").notices == ["Taken back. Nothing was changed on either side."]
        admin.submit("Let it begin")
        here.house.tick(minutes=6)
        here.settle()
        assert len(here.house.get("appointments")["items"]) == 2
        page = admin.open(f"/console/calendars/connections/{here.connection}")
        assert "First import" not in page.text


def test_a_patients_page_says_what_the_other_system_calls_them(here: Practice) -> None:
    with closing(visitor(here, "desk")) as desk:
        where = f"/console/patients/{here.ids['patient']}"
        assert "Also known as" not in desk.open(where).text
        here.preview()
        here.change(settings={"url": "https://crm.example"}, paused=None)
        here.preview()
        here.change(paused=False)
        here.house.tick(minutes=6)
        here.settle()
        page = desk.open(where)
        assert faults(page) == []
        (part,) = (one for one in page.root.all("section") if one.attrs.get("aria-labelledby") == "known")
        assert "In memory Ana Ruiz" in part.text
        assert part.one("a").attrs["href"] == f"https://crm.example/patients/{here.linked(here.ids['patient'])}"


def test_it_is_dropped(here: Practice) -> None:
    with closing(visitor(here, "admin")) as admin:
        admin.open(f"/console/calendars/connections/{here.connection}")
        page = admin.submit("Drop the connection")
        assert page.notices == ["Dropped. Nothing was changed on either side."]
    assert here.house.get("crm-connections")["items"] == []
    assert here.crm.written == []


def test_a_system_that_does_not_answer_is_said(here: Practice) -> None:
    here.crm.failures = [PeerError()]
    with closing(visitor(here, "admin")) as admin:
        admin.open(f"/console/calendars/connections/{here.connection}")
        page = admin.submit("Look at what it would do")
        assert len(page.root.all(role="alert")) == 1
        assert here.show()["preview"] is None


@pytest.mark.parametrize(("act", "status"), [("release", 409), ("", 422), ("resume", 422)])
def test_what_cannot_be(here: Practice, act: str, status: int) -> None:
    with closing(visitor(here, "admin")) as admin:
        page = admin.open(f"/console/calendars/connections/{here.connection}")
        (form,) = (one for one in page.root.all("form") if one.attrs["action"].endswith("/import"))
        assert admin.send(form.attrs["action"], "post", defaults(form) | {"act": act}).status == status
    assert here.show()["state_reason"] == "first_import"


def test_the_desk_may_look_and_not_decide(here: Practice) -> None:
    here.preview()
    with closing(visitor(here, "desk")) as desk:
        page = desk.open(f"/console/calendars/connections/{here.connection}")
        assert "2 patients would be reminded" in page.text
        assert not [one for one in page.root.all("button") if one.text == "Let it begin"]
        form = page.root.one("form", class_="acts")
        address = form.attrs["action"] + "/import"
        assert desk.send(address, "post", defaults(form) | {"act": "release"}).status == 403
    assert here.show()["state_reason"] == "first_import"


def test_after_the_first_import_there_is_nothing_to_let_begin(here: Practice) -> None:
    here.preview()
    with closing(visitor(here, "admin")) as admin:
        admin.open(f"/console/calendars/connections/{here.connection}")
        here.change(paused=False)
        assert admin.submit("Let it begin").status == 409


def test_new_keys_let_a_stopped_connection_go_on(here: Practice) -> None:
    here.preview()
    here.change(paused=False)
    here.house.tick(minutes=6)
    here.settle()
    here.crm.failures = [LoginRefused()]
    assert here.sync()["error"] == "login_refused"
    with closing(visitor(here, "admin")) as admin:
        page = admin.open(f"/console/calendars/connections/{here.connection}")
        assert faults(page) == []
        assert "memory:" in page.text  # the address
        assert admin.submit("Save what is filled in").status == 422
        admin.open(f"/console/calendars/connections/{here.connection}")
        page = admin.submit("Save what is filled in", **{"secret-token": "another"})
        assert page.notices == ["Saved, and it answers."]
        assert "another" not in page.text
    assert here.show()["state"] == "ok"
    with closing(visitor(here, "desk")) as desk:
        assert "New keys" not in desk.open(f"/console/calendars/connections/{here.connection}").text
