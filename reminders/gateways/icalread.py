"""iCalendar in, second stage: what an event of a stranger says, in our terms. ``icalendar`` and ``recurring_ical_events``
do the reading; whatever they stumble over becomes an ``Unreadable`` with a code, never an exception of theirs."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from reminders.domain.ports import Occupied, Unreadable
from reminders.domain.recurrence import brought_near, fault

#: What parsers of other people's data were seen to raise.
_STUMBLES = (
    ValueError, LookupError, ArithmeticError, AttributeError, TypeError, RuntimeError, AssertionError, OSError
)  # fmt: skip
_ZONE_BLOCK = re.compile(r"BEGIN:VTIMEZONE\r?\n.*?END:VTIMEZONE\r?\n", re.DOTALL | re.IGNORECASE)
_ZONE_NAME = re.compile(r"^TZID(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_RECURS = re.compile(r"^(?:RRULE|RDATE)[;:]", re.MULTILINE | re.IGNORECASE)
_WITHOUT_END = timedelta(minutes=30)
_MOST = 5000


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
        events = list(_parsed(text).walk("VEVENT"))
        master = next((event for event in events if "RECURRENCE-ID" not in event), events[0] if events else None)
        if master is None:
            raise Unreadable("no_event")
        return _seen(master, zone, recurs=_recurs(text) or len(events) > 1)
    except _STUMBLES as problem:
        raise Unreadable("unreadable") from problem


def occupied(text: str, zone: ZoneInfo, since: datetime, until: datetime) -> Occupied:
    """When an event (a series with its exceptions) takes time within [since, until). Cancelled and transparent
    occurrences take none; all-day ones take the days of ``zone``, and so do times without one. Raises ``Unreadable``."""
    wrong = fault(text)
    if wrong is not None:
        raise Unreadable(wrong)
    try:
        recurs = _recurs(text)
        calendar = _parsed(brought_near(text, since) if recurs else text)
        return Occupied(tuple(_spans(calendar, zone, since, until, recurs)), recurs)
    except _STUMBLES as problem:
        raise Unreadable("unreadable") from problem


def _spans(
    calendar: Any, zone: ZoneInfo, since: datetime, until: datetime, recurs: bool
) -> Iterator[tuple[datetime, datetime]]:
    events: Sequence[Any] = calendar.walk("VEVENT")
    if not events:
        raise Unreadable("no_event")
    if recurs or len(events) > 1:
        # a day more on both sides: the library compares times without a zone as UTC
        around = (since - timedelta(days=1), until + timedelta(days=1))
        events = recurring_ical_events.of(calendar, skip_bad_series=False).between(*around)
    if len(events) > _MOST:
        raise Unreadable("recurs_too_often")
    for event in events:
        span = _span(event, zone)
        if span is None:
            raise Unreadable("no_start")
        takes = _word(event, "STATUS") != "CANCELLED" and _word(event, "TRANSP") != "TRANSPARENT"
        if takes and span[1] > since and span[0] < until and span[1] > span[0]:
            yield span


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
        return icalendar.Calendar.from_ical(_own_zones(text))


def _own_zones(text: str) -> str:
    """Zones that this document defines itself get names that no other document uses: the library remembers a name for
    the life of the process, and two programs may mean different things by "Custom". Names of the IANA stay."""
    for block in dict.fromkeys(_ZONE_BLOCK.findall(text)):
        named = _ZONE_NAME.search(block)
        name = named[1].strip() if named else ""
        if name and not _is_known(name):
            unique = f"{name}-{hashlib.sha256(block.encode()).hexdigest()[:8]}"
            used = re.compile(rf'(TZID(?:;[^:\r\n]*)?[=:]"?){re.escape(name)}(?=["\r\n;:])')
            text = used.sub(partial(_renamed, unique), text)
    return text


def _renamed(unique: str, found: re.Match[str]) -> str:
    return f"{found[1]}{unique}"


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
