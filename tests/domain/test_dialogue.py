"""Which times are offered, and how people on one phone are told apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.dialogue import OFFERED, short_names, spread

HOUR = 3600


def half_day(start: int) -> int:
    return start // (12 * HOUR)


def test_the_nearest_times_of_different_half_days() -> None:
    near = 100 * 24 * HOUR + 9 * HOUR
    same_morning = [near + HOUR, near + 2 * HOUR]
    afternoon, day_before, next_day, week_after = near + 5 * HOUR, near - 24 * HOUR, near + 23 * HOUR, near + 168 * HOUR
    starts = [*same_morning, afternoon, day_before, next_day, week_after]
    assert spread(starts, near, half_day) == [same_morning[0], afternoon, next_day]


def test_times_of_one_half_day_are_better_than_none() -> None:
    assert spread([HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR], 0, lambda start: 0) == [HOUR, 2 * HOUR, 3 * HOUR]
    assert spread([], 0, half_day) == []


@given(st.lists(st.integers(0, 10**7), unique=True), st.integers(0, 10**7))
def test_as_many_as_there_are_in_order(starts: list[int], near: int) -> None:
    chosen = spread(starts, near, half_day)
    assert len(chosen) == min(OFFERED, len(starts))
    assert chosen == sorted(set(chosen) & set(starts))
    if starts:
        assert min(starts, key=lambda start: (abs(start - near), start)) in chosen


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["Ana Ruiz", "Leo Ruiz"], ["Ana", "Leo"]),
        (["Ana Ruiz", "Ana Lima"], ["Ana Ruiz", "Ana Lima"]),
        (["Ana Ruiz", "Ana Ruiz"], ["Ana", "Ana"]),
        (["Ruiz", ""], ["Ruiz", ""]),
        (["王小明"], ["王小明"]),
    ],
)
def test_short_names(names: list[str], shown: list[str]) -> None:
    assert short_names(names) == shown
