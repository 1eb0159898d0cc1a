"""``Appointment`` (https://hl7.org/fhir/R4/appointment.html) and what it says of a visit.

Our statuses are FHIR's own. FHIR has more of them, and keeps the patient's answer with the patient, in
``participant.status``, as we keep ``confirmation`` apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.fhir.shapes import Resource, codes, instant, moment, objects, target, text, words
from reminders.errors import IllegalTransition, Invalid

#: The reason under which a visit is kept that was a mistake.
MISTAKE = "entered-in-error"
#: FHIR's statuses (https://hl7.org/fhir/R4/valueset-appointmentstatus.html) in ours; ``waitlist`` has none.
STATUSES: Mapping[str, Status] = {
    "proposed": Status.PENDING, "pending": Status.PENDING, "booked": Status.BOOKED, "arrived": Status.ARRIVED,
    "checked-in": Status.ARRIVED, "fulfilled": Status.FULFILLED, "noshow": Status.NOSHOW,
    "cancelled": Status.CANCELLED, MISTAKE: Status.CANCELLED,
}  # fmt: skip
KNOWN_STATUSES = (*STATUSES, "waitlist")
ANSWERS = {
    Confirmation.CONFIRMED: "accepted", Confirmation.DECLINED: "declined", Confirmation.UNCONFIRMED: "needs-action",
}  # fmt: skip
_ANSWERS = frozenset({"accepted", "declined", "tentative", "needs-action"})
#: What brings a visit into a status.
STEPS = {
    Status.ARRIVED: Change.ARRIVE, Status.FULFILLED: Change.FULFIL, Status.NOSHOW: Change.NOSHOW,
    Status.CANCELLED: Change.CANCEL,
}  # fmt: skip
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Meeting:
    """An appointment as its resource has it. ``actors``: ids by type of resource, the first of each type. ``answer``: the
    patient's. ``services``: (system, code) of what is to be done. ``slots``: ids."""

    status: str
    start: datetime | None = None
    end: datetime | None = None
    reason: str | None = None
    answer: str | None = None
    actors: Mapping[str, str] = field(default_factory=dict)
    services: Sequence[tuple[str, str]] = ()
    slots: Sequence[str] = ()

    @property
    def confirmation(self) -> Confirmation:
        return {name: ours for ours, name in ANSWERS.items()}.get(self.answer or "", Confirmation.UNCONFIRMED)


def read(resource: Resource) -> Meeting:
    """``Invalid`` names the element that is missing or of the wrong shape."""
    people = objects(resource, "participant", "Appointment")
    if not people:
        raise Invalid("An appointment has participants.", field="Appointment.participant")
    actors, answer = _actors(people)
    start, end = moment(resource.get("start"), "Appointment.start"), moment(resource.get("end"), "Appointment.end")
    minutes = resource.get("minutesDuration")
    if end is None and start is not None and isinstance(minutes, int) and 0 < minutes <= 1440:
        end = start + timedelta(minutes=minutes)
    return Meeting(
        status=status(resource), start=start, end=end, reason=_reason(resource), answer=answer, actors=actors,
        services=[code for one in objects(resource, "serviceType", "Appointment")
                  for code in codes(one, "Appointment.serviceType")],
        slots=[found[1] for one in objects(resource, "slot", "Appointment")
               if (found := target(one)) and found[0] == "Slot"],
    )  # fmt: skip


def status(resource: Resource) -> str:
    """FHIR's code; ``Invalid`` for anything else."""
    found = text(resource, "status", "Appointment")
    if found not in KNOWN_STATUSES:
        raise Invalid("This is not a status of an appointment.", field="Appointment.status")
    return found


def shown_status(ours: Status, reason: str | None) -> str:
    """FHIR's code for a visit of ours."""
    return MISTAKE if ours is Status.CANCELLED and reason == MISTAKE else ours.value


def next_steps(now: Status, confirmation: Confirmation, wanted: Meeting, *, moved: bool) -> list[Change]:
    """What has to happen, besides a move, so that the visit is as ``wanted``. A new time has to be confirmed again, so
    an answer given for the old one counts only when it came without a move."""
    target_ = STATUSES[wanted.status]
    if target_ is not now and target_ in STEPS:
        return [STEPS[target_]]
    if target_ in OPEN and now not in OPEN:
        raise IllegalTransition("A visit does not go back to this status.", current_status=now.value)
    if now not in OPEN or moved:
        return []
    if wanted.confirmation is Confirmation.CONFIRMED and confirmation is not Confirmation.CONFIRMED:
        return [Change.CONFIRM]
    if wanted.confirmation is Confirmation.DECLINED and confirmation is not Confirmation.DECLINED:
        return [Change.CANCEL]
    return [Change.CONFIRM] if (now, target_) == (Status.PENDING, Status.BOOKED) else []


def with_status(resource: Resource, code: str, reason: str | None = None) -> dict[str, Any]:
    """The resource in another status; with a cancelled one goes why (and with no other: app-4)."""
    kept = {key: value for key, value in resource.items() if key != "cancelationReason"}
    made: dict[str, Any] = {**kept, "status": code}
    if code == Status.CANCELLED and reason:
        made["cancelationReason"] = {"text": reason}
    return made


def with_times(resource: Resource, start: datetime, end: datetime) -> dict[str, Any]:
    """The resource at another time; a slot belongs to the old one."""
    kept = {key: value for key, value in resource.items() if key != "slot"}
    minutes = int((end - start).total_seconds() // 60)
    return kept | {"start": instant(start), "end": instant(end), "minutesDuration": minutes}


def with_answer(resource: Resource, answer: str) -> dict[str, Any]:
    """The resource with the patient's answer."""
    people = [
        {**one, "status": answer} if _is_about(one, "Patient") else one
        for one in objects(resource, "participant", "Appointment")
    ]  # fmt: skip
    return {**resource, "participant": people}


def participant(reference: Mapping[str, Any], state: str = "accepted") -> dict[str, Any]:
    """Somebody or something that takes part."""
    return {"actor": dict(reference), "required": "required", "status": state}


def with_participant(resource: Resource, kind: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """The resource with another participant of this type of resource; its answer is taken over."""
    people = objects(resource, "participant", "Appointment")
    old = next((one for one in people if _is_about(one, kind)), None)
    if old is None:
        return {**resource, "participant": [*people, dict(made)]}
    return {**resource, "participant": [dict(made) if one is old else one for one in people]}


def _is_about(one: Mapping[str, Any], kind: str) -> bool:
    found = target(one.get("actor"))
    return found is not None and found[0] == kind


def _actors(people: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], str | None]:
    actors: dict[str, str] = {}
    answer = None
    for number, one in enumerate(people):
        state = one.get("status")
        if state not in _ANSWERS:
            raise Invalid("A participant has a status.", field=f"Appointment.participant[{number}].status")
        found = target(one.get("actor"))
        if found is not None and found[0] not in actors:
            actors[found[0]] = found[1]
            answer = state if found[0] == "Patient" else answer
    return actors, answer


def _reason(resource: Resource) -> str | None:
    return " ".join(words(resource.get("cancelationReason")).split())[:_LONGEST_REASON] or None
