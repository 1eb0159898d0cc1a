"""Calendar feeds: addresses at which a provider's, a location's or a patient's visits can be read (RFC 5545, 7986)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Once
from reminders.domain.clinic import Location
from reminders.domain.ical import Method, line, text, vcalendar, vevent
from reminders.domain.visit_event import CANCELLED_STAYS, FEED_AHEAD, FEED_PAST, Privacy, for_patient
from reminders.errors import NotFound
from reminders.services.calendars import Calendars, etag, facts
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.store import calendars, clinic, keys, patients
from reminders.store import feeds as store
from reminders.store.engine import Database, Record
from reminders.store.ids import digest, new_secret, new_uid
from reminders.store.tables import Feed

#: "Last fetched" is written down this often at most: writing costs more than the fetch.
_NOTED = timedelta(minutes=1)
_LONGEST_AGENT = 200
_BUSY = "SUMMARY:Busy\r\nEND:VEVENT\r\n"
_ADVICE = "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n"
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose visits a feed shows; exactly one is given, as a public id."""

    provider_id: str | None = None
    location_id: str | None = None
    patient_id: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as of now. ``body`` is ``None`` when the caller has it already."""

    etag: str
    changed_at: datetime
    body: str | None


class Feeds:
    """One public method = one transaction, but for ``fetch``, which first brings calendars up to date."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, board: Calendars, url: str) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._board = board
        self._url = url

    def create(self, scope: Scope, privacy: Privacy, label: str, once: Once | None = None) -> tuple[Record, str | None]:
        """A new feed and its address, which cannot be read again; ``None`` for a repeat with the same ``once``."""
        now, token = self._clock.now(), new_secret()
        uid, snapshot = new_uid("fed", now), self._catalogue.current()
        values = {"uid": uid, "token_hash": digest(token), "label": label, "privacy": privacy, "created_at": now}
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, uid, now) if once else None
            if earlier is None:
                store.add(tx, Feed, values | _numbers(tx, snapshot, scope))
            row = store.get(tx, Feed, earlier or uid)
        return row, self.address(token) if earlier is None else None

    def address(self, token: str) -> str:
        return f"{self._url}/feeds/{token}.ics"

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return store.get(tx, Feed, uid)

    def listing(self, after: int, limit: int) -> Sequence[Record]:
        """One page and one row more."""
        with self._database.read() as tx:
            return store.listing(tx, Feed, after, limit + 1)

    def revoke(self, uid: str) -> None:
        """End a feed at once; ``NotFound`` when there is none in force."""
        with self._database.write() as tx:
            if not store.revoke(tx, Feed, uid, self._clock.now()):
                raise NotFound()

    def fetch(self, token: str, agent: str, known: Collection[str], since: datetime | None) -> Fetched:
        """The feed behind ``token``; ``NotFound`` when it is not (or no longer) one.

        ``known`` are the ETags that the caller has, ``since`` the Last-Modified; as in RFC 9110 section 13.2.2 the
        former decide if there are any.
        """
        with self._database.read() as tx:
            feed, version = store.by_token(tx, digest(token)), clinic.version(tx)
        if feed is None:
            raise NotFound()
        snapshot, now = self._catalogue.refresh(version), self._clock.now()
        providers = _providers(snapshot, feed)
        with self._board.reading(providers) as tx:
            state = self._state(tx, snapshot, feed, providers, now)
            if state == feed.state and _has(feed, known, since):
                body = None
            else:
                body = self._body(tx, snapshot, feed, providers, now, token)
        return self._kept(feed, state, body, agent, now)

    def _state(
        self, tx: Connection, snapshot: Snapshot, feed: Record, providers: Collection[int], now: datetime
    ) -> str:  # fmt: skip
        """Everything the answer is made of, in short: what gives the same state gives the same answer."""
        if feed.patient_id is not None:
            visits = calendars.of_patient(tx, feed.patient_id, *_window(now))
            made_of: Iterable[object] = [(visit.id, visit.version, visit.patient_name) for visit in visits]
        else:
            made_of = [(row.provider_id, row.seq) for row in calendars.states(tx, providers)]
        return digest(f"{now.date()} {snapshot.version} {sorted(providers)} {list(made_of)}")

    def _body(
        self, tx: Connection, snapshot: Snapshot, feed: Record, providers: Collection[int], now: datetime, token: str
    ) -> str:
        since, until = _window(now)
        if feed.patient_id is not None:
            visits = calendars.of_patient(tx, feed.patient_id, since, until)
            events = [vevent(for_patient(facts(snapshot, visit))) for visit in visits if _is_shown(visit, now)]
        else:
            kept = now - CANCELLED_STAYS
            rows = calendars.feed(tx, providers, since, until, kept, feed.privacy)
            events = [f"{row[0]}{row[1] or _BUSY}" for row in rows]
        about = _about(snapshot, feed, self.address(token))
        return vcalendar(events, _zones(snapshot, events, since.year), method=Method.PUBLISH, properties=about)

    def _kept(self, feed: Record, state: str, body: str | None, agent: str, now: datetime) -> Fetched:
        """Remember what was answered. Last-Modified only ever moves forward, whatever became of the visits."""
        tag = feed.etag if body is None else etag(body)
        changed = feed.changed_at
        if tag != feed.etag or changed is None:
            whole = now.replace(microsecond=0)
            changed = whole if changed is None else max(whole, changed + _SECOND)
        if state != feed.state or tag != feed.etag or feed.fetched_at is None or now - feed.fetched_at >= _NOTED:
            values = {"state": state, "etag": tag, "changed_at": changed, "fetched_at": now,
                      "agent": agent[:_LONGEST_AGENT]}  # fmt: skip
            with self._database.write() as tx:
                store.change(tx, Feed, feed.id, values)
        return Fetched(tag, changed, body)


def _numbers(tx: Connection, snapshot: Snapshot, scope: Scope) -> dict[str, int]:
    """Whose visits it shows, by internal number; ``NotFound`` when there is no such thing."""
    if scope.provider_id is not None:
        return {"provider_id": snapshot.provider(scope.provider_id).id}
    if scope.location_id is not None:
        return {"location_id": snapshot.location(scope.location_id).id}
    return {"patient_id": patients.get(tx, scope.patient_id or "").id}


def _providers(snapshot: Snapshot, feed: Record) -> list[int]:
    if feed.provider_id is not None:
        return [feed.provider_id]
    if feed.location_id is not None:
        everybody = snapshot.provider_by_id.values()
        return sorted(provider.id for provider in everybody if provider.location.id == feed.location_id)
    return []


def _window(now: datetime) -> tuple[datetime, datetime]:
    """From midnight to midnight, so that the feed does not change with every minute."""
    today = datetime.combine(now.date(), time(), UTC)
    return today - FEED_PAST, today + FEED_AHEAD


def _has(feed: Record, known: Collection[str], since: datetime | None) -> bool:
    if feed.etag is None or feed.changed_at is None:
        return False
    if known:
        return feed.etag in known or "*" in known
    return since is not None and since >= feed.changed_at


def _is_shown(visit: Record, now: datetime) -> bool:
    is_recent = visit.updated_at > now - CANCELLED_STAYS
    return bool(visit.timed and (visit.status != "cancelled" or is_recent))


def _about(snapshot: Snapshot, feed: Record, address: str) -> str:
    """What readers show of the calendar itself (RFC 7986), and the older names for it."""
    place = _place(snapshot.location_by_id, feed, snapshot)
    name = feed.label or _name(snapshot, feed)
    zone = text("X-WR-TIMEZONE", place.zone.key) if place else ""
    source = line("SOURCE;VALUE=URI", address)
    return f"{text('NAME', name)}{text('X-WR-CALNAME', name)}{zone}{source}{_ADVICE}"


def _zones(snapshot: Snapshot, events: Sequence[str], year: int) -> list[tuple[ZoneInfo, int]]:
    """The zones that occur: a visit stays where it was booked when its provider goes elsewhere."""
    whole, zones = "".join(events), {place.zone.key: place.zone for place in snapshot.locations.values()}
    return [(zones[key], year) for key in sorted(zones) if f";TZID={key}:" in whole]


def _place(locations: Mapping[int, Location], feed: Record, snapshot: Snapshot) -> Location | None:
    if feed.provider_id is not None:
        return snapshot.provider_by_id[feed.provider_id].location
    return locations.get(feed.location_id)


def _name(snapshot: Snapshot, feed: Record) -> str:
    if feed.provider_id is not None:
        return snapshot.provider_by_id[feed.provider_id].name
    if feed.location_id is not None:
        return snapshot.location_by_id[feed.location_id].name
    return "Appointments"
