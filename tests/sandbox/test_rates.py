"""What the emulator charges."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reminders.sandbox.rates import (
    ELSEWHERE,
    RATES,
    call_price,
    inbound_price,
    outbound_price,
    rate_for,
    segment_count,
)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550100", "US"),
        ("+447700900123", "GB"),
        ("+351910000000", "PT"),
        ("+353200000000", "IE"),
        ("+886900000000", "TW"),
        ("+8613800000000", "CN"),
        ("+99900000000", ""),
    ],
)
def test_the_longest_calling_code_decides(number: str, country: str) -> None:
    assert rate_for(number).country == country


@pytest.mark.parametrize("code", RATES)
def test_every_rate_can_be_reached(code: str) -> None:
    assert rate_for(f"{code}5550100000") is RATES[code]


def test_segments_and_minutes_are_multiplied() -> None:
    assert outbound_price("+12025550100", 3) == Decimal("0.0237")
    assert inbound_price("+12025550150", 2) == Decimal("0.0150")
    assert outbound_price("+99900000000", 1) == ELSEWHERE.outbound_sms


@pytest.mark.parametrize(("seconds", "minutes"), [(1, 1), (59, 1), (60, 1), (61, 2), (3600, 60)])
def test_a_minute_begun_is_a_minute(seconds: int, minutes: int) -> None:
    assert call_price("+12025550100", seconds) == Decimal("0.0140") * minutes


@pytest.mark.parametrize(
    ("text", "smart", "count"),
    [("a" * 160, False, 1), ("a" * 161, False, 2), ("ñ" * 160, False, 1), ("明" * 71, False, 2), ("“a”" * 30, True, 1)],
)
def test_segments_are_counted_as_the_carrier_does(text: str, smart: bool, count: int) -> None:
    assert segment_count(text, smart=smart) == count
