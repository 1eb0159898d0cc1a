"""What programs keep in an event survives; what belongs to the visit does not change hands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.ical import Event, fold, single
from reminders.domain.overlay import OURS, overlay

START = datetime(2030, 5, 6, 7, 0, tzinfo=UTC)
VISIT = Event(
    "apt_1", START, START + timedelta(minutes=30), ZoneInfo("Europe/Madrid"), "Ana Ruiz", START, location="North"
)
THEIRS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//Phone//EN\r
X-WR-CALNAME:Mine\r
BEGIN:VTIMEZONE\r
TZID:Elsewhere\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZOFFSETFROM:+0000\r
TZOFFSETTO:+0000\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:other\r
DTSTART;TZID=Elsewhere:20310101T000000\r
DTEND;TZID=Elsewhere:20310101T010000\r
summary:Changed\r
ATTENDEE:mailto:somebody@example.org\r
RRULE:FREQ=DAILY\r
{kept}END:VEVENT\r
END:VCALENDAR\r
"""
ALARM = "BEGIN:VALARM\r\nTRIGGER:-PT10M\r\nACTION:DISPLAY\r\nSUMMARY:Go\r\nEND:VALARM\r\n"


def laid(kept: str) -> tuple[str, icalendar.Event]:
    text = overlay(single(VISIT), THEIRS.format(kept=kept))
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return text, event


def test_the_visit_stays_the_clinics() -> None:
    text, event = laid("X-COLOR:red\r\n")
    assert (str(event["UID"]), str(event["SUMMARY"]), str(event["LOCATION"])) == ("apt_1", "Ana Ruiz", "North")
    assert event.start.astimezone(UTC) == START
    assert not {"ATTENDEE", "RRULE"} & set(event)
    assert str(event["X-COLOR"]) == "red"
    assert "X-WR-CALNAME:Mine\r\n" in text
    assert [str(zone["TZID"]) for zone in icalendar.Calendar.from_ical(text).walk("VTIMEZONE")] == ["Europe/Madrid"]


def test_alarms_stay_whole() -> None:
    text, event = laid(ALARM)
    assert ALARM in text
    assert [str(alarm["SUMMARY"]) for alarm in event.walk("VALARM")] == ["Go"]


def test_laying_it_twice_changes_nothing() -> None:
    once, _ = laid(f"X-COLOR:red\r\n{ALARM}")
    assert overlay(single(VISIT), once) == once


@given(
    st.from_regex(r"X-[A-Z]{1,20}", fullmatch=True),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85"), min_size=1, max_size=300
    ),
)
def test_every_other_line_stays_as_it_was_sent(name: str, value: str) -> None:
    line = fold(f"{name}:{value}")
    text, _ = laid(line)
    assert line in text


def test_line_ends_of_any_kind_are_read() -> None:
    bare = THEIRS.format(kept="X-LONG:one\r\n two\r\n").replace("\r\n", "\n")
    assert "X-LONG:one\r\n two\r\n" in overlay(single(VISIT), bare)
    assert {"SUMMARY", "DTSTART"} <= OURS
