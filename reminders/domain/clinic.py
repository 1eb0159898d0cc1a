"""Who offers what, where and when: the clinic's own data, as the rules need it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.availability import Need, Timetable
from reminders.domain.cost import Money
from reminders.domain.experiment import Experiment
from reminders.domain.plan import COUNTRY_QUIET_HOURS, DEFAULT_QUIET_HOURS, QuietHours, Step


class RemoteMove(StrEnum):
    """What becomes of a visit that is moved in a provider's calendar: it moves if the booking rules allow it, or the
    desk is asked first."""

    APPLY = "apply"
    ASK = "ask"


class RemoteDelete(StrEnum):
    """What becomes of a visit that is deleted in a provider's calendar: the desk is asked, and nothing is sent
    meanwhile; it is put back; or it is cancelled."""

    ASK = "ask"
    RESTORE = "restore"
    CANCEL = "cancel"


class Unmarked(StrEnum):
    """What becomes of a past visit of which nobody noted how it ended: the desk is asked; or it counts as kept after a
    week, and the history says that this was assumed; or nothing. Until somebody says otherwise it is ``unmarked``."""

    ASK = "ask"
    KEPT = "kept"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Location:
    """A venue. Its zone rules every wall time, its country the phone numbers and holidays."""

    id: int
    uid: str
    name: str
    zone: ZoneInfo
    country: str
    language: str
    currency: str
    phone: str | None
    observes_holidays: bool
    holiday_region: str | None
    on_remote_move: RemoteMove = RemoteMove.APPLY
    on_remote_delete: RemoteDelete = RemoteDelete.ASK
    unmarked_after: Unmarked = Unmarked.ASK

    def zone_of(self, person: str | None) -> ZoneInfo:
        """The zone a person gave, else the venue's: also when this machine does not know theirs (any more)."""
        try:
            return ZoneInfo(person) if person else self.zone
        except (KeyError, ValueError, OSError):
            return self.zone

    @property
    def locale(self) -> str:
        """The venue's language with its country, so that times are written as people there write them (BCP 47)."""
        has_territory = any(len(part) == 2 for part in self.language.replace("_", "-").split("-")[1:])
        return self.language if has_territory else f"{self.language}-{self.country}"


@dataclass(frozen=True, slots=True)
class Provider:
    """Someone who sees patients at one location."""

    id: int
    uid: str
    name: str
    location: Location
    languages: tuple[str, ...]
    timetable: Timetable
    active: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """When patients are reminded. ``quiet_hours`` is ``None`` for none at all; ``country_hours`` for the country's.

    ``notices`` are the changes the patient is told of when somebody else made them: moved, cancelled.
    """

    id: int
    uid: str
    name: str
    steps: tuple[Step, ...]
    quiet_hours: QuietHours | None
    country_hours: bool
    notices: frozenset[str]
    experiment: Experiment | None = None

    def quiet(self, country: str) -> QuietHours | None:
        """The quiet hours that hold for a venue in ``country`` (ISO 3166-1 alpha-2)."""
        return COUNTRY_QUIET_HOURS.get(country, DEFAULT_QUIET_HOURS) if self.country_hours else self.quiet_hours


@dataclass(frozen=True, slots=True)
class Service:
    """Something a patient can be booked for. Minutes, except ``horizon_days``: how far ahead it may be booked.
    ``cancel_cutoff_minutes``: this long before the visit, patients can no longer cancel or move it by themselves; 0: always.
    """

    id: int
    uid: str
    name: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    slot_minutes: int
    min_notice_minutes: int
    horizon_days: int
    cancel_cutoff_minutes: int
    value: Money | None
    policy: Policy | None
    provider_ids: frozenset[int]
    active: bool

    @property
    def need(self) -> Need:
        return Need(
            duration=self.duration_minutes * 60,
            before=self.buffer_before_minutes * 60,
            after=self.buffer_after_minutes * 60,
            step=self.slot_minutes * 60,
        )

    def is_closed_for_changes(self, start: datetime, now: datetime) -> bool:
        """Whether a visit at ``start`` is so near that the patient can no longer cancel or move it without the desk."""
        return start - now < timedelta(minutes=self.cancel_cutoff_minutes)

    @property
    def duration(self) -> timedelta:
        return timedelta(minutes=self.duration_minutes)

    @property
    def buffers(self) -> tuple[timedelta, timedelta]:
        return timedelta(minutes=self.buffer_before_minutes), timedelta(minutes=self.buffer_after_minutes)


def money(amount: Decimal | None, currency: str | None) -> Money | None:
    """Money from two columns; ``None`` when either is missing."""
    return None if amount is None or currency is None else Money(amount, currency)
