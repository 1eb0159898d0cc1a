"""Packed strata are the same counts, whatever is added to whatever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.estimators import Four
from reminders.domain.measures import UNKNOWN_LEAD
from reminders.domain.savings import MOST_EARLIER, Stratum, both
from reminders.domain.strata import folded, packed, unpacked

_STRATA = st.builds(
    Stratum, st.integers(UNKNOWN_LEAD, 400), st.integers(0, MOST_EARLIER), st.integers(0, 6), st.integers(1, 1 << 40)
)
_ARM = st.integers(0, 1 << 28).flatmap(lambda visits: st.tuples(st.integers(0, visits), st.just(visits)))
_FOURS = st.builds(lambda one, other: (*one, *other), _ARM, _ARM).filter(any)
_CELLS = st.dictionaries(_STRATA, _FOURS, max_size=12)


@given(st.lists(_CELLS, max_size=5))
def test_sums_of_blocks_are_sums_of_counts(days: list[dict[Stratum, Four]]) -> None:
    expected: dict[tuple[int, ...], Four] = {}
    for cells in days:
        for stratum, cell in cells.items():
            expected[stratum] = both(expected.get(stratum, (0, 0, 0, 0)), cell)
    blocks = [block for cells in days for block in packed(cells).items()]
    assert unpacked(blocks) == expected
    assert unpacked(folded(blocks).items()) == expected


def test_a_block_is_about_one_service_and_one_weekday() -> None:
    cells = {Stratum(3, 0, 1, 7): (1, 2, 0, 1), Stratum(5, 2, 1, 7): (0, 1, 0, 0), Stratum(3, 0, 2, 7): (0, 0, 1, 4)}
    assert set(packed(cells)) == {(7, 1), (7, 2)}


def test_days_without_visits_are_no_blocks() -> None:
    assert packed({}) == {}
    assert unpacked([]) == {}
