"""Calendars that can only be read: busy time that follows them, and stays when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.gateways.test_outward import answering, say
from tests.house import Local, clinic, local
from tests.services.sync.test_calendarfile import NINE, calendar, event

LATER = ("DTSTART:20300507T110000Z", "DTEND:20300507T120000Z")


class Feed:
    """A provider's feed, served from here. ``answer`` is what it says now."""

    def __init__(self, house: Local, url: str) -> None:
        self.house = house
        self.ids = clinic(house)
        body = {"kind": "ics", "provider_id": self.ids["provider"], "url": f"{url}/feed.ics"}
        self.id = house.post("calendar-connections", body, role="admin")["id"]

    def sync(self, **body: Any) -> Any:
        return self.house.post(f"calendar-connections/{self.id}/sync", body)

    def free(self) -> list[str]:
        """Hours of 7 May at which a visit may begin, in Madrid's time."""
        slots = self.house.get("slots", service_id=self.ids["service"], first="2030-05-07T00:00:00+02:00",
                               last="2030-05-07T23:00:00+02:00")["items"]  # fmt: skip
        return [slot["start"][11:16] for slot in slots]


class Says:
    """What the server answers."""

    def __init__(self) -> None:
        self.text: bytes = calendar(event("one", *NINE)).encode()
        self.status = 200
        self.conditions: list[str | None] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("If-None-Match")
        self.conditions.append(asked)
        tag = f'"{hash(self.text)}"'
        if asked == tag and self.status == 200:
            say(304, ETag=tag)(handler)
        else:
            say(self.status, self.text, ETag=tag)(handler)


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
def feed(sqlite_database_url: str, says: Says) -> Iterator[Feed]:
    with answering(says) as url, local(sqlite_database_url, private_networks="127.0.0.0/8") as house:
        yield Feed(house, url)


def test_events_take_time_until_they_go(feed: Feed, says: Says) -> None:
    assert feed.sync()["pulled"] == 1
    assert "11:00" not in feed.free()
    says.text = calendar(event("two", *LATER)).encode()
    done = feed.sync()
    assert (done["pulled"], done["removed"]) == (1, 1)
    assert "11:00" in feed.free()
    assert "13:00" not in feed.free()


def test_what_could_not_be_read_is_counted(feed: Feed, says: Says) -> None:
    unknown = event("zone", "DTSTART;TZID=Nowhere:20300507T150000", "DURATION:PT1H")
    says.text = calendar(event("one", *NINE), event("bad", "DTSTART:soon"), unknown, "BEGIN:VEVENT\r\n").encode()
    remarks = {"unreadable": 1, "zone_guessed": 1, "unfinished": 1}
    assert (done := feed.sync())["remarks"] == remarks
    assert (done["seen"], done["pulled"]) == (3, 2)
    assert feed.house.get(f"calendar-connections/{feed.id}")["last_run"]["remarks"] == remarks
    assert "15:00" not in feed.free()


def test_it_is_fetched_conditionally(feed: Feed, says: Says) -> None:
    feed.sync(full=True)
    done = feed.sync()
    assert (done["seen"], done["pulled"], done["error"]) == (0, 0, None)
    assert says.conditions[0] is None
    assert says.conditions[-1] is not None


def test_ids_made_anew_with_every_request_change_nothing(feed: Feed, says: Says) -> None:
    feed.sync()
    says.text = calendar(event("another-id", *NINE)).replace("20300101T000000Z", "20300202T000000Z").encode()
    done = feed.sync()
    assert (done["pulled"], done["removed"]) == (0, 0)
    assert "11:00" not in feed.free()


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (200, calendar().encode(), "feed_empty"), (200, b"<html>Sign in</html>", "not_a_calendar"),
        (200, b"<b>BEGIN:VCALENDAR</b>", "not_a_calendar"),
        (500, b"", "no_answer"), (404, b"", "no_answer"), (200, b"x" * 6_000_000, "no_answer"),
    ],
    ids=["empty", "sign in", "talk of one", "broken", "gone", "endless"],
)  # fmt: skip
def test_a_feed_that_fails_keeps_what_it_said_and_warns(
    feed: Feed, says: Says, status: int, text: bytes, reason: str
) -> None:  # fmt: skip
    feed.sync()
    says.status, says.text = status, text
    assert feed.sync()["error"] == reason
    shown = feed.house.get(f"calendar-connections/{feed.id}")
    assert (shown["state"], shown["state_reason"]) == ("failing", reason)
    assert "11:00" not in feed.free()


def test_the_worker_reads_it_by_itself(feed: Feed) -> None:
    feed.house.tick(seconds=1)
    assert "11:00" not in feed.free()


def test_it_says_what_is_in_it(feed: Feed) -> None:
    check = feed.house.post(f"calendar-connections/{feed.id}/test")
    assert (check["ok"], check["detail"]) == (True, "1 events")


def test_an_address_inside_is_refused(sqlite_database_url: str, says: Says) -> None:
    with answering(says) as url, local(sqlite_database_url) as house:
        feed = Feed(house, url)
        assert feed.sync()["error"] == "address_refused"
        assert says.conditions == []


def test_a_file_is_uploaded(feed: Feed) -> None:
    def upload(data: bytes, kind: str = "text/calendar", **query: Any) -> Any:
        wanted = {"provider_id": feed.ids["provider"], **query}
        return feed.house.api("POST", "calendar-files", query=wanted, data=data, Content_Type=kind)

    text = calendar(event("one", *LATER), event("bad", "DTSTART:x")).encode()
    assert upload(text, dry_run="true").json()["stored"] == 0
    done = upload(text).json()
    assert (done["events"], done["stored"], done["rejected"]) == (2, 1, 1)
    assert done["rejects"][0]["uid"] == "bad"
    assert "13:00" not in feed.free()
    assert upload(b"x" * 2_000_000).json()["rejects"][0]["code"] == "not_a_calendar"
    assert upload(b"x" * 6_000_000).status == 413
    assert upload(text, "application/json").status == 415


@pytest.mark.parametrize(
    ("kind", "url"),
    [("ics", "file:///etc/passwd"), ("ics", "ftp://calendar.example/a.ics"), ("ics", "imaps://mail.example/INBOX"),
     ("caldav", "webcal://calendar.example/a"), ("caldav", "calendar.example"), ("imap", "https://mail.example")],
)  # fmt: skip
def test_an_address_that_can_never_work_is_refused_at_once(feed: Feed, kind: str, url: str) -> None:
    body = {"kind": kind, "url": url} | ({} if kind == "imap" else {"provider_id": feed.ids["provider"]})
    answer = feed.house.api("POST", "calendar-connections", body, role="admin")
    assert (answer.status, answer.json()["errors"][0]["code"]) == (422, "url")


def test_a_feed_to_subscribe_to_is_a_feed(feed: Feed) -> None:
    body = {"kind": "ics", "provider_id": feed.ids["provider"], "url": "webcal://calendar.example/feed.ics"}
    assert feed.house.post("calendar-connections", body, role="admin")["url"] == body["url"]
