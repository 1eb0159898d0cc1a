"""Which stored sums make up a range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.rollup import Pieces, Rolled, Span, month_end, year_end

SINCE, THROUGH = date(2027, 6, 12), date(2030, 6, 10)
DAYS = st.dates(date(2026, 1, 1), date(2031, 1, 31))


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def covered(found: Pieces, last: date) -> Counter[date]:
    """How often each day is in the pieces, up to ``last``."""
    spans: list[Span] = [(day, year_end(day)) for day in found.years]
    spans += [(day, month_end(day)) for day in found.months]
    spans += [(first or date.min, min(end or last, last)) for first, end in (*found.days, *found.live)]
    return Counter(day for first, end in spans for day in days(first, end))


@given(first=st.none() | DAYS, last=DAYS, stale=st.frozensets(DAYS.filter(lambda day: day <= THROUGH), max_size=4))
def test_every_day_of_a_range_is_counted_once(first: date | None, last: date, stale: frozenset[date]) -> None:
    rolled = Rolled(SINCE, THROUGH, stale)
    begin = min([SINCE, *stale]) if first is None else first
    for daily in (False, True):
        found = rolled.pieces(first, last, daily=daily)
        times = covered(found, last)
        assert all(times[day] == 1 for day in days(begin, last) if day >= SINCE or day in stale)
        assert set(times.values()) <= {1}
        # nothing is stored before the first day: sums that reach back beyond it hold no visit too many
        assert [day for day in times if not begin <= day <= last and day >= SINCE] == []


def test_where_everything_is_asked_for_the_first_year_is_one_sum() -> None:
    found = Rolled(SINCE, THROUGH).pieces(None, THROUGH)
    assert found.years == (date(2027, 1, 1), date(2028, 1, 1), date(2029, 1, 1))
    assert found.months == tuple(date(2030, month, 1) for month in range(1, 6))
    assert found.days == ((date(2030, 6, 1), THROUGH),)
