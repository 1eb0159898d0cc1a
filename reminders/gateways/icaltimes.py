"""When something in a calendar happens, for searches (RFC 4791 section 9.9)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from reminders.gateways.icalobjects import FOREVER, KINDS, NEVER, TROUBLE, Unreadable, moment, occurrences, parsed, span

#: An open end of a search among what repeats without end: this far is looked.
_AHEAD = timedelta(days=3660)
_DAY = timedelta(days=1)


def happening(text: str, kinds: Collection[str], since: datetime, until: datetime, zone: tzinfo) -> Sequence[Any]:
    """The components of a resource that happen between, each repeat as one of its own. What cannot be read happens
    never."""
    try:
        parts = [part for part in parsed(text).walk() if part.name in kinds]
        if (since, until) == (NEVER, FOREVER):
            return parts
        if any(name in part for part in parts for name in ("RRULE", "RDATE")):
            return _repeated(text, kinds, since, until, zone)
        return [part for part in parts if _is_in(part, since, until, zone)]
    except (Unreadable, *TROUBLE):
        return []


def alarm(outer: Any, part: Any, zone: tzinfo) -> datetime | None:
    """When an alarm first rings; ``None`` when it says nothing about that."""
    try:
        trigger = part["TRIGGER"]
        if not isinstance(trigger.dt, timedelta):
            return moment(trigger.dt, zone)
        start, end = span(outer, zone)
        return (end if trigger.params.get("RELATED", "START").upper() == "END" else start) + trigger.dt
    except TROUBLE:
        return None


def _repeated(text: str, kinds: Collection[str], since: datetime, until: datetime, zone: tzinfo) -> list[Any]:
    if until == FOREVER:
        until = max(since, _begin(text, zone)) + _AHEAD
    if since == NEVER:
        since = _begin(text, zone) - _DAY
    return [one for one in occurrences(text, since, until, zone) if one.name in kinds]


def _begin(text: str, zone: tzinfo) -> datetime:
    parts: list[Any] = [part for part in parsed(text).walk() if "DTSTART" in part and part.name in KINDS]
    return min(moment(part["DTSTART"].dt, zone) for part in parts)


def _is_in(part: Any, since: datetime, until: datetime, zone: tzinfo) -> bool:
    if part.name == "VTODO":
        return _todo(part, since, until, zone)
    if "DTSTART" not in part:
        return False
    start, end = span(part, zone)
    return start < until and (end > since or start == end >= since)


def _todo(part: Any, since: datetime, until: datetime, zone: tzinfo) -> bool:
    """The table for tasks: by beginning and end if there are any, else by when they were made and done."""
    begin, due, done, made = (
        moment(part[name].dt, zone) if name in part else None for name in ("DTSTART", "DUE", "COMPLETED", "CREATED")
    )
    if begin is not None:
        last = due or (begin + part["DURATION"].dt if "DURATION" in part else begin)
        return begin < until and (last > since or begin >= since) if last > begin else since <= begin < until
    if due is not None:
        return since < due <= until or since <= due < until
    if done is not None:
        return (made or done) <= until and done >= since
    return made is None or made < until
