"""iCalendar in, between both stages (RFC 5545 section 3.8): what an event of a stranger says about time, and nothing else.

Whatever else a program writes cannot make an event unreadable, or slow to read, once it is left out. What says when is put
right where only one thing can be meant ("P3600S", a time with colons, an offset as the name of a time zone); the rest is
left out with a doubt where the event is then busy at least as long as it was meant to be, and refused where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.icallines import Event, Stamp, Value, events, is_off, sequence, stamp, word
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

_LIST = re.compile("[,;]")
_UNTIL = re.compile(r"(?<=UNTIL=)[^;]*")
#: The name by which the reader knows a time zone, or ``None`` for one that it does not.
Zones = Callable[[str], str | None]


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
    found = list(events(text))
    if not found:
        raise Unreadable("no_event")
    return _Mending(home, zones, since, until).run(found)


class _Mending:
    """The work on the events of one UID."""

    def __init__(self, home: ZoneInfo, zones: Zones, since: datetime, until: datetime) -> None:
        self._home, self._zones, self._since, self._until = home, zones, since, until
        self._found = Mended()

    def run(self, found: Sequence[Event]) -> Mended:
        changes = [one for event in found if "RECURRENCE-ID" in event and (one := self._change(event)) is not None]
        masters = [event for event in found if "RECURRENCE-ID" not in event]
        last = max((sequence(event) for event in masters), default=0)
        written = dict.fromkeys(filter(None, (self._master(one) for one in masters if sequence(one) == last)))
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

    def _master(self, event: Event) -> str | None:
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

    def _change(self, event: Event) -> str | None:
        """An event that stands for one of a series."""
        which, start = self._stamp(event["RECURRENCE-ID"][0]), self._start(event, "DTSTART")
        if start is None and which is not None and is_off(event):
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

    def _written(self, event: Event, start: Stamp, more: str) -> str:
        off = is_off(event)
        free = word(event, "TRANSP") == "TRANSPARENT" or (
            "TRANSP" not in event and word(event, "X-MICROSOFT-CDO-BUSYSTATUS") == "FREE"
        )
        words = ("STATUS:CANCELLED\r\n" if off else "") + ("TRANSP:TRANSPARENT\r\n" if free else "")
        lines = start.line("DTSTART") + self._end(event, start) + more
        return f"BEGIN:VEVENT\r\nUID:-\r\nSEQUENCE:{sequence(event)}\r\n{words}{lines}END:VEVENT\r\n"

    def _start(self, event: Event, name: str) -> Stamp | None:
        found = self._stamp(event[name][0]) if name in event else None
        return found.at_home(self._home) if found else None

    def _end(self, event: Event, start: Stamp) -> str:
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
            return f"DURATION:{written}\r\n" if lasts and lasts > timedelta() else ""
        return ""

    def _rules(self, event: Event, name: str, start: Stamp) -> Iterator[str]:
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
        found = stamp(text)
        if found is None or start.whole:
            return text if found is None else found._replace(whole=True).written()
        if found.whole:
            found = Stamp(found.at + _DAY - timedelta(seconds=1), whole=False, zone="")
        if not found.zone and start.zone == self._home.key:
            found = Stamp(found.at.replace(tzinfo=self._home).astimezone(UTC), whole=False, zone="Z")
        return found._replace(zone="Z").written()

    def _listed(self, event: Event, name: str, start: Stamp) -> list[str]:
        """Dates of a list that matter, a line for each."""
        found = []
        for value in event.get(name, ()):
            for text in filter(None, map(str.strip, _LIST.split(value.text))):
                first, _, lasts = text.partition("/")
                at = self._stamp(Value(value.parameters, first))
                self._doubt(DATE_LEFT_OUT, at is None)
                if at is not None and self._matters(at):
                    found.append(
                        self._with_end(at, lasts, value, start) if lasts and name == "RDATE" else at.line(name)
                    )
        return found

    def _with_end(self, first: Stamp, lasts: str, value: Value, start: Stamp) -> str:
        """A period (section 3.3.9): until a time, or for so long."""
        first = first.at_home(self._home) if start.zone else first
        end = self._stamp(Value(value.parameters, lasts))
        is_end = end is not None and end.at > first.at
        self._doubt(END_GUESSED, not is_end and not length(lasts.upper()))
        if not is_end and not length(lasts.upper()):
            return first.line("RDATE")
        head, _, begin = first.line("RDATE").rstrip().partition(":")
        return f"{head};VALUE=PERIOD:{begin}/{end.written() if end is not None and is_end else lasts.upper()}\r\n"

    def _matters(self, stamp: Stamp, around: timedelta = _AROUND) -> bool:
        return self._since - around < stamp.at < self._until + _AROUND

    def _stamp(self, value: Value) -> Stamp | None:
        name, found = value.zone, stamp(value.text)
        if found is None or found.whole or found.zone or not name:
            return found
        zone = self._zones(name)
        self._doubt(ZONE_GUESSED, zone is None)
        return found._replace(zone=zone or "")

    def _doubt(self, code: str, holds: bool) -> None:
        if holds:
            self._found.doubts.add(code)


def _unlike_a_rule(rule: str) -> str | None:
    """vCalendar 1.0 wrote "W2 TU #5"."""
    return None if "FREQ=" in rule else "unreadable"
