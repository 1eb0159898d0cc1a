"""The life of a reminder: written next states, final states that stay, and reports in any order."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.delivery import CONTACTED, NEXT, UNSENT, State, may_move, move, sources

FINAL = {State.DELIVERED, State.FAILED, State.MISSED, State.SUPPRESSED, State.WITHDRAWN}
# What a provider can tell of one message: any number of these, in any order, but one kind of end.
PROGRESS = st.lists(st.just(State.SENT), max_size=4)
ENDS = st.sampled_from([State.DELIVERED, State.FAILED])


def test_every_state_has_a_list():
    assert set(NEXT) == set(State)
    assert {state for state, following in NEXT.items() if not following} == FINAL


@pytest.mark.parametrize(("current", "new"), [*product(sorted(FINAL), State)])
def test_final_states_stay_final(current, new):
    assert not may_move(current, new)
    assert move(current, new) is current


@pytest.mark.parametrize("state", sorted(set(State) - FINAL))
def test_no_state_is_a_trap(state):
    seen, waiting = {state}, [state]
    while waiting:
        following = NEXT[waiting.pop()] - seen
        seen |= following
        waiting += following
    assert seen & FINAL


@pytest.mark.parametrize(("current", "new"), [*product(State, State)])
def test_sources_are_the_other_side_of_next(current, new):
    assert (current in sources(new)) == may_move(current, new)
    assert move(current, new) is (new if may_move(current, new) else current)


@given(PROGRESS, ENDS, st.integers(1, 3), st.randoms(use_true_random=False))
def test_reports_in_any_order_and_number_end_the_same(progress, end, times, chance):
    reports = progress + [end] * times
    chance.shuffle(reports)
    state = State.UNCERTAIN
    for report in reports:
        state = move(state, report)
    assert state is end


@given(st.lists(st.sampled_from([State.SENT, State.DELIVERED, State.FAILED]), min_size=1))
def test_the_first_end_that_is_reported_counts(reports):
    state = State.UNCERTAIN
    for report in reports:
        state = move(state, report)
    ends = [report for report in reports if report is not State.SENT]
    assert state is (ends[0] if ends else State.SENT)


def test_nothing_handed_over_can_be_taken_back_as_if_it_were_not():
    assert {State.PLANNED, State.CLAIMED} == UNSENT
    assert {State.SENT, State.DELIVERED} == CONTACTED
    assert not any(may_move(state, State.WITHDRAWN) for state in CONTACTED)
    assert not any(may_move(state, State.PLANNED) for state in CONTACTED)


def test_only_a_call_that_was_sent_may_be_planned_again():
    assert sources(State.PLANNED, on_a_call=True) - sources(State.PLANNED) == {State.SENT}
    assert all(sources(new, on_a_call=True) == sources(new) for new in State if new is not State.PLANNED)


def test_an_attempt_is_written_only_by_who_claimed_the_row():
    assert sources(State.UNCERTAIN) == {State.CLAIMED}
    assert sources(State.CLAIMED) == {State.PLANNED}
