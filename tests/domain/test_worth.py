from __future__ import annotations

from decimal import Decimal

from reminders.domain.cost import Money
from reminders.domain.estimators import Interval
from reminders.domain.measures import rate
from reminders.domain.worth import Prices, Slots, worth

TEN = Interval(10.0, 4.0, 16.0)
EUR80 = Slots("EUR", 100, Decimal(8000))


def test_gross_is_avoided_times_value_and_net_takes_off_what_was_spent() -> None:
    found = worth(TEN, EUR80, 0, None, [Money(Decimal("50"), "EUR")], 20, Prices(Decimal(30), Decimal(3)))
    assert (found.gross.low, found.gross.value, found.gross.high) == (Decimal(320), Decimal(800), Decimal(1280))
    assert (found.messages, found.staff_minutes, found.staff) == (Decimal(50), Decimal(60), Decimal(30))
    assert found.net is not None
    assert (found.net.low, found.net.value, found.net.high) == (Decimal(240), Decimal(720), Decimal(1200))


def test_what_is_refilled_anyway_is_not_saved() -> None:
    found = worth(TEN, EUR80, 0, rate(1, 4), [], 0, Prices())
    assert found.gross.value == Decimal(600)


def test_services_without_a_value_are_worth_nothing() -> None:
    found = worth(TEN, EUR80, 300, None, [], 0, Prices())
    assert (found.gross.value, found.visits_without_value) == (Decimal(200), 300)


def test_other_currencies_need_a_rate() -> None:
    dollars = [Money(Decimal(100), "USD")]
    blind = worth(TEN, EUR80, 0, None, dollars, 0, Prices())
    assert (blind.net, blind.messages_not_converted) == (None, tuple(dollars))
    seeing = worth(TEN, EUR80, 0, None, dollars, 0, Prices(rates=(("USD", Decimal("0.9")),)))
    assert seeing.messages == Decimal(90)
    assert seeing.net is not None
    assert seeing.net.value == Decimal(710)
