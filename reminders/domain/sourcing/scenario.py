"""What an assessment is asked: the volume of calls, the ways to answer them, and what each of these costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reminders.domain.sourcing.contact import ContactCost
from reminders.domain.sourcing.figure import DEFAULTS, Basis, Figure


class Kind(StrEnum):
    """Who answers, and whose equipment it is."""

    IN_HOUSE = "in_house"
    OUTSOURCED = "outsourced"
    HOSTED = "hosted"
    LEASED = "leased"
    HYBRID = "hybrid"


class Per(StrEnum):
    """What the amount of a cost line is multiplied by."""

    FIXED = "fixed"
    SEAT = "seat"
    AGENT = "agent"
    CALL = "call"
    MINUTE = "minute"
    BOOKING = "booking"
    BOOKING_VALUE = "booking_value"
    TRANSFER = "transfer"
    INTERNATIONAL_MINUTE = "international_minute"


class When(StrEnum):
    """How often a cost line is paid."""

    ONCE = "once"
    MONTHLY = "monthly"
    YEARLY = "yearly"


class Kpi(StrEnum):
    """What the quality of answering is measured by; times in seconds, all others shares from 0 to 1."""

    ANSWER_SECONDS = "answer_seconds"
    FIRST_CALL_RESOLUTION = "first_call_resolution"
    ABANDONMENT = "abandonment"
    BOOKING_COMPLETION = "booking_completion"
    SATISFACTION = "satisfaction"


#: Less is better; of all others, more is better.
LOW_IS_GOOD = frozenset({Kpi.ANSWER_SECONDS, Kpi.ABANDONMENT})


class Criterion(StrEnum):
    """What the options are weighed by. All but cost are rated from 1 (poor) to 5 (very good)."""

    COST = "cost"
    SECURITY = "security"
    CONTROL = "control"
    LOCK_IN = "lock_in"
    LANGUAGES = "languages"


@dataclass(frozen=True, slots=True)
class Line:
    """One cost: ``amount`` x ``count`` x ``times`` for each unit of ``per`` beyond the ``included`` ones of a month.

    Months count from 1. A line paid once falls due in ``first_month``. ``hidden``: people tend to forget it.
    """

    path: str
    name: str
    amount: Figure
    count: Figure
    times: Figure
    included: Figure
    per: Per = Per.FIXED
    when: When = When.MONTHLY
    first_month: int = 1
    last_month: int | None = None
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The share of the calls that a hybrid hands to another option of the scenario."""

    option: str
    share: Decimal


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer.

    ``seats`` are given, or with ``staffed`` worked out by Erlang C. ``existing``: it is there already, so what it takes
    once is not paid again. ``languages`` are those it is answered in, ``None`` when nobody said.
    """

    path: str
    name: str
    kind: Kind
    lines: tuple[Line, ...]
    price_rise: Figure
    seats: Figure | None = None
    staffed: bool = False
    existing: bool = False
    vendor: str | None = None
    languages: frozenset[str] | None = None
    parts: tuple[Part, ...] = ()
    kpis: Mapping[Kpi, Figure] = field(default_factory=dict)
    ratings: Mapping[Criterion, Figure] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Volume:
    """What comes in. Calls and bookings are those of a month in the first year. ``hours`` are the calls of an open day, by
    hour, in any unit: only their proportions count. ``languages``: share of the patients by language."""

    calls: Figure | None
    bookings: Figure | None
    talk_minutes: Figure
    wrap_minutes: Figure
    growth: Figure
    show_rate: Figure | None
    value_per_visit: Figure | None
    refilled: Figure
    transfers: Figure
    international: Figure
    hours: tuple[tuple[int, Decimal], ...]
    open_days: Figure
    languages: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Staffing:
    """The service level to staff for; ``shrinkage`` is the share of paid time in which nobody can answer."""

    answered: Figure
    seconds: Figure
    occupancy: Figure
    shrinkage: Figure
    hours_per_month: Figure


@dataclass(frozen=True, slots=True)
class Automation:
    """Reminders and self-service beside the people: what it costs, and what it saves every month."""

    name: str
    lines: tuple[Line, ...]
    calls_avoided: Figure | None
    no_shows_avoided: Figure | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything an assessment is made from. ``discount_rate`` is per year; ``spread`` is how far a figure without a range
    of its own is varied, as a share of it; ``baseline`` is the option the others are held against."""

    name: str
    currency: str
    months: int
    discount_rate: Decimal
    volume: Volume
    staffing: Staffing
    options: tuple[Option, ...]
    automation: Automation | None
    baseline: str
    targets: Mapping[Kpi, Decimal]
    weights: Mapping[Criterion, Decimal]
    spread: Decimal
    runs: int
    seed: int
    contact: ContactCost | None = None
    note: str = ""
    source: str = ""

    def option(self, name: str) -> Option:
        """``KeyError`` for a name that no option has."""
        return {one.name: one for one in self.options}[name]

    def figures(self) -> Iterator[Figure]:
        """Every figure, in order of appearance."""
        for part in (self.volume, self.staffing, self.options, self.automation, self.contact):
            yield from _figures(part)

    def inputs(self) -> list[Figure]:
        """The figures that matter: everything that was given or measured, and the defaults that stand in for something."""
        return [figure for figure in self.figures() if figure.basis is not Basis.DEFAULT or figure.path in DEFAULTS]


def _figures(part: Any) -> Iterator[Figure]:
    if isinstance(part, Figure):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            yield from _figures(item)
    elif isinstance(part, Mapping):
        yield from _figures(tuple(part.values()))
    elif hasattr(part, "__dataclass_fields__"):
        for item in fields(part):
            yield from _figures(getattr(part, item.name))
