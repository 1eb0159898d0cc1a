"""Who offers what, where and when, as resources: ``Practitioner``, ``Location``, ``HealthcareService``, and ``Schedule``
with its ``Slot``s: those that are worked out from hours and visits and stored nowhere, and those that somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reminders.domain.clinic import Location, Provider, Service
from reminders.domain.fhir.patient import LANGUAGES
from reminders.domain.fhir.shapes import SERVICE_SYSTEM, concept, id_of, instant, reference, versioned
from reminders.domain.fhir.slot import Stretch

_SLOT = re.compile(r"(?P<provider>[a-z0-9]+)\.(?P<service>[a-z0-9]+)\.(?P<minute>[0-9a-f]{1,8})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PREFIXES = "prv_", "svc_"


@dataclass(frozen=True, slots=True)
class SlotKey:
    """What a slot's id says: public ids, and the start, which is a full minute."""

    provider_uid: str
    service_uid: str
    start: datetime

    @property
    def id(self) -> str:
        minute = (self.start - _EPOCH) // timedelta(minutes=1)
        provider, service = (
            uid.removeprefix(prefix)
            for uid, prefix in zip((self.provider_uid, self.service_uid), _PREFIXES, strict=True)
        )
        return f"{provider}.{service}.{minute:x}"

    @staticmethod
    def parse(id_: str) -> SlotKey | None:
        match = _SLOT.fullmatch(id_)
        if match is None:
            return None
        start = _EPOCH + timedelta(minutes=int(match["minute"], 16) % 2**27)
        return SlotKey(_PREFIXES[0] + match["provider"], _PREFIXES[1] + match["service"], start)


def practitioner(provider: Provider) -> dict[str, Any]:
    """Somebody who sees patients."""
    made = versioned("Practitioner", provider.uid, None, None)
    made |= {"active": provider.active, "name": [{"text": provider.name}]}
    if provider.languages:
        made["communication"] = [
            {"coding": [{"system": LANGUAGES, "code": one.replace("_", "-")}]} for one in provider.languages
        ]
    return made


def location(place: Location) -> dict[str, Any]:
    """A venue."""
    made = versioned("Location", place.uid, None, None)
    made |= {"status": "active", "name": place.name, "mode": "instance", "address": {"country": place.country}}
    if place.phone:
        made["telecom"] = [{"system": "phone", "value": place.phone, "use": "work"}]
    return made


def healthcare_service(service: Service, places: Sequence[Location]) -> dict[str, Any]:
    """Something a patient can be booked for; ``places``: where."""
    made = versioned("HealthcareService", service.uid, None, None)
    made |= {"active": service.active, "name": service.name, "type": [service_type(service)],
             "appointmentRequired": True}  # fmt: skip
    if places:
        made["location"] = [reference("Location", one.uid, one.name) for one in places]
    return made


def service_type(service: Service) -> dict[str, Any]:
    return concept(SERVICE_SYSTEM, id_of(service.uid), service.name)


def schedule(provider: Provider, services: Sequence[Service], now: datetime) -> dict[str, Any]:
    """A provider's agenda; its horizon is the longest of the services."""
    made = versioned("Schedule", provider.uid, None, None)
    made["active"] = provider.active
    if services:
        made["serviceType"] = [service_type(one) for one in services]
    made["actor"] = [
        reference("Practitioner", provider.uid, provider.name),
        reference("Location", provider.location.uid, provider.location.name),
        *(reference("HealthcareService", one.uid, one.name) for one in services),
    ]
    days = max((one.horizon_days for one in services), default=0)
    if days:
        start = now.replace(microsecond=0).astimezone(provider.location.zone)
        made["planningHorizon"] = {"start": instant(start), "end": instant(start + timedelta(days=days))}
    return made


def slot(provider: Provider, service: Service, start: datetime, end: datetime, status: str) -> dict[str, Any]:
    """One time of a schedule: ``free`` or ``busy``."""
    zone = provider.location.zone
    made = versioned("Slot", SlotKey(provider.uid, service.uid, start).id, None, None)
    return made | {
        "serviceType": [service_type(service)], "schedule": reference("Schedule", provider.uid, provider.name),
        "status": status, "start": instant(start.astimezone(zone)), "end": instant(end.astimezone(zone)),
    }  # fmt: skip


def written_slot(
    provider: Provider, stretch: Stretch, uid: str, version: int | None, updated: datetime | None
) -> dict[str, Any]:  # fmt: skip
    """Time that is blocked or was opened, for everything the provider offers."""
    zone = provider.location.zone
    made = versioned("Slot", uid, version, updated) | {
        "schedule": reference("Schedule", provider.uid, provider.name), "status": stretch.status,
        "start": instant(stretch.start.astimezone(zone)), "end": instant(stretch.end.astimezone(zone)),
    }  # fmt: skip
    return made | ({"comment": stretch.comment} if stretch.comment else {})
