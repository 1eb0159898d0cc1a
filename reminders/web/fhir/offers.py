"""Who offers what and where, out of the catalogue in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from reminders.domain.actor import Role
from reminders.domain.clinic import Location, Provider, Service
from reminders.domain.fhir import schedule as schedules
from reminders.domain.fhir.clinic import healthcare_service, location, practitioner, schedule
from reminders.domain.fhir.search import EXACT, PART
from reminders.domain.fhir.shapes import target, uid_of
from reminders.errors import Invalid
from reminders.services.catalogue import Snapshot
from reminders.web.auth import ADMINS
from reminders.web.context import now, snapshot, use_cases
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.records import is_count, no_such
from reminders.web.fhir.searching import Asked


class Listed(ABC):
    """A kind of thing of which there are so few that all are looked at."""

    kind = ""
    filters: Mapping[str, Callable[[Any, str, list[str]], bool]] = {}

    @abstractmethod
    def things(self, place: Snapshot) -> Mapping[str, Any]:
        """All of them, by public id."""

    @abstractmethod
    def show(self, thing: Any) -> dict[str, Any]:
        """One of them as a resource."""

    def read(self, id_: str) -> Found:
        place = snapshot()
        thing = self.things(place).get(uid_of(id_))
        if thing is None:
            raise no_such(self.kind)
        return self.found(thing, place)

    def found(self, thing: Any, _place: Snapshot) -> Found:
        """One of them with its version, if it has one."""
        return Found(self.show(thing))

    def search(self, asked: Asked) -> Page:
        place = snapshot()
        found = list(self.things(place).values())
        for name, modifier, values in asked.filters():
            if name in self.filters:
                found = [one for one in found if self.filters[name](one, modifier, values)]
            elif not asked.lenient:
                raise Invalid(f"{name} cannot be searched by here.", field=name)
        if is_count(asked):
            return Page((), total=len(found))
        first = _number(asked.one("_after"))
        shown = found[first : first + asked.count]
        following = str(first + asked.count) if len(found) > first + asked.count else None
        return Page([self.found(one, place) for one in shown], following, len(found))


def _is_one_of(thing: Any, _modifier: str, values: list[str]) -> bool:
    return thing.uid in {uid_of(value) for value in values}


def _is_named(thing: Any, modifier: str, values: list[str]) -> bool:
    known = thing.name.lower()
    for value in (one.lower() for one in values):
        if modifier == EXACT and known == value:
            return True
        if modifier == PART and value in known:
            return True
        if modifier not in (EXACT, PART) and any(part.startswith(value) for part in (known, *known.split())):
            return True
    return False


def _is_active(thing: Any, _modifier: str, values: list[str]) -> bool:
    return str(thing.active).lower() in values


class Practitioners(Listed):
    """``/fhir/Practitioner``."""

    kind = "Practitioner"
    filters = {"_id": _is_one_of, "name": _is_named, "active": _is_active}  # noqa: RUF012 - never changed

    def things(self, place: Snapshot) -> Mapping[str, Provider]:
        return place.providers

    def show(self, thing: Provider) -> dict[str, Any]:
        return practitioner(thing)


class Locations(Listed):
    """``/fhir/Location``."""

    kind = "Location"
    filters = {"_id": _is_one_of, "name": _is_named}  # noqa: RUF012 - never changed

    def things(self, place: Snapshot) -> Mapping[str, Location]:
        return place.locations

    def show(self, thing: Location) -> dict[str, Any]:
        return location(thing)


class HealthcareServices(Listed):
    """``/fhir/HealthcareService``."""

    kind = "HealthcareService"
    filters = {"_id": _is_one_of, "name": _is_named, "active": _is_active}  # noqa: RUF012 - never changed

    def things(self, place: Snapshot) -> Mapping[str, Service]:
        return place.services

    def show(self, thing: Service) -> dict[str, Any]:
        place = snapshot()
        providers = [place.provider_by_id[number] for number in sorted(thing.provider_ids)]
        return healthcare_service(thing, list({one.location.id: one.location for one in providers}.values()))


def has_actor(provider: Provider, _modifier: str, values: list[str]) -> bool:
    """Whether one of these is the provider, or the location where the provider works."""
    named = {found for value in values if (found := target(value) or ("", value))}
    mine = {("Practitioner", provider.uid), ("Location", provider.location.uid), ("", provider.uid),
            ("", provider.location.uid)}  # fmt: skip
    return any((kind, uid_of(id_)) in mine for kind, id_ in named)


class Schedules(Listed):
    """``/fhir/Schedule``: each provider's agenda, under the provider's id. Its version is that of the catalogue, which
    counts every change of anything that an agenda is worked out from."""

    kind = "Schedule"
    writers: tuple[Role, ...] = ADMINS
    filters = {"_id": _is_one_of, "actor": has_actor, "active": _is_active}  # noqa: RUF012 - never changed

    def things(self, place: Snapshot) -> Mapping[str, Provider]:
        return place.providers

    def show(self, thing: Provider) -> dict[str, Any]:
        return schedule(thing, _services_of(snapshot(), thing), now())

    def found(self, thing: Any, place: Snapshot) -> Found:
        made = self.show(thing)
        return Found({**made, "meta": {"versionId": str(place.version)}}, place.version)

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        """Whether the provider may be booked, and for what."""
        place, shown = snapshot(), self.read(id_)
        agenda = schedules.read(resource, shown.body)
        known = {one.uid for one in place.services.values() if one.active}
        if not known.issuperset(agenda.services or ()):
            raise Invalid("There is no such service.", field="Schedule.serviceType")
        use_cases().clinic.change_offers(uid_of(id_), agenda.services, active=agenda.active, version=version)
        return self.read(id_)


def _services_of(place: Snapshot, provider: Provider) -> list[Service]:
    return [one for one in place.services.values() if one.active and provider.id in one.provider_ids]


def _number(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid("This is not the address of a page.", field="_after")
    return int(text)
