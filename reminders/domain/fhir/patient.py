"""``Patient`` (https://hl7.org/fhir/R4/patient.html) and what a card holds of it.

Writing starts from the resource as it was and replaces only the element concerned, in the place where it was read, so
that addresses, second numbers and everything else that is none of our business survive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reminders.domain.fhir.shapes import Resource, objects, text
from reminders.errors import Invalid

LANGUAGES = "urn:ietf:bcp:47"
_NAMES = ("official", "usual", None, "nickname", "temp", "anonymous")
_PHONES = ("mobile", None, "home", "work", "temp")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")
_YEAR = re.compile(r"(\d{4})(?:-\d\d(?:-\d\d)?)?")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Person:
    """``phones`` as written, the one to try first in front. ``inactive``: the record is not in use, or the patient has
    died; nobody should be written to."""

    name: str | None
    phones: tuple[str, ...]
    email: str | None
    language: str | None
    birth_year: int | None
    inactive: bool


def read(resource: Resource) -> Person:
    """What a card can hold. ``Invalid`` for parts of the wrong shape."""
    died = resource.get("deceasedBoolean") is True or "deceasedDateTime" in resource
    return Person(
        name=name(resource), phones=tuple(one["value"].strip() for one in _contacts(resource, "phone")),
        email=next((one["value"].strip() for one in _contacts(resource, "email")), None), language=language(resource),
        birth_year=birth_year(resource), inactive=died or resource.get("active") is False,
    )  # fmt: skip


def name(resource: Resource) -> str | None:
    """The name as a line: official before usual before any other that is still in use."""
    found = _best_name(resource)
    return _line(found) if found else None


def language(resource: Resource) -> str | None:
    """A language tag (BCP 47): the preferred one, else the first."""
    spoken = objects(resource, "communication", "Patient")
    for one in sorted(spoken, key=lambda each: each.get("preferred") is not True):
        code = _language_code(one)
        if code:
            return code
    return None


def birth_year(resource: Resource) -> int | None:
    """The year of ``birthDate``, which may be all that is given."""
    date = text(resource, "birthDate", "Patient")
    if date is None:
        return None
    match = _YEAR.fullmatch(date)
    if match is None:
        raise Invalid("Write a date such as 1975-03-21, 1975-03 or 1975.", field="Patient.birthDate")
    return int(match[1])


def with_name(resource: Resource, value: str, *, parts: bool = False) -> dict[str, Any]:
    """The resource under another name. ``parts``: also as given and family name, for servers that want them; the family
    name is then the last word."""
    if name(resource) == value:
        return dict(resource)
    made: dict[str, Any] = {"use": "official", "text": value}
    if parts:
        *given, family = value.split()
        made |= {"family": family} | ({"given": given} if given else {})
    return _replaced(resource, "name", _best_name(resource), made)


def with_phone(resource: Resource, value: str | None) -> dict[str, Any]:
    """The resource with another number to try first; the others stay."""
    return _with_contact(resource, "phone", value, {"use": "mobile"})


def with_email(resource: Resource, value: str | None) -> dict[str, Any]:
    return _with_contact(resource, "email", value, {})


def with_language(resource: Resource, value: str | None) -> dict[str, Any]:
    """The resource with another preferred language; others that are spoken stay."""
    if language(resource) == value:
        return dict(resource)
    spoken = objects(resource, "communication", "Patient")
    others = [{key: inner for key, inner in one.items() if key != "preferred"} for one in spoken
              if _language_code(one) not in (value, None)]  # fmt: skip
    made = {"language": {"coding": [{"system": LANGUAGES, "code": value}]}, "preferred": True}
    listed = [made, *others] if value else []
    return _listed(resource, "communication", listed)


def with_birth_year(resource: Resource, value: int | None) -> dict[str, Any]:
    """The resource with another year of birth; a date of that year stays."""
    if birth_year(resource) == value:
        return dict(resource)
    kept = {key: inner for key, inner in resource.items() if key != "birthDate"}
    return kept | ({"birthDate": f"{value:04}"} if value else {})


def _best_name(resource: Resource) -> Mapping[str, Any] | None:
    found = [one for one in objects(resource, "name", "Patient") if one.get("use") in _NAMES and _line(one)]
    return min(found, key=lambda one: (_ended(one), _NAMES.index(one.get("use"))), default=None)


def _line(one: Mapping[str, Any]) -> str:
    given, family = one.get("given"), one.get("family")
    parts = [*(given if isinstance(given, list) else []), family]
    whole = one.get("text") or " ".join(part for part in parts if isinstance(part, str))
    return " ".join(str(whole).split())[:_MOST].strip()


def _contacts(resource: Resource, system: str) -> list[Mapping[str, Any]]:
    """Telephone numbers or mail addresses in use, the one to try first in front."""
    systems = {"phone", "sms"} if system == "phone" else {system}
    found = [
        one for one in objects(resource, "telecom", "Patient")
        if one.get("system") in systems and one.get("use") != "old" and isinstance(one.get("value"), str)
        and one["value"].strip()
    ]  # fmt: skip
    return sorted(found, key=_order)


def _order(one: Mapping[str, Any]) -> tuple[bool, int, int]:
    rank, use = one.get("rank"), one.get("use")
    place = _PHONES.index(use) if use in _PHONES else len(_PHONES)
    return _ended(one), rank if isinstance(rank, int) else 1000, place


def _ended(one: Mapping[str, Any]) -> bool:
    period = one.get("period")
    return isinstance(period, Mapping) and "end" in period


def _with_contact(resource: Resource, system: str, value: str | None, more: Mapping[str, Any]) -> dict[str, Any]:
    first = next(iter(_contacts(resource, system)), None)
    if (first["value"].strip() if first else None) == value:
        return dict(resource)
    if value is None:
        gone = _contacts(resource, system)
        return _listed(resource, "telecom", [one for one in resource["telecom"] if one not in gone])
    made = {**(first or {"system": system, **more}), "value": value}
    return _replaced(resource, "telecom", first, made)


def _replaced(resource: Resource, place: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    listed = objects(resource, place, "Patient")
    if old is None:
        return _listed(resource, place, [*listed, new])
    return _listed(resource, place, [new if one is old else one for one in listed])


def _listed(resource: Resource, place: str, values: list[Any]) -> dict[str, Any]:
    kept = {key: inner for key, inner in resource.items() if key != place}
    return kept | ({place: values} if values else {})


def _language_code(one: Mapping[str, Any]) -> str | None:
    language_ = one.get("language")
    for coding in objects(language_, "coding", "Patient.communication.language") if language_ else []:
        code = coding.get("code")
        if isinstance(code, str) and _LANGUAGE.fullmatch(code):
            return code
    return None
