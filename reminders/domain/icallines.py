"""iCalendar in, between both stages: the lines of an event that say when (RFC 5545 sections 3.1, 3.2, 3.3.4, 3.3.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

_FOLD = re.compile(r"\r?\n[ \t]")
_LINE_END = re.compile(r"\r\n|\n|\r")
_NAME = re.compile(r"[ \t]*([A-Za-z-]+)[ \t]*(?=[;:])")
_WANTED = frozenset({
    "DTSTART", "DTEND", "DURATION", "RRULE", "EXRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS", "TRANSP", "SEQUENCE",
    "X-MICROSOFT-CDO-BUSYSTATUS",
})  # fmt: skip
_PARAMETERS = re.compile(r'[^:"]*(?:"[^"]*"[^:"]*)*:')
#: A value that can only be a date, whatever colons stand before it: a zone called "(UTC+01:00) Madrid" needs quotes and
#: often has none.
_DATES = re.compile(r"[ \t]*[0-9]{8}(?:T|[^0-9]|$)", re.IGNORECASE)
_TZID = re.compile(r';[ \t]*TZID[ \t]*=[ \t]*("[^"]*"|[^;"]*)', re.IGNORECASE)
_STAMP = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2})(Z?))?")
_CALLED_OFF = frozenset({"CANCELLED", "CANCELED"})


class Stamp(NamedTuple):
    """A date or a time as it stands there. ``at`` is what the clock shows, whatever its ``tzinfo`` says; ``zone`` is "" where
    none is named, "Z" for UTC, else a name that the reader knows."""

    at: datetime
    whole: bool
    zone: str

    def written(self) -> str:
        """As a value (sections 3.3.4, 3.3.5)."""
        day = f"{self.at.year:04}{self.at:%m%d}"
        return day if self.whole else f"{day}T{self.at:%H%M%S}{'Z' if self.zone == 'Z' else ''}"

    def line(self, name: str) -> str:
        """As a property of this name, with its line end."""
        zone = f";TZID={self.zone}" if self.zone not in ("", "Z") else ""
        return f"{name}{';VALUE=DATE' if self.whole else zone}:{self.written()}\r\n"

    def at_home(self, zone: ZoneInfo) -> Stamp:
        """A time that names no zone is one of ``zone``."""
        return self if self.whole or self.zone else self._replace(zone=zone.key)


class Value(NamedTuple):
    """What stands before and after the colon of a property."""

    parameters: str
    text: str

    @property
    def zone(self) -> str:
        """TZID as it is written, without quotes; empty where there is none."""
        named = _TZID.search(self.parameters)
        return named[1].strip(' "\t') if named else ""


Event = Mapping[str, Sequence[Value]]


def stamp(text: str) -> Stamp | None:
    """A date, or a time, as the standard writes it (sections 3.3.4, 3.3.5) or as ISO 8601 does."""
    text = text.strip().upper()
    found = _STAMP.fullmatch(text)
    try:
        if found is None:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return Stamp(at.astimezone(UTC), whole=False, zone="Z")
            return Stamp(at.replace(tzinfo=UTC), whole="T" not in text, zone="")
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)  # a leap second is none of its own
        return Stamp(at, whole=found[4] is None, zone="Z" if found[7] else "")
    except (ValueError, OverflowError):
        return None


def events(text: str) -> Iterator[Event]:
    """The lines of each event that say when; what stands within an event, such as an alarm, is left out."""
    event: dict[str, list[Value]] | None = None
    depth = 0
    for line in _LINE_END.split(_FOLD.sub("", text)):
        head = line[:40].strip().upper()
        if head.startswith("BEGIN:"):
            if event is not None:
                depth += 1
            elif head == "BEGIN:VEVENT":
                event, depth = {}, 0
        elif event is None or (depth and not head.startswith("END:")):
            continue
        elif not head.startswith("END:"):
            _keep(event, line)
        elif depth:
            depth -= 1
        else:
            yield event
            event = None


def _keep(event: dict[str, list[Value]], line: str) -> None:
    named = _NAME.match(line)
    if named is None or named[1].upper() not in _WANTED:
        return
    rest = line[named.end() :]
    parameters, _, value = rest.rpartition(":")
    if not _DATES.match(value):
        found = _PARAMETERS.match(rest)
        place = found.end() if found else rest.find(":") + 1
        parameters, value = rest[: place - 1], rest[place:]
    event.setdefault(named[1].upper(), []).append(Value(parameters, value))


def word(event: Event, name: str) -> str:
    """A value that is a word, in capitals; empty where there is none."""
    return event[name][0].text.strip().upper() if name in event else ""


def is_off(event: Event) -> bool:
    """The event is called off, in either spelling."""
    return word(event, "STATUS") in _CALLED_OFF


def sequence(event: Event) -> int:
    """Which version of an event this is; 0 where it does not say."""
    text = word(event, "SEQUENCE")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
