"""iCalendar in, second stage: what an event of a stranger says, in our terms. ``icalendar`` and ``recurring_ical_events``
do the reading; whatever they stumble over becomes an ``Unreadable`` with a code, never an exception of theirs."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from reminders.domain.icalmend import MOST_DATES, PART_LEFT_OUT, mended
from reminders.domain.ports import Occupied, Unreadable
from reminders.domain.recurrence import fault

#: What parsers of other people's data were seen to raise.
_STUMBLES = (
    ValueError, LookupError, ArithmeticError, AttributeError, TypeError, RuntimeError, AssertionError, OSError
)  # fmt: skip
#: A time zone, ended before the next one begins; so no file takes long to look through.
_ZONE_BLOCK = re.compile(
    r"^BEGIN:VTIMEZONE\r?\n(?:(?!BEGIN:VTIMEZONE|END:VTIMEZONE).*\n)*END:VTIMEZONE\r?\n", re.MULTILINE | re.IGNORECASE
)  # fmt: skip
_ZONE_NAME = re.compile(r"^TZID(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_RECURS = re.compile(r"^(?:RRULE|RDATE)[;:]", re.MULTILINE | re.IGNORECASE)
_WITHOUT_END = timedelta(minutes=30)
#: "GMT+02:00", as telephones name it.
_FIXED = re.compile(r"(?:GMT|UTC)([+-])(0?[0-9]|1[0-2])(?::?00)?")
_PROBE = 'BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID="{}":20300101T000000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n'


@dataclass(frozen=True, slots=True)
class Seen:
    """One event, not expanded. ``start`` and ``end`` are ``None`` where it has none that can be read."""

    uid: str
    start: datetime | None
    end: datetime | None
    status: str
    transparent: bool
    summary: str
    location: str
    description: str
    recurs: bool
    sequence: int
    properties: dict[str, str]


def first_event(text: str, zone: ZoneInfo) -> Seen:
    """The master event of a calendar object (of one UID); raises ``Unreadable``."""
    try:
        events = list(_parsed(_own_zones(text)).walk("VEVENT"))
        master = next((event for event in events if "RECURRENCE-ID" not in event), events[0] if events else None)
        if master is None:
            raise Unreadable("no_event")
        return _seen(master, zone, recurs=_recurs(text) or len(events) > 1)
    except _STUMBLES as problem:
        raise Unreadable("unreadable") from problem


def occupied(text: str, zone: ZoneInfo, since: datetime, until: datetime) -> Occupied:
    """When the events of ``text`` take time: single ones however far ahead, series within [since, until). Cancelled and
    transparent occurrences take none; all-day ones take the days of ``zone``, and so do times without one. Raises
    ``Unreadable`` when nothing of it can be read."""
    zones = _Zones(text)
    found = mended(text, zone, zones.name, since, until)
    spans, wrong, read = list[tuple[datetime, datetime]](), list(found.broken), 0
    for one in found.singles + found.series:
        try:
            spans += _spans(zones.calendar(one), zone, since, until if one in found.series else None)
            read += 1
        except Unreadable as problem:
            wrong.append(problem.code)
        except _STUMBLES:
            wrong.append("unreadable")
    if wrong and not read:
        raise Unreadable(wrong[0])
    doubts = found.doubts | ({PART_LEFT_OUT} if wrong else set())
    return Occupied(tuple(sorted(spans)), bool(found.series), frozenset(doubts))


class _Zones:
    """The time zones of one document. Those that it defines itself get names that no other document uses: the library
    remembers a name for the life of the process, and two programs may mean different things by "Custom"."""

    def __init__(self, text: str) -> None:
        self._own: dict[str, tuple[str, str]] = {}
        for block in _ZONE_BLOCK.findall(text):
            named = _ZONE_NAME.search(block)
            if named:
                self._own[named[1].strip()] = _unique(named[1].strip(), block), block

    def name(self, name: str) -> str | None:
        """What the library knows a zone by; ``None`` for one that neither it nor the document knows."""
        unique, block = self._own.get(name, ("", ""))
        if _is_known(name):
            return name
        if _is_sound(block, unique):
            return unique
        fixed = _FIXED.fullmatch(name)
        if fixed:  # the IANA counts the other way round
            return f"Etc/GMT{'-' if fixed[1] == '+' else '+'}{int(fixed[2])}"
        return _guessed(name)

    def calendar(self, events: str) -> str:
        """A calendar of these events with the zones that they name."""
        used = [_renamed(block, unique) for unique, block in self._own.values() if f";TZID={unique}:" in events]
        return f"BEGIN:VCALENDAR\r\n{''.join(used)}{events}END:VCALENDAR\r\n"


def _unique(name: str, block: str) -> str:
    return f"own-{hashlib.sha256(f'{name}:{block}'.encode(errors='replace')).hexdigest()[:16]}"


def _renamed(block: str, unique: str) -> str:
    return _ZONE_NAME.sub(f"TZID:{unique}", block, count=1)


@lru_cache(maxsize=64)
def _is_sound(block: str, unique: str) -> bool:
    """The definition of a zone can be read, and says what time it is."""
    if not block or fault(block) is not None:
        return False
    try:
        defined: Any = icalendar.Timezone.from_ical(_renamed(block, unique))
        zone = defined.to_tz(lookup_tzid=False)
        return all(datetime(2030, month, 1, tzinfo=zone).utcoffset() is not None for month in (1, 7))
    except _STUMBLES:
        return False


@lru_cache(maxsize=256)
def _guessed(name: str) -> str | None:
    """What the IANA calls a zone that the library knows by another name, such as those of Windows."""
    try:
        start: Any = _parsed(_PROBE.format(name)).events[0].start
    except _STUMBLES:
        return None
    key = getattr(start.tzinfo, "key", "localtime")
    return None if key == "localtime" else str(key)


def _spans(
    text: str, zone: ZoneInfo, since: datetime, until: datetime | None
) -> list[tuple[datetime, datetime]]:  # fmt: skip
    """When one event takes time, or a series until ``until``."""
    calendar = _parsed(text)
    events: Sequence[Any] = calendar.walk("VEVENT")
    if until is not None:
        # a day more on both sides: the library compares times without a zone as UTC
        around = (since - timedelta(days=1), until + timedelta(days=1))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            events = recurring_ical_events.of(calendar, skip_bad_series=False).between(*around)
    if len(events) > MOST_DATES:
        raise Unreadable("recurs_too_often")
    return [span for event in events if (span := _taken(event, zone, since, until))]


def _taken(
    event: Any, zone: ZoneInfo, since: datetime, until: datetime | None
) -> tuple[datetime, datetime] | None:  # fmt: skip
    span = _span(event, zone)
    if span is None:
        raise Unreadable("no_start")
    takes = _word(event, "STATUS") != "CANCELLED" and _word(event, "TRANSP") != "TRANSPARENT"
    return span if takes and since < span[1] > span[0] and (until is None or span[0] < until) else None


def _span(event: Any, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Start and end in UTC (sync across a change of clocks: an end is an instant, a duration with a time part is exact,
    RFC 5545 section 3.3.6)."""
    start = _value(event, "DTSTART")
    if start is None:
        return None
    begin = _moment(start, zone)
    end, length = _value(event, "DTEND"), _value(event, "DURATION")
    whole_day = not isinstance(start, datetime)
    if end is not None and _moment(end, zone) > begin:
        return begin, _moment(end, zone)
    if isinstance(length, timedelta) and length > timedelta(0):
        if length.seconds or not length.days:
            return begin, begin + length
        return begin, _moment(start + timedelta(days=length.days), zone)
    return begin, _moment(start + timedelta(days=1), zone) if whole_day else begin + _WITHOUT_END


def _moment(value: Any, zone: ZoneInfo) -> datetime:
    """A date is its midnight, a time without a zone the venue's: both in ``zone``."""
    if not isinstance(value, datetime):
        if not isinstance(value, date):
            raise Unreadable("no_start")
        value = datetime.combine(value, time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone)
    moment: datetime = value.astimezone(UTC)
    return moment


def _value(event: Any, name: str) -> Any:
    found = event.get(name)
    if isinstance(found, list):
        found = found[0] if found else None
    try:
        return None if found is None else getattr(found, "dt", getattr(found, "td", None))
    except _STUMBLES:
        if name == "DTSTART":
            raise
        return None  # an end that cannot be read is no end


def _word(event: Any, name: str) -> str:
    return _text(event, name).upper()


def _text(event: Any, name: str) -> str:
    found = event.get(name)
    if isinstance(found, list):
        found = found[0] if found else ""
    return str(found or "")


def _seen(event: Any, zone: ZoneInfo, *, recurs: bool) -> Seen:
    span = _span(event, zone)
    sequence = _text(event, "SEQUENCE")
    return Seen(
        uid=_text(event, "UID"), start=span[0] if span else None, end=span[1] if span else None,
        status=_word(event, "STATUS") or "CONFIRMED", transparent=_word(event, "TRANSP") == "TRANSPARENT",
        summary=_text(event, "SUMMARY"), location=_text(event, "LOCATION"), description=_text(event, "DESCRIPTION"),
        recurs=recurs, sequence=int(sequence) if sequence.isdecimal() else 0,
        properties={name: _text(event, name) for name in event if name.startswith("X-")},
    )  # fmt: skip


def _recurs(text: str) -> bool:
    """The rules of a time zone do not count."""
    return bool(_RECURS.search(_ZONE_BLOCK.sub("", text)))


def _parsed(text: str) -> Any:
    with warnings.catch_warnings():  # about guesses, which is what reading strangers' data is
        warnings.simplefilter("ignore")
        return icalendar.Calendar.from_ical(text)


def _own_zones(text: str) -> str:
    """The same document, its own zones under names of their own: see ``_Zones``."""
    for block in dict.fromkeys(_ZONE_BLOCK.findall(text)):
        named = _ZONE_NAME.search(block)
        name = named[1].strip() if named else ""
        if name and not _is_known(name):
            used = re.compile(rf'(TZID(?:;[^:\r\n]*)?[=:]"?){re.escape(name)}(?=["\r\n;:])')
            text = used.sub(rf"\g<1>{_unique(name, block)}", text)
    return text


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
