"""Plans the reminders of booked visits anew when their policy was edited.

A visit's version and its plan number stay: the visit has not changed. Its reminders are brought in line one by one, so
that the number of a step always means that step of the policy as it is now (``domain/replanning.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from reminders.domain.actor import Actor
from reminders.domain.clinic import Location, Policy, Service
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.plan import Step, plan
from reminders.domain.replanning import Difference, Existing, compare
from reminders.services.planning import Lot, reminders_of
from reminders.store import histories, replans
from reminders.store import reminders as reminder_store
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: A process that read the policy just before it was edited may store a visit with the old steps this much later.
STALE_READ = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Edit:
    """``policy`` as it is now, and the steps it had until ``since``. ``source`` names the change set, if there is one:
    a visit is planned anew once for it. With ``service_id``, the policy is the same as before and new to this service
    only; ``before`` is what the service followed then."""

    policy: Policy
    before: tuple[Step, ...]
    since: datetime
    source: str | None = None
    service_id: int | None = None

    def concerns(self, service: Service) -> bool:
        """True for visits of this service. One that changes its policy may still have the old one in ``service``: what a
        process knows of the clinic can be older than its transaction."""
        if self.service_id is not None:
            return service.id == self.service_id
        return service.policy is not None and service.policy.id == self.policy.id


def difference(
    visit: Record, location: Location, rows: Sequence[Record], plan_number: int, edit: Edit, now: datetime
) -> Difference:
    """What the edit means for one visit, of whose reminders ``rows`` are all. Changes nothing."""
    if Lot.of(visit).drawn(edit.policy) is not None:
        return Difference()  # what this patient drew stays as it is until the trial ends
    zone = location.zone_of(visit.patient_zone)
    planned = plan(
        visit.start_at, now, edit.policy.steps, venue=location.zone, recipient=zone,
        quiet=edit.policy.quiet(location.country),
    )  # fmt: skip
    existing = [_existing(row) for row in rows if row.plan == plan_number]
    return compare(existing, edit.before, edit.policy.steps, planned)


def replan(tx: Connection, visit: Record, location: Location, edit: Edit, actor: Actor, now: datetime) -> bool:
    """Bring the reminders of a visit in line with the edited policy; False when there is nothing to do.

    ``visit`` must be locked. Safe to repeat: what was done for this edit, or planned after it, is left as it is.
    """
    last = replans.last_planning(tx, visit.id)
    if last is not None and _is_new(last, edit):
        return False
    number = replans.plans(tx, [visit.id]).get(visit.id, visit.version)
    found = difference(visit, location, replans.reminders(tx, [visit.id], lock=True), number, edit, now)
    if not found:
        return False
    replans.carry_out(tx, found, now)
    reminder_store.add(tx, _added(visit, number, found, now))
    facts = {"policy_id": edit.policy.uid} | ({"change_set_id": edit.source} if edit.source else {})
    histories.add(tx, {
        "appointment_id": visit.id, "at": now, "change": replans.REPLAN, "actor": actor.name,
        "channel": actor.channel, "version": visit.version, "facts": facts,
    })  # fmt: skip
    return True


def retime(
    tx: Connection, visit: Record, location: Location, policy: Policy | None, start: datetime, now: datetime
) -> None:  # fmt: skip
    """Bring the reminders of a visit to the times that follow from its new moment; what went out stays as it is."""
    lot = Lot.of(visit)
    branch = lot.drawn(policy) if policy is not None else None
    if policy is None or (branch is not None and branch.is_holdout):
        return
    steps = lot.steps(policy)
    planned = reminders_of(policy, lot, location, location.zone_of(visit.patient_zone), start, now)
    number = replans.plans(tx, [visit.id]).get(visit.id, visit.version)
    rows = [row for row in replans.reminders(tx, [visit.id], lock=True) if row.plan == number]
    found = compare([_existing(row) for row in rows], steps, steps, planned)
    replans.carry_out(tx, found, now)
    reminder_store.add(tx, _added(visit, number, found, now))


def _added(visit: Record, number: int, found: Difference, now: datetime) -> list[dict[str, Any]]:
    return [
        {"uid": new_uid("rem", now), "appointment_id": visit.id, "patient_id": visit.patient_id, "kind": "reminder",
         "plan": number, "step": item.step, "channel": item.channel, "due_at": item.due_at,
         "not_after": item.not_after, "state": item.state, "reason": item.reason, "attempts": 0, "updated_at": now}
        for item in found.added
    ]  # fmt: skip


def _is_new(last: Record, edit: Edit) -> bool:
    """True when the visit's reminders follow the edited policy already."""
    if last.change == replans.REPLAN:
        return edit.source is not None and last.facts.get("change_set_id") == edit.source
    return bool(last.at >= edit.since + STALE_READ)


def _existing(row: Record) -> Existing:
    return Existing(
        number=row.id, step=row.step, channel=Channel(row.channel), state=State(row.state), reason=Reason(row.reason),
        due_at=row.due_at, not_after=row.not_after,
    )  # fmt: skip
