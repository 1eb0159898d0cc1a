"""What is planned for a visit: its policy's reminders, or those of the arm that its patient drew in a trial."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from reminders.domain.clinic import Location, Policy
from reminders.domain.delivery import Reason, State
from reminders.domain.experiment import Branch
from reminders.domain.plan import Planned, Step, plan
from reminders.store.engine import Record


@dataclass(frozen=True, slots=True)
class Lot:
    """What decides whether a visit is part of a trial, and in which arm."""

    service_id: int
    patient_uid: str
    booked_at: datetime

    @classmethod
    def of(cls, visit: Record) -> Lot:
        """That of a visit, or of a reminder that was read with its visit."""
        return cls(visit.service_id, visit.patient_uid, visit.booked_at)

    def drawn(self, policy: Policy) -> Branch | None:
        """The arm, or ``None`` for what the policy says."""
        trial = policy.experiment
        return None if trial is None else trial.steps_for(self.service_id, self.patient_uid, self.booked_at)

    def steps(self, policy: Policy | None) -> tuple[Step, ...]:
        """Where the reminders of such a visit come from, as ``Reminder.step`` counts them: the policy, or the arm."""
        if policy is None:
            return ()
        branch = self.drawn(policy)
        return branch.steps if branch is not None and branch.steps else policy.steps

    def step(self, policy: Policy | None, number: int) -> Step | None:
        """One of them; there may be fewer now than when a reminder was planned."""
        steps = self.steps(policy)
        return steps[number] if number < len(steps) else None


def reminders_of(
    policy: Policy, lot: Lot, location: Location, zone: tzinfo, start: datetime, now: datetime
) -> list[Planned]:
    """The reminders of a visit. In a holdout they are those of the policy, all left out: the ledger says why."""
    branch, quiet = lot.drawn(policy), policy.quiet(location.country)
    planned = plan(start, now, lot.steps(policy), venue=location.zone, recipient=zone, quiet=quiet)
    if branch is None or not branch.is_holdout:
        return planned
    return [replace(one, state=State.SUPPRESSED, reason=Reason.HELD_OUT) for one in planned]
