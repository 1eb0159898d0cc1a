"""iCalendar that calendar programs send (RFC 5545): what an event says about time, for our rules.

``icalendar`` reads it, ``recurring-ical-events`` repeats it. Nothing of it is rewritten: what a program sent is kept as
text. Everything that cannot be read becomes ``Unreadable``.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import icalendar
import recurring_ical_events

from reminders.domain.dav import Sent
from reminders.domain.recurrence import brought_near, fault
from reminders.errors import Invalid

#: What is kept of an event that repeats without end: the first and the last moment we can write down.
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
NEVER = datetime(1900, 1, 1, tzinfo=UTC)
#: What a resource may hold; only events take up time.
KINDS = ("VEVENT", "VTODO", "VJOURNAL")
#: How many times of one event are looked at, at most.
MOST_OCCURRENCES = 2000
#: What the libraries raise over calendars that are none.
TROUBLE = (
    ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, AssertionError, OSError
)  # fmt: skip
#: What repeats is worked out so far before ``until``: what is long past blocks no time.
_REACH = timedelta(days=5 * 366 + 31)
_TOO_OFTEN = "This event repeats too often, or by a rule that is none."
_REPEATS = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")


class Unreadable(Invalid):
    """This is not a calendar of one event. ``condition`` is the precondition of RFC 4791 section 5.3.2.1."""

    code = "calendar_unreadable"
    sentence = "This is not an iCalendar event that can be read."

    def __init__(self, sentence: str | None = None, condition: str = "C:valid-calendar-data") -> None:
        super().__init__(sentence, field="body")
        self.condition = condition


def read(data: bytes, zone: tzinfo, until: datetime) -> Sent:
    """The one event (or task, or journal) in a calendar. Wall times without a zone, and whole days, are those of ``zone``. What repeats is
    looked at up to ``until``."""
    try:
        text = data.decode()
        if fault(text) is not None:
            raise Unreadable(_TOO_OFTEN, "C:max-instances")
        return _sent(text, parsed(text), zone, until)
    except Unreadable:
        raise
    except TROUBLE as problem:
        raise Unreadable() from problem


def parsed(text: str) -> icalendar.Calendar:
    """The calendar in ``text``; ``Unreadable`` when it is none."""
    try:
        found = icalendar.Calendar.from_ical(text)
    except TROUBLE as problem:
        raise Unreadable() from problem
    if not isinstance(found, icalendar.Calendar):
        raise Unreadable()
    return found


def _sent(text: str, calendar: icalendar.Calendar, zone: tzinfo, until: datetime) -> Sent:
    parts = _parts(calendar)
    master = next((part for part in parts if "RECURRENCE-ID" not in part), parts[0])
    recurring = len(parts) > 1 or any(name in part for part in parts for name in _REPEATS)
    start, end = span(master, zone) if "DTSTART" in master else (NEVER, FOREVER)
    cancelled, is_event = _is(master, "STATUS", "CANCELLED"), master.name == "VEVENT"
    if is_event and recurring:
        blocked = [
            span(one, zone) for one in occurrences(text, max(start, until - _REACH), until, zone) if not _is_free(one)
        ]
    else:
        blocked = [(start, end)] if is_event and not cancelled and not _is_free(master) else []
    everywhere = recurring or not is_event  # what a search asks of these is worked out then
    return Sent(
        text=text, uid=str(master["UID"]), start=start, end=end, all_day=not isinstance(_begin(master), datetime),
        recurring=recurring, cancelled=cancelled, blocked=tuple(sorted(blocked)),
        reach=(NEVER, FOREVER) if everywhere else (start, end), until=until if is_event and recurring else None,
    )  # fmt: skip


def _begin(part: Any) -> Any:
    return part["DTSTART"].dt if "DTSTART" in part else NEVER


def _parts(calendar: icalendar.Calendar) -> list[Any]:
    """The event, task or journal with its exceptions; ``Unreadable`` for anything else that may stand in a calendar."""
    if calendar.walk("VFREEBUSY"):
        raise Unreadable("Busy times are worked out, not stored.", "C:supported-calendar-component")
    parts: list[Any] = [part for name in KINDS for part in calendar.walk(name)]
    if len({(part.name, str(part.get("UID", ""))) for part in parts}) != 1 or "UID" not in parts[0]:
        raise Unreadable("A resource holds one event with its UID.", "C:valid-calendar-object-resource")
    if parts[0].name == "VEVENT" and any("DTSTART" not in part for part in parts):
        raise Unreadable("An event has a beginning.")
    if "METHOD" in calendar:
        raise Unreadable("What is stored has no METHOD.", "C:valid-calendar-object-resource")
    return parts


def _is(event: Any, name: str, value: str) -> bool:
    return str(event.get(name, "")).upper() == value


def _is_free(event: Any) -> bool:
    return _is(event, "TRANSP", "TRANSPARENT")


def span(event: Any, zone: tzinfo) -> tuple[datetime, datetime]:
    """From when to when an event lasts, in UTC. Without an end it lasts a day if it is of whole days, else no time."""
    start, end = event["DTSTART"].dt, event.get("DTEND", event.get("DUE"))
    first = moment(start, zone)
    if end is not None:
        last = moment(end.dt, zone)
    elif "DURATION" in event:
        last = _after(start, first, event["DURATION"].dt, zone)
    else:
        last = first if isinstance(start, datetime) else moment(start + timedelta(days=1), zone)
    if last < first:
        raise Unreadable("The event ends before it begins.")
    return first, last


def _after(start: date, first: datetime, duration: timedelta, zone: tzinfo) -> datetime:
    """A duration in hours is exact, whatever clocks do meanwhile; whole days follow the calendar."""
    return first + duration if isinstance(start, datetime) else moment(start + duration, zone)


def moment(value: date, zone: tzinfo) -> datetime:
    """A date or time of a calendar as a moment in UTC."""
    whole = value if isinstance(value, datetime) else datetime.combine(value, time())
    return (whole if whole.tzinfo else whole.replace(tzinfo=zone)).astimezone(UTC)


def occurrences(text: str, since: datetime, until: datetime, zone: tzinfo) -> Sequence[Any]:
    """Every time an event happens between ``since`` and ``until``, as events of their own. Those called off are left
    out (the library returns them)."""
    try:
        found = _repeats(text, since, until, zone)
        return [one for one in found[:MOST_OCCURRENCES] if not _is(one, "STATUS", "CANCELLED")]
    except TROUBLE as problem:
        raise Unreadable() from problem


def _repeats(text: str, since: datetime, until: datetime, zone: tzinfo) -> Sequence[Any]:
    calendar = parsed(brought_near(text, since, until))
    with warnings.catch_warnings():  # about a rule that counts and ends, too
        warnings.simplefilter("ignore")
        found: Sequence[Any] = recurring_ical_events.of(calendar, components=KINDS).between(
            since.astimezone(zone), until.astimezone(zone)
        )
    return found


def expanded(text: str, since: datetime, until: datetime, zone: tzinfo) -> str:
    """The calendar with its repeats written out, in UTC (RFC 4791 section 9.6.5)."""
    whole = icalendar.Calendar()
    for name, value in parsed(text).items():
        whole.add(name, value)
    for one in _repeats(text, since, until, zone):
        whole.add_component(_in_utc(one, zone))
    return str(whole.to_ical().decode())


def _in_utc(one: Any, zone: tzinfo) -> Any:
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        if name in one and isinstance(one[name].dt, datetime):
            value = moment(one.pop(name).dt, zone)
            one.add(name, value)
    for name in ("RRULE", "RDATE", "EXDATE"):
        one.pop(name, None)
    return one
