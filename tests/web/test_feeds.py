"""Calendar feeds: what subscribers see, what they are spared, and what the desk knows about them."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import icalendar
import pytest
from sqlalchemy import text

from reminders.store.ids import digest
from tests.house import Answer, Local, book, booking

WEDNESDAY = "2030-05-08T09:00:00+02:00"
THURSDAY = "2030-05-09T10:00:00+02:00"


def subscribe(web: Local, **changes: Any) -> str:
    """A new feed, by default of the provider; the path of its address."""
    made = web.post("feeds", {"provider_id": web.ids["provider"]} | changes)
    assert made["webcal_url"] == made["url"].replace("http:", "webcal:")
    return str(made["url"].removeprefix(web.url))


def fetch(web: Local, path: str, **headers: str) -> Answer:
    return web.send("GET", path, None, {name.replace("_", "-"): value for name, value in headers.items()})


def events(web: Local, path: str) -> list[icalendar.Event]:
    answer = fetch(web, path)
    assert answer.status == 200, answer.text
    return icalendar.Calendar.from_ical(answer.text).walk("VEVENT")  # type: ignore[no-any-return]


def second_provider(web: Local) -> str:
    location = web.get(f"providers/{web.ids['provider']}")["location_id"]
    hours = [{"weekday": day, "start": "09:00", "end": "17:00"} for day in ("MO", "TU", "WE", "TH", "FR")]
    other = web.post("providers", {"name": "Dr Mora", "location_id": location, "hours": hours}, role="admin")
    providers = [web.ids["provider"], other["id"]]
    web.patch(f"services/{web.ids['service']}", {"provider_ids": providers}, role="admin")
    return str(other["id"])


def test_a_booking_appears(web: Local) -> None:
    path = subscribe(web, privacy="full", label="Dr Vega at work")
    assert events(web, path) == []
    visit = book(web, web.ids, WEDNESDAY)
    answer = fetch(web, path)
    calendar = icalendar.Calendar.from_ical(answer.text)
    (found,) = calendar.walk("VEVENT")
    assert (str(found["UID"]), str(found["SUMMARY"])) == (visit["id"], "Ana Ruiz, Check-up")
    assert (found.start, found.end) == tuple(datetime.fromisoformat(visit[name]) for name in ("start", "end"))
    assert (found["SEQUENCE"], found["STATUS"], str(found["LOCATION"])) == (0, "CONFIRMED", "Clinica Norte")
    assert (str(calendar["X-WR-CALNAME"]), str(calendar["X-WR-TIMEZONE"])) == ("Dr Vega at work", "Europe/Madrid")
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Madrid"]
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert (answer.headers["Cache-Control"], answer.headers["X-Robots-Tag"]) == ("private, max-age=900", "noindex")


@pytest.mark.parametrize(
    ("privacy", "summary"), [(None, "Busy"), ("initials", "A. R."), ("full", "Ana Ruiz, Check-up")]
)
def test_a_feed_tells_as_much_as_it_may(web: Local, privacy: str | None, summary: str) -> None:
    path = subscribe(web, **({"privacy": privacy} if privacy else {}))
    book(web, web.ids, WEDNESDAY)
    (found,) = events(web, path)
    assert str(found["SUMMARY"]) == summary
    if privacy != "full":
        assert not {"LOCATION", "DESCRIPTION"} & set(found)
        assert "Ruiz" not in fetch(web, path).text


def test_an_event_changes_only_when_the_visit_does(web: Local) -> None:
    path, visit = subscribe(web), book(web, web.ids, WEDNESDAY)
    (first,) = events(web, path)
    web.clock.advance(timedelta(minutes=5))
    (again,) = events(web, path)
    assert again.to_ical() == first.to_ical()
    web.post(f"appointments/{visit['id']}/confirm")
    (confirmed,) = events(web, path)
    assert (confirmed["SEQUENCE"], confirmed["DTSTAMP"].dt) == (0, web.clock.now())
    web.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    (moved,) = events(web, path)
    assert (moved["SEQUENCE"], moved.start) == (1, datetime.fromisoformat(THURSDAY))
    web.post(f"appointments/{visit['id']}/cancel")
    (off,) = events(web, path)
    assert (off["SEQUENCE"], off["STATUS"], off["TRANSP"], str(off["UID"])) == (
        2,
        "CANCELLED",
        "TRANSPARENT",
        visit["id"],
    )


def test_a_cancelled_visit_is_shown_for_30_days(web: Local) -> None:
    path, visit = subscribe(web), book(web, web.ids, "2030-06-19T09:00:00+02:00")
    web.post(f"appointments/{visit['id']}/cancel")
    web.clock.advance(timedelta(days=29))
    assert [event["STATUS"] for event in events(web, path)] == ["CANCELLED"]
    web.clock.advance(timedelta(days=2))
    assert events(web, path) == []


def test_who_has_it_already_gets_nothing(web: Local) -> None:
    path = subscribe(web)
    book(web, web.ids, WEDNESDAY)
    first = fetch(web, path)
    tag, seen = first.headers["ETag"], first.headers["Last-Modified"]
    assert not tag.startswith("W/")
    for headers in (
        {"If_None_Match": tag},
        {"If_Modified_Since": seen},
        {"If_None_Match": f'"x", {tag}'},
        {"If_None_Match": "*"},
    ):
        answer = fetch(web, path, **headers)
        assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", tag)
    earlier = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert fetch(web, path, If_Modified_Since=earlier).status == 200
    assert fetch(web, path, If_None_Match='"other"', If_Modified_Since=seen).status == 200
    book(web, web.ids, THURSDAY)
    for headers in ({"If_None_Match": tag}, {"If_Modified_Since": seen}):
        answer = fetch(web, path, **headers)
        assert (answer.status, answer.headers["ETag"] != tag) == (200, True)


def test_last_modified_only_moves_forward_and_also_when_something_goes(web: Local) -> None:
    other = second_provider(web)
    path = subscribe(web)
    seen = []
    for change in ("book", "book", "leave", "none"):
        if change == "book":
            visit = book(web, web.ids, WEDNESDAY if not seen else THURSDAY)
        if change == "leave":
            web.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY, "provider_id": other})
        answer = fetch(web, path)
        seen.append((parsedate_to_datetime(answer.headers["Last-Modified"]), answer.headers["ETag"]))
    assert [moment for moment, _ in seen] == sorted(moment for moment, _ in seen)
    assert len({moment for moment, _ in seen}) == 3
    assert [tag == seen[0][1] for _, tag in seen] == [True, False, True, True]
    assert fetch(web, path, If_None_Match=seen[1][1]).status == 200


def test_a_visit_goes_with_its_provider(web: Local) -> None:
    other = second_provider(web)
    mine, theirs, everybody = (
        subscribe(web),
        subscribe(web, provider_id=other),
        subscribe(web, provider_id=None, location_id=web.ids["location"]),
    )
    visit = book(web, web.ids, WEDNESDAY)
    assert [len(events(web, path)) for path in (mine, theirs, everybody)] == [1, 0, 1]
    web.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY, "provider_id": other})
    assert [len(events(web, path)) for path in (mine, theirs, everybody)] == [0, 1, 1]
    web.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY, "provider_id": web.ids["provider"]})
    assert [len(events(web, path)) for path in (theirs, mine, everybody)] == [0, 1, 1]


def test_names_that_events_show_may_change(web: Local) -> None:
    path = subscribe(web, privacy="full")
    book(web, web.ids, WEDNESDAY)
    events(web, path)
    web.patch(f"patients/{web.ids['patient']}", {"name": "Ana Ruiz Mora"})
    web.patch(f"services/{web.ids['service']}", {"name": "First visit"}, role="admin")
    web.patch(f"locations/{web.ids['location']}", {"name": "Clinica Sur"}, role="admin")
    (found,) = events(web, path)
    assert (str(found["SUMMARY"]), str(found["LOCATION"])) == ("Ana Ruiz Mora, First visit", "Clinica Sur")


def test_patients_see_their_own_visits(web: Local) -> None:
    path = subscribe(web, provider_id=None, patient_id=web.ids["patient"])
    visit = book(web, web.ids, WEDNESDAY)
    stranger = web.post("patients", {"name": "Luis Paz", "phone": "600 000 011"})
    web.post("appointments", booking(web.ids, THURSDAY, patient_id=stranger["id"]))
    (found,) = events(web, path)
    assert (str(found["UID"]), str(found["SUMMARY"])) == (visit["id"], "Check-up, Clinica Norte")
    assert str(found["DESCRIPTION"]) == "Dr Vega"
    tag = fetch(web, path).headers["ETag"]
    assert fetch(web, path, If_None_Match=tag).status == 304
    web.post(f"appointments/{visit['id']}/cancel")
    assert fetch(web, path, If_None_Match=tag).status == 200


def test_the_desk_sees_who_fetched_and_ends_a_feed(web: Local) -> None:
    made = web.post("feeds", {"provider_id": web.ids["provider"], "label": "Phone"})
    path = made["url"].removeprefix(web.url)
    (listed,) = web.get("feeds")["items"]
    assert (listed["last_fetched_at"], listed.get("url"), listed["label"]) == (None, None, "Phone")
    fetch(web, path, User_Agent="Calendar/1.0")
    seen = web.get(f"feeds/{made['id']}")
    assert (datetime.fromisoformat(seen["last_fetched_at"]), seen["last_agent"]) == (web.clock.now(), "Calendar/1.0")
    assert web.api("DELETE", f"feeds/{made['id']}").status == 204
    assert fetch(web, path).status == 404
    assert web.api("DELETE", f"feeds/{made['id']}").status == 404
    assert web.get("feeds")["items"] == []


def test_the_database_holds_no_token(web: Local) -> None:
    token = subscribe(web).removeprefix("/feeds/").removesuffix(".ics")
    with web.service.database.read() as tx:
        (row,) = tx.execute(text("SELECT * FROM feed")).mappings().all()
    assert row["token_hash"] == digest(token)
    assert token not in str(dict(row))
    assert len(token) >= 22


def test_only_the_token_opens(web: Local) -> None:
    path = subscribe(web)
    for wrong in ("/feeds/x.ics", path[:-5] + ".ics", path + "x", path.upper(), f"/feeds/{web.ids['provider']}.ics"):
        assert fetch(web, wrong).status == 404
    assert web.send("HEAD", path, None, {}).status == 200
    assert web.send("POST", path, None, {}).status == 405


def test_a_feed_is_of_exactly_one(web: Local) -> None:
    for wrong in ({}, {"provider_id": web.ids["provider"], "patient_id": web.ids["patient"]}):
        answer = web.api("POST", "feeds", wrong)
        assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "one_of")
    assert web.api("POST", "feeds", {"provider_id": "prv_unknown"}).status == 404
    assert web.api("POST", "feeds", {"patient_id": "pat_unknown"}).status == 404


def test_a_repeat_makes_no_second_feed_and_tells_no_secret(web: Local) -> None:
    body = {"provider_id": web.ids["provider"]}
    first = web.post("feeds", body, Idempotency_Key="one")
    again = web.post("feeds", body, Idempotency_Key="one")
    assert (again["id"], again.get("url")) == (first["id"], None)
    login = {"provider_id": web.ids["provider"], "label": "Phone"}
    made, repeated = (web.post("dav-credentials", login, Idempotency_Key="two") for _ in range(2))
    assert (repeated["id"], "password" in repeated, "password" in made) == (made["id"], False, True)
