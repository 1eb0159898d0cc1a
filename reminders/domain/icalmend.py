"""iCalendar in, between both stages (RFC 5545 section 3.8): what an event of a stranger says about time, and nothing else.

Whatever else a program writes cannot make an event unreadable, or slow to read, once it is left out. What says when is put
right where only one thing can be meant ("P3600S", a time with colons, a time zone in the wrong case of letters); the rest is
left out with a doubt where the event is then busy at least as long as it was meant to be, and refused where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminders.domain.ports import Unreadable
from reminders.domain.recurrence import brought_near, fault, length

#: What was guessed or left out.
ZONE_GUESSED, END_GUESSED, DATE_LEFT_OUT, PART_LEFT_OUT = (
    "zone_guessed", "end_guessed", "date_left_out", "part_left_out"
)  # fmt: skip
#: More dates than this in one list are no appointment.
MOST_DATES = 5000
#: Exceptions so far around what is looked at still matter: an event may be long, and a zone a day away.
_AROUND = timedelta(days=40)
_DAY = timedelta(days=1)

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
_LIST = re.compile("[,;]")
_UNTIL = re.compile(r"(?<=UNTIL=)[^;]*")
_CALLED_OFF = frozenset({"CANCELLED", "CANCELED"})

#: The name by which the reader knows a time zone, or ``None`` for one that it does not.
Zones = Callable[[str], str | None]


class Stamp(NamedTuple):
    """A date or a time as it stands there. ``at`` is what the clock shows, whatever its ``tzinfo`` says; ``zone`` is "" where
    none is named, "Z" for UTC, else a name that the reader knows."""

    at: datetime
    whole: bool
    zone: str

    def written(self) -> str:
        day = f"{self.at.year:04}{self.at:%m%d}"
        return day if self.whole else f"{day}T{self.at:%H%M%S}{'Z' if self.zone == 'Z' else ''}"

    def line(self, name: str) -> str:
        zone = f";TZID={self.zone}" if self.zone not in ("", "Z") else ""
        return f"{name}{';VALUE=DATE' if self.whole else zone}:{self.written()}\r\n"

    def at_home(self, zone: ZoneInfo) -> Stamp:
        """A time that names no zone is one of ``zone``."""
        return self if self.whole or self.zone else self._replace(zone=zone.key)


class _Value(NamedTuple):
    parameters: str
    text: str


_Event = Mapping[str, Sequence[_Value]]


@dataclass(slots=True)
class Mended:
    """Events to be read. ``singles`` happen once; each of ``series`` is a calendar's worth of events, the repeating one with
    its exceptions. ``broken`` are the codes of those that cannot be read, ``doubts`` what was guessed or left out."""

    singles: list[str] = field(default_factory=list)
    series: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    doubts: set[str] = field(default_factory=set)


def mended(text: str, home: ZoneInfo, zones: Zones, since: datetime, until: datetime) -> Mended:
    """What the events in ``text`` (of one UID) say about time within [since, until), for a reader of well-formed calendars.
    ``home`` is the venue's zone. Raises ``Unreadable`` when there is no event."""
    events = list(_events(text))
    if not events:
        raise Unreadable("no_event")
    return _Mending(home, zones, since, until).run(events)


class _Mending:
    """The work on the events of one UID."""

    def __init__(self, home: ZoneInfo, zones: Zones, since: datetime, until: datetime) -> None:
        self._home, self._zones, self._since, self._until = home, zones, since, until
        self._found = Mended()

    def run(self, events: Sequence[_Event]) -> Mended:
        changes = [one for event in events if "RECURRENCE-ID" in event and (one := self._change(event)) is not None]
        masters = [event for event in events if "RECURRENCE-ID" not in event]
        last = max((_sequence(event) for event in masters), default=0)
        written = dict.fromkeys(filter(None, (self._master(one) for one in masters if _sequence(one) == last)))
        series = [one for one in written if "\nR" in one]
        self._found.singles += [one for one in written if "\nR" not in one]
        moved = [one for one in changes if "\nRECURRENCE-ID" in one]
        self._found.singles += [one for one in changes if "\nRECURRENCE-ID" not in one]
        for number, one in enumerate(series or [""] * bool(moved)):
            # exceptions belong to one series; others that bear its name stay as they are, which is the busier way
            self._found.series.append(self._near(one, moved if number == 0 else []))
        return self._found

    def _near(self, master: str, changes: Sequence[str]) -> str:
        follow = any(
            "RANGE=" in one for one in changes
        )  # such a change holds for what comes after it, however old it is
        return (master if follow else brought_near(master, self._since, self._until)) + "".join(changes)

    def _master(self, event: _Event) -> str | None:
        start = self._start(event, "DTSTART")
        if start is None:
            self._found.broken.append("unreadable" if "DTSTART" in event else "no_start")
            return None
        rules = [f"{name}:{rule}" for name in ("RRULE", "EXRULE") for rule in self._rules(event, name, start)]
        wrong = next((fault(rule) or _unlike_a_rule(rule) for rule in rules), None)
        extra = self._listed(event, "RDATE", start)
        if wrong or len(extra) > MOST_DATES:
            self._found.broken.append(wrong or "recurs_too_often")
            return None
        left_out = self._listed(event, "EXDATE", start) if rules or extra else []
        lines = "".join([f"{rule}\r\n" for rule in rules] + extra + left_out)
        return self._written(event, start, lines)

    def _change(self, event: _Event) -> str | None:
        """An event that stands for one of a series."""
        which, start = self._stamp(event["RECURRENCE-ID"][0]), self._start(event, "DTSTART")
        if start is None and which is not None and _is_off(event):
            start = which
        if start is None:  # the one that it stands for stays as it was
            self._found.doubts.add(PART_LEFT_OUT)
            return None
        if which is None:
            self._found.doubts.add(PART_LEFT_OUT)
            return self._written(event, start, "")
        follow = ";RANGE=THISANDFUTURE" if "THISANDFUTURE" in event["RECURRENCE-ID"][0].parameters.upper() else ""
        if not (follow or self._matters(which) or self._matters(start, timedelta(days=366))):
            return None
        line = which.line("RECURRENCE-ID")
        return self._written(event, start, f"RECURRENCE-ID{follow}{line.removeprefix('RECURRENCE-ID')}")

    def _written(self, event: _Event, start: Stamp, more: str) -> str:
        off = _is_off(event)
        free = _word(event, "TRANSP") == "TRANSPARENT" or (
            "TRANSP" not in event and _word(event, "X-MICROSOFT-CDO-BUSYSTATUS") == "FREE"
        )
        words = ("STATUS:CANCELLED\r\n" if off else "") + ("TRANSP:TRANSPARENT\r\n" if free else "")
        lines = start.line("DTSTART") + self._end(event, start) + more
        return f"BEGIN:VEVENT\r\nUID:-\r\nSEQUENCE:{_sequence(event)}\r\n{words}{lines}END:VEVENT\r\n"

    def _start(self, event: _Event, name: str) -> Stamp | None:
        found = self._stamp(event[name][0]) if name in event else None
        return found.at_home(self._home) if found else None

    def _end(self, event: _Event, start: Stamp) -> str:
        """An end, else a length; neither where it is before the start, or cannot be read."""
        if "DTEND" in event:
            end = self._start(event, "DTEND")
            if end is not None and (end.whole, end.zone) == (start.whole, start.zone) and end.at <= start.at:
                self._doubt(END_GUESSED, end.at < start.at)
                return ""
            self._doubt(END_GUESSED, end is None)
            return end.line("DTEND") if end else ""
        if "DURATION" in event:
            written = re.sub(r"P(?=[0-9]+[HS])", "PT", event["DURATION"][0].text.strip().upper(), count=1)
            lasts = length(written)
            self._doubt(END_GUESSED, lasts is None or lasts < timedelta())
            return f"DURATION:{written}\r\n" if lasts else ""
        return ""

    def _rules(self, event: _Event, name: str, start: Stamp) -> Iterator[str]:
        for value in event.get(name, ()):
            parts = ("=".join(side.strip() for side in part.split("=")) for part in value.text.upper().split(";"))
            rule = ";".join(
                part for part in parts
                if part and not part.startswith("X-") and part not in ("RSCALE=GREGORIAN", "SKIP=OMIT")
            )  # fmt: skip
            if rule:
                yield _UNTIL.sub(lambda found: self._last(found[0], start), rule)

    def _last(self, text: str, start: Stamp) -> str:
        """UNTIL in the form that goes with the start: a day is meant whole, a time without a zone is the venue's."""
        found = _stamp(text, "")
        if found is None or start.whole:
            return text if found is None else found._replace(whole=True).written()
        if found.whole:
            found = Stamp(found.at + _DAY - timedelta(seconds=1), whole=False, zone="")
        if not found.zone and start.zone == self._home.key:
            found = Stamp(found.at.replace(tzinfo=self._home).astimezone(UTC), whole=False, zone="Z")
        return found._replace(zone="Z").written()

    def _listed(self, event: _Event, name: str, start: Stamp) -> list[str]:
        """Dates of a list that matter, a line for each."""
        found = []
        for value in event.get(name, ()):
            for text in filter(None, map(str.strip, _LIST.split(value.text))):
                first, _, lasts = text.partition("/")
                stamp = self._stamp(_Value(value.parameters, first))
                self._doubt(DATE_LEFT_OUT, stamp is None)
                if stamp is not None and self._matters(stamp):
                    found.append(
                        self._with_end(stamp, lasts, value, start) if lasts and name == "RDATE" else stamp.line(name)
                    )
        return found

    def _with_end(self, first: Stamp, lasts: str, value: _Value, start: Stamp) -> str:
        """A period (section 3.3.9): until a time, or for so long."""
        first = first.at_home(self._home) if start.zone else first
        end = self._stamp(_Value(value.parameters, lasts))
        is_end = end is not None and end.at > first.at
        self._doubt(END_GUESSED, not is_end and not length(lasts.upper()))
        if not is_end and not length(lasts.upper()):
            return first.line("RDATE")
        head, _, begin = first.line("RDATE").rstrip().partition(":")
        return f"{head};VALUE=PERIOD:{begin}/{end.written() if end is not None and is_end else lasts.upper()}\r\n"

    def _matters(self, stamp: Stamp, around: timedelta = _AROUND) -> bool:
        return self._since - around < stamp.at < self._until + _AROUND

    def _stamp(self, value: _Value) -> Stamp | None:
        named = _TZID.search(value.parameters)
        name = named[1].strip(' "\t') if named else ""
        found = _stamp(value.text, "")
        if found is None or found.whole or found.zone or not name:
            return found
        zone = self._zones(name)
        self._doubt(ZONE_GUESSED, zone is None)
        return found._replace(zone=zone or "")

    def _doubt(self, code: str, holds: bool) -> None:
        if holds:
            self._found.doubts.add(code)


def _stamp(text: str, zone: str) -> Stamp | None:
    """A date, or a time, as the standard writes it (sections 3.3.4, 3.3.5) or as ISO 8601 does."""
    text = text.strip().upper()
    found = _STAMP.fullmatch(text)
    try:
        if found is None:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return Stamp(at.astimezone(UTC), whole=False, zone="Z")
            return Stamp(at.replace(tzinfo=UTC), whole="T" not in text, zone=zone)
        year, month, day, *clock = (int(part or 0) for part in found.groups()[:6])
        clock[2] = min(clock[2], 59)  # a leap second
        mark = "Z" if found[7] else zone
        return Stamp(datetime(year, month, day, *clock, tzinfo=UTC), whole=found[4] is None, zone=mark)
    except (ValueError, OverflowError):
        return None


def _unlike_a_rule(rule: str) -> str | None:
    """vCalendar 1.0 wrote "W2 TU #5"."""
    return None if "FREQ=" in rule else "unreadable"


def _events(text: str) -> Iterator[_Event]:
    """The lines of each event that say when; what stands within an event, such as an alarm, is left out."""
    event: dict[str, list[_Value]] | None = None
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


def _keep(event: dict[str, list[_Value]], line: str) -> None:
    named = _NAME.match(line)
    if named is None or named[1].upper() not in _WANTED:
        return
    rest = line[named.end() :]
    parameters, _, value = rest.rpartition(":")
    if not _DATES.match(value):
        found = _PARAMETERS.match(rest)
        place = found.end() if found else rest.find(":") + 1
        parameters, value = rest[: place - 1], rest[place:]
    event.setdefault(named[1].upper(), []).append(_Value(parameters, value))


def _word(event: _Event, name: str) -> str:
    return event[name][0].text.strip().upper() if name in event else ""


def _is_off(event: _Event) -> bool:
    return _word(event, "STATUS") in _CALLED_OFF


def _sequence(event: _Event) -> int:
    text = _word(event, "SEQUENCE")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
