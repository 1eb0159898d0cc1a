"""Calendars that can only be read: what they say replaces what they said before, and nothing is written there.

There is nothing to merge, so there is no engine: the file is cut into events, and only those with another digest are read
again. A feed that cannot be fetched, is no calendar or is suddenly empty changes nothing; the connection says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

from reminders.domain.connector import PeerError
from reminders.domain.icalsplit import Split, normalised, split
from reminders.domain.ports import Downloads
from reminders.services.sync.busy import BusyItem, BusyTimes
from reminders.services.sync.parts import Tally
from reminders.store.engine import Record

_CURSOR = "feed"


class NoCalendar(PeerError):
    """What was fetched is not a calendar: a page to sign in, most often."""

    sentence = "What is at this address is not a calendar."
    reason = "not_a_calendar"


class EmptyFeed(PeerError):
    """A feed that had events has none any more; they are kept until it has some again."""

    sentence = "The feed is empty; what it said before is kept."
    reason = "feed_empty"


class FeedSource:
    """One feed as busy time."""

    def __init__(self, downloads: Downloads, busy: BusyTimes, url: str) -> None:
        self._downloads, self._busy, self._url = downloads, busy, url

    def check(self) -> str:
        """How many events there are; changes nothing."""
        got = self._downloads(self._url, None)
        return f"{len(_events(got.body if got else b'').groups)} events"

    def refresh(self, connection: Record, *, full: bool) -> tuple[Tally, Mapping[str, Any]]:
        """Fetch it, conditionally unless ``full``, and make it all there is of this connection."""
        marks = None if full else connection.cursors.get(_CURSOR)
        got = self._downloads(self._url, marks)
        if got is None:
            return Tally(), connection.cursors
        found = _events(got.body)
        if not found.groups and self._busy.has_any(connection.uid):
            raise EmptyFeed
        items = (BusyItem(group.digest, group.digest, partial(found.text, group)) for group in found.groups.values())
        done = self._busy.replace(connection.uid, connection.provider_id, items)
        remarks = Counter(done.remarks) + Counter(piece.code for piece in found.broken)
        tally = Tally(seen=done.total, pulled=done.stored, removed=done.removed, remarks=dict(remarks))
        return tally, {_CURSOR: got.marks}


def _events(body: bytes) -> Split:
    found = split(normalised(body).splitlines(keepends=True))
    if not found.calendars:
        raise NoCalendar
    return found
