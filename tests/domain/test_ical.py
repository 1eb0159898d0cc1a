"""What we write is read back the same by somebody else's reader, and is written as RFC 5545 wants it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.ical import Event, EventStatus, Method, Person, fold, head, single, tail, vcalendar, vevent
from reminders.domain.icalzone import vtimezone

MADRID = ZoneInfo("Europe/Madrid")
START = datetime(2030, 5, 6, 7, 0, tzinfo=UTC)
VISIT = Event(
    uid="apt_1", start=START, end=START + timedelta(minutes=30), zone=MADRID, summary="Ana Ruiz",
    stamp=datetime(2030, 5, 1, 12, 0, tzinfo=UTC),
)  # fmt: skip
#: Everything a text may hold, but line ends other than LF, which become LF.
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029") | st.just("\n"), max_size=200
)


def read(event: Event) -> icalendar.Event:
    (found,) = icalendar.Calendar.from_ical(single(event)).walk("VEVENT")
    return found


def test_an_event_is_written_line_by_line() -> None:
    assert vevent(replace(VISIT, created=START - timedelta(days=9), sequence=2)).split("\r\n") == [
        "BEGIN:VEVENT", "UID:apt_1", "DTSTAMP:20300501T120000Z", "CREATED:20300427T070000Z",
        "LAST-MODIFIED:20300501T120000Z", "SEQUENCE:2", "DTSTART;TZID=Europe/Madrid:20300506T090000",
        "DTEND;TZID=Europe/Madrid:20300506T093000", "STATUS:CONFIRMED", "TRANSP:OPAQUE", "SUMMARY:Ana Ruiz",
        "END:VEVENT", "",
    ]  # fmt: skip


def test_the_same_event_gives_the_same_bytes() -> None:
    assert vevent(VISIT) == vevent(replace(VISIT)) == head(VISIT) + tail(VISIT)


def test_times_in_utc_need_no_zone() -> None:
    written = single(replace(VISIT, zone=ZoneInfo("UTC")))
    assert "DTSTART:20300506T070000Z\r\n" in written
    assert "VTIMEZONE" not in written


def test_a_cancelled_visit_takes_up_no_time() -> None:
    found = read(replace(VISIT, status=EventStatus.CANCELLED, transparent=True, sequence=3))
    assert (found["STATUS"], found["TRANSP"], found["SEQUENCE"]) == ("CANCELLED", "TRANSPARENT", 3)


def test_an_invitation_names_both_sides() -> None:
    asked = replace(
        VISIT,
        organizer=Person("desk@example.org", 'The "North" clinic'),
        attendee=Person("ana@example.org", "Ana; Ruiz"),
    )
    calendar = icalendar.Calendar.from_ical(single(asked, Method.REQUEST))
    (found,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == "REQUEST"
    assert found["ORGANIZER"] == "mailto:desk@example.org"
    assert found["ORGANIZER"].params["CN"] == 'The "North" clinic'
    assert (found["ATTENDEE"].params["CN"], found["ATTENDEE"].params["RSVP"]) == ("Ana; Ruiz", "TRUE")


@given(summary=TEXTS, location=TEXTS, description=TEXTS)
def test_texts_come_back_as_they_were(summary: str, location: str, description: str) -> None:
    found = read(replace(VISIT, summary=summary, location=location, description=description))
    assert (str(found["SUMMARY"]), str(found.get("LOCATION", "")), str(found.get("DESCRIPTION", ""))) == (
        summary, location, description,
    )  # fmt: skip


@given(st.text(max_size=400).filter(lambda text: not set("\r\n") & set(text)))
def test_no_line_is_longer_than_75_octets_and_unfolding_gives_it_back(whole: str) -> None:
    whole = whole.encode("utf-8", "ignore").decode()
    folded = fold(whole)
    assert folded.endswith("\r\n")
    assert all(len(part.encode()) <= 75 for part in folded.split("\r\n"))
    assert folded[:-2].replace("\r\n ", "") == whole


@pytest.mark.parametrize(
    ("given_text", "written"),
    [
        ("a\r\nb\rc\x85d", "a\\nb\\nc\\nd"),
        ("a\x00b\x07c\x7f\ud800d", "abcd"),
        ("1;2,3\\4", "1\\;2\\,3\\\\4"),
        ("BEGIN:VEVENT\nEND:VCALENDAR", "BEGIN:VEVENT\\nEND:VCALENDAR"),
    ],
)
def test_nothing_in_a_text_can_end_its_line(given_text: str, written: str) -> None:
    assert f"SUMMARY:{written}\r\n" in vevent(replace(VISIT, summary=given_text))


def test_a_calendar_joins_finished_events() -> None:
    events = [vevent(replace(VISIT, uid=f"apt_{number}")) for number in range(3)]
    found = icalendar.Calendar.from_ical(vcalendar(events, [(MADRID, 2030)], method=Method.PUBLISH))
    assert [str(event["UID"]) for event in found.walk("VEVENT")] == ["apt_0", "apt_1", "apt_2"]
    assert len(found.walk("VTIMEZONE")) == 1


# Zones


def rules(zone: str, year: int = 2026) -> list[str]:
    return [line for line in vtimezone(ZoneInfo(zone), year).split("\r\n") if line.startswith("RRULE")]


def test_changes_of_clocks_are_written_as_rules_where_there_are_any() -> None:
    assert rules("Europe/Madrid") == [
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
    ]
    assert rules("America/New_York") == [
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
        "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU",
    ]
    assert rules("Asia/Kolkata") == []
    assert rules("Africa/Casablanca") == []
    assert vtimezone(ZoneInfo("Africa/Casablanca"), 2026).count("RDATE") > 10


@pytest.mark.parametrize(
    "name",
    ["Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu",
     "America/St_Johns", "Pacific/Apia", "Europe/Dublin", "Asia/Jerusalem", "America/Sao_Paulo"],
)  # fmt: skip
def test_a_reader_without_iana_data_finds_the_same_moments(name: str) -> None:
    """The component alone, under a name nobody knows, turns wall times into the moments that the zone has."""
    zone = ZoneInfo(name)
    unknown = vtimezone(zone, 2026).replace(f"TZID:{name}", "TZID:Elsewhere")
    (component,) = icalendar.Calendar.from_ical(f"BEGIN:VCALENDAR\r\n{unknown}END:VCALENDAR\r\n").walk("VTIMEZONE")
    told = component.to_tz(lookup_tzid=False)
    for hour in range(0, 4 * 365 * 24, 11):
        wall = datetime(2026, 1, 1) + timedelta(hours=hour)  # noqa: DTZ001
        ours = wall.replace(tzinfo=zone)
        if (
            ours.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != wall
            or ours.replace(fold=1).utcoffset() != ours.utcoffset()
        ):
            continue  # a wall time that does not exist, or exists twice
        assert wall.replace(tzinfo=told).utcoffset() == ours.utcoffset(), wall


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/Madrid", "America/New_York", "Asia/Tokyo"]),
)
def test_times_come_back_as_they_were(wall: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    start = wall.replace(tzinfo=zone, microsecond=0).astimezone(UTC)
    found = read(replace(VISIT, start=start, end=start + timedelta(minutes=45), zone=zone))
    if start.astimezone(zone).fold == 0:
        assert found.start.astimezone(UTC) == start
        assert str(found.start.tzinfo) == name
