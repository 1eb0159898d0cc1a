"""A visit of ours as an ``Appointment``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reminders.domain.appointment import OCCUPYING, Confirmation, Status
from reminders.domain.clinic import Location, Provider, Service
from reminders.domain.fhir.appointment import ANSWERS, participant, shown_status, with_status, with_times
from reminders.domain.fhir.clinic import SlotKey, service_type
from reminders.domain.fhir.shapes import instant, reference, versioned


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit with the names of those who take part."""

    uid: str
    version: int
    updated_at: datetime
    status: Status
    confirmation: Confirmation
    reason: str | None
    start: datetime
    end: datetime
    booked_at: datetime
    patient_uid: str
    patient_name: str
    provider: Provider | None
    location: Location
    service: Service
    identifiers: Sequence[Mapping[str, Any]] = ()


def appointment(visit: Visit) -> dict[str, Any]:
    """The resource; times in the venue's zone."""
    zone = visit.location.zone
    made = versioned("Appointment", visit.uid, visit.version, visit.updated_at)
    if visit.identifiers:
        made["identifier"] = [dict(one) for one in visit.identifiers]
    made = with_status(made, shown_status(visit.status, visit.reason), visit.reason)
    made["serviceType"] = [service_type(visit.service)]
    made = with_times(made, visit.start.astimezone(zone), visit.end.astimezone(zone))
    if visit.provider is not None and visit.status in OCCUPYING and not visit.start.second:
        key = SlotKey(visit.provider.uid, visit.service.uid, visit.start)
        made["slot"] = [{"reference": f"Slot/{key.id}"}]
    made["created"] = instant(visit.booked_at.astimezone(zone))
    return made | {"participant": _participants(visit)}


def _participants(visit: Visit) -> list[dict[str, Any]]:
    found = [participant(reference("Patient", visit.patient_uid, visit.patient_name), ANSWERS[visit.confirmation])]
    if visit.provider is not None:
        found.append(participant(reference("Practitioner", visit.provider.uid, visit.provider.name)))
    found.append(participant(reference("Location", visit.location.uid, visit.location.name)))
    found.append(participant(reference("HealthcareService", visit.service.uid, visit.service.name)))
    return found
