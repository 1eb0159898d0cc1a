"""Every way of charging, growth, price rises, discounting, automation and hybrids, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.sourcing.costing import Calculator, Costed
from reminders.domain.sourcing.reading import Measured, Measurements
from tests.domain.sourcing.scenarios import asked, line, option, scenario

VOLUME = {
    "calls_per_month": 1000, "bookings_per_month": 400, "talk_minutes": 3, "show_rate": "0.9", "value_per_visit": 50,
    "transfer_share": "0.2", "international_share": "0.1",
}  # fmt: skip


def costed(*options: dict[str, Any], automated: bool = False, place: int = 0, **changes: Any) -> Costed:
    found = scenario(asked(*options, **({"volume": VOLUME} | changes)))
    return Calculator.of(found).cost(found.options[place], automated)


@pytest.mark.parametrize(
    ("charged", "year"),
    [
        (line("fixed", 100), 1_200),
        (line("pieces", 100, count=3, times=2), 7_200),
        (line("once", 100, when="once"), 100),
        (line("yearly", 100, when="yearly"), 100),
        (line("seat", 100, per="seat"), 100 * 4 * 12),
        (line("agent", 100, per="agent"), 100 * 4 * 12),
        (line("call", "0.5", per="call"), 500 * 12),
        (line("minute", "0.5", per="minute"), 1_500 * 12),
        (line("overage", "0.5", per="minute", included=2_800), 100 * 12),
        (line("within what is included", "0.5", per="minute", included=3_000), 0),
        (line("commission", 2, per="booking"), 800 * 12),
        (line("share of the value", "0.1", per="booking_value"), 400 * 50 // 10 * 12),
        (line("transfers", 1, per="transfer"), 200 * 12),
        (line("international", 1, per="international_minute"), 300 * 12),
        (line("from April to June", 100, first_month=4, last_month=6), 300),
        (line("beyond the horizon", 100, when="once", first_month=13), 0),
        (line("per seat, once", 100, per="seat", when="once"), 400),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_every_way_of_charging(charged: dict[str, Any], year: int) -> None:
    assert costed(option("A", charged, seats=4)).total == year


def test_once_and_running_are_kept_apart_and_hidden_ones_named() -> None:
    found = costed(option("A", line("x", 500, when="once", hidden=True), line("y", 10), line("z", 1, hidden=True)))
    assert (found.one_off, found.running, found.hidden, found.total) == (500, 132, 512, 632)


def test_what_is_there_already_is_not_set_up_again() -> None:
    assert costed(option("A", line("x", 500, when="once"), line("y", 10), existing=True)).total == 120


def test_prices_rise_and_volumes_grow_from_the_second_year_on() -> None:
    volume = VOLUME | {"growth_per_year": "0.5"}
    found = costed(option("A", line("x", 1, per="call"), price_rise_per_year="0.1"), months=24, volume=volume)
    assert found.total == 12 * 1000 + 12 * Decimal(1500) * Decimal("1.1")
    assert found.calls == 12 * 1000 + 12 * 1500


def test_present_worth_discounts_each_month() -> None:
    found = costed(option("A", line("x", 100), line("y", 1000, when="once")), discount_rate="0.12")
    monthly = Decimal("1.12") ** (Decimal(1) / 12)
    expected = 1000 + sum(100 / monthly**month for month in range(1, 13))
    assert found.present == pytest.approx(expected)
    assert costed(option("A", line("x", 100))).present == 1200


def test_costs_per_unit_have_the_units_of_the_whole_horizon() -> None:
    found = costed(option("A", line("x", 100)), months=30)
    assert (found.calls, found.minutes, found.bookings, found.kept) == (30_000, 90_000, 12_000, 10_800)


AUTOMATION = {
    "name": "Reminders", "lines": [line("set-up", 600, when="once")], "message_cost_per_month": 40,
    "calls_avoided_per_month": 250, "no_shows_avoided_per_month": 10,
}  # fmt: skip


def test_automation_takes_calls_away_costs_and_brings_in_visits() -> None:
    volume = VOLUME | {"refilled_share": "0.4"}
    alone, beside = (
        costed(option("A", line("x", 1, per="call")), automated=automated, automation=AUTOMATION, volume=volume)
        for automated in (False, True)
    )
    assert alone.total == 12_000
    assert beside.total == 750 * 12 + 600 + 40 * 12
    assert beside.benefit == 10 * 50 * Decimal("0.6") * 12
    assert (beside.kept, beside.calls) == ((360 + 10) * 12, alone.calls)
    assert beside.net == beside.total - beside.benefit


def test_no_more_calls_are_avoided_than_come_and_no_more_visits_kept_than_booked() -> None:
    much = AUTOMATION | {"calls_avoided_per_month": 5000, "no_shows_avoided_per_month": 5000}
    found = costed(option("A", line("x", 1, per="call")), automated=True, automation=much)
    assert found.total == 600 + 480
    assert found.kept == found.bookings


def test_an_option_that_completes_fewer_bookings_loses_their_value() -> None:
    good, bad = (option(name, kpis={"booking_completion": share}) for name, share in (("A", "0.9"), ("B", "0.81")))
    found = costed(good, bad, place=1)
    assert found.bookings == 360 * 12
    assert found.benefit == (360 - 400) * Decimal("0.9") * 50 * 12
    assert costed(good, bad).benefit == 0


def test_a_hybrid_pays_fixed_costs_in_full_and_calls_by_their_share() -> None:
    first = option("A", line("rent", 100), line("call", 1, per="call"))
    second = option("B", line("base", 50), line("call", 2, per="call"), kind="outsourced")
    parts = [{"option": "A", "share": "0.75"}, {"option": "B", "share": "0.25"}]
    found = costed(first, second, option("C", line("routing", 10), kind="hybrid", parts=parts), place=2)
    assert found.total == 12 * (100 + 750 + 50 + 500 + 10)
    assert [part.owner for part in found.lines] == ["C", "A", "A", "B", "B"]


def test_staffing_decides_seats_and_agents() -> None:
    volume = {"calls_per_month": 4200, "open_days_per_month": 21, "talk_minutes": "2.5", "wrap_minutes": "0.5",
              "hours": [{"hour": 9, "calls": 1}]}  # fmt: skip
    staffing = {"hours_per_month": 21, "shrinkage": "0.3"}
    found = costed(option("A", line("seat", 10, per="seat"), line("wage", 100, per="agent"), staffed=True),
                   volume=volume, staffing=staffing)  # fmt: skip
    assert (found.first.seats, found.first.agents) == (14, 20)
    assert found.total == 12 * (140 + 2000)


def test_by_month_adds_up_to_the_total() -> None:
    found = scenario(
        asked(option("A", line("x", 7), line("y", 9, when="yearly"), line("z", 11, when="once")), months=30)
    )
    calculator = Calculator.of(found)
    months = calculator.by_month(calculator.cost(found.options[0], automated=False))
    assert months[:2] + months[11:13] == [27, 7, 7, 16]
    assert sum(months) == 7 * 30 + 9 * 3 + 11


def test_what_is_given_comes_before_what_is_measured_and_that_before_a_default() -> None:
    measured = Measurements({
        "volume.talk_minutes": Measured(Decimal(4), "counted"), "volume.wrap_minutes": Measured(Decimal(1), "counted"),
    }, ((8, Decimal(1)),), {"es": Decimal(1)})  # fmt: skip
    found = scenario(asked(option("A"), volume={"talk_minutes": 2}), measured).volume
    assert [(one.value, one.basis) for one in (found.talk_minutes, found.wrap_minutes, found.open_days)] == [
        (2, "user"), (1, "measured"), (21, "default"),
    ]  # fmt: skip
    assert (found.hours, found.languages) == (((8, 1),), {"es": 1})


amounts = st.integers(0, 10_000)


@given(amounts, amounts, st.integers(1, 60), st.decimals("0", "0.3", places=3))
def test_money_is_exact_and_present_worth_never_more(once: int, monthly: int, months: int, rate: Decimal) -> None:
    body = asked(option("A", line("x", once, when="once"), line("y", monthly)), months=months, discount_rate=rate)
    found = scenario(body)
    costs = Calculator.of(found).cost(found.options[0], automated=False)
    assert costs.total == once + monthly * months
    assert once <= costs.present <= costs.total
