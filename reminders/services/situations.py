"""What the rules of sending look at, put together from a contact that is due, or would be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reminders.domain.appointment import Confirmation, Status
from reminders.domain.clinic import Location, Policy
from reminders.domain.delivery import Channel
from reminders.domain.dispatch import Situation
from reminders.domain.plan import DEFAULT_QUIET_HOURS, Step
from reminders.store import consents


@dataclass(frozen=True, slots=True)
class Due:
    """One contact and the visit and patient it is about, as the database has them; ``status`` and what follows are
    ``None`` for a contact about no visit."""

    kind: str
    channel: Channel
    not_after: datetime
    status: str | None
    confirmation: str | None
    start: datetime | None
    phone: str | None
    email: str | None
    zone: str | None
    paused: bool
    patient_paused: bool

    @property
    def address(self) -> str:
        """Where it would go to; empty when there is none."""
        return (self.email if self.channel is Channel.EMAIL else self.phone) or ""


def situation(
    due: Due, now: datetime, place: Location, policy: Policy | None, step: Step | None, stops: set[tuple[str, str]]
) -> Situation:
    """``due`` at the moment ``now``; ``step`` is the one of the policy it belongs to, ``stops`` those in force for the
    patient's addresses."""
    return Situation(
        kind=due.kind, now=now, not_after=due.not_after, visit_status=Status(due.status) if due.status else None,
        confirmation=Confirmation(due.confirmation) if due.confirmation else None, start=due.start,
        has_address=bool(due.address), opted_out=consents.bars(stops, due.phone, due.email, due.channel),
        unless_confirmed=bool(step and step.unless_confirmed),
        is_fallback=bool(step and due.channel != step.channels[0]),
        quiet=policy.quiet(place.country) if policy else DEFAULT_QUIET_HOURS, zone=place.zone_of(due.zone),
        paused=due.paused, patient_paused=due.patient_paused,
    )  # fmt: skip
