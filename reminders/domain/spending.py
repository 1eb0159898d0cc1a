"""What messages cost altogether, and what the calendar will still cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from reminders.domain.cost import Money
from reminders.domain.measures import added

#: How far ahead the calendar is priced, and how far back its prices are learned, in days.
AHEAD, BACK = 30, 90


@dataclass(frozen=True, slots=True)
class Bill:
    """Messages of one kind, channel and currency. ``both_price`` and ``both_estimated`` are about the messages that have
    a price and an estimate in the same currency: how good estimates are."""

    messages: int = 0
    segments: int = 0
    actual_messages: int = 0
    estimated_messages: int = 0
    actual: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    both_price: Decimal = Decimal(0)
    both_estimated: Decimal = Decimal(0)

    def __add__(self, other: Bill) -> Bill:
        return added(self, other)

    @property
    def cost(self) -> Decimal:
        """Each message once: its price, else its estimate."""
        return self.actual + self.estimated

    @property
    def priced(self) -> int:
        return self.actual_messages + self.estimated_messages

    @property
    def actual_to_estimated(self) -> Decimal | None:
        """What was charged over what had been estimated for the same messages; ``None`` when nothing was."""
        return self.both_price / self.both_estimated if self.both_estimated else None


class Source(StrEnum):
    """Where the price of a message to come is taken from."""

    HISTORY = "history"
    RATE_CARD = "rate_card"


@dataclass(frozen=True, slots=True)
class Expected:
    """Reminders of one channel that are planned, and the price of one."""

    channel: str
    reminders: int
    each: Money
    source: Source

    @property
    def cost(self) -> Money:
        return Money(self.each.amount * self.reminders, self.each.currency)


@dataclass(frozen=True, slots=True)
class Forecast:
    """``extra`` is what notices and answers come to on top, by the ratio of the last ``BACK`` days; ``month`` is the
    part of all that falls into the present month."""

    days: int
    expected: tuple[Expected, ...]
    extra: tuple[Money, ...]
    total: tuple[Money, ...]
    month: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """Of the calendar month (UTC): ``limit`` ``None`` means there is none. ``expected`` is ``spent`` and what is planned
    until the end of the month."""

    month: str
    currency: str
    limit: Decimal | None
    spent: Decimal
    expected: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.limit is None else self.limit - self.spent

    @property
    def enough(self) -> bool | None:
        """Whether the month is expected to end within its budget; ``None`` without one."""
        return None if self.limit is None else self.expected <= self.limit


def unit_prices(history: Mapping[tuple[str, str, str], Bill]) -> dict[str, Money]:
    """Mean cost of a reminder's message by channel, from bills by (kind, channel, currency); where several currencies
    are used, that of the most messages."""
    best: dict[str, tuple[int, Money]] = {}
    for (kind, channel, currency), bill in history.items():
        if kind == "reminder" and bill.priced > best.get(channel, (0, None))[0]:
            best[channel] = bill.priced, Money(bill.cost / bill.priced, currency)
    return {channel: money for channel, (_, money) in best.items()}


def extra_ratio(history: Mapping[tuple[str, str, str], Bill], currency: str) -> Decimal:
    """Cost of everything but reminders over the cost of reminders, in one currency."""
    reminders, others = Decimal(0), Decimal(0)
    for (kind, _, paid_in), bill in history.items():
        if paid_in == currency:
            reminders += bill.cost if kind == "reminder" else 0
            others += bill.cost if kind != "reminder" else 0
    return others / reminders if reminders else Decimal(0)


def forecast(
    history: Mapping[tuple[str, str, str], Bill], ahead: Iterable[Expected], this_month: Mapping[str, int]
) -> Forecast:
    """The calendar in money; ``this_month`` counts the planned reminders of each channel until the month ends."""
    expected = tuple(ahead)
    total: dict[str, Decimal] = {}
    extra: dict[str, Decimal] = {}
    month: dict[str, Decimal] = {}
    for one in expected:
        currency, more = one.each.currency, extra_ratio(history, one.each.currency)
        extra[currency] = extra.get(currency, Decimal(0)) + one.cost.amount * more
        total[currency] = total.get(currency, Decimal(0)) + one.cost.amount * (1 + more)
        part = one.each.amount * this_month.get(one.channel, 0) * (1 + more)
        month[currency] = month.get(currency, Decimal(0)) + part
    return Forecast(AHEAD, expected, *(_monies(sums) for sums in (extra, total, month)))


def _monies(sums: Mapping[str, Decimal]) -> tuple[Money, ...]:
    return tuple(Money(amount, currency) for currency, amount in sorted(sums.items()))
