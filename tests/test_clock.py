"""Clocks know aware moments in UTC only."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.clock import ManualClock, SystemClock, aware, stopwatch

START = datetime(2030, 5, 6, 9, tzinfo=UTC)
NAIVE = datetime.fromisoformat("2030-05-06T09:00:00")


def test_a_clock_moves_only_when_told():
    clock = ManualClock(START)
    assert clock.now() == START
    assert clock.advance(timedelta(hours=1)) == START + timedelta(hours=1)
    clock.set(START + timedelta(days=1))
    clock.set(START + timedelta(days=1))
    assert clock.now() == START + timedelta(days=1)


def test_it_does_not_go_back():
    clock = ManualClock(START)
    with pytest.raises(ValueError, match="back"):
        clock.set(START - timedelta(microseconds=1))
    assert clock.now() == START


def test_naive_times_are_refused():
    clock = ManualClock(START)
    for use in (aware, ManualClock, clock.set):
        with pytest.raises(ValueError, match="naive"):
            use(NAIVE)


@given(st.integers(-14 * 60, 14 * 60))
def test_any_offset_becomes_utc(minutes):
    moment = NAIVE.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert aware(moment) == moment
    assert aware(moment).tzinfo is UTC
    assert ManualClock(moment).now().tzinfo is UTC


def test_a_wall_time_that_comes_twice_keeps_its_fold():
    wall = datetime(2030, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Madrid"))
    assert aware(wall.replace(fold=1)) - aware(wall) == timedelta(hours=1)


def test_the_system_clock_is_aware_and_the_stopwatch_runs_forward():
    assert SystemClock().now().tzinfo is UTC
    assert stopwatch() <= stopwatch()


def test_threads_may_share_a_clock():
    clock = ManualClock(START)

    def run() -> None:
        for _ in range(200):
            clock.advance(timedelta(seconds=1))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() == START + timedelta(seconds=800)
