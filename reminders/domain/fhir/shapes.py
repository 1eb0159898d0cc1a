"""What all resources have in common (https://hl7.org/fhir/R4/json.html): ids, references, moments, coded words, and how
their parts are read. What has the wrong shape is ``Invalid``, with the FHIRPath of the element in ``field``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from reminders.errors import Invalid, NaiveTime

Resource = Mapping[str, Any]

#: The systems of codes of our own.
SERVICE_SYSTEM = "urn:reminders:service"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"(?:.*/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[^/]+)?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DEEPEST = 40


def id_of(uid: str) -> str:
    """A public id as FHIR allows ids: without an underscore."""
    return uid.replace("_", "-")


def uid_of(id_: str) -> str:
    """The public id behind an id of FHIR."""
    return id_.replace("-", "_")


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def reference(kind: str, uid: str, display: str | None = None) -> dict[str, Any]:
    """A reference to a resource of the same server."""
    return {"reference": f"{kind}/{id_of(uid)}"} | ({"display": display} if display else {})


def target(reference: Any) -> tuple[str, str] | None:
    """(type, id) of what a reference (or the text of one, relative or absolute) points to; ``None`` when it is to
    something contained, or by identifier only."""
    text = reference.get("reference") if isinstance(reference, Mapping) else reference
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    return (match["kind"], match["id"]) if match else None


def concept(system: str, code: str, display: str) -> dict[str, Any]:
    """A coded word with its text."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def codes(value: Any, path: str) -> list[tuple[str, str]]:
    """(system, code) of every coding of a CodeableConcept."""
    return [(str(one.get("system", "")), one["code"]) for one in objects(value, "coding", path)
            if isinstance(one.get("code"), str)]  # fmt: skip


def words(value: Any) -> str:
    """What a CodeableConcept says: its text, else the display of a coding, else a code; else nothing."""
    if not isinstance(value, Mapping):
        return ""
    coding = value.get("coding")
    parts = [one for one in coding if isinstance(one, Mapping)] if isinstance(coding, Sequence) else []
    found = [value.get("text"), *(one.get("display") for one in parts), *(one.get("code") for one in parts)]
    return next((one.strip() for one in found if isinstance(one, str) and one.strip()), "")


def moment(value: Any, path: str) -> datetime | None:
    """An instant: ISO 8601 with seconds and offset; ``NaiveTime`` without one."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        if found is not None and found.tzinfo is None:
            raise NaiveTime(field=path)
        if found is not None and 1900 <= found.year < 2200 and found.utcoffset() is not None:
            return found
    except (ValueError, OverflowError):
        pass
    raise Invalid("Write an instant, such as 2030-05-06T09:00:00+02:00.", field=path)


def instant(value: datetime) -> str:
    """ISO 8601 with the offset of the moment's own zone."""
    return value.isoformat()


def objects(resource: Any, name: str, path: str) -> list[Mapping[str, Any]]:
    """The parts of a list of objects; none when it is absent."""
    if not isinstance(resource, Mapping):
        raise Invalid("This has to be an object.", field=path)
    value = resource.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise Invalid("This has to be a list of objects.", field=f"{path}.{name}")
    return value


def text(resource: Resource, name: str, path: str) -> str | None:
    """A text, without space around it; ``None`` when it is absent or empty."""
    value = resource.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("This has to be text.", field=f"{path}.{name}")
    return (value or "").strip() or None


def check(resource: Any, kind: str) -> Resource:
    """The resource if it is one of this ``kind`` and nothing in it is empty (ele-1: no empty objects, lists or texts)."""
    if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
        raise Invalid("A FHIR resource says what it is in resourceType.", field="resourceType")
    if resource["resourceType"] != kind:
        raise Invalid(f"This address takes a {kind}.", field="resourceType")
    _nothing_empty(resource, kind, 0)
    return resource


def _nothing_empty(value: Any, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise Invalid("This is nested too deeply.", field=path.split(".")[0])
    if value in ("", [], {}):
        raise Invalid("FHIR has no empty texts, lists or objects; leave the element out.", field=path)
    if isinstance(value, str) and _UNPRINTABLE.search(value):
        raise Invalid("Control characters are not allowed.", field=path)
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is None:
                raise Invalid("FHIR has no null here; leave the element out.", field=f"{path}.{name}")
            _nothing_empty(inner, f"{path}.{name}", depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            if inner is not None:
                _nothing_empty(inner, f"{path}[{number}]", depth + 1)


def is_printable(text: str) -> bool:
    """Without control characters and halves of characters."""
    return _UNPRINTABLE.search(text) is None


def versioned(kind: str, uid: str, version: int | None, updated: datetime | None) -> dict[str, Any]:
    """How a resource begins."""
    meta: dict[str, Any] = {}
    if version is not None:
        meta["versionId"] = str(version)
    if updated is not None:
        meta["lastUpdated"] = instant(updated)
    return {"resourceType": kind, "id": id_of(uid)} | ({"meta": meta} if meta else {})
