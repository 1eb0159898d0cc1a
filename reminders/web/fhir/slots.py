"""Times that are free, those that a visit takes, and those that are blocked. The first two are worked out from hours and
visits; others are written by whoever blocks or opens time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reminders.domain.appointment import OCCUPYING, Status
from reminders.domain.availability import is_open
from reminders.domain.clinic import Provider, Service
from reminders.domain.fhir import slot as slots
from reminders.domain.fhir.clinic import SlotKey, slot, written_slot
from reminders.domain.fhir.search import Token, token
from reminders.domain.fhir.shapes import id_of, objects, uid_of
from reminders.domain.fhir.slot import BLOCKED, BUSY, FREE, Stretch
from reminders.errors import Invalid, NotFound
from reminders.services.fhir.identity import Known
from reminders.services.fhir.slots import NotTheirs
from reminders.services.slots import LONGEST_WINDOW, Search
from reminders.store.appointments import Filter
from reminders.web.context import now, snapshot, use_cases
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.offers import has_actor
from reminders.web.fhir.records import no_such
from reminders.web.fhir.searching import MOST, Asked, references, window

#: How far ahead free times are looked for when nothing is said.
_AHEAD = timedelta(days=14)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARAMETERS = frozenset({"_id", "identifier", "schedule", "schedule.actor", "start", "status", "service-type"})


@dataclass(frozen=True, slots=True)
class _Where:
    """The slots looked for: ``first`` is included, ``last`` is not."""

    providers: Sequence[Provider]
    services: Sequence[Service]
    first: datetime
    last: datetime


class Slots:
    """``/fhir/Slot``. What is written has ids of its own; those of worked-out slots say provider, service and start."""

    kind = "Slot"

    def read(self, id_: str) -> Found:
        key = SlotKey.parse(id_)
        return _worked_out(key) if key else _shown(use_cases().fhir.slots.get(uid_of(id_)))

    def search(self, asked: Asked) -> Page:
        where = self._where(asked)
        if asked.all("_id") or asked.all("identifier"):
            return self._named(asked, where)
        statuses = _values(asked, "status") or {FREE}
        if statuses == {FREE}:
            return self._free(asked, where)
        if statuses == {BUSY}:
            return self._busy(asked, where)
        if statuses <= set(BLOCKED):
            return self._blocked(asked, where, sorted(statuses))
        raise Invalid(f"Ask for slots that are {FREE}, {BUSY}, or blocked: {', '.join(BLOCKED)}.", field="status")

    def create(self, resource: Mapping[str, Any], unless: Token | None) -> tuple[Found, bool]:
        stretch, given = slots.read(resource), objects(resource, "identifier", self.kind)
        known, is_new = use_cases().fhir.slots.add(stretch, given, unless)
        return _shown(known), is_new

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        _check_written(self.read(id_))
        stretch, given = slots.read(resource), objects(resource, "identifier", self.kind)
        return _shown(use_cases().fhir.slots.change(uid_of(id_), stretch, given, version))

    def delete(self, id_: str, version: int | None) -> None:
        _check_written(self.read(id_))
        use_cases().fhir.slots.remove(uid_of(id_), version)

    def _where(self, asked: Asked) -> _Where:
        place = snapshot()
        wrong = [name for name, _, _ in asked.filters() if name not in _PARAMETERS]
        if wrong and not asked.lenient:
            raise Invalid(f"{wrong[0]} cannot be searched by here.", field=wrong[0])
        providers = [one for one in place.providers.values() if one.active and _is_asked(asked, one)]
        types = {uid_of(token(value).value) for value in _values(asked, "service-type")}
        services = [one for one in place.services.values() if one.active and (not types or one.uid in types)]
        if not any(asked.all(name) for name in ("schedule", "schedule.actor", "service-type", "_id", "identifier")):
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
                        found.append((key, Found(slot(provider, service, start, end, FREE))))
        found.sort(key=lambda pair: pair[0])
        shown = found[: asked.count]
        following = ".".join(map(str, shown[-1][0])) if shown and len(found) > len(shown) else None
        return Page([one for _, one in shown], following)

    def _busy(self, asked: Asked, where: _Where) -> Page:
        place = snapshot()
        providers = {one.id for one in where.providers}
        services = {one.id for one in where.services}
        only = next(iter(providers)) if len(providers) == 1 else None
        rows = use_cases().booking.listing(
            Filter(where.first, where.last, only, after=_behind(asked), limit=asked.count)
        )
        last = rows[asked.count - 1] if len(rows) > asked.count else None
        shown = [
            Found(slot(place.provider_by_id[row.provider_id], place.service_by_id[row.service_id], row.start_at,
                       row.end_at, BUSY))
            for row in rows[: asked.count]
            if row.provider_id in providers and row.service_id in services and Status(row.status) in OCCUPYING
        ]  # fmt: skip
        return Page(shown, _following(last.start_at, last.id) if last else None)

    def _blocked(self, asked: Asked, where: _Where, statuses: Sequence[str]) -> Page:
        offering = {number for one in where.services for number in one.provider_ids}
        is_typed = bool(asked.all("service-type"))
        providers = [one.id for one in where.providers if not is_typed or one.id in offering]
        span, most = window(asked, "start"), asked.count
        rows = use_cases().fhir.slots.blocked(providers, statuses, span, _behind(asked), most)
        last = rows[most - 1][0] if len(rows) > most > 0 else None
        return Page([_shown(one) for one in rows[:most]], _following(last.start_at, last.number) if last else None)

    def _named(self, asked: Asked, where: _Where) -> Page:
        """Slots by id, and those that somebody wrote by identifier."""
        ids, statuses = _values(asked, "_id"), _values(asked, "status")
        if asked.all("identifier"):
            tokens = [[token(value) for value in values] for name, _, values in asked.filters() if name == "identifier"]
            uids = [[uid_of(one) for one in ids]] if ids else []
            found = [_shown(one) for one in use_cases().fhir.slots.written(uids, tokens, MOST)]
        else:
            found = [one for id_ in sorted(ids) if (one := self._there(id_)) is not None]
        schedules = {id_of(one.uid) for one in where.providers}
        span = window(asked, "start")
        shown = [
            one for one in found
            if (not statuses or one.body["status"] in statuses) and _of_schedule(one) in schedules
            and span.has(datetime.fromisoformat(one.body["start"]))
        ]  # fmt: skip
        return Page(shown, total=len(shown))

    def _there(self, id_: str) -> Found | None:
        try:
            return self.read(id_)
        except NotFound:
            return None


def _worked_out(key: SlotKey) -> Found:
    """A time within the hours, for one service."""
    place = snapshot()
    provider, service = place.providers.get(key.provider_uid), place.services.get(key.service_uid)
    if provider is None or service is None or provider.id not in service.provider_ids:
        raise no_such(Slots.kind)
    begin = int(key.start.timestamp())
    if not is_open(provider.timetable, begin, begin + service.need.duration):
        raise no_such(Slots.kind)
    minute = key.start + timedelta(minutes=1)
    free = use_cases().slots.search(Search(service.uid, key.start, minute, provider.uid))
    return Found(slot(provider, service, key.start, key.start + service.duration, FREE if free else BUSY))


def _shown(known: Known) -> Found:
    """Time that somebody wrote about, or that is held for another reason."""
    row, identifiers = known
    provider = snapshot().provider_by_id[row.provider_id]
    status = BUSY if row.status == FREE and use_cases().fhir.slots.taken(row) else row.status
    stretch = Stretch(provider.uid, row.start_at, row.end_at, status, row.comment)
    made = written_slot(provider, stretch, row.uid, row.version, row.updated_at)
    return Found({**made, **({"identifier": identifiers} if identifiers else {})}, row.version, row.updated_at)


def _check_written(found: Found) -> None:
    if found.version is None:
        raise NotTheirs()


def _of_schedule(found: Found) -> str:
    return str(found.body["schedule"]["reference"]).partition("/")[2]


def _values(asked: Asked, name: str) -> set[str]:
    return {value for text in asked.all(name) for value in text.split(",") if value}


def _is_asked(asked: Asked, provider: Provider) -> bool:
    schedules, actors = asked.all("schedule"), asked.all("schedule.actor")
    in_schedules = not schedules or any(
        provider.uid in references(text.split(","), "Schedule") for text in schedules
    )  # fmt: skip
    return in_schedules and (not actors or any(has_actor(provider, "", text.split(",")) for text in actors))


def _behind(asked: Asked) -> tuple[datetime, int] | None:
    """Start and number of the last slot of the page before."""
    after = _place(asked.one("_after"))
    return (_EPOCH + timedelta(microseconds=after[0]), after[1]) if after else None


def _following(start: datetime, number: int) -> str:
    return f"{(start - _EPOCH) // timedelta(microseconds=1)}.{number}.0"


def _place(text: str | None) -> tuple[int, int, int] | None:
    """Where the page before ended."""
    if not text:
        return None
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 18 for part in parts):
        raise Invalid("This is not the address of a page.", field="_after")
    return int(parts[0]), int(parts[1]), int(parts[2])
