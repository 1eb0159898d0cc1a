"""Locations, providers, services and policies, as the API speaks of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from reminders.domain.clinic import RemoteDelete, RemoteMove, Unmarked
from reminders.domain.duration import Duration
from reminders.web.schemas.base import (
    Body,
    Buffer,
    Country,
    Currency,
    Day,
    Flag,
    Grid,
    Horizon,
    IdText,
    IsoDuration,
    Language,
    Length,
    MoneyIn,
    MoneyOut,
    Name,
    Note,
    Notice,
    Out,
    Phone,
    WallTime,
    Weekday,
)

ZoneName = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9_+\-/]{1,60}$")]
#: ISO 3166-2 without the country: BY for Bavaria.
HolidayRegion = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9\-]{1,10}$")]
Ids = Annotated[list[IdText], Field(max_length=500)]


class LocationIn(Body):
    name: Name
    time_zone: ZoneName
    country: Country
    language: Language = "en"
    currency: Currency = "USD"
    phone: Phone | None = None
    observes_holidays: Flag = True
    holiday_region: HolidayRegion | None = None
    on_remote_move: RemoteMove = Field(default=RemoteMove.APPLY, description="A visit moved in a provider's calendar")
    on_remote_delete: RemoteDelete = Field(default=RemoteDelete.ASK, description="A visit deleted there")
    unmarked_after: Unmarked = Field(default=Unmarked.ASK, description="A past visit of which nobody noted the outcome")


class LocationChange(Body):
    name: Name | None = None
    time_zone: ZoneName | None = None
    country: Country | None = None
    language: Language | None = None
    currency: Currency | None = None
    phone: Phone | None = None
    observes_holidays: Flag | None = None
    holiday_region: HolidayRegion | None = None
    on_remote_move: RemoteMove | None = None
    on_remote_delete: RemoteDelete | None = None
    unmarked_after: Unmarked | None = None


class LocationOut(Out):
    id: str
    name: str
    time_zone: str
    country: str
    language: str
    currency: str
    phone: str | None
    observes_holidays: bool
    holiday_region: str | None
    on_remote_move: str
    on_remote_delete: str
    unmarked_after: str


class LocationPage(Out):
    items: list[LocationOut]
    next_cursor: str | None


class Span(Body):
    weekday: Weekday
    start: WallTime
    end: WallTime

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if self.start >= self.end:
            raise PydanticCustomError("empty_span", "end must be after start; 24:00 is the end of the day")
        return self


Spans = Annotated[list[Span], Field(max_length=100)]


class ProviderIn(Body):
    name: Name
    location_id: IdText
    languages: Annotated[list[Language], Field(max_length=30)] = []
    hours: Spans = []
    breaks: Spans = []


class ProviderChange(Body):
    name: Name | None = None
    location_id: IdText | None = None
    languages: Annotated[list[Language], Field(max_length=30)] | None = None
    hours: Spans | None = None
    breaks: Spans | None = None
    active: Flag | None = None


class SpanOut(Out):
    weekday: str
    start: str
    end: str


class ProviderOut(Out):
    id: str
    name: str
    location_id: str
    languages: list[str]
    hours: list[SpanOut]
    breaks: list[SpanOut]
    active: bool


class ProviderPage(Out):
    items: list[ProviderOut]
    next_cursor: str | None


class ExceptionIn(Body):
    """Days that differ from the week: closed (leave, illness) or open (an extra Saturday)."""

    first_day: Day
    last_day: Day
    open: Flag = False
    start: WallTime = "00:00"
    end: WallTime = "24:00"
    note: Note | None = None

    @model_validator(mode="after")
    def _ordered(self) -> ExceptionIn:
        if self.first_day > self.last_day or self.start >= self.end:
            raise PydanticCustomError("empty_span", "the end must not be before the start")
        return self


class ExceptionOut(Out):
    id: str
    first_day: str
    last_day: str
    open: bool
    start: str
    end: str
    note: str | None


class ExceptionPage(Out):
    items: list[ExceptionOut]
    next_cursor: str | None


class ServiceIn(Body):
    name: Name
    duration_minutes: Length
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    slot_minutes: Grid | None = Field(default=None, description="Grid of offered starts; default: duration")
    min_notice_minutes: Notice = 0
    horizon_days: Horizon = 365
    cancel_cutoff_minutes: Notice = Field(default=0, description="Patients cancel and move by themselves until then")
    value: MoneyIn | None = None
    provider_ids: Ids = []
    reminder_policy_id: IdText | None = None


class ServiceChange(Body):
    name: Name | None = None
    duration_minutes: Length | None = None
    buffer_before_minutes: Buffer | None = None
    buffer_after_minutes: Buffer | None = None
    slot_minutes: Grid | None = None
    min_notice_minutes: Notice | None = None
    horizon_days: Horizon | None = None
    cancel_cutoff_minutes: Notice | None = None
    value: MoneyIn | None = None
    provider_ids: Ids | None = None
    reminder_policy_id: IdText | None = None
    active: Flag | None = None


class ServiceOut(Out):
    id: str
    name: str
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    slot_minutes: int
    min_notice_minutes: int
    horizon_days: int
    cancel_cutoff_minutes: int
    value: MoneyOut | None
    provider_ids: list[str]
    reminder_policy_id: str | None
    active: bool


class ServicePage(Out):
    items: list[ServiceOut]
    next_cursor: str | None


class StepIn(Body):
    """One nudge. ``offset`` is a negative ISO 8601 duration relative to the start; ``channels`` are tried in order."""

    offset: IsoDuration
    channels: Annotated[list[Literal["sms", "voice", "email"]], Field(min_length=1, max_length=3)] = ["sms"]
    unless_confirmed: Flag = False
    fallback_after: IsoDuration | None = None
    not_after: IsoDuration | None = None

    @field_validator("offset")
    @classmethod
    def _before_the_start(cls, value: str) -> str:
        if Duration.parse(value) >= Duration():
            raise PydanticCustomError("not_before_start", "offset must lie before the start, for example -P1D")
        return value

    @field_validator("channels")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise PydanticCustomError("repeated", "each channel may be named once")
        return value

    @model_validator(mode="after")
    def _may_go_out(self) -> StepIn:
        """``not_after`` closer to the visit than the step itself, else it would be too late from the beginning."""
        longest = abs(Duration.parse(self.offset)).approximate
        if self.not_after and abs(Duration.parse(self.not_after)).approximate > longest:
            raise PydanticCustomError("never_in_time", "not_after must not be longer than the offset")
        return self


class QuietHoursIn(Body):
    start: WallTime
    end: WallTime


Steps = Annotated[list[StepIn], Field(max_length=10)]
Notices = list[Literal["moved", "cancelled"]]


class PolicyIn(Body):
    """``quiet_hours``: null for none at all, left out for the country's default."""

    name: Name
    steps: Steps
    quiet_hours: QuietHoursIn | None = None
    notices: Notices = ["moved", "cancelled"]


class PolicyChange(Body):
    name: Name | None = None
    steps: Steps | None = None
    quiet_hours: QuietHoursIn | None = None
    notices: Notices | None = None


class PolicyOut(Out):
    id: str
    name: str
    steps: list[dict[str, Any]]
    quiet_hours: dict[str, str] | None = None
    quiet_hours_from: Literal["policy", "country", "none"]
    notices: list[str]


class PolicyPage(Out):
    items: list[PolicyOut]
    next_cursor: str | None
