"""What a visit is and how its status may change.

Status codes are those of FHIR R4 ``Appointment.status``; whether the patient said yes is kept apart, as FHIR keeps
``participant.status`` apart.
"""

from __future__ import annotations

from enum import StrEnum

from reminders.errors import IllegalTransition


class Status(StrEnum):
    """FHIR R4 appointment status; the subset a clinic's front desk uses."""

    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    CANCELLED = "cancelled"


class Confirmation(StrEnum):
    """What the patient answered."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    DECLINED = "declined"


class Change(StrEnum):
    """Everything that can happen to a visit after it was booked."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    ARRIVE = "arrive"
    FULFIL = "fulfil"
    NOSHOW = "no-show"


#: Statuses that take up the provider's time; the database guards exactly these against overlap.
OCCUPYING = frozenset({Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.FULFILLED})

#: Statuses in which a visit still lies ahead, so reminders make sense.
OPEN = frozenset({Status.PENDING, Status.BOOKED})

#: (from, change) -> to. What is not listed is refused. A no-show who comes late after all may still arrive, which is
#: why noshow is not final; fulfilled and cancelled are.
TRANSITIONS: dict[tuple[Status, Change], Status] = {
    (Status.PENDING, Change.CONFIRM): Status.BOOKED,
    (Status.PENDING, Change.RESCHEDULE): Status.PENDING,
    (Status.PENDING, Change.CANCEL): Status.CANCELLED,
    (Status.BOOKED, Change.CONFIRM): Status.BOOKED,
    (Status.BOOKED, Change.RESCHEDULE): Status.BOOKED,
    (Status.BOOKED, Change.CANCEL): Status.CANCELLED,
    (Status.BOOKED, Change.ARRIVE): Status.ARRIVED,
    (Status.BOOKED, Change.FULFIL): Status.FULFILLED,
    (Status.BOOKED, Change.NOSHOW): Status.NOSHOW,
    (Status.ARRIVED, Change.FULFIL): Status.FULFILLED,
    (Status.ARRIVED, Change.CANCEL): Status.CANCELLED,
    (Status.NOSHOW, Change.ARRIVE): Status.ARRIVED,
    (Status.NOSHOW, Change.FULFIL): Status.FULFILLED,
}


def next_status(current: Status, change: Change) -> Status:
    """The status after ``change``; ``IllegalTransition`` when the machine has no such step."""
    try:
        return TRANSITIONS[current, change]
    except KeyError:
        raise IllegalTransition(
            f"A visit that is {current} cannot be changed by {change}.",
            current_status=current.value,
            change=change.value,
        ) from None


def allowed(current: Status) -> list[Change]:
    """The changes open to a visit in this status, for a screen that offers them."""
    return [change for change in Change if (current, change) in TRANSITIONS]


def next_confirmation(current: Confirmation, change: Change) -> Confirmation:
    """What is known of the patient's answer after ``change``: a new time has to be confirmed again."""
    match change:
        case Change.CONFIRM:
            return Confirmation.CONFIRMED
        case Change.RESCHEDULE:
            return Confirmation.UNCONFIRMED
        case _:
            return current
