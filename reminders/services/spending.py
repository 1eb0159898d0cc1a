"""What messages of every kind cost, what one of each result cost, and what the calendar will still cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.cost import Money, rate_card
from reminders.domain.delivery import Channel
from reminders.domain.spending import AHEAD, BACK, Bill, Budget, Expected, Forecast, Source, forecast, unit_prices
from reminders.services.attendance import head
from reminders.services.billing import Key, bills
from reminders.services.figures import ranged
from reminders.services.groups import wanted
from reminders.services.reports import Reports
from reminders.services.savings import Savings, Ungrouped
from reminders.store import spendings
from reminders.store import spent as store
from reminders.store.engine import Database

#: The currency of the budget (``REMINDERS_MONTHLY_BUDGET``) and of the rate card.
CURRENCY = "USD"
_MONEY = Decimal("0.00001")
_CENT = Decimal("0.01")
#: Bills by (kind of message, channel, currency).
Bills = Mapping[Key, Bill]


@dataclass(frozen=True, slots=True)
class Result:
    """The cost of reminders per something they are for; ``per`` is ``reminder``, ``confirmed_visit``, ``kept_visit`` or
    ``avoided_noshow``, ``cost`` is ``None`` when there were none, ``low`` and ``high`` bound it where it is estimated."""

    per: str
    currency: str | None
    number: float
    cost: Decimal | None
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SpendingReport:
    """``bills`` of the visits of the days asked for up to ``as_of``; ``forecast`` and ``budget`` are as of now."""

    first: date | None
    last: date | None
    bills: Bills
    results: tuple[Result, ...]
    forecast: Forecast
    budget: Budget
    as_of: date | None = None
    by: str = "none"

    @property
    def columns(self) -> list[str]:
        return list(_row(("", "", ""), Bill()))

    def rows(self) -> list[dict[str, Any]]:
        """One line per kind of message, channel and currency."""
        return [_row(key, bill) for key, bill in sorted(self.bills.items())]

    def totals(self) -> dict[str, Bill]:
        """By currency."""
        sums: dict[str, Bill] = {}
        for (_, _, currency), bill in sorted(self.bills.items()):
            sums[currency] = sums.get(currency, Bill()) + bill
        return sums

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        totals = [_row(("all", "all", currency), bill) for currency, bill in self.totals().items()]
        return head(self.first, self.last, self.by) | {
            "as_of": self.as_of.isoformat() if self.as_of else None, "items": self.rows(), "totals": totals, "results": [_result(one) for one in self.results],
            "forecast": _forecast(self.forecast), "budget": _budget(self.budget),
        }  # fmt: skip


class Spendings:
    """Reads only. ``limit`` is the budget of a month in ``CURRENCY``; zero means there is none."""

    def __init__(self, database: Database, clock: Clock, reports: Reports, savings: Savings, limit: Decimal) -> None:
        self._database = database
        self._clock = clock
        self._reports = reports
        self._savings = savings
        self._limit = limit

    def report(
        self, first: date | None = None, last: date | None = None, by: str | None = None
    ) -> SpendingReport:  # fmt: skip
        """Everything about money. ``Invalid`` for an empty range or any grouping."""
        wanted(Ungrouped, by, first, last)
        now = self._clock.now()
        with self._database.read() as tx:
            days = ranged(tx, now, first, last)
            found = bills(tx, days.pieces())
            recent = bills(tx, ranged(tx, now, (now - timedelta(days=BACK)).date(), now.date()).pieces())
            ahead = _ahead(tx, now, recent)
            budget = _of_month(tx, now, self._limit, ahead)
        return SpendingReport(first, last, found, self._results(first, last), ahead, budget, days.as_of)

    def _results(self, first: date | None, last: date | None) -> tuple[Result, ...]:
        found: list[Result] = []
        avoided = self._savings.avoided(first, last)
        for line in self._reports.reminder_costs(first, last).totals:
            spent, currency = line.spent, line.currency
            parts = (("reminder", spent.reminders), ("confirmed_visit", spent.confirmed), ("kept_visit", spent.kept))
            found += [Result(per, currency, number, spent.per(number)) for per, number in parts]
            if avoided is not None and avoided.value > 0:
                cost, low, high = (
                    (spent.actual + spent.estimated) / Decimal(repr(number)) if number > 0 else None
                    for number in (avoided.value, avoided.high, avoided.low)
                )
                found.append(Result("avoided_noshow", currency, avoided.value, cost, low, high))
        return tuple(found)


def _ahead(tx: Connection, now: datetime, recent: Bills) -> Forecast:
    prices, card = unit_prices(recent), rate_card(now.date())
    planned = store.planned(tx, now, now + timedelta(days=AHEAD))
    expected = [
        Expected(channel, number, prices[channel], Source.HISTORY)
        if channel in prices
        else Expected(channel, number, card.price(Channel(channel), "", 1), Source.RATE_CARD)
        for channel, number in sorted(planned.items())
    ]
    return forecast(recent, expected, store.planned(tx, now, min(_month_end(now), now + timedelta(days=AHEAD))))


def _of_month(tx: Connection, now: datetime, limit: Decimal, ahead: Forecast) -> Budget:
    spent = spendings.spent(tx, now, CURRENCY)
    still = sum((money.amount for money in ahead.month if money.currency == CURRENCY), Decimal(0))
    return Budget(f"{now:%Y-%m}", CURRENCY, limit or None, spent, spent + still)


def _month_end(now: datetime) -> datetime:
    return (now.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)


def _row(key: tuple[str, str, str], bill: Bill) -> dict[str, Any]:
    kind, channel, currency = key
    ratio = bill.actual_to_estimated
    return {
        "kind": kind, "channel": channel, "currency": currency or None, "messages": bill.messages,
        "segments": bill.segments, "actual_messages": bill.actual_messages,
        "estimated_messages": bill.estimated_messages,
        "unpriced_messages": bill.messages - bill.priced, "actual_cost": _money(bill.actual),
        "estimated_cost": _money(bill.estimated), "cost": _money(bill.cost),
        "actual_to_estimated": None if ratio is None else round(float(ratio), 6),
    }  # fmt: skip


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount.quantize(_MONEY))


def _monies(monies: tuple[Money, ...]) -> list[dict[str, str]]:
    return [{"amount": str(money.amount.quantize(_CENT)), "currency": money.currency} for money in monies]


def _result(one: Result) -> dict[str, Any]:
    return {
        "per": one.per, "currency": one.currency, "number": round(one.number, 2), "cost": _money(one.cost),
        "low": _money(one.low), "high": _money(one.high),
    }  # fmt: skip


def _forecast(found: Forecast) -> dict[str, Any]:
    lines = [
        {"channel": one.channel, "reminders": one.reminders, "each": _money(one.each.amount),
         "currency": one.each.currency, "source": one.source.value, "cost": _money(one.cost.amount)}
        for one in found.expected
    ]  # fmt: skip
    sums = {name: _monies(getattr(found, name)) for name in ("extra", "total", "month")}
    return {"days": found.days, "reminders": lines} | sums


def _budget(found: Budget) -> dict[str, Any]:
    amounts = {name: getattr(found, name) for name in ("limit", "spent", "expected", "left")}
    shown = {name: None if value is None else str(value.quantize(_CENT)) for name, value in amounts.items()}
    return {"month": found.month, "currency": found.currency} | shown | {"enough": found.enough}
