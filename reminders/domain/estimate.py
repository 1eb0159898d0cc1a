"""What a text of the clinic's own would cost: measured with the names and numbers of those it went to last month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from reminders.domain.cost import Money, RateCard
from reminders.domain.delivery import Channel
from reminders.domain.sms import segments
from reminders.domain.wording import cheaper

#: The text as one recipient would get it, by the recipient's name; "" for a made-up one.
Written = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Sample:
    """Recipients of the last month (name, number), or none; ``here`` is the calling code of the clinic's first venue, for
    when there are none. ``monthly``: how many messages went out, ``None`` where that cannot be told."""

    people: Sequence[tuple[str, str]]
    here: str
    monthly: int | None
    card: RateCard


@dataclass(frozen=True, slots=True)
class Estimate:
    """``encoding`` and ``segments`` of an example, ``most_segments`` for the longest of the sample (both of an SMS only).
    ``per_message`` is the mean of the sample; ``per_month`` that times what went out in the last 30 days."""

    encoding: Literal["GSM-7", "UCS-2"] | None
    segments: int | None
    most_segments: int | None
    per_message: Money
    messages_per_month: int | None
    per_month: Money | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The same text in cheaper characters: what is exchanged for what, and what it would cost then."""

    body: str
    replaced: dict[str, str]
    estimate: Estimate


def estimate(channel: str, written: Written, sample: Sample) -> Estimate:
    """What a text costs. A call is charged by the minute, and ours take less than one; e-mail is free."""
    people = sample.people or [("", sample.here)]
    if channel == Channel.SMS:
        sizes = [segments(written(name)).count for name, _ in people]
        found = segments(written(""))
        example: tuple[Literal["GSM-7", "UCS-2"] | None, int | None, int | None] = (
            found.encoding, found.count, max(sizes),
        )  # fmt: skip
    else:
        sizes, example = [1] * len(people), (None, None, None)
    prices = [
        sample.card.price(Channel(channel), phone, size).amount for (_, phone), size in zip(people, sizes, strict=True)
    ]
    mean = sum(prices, Decimal(0)) / len(prices)
    currency, count = sample.card.currency, sample.monthly
    month = None if count is None else Money(_cents(mean * count), currency)
    return Estimate(*example, Money(mean.quantize(Decimal("0.00001")), currency), count, month)


def suggest(body: str, written: Callable[[str], Written], sample: Sample, now: Estimate) -> Suggestion | None:
    """The text in GSM-7, if that is possible and costs less."""
    plain, replaced = cheaper(body)
    if not replaced or now.encoding != "UCS-2":
        return None
    then = estimate(Channel.SMS, written(plain), sample)
    return Suggestion(plain, replaced, then) if then.per_message.amount < now.per_message.amount else None


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
