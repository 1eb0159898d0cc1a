"""Which reminders become one message: nothing is lost, nothing is in two places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.combining import MOST, Candidate, combine

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)


@st.composite
def crowds(draw: st.DrawFn) -> list[Candidate]:
    """Up to 30 reminders of few visits and fewer phones; a visit belongs to one phone."""
    phones = {visit: draw(st.sampled_from(["a", "b", None])) for visit in range(12)}
    return [
        Candidate(
            number, visit := draw(st.integers(0, 11)), phones[visit], NOW + timedelta(hours=visit),
            NOW + timedelta(minutes=minutes), minutes > 0,
        )
        for number, minutes in enumerate(draw(st.lists(st.integers(-30, 30), max_size=30)))
    ]  # fmt: skip


@given(crowds())
def test_every_reminder_has_exactly_one_place(crowd: list[Candidate]) -> None:
    groups, waiting = combine(crowd)
    placed = [number for group in groups for number in (group.leader, *group.carried, *group.needless)] + waiting
    assert sorted(placed) == [one.number for one in crowd]


@given(crowds())
def test_a_message_is_for_one_audience_names_each_visit_once_and_not_too_many(crowd: list[Candidate]) -> None:
    known = {one.number: one for one in crowd}
    for group in combine(crowd)[0]:
        named = [known[number] for number in (group.leader, *group.carried)]
        assert len({one.audience for one in named}) == 1
        assert len({one.visit for one in named}) == len(named) <= MOST
        assert {known[number].visit for number in group.needless} <= {one.visit for one in named}


@given(crowds())
def test_what_is_early_goes_out_only_with_something_that_is_due(crowd: list[Candidate]) -> None:
    known = {one.number: one for one in crowd}
    groups, waiting = combine(crowd)
    assert all(known[number].is_early for number in waiting)
    due = {one.audience for one in crowd if not one.is_early}
    for group in groups:
        early = [number for number in (group.leader, *group.carried) if known[number].is_early]
        assert not early or known[group.leader].audience in due or known[group.leader].audience is None
