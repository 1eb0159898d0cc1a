"""Estimates from the dated rate card."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.domain.cost import RATE_CARDS, Money, rate_card
from reminders.domain.delivery import Channel

CARD = RATE_CARDS[0]

# number, calling code whose price holds ("" for the rest of the world)
NUMBERS = [
    ("+12025550143", "1"),
    ("+17875550143", "1"),
    ("+447700900123", "44"),
    ("+34600000001", "34"),
    ("+33199000001", "33"),
    ("+8613800000000", "86"),
    ("+351910000000", ""),
    ("+4", ""),
    ("+", ""),
]


@pytest.mark.parametrize(("number", "code"), NUMBERS)
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])
def test_price_by_calling_code(number, code, channel):
    rate = CARD.prices.get(code, CARD.other)[0 if channel is Channel.SMS else 1]
    detection = CARD.detection if channel is Channel.VOICE else Decimal(0)
    assert CARD.price(channel, number, 1) == Money(rate + detection, CARD.currency)
    assert CARD.minutes(number, 3) == 3 * CARD.prices.get(code, CARD.other)[1]


@pytest.mark.parametrize("units", [0, 1, 7])
def test_an_email_costs_nothing(units):
    assert CARD.price(Channel.EMAIL, "ana@example.com", units) == Money(Decimal(0), CARD.currency)


@given(st.integers(0, 1000), st.sampled_from(NUMBERS), st.sampled_from(list(Channel)))
def test_price_is_exact_in_units(units, number, channel):
    none, one = (CARD.price(channel, number[0], count).amount for count in (0, 1))
    assert CARD.price(channel, number[0], units).amount == none + sum([one - none] * units, Decimal(0))
    assert none == (CARD.detection if channel is Channel.VOICE else 0)


@pytest.mark.parametrize("card", RATE_CARDS, ids=lambda card: str(card.since))
def test_cards_hold_money_not_floats(card):
    rates = [rate for pair in [*card.prices.values(), card.other] for rate in pair]
    assert all(isinstance(rate, Decimal) and rate > 0 and rate == round(rate, 5) for rate in rates)
    assert len(card.currency) == 3
    assert all(code.isdigit() and 1 <= len(code) <= 3 for code in card.prices)


def test_card_of_a_day():
    assert [card.since for card in RATE_CARDS] == sorted({card.since for card in RATE_CARDS})
    assert rate_card(date(1999, 1, 1)) is RATE_CARDS[0]
    for card in RATE_CARDS:
        assert rate_card(card.since) is card
    assert rate_card(date(2099, 1, 1)) is RATE_CARDS[-1]


@pytest.mark.parametrize(
    ("amount", "text"),
    [("120.00000", "120 EUR"), ("0.00830", "0.0083 EUR"), ("100", "100 EUR"), ("0", "0 EUR"), ("-1.50", "-1.5 EUR")],
)
def test_money_is_written_plainly(amount, text):
    assert str(Money(Decimal(amount), "EUR")) == text
