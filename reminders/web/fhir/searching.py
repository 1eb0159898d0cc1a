"""Parameters of a search, understood (https://hl7.org/fhir/R4/search.html).

A parameter that is not known is refused: a filter that is silently left out shows other people's records. With
``Prefer: handling=lenient`` it is ignored, as the standard has it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reminders.domain.fhir.appointment import KNOWN_STATUSES
from reminders.domain.fhir.search import EXACT, PART, Actors, Key, Span, Wanted, span, token
from reminders.domain.fhir.shapes import SERVICE_SYSTEM, is_id, is_printable, target, uid_of
from reminders.errors import Invalid
from reminders.services.catalogue import Snapshot
from reminders.services.phones import e164

DEFAULT, MOST = 50, 500
#: Parameters about the answer, not about what is looked for.
CONTROLS = frozenset({"_count", "_sort", "_format", "_pretty", "_total", "_summary", "_after", "_include"})
_NAMES = (EXACT, PART)
#: What may follow a parameter after a colon; for references the type that is referred to. Others would be left out.
_MODIFIERS: Mapping[str, Sequence[str]] = {
    "name": _NAMES, "family": _NAMES, "given": _NAMES, "patient": ("Patient",), "practitioner": ("Practitioner",),
    "location": ("Location",), "actor": ("Patient", "Practitioner", "Location", "HealthcareService"),
}  # fmt: skip
_MISSING = "-"  # no uid looks like this, so nothing is found


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``lenient``: what is not known is ignored."""

    parameters: Sequence[tuple[str, str]]
    place: Snapshot
    lenient: bool = False

    def all(self, name: str) -> list[str]:
        """Every value of a parameter without a modifier."""
        return [value for key, value in self.parameters if key == name]

    def one(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    @property
    def count(self) -> int:
        """How many a page holds."""
        text = self.one("_count")
        if text is None:
            return DEFAULT
        if not text.isascii() or not text.isdecimal():
            raise Invalid("Write a number.", field="_count")
        return min(int(text[:9]), MOST)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of dates without one: that of the first location."""
        places = list(self.place.location_by_id.values())
        return places[0].zone if places else ZoneInfo("UTC")

    def filters(self) -> list[tuple[str, str, list[str]]]:
        """(name, modifier, values) of what is looked for. In a value ``\\,`` is a comma, a bare one means or."""
        found = []
        for key, value in self.parameters:
            name, _, modifier = key.partition(":")
            if name in CONTROLS:
                continue
            if modifier and modifier not in _MODIFIERS.get(name, ()):
                raise Invalid(f"{name} is not searched with :{modifier} here.", field=name)
            if not is_printable(value) or len(value) > 2000:
                raise Invalid("This cannot be looked for.", field=name)
            parts = [part.replace("\0", ",") for part in value.replace("\\,", "\0").split(",")]
            found.append((name, modifier, [part.strip() for part in parts if part.strip()]))
        return found


Adds = Callable[[Asked, str, list[str]], Any]
#: For each parameter the field of ``Wanted`` that it adds a group to, and what that is.
Parameters = Mapping[str, tuple[str, Adds]]


def understood(asked: Asked, known: Parameters, sorts: Mapping[str, Key]) -> Wanted:
    """The search for what is kept, in the order asked for."""
    groups: dict[str, list[Any]] = {}
    for name, modifier, values in asked.filters():
        if name not in known:
            if asked.lenient:
                continue
            raise Invalid(f"{name} cannot be searched by here.", field=name)
        field, read = known[name]
        if values:
            groups.setdefault(field, []).extend(read(asked, modifier, values))
    filters: dict[str, Any] = {field: tuple(found) for field, found in groups.items()}
    wanted = Wanted(**filters, limit=asked.count)
    return _sorted(asked, wanted, sorts)


def _sorted(asked: Asked, wanted: Wanted, sorts: Mapping[str, Key]) -> Wanted:
    text = asked.one("_sort")
    if text:
        name = text.removeprefix("-")
        if name not in sorts:
            raise Invalid(f"Lists are sorted by {' or '.join(sorts)}.", field="_sort")
        wanted = replace(wanted, sort=sorts[name], descending=text.startswith("-"))
    after = asked.one("_after")
    return replace(wanted, after=opened(after, wanted.sort)) if after else wanted


def cursor(value: Any, number: int) -> str:
    """Where a page ends, for the address of the next one."""
    text = json.dumps([value.isoformat() if isinstance(value, datetime) else value, number])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(text: str, sort: Key) -> tuple[Any, int]:
    """The end of the page before; ``Invalid`` for anything that we did not give out."""
    try:
        value, number = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if sort in (Key.UPDATED, Key.DATE):
            value = datetime.fromisoformat(value)
        right = isinstance(number, int) and abs(number) < 2**62
        if (
            right
            and (not isinstance(value, datetime) or value.tzinfo)
            and (sort is not Key.NAME or isinstance(value, str))
        ):
            return value, number
    except (ValueError, TypeError, binascii.Error):
        pass
    raise Invalid("This is not the address of a page.", field="_after")


# Kinds of parameters


def _uids(_asked: Asked, _modifier: str, values: list[str]) -> Any:
    return [tuple(uid_of(value) for value in values if is_id(value)) or (_MISSING,)]


def _tokens(_asked: Asked, _modifier: str, values: list[str]) -> Any:
    return [tuple(token(value) for value in values)]


def _spans(name: str) -> Adds:
    def read(asked: Asked, _modifier: str, values: list[str]) -> Any:
        if len(values) > 1:
            raise Invalid("Give one date; repeat the parameter for a range.", field=name)
        return [span(values[0], asked.zone, name)]

    return read


def _names(_asked: Asked, modifier: str, values: list[str]) -> Any:
    return [tuple((modifier, value) for value in values)]


def _phones(asked: Asked, _modifier: str, values: list[str]) -> Any:
    country = next((one.country for one in asked.place.location_by_id.values()), "US")
    found = []
    for value in values:
        try:
            found.append(e164(value.rpartition("|")[2], country))
        except Invalid:
            continue
    return [tuple(found) or (_MISSING,)]


def _emails(_asked: Asked, _modifier: str, values: list[str]) -> Any:
    return [tuple(value.rpartition("|")[2] for value in values)]


def _telecom(asked: Asked, modifier: str, values: list[str]) -> Any:
    emails = [value for value in values if "@" in value]
    phones = [value for value in values if "@" not in value]
    return [(*(_phones(asked, modifier, phones)[0] if phones else ()), *_emails(asked, modifier, emails)[0])]


def _statuses(_asked: Asked, _modifier: str, values: list[str]) -> Any:
    codes = tuple(value.rpartition("|")[2] for value in values)
    if not set(codes) <= set(KNOWN_STATUSES):
        raise Invalid("This is not a status of an appointment.", field="status")
    return [tuple("arrived" if code == "checked-in" else "pending" if code == "proposed" else code for code in codes)]


def references(values: Sequence[str], kind: str, modifier: str = "") -> list[str]:
    """Public ids of what is referred to: ``id``, ``Type/id`` or an address."""
    found = []
    for value in values:
        named = target(value)
        if named is None and is_id(value) and modifier in ("", kind):
            named = (kind, value)
        if named is not None and named[0] == kind:
            found.append(uid_of(named[1]))
    return found


def _patients(_asked: Asked, modifier: str, values: list[str]) -> Any:
    return [tuple(references(values, "Patient", modifier)) or (_MISSING,)]


def _providers(asked: Asked, modifier: str, values: list[str]) -> Any:
    return [_numbers(asked.place.providers, references(values, "Practitioner", modifier))]


def _locations(asked: Asked, modifier: str, values: list[str]) -> Any:
    return [_numbers(asked.place.locations, references(values, "Location", modifier))]


def _services(asked: Asked, _modifier: str, values: list[str]) -> Any:
    tokens = [token(value) for value in values]
    return [
        _numbers(asked.place.services, [uid_of(one.value) for one in tokens if one.system in (None, SERVICE_SYSTEM)])
    ]


def _actors(asked: Asked, modifier: str, values: list[str]) -> Any:
    place = asked.place
    return [Actors(
        tuple(references(values, "Patient", modifier)),
        _numbers(place.providers, references(values, "Practitioner", modifier)),
        _numbers(place.locations, references(values, "Location", modifier)),
        _numbers(place.services, references(values, "HealthcareService", modifier)),
    )]  # fmt: skip


def _numbers(known: Mapping[str, Any], uids: Sequence[str]) -> tuple[int, ...]:
    return tuple(known[uid].id for uid in uids if uid in known)


PATIENT: Parameters = {
    "_id": ("uids", _uids), "_lastUpdated": ("updated", _spans("_lastUpdated")), "identifier": ("tokens", _tokens),
    "name": ("names", _names), "family": ("names", _names), "given": ("names", _names), "phone": ("phones", _phones),
    "email": ("emails", _emails), "telecom": ("addresses", _telecom),
}  # fmt: skip
APPOINTMENT: Parameters = {
    "_id": ("uids", _uids), "_lastUpdated": ("updated", _spans("_lastUpdated")), "identifier": ("tokens", _tokens),
    "date": ("dates", _spans("date")), "status": ("statuses", _statuses), "patient": ("patients", _patients),
    "actor": ("actors", _actors), "practitioner": ("providers", _providers), "location": ("locations", _locations),
    "service-type": ("services", _services),
}  # fmt: skip
PATIENT_SORTS = {"_lastUpdated": Key.UPDATED, "name": Key.NAME, "_id": Key.NUMBER}
APPOINTMENT_SORTS = {"_lastUpdated": Key.UPDATED, "date": Key.DATE, "_id": Key.NUMBER}


def window(asked: Asked, name: str) -> Span:
    """Where all values of a date parameter overlap."""
    spans = [span(value, asked.zone, name) for value in asked.all(name)]
    since = max((one.since for one in spans if one.since), default=None)
    until = min((one.until for one in spans if one.until), default=None)
    return Span(since, until)
