"""A ``Slot`` that another system writes (https://hl7.org/fhir/R4/slot.html): time of a provider that it blocks or opens.

Free slots within the hours, and those that a visit takes, are worked out (``clinic.py``) and written by nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from reminders.domain.availability import DayException, closes, opens
from reminders.domain.fhir.shapes import Resource, moment, target, text, uid_of
from reminders.errors import Invalid

FREE, BUSY = "free", "busy"
#: Time in which nobody can be booked although there is no visit; the words are those of FBTYPE (RFC 5545 3.2.9).
BLOCKED = ("busy-unavailable", "busy-tentative")
_LONGEST_COMMENT = 500
_PER_SERVICE = "Time is blocked or opened for everything the provider offers; leave this out."
_REFUSED = {
    "serviceCategory": _PER_SERVICE, "serviceType": _PER_SERVICE, "specialty": _PER_SERVICE,
    "appointmentType": _PER_SERVICE,
}  # fmt: skip
_STATUSES: Mapping[str | None, str] = {
    None: "Say what the time is: free, busy-unavailable or busy-tentative.",
    "entered-in-error": "A slot that was a mistake is deleted.",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) of a provider's time and what it is to be: ``BLOCKED`` or ``FREE``. ``BUSY`` is how a free one is
    shown into which somebody was booked."""

    provider_uid: str
    start: datetime
    end: datetime
    status: str
    comment: str | None = None


def read(resource: Resource) -> Stretch:
    """``Invalid`` names the element that is missing, of the wrong shape or without a meaning here."""
    for name, why in _REFUSED.items():
        if name in resource:
            raise Invalid(why, field=f"Slot.{name}")
    if resource.get("overbooked", False) is not False:
        raise Invalid("No time is booked twice here.", field="Slot.overbooked")
    schedule = target(resource.get("schedule"))
    if schedule is None or schedule[0] != "Schedule":
        raise Invalid("A slot belongs to a Schedule.", field="Slot.schedule")
    start, end = (moment(resource.get(name), f"Slot.{name}") for name in ("start", "end"))
    if start is None or end is None or end <= start:
        raise Invalid("A slot has a start and, after it, an end.", field="Slot.end" if start else "Slot.start")
    return Stretch(uid_of(schedule[1]), start, end, _status(resource), _comment(resource))


def opening(stretch: Stretch, zone: ZoneInfo) -> DayException:
    """The exception of a provider's week that opens this time; ``Invalid`` for what is no part of one day in full
    minutes."""
    first, last = stretch.start.astimezone(zone), stretch.end.astimezone(zone)
    start, end = (one.hour * 60 + one.minute for one in (first, last))
    day = first.date()
    end = end or 1440  # midnight is the end of the day before
    if opens(day, start, zone) != first.timestamp() or closes(day, end, zone) != last.timestamp():
        raise Invalid("What is opened is a part of one day, in full minutes.", field="Slot.end")
    return DayException(day, day, open=True, start=start, end=end)


def _status(resource: Resource) -> str:
    found = text(resource, "status", "Slot")
    if found not in (FREE, BUSY, *BLOCKED):
        raise Invalid(_STATUSES.get(found, "This is not a status of a slot."), field="Slot.status")
    return found


def _comment(resource: Resource) -> str | None:
    found = text(resource, "comment", "Slot")
    return found[:_LONGEST_COMMENT] if found else None
