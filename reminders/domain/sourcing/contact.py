"""What one contact costs in an operation that is there: all calls converted to one reference length.

A call of two minutes is more work than one of half a minute, so calls of several kinds are counted as so many calls of the
reference handle time that mean the same work.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from reminders.domain.sourcing.figure import ZERO, Figure, Reading

_MONTHS, _MINUTES = 12, 60


@dataclass(frozen=True, slots=True)
class Contacts:
    """Calls of one kind in a year: how many, and how many seconds each takes."""

    name: str
    count: Figure
    seconds: Figure


@dataclass(frozen=True, slots=True)
class YearCost:
    """A cost of a year: ``amount`` x ``count`` x ``times``."""

    name: str
    amount: Figure
    count: Figure
    times: Figure


@dataclass(frozen=True, slots=True)
class ContactCost:
    """A year of an operation. ``tax`` is a share of the sum of the costs. What is not known is ``None``, and then what
    follows from it is not known either."""

    reference_seconds: Figure
    contacts: tuple[Contacts, ...]
    costs: tuple[YearCost, ...]
    tax: Figure | None
    agents: Figure | None
    daily_hours: Figure | None
    paid_days: Figure | None


@dataclass(frozen=True, slots=True)
class ContactResult:
    """``converted``: whole calls of the reference length, by kind. Costs are of the year, in the scenario's currency."""

    converted: tuple[tuple[str, Decimal], ...]
    contacts: Decimal
    talk_minutes: Decimal
    costs: tuple[tuple[str, Decimal], ...]
    subtotal: Decimal
    tax: Decimal
    total: Decimal
    per_contact: Decimal | None
    per_minute: Decimal | None
    utilisation: Decimal | None


def convert(count: Decimal, seconds: Decimal, reference_seconds: Decimal) -> Decimal:
    """How many whole calls of the reference length are the same work; a started one does not count."""
    return (count * seconds / reference_seconds).to_integral_value(ROUND_DOWN)


def contact_cost(asked: ContactCost, at: Reading) -> ContactResult:
    """Cost per contact and per minute, and how much of the paid time is spent talking."""
    reference = at(asked.reference_seconds)
    converted = tuple((one.name, convert(at(one.count), at(one.seconds), reference)) for one in asked.contacts)
    minutes = sum((at(one.count) * at(one.seconds) for one in asked.contacts), ZERO) / _MINUTES
    costs = tuple((one.name, at(one.amount) * at(one.count) * at(one.times)) for one in asked.costs)
    subtotal = sum((cost for _, cost in costs), ZERO)
    tax = subtotal * at(asked.tax) if asked.tax else ZERO
    total, contacts = subtotal + tax, sum((count for _, count in converted), ZERO)
    return ContactResult(
        converted, contacts, minutes, costs, subtotal, tax, total,
        per_contact=total / contacts if contacts else None, per_minute=total / minutes if minutes else None,
        utilisation=_utilisation(asked, minutes, at),
    )  # fmt: skip


def _utilisation(asked: ContactCost, minutes: Decimal, at: Reading) -> Decimal | None:
    """Talk minutes over paid minutes of a year; ``paid_days`` are those of a month."""
    if asked.agents is None or asked.daily_hours is None or asked.paid_days is None:
        return None
    paid = at(asked.agents) * at(asked.daily_hours) * at(asked.paid_days) * _MONTHS * _MINUTES
    return minutes / paid if paid else None
