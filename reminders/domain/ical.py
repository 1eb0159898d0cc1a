"""iCalendar out (RFC 5545): events as text, without a library in between.

A feed is rendered once per version of a visit and then only joined, so ``vevent`` returns the finished text of one
event and ``vcalendar`` puts such texts together. Lines end in CRLF and are folded at 75 octets (3.1), text is escaped
(3.3.11), times carry the venue's zone (3.3.5) whose VTIMEZONE comes from ``domain/icalzone.py``. Everything written
depends on its arguments alone: the same event gives the same bytes, so that an ETag stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from reminders.domain.icalzone import vtimezone

PRODID = "-//reminders//Appointments//EN"
_OCTETS = 75
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_ENDINGS = re.compile(r"\r\n?|[\x85\u2028\u2029]")
#: What no text may hold (RFC 5545 section 3.1, CONTROL): C0 but tab and line feed, and DEL; halves of surrogate pairs
#: cannot be written as UTF-8.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PLAIN = re.compile(r"[\w .:/@+-]*", re.ASCII)


class EventStatus(StrEnum):
    """RFC 5545 section 3.8.1.11, for events."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


class Method(StrEnum):
    """What a calendar sent to somebody asks for (RFC 5546). A calendar kept on a server has none."""

    PUBLISH = "PUBLISH"
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Person:
    """Who invites, or who is invited: an e-mail address and the name shown for it."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One visit as a calendar shows it.

    ``uid`` is the visit's public id, the same in feeds, mails and on servers. ``sequence`` rises with every new time and
    with the cancellation, nothing else (RFC 5546 section 2.1.4). ``stamp`` is the moment of the visit's last change, in
    a mail the moment of sending. ``accepted``: what is known of the attendee's answer. ``start`` and ``end`` are moments; they are written in ``zone``.
    """

    uid: str
    start: datetime
    end: datetime
    zone: ZoneInfo
    summary: str
    stamp: datetime
    sequence: int = 0
    status: EventStatus = EventStatus.CONFIRMED
    created: datetime | None = None
    location: str = ""
    description: str = ""
    url: str = ""
    transparent: bool = False
    organizer: Person | None = None
    attendee: Person | None = None
    accepted: bool = False
    private: bool = False


def vevent(event: Event) -> str:
    """One event as it stands in a calendar, from BEGIN to END."""
    return f"{head(event)}{tail(event)}"


def head(event: Event) -> str:
    """The part of an event that everybody may see: identity, time and status. ``tail`` closes it."""
    changed = utc(event.stamp)
    created = f"CREATED:{utc(event.created)}\r\n" if event.created else ""
    return (
        f"BEGIN:VEVENT\r\n{line('UID', event.uid)}DTSTAMP:{changed}\r\n{created}LAST-MODIFIED:{changed}\r\n"
        f"SEQUENCE:{event.sequence}\r\n{moment('DTSTART', event.start, event.zone)}"
        f"{moment('DTEND', event.end, event.zone)}STATUS:{event.status}\r\n"
        f"TRANSP:{'TRANSPARENT' if event.transparent else 'OPAQUE'}\r\n"
    )


def tail(event: Event) -> str:
    """The part of an event that depends on who looks at it, with its end."""
    lines = [text("SUMMARY", event.summary)]
    if event.location:
        lines.append(text("LOCATION", event.location))
    if event.description:
        lines.append(text("DESCRIPTION", event.description))
    if event.url:
        lines.append(line("URL", event.url))
    if event.private:
        lines.append("CLASS:PRIVATE\r\n")
    if event.organizer:
        lines.append(person("ORGANIZER", event.organizer))
    if event.attendee:
        said = "ACCEPTED" if event.accepted else "NEEDS-ACTION;RSVP=TRUE"
        lines.append(person("ATTENDEE", event.attendee, f"ROLE=REQ-PARTICIPANT;PARTSTAT={said}"))
    lines.append("END:VEVENT\r\n")
    return "".join(lines)


def vcalendar(
    events: Iterable[str], zones: Iterable[tuple[ZoneInfo, int]] = (), *, method: Method | None = None,
    properties: str = "",
) -> str:  # fmt: skip
    """A calendar of finished events. ``zones`` are the zones they are written in, each with the first year that occurs;
    ``properties`` are finished lines about the calendar itself."""
    about = f"METHOD:{method}\r\n" if method else ""
    parts = [
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nCALSCALE:GREGORIAN\r\n{about}{properties}",
        *[vtimezone(zone, year) for zone, year in zones if not is_utc(zone)],
        *events,
        "END:VCALENDAR\r\n",
    ]
    return "".join(parts)


def single(event: Event, method: Method | None = None) -> str:
    """A calendar of one event: what goes into a mail or onto a server."""
    return vcalendar([vevent(event)], [(event.zone, event.start.astimezone(event.zone).year)], method=method)


def moment(name: str, value: datetime, zone: ZoneInfo) -> str:
    """A property whose value is a moment, in local time with its zone, or in UTC."""
    if is_utc(zone):
        return f"{name}:{utc(value)}\r\n"
    local = value.astimezone(zone)
    return f"{name};TZID={zone.key}:{local:%Y%m%dT%H%M%S}\r\n"


def utc(value: datetime) -> str:
    """A moment in UTC, to the second (3.3.5, form 2)."""
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def is_utc(zone: ZoneInfo) -> bool:
    return zone.key in {"UTC", "Etc/UTC"}


def text(name: str, value: str) -> str:
    """A property whose value is text."""
    return line(name, escaped(value))


def escaped(value: str) -> str:
    """Text with what has a meaning in iCalendar escaped (3.3.11), and without what it cannot hold."""
    if _PLAIN.fullmatch(value):
        return value
    return _FORBIDDEN.sub("", _ENDINGS.sub("\n", value)).translate(_ESCAPES)


def person(name: str, someone: Person, parameters: str = "") -> str:
    """A property whose value is a person's mail address (3.3.3)."""
    shown = f';CN="{quoted(someone.name)}"' if someone.name else ""
    more = f";{parameters}" if parameters else ""
    return line(f"{name}{shown}{more}", f"mailto:{someone.email}")


def quoted(value: str) -> str:
    """A parameter's value between quotation marks: quotation marks and line ends as RFC 6868 writes them."""
    plain = _FORBIDDEN.sub("", _ENDINGS.sub("\n", value))
    return plain.replace("^", "^^").replace("\n", "^n").replace('"', "^'")


def line(name: str, value: str) -> str:
    """``name:value`` as one content line, folded if need be. ``value`` is written as it is."""
    whole = f"{name}:{value}"
    return f"{whole}\r\n" if len(whole) <= _OCTETS and whole.isascii() else fold(whole)


def fold(whole: str) -> str:
    """A content line cut into pieces of at most 75 octets (3.1), never within a character."""
    data = whole.encode()
    pieces, start, room = [], 0, _OCTETS
    while len(data) - start > room:
        end = start + room
        while data[end] & 0xC0 == 0x80:  # a continuation byte of UTF-8 (RFC 3629)
            end -= 1
        pieces.append(data[start:end])
        start, room = end, _OCTETS - 1  # the space that marks a continuation counts
    pieces.append(data[start:])
    return b"\r\n ".join(pieces).decode() + "\r\n"
