"""Opening hours on the wall, free starts in UTC; compared with slow models that know only what a clock shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reminders.domain.availability import (
    DAY,
    DayException,
    Hours,
    Interval,
    Need,
    Timetable,
    free_starts,
    is_open,
    merge,
    open_between,
    openings,
    subtract,
)

MINUTE = 60
# Days on which clocks change in 2030, far apart in kind: an hour at night, half an hour, at midnight.
CHANGES = [
    ("Europe/Madrid", "2030-03-31", 23.0),
    ("Europe/Madrid", "2030-10-27", 25.0),
    ("America/New_York", "2030-03-10", 23.0),
    ("America/New_York", "2030-11-03", 25.0),
    ("Australia/Lord_Howe", "2030-10-06", 23.5),
    ("Australia/Lord_Howe", "2030-04-07", 24.5),
    ("Atlantic/Azores", "2030-03-31", 23.0),  # 00:00 becomes 01:00
    ("Atlantic/Azores", "2030-10-27", 25.0),  # 01:00 becomes 00:00
    ("America/Santiago", "2030-09-08", 23.0),  # 00:00 becomes 01:00
    ("America/Santiago", "2030-04-06", 25.0),  # 24:00 becomes 23:00
    ("America/Havana", "2030-03-10", 23.0),  # 00:00 becomes 01:00
    ("America/Havana", "2030-11-03", 25.0),  # 01:00 becomes 00:00
]
ZONES = sorted({zone for zone, _, _ in CHANGES} | {"UTC", "Asia/Kathmandu", "Pacific/Chatham", "Africa/Casablanca"})
AROUND_THE_CLOCK = tuple(Hours(weekday, 0, 1440) for weekday in range(7))


def every_day(*spans: tuple[str, str]) -> tuple[Hours, ...]:
    return tuple(Hours(weekday, wall(start), wall(end)) for weekday in range(7) for start, end in spans)


def wall(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def shown(moment: int, zone: ZoneInfo) -> str:
    """What clocks show, with the offset, so that the two 02:30 of an autumn night differ."""
    return datetime.fromtimestamp(moment, zone).strftime("%d %H:%M%z")[:-2]


def spans(timetable: Timetable, day: str) -> list[str]:
    found = openings(timetable, date.fromisoformat(day))
    return [f"{shown(start, timetable.zone)} - {shown(end, timetable.zone)}" for start, end in found]


# Days on which the clocks change


@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES)
def test_a_day_is_as_long_as_it_is(zone, day, hours):
    timetable = Timetable(ZoneInfo(zone), AROUND_THE_CLOCK)
    ((start, end),) = openings(timetable, date.fromisoformat(day))
    assert end - start == hours * 3600


@pytest.mark.parametrize("zone", ZONES)
def test_days_around_the_clock_follow_each_other_without_gap_or_overlap(zone):
    timetable = Timetable(ZoneInfo(zone), AROUND_THE_CLOCK)
    days = [date(2030, 1, 1) + timedelta(days=number) for number in range(366)]
    found = [interval for day in days for interval in openings(timetable, day)]
    assert len(found) == 366
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert found[0][0] == datetime(2030, 1, 1, tzinfo=timetable.zone).timestamp()


@pytest.mark.parametrize(("zone", "day", "_"), CHANGES)
def test_ordinary_hours_do_not_move_when_clocks_do(zone, day, _):
    timetable = Timetable(ZoneInfo(zone), every_day(("09:00", "17:00")), every_day(("13:00", "14:00")))
    ((morning, noon), (afternoon, evening)) = openings(timetable, date.fromisoformat(day))
    assert [shown(moment, timetable.zone)[3:8] for moment in (morning, noon, afternoon, evening)] == [
        "09:00", "13:00", "14:00", "17:00",
    ]  # fmt: skip


# zone, day, hours, breaks, what is open
NIGHTS = [
    ("Europe/Madrid", "2030-03-31", ("00:00", "02:00"), None, ["31 00:00+01 - 31 03:00+02"]),
    ("Europe/Madrid", "2030-03-31", ("01:00", "04:00"), None, ["31 01:00+01 - 31 04:00+02"]),
    ("Europe/Madrid", "2030-03-31", ("02:30", "04:00"), None, ["31 03:30+02 - 31 04:00+02"]),
    ("Europe/Madrid", "2030-03-31", ("02:30", "03:15"), None, []),
    ("Europe/Madrid", "2030-03-31", ("01:00", "04:00"), ("02:00", "03:00"), ["31 01:00+01 - 31 04:00+02"]),
    ("Europe/Madrid", "2030-03-31", ("01:00", "05:00"), ("02:30", "03:00"), ["31 01:00+01 - 31 05:00+02"]),
    ("Europe/Madrid", "2030-10-27", ("00:00", "02:00"), None, ["27 00:00+02 - 27 02:00+02"]),
    ("Europe/Madrid", "2030-10-27", ("00:00", "02:30"), None, ["27 00:00+02 - 27 02:30+01"]),
    ("Europe/Madrid", "2030-10-27", ("02:30", "04:00"), None, ["27 02:30+02 - 27 04:00+01"]),
    ("Europe/Madrid", "2030-10-27", ("03:00", "04:00"), None, ["27 03:00+01 - 27 04:00+01"]),
    ("Europe/Madrid", "2030-10-27", ("01:00", "05:00"), ("02:15", "02:30"),
     ["27 01:00+02 - 27 02:15+02", "27 02:30+01 - 27 05:00+01"]),
    ("Australia/Lord_Howe", "2030-10-06", ("01:00", "03:00"), None, ["06 01:00+10 - 06 03:00+11"]),
    ("Australia/Lord_Howe", "2030-04-07", ("01:30", "02:00"), None, ["07 01:30+11 - 07 02:00+10"]),
    ("Atlantic/Azores", "2030-03-30", ("20:00", "24:00"), None, ["30 20:00-01 - 31 01:00+00"]),
    ("America/Havana", "2030-11-02", ("20:00", "24:00"), None, ["02 20:00-04 - 03 00:00-04"]),
    ("America/Havana", "2030-11-03", ("00:00", "01:00"), None, ["03 00:00-04 - 03 01:00-05"]),
    ("America/Santiago", "2030-04-06", ("20:00", "24:00"), None, ["06 20:00-03 - 07 00:00-04"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "day", "hours", "pause", "expected"), NIGHTS)
def test_nights_of_change(zone, day, hours, pause, expected):
    timetable = Timetable(ZoneInfo(zone), every_day(hours), every_day(pause) if pause else ())
    assert [span.replace("+1030", "+10") for span in spans(timetable, day)] == expected


def test_two_shifts_that_meet_in_the_hour_that_comes_twice_are_one():
    timetable = Timetable(ZoneInfo("Europe/Madrid"), every_day(("00:00", "02:30"), ("02:30", "06:00")))
    assert spans(timetable, "2030-10-27") == ["27 00:00+02 - 27 06:00+01"]


def minutes_of(day: date, zone: ZoneInfo) -> list[tuple[int, int]]:
    """(epoch second, minute the clock shows) of every minute of a local day."""
    middle = int(datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp()) // MINUTE * MINUTE
    moments = ((moment, datetime.fromtimestamp(moment, zone)) for moment in range(middle - DAY, middle + DAY, MINUTE))
    return [(moment, read.hour * 60 + read.minute) for moment, read in moments if read.date() == day]


def covered(clock: list[tuple[int, int]], span: tuple[int, int]) -> set[int]:
    """Minutes from the first time the clock shows the start to the last time it shows less than the end."""
    first = min((moment for moment, minute in clock if minute >= span[0]), default=None)
    last = max((moment for moment, minute in clock if minute < span[1]), default=None)
    if first is None or last is None:
        return set()
    return set(range(first, last + MINUTE, MINUTE))


SPAN = (
    st.tuples(st.integers(0, 47), st.integers(1, 48))
    .filter(lambda s: s[0] < s[1])
    .map(lambda s: (s[0] * 30, s[1] * 30))
)
NEAR_A_CHANGE = st.tuples(st.sampled_from(CHANGES), st.integers(-1, 1)).map(
    lambda pair: (pair[0][0], date.fromisoformat(pair[0][1]) + timedelta(days=pair[1]))
)


@settings(max_examples=150, deadline=None)
@given(NEAR_A_CHANGE, st.lists(SPAN, max_size=3), st.lists(SPAN, max_size=2))
def test_openings_are_what_a_clock_on_the_wall_says(where, hours, breaks):
    zone, day = ZoneInfo(where[0]), where[1]
    clock = minutes_of(day, zone)
    seen = {minute for _, minute in clock} | {1440}
    assume(all(edge in seen for span in hours + breaks for edge in span))  # skipped edges have their own table
    expected = set().union(*(covered(clock, span) for span in hours)) - set().union(
        *(covered(clock, span) for span in breaks)
    )
    timetable = Timetable(
        zone,
        tuple(Hours(day.weekday(), *span) for span in hours),
        tuple(Hours(day.weekday(), *span) for span in breaks),
    )
    found = openings(timetable, day)
    assert all(start < end for start, end in found)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert {moment for start, end in found for moment in range(start, end, MINUTE)} == expected


@settings(max_examples=80, deadline=None)
@given(NEAR_A_CHANGE, st.lists(SPAN, max_size=4), st.lists(SPAN, max_size=3), st.integers(15, 120))
def test_starts_of_any_week_are_in_order_and_never_twice(where, hours, breaks, minutes):
    zone, day = ZoneInfo(where[0]), where[1]
    week = range(7)
    timetable = Timetable(
        zone,
        tuple(Hours(weekday, *span) for weekday in week for span in hours),
        tuple(Hours(weekday, *span) for weekday in week for span in breaks),
    )
    middle = int(datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp())
    need = Need(minutes * MINUTE, step=minutes * MINUTE)
    starts = list(free_starts(timetable, [], need, (middle - 2 * DAY, middle + 2 * DAY)))
    assert starts == sorted(set(starts))
    assert all(is_open(timetable, start, start + need.duration) for start in starts)


# Exceptions, breaks and holidays


def test_weeks_breaks_and_exceptions():
    friday, saturday = date(2030, 5, 10), date(2030, 5, 11)
    timetable = Timetable(
        ZoneInfo("UTC"),
        hours=tuple(Hours(weekday, wall("09:00"), wall("17:00")) for weekday in range(5)),
        breaks=(Hours(4, wall("12:00"), wall("13:00")), Hours(5, wall("10:00"), wall("11:00"))),
        exceptions=(
            DayException(friday, friday, start=wall("15:00"), end=wall("24:00")),
            DayException(saturday, saturday, open=True, start=wall("09:00"), end=wall("12:00")),
            DayException(date(2030, 5, 13), date(2030, 5, 15)),
            DayException(date(2030, 5, 14), date(2030, 5, 14), open=True, start=wall("10:00"), end=wall("11:00")),
        ),
        holidays=frozenset({date(2030, 5, 9)}),
    )
    assert [len(openings(timetable, date(2030, 5, day))) for day in range(6, 17)] == [1, 1, 1, 0, 2, 2, 0, 0, 0, 0, 1]
    assert spans(timetable, "2030-05-10") == ["10 09:00+00 - 10 12:00+00", "10 13:00+00 - 10 15:00+00"]
    assert spans(timetable, "2030-05-11") == ["11 09:00+00 - 11 10:00+00", "11 11:00+00 - 11 12:00+00"]


def test_an_extra_day_holds_on_a_public_holiday_too():
    day = date(2030, 5, 9)
    timetable = Timetable(
        ZoneInfo("UTC"), AROUND_THE_CLOCK, holidays=frozenset({day}),
        exceptions=(DayException(day, day, open=True, start=wall("09:00"), end=wall("10:00")),),
    )  # fmt: skip
    assert spans(timetable, "2030-05-09") == ["09 09:00+00 - 09 10:00+00"]


def test_open_means_one_opening_from_start_to_end():
    timetable = Timetable(ZoneInfo("UTC"), every_day(("09:00", "12:00"), ("13:00", "24:00")))
    midnight = int(datetime(2030, 5, 6, tzinfo=UTC).timestamp())

    def opened(start: str, end: str) -> bool:
        return is_open(timetable, midnight + wall(start) * MINUTE, midnight + wall(end) * MINUTE)

    assert opened("09:00", "12:00")
    assert opened("23:30", "24:00")
    assert not opened("08:59", "09:30")
    assert not opened("11:30", "12:01")
    assert not opened("11:00", "14:00")
    assert not opened("23:30", "24:01")


# Free starts


def slow_starts(timetable: Timetable, busy: Sequence[Interval], need: Need, window: Interval) -> list[int]:
    """The definition, tried out start by start."""
    free = []
    for opening, closing in open_between(timetable, *window):
        for start in range(opening, closing, need.step):
            claimed = (start - need.before, start + need.duration + need.after)
            taken = any(begin < claimed[1] and claimed[0] < end for begin, end in busy)
            if window[0] <= start < window[1] and start + need.duration <= closing and not taken:
                free.append(start)
    return free


NEEDS = st.builds(
    Need,
    duration=st.integers(1, 180).map(lambda minutes: minutes * MINUTE),
    before=st.integers(0, 60).map(lambda minutes: minutes * MINUTE),
    after=st.integers(0, 60).map(lambda minutes: minutes * MINUTE),
    step=st.integers(5, 180).map(lambda minutes: minutes * MINUTE),
)
START = int(datetime(2030, 3, 30, tzinfo=UTC).timestamp())  # the night after, Madrid's clocks change
EDGES = st.lists(st.integers(0, 3 * DAY // MINUTE), max_size=40, unique=True).map(sorted)
HOURS = st.lists(st.builds(lambda weekday, span: Hours(weekday, *span), st.integers(0, 6), SPAN), max_size=8)


def pairs(edges: list[int]) -> list[Interval]:
    """Visits that do not overlap, some of them touching."""
    return [
        (START + begin * MINUTE, START + end * MINUTE)
        for number, (begin, end) in enumerate(pairwise(edges))
        if number % 3
    ]


@settings(max_examples=150, deadline=None)
@given(HOURS, HOURS, EDGES, NEEDS, st.integers(0, 3 * DAY), st.integers(0, 3 * DAY))
def test_free_starts_are_those_of_the_slow_model(hours, breaks, edges, need, one, other):
    timetable = Timetable(ZoneInfo("Europe/Madrid"), tuple(hours), tuple(breaks))
    window = (START + min(one, other), START + max(one, other))
    busy = pairs(edges)
    assert list(free_starts(timetable, busy, need, window)) == slow_starts(timetable, busy, need, window)


@settings(max_examples=60, deadline=None)
@given(EDGES, NEEDS)
def test_what_is_offered_can_be_booked_and_is_gone_afterwards(edges, need):
    timetable = Timetable(ZoneInfo("UTC"), AROUND_THE_CLOCK)
    busy, window = pairs(edges), (START, START + 2 * DAY)
    offered = list(free_starts(timetable, busy, need, window))
    assume(offered)
    start = offered[len(offered) // 2]
    booked = (start - need.before, start + need.duration + need.after)
    assert not any(begin < booked[1] and booked[0] < end for begin, end in busy)
    left = list(free_starts(timetable, sorted([*busy, booked]), need, window))
    assert start not in left
    assert set(left) < set(offered)


class Counted(list[Interval]):
    """Knows how often it was looked at."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)


def test_cost_does_not_grow_with_what_is_booked_far_away():
    timetable = Timetable(ZoneInfo("UTC"), every_day(("09:00", "17:00")))
    need, window = Need(1800, step=1800), (START, START + DAY)
    near = [(START + 10 * 3600, START + 11 * 3600)]
    alone = Counted(near)
    few = list(free_starts(timetable, alone, need, window))
    crowd = Counted(near + [(START + day * DAY, START + day * DAY + 3600) for day in range(3, 5000)])
    assert list(free_starts(timetable, crowd, need, window)) == few
    assert crowd.looks <= alone.looks + 2


def test_buffers_may_reach_outside_opening_hours_but_not_into_visits():
    timetable = Timetable(ZoneInfo("UTC"), every_day(("09:00", "10:00")))
    need, window = Need(1800, before=900, after=900, step=1800), (START, START + DAY)
    nine = START + 9 * 3600
    assert list(free_starts(timetable, [], need, window)) == [nine, nine + 1800]
    assert list(free_starts(timetable, [(nine - 3600, nine - 900)], need, window)) == [nine, nine + 1800]
    assert list(free_starts(timetable, [(nine - 3600, nine - 899)], need, window)) == [nine + 1800]
    assert list(free_starts(timetable, [(nine + 4500, nine + 9000)], need, window)) == [nine, nine + 1800]
    assert list(free_starts(timetable, [(nine + 4499, nine + 9000)], need, window)) == [nine]


# Arithmetic on spans

POINTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def points(found: Sequence[Interval]) -> set[int]:
    return {point for start, end in found for point in range(start, end)}


@given(POINTS, POINTS)
def test_merge_and_subtract_are_union_and_difference(some, others):
    merged, holes = merge(some), merge(others)
    assert points(merged) == points(some)
    assert all(before[1] < after[0] for before, after in pairwise(merged))
    left = subtract(merged, holes)
    assert points(left) == points(some) - points(others)
    assert left == sorted(left)
