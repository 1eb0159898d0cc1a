"""Durations keep days of the calendar and exact seconds apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.duration import Duration
from reminders.errors import Invalid

READ = {
    "P1D": (1, 0),
    "-P1D": (-1, 0),
    "+P1D": (1, 0),
    "P2W": (14, 0),
    "-P1W2D": (-9, 0),
    "PT24H": (0, 86400),
    "P1DT24H": (1, 86400),
    "-P1DT2H": (-1, -7200),
    "PT2H30M": (0, 9000),
    "-PT90S": (0, -90),
    "PT0S": (0, 0),
    "-P0D": (0, 0),
    "P400D": (400, 0),
    "P399DT24H": (399, 86400),
}
REFUSED = [
    "", "P", "-P", "PT", "P1DT", "1D", "P1", "PD", "P-1D", "--P1D", "P1Y", "P1M", "PT1", "PT1D", "P1H", "p1d", " P1D",
    "P1D ", "P1D\n", "P1.5D", "PT1,5H", "PT1M1H", "P\u0661D", "P\uff11D", "P401D", "P58W", "P400DT1S", "PT9601H",
    "P" + "9" * 400 + "D", "PT" + "9" * 400 + "S", "P" + "9" * 5000 + "D",
]  # fmt: skip


@pytest.mark.parametrize(("text", "parts"), READ.items())
def test_reads(text, parts):
    assert Duration.parse(text) == Duration(*parts)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text[:12]))
def test_refuses(text):
    with pytest.raises(Invalid) as refusal:
        Duration.parse(text)
    assert len(str(refusal.value.facts["value"])) <= 40


def signed(days: int, seconds: int, sign: int) -> Duration:
    return Duration(sign * days, sign * seconds)


MOMENTS = st.datetimes(
    datetime.fromisoformat("2029-01-01"), datetime.fromisoformat("2031-01-01"), timezones=st.just(UTC)
)
DURATIONS = st.builds(signed, st.integers(0, 300), st.integers(0, 99 * 86400), st.sampled_from([1, -1]))


@given(DURATIONS)
def test_what_is_written_is_read_back(duration):
    assert Duration.parse(str(duration)) == duration
    assert Duration.parse(str(-duration)) == -duration
    assert abs(duration) == abs(-duration)


@given(st.text("PT+-0123456789WDHMS.", max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        read = Duration.parse(text)
    except Invalid:
        return
    assert Duration.parse(str(read)) == read


MADRID, LORD_HOWE, AZORES = ZoneInfo("Europe/Madrid"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Atlantic/Azores")

# moment on the wall, duration, what the wall shows then
ON_THE_WALL = [
    (MADRID, "2030-04-01 09:00", "-P1D", "2030-03-31 09:00"),
    (MADRID, "2030-04-01 09:00", "-P2D", "2030-03-30 09:00"),
    (MADRID, "2030-03-31 09:00", "-P1D", "2030-03-30 09:00"),
    (MADRID, "2030-03-31 09:00", "-PT24H", "2030-03-30 08:00"),
    (MADRID, "2030-10-27 09:00", "-P1D", "2030-10-26 09:00"),
    (MADRID, "2030-10-27 09:00", "-PT24H", "2030-10-26 10:00"),
    (MADRID, "2030-10-26 09:00", "P1DT1H", "2030-10-27 10:00"),
    (MADRID, "2030-04-01 02:30", "-P1D", "2030-03-31 03:30"),  # skipped: read with the offset before the change
    (LORD_HOWE, "2030-10-07 02:15", "-P1D", "2030-10-06 02:45"),  # the clocks skip half an hour only
    (LORD_HOWE, "2030-10-06 09:00", "-PT24H", "2030-10-05 08:30"),
    (AZORES, "2030-04-01 00:30", "-P1D", "2030-03-31 01:30"),  # skipped at midnight
]


@pytest.mark.parametrize(("zone", "moment", "duration", "expected"), ON_THE_WALL)
def test_days_are_days_on_the_wall(zone, moment, duration, expected):
    start = datetime.fromisoformat(moment).replace(tzinfo=zone)
    then = Duration.parse(duration).after(start, zone)
    assert then.tzinfo is UTC
    assert then.astimezone(zone).strftime("%Y-%m-%d %H:%M") == expected


def test_a_wall_time_that_comes_twice_means_the_first():
    then = Duration.parse("-P1D").after(datetime(2030, 10, 28, 2, 30, tzinfo=MADRID), MADRID)
    assert then == datetime(2030, 10, 27, 0, 30, tzinfo=UTC)


@given(DURATIONS, MOMENTS)
def test_without_changes_of_clocks_a_day_has_24_hours(duration, moment):
    assert duration.after(moment, UTC) - moment == timedelta(days=duration.days, seconds=duration.seconds)
    assert duration.approximate == timedelta(days=duration.days, seconds=duration.seconds)


@given(st.integers(-86400 * 30, 86400 * 30), MOMENTS)
def test_seconds_are_exact_everywhere(seconds, moment):
    assert Duration(seconds=seconds).after(moment, MADRID) - moment == timedelta(seconds=seconds)
