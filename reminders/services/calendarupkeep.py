"""What providers' calendars need now and then: old deletions are forgotten, and what repeats takes up time further ahead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.dav import Sent
from reminders.errors import Invalid
from reminders.services.caldav import held, source
from reminders.services.catalogue import Catalogue
from reminders.services.interval import Interval
from reminders.store import caldav as store
from reminders.store import calendars, holds
from reminders.store.engine import Database, Record

#: Programs learn of a deletion for so long; who has not looked since begins anew.
REMEMBERED = timedelta(days=180)
#: What repeats is worked out so far ahead, and again when only so much is left.
AHEAD, LEFT = timedelta(days=5 * 365), timedelta(days=4 * 365)
_ASK = timedelta(hours=1)
_BATCH = 100

#: Reads an event: its text, the zone of times without one, until when repetitions count. Raises ``Invalid``.
Reader = Callable[[bytes, tzinfo, datetime], Sent]


class CalendarUpkeep:
    """One calendar or one event is one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, read: Reader) -> None:
        self._database, self._clock, self._catalogue, self._read = database, clock, catalogue, read
        self._interval = Interval(clock, _ASK)

    def tick(self) -> int:
        """``run``, when it is time to look again."""
        return self.run() if self._interval.is_over() else 0

    def run(self) -> int:
        """Returns how many entries were forgotten or worked out further."""
        return self._forget() + self._extend()

    def _forget(self) -> int:
        before = self._clock.now() - REMEMBERED
        with self._database.read() as tx:
            providers = store.buried(tx, before)
        return sum(self._database.run(lambda tx, one=one: self._forget_of(tx, one, before)) for one in providers)  # type: ignore[misc]

    def _forget_of(self, tx: Connection, provider: int, before: datetime) -> int:
        calendars.count(tx, provider, 0)  # holds the calendar: nobody looks at a count that is about to be too old
        return store.forget_buried(tx, provider, before)

    def _extend(self) -> int:
        with self._database.read() as tx:
            rows = store.running_out(tx, self._clock.now() + LEFT, _BATCH)
        for row in rows:
            self._database.run(lambda tx, row=row: self._further(tx, row))  # type: ignore[misc]
        return len(rows)

    def _further(self, tx: Connection, row: Record) -> None:
        calendars.count(tx, row.provider_id, 0)
        entry, now = store.one(tx, row.provider_id, row.href), self._clock.now()
        if entry is None or entry.deleted or entry.etag != row.etag:
            return  # somebody changed it meanwhile
        until = now + AHEAD
        try:
            zone = self._catalogue.current().provider_by_id[row.provider_id].location.zone
            sent = self._read(entry.body.encode(), zone, until)
        except Invalid:
            calendars.change(tx, entry.id, {"expanded_to": until})
            return
        holds.replace(tx, source(row.provider_id, sent.uid), held(row.provider_id, sent, now))
        calendars.change(tx, entry.id, {"expanded_to": until})
