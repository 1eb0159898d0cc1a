"""A visit as an event of a calendar, and how much of it who may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.appointment import Status
from reminders.domain.ical import Event, EventStatus

#: Cancelled visits stay in calendars this long, so that those who subscribed see that they are off.
CANCELLED_STAYS = timedelta(days=30)
#: What a feed shows, counted from today.
FEED_PAST, FEED_AHEAD = timedelta(days=30), timedelta(days=180)

_STATUS = {Status.PENDING: EventStatus.TENTATIVE, Status.CANCELLED: EventStatus.CANCELLED}
_BUSY = "Busy"


class Privacy(StrEnum):
    """How much an event tells: that time is taken, whose initials it is, or who comes for what. No level shows a phone
    number or why somebody comes."""

    BUSY = "busy"
    INITIALS = "initials"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a visit when it is rendered. ``sequence`` counts its moves and its cancellation."""

    uid: str
    start: datetime
    end: datetime
    zone: ZoneInfo
    status: str
    sequence: int
    changed_at: datetime
    booked_at: datetime
    patient: str
    service: str
    provider: str
    location: str


def event(visit: Visit, privacy: Privacy) -> Event:
    """The event that the clinic's own people see."""
    return _event(visit, _summary(visit, privacy), visit.location if privacy is Privacy.FULL else "")


def for_patient(visit: Visit) -> Event:
    """The event that the patient sees: what, with whom and where."""
    summary = ", ".join(part for part in (visit.service, visit.location) if part)
    return _event(visit, summary, visit.location, visit.provider)


def initials(name: str) -> str:
    """``A. R.`` of ``Ana Ruiz``."""
    return " ".join(f"{part[0].upper()}." for part in name.split())


def _summary(visit: Visit, privacy: Privacy) -> str:
    match privacy:
        case Privacy.BUSY:
            return _BUSY
        case Privacy.INITIALS:
            return initials(visit.patient) or _BUSY
        case Privacy.FULL:
            return ", ".join(part for part in (visit.patient, visit.service) if part)


def _event(visit: Visit, summary: str, location: str, description: str = "") -> Event:
    is_off = visit.status == Status.CANCELLED
    return Event(
        uid=visit.uid, start=visit.start, end=visit.end, zone=visit.zone, summary=summary, stamp=visit.changed_at,
        sequence=visit.sequence, status=_STATUS.get(Status(visit.status), EventStatus.CONFIRMED),
        created=visit.booked_at, location=location, description=description, transparent=is_off,
    )  # fmt: skip
