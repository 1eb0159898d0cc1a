"""Erlang C against values of published tables and worked examples, and its laws."""

from __future__ import annotations

from math import ceil, exp, factorial, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.sourcing.erlang import Goal, erlang_b, erlang_c, needed, queue, roster

loads = st.floats(0.05, 60)


@pytest.mark.parametrize(
    ("agents", "load", "blocked"),
    [(1, 1.0, 0.5), (2, 1.0, 0.2), (5, 3.0, 0.11005), (10, 5.0, 0.01838), (10, 4.461, 0.01), (20, 13.18, 0.02)],
)
def test_erlang_b_agrees_with_tables(agents: int, load: float, blocked: float) -> None:
    assert erlang_b(agents, load) == pytest.approx(blocked, abs=2e-5)


@pytest.mark.parametrize(
    ("agents", "load", "waiting"),
    [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 3.0, 0.2362), (10, 8.0, 0.4092), (20, 15.0, 0.1604),
     (11, 10.0, 0.6821), (12, 10.0, 0.4494), (13, 10.0, 0.2853), (14, 10.0, 0.1741), (55, 48.0, 0.239)],
)  # fmt: skip
def test_erlang_c_agrees_with_tables(agents: int, load: float, waiting: float) -> None:
    assert erlang_c(agents, load) == pytest.approx(waiting, abs=6e-5 if agents < 55 else 6e-4)


def test_the_worked_example_of_the_trade_press() -> None:
    """100 calls of 180 seconds in half an hour, 80 % in 20 seconds, 85 % occupancy at most, 30 % shrinkage: 14 on the phone,
    88.8 % in time, 7.8 seconds on average, 71.4 % busy, 20 on the roster."""
    found = needed(200, 180, Goal(0.8, 20, 0.85))
    assert found.agents == 14
    assert (found.answered, found.wait_seconds, found.occupancy) == pytest.approx((0.888, 7.8, 0.714), abs=0.05)
    assert round(found.answered, 3) == 0.888
    assert ceil(found.agents / (1 - 0.3)) == 20
    assert roster([200.0], 180, Goal(0.8, 20, 0.85), absence=0.3, shifts=1).paid == pytest.approx(20)


def test_the_other_worked_example() -> None:
    """360 calls of 4 minutes in half an hour, 55 people, 15 seconds."""
    found = queue(55, 720, 240, 15)
    assert found.occupancy == pytest.approx(0.873, abs=5e-4)
    assert found.wait_seconds == pytest.approx(8.2, abs=0.05)
    assert found.answered == pytest.approx(1 - 0.239 * exp(-7 * 15 / 240), abs=1e-3)


@given(st.integers(1, 60), loads)
def test_the_recursion_is_the_formula(agents: int, load: float) -> None:
    direct = load**agents / factorial(agents) / sum(load**k / factorial(k) for k in range(agents + 1))
    assert erlang_b(agents, load) == pytest.approx(direct, rel=1e-9)


@given(loads, st.integers(1, 20))
def test_more_people_never_make_callers_wait_longer(load: float, spare: int) -> None:
    agents = int(load) + 1
    assert erlang_c(agents + spare, load) <= erlang_c(agents, load)


@given(st.floats(0.1, 900), st.floats(10, 900), st.floats(0.5, 0.99), st.floats(0, 120), st.floats(0.3, 1))
def test_what_is_needed_meets_the_goal_and_one_fewer_does_not(
    calls: float, seconds: float, answered: float, within: float, occupancy: float
) -> None:
    goal = Goal(answered, within, occupancy)
    found = needed(calls, seconds, goal)
    assert found.answered >= answered
    assert found.occupancy <= occupancy + 1e-12
    less = queue(found.agents - 1, calls, seconds, within)
    assert less.answered < answered or less.occupancy > occupancy


def test_too_few_people_never_end_the_queue() -> None:
    found = queue(10, 200, 180, 20)
    assert (found.waiting, found.answered, found.wait_seconds) == (1.0, 0.0, inf)


def test_nobody_is_needed_where_nobody_calls() -> None:
    assert needed(0, 180, Goal()).agents == 0
    empty = roster([0.0, 0.0], 180, Goal(), absence=0.3, shifts=8)
    assert (empty.seats, empty.paid, empty.answered) == (0, 0.0, 1.0)


def test_a_day_is_staffed_hour_by_hour() -> None:
    found = roster([200.0, 20.0], 180, Goal(), absence=0.3, shifts=7.5)
    people = [needed(200, 180, Goal()).agents, needed(20, 180, Goal()).agents]
    assert found.seats == max(people)
    assert found.paid == pytest.approx(sum(people) / 0.7 / 7.5)
    assert found.occupancy == pytest.approx((220 * 180 / 3600) / sum(people))


def test_very_large_loads_are_staffed_at_once() -> None:
    found = needed(100_000, 180, Goal())
    assert found.agents == ceil(5000 / 0.85)
    assert found.occupancy <= 0.85
