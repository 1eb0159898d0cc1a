"""Our side of an event laid over what a program sent: what belongs to us is replaced, all else stays as it was.

Alarms, attachments, colours, places with coordinates and whatever else a program keeps in an event is none of our
business, and must still be there when it reads the event again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

#: Properties of an event that are the visit's own; a program's values for them do not survive. Without ORGANIZER and
#: ATTENDEE no program starts writing to patients (RFC 6638).
OURS = frozenset({
    "UID", "DTSTAMP", "CREATED", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "DURATION", "STATUS", "TRANSP",
    "SUMMARY", "LOCATION", "ORGANIZER", "ATTENDEE", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "METHOD",
})  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]+")


def overlay(ours: str, theirs: str) -> str:
    """The event of ``ours`` with everything of ``theirs`` that we have no say in. Both are calendars of one event."""
    kept_event, kept_calendar = _foreign(theirs)
    before, rest = ours.split("BEGIN:VTIMEZONE", 1) if "BEGIN:VTIMEZONE" in ours else ours.split("BEGIN:VEVENT", 1)
    marker = "BEGIN:VTIMEZONE" if "BEGIN:VTIMEZONE" in ours else "BEGIN:VEVENT"
    event, end = rest.rsplit("END:VEVENT\r\n", 1)
    return f"{before}{kept_calendar}{marker}{event}{kept_event}END:VEVENT\r\n{end}"


def _foreign(theirs: str) -> tuple[str, str]:
    """What a program added to the event, and to the calendar around it, still folded as it sent it."""
    event, around = [], []
    for path, line in _lines(theirs):
        name = _NAME.match(line)
        if name is None:
            continue
        if path[:2] == ("VCALENDAR", "VEVENT") and (len(path) > 2 or name[0].upper() not in OURS):
            event.append(line)
        elif path == ("VCALENDAR",) and name[0].upper().startswith("X-"):
            around.append(line)
    return "".join(event), "".join(around)


def _lines(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each content line as it was folded, ended by CRLF, with the components it is in. BEGIN and END of a component
    count as inside of it; those of the event and the calendar themselves are left out."""
    path: tuple[str, ...] = ()
    for line in _content_lines(text):
        upper = line.rstrip("\r\n").upper()
        if upper.startswith("BEGIN:"):
            path = (*path, upper[6:].strip())
            if len(path) > 2:
                yield path, line
        elif upper.startswith("END:"):
            if len(path) > 2:
                yield path, line
            path = path[:-1]
        else:
            yield path, line


def _content_lines(text: str) -> Iterator[str]:
    """Content lines (RFC 5545 section 3.1) with their continuations, each ended by CRLF."""
    whole = ""
    for line in re.split(r"\r\n|\n|\r", text):
        if line[:1] in {" ", "\t"} and whole:
            whole += f"{line}\r\n"
        else:
            if whole:
                yield whole
            whole = f"{line}\r\n" if line else ""
    if whole:
        yield whole
