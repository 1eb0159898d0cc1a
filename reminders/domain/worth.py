"""What avoided no-shows are worth, and what is taken off for reminding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reminders.domain.cost import Money
from reminders.domain.estimators import Interval
from reminders.domain.measures import Rate

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Slots:
    """Reminded visits of services with a value in one currency: how many, and what their slots are worth together."""

    currency: str
    visits: int
    value: Decimal

    @property
    def mean(self) -> Decimal:
        return self.value / self.visits


@dataclass(frozen=True, slots=True)
class Amount:
    """Money with its interval."""

    value: Decimal
    low: Decimal
    high: Decimal

    def less(self, amount: Decimal) -> Amount:
        return Amount(self.value - amount, self.low - amount, self.high - amount)


@dataclass(frozen=True, slots=True)
class Worth:
    """``gross`` is avoided no-shows × value of a slot × share not refilled, ``net`` is that less ``messages`` and
    ``staff``. ``messages_not_converted`` are amounts in currencies that have no rate: ``net`` is then ``None``."""

    currency: str
    slot_value: Decimal
    refilled: Rate | None
    valued_visits: int
    visits_without_value: int
    gross: Amount
    messages: Decimal
    messages_not_converted: tuple[Money, ...]
    staff_minutes: Decimal
    staff: Decimal
    net: Amount | None


@dataclass(frozen=True, slots=True)
class Prices:
    """``hour`` is what an hour of desk work costs, ``minutes`` how long one answer keeps the desk busy, ``rates`` what
    one unit of another currency is worth in the clinic's."""

    hour: Decimal = Decimal(0)
    minutes: Decimal = Decimal(3)
    rates: tuple[tuple[str, Decimal], ...] = ()

    def converted(self, money: Money, currency: str) -> Decimal | None:
        """``money`` in ``currency``; ``None`` when there is no rate."""
        if money.currency == currency:
            return money.amount
        rate = dict(self.rates).get(money.currency)
        return money.amount * rate if rate else None


def worth(
    avoided: Interval, slots: Slots, without_value: int, refilled: Rate | None, messages: Iterable[Money],
    answers: int, prices: Prices,
) -> Worth:  # fmt: skip
    """``avoided`` no-shows in money. Only the estimate is uncertain here: values and costs are what they are."""
    spent = [(money, prices.converted(money, slots.currency)) for money in messages]
    strange = tuple(money for money, amount in spent if amount is None and money.amount)
    paid = sum((amount for _, amount in spent if amount is not None), Decimal(0))
    minutes = prices.minutes * answers
    staff = minutes / 60 * prices.hour
    share = Decimal(slots.visits) / (slots.visits + without_value)
    each = slots.mean * share * (1 - Decimal(repr(refilled.value)) if refilled else Decimal(1))
    gross = Amount(*(_cents(Decimal(repr(number)) * each) for number in (avoided.value, avoided.low, avoided.high)))
    net = None if strange else gross.less(_cents(paid + staff))
    return Worth(
        slots.currency, _cents(slots.mean), refilled, slots.visits, without_value, gross, _cents(paid), strange,
        minutes, _cents(staff), net,
    )  # fmt: skip


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)
