"""iCalendar in, the quick way of the first stage: events cut out by looking for their first and last lines, and unfolded
whole, where they are written as nearly all programs do. Whatever else there may be is left to ``domain/icalsplit.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

#: Longest event and longest time zone, in bytes.
MOST_PIECE = 1024 * 1024
# No anchors, which cost a look at every byte.
_VOLATILE = re.compile(rb"\n(?:DTSTAMP|LAST-MODIFIED|CREATED|UID|SEQUENCE)[;:].*", re.IGNORECASE)
_UID_LINE = re.compile(rb"\nUID(?:;[^:\n]*)?:(.*)", re.IGNORECASE)
_BEGIN = re.compile(rb"\nBEGIN:VEVENT\r?\n")
_END = re.compile(rb"\nEND:VEVENT\r?\n(?=[^ \t])")
_FOLD = re.compile(rb"\n[ \t]")
#: What a line begins with that goes on from the one before.
BLANK = (b" ", b"\t")
#: Lines that are looked at together.
_SOME = 1000


def blocks(lines: Iterator[bytes]) -> Iterator[tuple[bool, bytes]]:
    """What looks like an event from its first line to its last (True), and what is between. No line that goes on is cut
    off from the one it belongs to."""
    rest = b"\n"  # the end of the line before
    while some := b"".join(islice(lines, _SOME)):
        rest += some
        done = 1
        while (begin := _BEGIN.search(rest, done - 1)) and (end := _END.search(rest, begin.end() - 1)):
            if begin.start() >= done:
                yield False, rest[done : begin.start() + 1]
            yield True, rest[begin.start() + 1 : end.end()]
            done = end.end()
        rest = rest[done - 1 :]
        if begin is None or len(rest) > 2 * MOST_PIECE:
            cut = _last_line(rest)
            yield False, rest[1:cut]
            rest = rest[cut - 1 :]
    yield False, rest[1:]


def _last_line(text: bytes) -> int:
    """Where the last line begins that does not go on from the one before; the first begins at 1."""
    place = text.rfind(b"\n", 0, -1) + 1
    while place > 1 and text[place : place + 1] in BLANK:
        place = text.rfind(b"\n", 0, place - 1) + 1
    return max(place, 1)


def plain(raw: bytes) -> tuple[bytes, bytes, bytes] | None:
    """The quick way for an event as nearly all programs write it: its lines, unfolded; those of them that matter; and its
    UID. ``None`` for anything unusual, which is taken line by line, to the same effect."""
    ends = raw.count(b"\n")
    if len(raw) > MOST_PIECE or raw.count(b"\r") not in (0, ends) or raw.count(b"\r\n") not in (0, ends):
        return None
    text = raw.replace(b"\r\n", b"\n")
    if b"\n\n" in text or b"\x0b" in text or b"\x0c" in text:  # lines of nothing but blanks
        return None
    text = _FOLD.sub(b"", text)
    if not (text.startswith(b"BEGIN:VEVENT\n") and text.endswith(b"\nEND:VEVENT\n") and _holds_only_alarms(text)):
        return None
    uid = _UID_LINE.search(text)
    return text.replace(b"\n", b"\r\n"), _VOLATILE.sub(b"", text)[:-1], uid[1].strip() if uid else b""


def _holds_only_alarms(text: bytes) -> bool:
    """One after the other, none within another."""
    upper, alarms = text.upper(), text.count(b"\nBEGIN:VALARM\n")
    if (upper.count(b"\nBEGIN:"), upper.count(b"\nEND:")) != (alarms, alarms + 1):
        return False
    parts = text.split(b"\nBEGIN:VALARM\n")[1:]
    return text.count(b"\nEND:VALARM\n") == alarms and all(part.count(b"\nEND:VALARM") == 1 for part in parts)
