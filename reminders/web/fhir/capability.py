"""What this server can do: the CapabilityStatement (https://hl7.org/fhir/R4/capabilitystatement.html)."""

from __future__ import annotations

from typing import Any

from reminders import __version__

#: When what is said here was last changed.
_DATE = "2026-11-22"
_READ = ("read", "search-type")
_TYPES = {
    "_id": "token", "_lastUpdated": "date", "identifier": "token", "name": "string", "family": "string",
    "given": "string", "phone": "token", "email": "token", "telecom": "token", "date": "date", "status": "token",
    "patient": "reference", "actor": "reference", "practitioner": "reference", "location": "reference",
    "service-type": "token", "active": "token", "schedule": "reference", "start": "date",
}  # fmt: skip
_RESOURCES: dict[str, tuple[tuple[str, ...], str]] = {
    "Patient": ((*_READ, "create", "update"), "_id _lastUpdated identifier name family given phone email telecom"),
    "Appointment": (
        (*_READ, "create", "update", "delete"),
        "_id _lastUpdated identifier date status patient actor practitioner location service-type",
    ),
    "Slot": (
        (*_READ, "create", "update", "delete"),
        "_id identifier schedule start status service-type",
    ),
    "Schedule": ((*_READ, "update"), "_id actor active"),
    "Practitioner": (_READ, "_id name active"),
    "Location": (_READ, "_id name"),
    "HealthcareService": (_READ, "_id name active"),
}


#: What an interaction means where that is not plain.
_NOTES = {
    "Appointment": "DELETE cancels the visit and marks it entered-in-error; nothing is lost.",
    "Slot": "Free and busy slots are worked out. A slot that is written blocks time (busy-unavailable, busy-tentative) or "
            "opens time outside the hours (free), until it is deleted.",
    "Schedule": "Keys of administrators say whether the provider may be booked, and for which services.",
}  # fmt: skip


def statement(address: str) -> dict[str, Any]:
    """``address``: where this face is."""
    return {
        "resourceType": "CapabilityStatement", "status": "active", "date": _DATE, "kind": "instance",
        "software": {"name": "Reminders", "version": __version__},
        "implementation": {"description": "Appointments and reminders", "url": address},
        "fhirVersion": "4.0.1", "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "security": {"description": "Authorization: Bearer KEY, with an API key of the clinic"},
            "resource": [_resource(kind, *what) for kind, what in _RESOURCES.items()],
        }],
    }  # fmt: skip


def _resource(kind: str, interactions: tuple[str, ...], parameters: str) -> dict[str, Any]:
    is_versioned, is_made = "update" in interactions, "create" in interactions
    made: dict[str, Any] = {
        "type": kind, "profile": f"http://hl7.org/fhir/StructureDefinition/{kind}",
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update" if is_versioned else "no-version", "readHistory": False, "updateCreate": False,
        "conditionalCreate": is_made, "conditionalUpdate": False, "conditionalDelete": "not-supported",
        "searchParam": [{"name": name, "type": _TYPES[name]} for name in parameters.split()],
    }  # fmt: skip
    if kind == "Appointment":
        made["searchInclude"] = [f"Appointment:{name}" for name in ("patient", "practitioner", "location", "actor")]
    return made | ({"documentation": _NOTES[kind]} if kind in _NOTES else {})
