"""Calendar files of strangers: what can be read is taken in, what cannot is named, nothing is lost on the way."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.icalmend import mended
from reminders.domain.icalsplit import line_by_line, split
from reminders.gateways.icalread import occupied
from reminders.services.sync.busy import BusyTimes
from reminders.services.sync.calendarfile import DOUBTS, WHY, CalendarFiles, FileResult
from reminders.store import holds
from reminders.store.engine import Database
from tests.factories import World, at
from tests.shared_data import needs_shared, shared

FILES = sorted(shared("ics").rglob("*.ics")) if shared("ics").is_dir() else []


class Office:
    """One provider, and files that say when there is no time."""

    def __init__(self, database: Database) -> None:
        self.world = World(database)
        self.ids = self.world.open()
        self.busy = BusyTimes(database, self.world.clock, self.world.catalogue, occupied)
        self.files = CalendarFiles(self.world.clock, self.world.catalogue, self.busy, occupied)

    def take(self, data: bytes | str, name: str = "a.ics", **more: Any) -> FileResult:
        raw = data.encode() if isinstance(data, str) else data
        return self.files.run(raw.splitlines(keepends=True), name, self.ids.provider, **more)

    def held(self) -> list[tuple[datetime, datetime]]:
        number = self.world.catalogue.current().provider(self.ids.provider).id
        with self.world.database.read() as tx:
            rows = holds.touching(tx, number, at("2030-01-01 00:00"), at("2032-01-01 00:00"), self.world.clock.now())
        return [(row.start_at, row.end_at) for row in rows]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


@pytest.fixture
def small(sqlite_database_url: str) -> Any:
    database = Database(sqlite_database_url)
    yield Office(database)
    database.close()


def event(uid: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20300101T000000Z", *lines, "END:VEVENT", ""])


def calendar(*events: str) -> str:
    return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "".join(events) + "END:VCALENDAR\r\n"


MADRID = ZoneInfo("Europe/Madrid")
NINE = ("DTSTART:20300507T090000Z", "DTEND:20300507T100000Z")


def test_a_second_import_reads_nothing_again_and_replaces(office: Office) -> None:
    first = office.take(calendar(event("one", *NINE), event("two", "DTSTART:20300508T090000Z", "DURATION:PT2H")))
    assert (first.events, first.stored, first.rejects) == (2, 2, [])
    again = office.take(calendar(event("two", "DTSTART:20300508T090000Z", "DURATION:PT2H"), event("one", *NINE)))
    assert (again.stored, again.unchanged, again.removed) == (0, 2, 0)
    moved = office.take(calendar(event("one", "DTSTART:20300507T110000Z", "DTEND:20300507T120000Z")))
    assert (moved.stored, moved.unchanged, moved.removed) == (1, 0, 1)
    assert office.held() == [(at("2030-05-07 11:00"), at("2030-05-07 12:00"))]


def test_one_bad_event_leaves_the_others(office: Office) -> None:
    found = office.take(calendar(
        event("bad", "DTSTART:20300231T090000Z"), event("good", *NINE), event("never", "SUMMARY:No start"),
        "BEGIN:VEVENT\r\nUID:cut\r\nDTSTART:20300507T090000Z\r\n", event("last", *NINE), "BEGIN:VTODO\r\nEND:VTODO\r\n",
    ))  # fmt: skip
    assert found.stored == 2
    assert found.others == Counter({"VTODO": 1})
    assert [(one.uid, one.code) for one in found.rejects] == [
        ("bad", "unreadable"), ("never", "no_start"), ("", "unfinished"),
    ]  # fmt: skip
    assert [one.line for one in found.rejects] == [3, 14, 19]
    assert all(one.sentence == WHY[one.code] for one in found.rejects)


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        (("DTSTART:20300507T090000Z", "DTEND:20300507T100000Z", "TRANSP:TRANSPARENT"), []),
        (("DTSTART:20300507T090000Z", "DTEND:20300507T100000Z", "STATUS:CANCELLED"), []),
        (("DTSTART;VALUE=DATE:20300507",), [("2030-05-06 22:00", "2030-05-07 22:00")]),
        (("DTSTART;VALUE=DATE:20300507", "DTEND;VALUE=DATE:20300509"), [("2030-05-06 22:00", "2030-05-08 22:00")]),
        (("DTSTART:20300507T090000", "DURATION:PT1H"), [("2030-05-07 07:00", "2030-05-07 08:00")]),
        (("DTSTART;TZID=Nowhere:20300507T090000", "DURATION:PT1H"), [("2030-05-07 07:00", "2030-05-07 08:00")]),
        (
            ("DTSTART;TZID=W. Europe Standard Time:20300507T090000", "DURATION:PT1H"),
            [("2030-05-07 07:00", "2030-05-07 08:00")],
        ),
        (("DTSTART:20300507T090000Z",), [("2030-05-07 09:00", "2030-05-07 09:30")]),
        (("DTSTART:20300507T090000Z", "DTEND:20300507T080000Z"), [("2030-05-07 09:00", "2030-05-07 09:30")]),
        # the clocks go back in Madrid on 2030-10-27: two hours are two hours
        (("DTSTART;TZID=Europe/Madrid:20301027T013000", "DURATION:PT2H"), [("2030-10-26 23:30", "2030-10-27 01:30")]),
        # and a time that is skipped on 2030-03-31 is read with the offset before
        (("DTSTART;TZID=Europe/Madrid:20310330T023000", "DURATION:PT1H"), [("2031-03-30 01:30", "2031-03-30 02:30")]),
    ],
)
def test_when_an_event_takes_time(small: Office, lines: tuple[str, ...], spans: list[tuple[str, str]]) -> None:
    assert small.take(calendar(event("one", *lines))).stored == 1
    assert small.held() == [(at(start), at(end)) for start, end in spans]


def test_a_series_with_exceptions(small: Office) -> None:
    small.take(calendar(
        event("s", "DTSTART:20300507T090000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20300514T090000Z"),
        event("s", "RECURRENCE-ID:20300521T090000Z", "DTSTART:20300522T150000Z", "DURATION:PT1H"),
        event("s", "RECURRENCE-ID:20300528T090000Z", "DTSTART:20300528T090000Z", "DURATION:PT1H", "STATUS:CANCELLED"),
    ))  # fmt: skip
    assert [start for start, _ in small.held()] == [at("2030-05-07 09:00"), at("2030-05-22 15:00")]


def test_a_series_is_worked_out_further_as_time_passes(small: Office) -> None:
    small.take(calendar(event("s", "DTSTART:20300507T090000Z", "DURATION:PT1H", "RRULE:FREQ=MONTHLY")))
    before = max(start for start, _ in small.held())
    assert small.busy.extend() == 0
    small.world.clock.advance(timedelta(days=60))
    assert small.busy.extend() == 1
    assert max(start for start, _ in small.held()) > before
    assert small.busy.extend() == 0


def test_two_programs_may_mean_different_zones_by_one_name(small: Office) -> None:
    def zone(offset: str) -> str:
        return (
            "BEGIN:VTIMEZONE\r\nTZID:Custom\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
            f"TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        )

    one = event("one", "DTSTART;TZID=Custom:20300507T120000", "DURATION:PT1H")
    small.take(calendar(zone("+0530"), one), "first.ics")
    small.take(calendar(zone("-0300"), one), "second.ics")
    assert [start for start, _ in small.held()] == [at("2030-05-07 06:30"), at("2030-05-07 15:00")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(small: Office, encoding: str, ends: str) -> None:
    text = calendar(event("müller", *NINE, "SUMMARY:Größe")).replace("\r\n", ends)
    found = small.take(text.encode(encoding))
    assert (found.stored, found.rejects) == (1, [])


def test_lines_may_end_in_blanks(small: Office) -> None:
    text = calendar(event("a", "DTSTART:20300507T090000Z  ", "DTEND:20300507T100000Z\t", "SUMMARY:Two "))
    assert (small.take(text.replace("END:VEVENT", "END:VEVENT ")).stored, len(small.held())) == (1, 1)


def test_a_character_may_be_folded_in_the_middle(small: Office) -> None:
    text = calendar(event("one", *NINE, "SUMMARY:Größe")).encode()
    place = text.index("ö".encode()) + 1
    assert small.take(text[:place] + b"\r\n " + text[place:]).rejects == []


def test_what_is_no_calendar_is_said_to_be_none(small: Office) -> None:
    for data in (
        b"",
        b"<html>Please sign in</html>",
        b"\x00\x01\x02",
        b"%PDF-1.7",
        b"BEGIN:VCALENDAR<br>\nBEGIN:VEVENT<br>",
    ):
        assert [one.code for one in small.take(data).rejects] == ["not_a_calendar"]


FIVE_AHEAD = ("BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0500", "TZOFFSETTO:+0500", "END:STANDARD")
UTC_NAME = "(UTC+05:00) Ashgabat, Toshkent"
DAILY = ("DTSTART:20300507T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3")


def zone(name: str, *lines: str) -> str:
    return "\r\n".join(["BEGIN:VTIMEZONE", f"TZID:{name}", *(lines or FIVE_AHEAD), "END:VTIMEZONE", ""])


@pytest.mark.parametrize(
    ("parts", "doubts", "spans"),
    [
        # what can only mean one thing
        ((event("a", "DTSTART:2030-05-07T09:00:00Z", "DTEND:20300507T1000Z"),), "", "07 09:00-10:00"),
        ((event("a", "DTSTART:20300507T110000+0200", "DURATION:P3600S"),), "", "07 09:00-10:00"),
        ((event("a", "dtstart : 20300507t090000z", "Duration:pt1h", "status:Canceled"),), "", ""),
        ((event("a", "DTSTART;TZID=Europe/Madrid;VALUE=DATE:20300507"),), "", "06 22:00-07 22:00"),
        ((event("a", "DTSTART;TZID=GMT+03:00:20300507T090000", "DURATION:PT1H"),), "", "07 06:00-07:00"),
        ((zone(UTC_NAME), event("a", f"DTSTART;TZID={UTC_NAME}:20300507T090000", "DURATION:PT1H")), "", "07 04:00-05:00"),
        ((event("a", *NINE, "X-MICROSOFT-CDO-BUSYSTATUS:FREE"),), "", ""),
        ((event("a", "DTSTART:20300507T090000", "DTEND:20300507T080000Z", "RRULE:FREQ=DAILY;COUNT=1"),), "", "07 07:00-08:00"),
        ((event("a", *NINE, "RRULE:FREQ=DAILY; COUNT=2;X-A=1;RSCALE=GREGORIAN"),), "", "07 09:00-10:00, 08 09:00-10:00"),
        ((event("a", *NINE, "RRULE:FREQ=DAILY;UNTIL=20300508"),), "", "07 09:00-10:00, 08 09:00-10:00"),
        ((event("a", *NINE, "RRULE:FREQ=DAILY;COUNT=2", "DURATION:PT3H"),), "", "07 09:00-10:00, 08 09:00-10:00"),
        ((event("a", *DAILY, "EXDATE;TZID=Europe/Madrid:20300507T110000,20300508T110000;20300509T110000"),), "", ""),
        (  # called off by an event that says nothing else
            (event("a", *DAILY), event("a", "RECURRENCE-ID:20300508T090000Z", "STATUS:CANCELLED")), "",
            "07 09:00-10:00, 09 09:00-10:00",
        ),
        # two calendars in a file may mean different zones by one name
        (
            (zone("C"), event("a", "DTSTART;TZID=C:20300507T090000"), "END:VCALENDAR\r\nBEGIN:VCALENDAR\r\n",
             zone("C", *(line.replace("+05", "-03") for line in FIVE_AHEAD)), event("b", "DTSTART;TZID=C:20300507T090000")),
            "", "07 04:00-04:30, 07 12:00-12:30",
        ),
        # two events under one UID are two, unless one is a later version of the other
        ((event("a", *DAILY), event("a", "DTSTART:20300511T090000Z")), "",
         "07 09:00-10:00, 08 09:00-10:00, 09 09:00-10:00, 11 09:00-09:30"),
        ((event("a", *NINE), event("a", "DTSTART:20300511T090000Z", "SEQUENCE:1")), "", "11 09:00-09:30"),
        # what is guessed, or left out, and never makes time look free
        ((event("a", "DTSTART;TZID=Nowhere:20300507T090000", "DURATION:PT1H"),), "zone_guessed", "07 07:00-08:00"),
        ((zone("B", "BEGIN:STANDARD", "END:STANDARD"), event("a", "DTSTART;TZID=B:20300507T090000")), "zone_guessed",
         "07 07:00-07:30"),
        ((zone("B", *FIVE_AHEAD[:-1], "RRULE:FREQ=SECONDLY", "END:STANDARD"), event("a", "DTSTART;TZID=B:20300507T090000")),
         "zone_guessed", "07 07:00-07:30"),
        ((event("a", "DTSTART:20300507T090000Z", "DURATION:-PT1H", "RRULE:FREQ=DAILY;COUNT=1"),), "end_guessed",
         "07 09:00-09:30"),
        ((event("a", *DAILY, "EXDATE:20300508T090000Z,soon"),), "date_left_out", "07 09:00-10:00, 09 09:00-10:00"),
        ((event("a", "DTSTART:20300507T090000Z", "RDATE:soon", "RDATE;VALUE=PERIOD:20300508T090000Z/PT2H"),), "date_left_out",
         "07 09:00-09:30, 08 09:00-11:00"),
        (
            (event("a", *DAILY), event("a", "RECURRENCE-ID:soon", "DTSTART:20300508T120000Z"),
             event("a", "RECURRENCE-ID:20300509T090000Z", "DTSTART:20300599T120000Z")),
            "part_left_out", "07 09:00-10:00, 08 09:00-10:00, 08 12:00-12:30, 09 09:00-10:00",
        ),
        ((event("a", *DAILY), event("a", "DTSTART:20300599T120000Z")), "part_left_out",
         "07 09:00-10:00, 08 09:00-10:00, 09 09:00-10:00"),
    ],
)  # fmt: skip
def test_what_producers_make_of_the_standard(small: Office, parts: tuple[str, ...], doubts: str, spans: str) -> None:
    found = small.take(calendar(*parts))
    assert ([one.code for one in found.rejects], ",".join(one.code for one in found.doubts)) == ([], doubts)
    assert all(one.sentence == DOUBTS[one.code] for one in found.doubts)
    assert ", ".join(map(written, small.held())) == spans


def written(span: tuple[datetime, datetime]) -> str:
    start, end = span
    return f"{start:%d %H:%M}-{end:%H:%M}" if start.day == end.day else f"{start:%d %H:%M}-{end:%d %H:%M}"


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (("RRULE:W2 TU #5",), "unreadable"), (("RRULE:FREQ=DAILY;UNTIL=20300231T000000Z",), "unreadable"),
        (("RRULE:FREQ=FORTNIGHTLY",), "unreadable"), (("RRULE:FREQ=DAILY;SKIP=FORWARD;RSCALE=GREGORIAN",), "unreadable"),
        # days that never come, for which a library would look as far as the year 9999
        (("RRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",), "unreadable"), (("RRULE:FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",), "unreadable"),
        (("RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYYEARDAY=100;COUNT=2",), "unreadable"),
        (("RRULE:FREQ=MONTHLY;BYSETPOS=5",), "unreadable"),
        (("RDATE:" + ",".join(f"2030{m:02}{d:02}T{h:02}0000Z" for m in range(5, 13) for d in range(1, 29) for h in range(24)),),
         "recurs_too_often"),
    ],
)  # fmt: skip
def test_a_series_that_cannot_be_worked_out_is_refused_whole(small: Office, lines: tuple[str, ...], code: str) -> None:
    found = small.take(calendar(event("a", *NINE, *lines), event("ok", *NINE)))
    assert ([(one.uid, one.code) for one in found.rejects], found.stored, len(small.held())) == ([("a", code)], 1, 1)


@pytest.mark.parametrize(
    "lines",
    [
        ("DESCRIPTION:" + "x" * 900_000,), ("CATEGORIES:" + "c," * 100_000,), ("X:BEGIN:VTIMEZONE",) * 40_000, ("TZID=\"" * 30_000,),
        ('ATTENDEE;CN="a:b;c":mailto:a@clinic.example',) * 5_000, ("BEGIN:X",) * 3_000 + ("END:X",) * 3_000,
        ("line without a colon", ";;;:::", "GEO:north", "ATTACH;ENCODING=BASE64:%%%"), ("RRULE",) * 30_000,
    ],
)  # fmt: skip
def test_nothing_else_in_an_event_is_in_the_way(small: Office, lines: tuple[str, ...]) -> None:
    """Each took seconds or minutes, or made its event unreadable, while all of an event was read."""
    found = small.take(calendar(event("a", *lines, *NINE), event("ok", "DTSTART:20300508T090000Z")))
    assert (found.rejects, len(small.held())) == ([], 2)


def test_exceptions_are_looked_at_only_where_they_matter() -> None:
    changes = "".join(
        event("s", f"RECURRENCE-ID:{year}0508T090000Z", f"DTSTART:{year}0508T100000Z") for year in range(1800, 2100)
    )
    series = event("s", "DTSTART:16010101T090000Z", "DURATION:PT15M", "RRULE:FREQ=DAILY;UNTIL=20400101T000000Z")
    since, until = at("2030-05-07 00:00"), at("2030-05-09 00:00")
    (only,) = mended(calendar(series, changes), MADRID, lambda _: None, since, until).series
    assert (only.count("RECURRENCE-ID"), only.count("DTSTART:2030")) == (2, 2)  # one of a year before may last as long
    assert [start.hour for start, _ in occupied(calendar(series, changes), MADRID, since, until).spans] == [9, 10]


def test_a_single_event_is_held_however_far_ahead_it_is(small: Office) -> None:
    small.take(calendar(event("a", "DTSTART:20311201T090000Z")))
    assert [start for start, _ in small.held()] == [at("2031-12-01 09:00")]


def test_every_minute_is_too_often(small: Office) -> None:
    found = small.take(calendar(event("s", *NINE, "RRULE:FREQ=SECONDLY"), event("h", *NINE, "RRULE:FREQ=HOURLY")))
    assert {one.code for one in found.rejects} == {"recurs_too_often"}
    assert len(found.rejects) == 2


def test_rules_that_never_end_hold_up_nobody(small: Office) -> None:
    never = event("n", *NINE, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
    found = small.take(calendar(event("z", *NINE, "RRULE:FREQ=DAILY;INTERVAL=0"), never, event("ok", *NINE)))
    assert [(one.uid, one.code) for one in found.rejects] == [("z", "unreadable"), ("n", "unreadable")]
    assert found.stored == 1


@pytest.mark.parametrize("name", ["Foo\\Bar", "\\1", "\\g<2>", "(UTC+01:00) [x]*"])
def test_a_zone_may_have_any_name(small: Office, name: str) -> None:
    rules = ("BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0300", "TZOFFSETTO:+0300", "END:STANDARD")
    zone = "\r\n".join(["BEGIN:VTIMEZONE", f"TZID:{name}", *rules, "END:VTIMEZONE", ""])
    times = (f'DTSTART;TZID="{name}":20300508T120000', f'DTEND;TZID="{name}":20300508T130000')
    assert small.take(calendar(zone, event("a", *times))).rejects == []
    assert small.held() == [(at("2030-05-08 09:00"), at("2030-05-08 10:00"))]


def test_a_dry_run_stores_nothing(small: Office) -> None:
    found = small.take(calendar(event("one", *NINE), event("bad", "DTSTART:x")), dry_run=True)
    assert (found.dry_run, found.stored, len(found.rejects)) == (True, 0, 1)
    assert small.held() == []


@given(st.binary(max_size=400))
def test_cutting_never_fails(data: bytes) -> None:
    split(data.splitlines(keepends=True))
    split((b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + data).splitlines(keepends=True))


@given(st.lists(st.sampled_from([
    "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VALARM", "END:VALARM", "UID:a", "UID:b", "DTSTART:20300507T090000Z", "",
    "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:x", "BEGIN:VCALENDAR", "END:VCALENDAR", "END:", "BEGIN:",
]), max_size=30))  # fmt: skip
def test_every_event_is_taken_or_named(lines: list[str]) -> None:
    found = split([f"{line}\r\n".encode() for line in lines])
    begun = sum(line == "BEGIN:VEVENT" for line in lines)
    assert sum(len(group.parts) for group in found.groups.values()) + len(found.broken) == begun


PARTS = [
    b"BEGIN:VEVENT", b"END:VEVENT", b"BEGIN:VALARM", b"END:VALARM", b"begin:vevent", b"End:VEvent", b"BEGIN:VEVENT ", b"UID:a",
    b"uid;X=1: b ", b"UID;X", b"DTSTAMP:1", b"created:2", b"SEQUENCE;X=2:3", b"DTSTART;TZID=x:1", b'DTEND;tzid="y z":2',
    b" UID:c", b"\tgoes on", b"", b" ", b"\x0b", b"SUMMARY:\xe4", b"BEGIN:VTIMEZONE", b"TZID:x", b"END:VTIMEZONE", b"BEGIN:", b"END:",
    b"BEGIN:VCALENDAR", b"END:VCALENDAR", b"A\rB", b"\r x", b"BEGIN:VTODO", b"END:VTODO",
]  # fmt: skip
ENDS = [b"\r\n", b"\n", b"\r\r\n"]
WHOLE = [
    b"BEGIN:VEVENT",
    b"UID:a",
    b"DTSTART;TZID=x:1",
    b"SUMMARY:one",
    b" two",
    b"BEGIN:VALARM",
    b"END:VALARM",
    b"END:VEVENT",
]


@given(
    st.lists(st.tuples(st.sampled_from(PARTS), st.sampled_from(ENDS)), max_size=12),
    st.integers(0, 8), st.sampled_from(ENDS), st.integers(1, 9), st.booleans(),
)  # fmt: skip
def test_the_quick_way_comes_to_the_same(
    more: list[tuple[bytes, bytes]], place: int, end: bytes, some: int, is_cut: bool
) -> None:
    odd = b"".join(line + ending for line, ending in more)
    whole = [line + end for line in WHOLE]
    data = b"".join([*whole * some, *whole[:place], odd, *whole[place:], *whole]).removesuffix(
        b"\n" if is_cut else b"-"
    )
    assert split(BytesIO(data)) == line_by_line(BytesIO(data))


def test_blocks_of_many_lines_come_to_the_same() -> None:
    event = b"BEGIN:VEVENT\r\nUID:%d\r\nX:1\r\n 2\r\n\t3\r\nEND:VEVENT\r\n"
    events = b"".join(event % number for number in range(2000))
    for data in (
        events,
        b"X-A:1\r\n 2\r\n" * 3000 + events,
        b"BEGIN:VEVENT\r\n" + b"X-A:1\r\n 2\r\n" * 300_000 + events,
    ):
        assert split(BytesIO(data)) == line_by_line(BytesIO(data))


@needs_shared
def test_every_file_of_the_collection_is_read(small: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """413 calendars made to break parsers: none does, and what was left out is counted."""
    total, codes = Counter[str](), Counter[str]()
    for path in FILES:
        if path.stat().st_size > 200_000:
            continue
        with path.open("rb") as lines:
            found = small.files.run(lines, path.name, small.ids.provider, dry_run=True)
            assert split(BytesIO(path.read_bytes())) == line_by_line(BytesIO(path.read_bytes()))
        total.update(files=1, events=found.events, rejected=len(found.rejects), others=sum(found.others.values()))
        codes.update(one.code for one in found.rejects)
    with capsys.disabled():
        print(f"\ncalendars: {dict(total)}; rejected: {dict(codes)}")
    assert total["files"] > 400
    assert total["rejected"] < total["events"] * 0.1
    assert set(codes) <= set(WHY)
