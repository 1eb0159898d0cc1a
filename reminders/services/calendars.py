"""Keeps providers' calendars up to date: renders what has changed when somebody is about to read it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import Status
from reminders.domain.ical import head, single, tail
from reminders.domain.overlay import overlay
from reminders.domain.visit_event import Privacy, Visit, event
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.store import calendars
from reminders.store.engine import Database, Record

_BATCH = 500


class Calendars:
    """Brings calendars up to date; one batch is one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def publish(self, providers: Collection[int]) -> None:
        """Render every change of these providers' visits that was committed before; nothing to do costs one query."""
        since = self._clock.now() - calendars.REACH
        while (provider := self._pending(providers, since)) is not None:
            work = partial(self._publish, provider=provider, since=since)
            if not self._database.run(work):
                return  # somebody is changing all that is left right now; it is not committed yet

    @contextmanager
    def reading(self, providers: Collection[int], *, is_current: bool = False) -> Iterator[Connection]:
        """A connection that reads these calendars as of now; when nothing has to be rendered, that is all it takes.
        ``is_current``: somebody has looked already, and nothing has."""
        with self._database.read() as tx:
            if is_current or calendars.pending(tx, providers, self._clock.now() - calendars.REACH) is None:
                yield tx
                return
        self.publish(providers)
        with self._database.read() as tx:
            yield tx

    def _pending(self, providers: Collection[int], since: datetime) -> int | None:
        with self._database.read() as tx:
            return calendars.pending(tx, providers, since)

    def _publish(self, tx: Connection, provider: int, since: datetime) -> int:
        """One batch; returns how much was done. The calendar is counted first, which keeps others out until the
        commit."""
        gone = calendars.stale(tx, provider)
        visits = calendars.unpublished(tx, provider, since, _BATCH)
        entries = calendars.by_appointments(tx, [visit.id for visit in visits])
        for other in sorted({entry.provider_id for entry in entries.values()} - {provider}):
            gone = [*gone, *[entry for entry in entries.values() if entry.provider_id == other]]
        self._bury(tx, gone)
        own = {number: entry for number, entry in entries.items() if entry.provider_id == provider and not entry.stale}
        self._render(tx, provider, visits, own)
        calendars.published(tx, [visit.id for visit in visits])
        return len(visits) + len(gone)

    def _bury(self, tx: Connection, gone: Sequence[Record]) -> None:
        """Take entries of visits that went elsewhere out of the calendars they were in."""
        now = self._clock.now()
        for provider in sorted({entry.provider_id for entry in gone}):
            mine = {entry.id: entry for entry in gone if entry.provider_id == provider}
            count = calendars.count(tx, provider, len(mine))
            for seq, number in enumerate(mine, count + 1):
                values = calendars.GONE | {"appointment_id": None, "seq": seq, "modified_at": now}
                calendars.change(tx, number, values)

    def _render(
        self, tx: Connection, provider: int, visits: Sequence[Record], entries: Mapping[int, Record]
    ) -> None:  # fmt: skip
        snapshot = self._catalogue.current()
        shown = [visit for visit in visits if visit.timed and not _stays_away(visit, entries.get(visit.id))]
        if not shown:
            return
        count, new = calendars.count(tx, provider, len(shown)), []
        for seq, visit in enumerate(shown, count + 1):
            entry = entries.get(visit.id)
            values = rendered(snapshot, visit, entry.client if entry else None) | {"seq": seq}
            if entry is not None:
                calendars.change(tx, entry.id, values)
            else:
                new.append(values | {"provider_id": provider, "href": f"{visit.uid}.ics", "appointment_id": visit.id})
        calendars.add(tx, new)


def _stays_away(visit: Record, entry: Record | None) -> bool:
    """A visit deleted in a calendar stays out of it until the desk decided: as long as its reminders are held, and when
    it was called off then."""
    return entry is not None and entry.deleted and (visit.paused or visit.status == Status.CANCELLED)


def facts(snapshot: Snapshot, visit: Record) -> Visit:
    """What is known of a visit, by name."""
    location = snapshot.location_by_id[visit.location_id]
    provider = snapshot.provider_by_id.get(visit.provider_id)
    return Visit(
        uid=visit.uid, start=visit.start_at, end=visit.end_at, zone=location.zone, status=visit.status,
        sequence=visit.sequence, changed_at=visit.updated_at, booked_at=visit.booked_at, patient=visit.patient_name,
        service=snapshot.service_by_id[visit.service_id].name, provider=provider.name if provider else "",
        location=location.name,
    )  # fmt: skip


def rendered(snapshot: Snapshot, visit: Record, client: str | None) -> dict[str, Any]:
    """What a calendar entry holds of a visit; ``client`` is what a program last sent for it."""
    shown = facts(snapshot, visit)
    full = event(shown, Privacy.FULL)
    body = overlay(single(full), client) if client else single(full)
    return {
        "uid": visit.uid, "version": visit.version, "start_at": visit.start_at, "end_at": visit.end_at,
        "deleted": False, "stale": False, "recurring": False, "cancelled": visit.status == Status.CANCELLED,
        "etag": etag(body), "body": body, "client": client, "head": head(full), "full": tail(full),
        "initials": tail(event(shown, Privacy.INITIALS)), "modified_at": visit.updated_at,
    }  # fmt: skip


def etag(body: str) -> str:
    """A strong validator (RFC 9110 section 8.8.3): the same bytes, and only they, have it. Without quotation marks."""
    return hashlib.sha256(body.encode()).hexdigest()[:32]
