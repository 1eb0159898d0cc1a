from __future__ import annotations

from dataclasses import fields
from datetime import date
from decimal import Decimal
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.appointment import OPEN, Status
from reminders.domain.delivery import State
from reminders.domain.measures import (
    UNKNOWN_LEAD,
    Z95,
    Basis,
    Outcomes,
    Spent,
    Visits,
    by_currency,
    folded,
    iso_week,
    lead_band,
    rate,
    wilson,
)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17(8), 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_agrees_with_published_values(count: int, of: int, low: float, high: float) -> None:
    assert wilson(count, of) == pytest.approx((low, high), abs=0.00005)


shares = st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(shares)
def test_the_bounds_solve_the_equation_that_defines_them(share: tuple[int, int]) -> None:
    count, of = share
    seen = count / of
    for bound in wilson(count, of):
        assert abs(seen - bound) == pytest.approx(Z95 * sqrt(bound * (1 - bound) / of), abs=1e-7)


@given(shares)
def test_the_interval_holds_the_share_and_mirrors_it(share: tuple[int, int]) -> None:
    count, of = share
    low, high = wilson(count, of)
    assert 0 <= low <= count / of <= high <= 1
    assert low < high
    assert wilson(of - count, of) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize(("count", "of"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_share_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match="count"):
        wilson(count, of)


def test_a_rate_without_a_denominator_is_unknown_and_not_zero() -> None:
    assert rate(0, 0) is None


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (UNKNOWN_LEAD, "unknown"), (0, "same day"), (1, "1-2 days"), (2, "1-2 days"), (3, "3-7 days"), (7, "3-7 days"),
        (8, "8-14 days"), (14, "8-14 days"), (15, "15-30 days"), (30, "15-30 days"), (31, "31+ days"), (400, "31+ days"),
    ],
)  # fmt: skip
def test_bands_meet_without_gap_or_overlap(days: int, band: str) -> None:
    assert lead_band(days) == band


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2016, 4, 29), "2016-W17"), (date(2016, 5, 1), "2016-W17"), (date(2016, 5, 2), "2016-W18"),
        (date(2016, 1, 3), "2015-W53"), (date(2024, 12, 30), "2025-W01"),
    ],
)  # fmt: skip
def test_weeks_are_those_of_iso_8601(day: date, week: str) -> None:
    assert iso_week(day) == week


def test_cancelled_unmarked_and_upcoming_visits_are_not_in_the_denominator() -> None:
    visits = Visits(fulfilled=6, arrived=1, noshow=3, cancelled=50, unmarked=40, upcoming=30)
    assert visits.booked == 130
    assert visits.rate is not None
    assert (visits.rate.count, visits.rate.of, visits.rate.value) == (3, 10, 0.3)


def test_every_status_and_every_state_has_a_place_in_the_counts() -> None:
    assert {part.name for part in fields(Visits)} == {*(set(Status) - OPEN), "unmarked", "upcoming"}
    assert {part.name for part in fields(Outcomes)} == {*State, "imported"}


def test_counts_add_up_part_by_part() -> None:
    assert Visits(fulfilled=1, noshow=2) + Visits(noshow=3, upcoming=4) == Visits(fulfilled=1, noshow=5, upcoming=4)


def test_days_fold_into_weeks() -> None:
    days = [(date(2016, 5, 2), 1), (date(2016, 5, 8), 2), (date(2016, 5, 9), 4)]
    assert folded(days, iso_week) == {"2016-W18": 3, "2016-W19": 4}


EUROS = Spent(messages=2, segments=3, estimated_messages=2, estimated=Decimal("0.30"), reminders=2, kept=1)
DOLLARS = Spent(messages=1, segments=1, actual_messages=1, actual=Decimal("0.08"), reminders=1, confirmed=1, kept=1)
UNPRICED = Spent(messages=4, segments=4)


def test_one_currency_takes_in_what_has_no_price() -> None:
    [line] = by_currency(Outcomes(sent=7), {"EUR": EUROS, None: UNPRICED})
    assert (line.currency, line.outcomes.reminders) == ("EUR", 7)
    assert (line.spent.messages, line.spent.unpriced_messages, line.spent.reminders) == (6, 4, 2)


def test_several_currencies_are_never_added_up() -> None:
    lines = by_currency(Outcomes(sent=7), {"USD": DOLLARS, "EUR": EUROS, None: UNPRICED})
    assert [line.currency for line in lines] == [None, "EUR", "USD"]
    assert sum(line.outcomes.reminders for line in lines) == 7
    assert [line.spent for line in lines] == [UNPRICED, EUROS, DOLLARS]


def test_reminders_without_any_message_keep_a_line() -> None:
    [line] = by_currency(Outcomes(imported=9), {})
    assert (line.currency, line.outcomes.imported, line.spent.basis) == (None, 9, None)


@pytest.mark.parametrize(
    ("spent", "basis"),
    [
        (Spent(), None),
        (UNPRICED, None),
        (EUROS, Basis.ESTIMATED),
        (DOLLARS, Basis.ACTUAL),
        (EUROS + DOLLARS, Basis.MIXED),
    ],
)
def test_the_basis_says_where_a_cost_comes_from(spent: Spent, basis: Basis | None) -> None:
    assert spent.basis == basis


def test_a_cost_needs_a_price_and_a_denominator() -> None:
    assert EUROS.per(EUROS.reminders) == Decimal("0.15")
    assert EUROS.per(EUROS.confirmed) is None
    assert UNPRICED.per(4) is None
