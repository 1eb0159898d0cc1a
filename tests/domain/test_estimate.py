"""What a text would cost, from the names and numbers it went to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from reminders.domain.cost import rate_card
from reminders.domain.estimate import Sample, Written, estimate, suggest

CARD = rate_card(date(2026, 11, 22))
SPAIN, USA = "+34600000010", "+12025550100"


def sample(*people: tuple[str, str], monthly: int | None = 100) -> Sample:
    return Sample(people, "+34", monthly, CARD)


def written(text: str) -> Written:
    return lambda name: f"{name}: {text}"


def test_without_recipients_the_first_venues_country_counts() -> None:
    found = estimate("sms", written("hi"), sample(monthly=0))
    assert (found.encoding, found.segments, found.most_segments) == ("GSM-7", 1, 1)
    assert found.per_message.amount == Decimal("0.0783")
    assert found.per_month is not None
    assert found.per_month.amount == 0


def test_the_mean_of_the_sample_times_the_month() -> None:
    found = estimate("sms", written("x" * 150), sample(("Ana", SPAIN), ("Wolfgang Amadeus", USA)))
    assert (found.segments, found.most_segments) == (1, 2)
    mean = (Decimal("0.0783") + 2 * Decimal("0.0083")) / 2
    assert found.per_message.amount == mean
    assert found.per_month is not None
    assert (found.per_month.amount, found.per_month.currency) == (round(mean * 100, 2), "USD")


def test_a_name_in_another_script_costs_more_segments_but_not_another_encoding_of_the_text() -> None:
    found = estimate("sms", written("x" * 80), sample(("王秀英", SPAIN)))
    assert (found.encoding, found.segments, found.most_segments) == ("GSM-7", 1, 2)


def test_a_call_costs_a_minute_and_detection_and_mail_nothing() -> None:
    assert estimate("voice", written(""), sample(("Ana", SPAIN))).per_message.amount == Decimal("0.03") + CARD.detection
    mail = estimate("email", written(""), sample(("Ana", SPAIN)))
    assert (mail.per_message.amount, mail.encoding, mail.segments) == (0, None, None)


def test_what_cannot_be_counted_has_no_price_for_a_month() -> None:
    found = estimate("sms", written("hi"), sample(monthly=None))
    assert (found.messages_per_month, found.per_month) == (None, None)


def test_a_cheaper_spelling_is_suggested_where_it_saves() -> None:
    for text, saves in (("Sí " + "x" * 100, True), ("Sí", False), ("x" * 100, False), ("您" + "x" * 100, False)):
        now = estimate("sms", written(text), sample())
        found = suggest(text, written, sample(), now)
        assert (found is not None) is saves, text
        if found:
            assert (found.replaced, found.estimate.encoding) == ({"í": "i"}, "GSM-7")
            assert found.estimate.per_message.amount < now.per_message.amount
