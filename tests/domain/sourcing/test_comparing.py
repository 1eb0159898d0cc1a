"""Gain, return, payback and the two break-even points, against cases that can be worked out on paper."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reminders.domain.sourcing.assessment import assess
from reminders.domain.sourcing.comparing import Comparison, since
from tests.domain.sourcing.scenarios import asked, line, option, scenario


def compared(base: dict[str, Any], other: dict[str, Any], **changes: Any) -> Comparison:
    (found,) = assess(scenario(asked(base, other, **changes))).comparisons
    return found


def flat(name: str, once: int, monthly: int, **changes: Any) -> dict[str, Any]:
    return option(name, line("once", once, when="once"), line("monthly", monthly), **changes)


def test_an_investment_that_pays_back() -> None:
    found = compared(flat("A", 0, 100), flat("B", 450, 10))
    assert (found.gain, found.roi) == (12 * 90 - 450, Decimal(630) / 450)
    assert (found.payback_month, found.break_even_month, found.overtaken_month) == (5, 6, None)


def test_an_investment_that_does_not() -> None:
    found = compared(flat("A", 0, 100), flat("B", 5000, 10))
    assert (found.payback_month, found.break_even_month, found.overtaken_month) == (None, None, None)
    assert found.gain < 0


def test_cheap_at_first_dear_in_the_end() -> None:
    found = compared(flat("A", 600, 50), flat("B", 0, 150))
    assert (found.payback_month, found.break_even_month, found.overtaken_month) == (0, None, 7)
    assert found.roi is None


def test_payback_leaves_the_other_ones_set_up_aside() -> None:
    found = compared(flat("A", 1000, 100), flat("B", 450, 10))
    assert (found.payback_month, found.break_even_month) == (5, 1)


def test_break_even_volume() -> None:
    """100 a month against 0.5 a call: equal at 200 calls."""
    fixed, per_call = flat("A", 0, 100), option("B", line("call", "0.5", per="call"), kind="outsourced")
    found = compared(fixed, per_call, volume={"calls_per_month": 300})
    assert found.break_even_calls in (200, 201)
    assert compared(fixed, per_call, volume={"calls_per_month": 5000}).break_even_calls is None
    assert compared(fixed, per_call, volume={"calls_per_month": 0}).break_even_calls is None


def test_without_calls_there_is_no_break_even_volume() -> None:
    assert compared(flat("A", 0, 1), flat("B", 0, 2)).break_even_calls is None


@pytest.mark.parametrize(
    ("holds", "month"),
    [
        ([], None),
        ([True], 1),
        ([False], None),
        ([False, True], 2),
        ([True, False, True, True], 3),
        ([True, False], None),
    ],
)
def test_since_when_something_holds(holds: list[bool], month: int | None) -> None:
    assert since(holds) == month


money = st.integers(0, 2000)


@given(money, money, money, money, st.integers(1, 48))
def test_break_even_and_payback_are_what_their_words_say(once_a: int, a: int, once_b: int, b: int, months: int) -> None:
    assume((once_a, a) != (once_b, b))
    found = compared(flat("A", once_a, a), flat("B", once_b, b), months=months)
    paid_a, paid_b = (
        [once + monthly * month for month in range(1, months + 1)] for once, monthly in ((once_a, a), (once_b, b))
    )
    assert found.gain == paid_a[-1] - paid_b[-1]
    if found.break_even_month is not None:
        start = found.break_even_month
        assert all(theirs > ours for theirs, ours in zip(paid_a[start - 1 :], paid_b[start - 1 :], strict=True))
        assert start == 1 or paid_a[start - 2] <= paid_b[start - 2]
    else:
        assert paid_a[-1] <= paid_b[-1]
    if found.payback_month:
        assert (a - b) * found.payback_month >= once_b > (a - b) * (found.payback_month - 1)
