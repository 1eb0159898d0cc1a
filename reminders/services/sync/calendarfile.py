"""A calendar file as busy time: `reminders import file.ics`, and uploads.

The file is cut into events first (``domain/icalsplit.py``), so that one that cannot be read leaves the others alone; an
event whose digest is known is not read again. What a file of the same name said before is replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from zoneinfo import ZoneInfo

from reminders.clock import Clock
from reminders.domain.icalmend import DATE_LEFT_OUT, END_GUESSED, PART_LEFT_OUT, ZONE_GUESSED
from reminders.domain.icalsplit import Split, normalised, split
from reminders.domain.ports import EventReader, Unreadable
from reminders.services.catalogue import Catalogue
from reminders.services.sync.busy import AHEAD, BusyItem, BusyTimes

_UTC = ZoneInfo("UTC")
#: What is said about events that could not be taken in.
WHY = {
    "unfinished": "The event has no end; the file may have been cut short.",
    "too_large": "The event is longer than 1 MB.",
    "unreadable": "A date, a duration or a rule in the event cannot be worked out.",
    "no_start": "The event has no start.",
    "no_event": "There is no event in it.",
    "recurs_too_often": "The event recurs every minute or more often, or thousands of times within a year.",
    "not_a_calendar": "The file does not hold a calendar (no BEGIN:VCALENDAR).",
}
#: What is said about events that were taken in with something guessed or left out.
DOUBTS = {
    ZONE_GUESSED: "Its time zone is not known; the location's was taken.",
    END_GUESSED: "Its end cannot be read or lies before its start; it was taken to last half an hour, or a day.",
    DATE_LEFT_OUT: "A date of its exceptions or extra days cannot be read; that date was left out.",
    PART_LEFT_OUT: "A part of its series cannot be read; the rest was taken in.",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """An event that was not taken in, or with a doubt: the line it begins in, its UID, and why."""

    line: int
    uid: str
    code: str

    @property
    def sentence(self) -> str:
        return (WHY | DOUBTS).get(self.code, self.code)


@dataclass(slots=True)
class FileResult:
    """What became of a file. ``events`` counts a series with its exceptions once; ``others`` counts components that are
    no events, by name. ``rejects`` were not taken in; ``doubts`` were, with something guessed or left out."""

    events: int = 0
    stored: int = 0
    unchanged: int = 0
    removed: int = 0
    dry_run: bool = False
    others: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    doubts: list[Reject] = field(default_factory=list)


class CalendarFiles:
    """Takes files in."""

    def __init__(self, clock: Clock, catalogue: Catalogue, busy: BusyTimes, reader: EventReader) -> None:
        self._clock, self._catalogue, self._busy, self._reader = clock, catalogue, busy, reader

    def run(self, lines: Iterable[bytes], name: str, provider_id: str | None, *, dry_run: bool = False) -> FileResult:
        """Take in the lines of a file called ``name`` as busy time of a provider (a public id). With ``dry_run``, or
        without a provider, everything is read and nothing stored."""
        found = split(_readable(lines))
        result = FileResult(len(found.groups), dry_run=dry_run or provider_id is None, others=Counter(found.others))
        result.rejects = [Reject(piece.line, "", piece.code) for piece in found.broken]
        if not (found.calendars or found.groups):
            result.rejects.append(Reject(1, "", "not_a_calendar"))
        elif result.dry_run or provider_id is None:
            self._try(found, result)
        else:
            self._store(found, name, provider_id, result)
        for said in (result.rejects, result.doubts):
            said.sort(key=lambda one: one.line)
        return result

    def only_provider(self) -> str | None:
        """The one provider of a small practice; ``None`` when there are several, or none."""
        active = [one.uid for one in self._catalogue.current().providers.values() if one.active]
        return active[0] if len(active) == 1 else None

    def _store(self, found: Split, name: str, provider_id: str, result: FileResult) -> None:
        provider = self._catalogue.current().provider(provider_id)
        items = (BusyItem(group.uid, group.digest, partial(found.text, group)) for group in found.groups.values())
        done = self._busy.replace(f"file:{provider.uid}:{name}", provider.id, items)
        result.stored, result.unchanged, result.removed = done.stored, done.unchanged, done.removed
        lines = {group.uid: group.line for group in found.groups.values()}
        result.rejects += [Reject(lines[uid], uid, code) for uid, code in done.rejected]
        result.doubts += [Reject(lines[uid], uid, code) for uid, code in done.doubtful]

    def _try(self, found: Split, result: FileResult) -> None:
        for group in found.groups.values():
            now = self._clock.now()
            try:
                doubts = self._reader(found.text(group), _UTC, now, now + AHEAD).doubts
                result.doubts += [Reject(group.line, group.uid, code) for code in sorted(doubts)]
            except Unreadable as problem:
                result.rejects.append(Reject(group.line, group.uid, problem.code))


def _readable(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines as they come, or, where the first bytes say that it is not UTF-8, the whole file as UTF-8."""
    rest = iter(lines)
    first = next(rest, b"")
    if first.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in first[:64]:
        return iter(normalised(b"".join([first, *rest])).splitlines(keepends=True))
    return chain([first.removeprefix(b"\xef\xbb\xbf")], rest)
