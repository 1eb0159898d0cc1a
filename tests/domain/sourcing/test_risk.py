"""Tornado and simulation: what varies, how far, and that the same seed says the same."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from random import Random
from typing import Any

import pytest

from reminders.domain.sourcing.assessment import Assessment, assess
from reminders.domain.sourcing.costing import Calculator
from reminders.domain.sourcing.figure import Reading, varying
from reminders.domain.sourcing.risk import draw
from reminders.domain.sourcing.vector import values
from tests.domain.sourcing.scenarios import asked, line, option, scenario


def assessed(*options: dict[str, Any], **changes: Any) -> Assessment:
    return assess(scenario(asked(*options, **changes)))


A = option("A", line("wage", {"value": 100, "low": 80, "high": 150}))
B = option("B", line("fee", 90))


def test_each_bar_is_the_difference_at_the_ends_of_its_range() -> None:
    found = assessed(A, B, months=10)
    (bar,) = found.bars
    assert found.leads == ("B", "A")
    assert (bar.figure.label, bar.at_low, bar.at_high, bar.swing) == ("A: wage", -100, 600, 700)
    assert bar.turns


def test_figures_without_a_range_get_the_spread_and_the_largest_swing_comes_first() -> None:
    found = assessed(A, B, months=10, spread="0.5")
    assert [(bar.figure.label, bar.low, bar.high) for bar in found.bars] == [("B: fee", 45, 135), ("A: wage", 80, 150)]


def test_decisions_and_defaults_do_not_vary() -> None:
    lines = (line("wage", 100, per="seat", count=2), line("call", 1, per="call", included=5))
    found = assessed(option("A", *lines, seats=4), B, spread="0.5", volume={"calls_per_month": 100})
    varied = {bar.figure.path for bar in found.bars}
    assert varied == {"options.0.lines.0.amount", "options.0.lines.1.amount", "options.1.lines.0.amount",
                      "volume.calls_per_month"}  # fmt: skip


def test_a_share_never_varies_beyond_one() -> None:
    found = scenario(asked(A, volume={"show_rate": "0.95"}))
    assert found.volume.show_rate is not None
    assert found.volume.show_rate.range(Decimal("0.1")) == (Decimal("0.855"), 1)


def test_one_quantity_in_two_places_varies_together() -> None:
    shared = {"value": 100, "low": 50, "high": 200, "together": "wage"}
    found = assessed(option("A", line("x", shared)), option("B", line("x", shared), line("y", 1)), runs=50)
    assert found.bars == ()
    assert found.simulated is not None
    assert found.simulated.leader_wins == 1.0


def test_the_same_seed_says_the_same_and_another_seed_something_near() -> None:
    runs = [assessed(A, B, runs=400, seed=seed).simulated for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    wins = [run.leader_wins for run in runs if run]
    assert wins[0] == pytest.approx(wins[2], abs=0.1)


def test_the_simulation_agrees_with_the_triangle() -> None:
    """P(wage > 90) of a triangle 80 to 150 with its peak at 100 is 1 - 10²/(70 x 20); its mean is 110."""
    found = assessed(A, B, months=1, runs=4000).simulated
    assert found is not None
    assert found.leader_wins == pytest.approx(1 - 100 / 1400, abs=0.02)
    spread = found.candidates[0]
    assert float(spread.mean) == pytest.approx(110, abs=1)
    assert spread.p5 < spread.p50 < spread.p95 <= 150
    assert found.candidates[0].cheapest + found.candidates[1].cheapest == pytest.approx(1)


def test_where_nothing_varies_nothing_is_simulated() -> None:
    found = assessed(option("A", line("x", 1)), B, runs=100)
    assert (found.simulated, found.bars) == (None, ())


def test_runs_calculated_together_are_each_what_they_would_be_alone() -> None:
    """Growth, price rises, people worked out, shares of other options, automation, bookings won and lost."""
    wide = {"value": "0.04", "low": "-0.02", "high": "0.1"}
    completes = {"value": "0.5", "low": "0", "high": "1"}
    desk = option("desk", line("wage", 3000, per="agent"), line("hiring", 900, per="agent", when="yearly"), staffed=True,
                  kpis={"booking_completion": {"value": "0.9", "low": "0.5", "high": "1"}})  # fmt: skip
    service = option("service", line("minute", 2, per="minute", included=600), price_rise_per_year=wide,
                     kpis={"booking_completion": completes})  # fmt: skip
    both = option(
        "both", kind="hybrid", parts=[{"option": "desk", "share": "0.6"}, {"option": "service", "share": "0.4"}]
    )
    found = scenario(asked(
        desk, service, both, months=30, discount_rate="0.05", spread="0.3", runs=40,
        volume={"calls_per_month": 900, "bookings_per_month": 400, "growth_per_year": wide, "value_per_visit": 80,
                "show_rate": "0.8"},
        staffing={"shrinkage": {"value": "0.3", "low": "0.2", "high": "0.4"}},
        automation={"calls_avoided_per_month": {"value": 500, "low": 0, "high": 1500}, "no_shows_avoided_per_month": 9},
    ))  # fmt: skip
    calculator, figures = Calculator.of(found), varying(found.figures(), found.spread)
    together = draw(Random(7), figures, found.spread, 40)
    columns = {name: values(column, 40) for name, column in together.tried.items()}
    for one, automated in product(found.options, (False, True)):
        alone = [
            calculator.cost(one, automated, Reading({name: column[run] for name, column in columns.items()}))
            for run in range(40)
        ]
        assert values(calculator.net_present(one, automated, together), 40) == [each.net_present for each in alone]
        assert values(calculator.net(one, automated, together), 40) == [each.net for each in alone]


def test_more_runs_than_are_calculated_together_go_on_with_the_same_draws() -> None:
    few, many = (assessed(A, B, months=1, runs=runs).simulated for runs in (1000, 1001))
    assert few is not None
    assert many is not None
    assert (few.runs, many.runs) == (1000, 1001)
    means = [spread.mean * found.runs for found in (few, many) for spread in found.candidates[:1]]
    assert 80 <= means[1] - means[0] <= 150
