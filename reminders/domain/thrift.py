"""What is given up when a phone has had enough messages or the month's money is used up: a declared order.

From 80 % of the budget nudges are left out that two more will follow, from 90 % also calls that only repeat an SMS which
arrived, and at the end everything but the last reminder before a visit. That one is never given up, and a notice of a
change counts but is never left out either.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reminders.domain.delivery import Reason

EARLY_NUDGES = Decimal("0.8")
SPARE_CALLS = Decimal("0.9")
ALL_SPARE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Nudge:
    """One reminder about to go out: how many later ones its visit still has, and whether it is a call that only
    repeats an SMS which reached the patient."""

    later: int
    repeats: bool


@dataclass(frozen=True, slots=True)
class Means:
    """``used`` is the share of the month's budget that is spent (1 = all); ``over_cap`` that the phone had enough."""

    used: Decimal
    over_cap: bool

    @property
    def are_short(self) -> bool:
        return self.over_cap or self.used >= EARLY_NUDGES


def given_up(nudge: Nudge, means: Means) -> Reason | None:
    """Why this reminder is left out, or ``None`` when it goes out."""
    if nudge.later == 0 and not nudge.repeats:
        return None
    if means.over_cap:
        return Reason.DAILY_CAP
    spare = (
        (nudge.later >= 2 and means.used >= EARLY_NUDGES)
        or (nudge.repeats and means.used >= SPARE_CALLS)
        or means.used >= ALL_SPARE
    )
    return Reason.OVER_BUDGET if spare else None
