"""Visits as the pages show them: names instead of numbers, times on the venue's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.appointment import Change, Status, allowed
from reminders.domain.clinic import Location
from reminders.errors import Invalid
from reminders.services.patients import Card, Stop
from reminders.store.engine import Record
from reminders.web.console import words
from reminders.web.context import now, snapshot

_EARLIEST, _LATEST = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Consent:
    """What a patient allows on one channel. ``stop`` is the one in force, else the last one that ended, if any."""

    channel: str
    stop: Stop | None

    @property
    def is_stopped(self) -> bool:
        return self.stop is not None and self.stop.ended_at is None

    @property
    def by_text(self) -> bool:
        """Said in a text, so that the carrier may have blocked us, too."""
        return self.stop is not None and self.stop.evidence.startswith(("sms:", "provider:"))


def consents(card: Card) -> list[Consent]:
    """Every channel on which the patient can be reached."""
    reach = {"sms": card.patient.phone, "voice": card.patient.phone, "email": card.patient.email}
    return [Consent(channel, _decisive(card, channel)) for channel, address in reach.items() if address]


def stoppable(card: Card) -> set[str]:
    """What a patient can still ask us to stop."""
    going = {one.channel for one in consents(card) if not one.is_stopped}
    return going | {"all"} if going else going


def startable(card: Card) -> set[str]:
    """What a patient can ask us to start again."""
    stopped = {one.channel for one in consents(card) if one.is_stopped}
    return stopped | {"all"} if stopped else stopped


def _decisive(card: Card, channel: str) -> Stop | None:
    names = {channel, "all"}
    told = [stop for stop in card.stops if stop.channel in names]
    return next((stop for stop in told if stop.ended_at is None), told[-1] if told else None)


@dataclass(frozen=True, slots=True)
class Line:
    """One visit. ``first`` are the changes offered right away, ``more`` those behind a second step."""

    uid: str
    version: int
    start: datetime
    end: datetime
    timed: bool
    patient_uid: str
    patient_name: str
    phone: str | None
    language: str | None
    service: str
    service_uid: str
    provider: str
    provider_uid: str | None
    location: Location
    status: str
    confirmation: str
    label: str
    tone: str
    cancel_reason: str | None
    paused: bool
    patient_paused: bool
    booked_at: datetime
    first: tuple[Change, ...]
    more: tuple[Change, ...]

    @property
    def clock(self) -> str:
        return f"{self.start:%H:%M}" if self.timed else "no time"

    @property
    def day(self) -> date:
        return self.start.date()

    @property
    def changes(self) -> tuple[Change, ...]:
        return self.first + self.more


def line(row: Record) -> Line:
    """A visit's row with the names of everything it points to."""
    place = snapshot()
    location = place.location_by_id[row.location_id]
    provider = place.provider_by_id.get(row.provider_id)
    service = place.service_by_id[row.service_id]
    label, tone = words.standing(row.status, row.confirmation)
    first, more = _offered(Status(row.status), row.confirmation, begun=row.start_at <= now())
    return Line(
        uid=row.uid, version=row.version, start=row.start_at.astimezone(location.zone),
        end=row.end_at.astimezone(location.zone), timed=row.timed, patient_uid=row.patient_uid,
        patient_name=row.patient_name, phone=row.patient_phone, language=row.patient_language, service=service.name,
        service_uid=service.uid, provider=provider.name if provider else "No provider",
        provider_uid=provider.uid if provider else None, location=location, status=row.status,
        confirmation=row.confirmation, label=label, tone=tone, cancel_reason=row.cancel_reason,
        paused=row.paused, patient_paused=row.patient_paused,
        booked_at=row.booked_at.astimezone(location.zone), first=first, more=more,
    )  # fmt: skip


def chosen_location(wanted: str | None) -> Location | None:
    """The location asked for, else the first one; ``None`` while the clinic has none."""
    locations = snapshot().locations
    return locations.get(wanted or "") or next(iter(locations.values()), None)


def desk_zone(wanted: str | None) -> ZoneInfo:
    """The clock on the desk's wall: that of the location last looked at."""
    location = chosen_location(wanted)
    return location.zone if location else ZoneInfo("UTC")


def read_day(text: str, default: date) -> date:
    """A day as a date field writes it; anything else is the default."""
    try:
        return min(max(date.fromisoformat(text), _EARLIEST), _LATEST)
    except ValueError:
        return default


def day_bounds(first: date, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When ``days`` local days begin and end; a day with a change of clocks is an hour shorter or longer."""
    return datetime.combine(first, time(), zone), datetime.combine(first + timedelta(days=days), time(), zone)


def wall_time(day: str, clock: str, zone: ZoneInfo) -> datetime:
    """A wall time as date and time fields write it; ``Invalid`` for one that the clocks skip that day."""
    try:
        on, at = date.fromisoformat(day), time.fromisoformat(clock)
    except ValueError as problem:
        raise Invalid("Please give a day and a time.", field="start") from problem
    if not _EARLIEST <= on <= _LATEST:
        raise Invalid("This day is out of range.", field="start")
    wall = datetime.combine(on, at, zone)
    if datetime.fromtimestamp(wall.timestamp(), zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        raise Invalid("The clocks are put forward that day: this time does not exist.", field="start")
    return wall


def _offered(status: Status, confirmation: str, *, begun: bool) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """Every change the status machine allows; in front what the desk most likely wants now."""
    possible = [change for change in allowed(status) if (change, confirmation) != (Change.CONFIRM, "confirmed")]
    likely = {Change.ARRIVE, Change.NOSHOW} if begun else {Change.ARRIVE, Change.CONFIRM}
    if status is not Status.BOOKED:
        likely = {Change.ARRIVE, Change.FULFIL, Change.CONFIRM}
    first = tuple(change for change in possible if change in likely)
    return first, tuple(change for change in possible if change not in first)
