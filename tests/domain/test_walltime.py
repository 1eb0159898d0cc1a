"""A promised wall time finds its moment again, also under other rules and in the hours that clocks repeat or leave out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.walltime import moment, written

MADRID = ZoneInfo("Europe/Madrid")
ZONES = st.sampled_from(["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]).map(
    ZoneInfo
)


@given(st.integers(0, 2**31 - 1), ZONES)
def test_as_long_as_rules_stay_so_does_the_moment(seconds: int, zone: ZoneInfo) -> None:
    start = datetime.fromtimestamp(seconds, UTC)
    assert moment(written(start, zone), zone) == start


def test_both_halves_of_a_repeated_hour_are_told_apart() -> None:
    first = datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    assert written(first, MADRID)[:16] == written(second, MADRID)[:16] == "2030-10-27T02:30"
    assert (moment(written(first, MADRID), MADRID), moment(written(second, MADRID), MADRID)) == (first, second)


@pytest.mark.parametrize(
    ("promised", "hours", "found"),
    [("2030-05-08T09:00:00+02:00", 3, "06:00"), ("2030-05-08T09:00:00+02:00", 1, "08:00"),
     ("2030-05-08T09:00:00+02:00", 2, "07:00")],
)  # fmt: skip
def test_under_other_rules_it_is_another_moment(promised: str, hours: int, found: str) -> None:
    assert f"{moment(promised, timezone(timedelta(hours=hours))):%H:%M}" == found


def test_a_time_that_clocks_leave_out_is_as_much_later() -> None:
    assert moment("2030-03-31T02:30:00+01:00", MADRID) == datetime(2030, 3, 31, 1, 30, tzinfo=UTC)


def test_a_repeated_hour_under_other_offsets_is_the_first() -> None:
    assert moment("2030-10-27T02:30:00+05:00", MADRID) == datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
