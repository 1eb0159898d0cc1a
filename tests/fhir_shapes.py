"""The shapes of FHIR R4 (4.0.1), written down from https://hl7.org/fhir/R4/ for the resources that we send: which elements
there are, how often, of which type, and which codes are allowed. ``check`` says what is wrong with a resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: Primitive types: JSON type and form (https://hl7.org/fhir/R4/datatypes.html).
_DATE = r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"
_CLOCK = r"T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d)"
PRIMITIVES: dict[str, tuple[type, str]] = {
    "boolean": (bool, ".*"), "positiveInt": (int, r"[1-9]\d*"), "unsignedInt": (int, r"\d+"),
    "string": (str, r"[\s\S]*\S[\s\S]*"), "code": (str, r"[^\s]+(\s[^\s]+)*"), "id": (str, r"[A-Za-z0-9\-.]{1,64}"),
    "uri": (str, r"\S+"), "url": (str, r"\S+"), "canonical": (str, r"\S+"), "markdown": (str, r"[\s\S]*\S[\s\S]*"),
    "date": (str, _DATE), "dateTime": (str, rf"{_DATE}({_CLOCK})?"),
    "instant": (str, rf"\d{{4}}-\d\d-\d\d{_CLOCK}"),
}  # fmt: skip
STATUSES = "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist"
ISSUES = (
    "invalid structure required value invariant security login unknown expired forbidden suppressed processing "
    "not-supported duplicate multiple-matches not-found deleted too-long code-invalid extension too-costly "
    "business-rule conflict transient lock-error no-store exception timeout incomplete throttled informational"
)
#: Elements as ``type`` + ``?`` (0..1), ``!`` (1..1), ``*`` (0..*) or ``+`` (1..*); codes after a colon.
TYPES: dict[str, dict[str, str]] = {
    "Meta": {"versionId": "id?", "lastUpdated": "instant?"},
    "Identifier": {
        "extension": "Extension*", "use": "code?:usual official temp secondary old", "type": "CodeableConcept?",
        "system": "uri?", "value": "string?", "period": "Period?", "assigner": "Reference?",
    },
    "Extension": {"url": "uri!", "valueString": "string?", "valueId": "id?", "valueCode": "code?"},
    "CodeableConcept": {"coding": "Coding*", "text": "string?"},
    "Coding": {"system": "uri?", "version": "string?", "code": "code?", "display": "string?", "userSelected": "boolean?"},
    "Reference": {"reference": "string?", "type": "uri?", "identifier": "Identifier?", "display": "string?"},
    "Period": {"start": "dateTime?", "end": "dateTime?"},
    "HumanName": {
        "use": "code?:usual official temp nickname anonymous old maiden", "text": "string?", "family": "string?",
        "given": "string*", "prefix": "string*", "suffix": "string*", "period": "Period?",
    },
    "ContactPoint": {
        "system": "code?:phone fax email pager url sms other", "value": "string?",
        "use": "code?:home work temp old mobile", "rank": "positiveInt?", "period": "Period?",
    },
    "Address": {"country": "string?", "city": "string?", "line": "string*", "text": "string?"},
    "Patient": {
        "id": "id?", "meta": "Meta?", "identifier": "Identifier*", "active": "boolean?", "name": "HumanName*",
        "telecom": "ContactPoint*", "gender": "code?:male female other unknown", "birthDate": "date?",
        "communication": "Patient.communication*",
    },
    "Patient.communication": {"language": "CodeableConcept!", "preferred": "boolean?"},
    "Appointment": {
        "id": "id?", "meta": "Meta?", "identifier": "Identifier*", "status": f"code!:{STATUSES}",
        "cancelationReason": "CodeableConcept?", "serviceType": "CodeableConcept*", "start": "instant?",
        "end": "instant?", "minutesDuration": "positiveInt?", "slot": "Reference*", "created": "dateTime?",
        "comment": "string?", "participant": "Appointment.participant+",
    },
    "Appointment.participant": {
        "type": "CodeableConcept*", "actor": "Reference?", "required": "code?:required optional information-only",
        "status": "code!:accepted declined tentative needs-action", "period": "Period?",
    },
    "Slot": {
        "id": "id?", "meta": "Meta?", "identifier": "Identifier*", "serviceType": "CodeableConcept*",
        "schedule": "Reference!", "status": "code!:busy free busy-unavailable busy-tentative entered-in-error",
        "start": "instant!", "end": "instant!", "overbooked": "boolean?", "comment": "string?",
    },
    "Schedule": {
        "id": "id?", "meta": "Meta?", "identifier": "Identifier*", "active": "boolean?",
        "serviceType": "CodeableConcept*", "actor": "Reference+", "planningHorizon": "Period?",
    },
    "Practitioner": {
        "id": "id?", "meta": "Meta?", "active": "boolean?", "name": "HumanName*", "communication": "CodeableConcept*",
    },
    "Location": {
        "id": "id?", "meta": "Meta?", "status": "code?:active suspended inactive", "name": "string?",
        "mode": "code?:instance kind", "telecom": "ContactPoint*", "address": "Address?",
    },
    "HealthcareService": {
        "id": "id?", "meta": "Meta?", "active": "boolean?", "name": "string?", "type": "CodeableConcept*",
        "location": "Reference*", "appointmentRequired": "boolean?",
    },
    "OperationOutcome": {"issue": "OperationOutcome.issue+"},
    "OperationOutcome.issue": {
        "severity": "code!:fatal error warning information", "code": f"code!:{ISSUES}", "details": "CodeableConcept?",
        "diagnostics": "string?", "expression": "string*",
    },
    "Bundle": {
        "type": "code!:searchset", "total": "unsignedInt?", "link": "Bundle.link*", "entry": "Bundle.entry*",
    },
    "Bundle.link": {"relation": "string!", "url": "uri!"},
    "Bundle.entry": {"fullUrl": "uri?", "resource": "Resource?", "search": "Bundle.search?"},
    "Bundle.search": {"mode": "code?:match include outcome"},
    "CapabilityStatement": {
        "status": "code!:draft active retired unknown", "date": "dateTime!",
        "kind": "code!:instance capability requirements", "software": "Capability.software?",
        "implementation": "Capability.implementation?", "fhirVersion": "code!:4.0.1", "format": "code+",
        "rest": "Capability.rest*",
    },
    "Capability.software": {"name": "string!", "version": "string?"},
    "Capability.implementation": {"description": "string!", "url": "url?"},
    "Capability.rest": {
        "mode": "code!:client server", "security": "Capability.security?", "resource": "Capability.resource*",
    },
    "Capability.security": {"description": "markdown?"},
    "Capability.resource": {
        "type": "code!", "profile": "canonical?", "documentation": "markdown?", "interaction": "Capability.interaction*",
        "versioning": "code?:no-version versioned versioned-update", "readHistory": "boolean?",
        "updateCreate": "boolean?", "conditionalCreate": "boolean?", "conditionalUpdate": "boolean?",
        "conditionalDelete": "code?:not-supported single multiple", "searchInclude": "string*",
        "searchParam": "Capability.search*",
    },
    "Capability.interaction": {
        "code": "code!:read vread update patch delete history-instance history-type create search-type",
    },
    "Capability.search": {
        "name": "string!", "type": "code!:number date string token reference composite quantity uri special",
    },
}  # fmt: skip


def check(resource: Mapping[str, Any]) -> list[str]:
    """What is wrong, as ``path: why``; nothing for a resource that is right."""
    return list(_resource(resource)) + list(_rules(resource))


def _resource(resource: Mapping[str, Any], path: str = "") -> Iterator[str]:
    kind = resource.get("resourceType", "nothing")
    if kind not in TYPES:
        yield f"{path}{kind}: not a resource that is described"
        return
    yield from _object({name: one for name, one in resource.items() if name != "resourceType"}, kind, kind)


def _object(value: Any, kind: str, path: str) -> Iterator[str]:
    if kind == "Resource":
        yield from _resource(value)
        return
    if not isinstance(value, Mapping) or not value:
        yield f"{path}: not an object with something in it"
        return
    known = TYPES[kind]
    for name in value.keys() - known.keys():
        yield f"{path}.{name}: no such element"
    for name, how in known.items():
        often = re.search(r"[?!*+]", how)[0]  # type: ignore[index]  # every entry says how often
        if name in value:
            yield from _element(value[name], how, often, f"{path}.{name}")
        elif often in "!+":
            yield f"{path}.{name}: missing"


def _element(value: Any, how: str, often: str, path: str) -> Iterator[str]:
    kind, _, allowed = how.partition(often)
    values = value if often in "*+" else [value]
    if not isinstance(values, list) or not values:
        yield f"{path}: not a list with something in it"
        return
    for one in values:
        if kind not in PRIMITIVES:
            yield from _object(one, kind, path)
            continue
        wanted, form = PRIMITIVES[kind]
        if type(one) is not wanted or not re.fullmatch(form, str(one)):
            yield f"{path}: {one!r} is not a {kind}"
        elif allowed and str(one) not in allowed.removeprefix(":").split():
            yield f"{path}: {one!r} is not one of the codes"


def _rules(resource: Mapping[str, Any]) -> Iterator[str]:
    """Rules between elements: app-1, app-3, app-4 of Appointment, bdl-1 and others by what they forbid here."""
    if resource.get("resourceType") == "Bundle":
        addresses = [entry.get("fullUrl") for entry in resource.get("entry", [])]
        if len(addresses) != len(set(addresses)):
            yield "Bundle.entry: an address twice"
        for entry in resource.get("entry", []):
            yield from _rules(entry["resource"])
    if resource.get("resourceType") != "Appointment":
        return
    if not all("type" in one or "actor" in one for one in resource["participant"]):
        yield "Appointment.participant: neither type nor actor"
    if ("start" in resource) != ("end" in resource):
        yield "Appointment: start without end"
    if "start" not in resource and resource["status"] not in ("proposed", "cancelled", "waitlist"):
        yield "Appointment.start: missing"
    if "cancelationReason" in resource and resource["status"] != "cancelled":
        yield "Appointment.cancelationReason: not cancelled"
