"""iCalendar in, first stage (RFC 5545 section 3.1): bytes of strangers cut into events, one at a time.

Nothing is interpreted here, so nothing can go wrong with it: lines are unfolded as bytes (old programs fold in the middle
of a character), events are cut out with the time zones they name, and each gets a digest that ignores what some servers
make anew with every request. A later import parses only what has another digest. What cannot be cut out is a ``Broken``
piece; the pieces around it stay whole.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO

from reminders.domain.icalblocks import BLANK, MOST_PIECE, blocks, plain

_DIGEST = hashlib.sha256().digest_size
#: Properties that change without the event changing.
_VOLATILE_LINE = re.compile(rb"(?:DTSTAMP|LAST-MODIFIED|CREATED|UID|SEQUENCE)[;:]", re.IGNORECASE)
#: Names with colons need quotes, and often have none: they end where a date begins.
_TZID = re.compile(rb";TZID=(\"[^\"\n]*\"|[^;\"\n]+?)(?=;|:[ \t]*[0-9]{4}|\n|$)", re.IGNORECASE)
_UID = re.compile(rb"UID(?:;[^:]*)?:", re.IGNORECASE)
#: What some editors leave at the ends of lines, where a date has none.
_BLANKS = re.compile(rb"[ \t]+\r\n")
_NAME = re.compile(rb"TZID(?:;[^:]*)?:(.*)", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece that is no event. ``line`` is where it begins, counted from 1; ``code`` says what is wrong."""

    line: int
    code: str


@dataclass(slots=True)
class Group:
    """All events of one UID: a single one, or a series with its exceptions."""

    uid: str
    line: int
    #: Which calendar of the file it stands in.
    calendar: int = 0
    zones: frozenset[bytes] = frozenset()
    #: Each event: a digest, then its lines. Few containers, for there are as many groups as events.
    parts: list[bytes] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The same for the same content, whatever the order of its parts."""
        return hashlib.sha256(b"\0".join(sorted([part[:_DIGEST] for part in self.parts]))).hexdigest()[:32]


@dataclass(slots=True)
class Split:
    """What a file holds: events by UID, time zones by calendar and name, other components counted, and what is broken.
    ``calendars`` counts their beginnings."""

    groups: dict[str, Group] = field(default_factory=dict)
    zones: dict[tuple[int, bytes], bytes] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    calendars: int = 0
    _same: dict[frozenset[bytes], frozenset[bytes]] = field(default_factory=dict, repr=False)

    def add(self, line: int, piece: bytes, kept: bytes, uid: bytes) -> None:
        """One event: where it begins, its lines, those that matter, and its UID."""
        digest = hashlib.sha256(kept).digest()
        key = decoded(uid) if uid else f"no-uid:{digest.hex()[:32]}"
        group = self.groups.get(key)
        if group is None:
            group = self.groups[key] = Group(key, line, self.calendars)
        group.parts.append(digest + piece)
        if b"TZID=" in kept or b"tzid=" in kept:
            named = frozenset([name.strip(b'"').strip() for name in set(_TZID.findall(kept))]) | group.zones
            group.zones = self._same.setdefault(named, named)

    def text(self, group: Group) -> str:
        """A calendar of only this group, with the zones it names; what is not UTF-8 is read as Windows-1252."""
        zones = b"".join(self._zone(name, group.calendar) for name in sorted(group.zones))
        body = zones + b"".join([part[_DIGEST:] for part in group.parts])
        body = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\n" + _BLANKS.sub(b"\r\n", body) + b"END:VCALENDAR\r\n"
        return decoded(body)

    def _zone(self, name: bytes, calendar: int) -> bytes:
        """What a name means in a calendar; where it is not defined there, what it last meant in another."""
        own = self.zones.get((calendar, name))
        return own or next((block for (_, known), block in reversed(self.zones.items()) if known == name), b"")


def decoded(data: bytes) -> str:
    """As UTF-8, else line by line as Windows-1252, which every byte is something in."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(_decoded_line(line) for line in data.splitlines(keepends=True))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def normalised(data: bytes) -> bytes:
    """A whole file as UTF-8 where it says that it is something else by its first bytes."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace").encode("utf-8", "replace")
    if b"\0" in data[:64]:  # UTF-16 without a mark
        return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be", "replace").encode("utf-8", "replace")
    return data.removeprefix(codecs.BOM_UTF8)


def unfolded(lines: Iterable[bytes], number: int = 1) -> Iterator[tuple[int, bytes]]:
    """Content lines without their line ends, each with the number of its first line; the first of all has ``number``."""
    whole: list[bytes] = []
    first = 0
    for place, line in enumerate(_physical(lines), number):
        if line[:1] in BLANK and whole:
            whole.append(line[1:])
            continue
        if whole:
            yield first, b"".join(whole)
        whole, first = [line] if line.strip() else [], place
    if whole:
        yield first, b"".join(whole)


def _physical(lines: Iterable[bytes]) -> Iterator[bytes]:
    for line in lines:
        stripped = line.rstrip(b"\r\n")
        if b"\r" in stripped:
            yield from stripped.split(b"\r")
        else:
            yield stripped


def split(lines: Iterable[bytes]) -> Split:
    """Cut a file (its lines, with their line ends) into pieces; never fails."""
    found = Split()
    cutter, number = _Cutter(found), 1
    for is_event, block in blocks(iter(lines)):
        if is_event and cutter.is_between and (event := plain(block)):
            found.add(number, *event)
            number += block.count(b"\n")
        else:
            cutter.run(unfolded(BytesIO(block), number))
            number += sum(1 for _ in _physical(BytesIO(block)))
    cutter.end()
    return found


def line_by_line(lines: Iterable[bytes]) -> Split:
    """The same without the quick way."""
    found = Split()
    cutter = _Cutter(found)
    cutter.run(unfolded(lines))
    cutter.end()
    return found


class _Cutter:
    """Follows BEGIN and END; an event that is not closed ends where the next one, or the calendar, does."""

    def __init__(self, found: Split) -> None:
        self._found = found
        self._lines: list[bytes] = []
        self._kind: bytes | None = None
        self._depth: list[bytes] = []
        self._size = self._start = 0

    def run(self, lines: Iterable[tuple[int, bytes]]) -> None:
        for number, line in lines:
            head = line[:6].upper()
            if head == b"BEGIN:":
                self._begin(number, line, line[6:].strip().upper())
            elif self._kind is not None:
                self._inside(line, head)

    @property
    def is_between(self) -> bool:
        """Nothing is begun that has not ended."""
        return self._kind is None

    def end(self) -> None:
        """No more lines come."""
        self._unfinished()

    def _begin(self, number: int, line: bytes, name: bytes) -> None:
        if self._kind is None or name in (b"VEVENT", b"VCALENDAR", b"VTIMEZONE"):
            self._unfinished()
            if name in (b"VEVENT", b"VTIMEZONE"):
                self._kind, self._start, self._lines, self._size = name, number, [line], len(line)
            elif name == b"VCALENDAR":
                self._found.calendars += 1
            else:
                kind = decoded(name)[:40]
                self._found.others[kind] = self._found.others.get(kind, 0) + 1
            return
        self._depth.append(name)
        self._keep(line)

    def _inside(self, line: bytes, head: bytes) -> None:
        if head[:4] != b"END:":
            self._keep(line)
            return
        name = line[4:].strip().upper()
        if self._depth and name == self._depth[-1]:
            self._depth.pop()
            self._keep(line)
        elif name == self._kind and not self._depth:
            self._keep(line)
            self._finish()
        else:
            self._unfinished()

    def _keep(self, line: bytes) -> None:
        self._size += len(line)
        if self._size <= MOST_PIECE:
            self._lines.append(line)

    def _unfinished(self) -> None:
        if self._kind == b"VEVENT":
            self._found.broken.append(Broken(self._start, "unfinished"))
        self._kind = None
        self._depth.clear()

    def _finish(self) -> None:
        kind, self._kind = self._kind, None
        if self._size > MOST_PIECE:
            self._found.broken.append(Broken(self._start, "too_large"))
        elif kind == b"VTIMEZONE":
            self._zone()
        else:
            self._event()

    def _zone(self) -> None:
        for line in self._lines:
            named = _NAME.match(line)
            if named:
                self._found.zones[self._found.calendars, named[1].strip()] = b"\r\n".join(self._lines) + b"\r\n"
                return

    def _event(self) -> None:
        uid = next((line[match.end() :].strip() for line in self._lines if (match := _UID.match(line))), b"")
        kept = b"\n".join([line for line in self._lines if not _VOLATILE_LINE.match(line)])
        self._found.add(self._start, b"\r\n".join(self._lines) + b"\r\n", kept, uid)
