"""What a visit counts as in the attendance reports; ``docs/measures.md`` defines every figure in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminders.domain.appointment import OPEN, Status
from reminders.domain.measures import Rate, added, lead_band, rate

#: The channel of visits that were not reminded, and of those reminded in more than one way.
NO_CHANNEL, SEVERAL = "none", "several"
#: The hour of a visit imported without a time of day.
NO_HOUR = "unknown"


class AttendanceBy(StrEnum):
    """What the attendance report may be grouped by."""

    NONE = "none"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    WEEKDAY = "weekday"
    HOUR = "hour"
    WEEKDAY_HOUR = "weekday_hour"
    LOCATION = "location"
    PROVIDER = "provider"
    SERVICE = "service"
    LANGUAGE = "language"
    LEAD_TIME = "lead_time"
    CHANNEL = "channel"
    FIRST_VISIT = "first_visit"


#: What visits are added up by, day by day; the other groupings are made of these.
STORED = (
    AttendanceBy.NONE, AttendanceBy.WEEKDAY_HOUR, AttendanceBy.LOCATION, AttendanceBy.PROVIDER, AttendanceBy.SERVICE,
    AttendanceBy.LANGUAGE, AttendanceBy.LEAD_TIME, AttendanceBy.CHANNEL, AttendanceBy.FIRST_VISIT,
)  # fmt: skip


def stored_as(by: AttendanceBy) -> AttendanceBy:
    """The grouping that ``by`` is made of."""
    if by in {AttendanceBy.WEEKDAY, AttendanceBy.HOUR}:
        return AttendanceBy.WEEKDAY_HOUR
    return by if by in STORED else AttendanceBy.NONE


@dataclass(frozen=True, slots=True)
class Attendance:
    """Visits by what became of them. The first six counts are disjoint and add up to ``booked``; the last five are some
    of them again: ``late_cancelled`` and ``refilled`` of the cancelled, ``noshow_refilled`` of the no-shows, ``moved`` of
    all, ``assumed`` of the fulfilled: nobody noted it, and the location takes such visits for kept."""

    fulfilled: int = 0
    arrived: int = 0
    noshow: int = 0
    cancelled: int = 0
    unmarked: int = 0
    upcoming: int = 0
    late_cancelled: int = 0
    refilled: int = 0
    noshow_refilled: int = 0
    moved: int = 0
    assumed: int = 0

    def __add__(self, other: Attendance) -> Attendance:
        return added(self, other)

    @property
    def booked(self) -> int:
        return self.fulfilled + self.arrived + self.noshow + self.cancelled + self.unmarked + self.upcoming

    @property
    def known(self) -> int:
        """Visits whose outcome is known: the denominator of the no-show rate."""
        return self.fulfilled + self.arrived + self.noshow

    @property
    def rate(self) -> Rate | None:
        """No-shows among the visits whose outcome is known."""
        return rate(self.noshow, self.known)

    @property
    def lost(self) -> Rate | None:
        """No-shows and late cancellations among the visits whose outcome is known and the late cancellations."""
        return rate(self.noshow + self.late_cancelled, self.known + self.late_cancelled)


_PLACES = {field.name: place for place, field in enumerate(fields(Attendance))}


class Seen(NamedTuple):
    """One visit with everything it is counted by. ``first_channel`` and ``last_channel`` are the channels of the
    reminders that went out, in alphabetical order, ``None`` if none did; ``earlier_missed`` and ``earlier_kept`` count
    the patient's visits before this one; ``hour`` is ``None`` when the time of day is unknown."""

    day: date
    location_id: int
    provider_id: int | None
    service_id: int
    status: str
    end: datetime
    hour: int | None
    lead_days: int
    language: str
    first_channel: str | None
    last_channel: str | None
    earlier_missed: int
    earlier_kept: int
    late: bool
    moved: bool
    refilled: bool
    assumed: bool = False

    @property
    def reminded(self) -> bool:
        return self.first_channel is not None

    @property
    def channel(self) -> str:
        if self.first_channel is None:
            return NO_CHANNEL
        return self.first_channel if self.first_channel == self.last_channel else SEVERAL

    @property
    def first_visit(self) -> bool:
        """True when the patient neither came to nor missed a visit before."""
        return self.earlier_missed + self.earlier_kept == 0

    def outcome(self, now: datetime) -> str:
        """A final status, ``unmarked`` (over, nobody said how) or ``upcoming``."""
        if self.status not in OPEN:
            return self.status
        return "unmarked" if self.end <= now else "upcoming"


def counted(visit: Seen, now: datetime) -> tuple[str, ...]:
    """The counts of its groups that one visit raises by one."""
    names = [visit.outcome(now)]
    if visit.moved:
        names.append("moved")
    if visit.status == Status.CANCELLED:
        names += ["late_cancelled"] * visit.late + ["refilled"] * visit.refilled
    elif visit.status == Status.NOSHOW and visit.refilled:
        names.append("noshow_refilled")
    elif visit.assumed:
        names.append("assumed")
    return tuple(names)


def _weekday_hour(visit: Seen) -> str:
    hour = NO_HOUR if visit.hour is None else f"{visit.hour:02d}"
    return f"{visit.day.weekday()}-{hour}"


#: The group a visit belongs to, under each of ``STORED``.
GROUPS: Mapping[AttendanceBy, Callable[[Seen], str]] = {
    AttendanceBy.NONE: lambda _: "",
    AttendanceBy.WEEKDAY_HOUR: _weekday_hour,
    AttendanceBy.LOCATION: lambda visit: str(visit.location_id),
    AttendanceBy.PROVIDER: lambda visit: "" if visit.provider_id is None else str(visit.provider_id),
    AttendanceBy.SERVICE: lambda visit: str(visit.service_id),
    AttendanceBy.LANGUAGE: lambda visit: visit.language,
    AttendanceBy.LEAD_TIME: lambda visit: lead_band(visit.lead_days).value,
    AttendanceBy.CHANNEL: lambda visit: visit.channel,
    AttendanceBy.FIRST_VISIT: lambda visit: "first" if visit.first_visit else "later",
}


#: (day of the visit, grouping, group).
Cell = tuple[date, str, str]


def tally(visits: Iterable[Seen], now: datetime) -> dict[Cell, Attendance]:
    """Visits added up per day and group. Grouping by grouping, so that ``Counter`` does what every visit has to go
    through: a night looks at all visits of a day nine times."""
    seen = list(visits)
    marks = [(visit.day, counted(visit, now)) for visit in seen]
    sums: dict[Cell, list[int]] = defaultdict(lambda: [0] * len(_PLACES))
    for by in STORED:
        alike = Counter(zip(marks, map(GROUPS[by], seen), strict=True))
        for ((day, names), key), number in alike.items():
            cell = sums[day, by, key]
            for name in names:
                cell[_PLACES[name]] += number
    return {cell: Attendance(*counts) for cell, counts in sums.items()}


def local_hour(start: datetime, zone: ZoneInfo) -> int:
    """The hour on the venue's clock."""
    return start.astimezone(zone).hour
