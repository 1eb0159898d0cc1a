"""What the reports count, and how sure one can be of a rate.

Everything here is a plain count, a share or an amount; how it is written on a screen is decided elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from math import sqrt
from operator import add, attrgetter
from typing import Any, TypeVar

T = TypeVar("T")

#: Quantile of the normal distribution that leaves 2.5 % on either side.
Z95 = 1.959963984540054

#: ``lead_days`` of an imported visit whose day of booking nobody wrote down.
UNKNOWN_LEAD = -1


class NoShowBy(StrEnum):
    """What the no-show report may be grouped by."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    LOCATION = "location"
    PROVIDER = "provider"
    SERVICE = "service"
    LANGUAGE = "language"
    LEAD_TIME = "lead_time"


class CostBy(StrEnum):
    """What the report on the cost of reminders may be grouped by."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    LOCATION = "location"
    CHANNEL = "channel"
    LANGUAGE = "language"
    STEP = "step"


#: What costs are added up by, day by day; days and weeks are made of ``none``.
COSTS_STORED = (CostBy.NONE, CostBy.LOCATION, CostBy.CHANNEL, CostBy.LANGUAGE, CostBy.STEP)


class LeadBand(StrEnum):
    """How long before the visit it was booked, in calendar days of the venue; in ascending order."""

    UNKNOWN = "unknown"
    SAME_DAY = "same day"
    DAYS_1_2 = "1-2 days"
    DAYS_3_7 = "3-7 days"
    DAYS_8_14 = "8-14 days"
    DAYS_15_30 = "15-30 days"
    DAYS_31_UP = "31+ days"


_BANDS = tuple(LeadBand)
#: Last day of each band, in the order of ``LeadBand``; the last band has no end.
_BAND_ENDS = (UNKNOWN_LEAD, 0, 2, 7, 14, 30)


def lead_band(days: int) -> LeadBand:
    """The band of a lead time in days; anything below zero is unknown."""
    return _BANDS[bisect_left(_BAND_ENDS, days)]


def band_days(band: LeadBand) -> tuple[int | None, int | None]:
    """The shortest and the longest lead time of a band in days; ``None`` where it has no end."""
    place = _BANDS.index(band)
    longest = _BAND_ENDS[place] if place < len(_BAND_ENDS) else None
    return _BAND_ENDS[place - 1] + 1 if place else None, longest


def iso_week(day: date) -> str:
    """The ISO 8601 week a day belongs to, e.g. ``2016-W18``; the year is that of the week's Thursday."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval: ``count`` of ``of``; ``value``, ``low`` and ``high`` lie between 0 and 1."""

    count: int
    of: int
    value: float
    low: float
    high: float


def rate(count: int, of: int) -> Rate | None:
    """``count`` out of ``of`` with its interval; ``None`` when there is nothing to divide by."""
    if of == 0:
        return None
    low, high = wilson(count, of)
    return Rate(count, of, count / of, low, high)


def wilson(count: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, Journal of the American Statistical Association 22(158), 209-212).

    Unlike the usual plus-minus it stays between 0 and 1 and does not shrink to nothing when nobody, or everybody,
    missed the visit. ``ValueError`` unless 0 <= count <= of and of > 0.
    """
    if not 0 <= count <= of or of == 0:
        raise ValueError("count must lie between 0 and a positive total")
    share, square = count / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    # At the two ends the formula gives the bound exactly; arithmetic on floats would leave 1e-17 of dirt.
    return (0.0 if count == 0 else middle - half), (1.0 if count == of else middle + half)


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits by what became of them; the six counts are disjoint and add up to ``booked``.

    ``unmarked`` is over and nobody said how; ``upcoming`` is not over yet.
    """

    fulfilled: int = 0
    arrived: int = 0
    noshow: int = 0
    cancelled: int = 0
    unmarked: int = 0
    upcoming: int = 0

    def __add__(self, other: Visits) -> Visits:
        return added(self, other)

    @property
    def booked(self) -> int:
        """Every visit that was ever booked, whatever became of it."""
        return self.fulfilled + self.arrived + self.noshow + self.cancelled + self.unmarked + self.upcoming

    @property
    def rate(self) -> Rate | None:
        """No-shows among the visits whose outcome is known: came or did not come. Cancelled ones are neither."""
        return rate(self.noshow, self.fulfilled + self.arrived + self.noshow)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Reminders by state; disjoint. ``imported`` ones come from another system and their cost is unknown."""

    planned: int = 0
    claimed: int = 0
    sent: int = 0
    delivered: int = 0
    failed: int = 0
    missed: int = 0
    suppressed: int = 0
    withdrawn: int = 0
    uncertain: int = 0
    imported: int = 0

    def __add__(self, other: Outcomes) -> Outcomes:
        return added(self, other)

    @property
    def reminders(self) -> int:
        return sum(_values(Outcomes)(self))


class Basis(StrEnum):
    """Where a cost comes from: the provider's prices, our rate card, or some messages each."""

    ACTUAL = "actual"
    ESTIMATED = "estimated"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class Spent:
    """Messages of one currency. Each message is in exactly one of actual, estimated and unpriced.

    ``reminders``, ``confirmed`` and ``kept`` count the reminders and visits these costs were spent on.
    """

    messages: int = 0
    segments: int = 0
    actual_messages: int = 0
    estimated_messages: int = 0
    actual: Decimal = Decimal(0)
    estimated: Decimal = Decimal(0)
    reminders: int = 0
    confirmed: int = 0
    kept: int = 0

    def __add__(self, other: Spent) -> Spent:
        return added(self, other)

    @property
    def unpriced_messages(self) -> int:
        return self.messages - self.actual_messages - self.estimated_messages

    @property
    def total(self) -> Decimal | None:
        """Each message once: its price, else its estimate; ``None`` while no message has either."""
        return self.actual + self.estimated if self.basis else None

    @property
    def basis(self) -> Basis | None:
        """``None`` while no message has any price."""
        if self.actual_messages and self.estimated_messages:
            return Basis.MIXED
        if self.actual_messages:
            return Basis.ACTUAL
        return Basis.ESTIMATED if self.estimated_messages else None

    def per(self, denominator: int) -> Decimal | None:
        """Cost (each message once: its price, else its estimate) per ``denominator``; ``None`` without either."""
        total = self.total
        return None if total is None or denominator == 0 else total / denominator


@dataclass(frozen=True, slots=True)
class Costs:
    """One line of the report: the reminders of a group and what they cost in one currency, ``None`` if none is known."""

    currency: str | None
    outcomes: Outcomes
    spent: Spent


def by_currency(outcomes: Outcomes, spent: dict[str | None, Spent]) -> list[Costs]:
    """One line per currency, never a sum over several. Reminders and messages without a cost stand in the line of the
    only currency; with several (or none) they get a line of their own, so that no reminder is counted twice."""
    currencies = sorted(currency for currency in spent if currency is not None)
    loose = spent.get(None)
    if len(currencies) == 1:
        only = spent[currencies[0]]
        return [Costs(currencies[0], outcomes, only if loose is None else only + loose)]
    return [Costs(None, outcomes, loose or Spent())] + [Costs(name, Outcomes(), spent[name]) for name in currencies]


def folded(pairs: Iterable[tuple[Any, Any]], key: Callable[[Any], Any]) -> dict[Any, Any]:
    """Pairs of (raw key, counts), with the counts added up under ``key(raw key)``: days into weeks, for example."""
    sums: dict[Any, Any] = {}
    for raw, counts in pairs:
        group = key(raw)
        sums[group] = sums[group] + counts if group in sums else counts
    return sums


def added(one: T, other: T) -> T:
    """Two values of one dataclass of counts, added up field by field; it has at least two fields."""
    kind: Any = type(one)
    values = _values(kind)
    total: T = kind(*map(add, values(one), values(other)))
    return total


def named(counts: Any) -> dict[str, Any]:
    """The fields of a dataclass of counts under their names; ``asdict`` copies deeply, which takes ten times as long."""
    kind: Any = type(counts)
    return dict(zip(_names(kind), _values(kind)(counts), strict=True))


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind))


@cache
def _values(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all fields at once: reports add up thousands of days."""
    return attrgetter(*_names(kind))
