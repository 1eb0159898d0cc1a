"""Who offers what, where and when: read only, out of the catalogue in memory and the visits booked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reminders.domain.appointment import OCCUPYING, Status
from reminders.domain.availability import is_open
from reminders.domain.clinic import Location, Provider, Service
from reminders.domain.fhir.clinic import SlotKey, healthcare_service, location, practitioner, schedule, slot
from reminders.domain.fhir.search import EXACT, PART, token
from reminders.domain.fhir.shapes import target, uid_of
from reminders.errors import Invalid
from reminders.services.catalogue import Snapshot
from reminders.services.slots import LONGEST_WINDOW, Search
from reminders.store.appointments import Filter
from reminders.web.context import now, snapshot, use_cases
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.records import is_count, no_such
from reminders.web.fhir.searching import Asked, references, window

#: How far ahead free times are looked for when nothing is said.
_AHEAD = timedelta(days=14)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
        return Page([Found(self.show(one)) for one in shown], following, len(found))


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


def _has_actor(provider: Provider, _modifier: str, values: list[str]) -> bool:
    named = {found for value in values if (found := target(value) or ("", value))}
    mine = {("Practitioner", provider.uid), ("Location", provider.location.uid), ("", provider.uid),
            ("", provider.location.uid)}  # fmt: skip
    return any((kind, uid_of(id_)) in mine for kind, id_ in named)


class Schedules(Listed):
    """``/fhir/Schedule``: each provider's agenda, under the provider's id."""

    kind = "Schedule"
    filters = {"_id": _is_one_of, "actor": _has_actor, "active": _is_active}  # noqa: RUF012 - never changed

    def things(self, place: Snapshot) -> Mapping[str, Provider]:
        return place.providers

    def show(self, thing: Provider) -> dict[str, Any]:
        return schedule(thing, _services_of(snapshot(), thing), now())


@dataclass(frozen=True, slots=True)
class _Where:
    """The slots looked for: ``first`` is included, ``last`` is not."""

    providers: Sequence[Provider]
    services: Sequence[Service]
    first: datetime
    last: datetime


class Slots:
    """``/fhir/Slot``: times that are free, and those that are taken by a visit."""

    kind = "Slot"

    def read(self, id_: str) -> Found:
        place, key = snapshot(), SlotKey.parse(id_)
        provider = place.providers.get(key.provider_uid) if key else None
        service = place.services.get(key.service_uid) if key else None
        if key is None or provider is None or service is None or provider.id not in service.provider_ids:
            raise no_such(self.kind)
        begin = int(key.start.timestamp())
        if not is_open(provider.timetable, begin, begin + service.need.duration):
            raise no_such(self.kind)
        minute = key.start + timedelta(minutes=1)
        free = use_cases().slots.search(Search(service.uid, key.start, minute, provider.uid))
        status = "free" if free else "busy"
        return Found(slot(provider, service, key.start, key.start + service.duration, status))

    def search(self, asked: Asked) -> Page:
        where = self._where(asked)
        statuses = {value for text in asked.all("status") for value in text.split(",")} or {"free"}
        if statuses == {"free"}:
            return self._free(asked, where)
        if statuses == {"busy"}:
            return self._busy(asked, where)
        raise Invalid("Ask for slots that are free or for those that are busy.", field="status")

    def _where(self, asked: Asked) -> _Where:
        place = snapshot()
        known = {"schedule", "schedule.actor", "start", "status", "service-type"}
        wrong = [name for name, _, _ in asked.filters() if name not in known]
        if wrong and not asked.lenient:
            raise Invalid(f"{wrong[0]} cannot be searched by here.", field=wrong[0])
        providers = [one for one in place.providers.values() if one.active and _is_asked(asked, one)]
        types = [token(value).value for text in asked.all("service-type") for value in text.split(",")]
        services = [one for one in place.services.values()
                    if one.active and (not types or one.uid in {uid_of(value) for value in types})]  # fmt: skip
        if not asked.all("schedule") and not asked.all("schedule.actor") and not types:
            raise Invalid("Name a schedule or a service-type.", field="schedule")
        span = window(asked, "start")
        first = max(span.since or now(), now() - LONGEST_WINDOW)
        return _Where(providers, services, first, min(span.until or first + _AHEAD, first + LONGEST_WINDOW))

    def _free(self, asked: Asked, where: _Where) -> Page:
        after = _place(asked.one("_after"))
        found: list[tuple[tuple[int, int, int], Found]] = []
        since = (after[0], after[1] - 1) if after else None
        for service in where.services:
            mine = {one.id: one for one in where.providers if one.id in service.provider_ids}
            for number, provider in mine.items():
                search = Search(service.uid, where.first, where.last, provider.uid, None, asked.count + 2, since)
                for one in use_cases().slots.search(search) if where.first < where.last else ():
                    key = (one.start, number, service.id)
                    if after is None or key > after:
                        start, end = (datetime.fromtimestamp(each, UTC) for each in (one.start, one.end))
                        found.append((key, Found(slot(provider, service, start, end, "free"))))
        found.sort(key=lambda pair: pair[0])
        shown = found[: asked.count]
        following = ".".join(map(str, shown[-1][0])) if shown and len(found) > len(shown) else None
        return Page([one for _, one in shown], following)

    def _busy(self, asked: Asked, where: _Where) -> Page:
        place, after = snapshot(), _place(asked.one("_after"))
        behind = (_EPOCH + timedelta(microseconds=after[0]), after[1]) if after else None
        providers = {one.id for one in where.providers}
        services = {one.id for one in where.services}
        only = next(iter(providers)) if len(providers) == 1 else None
        rows = use_cases().booking.listing(Filter(where.first, where.last, only, after=behind, limit=asked.count))
        last = rows[asked.count - 1] if len(rows) > asked.count else None
        shown = [
            Found(slot(place.provider_by_id[row.provider_id], place.service_by_id[row.service_id], row.start_at,
                       row.end_at, "busy"))
            for row in rows[: asked.count]
            if row.provider_id in providers and row.service_id in services and Status(row.status) in OCCUPYING
        ]  # fmt: skip
        following = f"{(last.start_at - _EPOCH) // timedelta(microseconds=1)}.{last.id}.0" if last else None
        return Page(shown, following)


def _is_asked(asked: Asked, provider: Provider) -> bool:
    schedules, actors = asked.all("schedule"), asked.all("schedule.actor")
    in_schedules = not schedules or any(
        provider.uid in references(text.split(","), "Schedule") for text in schedules
    )  # fmt: skip
    return in_schedules and (not actors or any(_has_actor(provider, "", text.split(",")) for text in actors))


def _services_of(place: Snapshot, provider: Provider) -> list[Service]:
    return [one for one in place.services.values() if one.active and provider.id in one.provider_ids]


def _place(text: str | None) -> tuple[int, int, int] | None:
    """Where the page before ended."""
    if not text:
        return None
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in parts):
        raise Invalid("This is not the address of a page.", field="_after")
    return int(parts[0]), int(parts[1]), int(parts[2])


def _number(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid("This is not the address of a page.", field="_after")
    return int(text)
