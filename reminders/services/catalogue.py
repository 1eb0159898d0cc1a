"""The clinic's data in memory: read once, and again only when its version has moved."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from reminders.clock import Clock
from reminders.domain.availability import DayException, Hours, Timetable
from reminders.domain.clinic import Location, Policy, Provider, RemoteDelete, RemoteMove, Service, Unmarked, money
from reminders.domain.delivery import Channel
from reminders.domain.duration import Duration
from reminders.domain.experiment import Branch, Experiment
from reminders.domain.plan import QuietHours, Step
from reminders.domain.wording import Key, OwnText, OwnTexts
from reminders.errors import NotFound
from reminders.store import clinic as store
from reminders.store.engine import Database, Record

T = TypeVar("T")


class Holidays(Protocol):
    """Public holidays of a country (ISO 3166-1) and region, for the years asked for."""

    def __call__(self, country: str, region: str | None, years: Iterable[int]) -> frozenset[date]: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The catalogue at one version, by public id and by internal number. Public holidays are known for the years around
    ``year``."""

    version: int
    year: int
    locations: Mapping[str, Location]
    providers: Mapping[str, Provider]
    services: Mapping[str, Service]
    policies: Mapping[str, Policy]
    location_by_id: Mapping[int, Location]
    provider_by_id: Mapping[int, Provider]
    service_by_id: Mapping[int, Service]
    longest_visit: timedelta
    texts: OwnTexts = field(default_factory=dict)

    def location(self, uid: str) -> Location:
        return _found(self.locations, uid, "location")

    def provider(self, uid: str) -> Provider:
        return _found(self.providers, uid, "provider")

    def with_trial(self, edited: Policy) -> Policy:
        """A policy read anew, with the trial that runs within it."""
        known = self.policies.get(edited.uid)
        return replace(edited, experiment=known.experiment if known is not None else None)

    def service(self, uid: str) -> Service:
        return _found(self.services, uid, "service")


class Catalogue:
    """Holds the newest snapshot. ``current`` costs nothing; the edges call ``refresh`` once per request or tick."""

    def __init__(self, database: Database, clock: Clock, holidays: Holidays) -> None:
        self._database = database
        self._clock = clock
        self._holidays = holidays
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self) -> Snapshot:
        """The snapshot in memory, read now if there is none yet."""
        return self._snapshot or self.refresh()

    def refresh(self, version: int | None = None) -> Snapshot:
        """The snapshot of at least ``version`` (asked of the database when not given)."""
        if version is None:
            with self._database.read() as tx:
                version = store.version(tx)
        snapshot = self._snapshot
        if snapshot is None or self._is_old(snapshot, version):
            with self._lock:
                snapshot = self._snapshot
                if snapshot is None or self._is_old(snapshot, version):
                    snapshot = self._snapshot = self._load()
        return snapshot

    def _is_old(self, snapshot: Snapshot, version: int) -> bool:
        """Changed since, or the holidays of another year come into sight."""
        return snapshot.version < version or snapshot.year != self._clock.now().year

    def _load(self) -> Snapshot:
        with self._database.read() as tx:
            rows = store.load(tx)
        year = self._clock.now().year
        years = range(year - 1, year + 3)
        locations = {row.id: _location(row) for row in rows.locations}
        holidays = {
            number: self._holidays(place.country, place.holiday_region, years)
            if place.observes_holidays
            else frozenset()
            for number, place in locations.items()
        }
        providers = _providers(rows, locations, holidays)
        trials = {row.policy_id: experiment(row) for row in rows.experiments}
        policies = {row.id: replace(policy(row), experiment=trials.get(row.id)) for row in rows.policies}
        services = _services(rows, policies)
        return Snapshot(
            version=rows.version,
            year=year,
            locations={place.uid: place for place in locations.values()},
            providers={provider.uid: provider for provider in providers.values()},
            services={service.uid: service for service in services.values()},
            policies={one.uid: one for one in policies.values()},
            location_by_id=locations,
            provider_by_id=providers,
            service_by_id=services,
            longest_visit=timedelta(minutes=max((row.longest_minutes for row in rows.services), default=0)),
            texts=_texts(rows.texts),
        )


def policy(row: Record) -> Policy:
    """A stored policy with its meaning."""
    quiet = row.quiet_hours
    own = QuietHours(minutes(quiet["start"]), minutes(quiet["end"])) if quiet["mode"] == "own" else None
    return Policy(
        id=row.id, uid=row.uid, name=row.name, steps=tuple(step(item) for item in row.steps), quiet_hours=own,
        country_hours=quiet["mode"] == "country", notices=frozenset(row.notices),
    )  # fmt: skip


def experiment(row: Record) -> Experiment:
    """A stored trial with its meaning."""
    branches = (
        Branch(item["name"], item["share"], tuple(step(one) for one in item["steps"])) for item in row.branches
    )  # fmt: skip
    return Experiment(
        row.id, row.uid, row.name, row.policy_id, frozenset(row.service_ids), frozenset(row.guarded_ids),
        tuple(branches), row.difference, row.started_at, row.ended_at,
    )  # fmt: skip


def step(item: Mapping[str, Any]) -> Step:
    """A policy step as the API writes it."""
    fallback, not_after = item.get("fallback_after"), item.get("not_after")
    return Step(
        offset=Duration.parse(item["offset"]),
        channels=tuple(Channel(channel) for channel in item["channels"]),
        unless_confirmed=item.get("unless_confirmed", False),
        fallback_after=Duration.parse(fallback) if fallback else None,
        not_after=Duration.parse(not_after) if not_after else None,
    )


def minutes(wall: str) -> int:
    """Minutes after midnight of ``HH:MM``; 24:00 is the end of the day."""
    hours, rest = wall.split(":")
    return int(hours) * 60 + int(rest)


def wall(minutes: int) -> str:
    """``HH:MM`` of minutes after midnight: the way back from ``minutes``."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _location(row: Record) -> Location:
    return Location(
        id=row.id, uid=row.uid, name=row.name, zone=ZoneInfo(row.time_zone), country=row.country, language=row.language,
        currency=row.currency, phone=row.phone, observes_holidays=row.observes_holidays,
        holiday_region=row.holiday_region, on_remote_move=RemoteMove(row.on_remote_move),
        on_remote_delete=RemoteDelete(row.on_remote_delete), unmarked_after=Unmarked(row.unmarked_after),
    )  # fmt: skip


def _providers(
    rows: store.Rows, locations: Mapping[int, Location], holidays: Mapping[int, frozenset[date]]
) -> dict[int, Provider]:
    spans: dict[tuple[int, bool], list[Hours]] = defaultdict(list)
    for row in rows.hours:
        spans[row.provider_id, row.is_break].append(Hours(row.weekday, row.start_minute, row.end_minute))
    exceptions: dict[int, list[DayException]] = defaultdict(list)
    for row in rows.exceptions:
        exceptions[row.provider_id].append(
            DayException(row.first_day, row.last_day, row.is_open, row.start_minute, row.end_minute)
        )
    return {
        row.id: Provider(
            id=row.id, uid=row.uid, name=row.name, location=locations[row.location_id],
            languages=tuple(row.languages), active=row.active,
            timetable=Timetable(
                zone=locations[row.location_id].zone, hours=tuple(spans[row.id, False]),
                breaks=tuple(spans[row.id, True]), exceptions=tuple(exceptions[row.id]),
                holidays=holidays[row.location_id],
            ),
        )
        for row in rows.providers
    }  # fmt: skip


def _services(rows: store.Rows, policies: Mapping[int, Policy]) -> dict[int, Service]:
    offers: dict[int, set[int]] = defaultdict(set)
    for row in rows.offers:
        offers[row.service_id].add(row.provider_id)
    return {
        row.id: Service(
            id=row.id, uid=row.uid, name=row.name, duration_minutes=row.duration_minutes,
            buffer_before_minutes=row.buffer_before_minutes, buffer_after_minutes=row.buffer_after_minutes,
            slot_minutes=row.slot_minutes, min_notice_minutes=row.min_notice_minutes, horizon_days=row.horizon_days,
            cancel_cutoff_minutes=row.cancel_cutoff_minutes,
            value=money(row.value_amount, row.value_currency), policy=policies.get(row.reminder_policy_id),
            provider_ids=frozenset(offers[row.id]), active=row.active,
        )
        for row in rows.services
    }  # fmt: skip


def _texts(rows: Sequence[Record]) -> dict[Key, OwnText]:
    """The texts of the clinic's own that are in force; rows come in order of their numbers, so versions do too."""
    newest = {Key(row.channel, row.template, row.language): row for row in rows}
    return {
        key: OwnText(key, row.version, row.body, row.source, row.created_at, row.created_by)
        for key, row in newest.items() if row.body is not None
    }  # fmt: skip


def _found(items: Mapping[str, T], uid: str, noun: str) -> T:
    try:
        return items[uid]
    except KeyError:
        raise NotFound(f"There is no {noun} with this id.") from None
