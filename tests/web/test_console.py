"""The front desk's console, through HTTP, as a browser without scripts sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from reminders.domain.actor import Role
from reminders.services import numbers
from reminders.store import circuits
from reminders.web.console import guard
from tests.browser.pages import Browser, Element, Page, defaults, faults, sign_in
from tests.house import House, book, clinic, running
from tests.seeded import Seed
from tests.web.test_dav import device

_DAY = "2030-05-08"
_NINE = f"{_DAY}T09:00:00+02:00"


@pytest.fixture
def house(seeded_sqlite: Seed) -> Iterator[House]:
    with seeded_sqlite.served() as house:
        yield house


@pytest.fixture
def ids(house: House) -> dict[str, Any]:
    return house.ids


@pytest.fixture
def desk(house: House, ids: dict[str, Any]) -> Iterator[Browser]:
    """A browser of somebody who has signed in."""
    with closing(Browser(house.url)) as browser:
        sign_in(browser, house.key("desk"))
        yield browser


def heading(page: Page) -> str:
    return page.root.one("h1").text


def row(page: Page, visit: dict[str, Any]) -> Element:
    return page.root.one("li", id=visit["id"])


def test_every_page_says_that_the_provider_refuses_the_account(house: House, desk: Browser) -> None:
    alarm = "Text messages and calls cannot be sent"
    assert alarm not in desk.open("/console/inbox").text
    now = house.clock.now()
    with house.service.database.write() as tx:
        circuits.trip(tx, "AC1", now, now, 20003)
    for page in ("/console/inbox", "/console/", "/console/patients"):
        assert alarm in desk.open(page).text
    with house.service.database.write() as tx:
        circuits.close(tx, "AC1")
    assert alarm not in desk.open("/console/inbox").text


class TestSigningIn:
    @pytest.mark.parametrize("role", ["desk", "admin"])
    def test_a_desk_key_opens_the_day_and_signing_out_closes_it(self, house, ids, role):
        with closing(Browser(house.url)) as browser:
            assert heading(sign_in(browser, house.key(role))) == "Monday 6 May 2030"
            assert "You are signed out." in browser.submit("Sign out").notices
            assert "/console/sign-in" in browser.open("/console/").answer.url

    @pytest.mark.parametrize("role", ["manager", "integration"])
    def test_other_roles_are_refused(self, house, ids, role):
        with closing(Browser(house.url)) as browser:
            page = sign_in(browser, house.key(role))
            assert (page.status, "not for the front desk" in page.text) == (403, True)
            assert "/console/sign-in" in browser.open("/console/").answer.url

    @pytest.mark.parametrize("key", ["", "rk_wrong", "é\x00🙂" * 50])
    def test_a_wrong_key_is_refused(self, house, ids, key):
        with closing(Browser(house.url)) as browser:
            page = sign_in(browser, key)
            assert (page.status, "not known here" in page.text) == (401, True)

    def test_the_cookie_is_guarded_and_never_holds_the_key(self, house, ids):
        with closing(Browser(house.url)) as browser:
            page = sign_in(browser, house.key("desk"))
            cookie = page.answer.history[0].headers["Set-Cookie"]
            assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/console"))
            assert "Secure" not in cookie
            assert house.key("desk") not in cookie

    def test_the_cookie_is_secure_where_the_service_is(self, sqlite_database_url):
        with running(sqlite_database_url, public_url="https://desk.example") as house:
            answer = house.session.get(f"{house.url}/console/sign-in", timeout=30)
            assert "Secure" in answer.headers["Set-Cookie"]

    def test_a_changed_cookie_is_worth_nothing(self, house, desk):
        name = "reminders_console"
        value = desk.session.cookies.get(name)
        desk.session.cookies.clear()
        desk.session.cookies.set(name, value[:9] + ("A" if value[9] != "A" else "B") + value[10:], path="/console")
        assert "/console/sign-in" in desk.open("/console/").answer.url

    def test_revoking_the_key_ends_the_session_at_once(self, house, desk):
        access = house.service.use_cases.access
        assert access.revoke(access.check(house.key("desk")).key_id)
        page = desk.open("/console/patients")
        assert "/console/sign-in" in page.answer.url
        assert "Your session has ended. Please sign in again." in page.notices

    @pytest.mark.parametrize(("hours", "open_"), [(11.9, True), (12.1, False)])
    def test_a_session_lasts_twelve_hours(self, house, desk, hours, open_):
        desk.open("/console/inbox")
        house.tick(hours=hours)
        assert ("/console/sign-in" not in desk.open("/console/inbox").answer.url) is open_

    def test_signing_in_leads_to_the_page_that_was_asked_for(self, house, ids):
        with closing(Browser(house.url)) as browser:
            browser.open("/console/patients?q=Ana")
            assert browser.submit("Sign in", key=house.key("desk")).answer.url.endswith("/console/patients?q=Ana")

    @pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "/api/v1/x", "/console/\\evil"])
    def test_signing_in_never_leads_elsewhere(self, house, ids, elsewhere):
        with closing(Browser(house.url)) as browser:
            browser.open("/console/sign-in", next=elsewhere)
            page = browser.submit("Sign in", key=house.key("desk"), next=elsewhere)
            assert page.answer.url == f"{house.url}/console/"

    def test_the_front_door_leads_to_the_console(self, house, ids):
        with closing(Browser(house.url)) as browser:
            assert "/console/sign-in" in browser.open("/").answer.url

    def test_nothing_but_the_door_is_open(self, house, ids):
        """Every route of the blueprint asks for a session, but for those named in the guard."""
        app = house.service.app()
        rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] == "console"]
        asked = {rule.endpoint for rule in rules}
        assert asked >= {"console.day.show", "console.visit.show", "console.booking.book", "console.people.change"}
        client = app.test_client()
        for rule in rules:
            if rule.endpoint in guard.OPEN:
                continue
            path = re.sub(r"<[^>]+>", "x", rule.rule)
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                answer = client.open(path, method=method)
                assert (answer.status_code, "/console/sign-in" in answer.headers["Location"]) == (303, True), path


class TestForgery:
    @pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
    def test_a_form_without_our_token_changes_nothing(self, house, ids, desk, token):
        visit = book(house, ids, _NINE)
        values = {"change": "cancel"} | ({} if token is None else {"csrf": token})
        page = desk.send(f"/console/visits/{visit['id']}/change", "post", values)
        assert (page.status, heading(page)) == (403, "Not allowed")
        assert house.get(f"appointments/{visit['id']}")["status"] == "booked"

    def test_the_token_of_another_session_is_refused(self, house, ids, desk):
        with closing(Browser(house.url)) as other:
            sign_in(other, house.key("desk"))
            stolen = defaults(other.page.root.all("form")[0])["csrf"]
        assert desk.send("/console/sign-out", "post", {"csrf": stolen}).status == 403

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
            ({"Sec-Fetch-Site": "same-origin"}, 200),
            ({}, 200),
        ],
    )
    def test_other_sites_cannot_post_even_with_the_token(self, desk, headers, status):
        form = desk.page.root.one("form", class_="out")
        assert desk.send(form.attrs["action"], "post", defaults(form), **headers).status == status

    def test_signing_in_needs_the_token_too(self, house, ids):
        with closing(Browser(house.url)) as browser:
            browser.open("/console/sign-in")
            page = browser.send("/console/sign-in", "post", {"key": house.key("desk")})
            assert page.status == 403
            assert "/console/sign-in" in browser.open("/console/").answer.url


class TestDay:
    def test_visits_of_the_day_with_the_sentence_of_their_ledger(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open("/console/", day=_DAY)
        assert heading(page) == "Wednesday 8 May 2030"
        line = row(page, visit).text
        summary = house.get(f"appointments/{visit['id']}/reminders")["summary"]
        for words in ("09:0009:30", "Ana Ruiz", "Not confirmed", "Check-up", "Dr Vega", "+34 600 00 00 10", summary):
            assert words in line, words
        desk.follow("←")
        assert heading(desk.page) == "Tuesday 7 May 2030"
        assert row(desk.follow("→"), visit)
        assert desk.follow("Today").root.all("p", class_="nothing")

    def test_the_day_begins_and_ends_at_the_venue(self, house, ids, desk):
        """Summer time ends on 27 October 2030 in Madrid: the day has 25 hours."""
        late = book(house, ids, "2030-10-27T23:30:00+01:00", override=True)
        early = book(house, ids, "2030-10-28T00:00:00+01:00", override=True)
        for day, visit in (("2030-10-27", late), ("2030-10-28", early)):
            lines = desk.open("/console/", day=day).root.all("li", class_="line")
            assert [one.attrs["id"] for one in lines] == [visit["id"]]

    @pytest.mark.parametrize("day", ["", "yesterday", "2030-02-30", "0001-01-01", "9999-12-31", "'"])
    def test_any_text_as_a_day_is_survived(self, desk, day):
        assert desk.open("/console/", day=day).status == 200

    def test_arriving_and_being_done(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open("/console/", day=_DAY)
        page = desk.submit("Arrived", row(page, visit))
        assert "The patient is here." in page.notices
        assert page.answer.url.endswith(f"day={_DAY}#{visit['id']}")
        assert "Arrived" in row(page, visit).text
        page = desk.submit("Done", row(page, visit))
        assert not row(page, visit).all("button")
        changes = house.get(f"appointments/{visit['id']}/history")["items"]
        assert [(one["change"], one["channel"]) for one in changes] == [
            ("book", "api"), ("arrive", "console"), ("fulfil", "console"),
        ]  # fmt: skip

    def test_no_show_and_coming_late_after_all(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        house.tick(hours=50)
        sign_in(desk, house.key("desk"))
        page = desk.submit("No-show", row(desk.page, visit))
        assert "No-show" in row(page, visit).text
        assert [one.text.split(":")[0] for one in row(page, visit).all("button")] == ["Arrived", "Done"]

    def test_what_is_offered_is_what_the_status_machine_allows(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        line = row(desk.open("/console/", day=_DAY), visit)
        offered = {one.attrs["value"] for one in line.all("button", name="change")}
        assert offered | {"reschedule"} == set(house.get(f"appointments/{visit['id']}")["allowed"])
        assert [one.attrs["href"] for one in line.all("a", class_="button")] == [f"/console/visits/{visit['id']}/move"]

    def test_cancelling_with_a_reason(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        line = row(desk.open("/console/", day=_DAY), visit)
        page = desk.submit("Cancel visit", line, reason="Provider is <ill>")
        assert "Reason: Provider is <ill>" in row(page, visit).text
        assert house.get(f"appointments/{visit['id']}")["cancel_reason"] == "Provider is <ill>"

    def test_cancelling_what_somebody_moved_meanwhile_is_refused(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        line = row(desk.open("/console/", day=_DAY), visit)
        house.post(f"appointments/{visit['id']}/reschedule", {"start": "2030-05-09T11:00:00+02:00"})
        page = desk.submit("Cancel visit", line)
        assert (page.status, "Somebody changed this in the meantime" in page.text) == (412, True)
        assert "Thursday 9 May 2030, 11:00" in page.text
        assert house.get(f"appointments/{visit['id']}")["status"] == "booked"

    def test_an_old_page_may_still_say_that_the_patient_came(self, house, ids, desk):
        """The patient confirmed by SMS after the page was made: no reason to refuse the arrival."""
        visit = book(house, ids, _NINE)
        line = row(desk.open("/console/", day=_DAY), visit)
        house.post(f"appointments/{visit['id']}/confirm")
        assert "The patient is here." in desk.submit("Arrived", line).notices

    def test_one_provider_at_a_time(self, house, ids, desk):
        other = house.post("providers", {"name": "Dr Lin", "location_id": ids["location"], "hours": []}, role="admin")
        visit = book(house, ids, _NINE)
        assert desk.open("/console/", day=_DAY, provider=other["id"]).root.all("p", class_="nothing")
        page = desk.open("/console/", day=_DAY, provider=ids["provider"])
        page = desk.submit("Arrived", row(page, visit))
        assert f"provider={ids['provider']}" in page.answer.url

    def test_statements_do_not_grow_with_the_visits(self, database_url):
        with running(database_url) as house, closing(Browser(house.url)) as browser:
            ids = clinic(house)
            sign_in(browser, house.key("desk"))
            counted = []
            for hours in (range(9, 10), range(10, 17)):
                for hour in hours:
                    book(house, ids, f"{_DAY}T{hour:02}:00:00+02:00")
                before = house.service.database.statements
                page = browser.open("/console/", day=_DAY)
                counted.append((len(page.root.all("li", class_="line")), house.service.database.statements - before))
            assert [visits for visits, _ in counted] == [1, 8]
            assert counted[0][1] == counted[1][1] <= 6


class TestVisit:
    def test_facts_ledger_history_and_conversation(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        house.tick(hours=25, minutes=1)
        house.settle()
        house.sandbox.reply("+34600000010", "1")
        house.settle()
        house.tick(minutes=10)
        sign_in(desk, house.key("desk"))
        page = desk.open(f"/console/visits/{visit['id']}")
        entries = house.get(f"appointments/{visit['id']}/reminders")["items"]
        for entry in entries:
            assert entry["sentence"] in page.text
        assert entries[0]["text"].split()[-1] in page.root.one("blockquote", lang="es").text
        assert entries[0]["cost_is_actual"]
        assert f"{entries[0]['cost']['amount']} USD charged" in page.text
        assert "the patient by SMS" in page.text
        assert [one.text for one in page.root.all("li", class_="heard")[0].all("p", class_="bubble")] == ["1"]

    def test_moving_to_a_free_time_close_by(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open(f"/console/visits/{visit['id']}")
        options = [one.attrs["value"] for one in page.root.all("input", type="radio")]
        assert f"{_DAY}T09:30:00+02:00 {ids['provider']}" in options
        page = desk.submit("Move the visit", option=f"{_DAY}T09:30:00+02:00 {ids['provider']}")
        assert "The visit is moved and its reminders are planned anew." in page.notices
        assert "Moved from Wed 8 May 2030, 09:00 to Wed 8 May 2030, 09:30" in page.text
        assert house.get(f"appointments/{visit['id']}")["start"] == f"{_DAY}T09:30:00+02:00"

    def test_moving_to_another_week(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/visits/{visit['id']}/move")
        page = desk.follow("Later")
        option = page.root.one("input", value=f"2030-05-16T16:30:00+02:00 {ids['provider']}")
        desk.submit("Move the visit", option=option.attrs["value"])
        assert house.get(f"appointments/{visit['id']}")["start"] == "2030-05-16T16:30:00+02:00"

    def test_moving_onto_another_visit_says_what_else_is_free(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/visits/{visit['id']}")
        book(house, ids, f"{_DAY}T09:30:00+02:00")
        page = desk.submit("Move the visit", option=f"{_DAY}T09:30:00+02:00 {ids['provider']}")
        assert (page.status, "This time is no longer free." in page.notices) == (409, True)
        assert f"{_DAY}T10:00:00+02:00 {ids['provider']}" in [
            one.attrs["value"] for one in page.root.all("input", type="radio")
        ]
        assert house.get(f"appointments/{visit['id']}")["start"] == _NINE

    @pytest.mark.parametrize(
        "option", ["", "soon x", f"{_DAY}T09:30:00", f"{_NINE} prv_nobody", "0001-01-01T00:00:00Z x"]
    )
    def test_a_time_that_is_none_is_refused(self, house, ids, desk, option):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/visits/{visit['id']}")
        assert desk.submit("Move the visit", option=option).status in {404, 422}
        assert house.get(f"appointments/{visit['id']}")["start"] == _NINE

    def test_a_note_goes_out_once_however_often_the_form_is_sent(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open(f"/console/visits/{visit['id']}")
        form = page.root.one("form", class_="note")
        values = defaults(form) | {"text": "Por favor, traiga su informe."}
        for _ in range(2):
            page = desk.send(form.attrs["action"], "post", values)
            assert "The note goes out within seconds." in page.notices
        house.settle()
        page = desk.open(f"/console/visits/{visit['id']}")
        notes = [one.text for one in page.root.all("p", class_="bubble")]
        assert ["Por favor, traiga su informe." in note for note in notes] == [True]

    def test_another_note_goes_out_too_and_so_does_the_same_one_written_again(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open(f"/console/visits/{visit['id']}")
        form = page.root.one("form", class_="note")
        for text in ("Uno", "Dos"):
            desk.send(form.attrs["action"], "post", defaults(form) | {"text": text})
        desk.submit("Send", text="Uno")
        house.settle()
        notes = [one.body.split(": ")[-1] for one in house.sandbox.conversation("+34600000010")]
        assert sorted(notes) == ["Dos", "Uno", "Uno"]

    @pytest.mark.parametrize(("text", "said"), [("", "Text is missing."), ("x" * 1001, "Text is too long.")])
    def test_a_note_that_cannot_go_out_is_kept_in_the_box(self, house, ids, desk, text, said):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/visits/{visit['id']}")
        page = desk.submit("Send", text=text)
        assert (page.status, said in page.text) == (422, True)
        assert page.root.one("textarea", name="text").text == text

    def test_unknown_visits_and_addresses_are_a_page_too(self, desk):
        for path in ("/console/visits/apt_nothing", "/console/nowhere", "/console/patients/pat_x"):
            page = desk.open(path)
            assert (page.status, heading(page)) == (404, "Not found")


class TestBooking:
    def test_booking_for_a_known_patient(self, house, ids, desk):
        desk.open("/console/book", service=ids["service"], week=_DAY)
        day = desk.page.root.one("section", **{"aria-labelledby": f"d{_DAY}"})
        desk.follow("Wed 8 May, 09:00", day)
        page = desk.submit("Search", q="ruiz")
        page = desk.submit("Book", page.root.one("ul", class_="people"))
        assert "The visit is booked and its reminders are planned." in page.notices
        [visit] = house.get("appointments")["items"]
        assert (visit["start"], visit["patient_id"]) == (_NINE, ids["patient"])

    def test_booking_for_a_new_patient_reads_the_number_in_the_venues_country(self, house, ids, desk):
        self._choose(desk, ids)
        page = desk.submit("Save and book", name="José Muñoz", phone="600 000 099", language="es")
        assert page.status == 200
        [patient] = house.get("patients", phone="+34600000099")["items"]
        assert (patient["name"], patient["language"]) == ("José Muñoz", "es")
        assert house.get("appointments")["items"][0]["patient_id"] == patient["id"]

    def test_at_another_venue_numbers_are_read_in_its_country(self, house, ids, desk):
        venue = house.post("locations", {
            "name": "Riverside", "time_zone": "America/New_York", "country": "US", "language": "en", "currency": "USD",
            "observes_holidays": False,
        }, role="admin")  # fmt: skip
        hours = [{"weekday": "WE", "start": "09:00", "end": "12:00"}]
        provider = house.post(
            "providers", {"name": "Dr Ames", "location_id": venue["id"], "hours": hours}, role="admin"
        )
        service = house.post("services", {
            "name": "Talk", "duration_minutes": 30, "provider_ids": [provider["id"]],
        }, role="admin")  # fmt: skip
        desk.open("/console/book", location=venue["id"], service=service["id"], week=_DAY)
        desk.follow("Wed 8 May, 09:00")
        page = desk.submit("Save and book", name="Joe", phone="(202) 555-0123")
        assert "Wednesday 8 May 2030, 09:00" in page.text
        assert house.get("patients", q="Joe")["items"][0]["phone"] == "+12025550123"
        assert house.get("appointments")["items"][0]["start"] == f"{_DAY}T09:00:00-04:00"

    def test_a_form_sent_twice_books_once_and_makes_one_card(self, house, ids, desk):
        page = self._choose(desk, ids)
        form = page.root.one("section", **{"aria-labelledby": "new"}).one("form")
        values = defaults(form) | {"name": "José Muñoz"}
        assert {desk.send(form.attrs["action"], "post", values).status for _ in range(2)} == {200}
        assert len(house.get("appointments")["items"]) == 1
        assert len(house.get("patients", q="Muñoz")["items"]) == 1

    def test_what_is_wrong_is_said_at_the_field_and_nothing_typed_is_lost(self, house, ids, desk):
        self._choose(desk, ids)
        page = desk.submit("Save and book", name="", phone="12", email="nonsense")
        assert page.status == 422
        assert page.root.one("p", id="name-note").text == "Name is missing."
        field = page.root.one("input", id="email")
        assert (field.attrs["value"], field.attrs["aria-invalid"]) == ("nonsense", "true")
        page = desk.submit("Save and book", name="José", phone="1234", email="")
        assert "This phone number has too few or too many digits." in page.root.one("p", id="phone-note").text
        assert house.get("appointments")["items"] == []

    def test_a_taken_time_offers_others_as_buttons(self, house, ids, desk):
        self._choose(desk, ids)
        book(house, ids, _NINE)
        page = desk.submit("Save and book", name="José Muñoz")
        assert (page.status, "This time is no longer free." in page.notices) == (409, True)
        offers = page.root.one("div", class_="offers")
        assert len(offers.all("button")) == 5
        page = desk.submit("Wed 8 May, 09:30", offers)
        assert page.status == 200
        assert [one["start"] for one in house.get("appointments")["items"]] == [_NINE, f"{_DAY}T09:30:00+02:00"]
        assert len(house.get("patients", q="Muñoz")["items"]) == 1

    def test_a_walk_in_outside_hours(self, house, ids, desk):
        desk.open("/console/book", service=ids["service"], week=_DAY, patient=ids["patient"])
        page = desk.submit("Go on", provider=ids["provider"], day=_DAY, time="19:10")
        assert "outside what is offered" in page.text
        desk.submit("Book this visit")
        assert house.get("appointments")["items"][0]["start"] == f"{_DAY}T19:10:00+02:00"

    @pytest.mark.parametrize(
        ("day", "time"), [("", ""), ("0001-01-01", "00:00"), ("9999-12-31", "23:59"), ("x", "25:00")]
    )
    def test_any_text_as_a_day_and_time_is_survived(self, house, ids, desk, day, time):
        desk.open("/console/book", service=ids["service"], week=_DAY)
        assert desk.submit("Go on", provider=ids["provider"], day=day, time=time).status == 422

    def test_a_time_skipped_by_the_clocks_is_refused(self, house, ids, desk):
        desk.open("/console/book", service=ids["service"], week="2030-03-31")
        page = desk.submit("Go on", provider=ids["provider"], day="2030-03-31", time="02:30")
        assert (page.status, "this time does not exist" in page.text) == (422, True)

    def test_an_hour_without_override_is_refused_in_a_sentence(self, house, ids, desk):
        desk.open(
            "/console/book/patient", service=ids["service"], option=f"{_DAY}T19:00:00+02:00 {ids['provider']}",
            patient=ids["patient"],
        )  # fmt: skip
        page = desk.submit("Book this visit")
        assert (page.status, "This time is not offered" in page.text) == (409, True)
        desk.submit("Book it all the same")
        assert house.get("appointments")["items"][0]["start"] == f"{_DAY}T19:00:00+02:00"

    def _choose(self, desk: Browser, ids: dict[str, Any]) -> Page:
        return desk.open("/console/book/patient", service=ids["service"], option=f"{_NINE} {ids['provider']}")


class TestWishes:
    @pytest.fixture
    def visit(self, house, ids, desk) -> dict[str, Any]:
        """A visit that its provider moved in a calendar, at a venue where the desk wants to be asked."""
        house.ids = ids
        house.patch(f"locations/{ids['location']}", {"on_remote_move": "ask"}, role="admin")
        visit, phone = book(house, ids, _NINE), device(house)
        name = f"{visit['id']}.ics"
        moved = phone("GET", name).text.replace("T090000", "T110000").replace("T093000", "T113000")
        assert phone("PUT", name, moved).status == 403
        return visit

    @pytest.mark.parametrize(("button", "hour"), [("Move it there", "11"), ("Leave it where it is", "09")])
    def test_the_desk_grants_it_or_not(self, house, desk, visit, button, hour):
        page = desk.open("/console/inbox")
        assert "Wished for:" in page.text
        desk.submit(button)
        assert house.get(f"appointments/{visit['id']}")["start"] == f"{_DAY}T{hour}:00:00+02:00"
        assert house.get("inbox")["items"] == []

    def test_a_wish_for_taken_time_stays_open(self, house, ids, desk, visit):
        book(house, ids, f"{_DAY}T11:00:00+02:00")
        desk.open("/console/inbox")
        page = desk.submit("Move it there")
        assert page.status == 409
        assert page.root.one("article").one("p", role="alert")
        assert house.get(f"appointments/{visit['id']}")["start"] == _NINE

    def test_without_a_wish_there_is_nothing_to_grant(self, house, desk, visit):
        page = desk.open("/console/inbox")
        (form,) = (one for one in page.root.all("form") if one.attrs["action"].endswith("/wish"))
        desk.submit("Leave it where it is")
        assert desk.send(form.attrs["action"], "post", defaults(form) | {"grant": "1"}).status == 422
        assert house.get(f"appointments/{visit['id']}")["start"] == _NINE


class TestInbox:
    @pytest.fixture
    def visit(self, house, ids, desk) -> dict[str, Any]:
        """A visit whose patient answered something only a person can read."""
        visit = book(house, ids, _NINE)
        house.tick(hours=25, minutes=1)
        house.settle()
        house.sandbox.reply("+34600000010", "¿Puedo llevar a mi <b>perro</b>?")
        house.settle()
        sign_in(desk, house.key("desk"))
        return visit

    def test_the_patients_words_and_the_visit(self, desk, visit):
        page = desk.open("/console/inbox")
        assert page.root.one("span", class_="count").text == "1 waiting"
        item = page.root.one("article")
        assert item.one("blockquote").text == "¿Puedo llevar a mi <b>perro</b>?"
        assert f"/console/visits/{visit['id']}" in [one.attrs["href"] for one in item.all("a")]

    def test_an_answer_settles_it(self, house, desk, visit):
        desk.open("/console/inbox")
        page = desk.submit("Send", text="Sí, claro.")
        assert "Nothing is waiting." in page.text
        house.settle()
        assert any("Sí, claro." in one.body for one in house.sandbox.conversation("+34600000010"))
        assert desk.open("/console/inbox", done=1).root.all("article")

    def test_an_answer_may_leave_it_open(self, desk, visit):
        page = desk.open("/console/inbox")
        form = page.root.one("form", class_="reply")
        values = {name: value for name, value in defaults(form).items() if name != "finish"}
        page = desk.send(form.attrs["action"], "post", values | {"text": "Pregunto."})
        assert page.root.one("article")

    def test_settled_without_an_answer(self, house, desk, visit):
        desk.open("/console/inbox")
        desk.submit("Settled without an answer")
        assert house.get("inbox")["items"] == []

    @pytest.mark.parametrize(
        ("button", "key", "value"), [("Confirm", "confirmation", "confirmed"), ("Yes, cancel", "status", "cancelled")]
    )
    def test_the_desk_decides(self, house, desk, visit, button, key, value):
        desk.open("/console/inbox")
        desk.submit(button)
        assert house.get(f"appointments/{visit['id']}")[key] == value
        assert house.get("inbox")["items"] == []

    def test_who_said_stop_is_not_texted(self, house, ids, desk, visit):
        house.post(f"patients/{ids['patient']}/stop", {"channel": "sms", "evidence": "on the phone"})
        desk.open("/console/inbox")
        page = desk.submit("Send", text="Sí, claro.")
        assert page.status == 409
        assert "please call" in page.root.one("article").one("p", role="alert").text
        assert page.root.one("textarea").text == "Sí, claro."


class TestPatients:
    @pytest.mark.parametrize("wanted", ["ruiz", "Ana", "600 000 010", "+34 600 000 010", ""])
    def test_search_by_name_or_number(self, ids, desk, wanted):
        page = desk.open("/console/patients", q=wanted)
        assert "Ana Ruiz" in page.root.one("ul", class_="people").text

    @pytest.mark.parametrize("wanted", ["nobody", "%", "_", "\x00", "+44 7700 900999", "+99999999999999999999"])
    def test_nobody_is_found_in_a_sentence(self, desk, ids, wanted):
        page = desk.open("/console/patients", q=wanted)
        assert page.status in {200, 422}
        assert not page.root.all("ul", class_="people") or wanted == "\x00"

    def test_long_lists_come_in_pages(self, house, ids, desk):
        for number in range(30):
            house.post("patients", {"name": f"Person {number:02}"})
        first = desk.open("/console/patients").root.one("ul", class_="people").all("li")
        second = desk.follow("More").root.one("ul", class_="people").all("li")
        assert (len(first), len(second)) == (25, 6)

    def test_changing_a_card(self, house, ids, desk):
        desk.open(f"/console/patients/{ids['patient']}")
        page = desk.submit("Save", name="Ana Ruiz Gil", phone="", language="fr")
        assert "The card is saved." in page.notices
        card = house.get(f"patients/{ids['patient']}")
        assert (card["name"], card["phone"], card["language"]) == ("Ana Ruiz Gil", None, "fr")

    def test_two_people_changing_one_card(self, house, ids, desk):
        desk.open(f"/console/patients/{ids['patient']}")
        house.api("PATCH", f"patients/{ids['patient']}", {"name": "Ana R."})
        page = desk.submit("Save", name="Ana Ruiz Gil")
        assert (page.status, house.get(f"patients/{ids['patient']}")["name"]) == (412, "Ana R.")

    def test_stop_and_start(self, house, ids, desk):
        desk.open(f"/console/patients/{ids['patient']}")
        page = desk.submit("Write down the stop", channel="all", evidence="on the phone")
        assert "no messages at all" in page.root.one("p", class_="lead").text
        assert house.get(f"patients/{ids['patient']}")["opted_out"] == ["all"]
        assert "written down by your key: on the phone" in page.text
        page = desk.submit("Write down the start", channel="all", evidence="asked for them again")
        assert "written down by your key: asked for them again" in page.text
        assert house.get(f"patients/{ids['patient']}")["opted_out"] == []

    def test_each_channel_says_since_when_and_in_whose_words(self, house, ids, desk):
        path = f"patients/{ids['patient']}"
        house.api("PATCH", path, {"email": "ana@example.com"})
        house.reply("+34600000010", "baja")
        house.settle()
        page = desk.open(f"/console/{path}")
        told = page.root.one("dl", class_="consents").text
        assert "SMS Stopped since Mon 6 May 2030" in told
        assert "by SMS “baja”" in told
        assert "until the patient texts START" in told
        assert "Calls Allowed" in told
        assert "E-mail Allowed" in told
        house.reply("+34600000010", "START")
        house.settle()
        told = desk.open(f"/console/{path}").root.one("dl", class_="consents").text
        assert "SMS Allowed again since Mon 6 May 2030" in told
        assert "by SMS “START”" in told
        assert "Was stopped on Mon 6 May 2030" in told
        house.post(f"{path}/stop", {"channel": "all", "evidence": "<b>nothing"})
        page = desk.open(f"/console/{path}")
        assert (faults(page), "<b>nothing" in page.root.one("dl", class_="consents").text) == ([], True)

    def test_nothing_is_written_down_without_what_was_said(self, house, ids, desk):
        desk.open(f"/console/patients/{ids['patient']}")
        page = desk.submit("Write down the stop", channel="all", evidence=" ")
        assert (page.status, house.get(f"patients/{ids['patient']}")["stops"]) == (422, [])
        assert "What was said is missing." in page.text

    def test_pausing_a_patient(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/patients/{ids['patient']}")
        page = desk.submit("Pause messages")
        assert "nothing goes out but what somebody writes" in page.text
        assert house.get(f"patients/{ids['patient']}")["paused"] is True
        page = desk.open(f"/console/visits/{visit['id']}")
        assert "All messages to this patient are paused" in page.root.one("div", id="blocked").text
        assert "All messages to the patient paused" in page.text
        desk.open(f"/console/patients/{ids['patient']}")
        desk.submit("Resume messages")
        assert house.get(f"patients/{ids['patient']}")["paused"] is False

    def test_pausing_a_visit(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        page = desk.open(f"/console/visits/{visit['id']}")
        assert page.root.all("div", id="blocked") == []
        page = desk.submit("Pause reminders")
        assert "Reminders are paused for this visit" in page.root.one("div", id="blocked").text
        assert "will not go out while the desk has paused reminders for this visit" in page.text
        assert house.get(f"appointments/{visit['id']}")["paused"] is True
        desk.submit("Resume reminders")
        assert house.get(f"appointments/{visit['id']}")["paused"] is False

    def test_a_pause_of_a_page_that_is_out_of_date_is_refused(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        desk.open(f"/console/visits/{visit['id']}")
        house.post(f"appointments/{visit['id']}/confirm")
        assert desk.submit("Pause reminders").status == 412
        house.post(f"appointments/{visit['id']}/cancel")
        desk.open(f"/console/visits/{visit['id']}")
        assert "Pause reminders" not in desk.page.text

    def test_the_visit_says_what_keeps_its_reminders_back(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        house.post(f"patients/{ids['patient']}/stop", {"channel": "voice", "evidence": "works at night"})
        with house.service.database.write() as tx:
            tx.exec_driver_sql("UPDATE patient SET phone_problem = 'provider error 30005'")
        told = desk.open(f"/console/visits/{visit['id']}").root.one("div", id="blocked").text
        assert "Calls: stopped since Mon 6 May 2030" in told
        assert ": works at night." in told
        assert "do not arrive (provider error 30005)" in told
        assert faults(desk.page) == []

    def test_a_number_that_does_not_work_waits_in_the_inbox(self, house, ids, desk):
        visit = book(house, ids, _NINE)
        with house.service.database.write() as tx:
            patient = tx.exec_driver_sql("SELECT id FROM patient").scalar_one()
            told = SimpleNamespace(id=None, patient_id=patient, appointment_id=None)
            numbers.flag(tx, told, "provider error 30005", house.clock.now())
        (item,) = house.get("inbox")["items"]
        assert (item["reason"], item["phone_problem"]) == ("number_problem", "provider error 30005")
        page = desk.open("/console/inbox")
        assert "Messages to this number do not arrive." in page.text
        assert page.root.all("form", class_="reply") == []
        assert visit["id"] in page.answer.text
        assert faults(page) == []
        desk.follow("Correct the number")
        desk.submit("Save", phone="600 000 011")
        assert house.get("inbox")["items"] == []

    def test_a_number_that_does_not_work_is_shown_until_it_is_changed(self, house, ids, desk):
        with house.service.database.write() as tx:
            tx.exec_driver_sql("UPDATE patient SET phone_problem = 'provider error 30005'")
        page = desk.open(f"/console/patients/{ids['patient']}")
        assert "do not arrive (provider error 30005)" in page.text
        desk.submit("Save")
        assert "do not arrive" in desk.open(f"/console/patients/{ids['patient']}").text
        assert "do not arrive" not in desk.submit("Save", phone="600 000 011").text

    def test_a_new_card(self, house, ids, desk):
        desk.open("/console/patients/new")
        page = desk.submit("Save", name="فاطمة الزهراء", phone="+44 7700 900123")
        assert heading(page) == "فاطمة الزهراء"
        assert page.root.one("h1").one("bdi").attrs["dir"] == "auto"


def test_roles_of_the_console() -> None:
    assert {Role.DESK, Role.ADMIN} == guard.ROLES
