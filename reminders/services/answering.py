"""What the product knows about a clinic's phones, as inputs of an assessment: counted here, and marked "measured" there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import Change
from reminders.domain.measures import CostBy, NoShowBy, Visits, folded
from reminders.domain.sourcing.figure import ZERO
from reminders.domain.sourcing.reading import Measured, Measurements
from reminders.services.savings import SavingsReport
from reminders.store import answering, measures
from reminders.store.engine import Database

_MONTH = Decimal("30.4375")
_DAYS_BACK = 90
_DIGITS = Decimal("0.0001")
_CENT = Decimal("0.01")

#: What reminders saved on visits of these days, with its interval where there is a fair comparison.
Saved: TypeAlias = Callable[[date, date], SavingsReport]
Found = Iterator[tuple[str, Measured]]


@dataclass(frozen=True, slots=True)
class Period:
    """The days of the visits that are counted, both included."""

    first: date
    last: date

    @property
    def months(self) -> Decimal:
        return ((self.last - self.first).days + 1) / _MONTH

    @property
    def words(self) -> str:
        return f"visits from {self.first} to {self.last}"


class Answering:
    """Reads only."""

    def __init__(self, database: Database, clock: Clock, saved: Saved) -> None:
        self._database = database
        self._clock = clock
        self._saved = saved

    def measure(self, first: date | None, last: date | None, currency: str) -> Measurements:
        """Everything there is for visits of these days; without days, of the last 90 before today. Money is measured only
        in ``currency``: other money is not converted."""
        now = self._clock.now()
        last = last or (now - timedelta(days=1)).date()
        period = Period(first or last - timedelta(days=_DAYS_BACK - 1), last)
        with self._database.read() as tx:
            figures = dict(self._figures(tx, period, currency, now))
            languages = _languages(tx, period, now)
            hours = _hours(tx, period)
        figures |= dict(self._savings(period))
        return Measurements(figures, hours, languages)

    def _figures(self, tx: Connection, period: Period, currency: str, now: datetime) -> Found:
        visits = _visits(tx, period, now)
        if visits.booked:
            booked = (visits.booked / period.months).quantize(_CENT)
            yield "volume.bookings_per_month", Measured(booked, f"{visits.booked} {period.words}")
        if visits.rate is not None:
            show, low, high = (
                Decimal(str(1 - share)).quantize(_DIGITS)
                for share in (visits.rate.value, visits.rate.high, visits.rate.low)
            )
            yield "volume.show_rate", Measured(show, f"{visits.rate.of} {period.words}", low, high)
        yield from _value(tx, period, currency)
        yield from _calls_avoided(tx, period)
        yield from _message_cost(tx, period, currency)

    def _savings(self, period: Period) -> Found:
        """Only what a fair comparison says: without one there is nothing to fill in."""
        found = self._saved(period.first, period.last)
        avoided, refilled = found.avoided, found.refilled
        if avoided is not None:
            value, low, high = (
                max(ZERO, (Decimal(str(number)) / period.months).quantize(_CENT))
                for number in (avoided.value, avoided.low, avoided.high)
            )
            source = f"{(found.basis or '').replace('_', ' ')}, {period.words}"
            yield "automation.no_shows_avoided_per_month", Measured(value, source, low, high)
        if refilled is not None:
            value, low, high = (
                Decimal(str(share)).quantize(_DIGITS) for share in (refilled.value, refilled.low, refilled.high)
            )
            yield "volume.refilled_share", Measured(value, f"{refilled.of} slots missed, {period.words}", low, high)


def _visits(tx: Connection, period: Period, now: datetime) -> Visits:
    rows = measures.visits(tx, NoShowBy.NONE, [(period.first, period.last)], now)
    return sum((Visits(**{row.outcome: row.count}) for row in rows), Visits())


def _value(tx: Connection, period: Period, currency: str) -> Found:
    """The mean value of a visit, when all that have one are in the currency of the scenario."""
    rows = answering.values(tx, period.first, period.last)
    count = sum(visits for _, _, visits in rows)
    if count and {paid_in for paid_in, _, _ in rows} == {currency}:
        mean = sum((amount * visits for _, amount, visits in rows), ZERO) / count
        yield "volume.value_per_visit", Measured(mean.quantize(_CENT), f"value of the services, {count} {period.words}")


def _calls_avoided(tx: Connection, period: Period) -> Found:
    """Each answer of a patient stands for a call: surely one that cancels or moves a visit; one that confirms only where the
    desk would otherwise have rung up, so it counts in the value but not in the low end of the range."""
    found = answering.answers(tx, period.first, period.last)
    total = sum(found.values())
    if total:
        low, value = (
            (Decimal(count) / period.months).quantize(_CENT)
            for count in (total - found.get(Change.CONFIRM, 0), total)
        )  # fmt: skip
        source = f"{total} changes by patients, {period.words}"
        yield "automation.calls_avoided_per_month", Measured(value, source, low, value)


def _message_cost(tx: Connection, period: Period, currency: str) -> Found:
    rows = [row for row in measures.spending(tx, CostBy.NONE, [(period.first, period.last)]) if row.paid_in is not None]
    if rows and {row.paid_in for row in rows} == {currency}:
        spent = sum(((row.actual or ZERO) + (row.estimated or ZERO) for row in rows), ZERO)
        source = f"{sum(row.messages for row in rows)} messages, {period.words}"
        yield "automation.message_cost_per_month", Measured((spent / period.months).quantize(_CENT), source)


def _languages(tx: Connection, period: Period, now: datetime) -> dict[str, Decimal]:
    """Share of the visits by the language of their patients."""
    rows = measures.visits(tx, NoShowBy.LANGUAGE, [(period.first, period.last)], now)
    counts = folded(((row.key, row.count) for row in rows), str)
    total = sum(counts.values())
    return {name: (Decimal(count) / total).quantize(_DIGITS) for name, count in sorted(counts.items())}


def _hours(tx: Connection, period: Period) -> tuple[tuple[int, Decimal], ...]:
    """The desk's work by hour of the day at the venue: the shape of the day, whatever the number of calls."""
    counts: Counter[int] = Counter()
    for row in answering.desk_hours(tx, period.first, period.last):
        local = datetime.fromtimestamp(row.hour * 3600, UTC).astimezone(ZoneInfo(row.time_zone))
        counts[local.hour] += row.count
    return tuple((hour, Decimal(counts[hour])) for hour in sorted(counts))
