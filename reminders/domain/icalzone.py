"""VTIMEZONE (RFC 5545 section 3.6.5) from the IANA data that Python has: what calendars need to show a venue's time.

Where the changes of clocks follow a yearly rule ("the last Sunday of March") they are written as one, because some
calendars read nothing else and it holds for years to come; else every change is listed.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
#: So many years after the first one are looked at; a rule that holds all that time is taken to go on.
_YEARS = 8
_SECOND = timedelta(seconds=1)
_STRIDE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of clocks: ``local`` is what the clock showed before it, the offsets and the name are those it leads to."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str
    summer: bool

    @property
    def kind(self) -> tuple[timedelta, timedelta, str, bool]:
        return self.before, self.after, self.name, self.summer


@lru_cache(maxsize=512)
def vtimezone(zone: ZoneInfo, first_year: int) -> str:
    """The component for ``zone``, right from the beginning of ``first_year`` on for eight years, and longer if the
    zone goes on changing its clocks by the same rule."""
    begin = datetime(first_year - 1, 1, 1, tzinfo=UTC)
    changes = list(_changes(zone, begin, datetime(first_year + _YEARS, 1, 1, tzinfo=UTC)))
    parts = [f"BEGIN:VTIMEZONE\r\nTZID:{zone.key}\r\n", _before(zone, begin)]
    parts += [_observance(same) for same in _by_kind(changes)]
    return "".join([*parts, "END:VTIMEZONE\r\n"])


def _before(zone: ZoneInfo, begin: datetime) -> str:
    """What holds before the first change of clocks that is listed; the only part for a zone without any."""
    local = begin.astimezone(zone)
    offset, summer = local.utcoffset() or timedelta(0), bool(local.dst())
    return _written(_Change(datetime(1970, 1, 1), offset, offset, local.tzname() or "", summer), "")  # noqa: DTZ001


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[_Change]:
    at, offset = begin, begin.astimezone(zone).utcoffset()
    while at < end:
        following = at + _STRIDE
        if following.astimezone(zone).utcoffset() != offset:
            when = _moment_of_change(zone, at, following)
            yield _change(zone, when)
            offset = when.astimezone(zone).utcoffset()
            following = when
        at = following


def _moment_of_change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The first second with another offset than at ``low``."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > _SECOND:
        middle = low + timedelta(seconds=int((high - low) / _SECOND) // 2)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
    return high


def _change(zone: ZoneInfo, when: datetime) -> _Change:
    local, earlier = when.astimezone(zone), (when - _SECOND).astimezone(zone)
    before, after = earlier.utcoffset() or timedelta(0), local.utcoffset() or timedelta(0)
    return _Change((when + before).replace(tzinfo=None), before, after, local.tzname() or "", bool(local.dst()))


def _by_kind(changes: Sequence[_Change]) -> list[list[_Change]]:
    kinds: dict[object, list[_Change]] = {}
    for change in changes:
        kinds.setdefault(change.kind, []).append(change)
    return list(kinds.values())


def _observance(same: Sequence[_Change]) -> str:
    """Changes of one kind, as a rule or as a list."""
    rule = _rule(same)
    if rule:
        return _written(same[0], f"RRULE:{rule}\r\n")
    return _written(same[0], "".join(f"RDATE:{change.local:%Y%m%dT%H%M%S}\r\n" for change in same[1:]))


def _rule(same: Sequence[_Change]) -> str:
    """The yearly rule that these changes follow; empty when they follow none."""
    first = same[0].local
    years = [change.local.year for change in same]
    alike = {(change.local.month, change.local.weekday(), change.local.time()) for change in same}
    if len(same) < _YEARS or len(alike) > 1 or years != list(range(years[0], years[0] + len(years))):
        return ""
    from_start = {(change.local.day - 1) // 7 + 1 for change in same}
    from_end = {_weeks_left(change.local) for change in same}
    place = -1 if from_end == {1} else from_start.pop() if len(from_start) == 1 else None
    return f"FREQ=YEARLY;BYMONTH={first.month};BYDAY={place}{_DAYS[first.weekday()]}" if place else ""


def _weeks_left(day: date) -> int:
    return (calendar.monthrange(day.year, day.month)[1] - day.day) // 7 + 1


def _written(change: _Change, repeats: str) -> str:
    kind = "DAYLIGHT" if change.summer else "STANDARD"
    return (
        f"BEGIN:{kind}\r\nDTSTART:{change.local:%Y%m%dT%H%M%S}\r\n{repeats}TZOFFSETFROM:{_offset(change.before)}\r\n"
        f"TZOFFSETTO:{_offset(change.after)}\r\nTZNAME:{change.name}\r\nEND:{kind}\r\n"
    )


def _offset(value: timedelta) -> str:
    """A UTC offset (3.3.14), with seconds only if there are any."""
    seconds = int(abs(value).total_seconds())
    digits = f"{seconds // 3600:02}{seconds % 3600 // 60:02}" + (f"{seconds % 60:02}" if seconds % 60 else "")
    return f"{'-' if value < timedelta(0) else '+'}{digits}"
