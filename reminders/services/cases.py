"""A contact to decide on, without touching it: as it is planned, or as it would be planned under a policy.

The decision is the one that ``services/sending.py`` comes to when the contact is due.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime

from reminders.domain.clinic import Location, Policy
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import Verdict, decide
from reminders.domain.plan import Planned, Step
from reminders.domain.simulation import Condition, Contact
from reminders.services.catalogue import Snapshot
from reminders.services.planning import Lot, reminders_of
from reminders.services.situations import Due, situation
from reminders.store.engine import Record

#: (phone or e-mail address, channel) of every stop in force.
Stops = set[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """One contact to decide on; ``row`` holds its visit and patient. ``verdict`` is set when planning settled it."""

    row: Record
    location: Location
    policy: Policy | None
    kind: str
    step: int
    channel: Channel
    due_at: datetime
    not_after: datetime
    body: str | None
    stops: Stops
    verdict: Verdict | None = None

    @property
    def due(self) -> Due:
        row = self.row
        return Due(
            self.kind, self.channel, self.not_after, row.appointment_status, row.appointment_confirmation,
            row.appointment_start_at, row.patient_phone, row.patient_email, row.patient_zone,
            bool(row.appointment_paused), row.patient_paused,
        )  # fmt: skip

    @property
    def address(self) -> str | None:
        return self.due.address or None

    @property
    def rule(self) -> Step | None:
        """The step of the policy as it is now."""
        return _lot(self.row).step(self.policy, self.step) if self.kind == "reminder" else None

    @property
    def condition(self) -> Condition | None:
        if self.rule is None:
            return None
        if self.channel is not self.rule.channels[0]:
            return Condition.FALLBACK
        return Condition.UNLESS_CONFIRMED if self.rule.unless_confirmed else None


def stored(snapshot: Snapshot, row: Record, stops: Stops) -> Case:
    """A contact as it is planned."""
    channel = Channel(row.reminder_channel)
    number = row.appointment_location_id or row.home_location_id
    place = snapshot.location_by_id[number] if number else next(iter(snapshot.location_by_id.values()))
    return Case(
        row, place, _policy(snapshot, row), row.reminder_kind, row.reminder_step, channel, row.reminder_due_at,
        row.reminder_not_after, row.reminder_body, stops,
    )  # fmt: skip


def anew(snapshot: Snapshot, row: Record, stops: Stops, now: datetime) -> list[Case]:
    """The reminders of a visit as they would be planned now: in a trial those of the arm its patient drew. What has passed
    was dealt with when it was due."""
    policy = _policy(snapshot, row)
    if policy is None:
        return []
    place = snapshot.location_by_id[row.appointment_location_id]
    planned = reminders_of(policy, _lot(row), place, place.zone_of(row.patient_zone), row.appointment_start_at, now)
    return [
        Case(row, place, policy, "reminder", item.step, item.channel, item.due_at, item.not_after, None,
             stops, _settled(item))
        for item in planned
        if item.reason is not Reason.BOOKED_TOO_LATE
    ]  # fmt: skip


def decided(case: Case, now: datetime) -> tuple[datetime, Verdict]:
    """When the case is dealt with and how. What is put off is looked at again at its new time."""
    at = max(case.due_at, now)
    if case.verdict is not None:
        return at, case.verdict
    while (verdict := _verdict(case, at)).due_at is not None:
        at = verdict.due_at
    return at, verdict


def contact(case: Case, at: datetime, holidays: Set[date]) -> Contact:
    """What a rehearsal tells of the case; ``holidays`` are those of its venue."""
    row, place, start = case.row, case.location, case.row.appointment_start_at
    return Contact(
        at=at, due_at=case.due_at, kind=case.kind, step=case.step, channel=case.channel, visit=row.appointment_uid,
        start=start, patient=row.patient_uid, to=case.address, location=place.uid, venue_zone=place.zone.key,
        recipient_zone=place.zone_of(row.patient_zone).key, condition=case.condition,
        holiday=at.astimezone(place.zone).date() in holidays,
        visit_on_holiday=start is not None and start.astimezone(place.zone).date() in holidays,
    )  # fmt: skip


def _verdict(case: Case, at: datetime) -> Verdict:
    return decide(situation(case.due, at, case.location, case.policy, case.rule, case.stops))


def _settled(planned: Planned) -> Verdict | None:
    return None if planned.state is State.PLANNED else Verdict(planned.state, planned.reason)


def _lot(row: Record) -> Lot:
    return Lot(row.appointment_service_id, row.patient_uid, row.appointment_booked_at)


def _policy(snapshot: Snapshot, row: Record) -> Policy | None:
    service = snapshot.service_by_id.get(row.appointment_service_id)
    return service.policy if service else None
