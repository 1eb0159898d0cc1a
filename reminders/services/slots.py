"""Which times are free: one query for what is booked in the window, the rest is arithmetic."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.availability import Interval, free_starts
from reminders.domain.clinic import Provider, Service
from reminders.errors import Invalid
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.store import appointments as store
from reminders.store.engine import Database

LONGEST_WINDOW = timedelta(days=92)
_NEARBY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: a service, optionally one provider or location, and a window [first, last). ``after`` is the
    (start, order) of the last slot of the page before."""

    service_id: str
    first: datetime
    last: datetime
    provider_id: str | None = None
    location_id: str | None = None
    limit: int = 1000
    after: tuple[int, int] | None = None


class Slot(NamedTuple):
    """A start that is free, in epoch seconds, with the provider who has it; ``order`` sorts slots of the same time."""

    start: int
    end: int
    order: int
    provider: Provider


#: Builds a slot without the keyword handling of its constructor: a search makes hundreds of them.
_slot = partial(tuple.__new__, Slot)


class Slots:
    """Searches free times."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def search(self, wanted: Search) -> list[Slot]:
        """Free slots in order of time, at most ``limit``. Notice and horizon of the service are respected."""
        if wanted.last - wanted.first > LONGEST_WINDOW:
            raise Invalid(f"A search covers at most {LONGEST_WINDOW.days} days.", field="to")
        snapshot = self._catalogue.current()
        service = snapshot.service(wanted.service_id)
        window = self._window(service, wanted.first, wanted.last)
        providers = _candidates(snapshot, service, wanted)
        if not (service.active and providers) or window[0] >= window[1]:
            return []
        found = self._free(service, providers, window)
        if wanted.after is not None:
            found = [slot for slot in found if (slot.start, slot.order) > wanted.after]
        return found[: wanted.limit]

    def near(self, service: Service, start: datetime, count: int = 5) -> list[Slot]:
        """Free slots closest to ``start``, whoever has them: what to offer when a time is taken."""
        snapshot = self._catalogue.current()
        window = self._window(service, start - _NEARBY, start + _NEARBY)
        wanted = Search(service.uid, start, start)
        if window[0] >= window[1]:
            return []
        slots = self._free(service, _candidates(snapshot, service, wanted), window)
        moment = start.timestamp()
        return sorted(heapq.nsmallest(count, slots, key=lambda slot: abs(slot.start - moment)), key=lambda s: s.start)

    def around(self, tx: Connection, service: Service, provider: Provider, start: datetime) -> list[Slot]:
        """Free slots of one provider in the two weeks around ``start``, as the caller's transaction sees them."""
        window = self._window(service, start - 2 * _NEARBY, start + 2 * _NEARBY)
        return self._found(tx, service, [provider], window) if window[0] < window[1] else []

    def _free(self, service: Service, providers: Sequence[Provider], window: Interval) -> list[Slot]:
        with self._database.read() as tx:
            return self._found(tx, service, providers, window)

    def _found(self, tx: Connection, service: Service, providers: Sequence[Provider], window: Interval) -> list[Slot]:
        need = service.need
        since = datetime.fromtimestamp(window[0] - need.before, UTC)
        until = datetime.fromtimestamp(window[1] + need.duration + need.after, UTC)
        longest = self._catalogue.current().longest_visit
        busy = store.busy(tx, [provider.id for provider in providers], since, until, longest, self._clock.now())
        found = [
            _slot((start, start + need.duration, provider.id, provider))
            for provider in providers
            for start in free_starts(provider.timetable, busy[provider.id], need, window)
        ]
        found.sort()  # by time, then provider; the pair is unique, so providers themselves are never compared
        return found

    def _window(self, service: Service, first: datetime, last: datetime) -> Interval:
        now = self._clock.now()
        earliest = max(first, now + timedelta(minutes=service.min_notice_minutes))
        latest = min(last, now + timedelta(days=service.horizon_days))
        return -int(-earliest.timestamp() // 1), int(latest.timestamp())


def _candidates(snapshot: Snapshot, service: Service, wanted: Search) -> list[Provider]:
    if wanted.provider_id is not None:
        chosen = snapshot.provider(wanted.provider_id)
        providers = [chosen] if chosen.id in service.provider_ids else []
    else:
        providers = [snapshot.provider_by_id[number] for number in sorted(service.provider_ids)]
    if wanted.location_id is not None:
        location = snapshot.location(wanted.location_id)
        providers = [provider for provider in providers if provider.location.id == location.id]
    return [provider for provider in providers if provider.active]
