"""When a provider is open and which starts are still free.

Opening hours are wall time of the venue; everything is turned into UTC epoch seconds once per day, and the sweep over
visits works on integers only. Intervals are half-open: [start, end).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Interval = tuple[int, int]

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")  # iCalendar weekday codes, Monday first as in date.weekday()
DAY = 86400
#: Longer blocks of time have to be entered as days off.
LONGEST_BLOCK = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Hours:
    """A weekly span of wall time: ``start`` and ``end`` in minutes after midnight, ``end`` at most 1440."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DayException:
    """Days that differ from the week. ``open`` adds the span, otherwise it is taken away; no span means all day."""

    first: date
    last: date
    open: bool = False
    start: int = 0
    end: int = 1440

    def covers(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """One provider's week. Compared by identity, so that the openings of a day can be cached."""

    zone: ZoneInfo
    hours: tuple[Hours, ...] = ()
    breaks: tuple[Hours, ...] = ()
    exceptions: tuple[DayException, ...] = ()
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Need:
    """What a service takes, in seconds: the visit, the buffers around it and the grid on which starts are offered."""

    duration: int
    before: int = 0
    after: int = 0
    step: int = 900


def opens(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Epoch second at which a wall time begins; of two equal wall times the first, of a skipped one the shifted."""
    return int(_wall(day, minutes, zone, fold=0).timestamp())


def closes(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Epoch second from which clocks show ``minutes`` or later for good; of a skipped wall time the shifted.

    Of two equal wall times that is the second, unless it is the very time to which the clocks were put back: what ends
    then has ended the first time.
    """
    first, second = (int(_wall(day, minutes, zone, fold=fold).timestamp()) for fold in (0, 1))
    if first >= second:
        return first
    return int(_wall(day, minutes - 1, zone, fold=1).timestamp()) + 60


@lru_cache(maxsize=20_000)
def openings(timetable: Timetable, day: date) -> tuple[Interval, ...]:
    """The open intervals of one local day, breaks, exceptions and public holidays taken out; sorted, none meet.

    What is closed is taken out in UTC: a break in an hour that comes twice is kept from its first start to its last end.
    """
    spans = [(h.start, h.end) for h in timetable.hours if h.weekday == day.weekday()]
    if day in timetable.holidays:
        spans = []
    today = [e for e in timetable.exceptions if e.covers(day)]
    spans += [(e.start, e.end) for e in today if e.open]
    closed = [(b.start, b.end) for b in timetable.breaks if b.weekday == day.weekday()]
    closed += [(e.start, e.end) for e in today if not e.open]
    return tuple(subtract(_zoned(day, spans, timetable.zone), _zoned(day, closed, timetable.zone)))


def open_between(timetable: Timetable, start: int, end: int) -> Iterator[Interval]:
    """Open intervals of every local day that touches [start, end), in order."""
    for day in _local_days(timetable.zone, start, end):
        yield from openings(timetable, day)


@lru_cache(maxsize=1000)
def _local_days(zone: ZoneInfo, start: int, end: int) -> tuple[date, ...]:
    first = datetime.fromtimestamp(start, zone).date()
    last = datetime.fromtimestamp(max(start, end - 1), zone).date()
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def is_open(timetable: Timetable, start: int, end: int) -> bool:
    """True when the whole of [start, end) lies in one open interval."""
    return any(a <= start and end <= b for a, b in open_between(timetable, start - DAY, end + DAY))


def free_starts(timetable: Timetable, busy: Sequence[Interval], need: Need, window: Interval) -> list[int]:
    """Starts within ``window`` at which the visit and its buffers meet no busy interval.

    ``busy`` must be sorted by start. Buffers may reach outside opening hours, the visit itself may not. Between two
    busy intervals the starts are one arithmetic range: cost grows with the window, not with all that is booked.
    """
    starts: list[int] = []
    step, before, reach = need.step, need.before, need.duration + need.after
    index, count = 0, len(busy)
    for opening, closing in open_between(timetable, *window):
        low, last = max(opening, window[0]), min(closing - need.duration, window[1] - 1)
        while index < count and busy[index][1] + before <= low:
            index += 1
        for position in range(index, count):
            limit = busy[position][0] - reach
            if limit >= last:
                break
            if limit >= low:
                starts.extend(range(opening - (opening - low) // step * step, limit + 1, step))
            low = max(low, busy[position][1] + before)
        starts.extend(range(opening - (opening - low) // step * step, last + 1, step))
    return starts


def merge(spans: Iterable[Interval]) -> list[Interval]:
    """Sorted, non-overlapping spans that cover the same time."""
    merged: list[Interval] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def subtract(spans: Iterable[Interval], holes: Sequence[Interval]) -> list[Interval]:
    """``spans`` without ``holes``; both merged and sorted."""
    left: list[Interval] = []
    for begin, end in spans:
        start = begin
        for hole_start, hole_end in holes:
            if hole_end <= start or hole_start >= end:
                continue
            if start < hole_start:
                left.append((start, hole_start))
            start = max(start, hole_end)
        if start < end:
            left.append((start, end))
    return left


def _zoned(day: date, spans: Iterable[Interval], zone: ZoneInfo) -> list[Interval]:
    """Spans of wall time as UTC; one that the clocks skip altogether vanishes."""
    zoned = ((opens(day, start, zone), closes(day, end, zone)) for start, end in merge(spans))
    return merge((start, end) for start, end in zoned if start < end)


def _wall(day: date, minutes: int, zone: ZoneInfo, *, fold: int) -> datetime:
    midnight = datetime.combine(day, time(), zone)
    return (midnight + timedelta(minutes=minutes)).replace(fold=fold)
