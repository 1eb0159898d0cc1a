"""What a rehearsal found as flat rows, for JSON and CSV; ``docs/simulate.md`` explains every column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from reminders.domain.simulation import Contact, Differing, LeftOut, Message, Outcome, Tally

Row = dict[str, Any]

COLUMNS = (
    "time", "recipient_time", "planned_for", "location_id", "appointment_id", "appointment_start", "patient_id", "kind",
    "step", "channel", "to", "language", "is_fallback_language", "condition", "holiday", "visit_on_holiday", "segments",
    "estimated_cost", "currency", "text", "left_out",
)  # fmt: skip
DIFFERENCE_COLUMNS = (
    "difference", "time_a", "time_b", "condition_a", "condition_b",
    *(name for name in COLUMNS if name not in {"time", "recipient_time", "planned_for", "condition", "left_out"}),
)  # fmt: skip


def outcome_row(outcome: Outcome) -> Row:
    """One line; ``left_out`` is the reason of what would not go out, ``None`` for messages."""
    told = outcome.contact
    return _contact_row(told) | (_nothing(outcome) if isinstance(outcome, LeftOut) else _words(outcome))


def difference_row(item: Differing) -> Row:
    """One line per differing message; what is not said twice is that of B, or of A when only A has it."""
    shown = item.b or item.a
    if shown is None:
        raise ValueError("a difference between nothing and nothing")
    row = outcome_row(shown)
    times = {f"time_{side}": one and _local(one.contact.at, one.contact.venue_zone) for side, one in _sides(item)}
    conditions = {f"condition_{side}": one and one.contact.condition for side, one in _sides(item)}
    return {
        name: ({"difference": item.difference.value} | times | conditions | row)[name] for name in DIFFERENCE_COLUMNS
    }


def tally_dict(tally: Tally) -> Row:
    """Sums, for JSON."""
    return {
        "messages": tally.messages,
        "segments": tally.segments,
        "estimated_cost": [
            {"amount": plain(amount), "currency": currency} for currency, amount in sorted(tally.cost.items())
        ],
        "channels": _sorted(tally.channels),
        "languages": _sorted(tally.languages),
        "left_out": _sorted(tally.left_out),
    }


def plain(amount: Decimal) -> str:
    """An amount with at least two decimals, and no more than it needs."""
    return f"{amount:.2f}" if amount == round(amount, 2) else f"{amount.normalize():f}"


def _sides(item: Differing) -> tuple[tuple[str, Message | None], ...]:
    return ("a", item.a), ("b", item.b)


def _contact_row(told: Contact) -> Row:
    return {
        "time": _local(told.at, told.venue_zone), "recipient_time": _local(told.at, told.recipient_zone),
        "planned_for": _local(told.due_at, told.venue_zone), "location_id": told.location,
        "appointment_id": told.visit, "appointment_start": told.start and _local(told.start, told.venue_zone),
        "patient_id": told.patient, "kind": told.kind, "step": told.step, "channel": str(told.channel), "to": told.to,
        "condition": told.condition and told.condition.value, "holiday": told.holiday,
        "visit_on_holiday": told.visit_on_holiday,
    }  # fmt: skip


def _words(message: Message) -> Row:
    cost = message.cost
    return {
        "language": message.language, "is_fallback_language": message.is_fallback, "segments": message.segments,
        "estimated_cost": plain(cost.amount), "currency": cost.currency, "text": message.text,
        "left_out": None,
    }  # fmt: skip


def _nothing(left_out: LeftOut) -> Row:
    empty = ("language", "is_fallback_language", "segments", "estimated_cost", "currency", "text")
    return dict.fromkeys(empty) | {"left_out": left_out.reason.value}


def _local(moment: datetime, zone: str) -> str:
    """With the offset in force then, which tells the two same readings of a clock that is set back apart."""
    return moment.astimezone(ZoneInfo(zone)).isoformat()


def _sorted(counts: Mapping[Any, int]) -> dict[str, int]:
    return {str(name): count for name, count in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))}
