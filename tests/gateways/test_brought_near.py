"""A series that began long ago happens at the same times when it is brought near."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.recurrence import brought_near
from reminders.gateways.icalobjects import occurrences
from reminders.gateways.icalread import occupied

SINCE = datetime(2030, 3, 20, 15, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=120)
MADRID = ZoneInfo("Europe/Madrid")
SHAPES = {
    "utc": ("", "Z"), "floating": ("", ""), "berlin": (";TZID=Europe/Berlin", ""), "apia": (";TZID=Pacific/Apia", ""),
    "lord howe": (";TZID=Australia/Lord_Howe", ""), "chicago": (";TZID=America/Chicago", ""),
}  # fmt: skip


START = re.compile(r"\r\nDTSTART.*\r\n")


def series(rule: str, start: str, end: str | None = None, *more: str) -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-", "BEGIN:VEVENT", "UID:a", f"RRULE:{rule}", f"DTSTART{start}"]
    lines += [f"DTEND{end}"] if end else []
    return "\r\n".join([*lines, *more, "END:VEVENT", "END:VCALENDAR", ""])


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Rules with an interval, mostly of days and weeks, half of them with an end."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY"]))
    rule = f"FREQ={frequency};INTERVAL={draw(st.integers(1, 40 if frequency in ('DAILY', 'WEEKLY') else 3))}"
    rule += draw(st.sampled_from(["", ";WKST=SU", ";BYMONTH=2,3,11", ";WKST=TH;BYMONTH=4", ";BYSETPOS=-1"]))
    days = draw(st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), max_size=4, unique=True))
    rule += f";BYDAY={','.join(days)}" if days else ""
    count = draw(st.none() | st.integers(1, 400))
    return f"{rule};COUNT={count}" if count else rule + draw(st.sampled_from(["", ";UNTIL=20300401T000000Z"]))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Series of days and weeks that began up to three years before, most with an end, some with days left out."""
    parameters, mark = SHAPES[draw(st.sampled_from(sorted(SHAPES)))]
    first = draw(st.dates(date(2027, 1, 1), date(2030, 6, 1)))
    clock = time(draw(st.integers(0, 23)), draw(st.sampled_from([0, 30])))
    begin = datetime.combine(first, clock)
    end = begin + draw(
        st.timedeltas(timedelta(minutes=30), timedelta(days=9)).map(
            lambda one: one // timedelta(minutes=30) * timedelta(minutes=30)
        )
    )
    rule = draw(rules())
    left_out = draw(st.lists(st.integers(0, 130), max_size=3))
    more = [f"EXDATE{parameters}:{SINCE + timedelta(days=n):%Y%m%d}T{clock:%H%M%S}{mark}" for n in left_out]
    if draw(st.booleans()):  # whole days
        last = max(end.date(), first + timedelta(days=1))
        return series(rule, f";VALUE=DATE:{first:%Y%m%d}", f";VALUE=DATE:{last:%Y%m%d}")
    return series(
        rule, f"{parameters}:{begin:%Y%m%dT%H%M%S}{mark}",
        f"{parameters}:{end:%Y%m%dT%H%M%S}{mark}" if draw(st.booleans()) else None, *more,
    )  # fmt: skip


def at(text: str) -> list[tuple[object, object]]:
    """What the library finds in exactly this text."""
    with warnings.catch_warnings():  # about rules that count and end
        warnings.simplefilter("ignore", DeprecationWarning)
        found = recurring_ical_events.of(icalendar.Calendar.from_ical(text)).between(SINCE - timedelta(days=1), UNTIL)
    return sorted((str(one["DTSTART"].dt), str(one.get("DTEND") and one["DTEND"].dt)) for one in found)


@settings(max_examples=30, deadline=None)
@given(texts())
def test_it_happens_at_the_same_times(text: str) -> None:
    assert at(brought_near(text, SINCE, UNTIL)) == at(text)


@pytest.mark.parametrize(
    ("rule", "start", "end"),
    [
        ("FREQ=DAILY;INTERVAL=7", ":16010101T093000Z", ":16010101T103000Z"),
        ("FREQ=DAILY;INTERVAL=30", ":00010101T093000Z", None),
        ("FREQ=WEEKLY;BYDAY=MO,FR", ";TZID=Europe/Berlin:16010105T093000", ";TZID=Europe/Berlin:16010105T103000"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU", ";TZID=America/Chicago:19700104T023000", None),
        ("FREQ=DAILY;BYMONTH=4", ";VALUE=DATE:16000229", ";VALUE=DATE:16000302"),
        ("FREQ=DAILY;UNTIL=20400101T000000Z", ":16000101T090000Z", ":16000101T100000Z"),
        ("FREQ=DAILY;COUNT=160000", ":16000101T090000Z", ":16000101T100000Z"),
        ("FREQ=WEEKLY;COUNT=70000;BYDAY=MO,WE,FR", ":16000102T090000Z", ":16000102T100000Z"),
        ("FREQ=DAILY;BYMONTHDAY=1,-1", ";TZID=Europe/Berlin:16000131T090000", None),
    ],
)
def test_from_centuries_ago(rule: str, start: str, end: str | None) -> None:
    text = series(rule, start, end)
    near = brought_near(text, SINCE, UNTIL)
    assert at(near) == at(text) != []
    year = int(near.partition("DTSTART")[2].partition("\r\n")[0].rpartition(":")[2][:4])
    assert year in (2029, 2030)


def test_months_come_as_near_as_they_may() -> None:
    """A month is not always as long: a few years before is near enough."""
    text = series("FREQ=MONTHLY;BYDAY=-1TU", ";TZID=Europe/Berlin:16010127T093000")
    near = brought_near(text, SINCE, UNTIL)
    assert at(near) == at(text) != []
    assert "DTSTART;TZID=Europe/Berlin:202" in near


def test_what_is_over_stays_over() -> None:
    assert at(brought_near(series("FREQ=DAILY;COUNT=9", ":20000101T090000Z"), SINCE, UNTIL)) == []


def test_it_is_cut_off_after_what_is_looked_at() -> None:
    for start, end in (
        (":20300301T090000Z", "T000000Z"),
        (":20300301T090000", "T000000"),
        (";VALUE=DATE:20300301", ""),
    ):
        near = brought_near(series("FREQ=DAILY", start), SINCE, UNTIL)
        assert f"RRULE:FREQ=DAILY;UNTIL=20300720{end}\r\n" in near
        assert near.replace(f";UNTIL=20300720{end}", "") == series("FREQ=DAILY", start)


@pytest.mark.parametrize(
    "text",
    [
        series("FREQ=HOURLY;COUNT=900", ":20000101T090000Z"),
        series("FREQ=MONTHLY;COUNT=900;BYDAY=1TU", ":20000101T090000Z"),
        series("FREQ=DAILY;COUNT=9;UNTIL=20300401T000000Z", ":20000101T090000Z"),
        series("FREQ=WEEKLY;BYDAY=1MO", ":20000101T090000Z"),
        series("FREQ=MONTHLY", ":20000131T090000Z"),
        series("FREQ=DAILY", ":20000101T090000Z", None, "RRULE:FREQ=WEEKLY"),
        series("FREQ=DAILY", ":20000101T090000Z", None, "RECURRENCE-ID:20000103T090000Z"),
        series("FREQ=DAILY", ":20000101T090000Z", None, "DURATION:P2000D"),
        series("FREQ=DAILY", ";TZID=Europe/Berlin:20000101T090000", ":20000101T110000Z"),
        series("FREQ=DAILY", ":20000101T090000Z", ":20020101T090000Z"),
        series("FREQ=DAILY", ":20000101T090000Z", ":19990101T090000Z"),
        series("FREQ=DAILY", ":20001301T090000Z"),
        series("FREQ=DAILY;INTERVAL=0", ":20000101T090000Z"),
    ],
)  # fmt: skip
def test_what_is_not_plain_stays(text: str) -> None:
    assert START.search(brought_near(text, SINCE, UNTIL))[0] == START.search(text)[0]  # type: ignore[index]


def test_alarms_zones_and_other_events_are_left_alone() -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DURATION:PT1M", "REPEAT:2", "END:VALARM")
    zone = "BEGIN:VTIMEZONE\r\nTZID:Own\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\n"
    text = series("FREQ=DAILY", ";TZID=Own:16010101T090000", None, *alarm).replace(
        "BEGIN:VEVENT", f"{zone}END:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    near = brought_near(text, SINCE, UNTIL)
    back = near.replace(";UNTIL=20300720T000000Z", "").replace(":20300213T090000", ":16010101T090000")
    assert back == text
    assert near != text
    twice = text.replace(
        "END:VEVENT\r\n", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:b\r\nDTSTART:20300401T090000Z\r\nEND:VEVENT\r\n"
    )
    assert brought_near(twice, SINCE, UNTIL) == twice


def test_both_readers_bring_it_near() -> None:
    """Six seconds each, if they counted through the centuries; the test would only be slow, so it looks at the result."""
    text = series("FREQ=DAILY", ":16010101T093000Z", ":16010101T103000Z")
    assert len(occupied(text, MADRID, SINCE, UNTIL).spans) == 120
    found = occurrences(text, SINCE, UNTIL, MADRID)
    assert (len(found), found[0]["DTSTART"].dt) == (120, datetime(2030, 3, 21, 9, 30, tzinfo=UTC))
