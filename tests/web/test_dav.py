"""The calendar server as programs speak with it: discovery, reading, syncing, and what becomes of what they write."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import icalendar
import pytest

from tests.house import Answer, Local, book, booking

WEDNESDAY = "2030-05-08T09:00:00+02:00"
THURSDAY = "2030-05-09T10:00:00+02:00"
DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
XMLNS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:X="urn:example:other"'
ETAGS = f"<D:propfind {XMLNS}><D:prop><D:getetag/></D:prop></D:propfind>"
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Phone//EN\r
BEGIN:VEVENT\r
UID:{uid}\r
DTSTAMP:20300501T000000Z\r
DTSTART;TZID=Europe/Madrid:{start}\r
DTEND;TZID=Europe/Madrid:{end}\r
SUMMARY:Dentist\r
{more}END:VEVENT\r
END:VCALENDAR\r
"""


@dataclass
class Phone:
    """A device that has signed in."""

    web: Local
    login: dict[str, Any]

    @property
    def base(self) -> str:
        return f"/dav/calendars/{self.login['provider_id']}/appointments/"

    def __call__(self, method: str, path: str = "", body: str = "", **headers: str) -> Answer:
        """A request; a path without a slash at its head is one inside of the calendar."""
        secret = base64.b64encode(f"{self.login['username']}:{self.login['password']}".encode()).decode()
        sent = {"Authorization": f"Basic {secret}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.send(method, path if path.startswith("/") else self.base + path, body.encode(), sent)

    def names(self) -> dict[str, str]:
        """Every event in the calendar, with its ETag."""
        found = responses(self("PROPFIND", body=ETAGS, Depth="1"))
        return {path.removeprefix(self.base): tag for path, tag in found.items() if path != self.base}

    def sync(self, token: str = "", more: str = "") -> tuple[dict[str, str], str]:
        """What changed since ``token`` (path to ETag or to a status line), and the next token."""
        body = f"<D:sync-collection {XMLNS}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{more}<D:prop><D:getetag/></D:prop></D:sync-collection>"
        answer = self("REPORT", body=body)
        assert answer.status == 207, answer.text
        found = responses(answer)
        return {path.removeprefix(self.base): tag for path, tag in found.items()}, str(
            ElementTree.fromstring(answer.text).findtext(f"{DAV}sync-token")
        )

    def event(self, name: str) -> icalendar.Event:
        answer = self("GET", name)
        assert answer.status == 200, answer.text
        return icalendar.Calendar.from_ical(answer.text).walk("VEVENT")[0]  # type: ignore[no-any-return]


def responses(answer: Answer) -> dict[str, str]:
    assert answer.status == 207, answer.text
    return {
        str(one.findtext(f"{DAV}href")): one.findtext(f".//{DAV}getetag") or str(one.findtext(f".//{DAV}status"))
        for one in ElementTree.fromstring(answer.text).findall(f"{DAV}response")
    }


def condition(answer: Answer) -> str:
    """The precondition that failed."""
    root = ElementTree.fromstring(answer.text)
    assert root.tag == f"{DAV}error"
    return root[0].tag.partition("}")[2]


def device(web: Local, **changes: Any) -> Phone:
    return Phone(web, web.post("dav-credentials", {"provider_id": web.ids["provider"], "label": "Phone"} | changes))


def event(uid: str = "own-1", start: str = "20300508T120000", end: str = "20300508T130000", more: str = "") -> str:
    return EVENT.format(uid=uid, start=start, end=end, more=more)


@pytest.fixture
def phone(web: Local) -> Phone:
    return device(web)


# The way there


def test_the_way_to_the_calendar(phone: Phone) -> None:
    for method in ("GET", "PROPFIND"):
        answer = phone.web.send(method, "/.well-known/caldav", None, {})
        assert (answer.status, answer.headers["Location"]) == (301, "/dav/")
    asked = f"<D:propfind {XMLNS}><D:prop><D:current-user-principal/><C:calendar-home-set/></D:prop></D:propfind>"
    root = ElementTree.fromstring(phone("PROPFIND", "/dav/", asked, Depth="0").text)
    principal = str(root.findtext(f".//{DAV}current-user-principal/{DAV}href"))
    root = ElementTree.fromstring(phone("PROPFIND", principal, asked, Depth="0").text)
    home = str(root.findtext(f".//{CALDAV}calendar-home-set/{DAV}href"))
    inside = ElementTree.fromstring(
        phone(
            "PROPFIND",
            home,
            f"<D:propfind {XMLNS}><D:prop><D:resourcetype/><C:supported-calendar-component-set/></D:prop></D:propfind>",
            Depth="1",
        ).text
    )
    (calendar,) = [one for one in inside if one.find(f".//{CALDAV}calendar") is not None]
    assert calendar.findtext(f"{DAV}href") == phone.base
    assert [one.get("name") for one in calendar.iter(f"{CALDAV}comp")] == ["VEVENT", "VTODO", "VJOURNAL"]


def test_every_answer_says_that_this_is_caldav(phone: Phone) -> None:
    for answer in (
        phone("OPTIONS"),
        phone("GET", "x.ics"),
        phone("PROPFIND", "/dav/", ""),
        phone.web.send("PROPFIND", "/dav/", None, {}),
    ):
        assert "calendar-access" in answer.headers["DAV"]
    assert phone.web.send("OPTIONS", "/dav/", None, {}).status == 200


@pytest.mark.parametrize("login", [None, "x:y", "{name}:x", "x:{password}", "{name}:{password}x"])
def test_only_name_and_password_together_open(web: Local, phone: Phone, login: str | None) -> None:
    headers = {}
    if login is not None:
        text = login.format(name=phone.login["username"], password=phone.login["password"])
        headers["Authorization"] = f"Basic {base64.b64encode(text.encode()).decode()}"
    answer = web.send("PROPFIND", phone.base, b"", headers)
    assert (answer.status, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")


def test_a_lost_phone_is_shut_out(web: Local, phone: Phone) -> None:
    assert phone("PROPFIND", Depth="0").status == 207
    seen = web.get(f"dav-credentials/{phone.login['id']}")
    assert datetime.fromisoformat(seen["last_used_at"]) == web.clock.now()
    assert web.api("DELETE", f"dav-credentials/{phone.login['id']}").status == 204
    assert phone("PROPFIND", Depth="0").status == 401


def test_a_device_sees_one_calendar_and_no_other(web: Local, phone: Phone) -> None:
    other = web.post("providers", {"name": "Dr Mora", "location_id": web.ids["location"]}, role="admin")["id"]
    for path in (f"/dav/calendars/{other}/appointments/", f"/dav/principals/{other}/", "/dav/calendars/", "/dav/x"):
        assert phone("PROPFIND", path, Depth="0").status == 404
    assert (
        phone("MOVE", "x.ics", Destination=f"http://clinic.test/dav/calendars/{other}/appointments/x.ics").status == 404
    )


def test_a_device_that_may_only_read(web: Local) -> None:
    reader = device(web, scope="read")
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    assert reader.names().keys() == {name}
    for answer in (
        reader("PUT", "x.ics", event()),
        reader("DELETE", name),
        reader("MOVE", name, Destination=reader.base + "y.ics"),
        reader(
            "PROPPATCH",
            body=f"<D:propertyupdate {XMLNS}><D:set><D:prop><X:a>1</X:a></D:prop></D:set></D:propertyupdate>",
        ),
    ):
        assert (answer.status, condition(answer)) == (403, "need-privileges")
    assert reader.names().keys() == {name}


# Reading


def test_a_booking_is_an_event(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    found = phone.event(name)
    assert (str(found["UID"]), str(found["SUMMARY"])) == (visit["id"], "Ana Ruiz, Check-up")
    assert found.start == datetime.fromisoformat(WEDNESDAY)
    assert not {"ATTENDEE", "ORGANIZER"} & set(found)
    answer = phone("GET", name)
    assert answer.headers["ETag"] == phone.names()[name]
    assert "METHOD" not in answer.text
    assert phone("GET", name, If_None_Match=answer.headers["ETag"]).status == 304
    multiget = f"<C:calendar-multiget {XMLNS}><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{phone.base}{name}</D:href><D:href>{phone.base}none.ics</D:href></C:calendar-multiget>"
    root = ElementTree.fromstring(phone("REPORT", body=multiget).text)
    assert root.findtext(f".//{CALDAV}calendar-data") == answer.text
    assert responses(phone("REPORT", body=multiget))[f"{phone.base}none.ics"] == "HTTP/1.1 404 Not Found"


def test_what_a_sync_tells(web: Local, phone: Phone) -> None:
    """The first time everything, then only what changed, whoever changed it."""
    first, second = book(web, web.ids, WEDNESDAY), book(web, web.ids, THURSDAY)
    names = [f"{visit['id']}.ics" for visit in (first, second)]
    found, token = phone.sync()
    assert found == phone.names()
    assert set(found) == set(names)
    assert phone.sync(token) == ({}, token)
    web.post(f"appointments/{first['id']}/confirm")
    changed, later = phone.sync(token)
    assert set(changed) == {names[0]}
    assert later != token
    phone("PUT", "own.ics", event())
    phone("DELETE", "own.ics")
    changed, last = phone.sync(later)
    assert changed == {"own.ics": "HTTP/1.1 404 Not Found"}
    assert set(phone.sync(token)[0]) == {names[0], "own.ics"}
    assert phone.sync(last) == ({}, last)
    assert set(phone.sync()[0]) == set(names)


@pytest.mark.parametrize(
    "token", ["x", "urn:reminders:sync:0-1", "urn:reminders:sync:{provider}-999", "urn:reminders:sync:{provider}-x"]
)
def test_a_token_of_another_calendar_is_refused(phone: Phone, token: str) -> None:
    _, mine = phone.sync()
    number = mine.rpartition(":")[2].partition("-")[0]
    body = f"<D:sync-collection {XMLNS}><D:sync-token>{token.format(provider=number)}</D:sync-token><D:prop/></D:sync-collection>"
    answer = phone("REPORT", body=body)
    assert (answer.status, condition(answer)) == (403, "valid-sync-token")


def test_a_sync_in_pieces(web: Local, phone: Phone) -> None:
    for hour in range(9, 14):
        book(web, web.ids, f"2030-05-08T{hour:02}:00:00+02:00")
    found, token, rounds = {}, "", 0
    while True:
        part, following = phone.sync(token, "<D:limit><D:nresults>2</D:nresults></D:limit>")
        is_cut = "507" in part.pop("", "")
        found |= part
        rounds += 1
        if not is_cut:
            break
        assert len(part) == 2
        token = following
    assert (found, rounds) == (phone.names(), 3)


def test_a_visit_goes_with_its_provider(web: Local, phone: Phone) -> None:
    other = web.post("providers", {"name": "Dr Mora", "location_id": web.ids["location"]}, role="admin")["id"]
    web.patch(f"services/{web.ids['service']}", {"provider_ids": [web.ids["provider"], other]}, role="admin")
    visit, theirs = book(web, web.ids, WEDNESDAY), device(web, provider_id=other)
    name = f"{visit['id']}.ics"
    tokens = [one.sync()[1] for one in (phone, theirs)]
    hours = [{"weekday": "WE", "start": "09:00", "end": "17:00"}]
    web.patch(f"providers/{other}", {"hours": hours}, role="admin")
    web.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY, "provider_id": other})
    assert phone.sync(tokens[0])[0] == {name: "HTTP/1.1 404 Not Found"}
    assert set(theirs.sync(tokens[1])[0]) == {name}


# Visits from a phone


def moved(phone: Phone, name: str, start: str, end: str, more: str = "") -> str:
    """The event as a program sends it after its user dragged it elsewhere and added something."""
    lines = [line for line in phone("GET", name).text.split("\r\n") if not line.startswith(("DTSTART;", "DTEND;"))]
    place = lines.index("END:VEVENT")
    lines[place:place] = [
        f"DTSTART;TZID=Europe/Madrid:{start}",
        f"DTEND;TZID=Europe/Madrid:{end}",
        *more.split("\r\n")[:-1],
    ]
    return "\r\n".join(lines)


@pytest.fixture
def told(web: Local) -> Callable[[], list[str]]:
    """What the patient was told of changes."""

    def kinds() -> list[str]:
        visits = web.get("appointments", first="2030-05-01T00:00:00Z", last="2030-06-01T00:00:00Z")["items"]
        return [row["kind"] for visit in visits for row in web.reminders(visit) if row["kind"] != "reminder"]

    return kinds


ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Go\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\nX-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:37.33,-122.0\r\n"


def test_a_move_in_a_phone_is_a_move(web: Local, phone: Phone, told: Callable[[], list[str]]) -> None:
    web.patch(f"reminder-policies/{web.ids['policy']}", {"notices": ["moved", "cancelled"]}, role="admin")
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    tag = phone.names()[name]
    answer = phone("PUT", name, moved(phone, name, "20300509T110000", "20300509T113000", ALARM), If_Match=tag)
    assert (answer.status, answer.headers.get("ETag")) == (204, None)
    now = web.get(f"appointments/{visit['id']}")
    assert (now["start"], now["version"]) == ("2030-05-09T11:00:00+02:00", visit["version"] + 1)
    assert told() == ["moved"]
    changed = phone.event(name)
    assert (changed["SEQUENCE"], str(changed["SUMMARY"])) == (1, "Ana Ruiz, Check-up")
    assert str(changed["X-APPLE-STRUCTURED-LOCATION"]) == "geo:37.33,-122.0"
    assert [str(alarm["DESCRIPTION"]) for alarm in changed.walk("VALARM")] == ["Go"]
    history = web.get(f"appointments/{visit['id']}/history")["items"]
    assert (history[-1]["channel"], history[-1]["actor"]) == ("caldav", phone.login["id"])
    web.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY})
    assert [str(alarm["DESCRIPTION"]) for alarm in phone.event(name).walk("VALARM")] == ["Go"]


def test_booking_rules_may_refuse_and_leave_no_trace(web: Local, phone: Phone) -> None:
    visit, other = book(web, web.ids, WEDNESDAY), book(web, web.ids, THURSDAY)
    name, (_, token) = f"{visit['id']}.ics", phone.sync()
    for start, end, expected in (
        ("20300509T101500", "20300509T104500", (409, "slot-taken")),
        ("20300512T100000", "20300512T103000", (403, "slot-not-offered")),
        ("20300509T120000", "20300509T130000", (403, "length-fixed")),
        ("20300508T090000", "20300508T100000", (403, "length-fixed")),
    ):
        answer = phone("PUT", name, moved(phone, name, start, end))
        assert (answer.status, condition(answer)) == expected
    repeated = phone("PUT", name, moved(phone, name, "20300508T090000", "20300508T093000", "RRULE:FREQ=DAILY\r\n"))
    assert (repeated.status, condition(repeated)) == (403, "supported-calendar-data")
    assert phone.sync(token) == ({}, token)
    assert web.get(f"appointments/{visit['id']}")["version"] == visit["version"]
    assert web.get(f"appointments/{other['id']}")["version"] == other["version"]


def test_who_was_slower_is_told(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    tag, text = phone.names()[name], moved(phone, name, "20300509T110000", "20300509T113000")
    web.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    assert phone("PUT", name, text, If_Match=tag).status == 412
    assert phone("DELETE", name, If_Match=tag).status == 412
    through_a_proxy = f'W/{phone.names()[name][:-1]}-gzip"'
    assert phone("PUT", name, text, If_Match=through_a_proxy).status == 204


def test_a_location_may_want_to_be_asked_first(web: Local, phone: Phone) -> None:
    web.patch(f"locations/{web.ids['location']}", {"on_remote_move": "ask"}, role="admin")
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    for _ in range(2):
        answer = phone("PUT", name, moved(phone, name, "20300509T110000", "20300509T113000"))
        assert (answer.status, condition(answer)) == (403, "desk-decides")
    assert web.get(f"appointments/{visit['id']}")["version"] == visit["version"]
    (item,) = web.get("inbox")["items"]
    assert (item["reason"], item["proposed_start"]) == ("moved_in_calendar", "2030-05-09T09:00:00+00:00")
    phone("PUT", name, moved(phone, name, "20300509T120000", "20300509T123000"))
    (item,) = web.get("inbox")["items"]
    assert item["proposed_start"] == "2030-05-09T10:00:00+00:00", "the newest wish counts"


def test_deleting_a_visit_asks_the_desk(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    name, (_, token) = f"{visit['id']}.ics", phone.sync()
    assert phone("DELETE", name).status == 204
    now = web.get(f"appointments/{visit['id']}")
    assert (now["status"], now["paused"]) == ("booked", True)
    assert [item["reason"] for item in web.get("inbox")["items"]] == ["deleted_in_calendar"]
    assert phone.sync(token)[0] == {name: "HTTP/1.1 404 Not Found"}
    assert phone.names() == {}
    web.post(f"appointments/{visit['id']}/resume")
    assert set(phone.sync(token)[0]) == set(phone.names()) == {name}


def test_the_desk_cancels_what_was_deleted_in_a_calendar(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    phone("DELETE", f"{visit['id']}.ics")
    web.post(f"appointments/{visit['id']}/cancel")
    assert phone.names() == {}


def test_undoing_a_deletion_in_the_phone(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    text = phone("GET", name).text
    phone("DELETE", name)
    assert phone("PUT", name, text, If_None_Match="*").status == 201
    assert (web.get(f"appointments/{visit['id']}")["paused"], set(phone.names())) == (False, {name})


@pytest.mark.parametrize(("rule", "status", "left"), [("restore", 403, "booked"), ("cancel", 204, "cancelled")])
def test_a_location_may_decide_beforehand(web: Local, phone: Phone, rule: str, status: int, left: str) -> None:
    web.patch(f"locations/{web.ids['location']}", {"on_remote_delete": rule}, role="admin")
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    assert phone("DELETE", name).status == status
    now = web.get(f"appointments/{visit['id']}")
    assert (now["status"], now["paused"]) == (left, False)
    assert bool(phone.names()) == (rule == "restore")
    assert web.get("inbox")["items"] == []


def test_cancelling_in_the_calendar_is_deleting(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    name = f"{visit['id']}.ics"
    text = phone("GET", name).text.replace("STATUS:CONFIRMED", "STATUS:CANCELLED")
    assert phone("PUT", name, text).status == 204
    assert web.get(f"appointments/{visit['id']}")["paused"]


# Events of the provider's own


def test_an_own_event_blocks_the_time(web: Local, phone: Phone) -> None:
    answer = phone("PUT", "own.ics", event(more="X-COLOR:red\r\n"), If_None_Match="*")
    assert (answer.status, answer.headers["ETag"]) == (201, phone.names()["own.ics"])
    assert phone("GET", "own.ics").text == event(more="X-COLOR:red\r\n")
    taken = web.api("POST", "appointments", booking(web.ids, "2030-05-08T12:30:00+02:00"))
    assert (taken.status, taken.code) == (409, "slot_taken")
    slots = web.get(
        "slots", service_id=web.ids["service"], first="2030-05-08T00:00:00+02:00", last="2030-05-09T00:00:00+02:00"
    )["items"]
    assert not [slot for slot in slots if "T11:45" <= slot["start"][10:16] < "T13:00"]
    assert phone("PUT", "own.ics", event(start="20300508T140000", end="20300508T150000")).status == 204
    book(web, web.ids, "2030-05-08T12:30:00+02:00")
    assert phone("DELETE", "own.ics").status == 204
    book(web, web.ids, "2030-05-08T14:30:00+02:00")


def test_an_own_event_does_not_push_a_visit_aside(web: Local, phone: Phone) -> None:
    book(web, web.ids, WEDNESDAY)
    _, token = phone.sync()
    answer = phone("PUT", "own.ics", event(start="20300508T084500", end="20300508T091500"))
    assert (answer.status, condition(answer)) == (409, "slot-taken")
    assert phone.sync(token) == ({}, token)
    assert (
        phone(
            "PUT", "own.ics", event(start="20300508T084500", end="20300508T091500", more="TRANSP:TRANSPARENT\r\n")
        ).status
        == 201
    )


def test_an_event_that_repeats_blocks_every_time(web: Local, phone: Phone) -> None:
    book(web, web.ids, "2030-05-15T12:00:00+02:00")
    more = "RRULE:FREQ=WEEKLY\r\nEXDATE;TZID=Europe/Madrid:20300522T120000\r\n"
    assert phone("PUT", "lunch.ics", event(more=more)).status == 201
    for day, status in (("08", 409), ("22", 201), ("29", 409)):
        answer = web.api("POST", "appointments", booking(web.ids, f"2030-05-{day}T12:30:00+02:00"))
        assert answer.status == status, day


def test_an_event_that_repeats_for_years_still_blocks(web: Local, phone: Phone) -> None:
    lunch = event(start="20150105T120000", end="20150105T130000", more="RRULE:FREQ=DAILY\r\n")
    assert phone("PUT", "lunch.ics", lunch).status == 201
    assert web.api("POST", "appointments", booking(web.ids, "2030-05-08T12:30:00+02:00")).status == 409


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("RRULE:FREQ=DAILY;INTERVAL=0\r\n", "max-instances"),
        ("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\n", "max-instances"),
        ("RRULE:FREQ=SECONDLY\r\n", "max-instances"),
        ("RRULE:FREQ=HOURLY\r\n", "max-instances"),
        ("RRULE:FREQ=DAILY\r\nDTSTART;TZID=Europe:20300508T120000\r\n", "valid-calendar-data"),
        (f"RRULE:FREQ=DAILY\r\nRDATE;TZID={'x' * 3000}:20300508T120000\r\n", "valid-calendar-data"),
    ],
)
def test_an_event_that_cannot_be_worked_out_is_refused(phone: Phone, more: str, expected: str) -> None:
    answer = phone("PUT", "odd.ics", event(more=more))
    assert (answer.status, condition(answer)) == (403, expected)


def test_tasks_are_kept_and_take_no_time(web: Local, phone: Phone) -> None:
    task = event(uid="task").replace("VEVENT", "VTODO").replace("DTEND;", "DUE;")
    assert phone("PUT", "task.ics", task).status == 201
    book(web, web.ids, "2030-05-08T12:30:00+02:00")
    during = "<C:time-range start='20300508T090000Z' end='20300508T120000Z'/>"
    assert query(phone, f"<C:comp-filter name='VTODO'>{during}</C:comp-filter>") == {"task.ics"}
    assert "task.ics" not in query(phone, f"<C:comp-filter name='VEVENT'>{during}</C:comp-filter>")
    later = during.replace("0508", "0509")
    assert query(phone, f"<C:comp-filter name='VTODO'>{later}</C:comp-filter>") == set()


def test_whole_days_are_those_of_the_venue(web: Local, phone: Phone) -> None:
    days = (
        event()
        .replace("DTSTART;TZID=Europe/Madrid:20300508T120000", "DTSTART;VALUE=DATE:20300508")
        .replace("DTEND;TZID=Europe/Madrid:20300508T130000", "DTEND;VALUE=DATE:20300509")
    )
    assert phone("PUT", "off.ics", days).status == 201
    for start, status in (
        ("2030-05-07T16:30:00+02:00", 201),
        ("2030-05-08T09:00:00+02:00", 409),
        ("2030-05-08T16:30:00+02:00", 409),
        ("2030-05-09T09:00:00+02:00", 201),
    ):
        assert web.api("POST", "appointments", booking(web.ids, start)).status == status


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rubbish", "valid-calendar-data"),
        (event().replace("VEVENT", "VFREEBUSY"), "supported-calendar-component"),
        (event(more="END:VEVENT\r\nBEGIN:VEVENT\r\nUID:other\r\nDTSTART:20300508T120000Z\r\n"), "valid-calendar-object-resource"),
        (event().replace("UID:own-1\r\n", ""), "valid-calendar-object-resource"),
        (event().replace("DTSTART;TZID=Europe/Madrid:20300508T120000", "DTSTART:20300599T120000"), "valid-calendar-data"),
        (event(end="20300508T110000"), "valid-calendar-data"),
        (event().replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:REQUEST"), "valid-calendar-object-resource"),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "valid-calendar-object-resource"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(phone: Phone, text: str, expected: str) -> None:
    answer = phone("PUT", "own.ics", text)
    assert (answer.status, condition(answer)) == (403, expected)
    assert phone.names() == {}


def test_one_event_is_one_resource(phone: Phone) -> None:
    assert phone("PUT", "own.ics", event()).status == 201
    answer = phone("PUT", "again.ics", event())
    assert (answer.status, condition(answer)) == (409, "no-uid-conflict")
    assert f"{phone.base}own.ics" in answer.text
    other = phone("PUT", "own.ics", event(uid="other"))
    assert (other.status, condition(other)) == (403, "valid-calendar-object-resource")
    phone("DELETE", "own.ics")
    assert phone("PUT", "again.ics", event()).status == 201


@pytest.mark.parametrize(
    ("headers", "there", "missing"),
    [
        ({"If_None_Match": "*"}, 412, 201), ({"If_Match": "*"}, 204, 412), ({"If_Match": '"x"'}, 412, 412), ({}, 204, 201),
    ],
)  # fmt: skip
def test_conditions(phone: Phone, headers: dict[str, str], there: int, missing: int) -> None:
    phone("PUT", "there.ics", event(uid="there"))
    assert phone("PUT", "there.ics", event(uid="there"), **headers).status == there
    assert phone("PUT", "new.ics", event(uid="new"), **headers).status == missing


def test_an_event_gets_another_address(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    phone("PUT", "own.ics", event())
    _, token = phone.sync()
    name = f"{visit['id']}.ics"
    assert phone("MOVE", name, Destination=f"http://clinic.test{phone.base}new%20name.ics").status == 201
    assert phone("MOVE", "own.ics", Destination=phone.base + "new%20name.ics", Overwrite="F").status == 412
    assert phone("MOVE", "own.ics", Destination=phone.base + "new%20name.ics").status == 403
    assert phone.sync(token)[0].keys() == {name, "new%20name.ics"}
    assert phone("MOVE", "none.ics", Destination=phone.base + "x.ics").status == 404
    web.post(f"appointments/{visit['id']}/confirm")
    assert set(phone.names()) == {"own.ics", "new%20name.ics"}


# Properties, queries, busy times


def test_what_a_program_keeps_with_the_calendar_stays(phone: Phone) -> None:
    update = f"<D:propertyupdate {XMLNS}><D:set><D:prop><X:color>#f00 &amp; <X:b/></X:color><D:displayname>Mine</D:displayname></D:prop></D:set></D:propertyupdate>"
    asked = f"<D:propfind {XMLNS}><D:prop><X:color/><D:displayname/><X:none/></D:prop></D:propfind>"
    assert phone("PROPPATCH", body=update).status == 207
    root = ElementTree.fromstring(phone("PROPFIND", body=asked, Depth="0").text)
    kept = root.find(".//{urn:example:other}color")
    assert kept is not None
    assert (kept.text, len(kept), root.findtext(f".//{DAV}displayname")) == ("#f00 & ", 1, "Mine")
    assert [one.findtext(f"{DAV}status") for one in root.iter(f"{DAV}propstat")] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404 Not Found",
    ]
    phone(
        "PROPPATCH",
        body=f"<D:propertyupdate {XMLNS}><D:remove><D:prop><X:color/></D:prop></D:remove></D:propertyupdate>",
    )
    assert "#f00" not in phone("PROPFIND", body=asked, Depth="0").text
    wrong = phone(
        "PROPPATCH",
        body=f"<D:propertyupdate {XMLNS}><D:set><D:prop><D:getetag>1</D:getetag><X:a>1</X:a></D:prop></D:set></D:propertyupdate>",
    )
    assert re.findall(r"HTTP/1.1 (\d+)", wrong.text) == ["403", "424"]
    assert "X:a" not in phone("PROPFIND", body=f"<D:propfind {XMLNS}><D:allprop/></D:propfind>", Depth="0").text


def query(phone: Phone, filter_: str) -> set[str]:
    body = f"<C:calendar-query {XMLNS}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name='VCALENDAR'>{filter_}</C:comp-filter></C:filter></C:calendar-query>"
    return {path.removeprefix(phone.base) for path in responses(phone("REPORT", body=body))}


def test_queries(web: Local, phone: Phone) -> None:
    visit = f"{book(web, web.ids, WEDNESDAY)['id']}.ics"
    phone("PUT", "own.ics", event(more="CATEGORIES:private,family\r\n"))
    phone(
        "PUT",
        "weekly.ics",
        event(uid="weekly", start="20300401T180000", end="20300401T190000", more="RRULE:FREQ=WEEKLY\r\n"),
    )

    def events(inner: str) -> set[str]:
        return query(phone, f"<C:comp-filter name='VEVENT'>{inner}</C:comp-filter>")

    assert query(phone, "") == events("") == {visit, "own.ics", "weekly.ics"}
    assert events("<C:time-range start='20300508T000000Z' end='20300509T000000Z'/>") == {visit, "own.ics"}
    assert events("<C:time-range start='20300506T000000Z' end='20300507T000000Z'/>") == {"weekly.ics"}
    assert events("<C:time-range start='20300508T073000Z' end='20300508T100000Z'/>") == set()
    assert events("<C:prop-filter name='SUMMARY'><C:text-match>dENT</C:text-match></C:prop-filter>") == {
        "own.ics",
        "weekly.ics",
    }
    assert (
        events("<C:prop-filter name='SUMMARY'><C:text-match collation='i;octet'>dENT</C:text-match></C:prop-filter>")
        == set()
    )
    assert events("<C:prop-filter name='CATEGORIES'><C:is-not-defined/></C:prop-filter>") == {visit, "weekly.ics"}
    assert query(phone, "<C:comp-filter name='VTODO'/>") == set()
    bad = phone(
        "REPORT",
        body=f"<C:calendar-query {XMLNS}><C:filter><C:comp-filter name='VCALENDAR'><C:comp-filter name='VEVENT'><C:time-range start='2030'/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>",
    )
    assert (bad.status, condition(bad)) == (403, "valid-filter")


def test_busy_times_tell_no_more(web: Local, phone: Phone) -> None:
    book(web, web.ids, WEDNESDAY)
    phone("PUT", "own.ics", event())
    body = f"<C:free-busy-query {XMLNS}><C:time-range start='20300508T000000Z' end='20300509T000000Z'/></C:free-busy-query>"
    answer = phone("REPORT", body=body)
    assert [line for line in answer.text.split("\r\n") if line.startswith("FREEBUSY")] == [
        "FREEBUSY:20300508T070000Z/20300508T073000Z", "FREEBUSY:20300508T100000Z/20300508T110000Z",
    ]  # fmt: skip
    assert "Ana" not in answer.text
    assert "Dentist" not in answer.text


@pytest.mark.parametrize("body", ["<a", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "\x00", "<a/>"])
def test_xml_is_not_trusted(phone: Phone, body: str) -> None:
    for method in ("PROPFIND", "PROPPATCH", "REPORT"):
        answer = phone(method, body=body, Depth="0")
        assert answer.status in {400, 403}, (method, answer.status)


def test_requests_have_a_size(phone: Phone) -> None:
    assert phone("PUT", "own.ics", event(more="X-A:" + "x" * 2_000_000 + "\r\n")).status == 413


@pytest.mark.parametrize(
    ("method", "status"),
    [("MKCALENDAR", 403), ("MKCOL", 403), ("COPY", 405), ("LOCK", 405), ("ACL", 405), ("POST", 405)],
)
def test_what_is_not_offered(phone: Phone, method: str, status: int) -> None:
    assert phone(method, f"/dav/calendars/{phone.login['provider_id']}/more/").status == status
    assert phone(method, "x.ics").status == status
    assert phone("DELETE", phone.base).status == 403
    assert phone("PROPFIND", body=ETAGS, Depth="infinity").status == 403


def test_the_clock_is_not_asked_for_times(web: Local, phone: Phone) -> None:
    visit = book(web, web.ids, WEDNESDAY)
    before = phone.names()
    web.clock.advance(timedelta(hours=3))
    assert phone.names() == before
    assert set(before) == {f"{visit['id']}.ics"}


def test_an_event_is_fetched_with_one_statement(phone: Phone) -> None:
    phone("PUT", "own-1.ics", event())
    first = phone("GET", "own-1.ics")
    before = phone.web.service.database.statements
    again = phone("GET", "own-1.ics")
    assert (again.status, again.text) == (200, first.text)
    assert phone.web.service.database.statements - before == 1
    unchanged = phone("GET", "own-1.ics", If_None_Match=again.headers["ETag"])
    assert (unchanged.status, unchanged.text) == (304, "")


def test_a_booking_is_there_with_the_next_request(phone: Phone) -> None:
    """Also when the device asked for that very address before."""
    assert phone.names() == {}
    visit = book(phone.web, phone.web.ids, WEDNESDAY)
    (name,) = phone.names()
    start = phone.event(name)["DTSTART"].dt
    phone.web.post(f"appointments/{visit['id']}/reschedule", {"start": THURSDAY})
    assert phone.event(name)["DTSTART"].dt - start == timedelta(days=1, hours=1)
