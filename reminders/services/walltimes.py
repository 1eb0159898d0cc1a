"""Visits keep the wall time that was promised when the rules of their time zone change.

Each start, each night and each new release of the time zone database is a reason to look at every visit ahead. One
provider is one transaction, in which the visits to be moved first let go of their old times: an hour's shift would
otherwise push each against the next. A process that dies goes on with the next provider.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.ports import ZoneRules
from reminders.domain.walltime import moment, written
from reminders.errors import SlotTaken
from reminders.services.catalogue import Catalogue
from reminders.services.interval import Interval
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, inbox, walltimes
from reminders.store.engine import Database, Record, attempt
from reminders.store.ids import new_uid

log = structlog.get_logger()

#: A full look at least so often, and how often a process asks whether it is time.
EVERY, _ASK = timedelta(days=1), timedelta(minutes=10)


class WallTimes:
    """Checks and corrects. ``rules`` is the time zone database in use."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, rules: ZoneRules
    ) -> None:  # fmt: skip
        self._database, self._clock, self._catalogue = database, clock, catalogue
        self._lifecycle, self._rules = lifecycle, rules
        self._interval = Interval(clock, _ASK)

    def tick(self) -> int:
        """``run``, when it is time to look again."""
        return self.run() if self._interval.is_over() else 0

    def run(self) -> int:
        """Look at every visit ahead, unless that was done today with this release; returns how many were moved."""
        self._database.run(self._begin)
        moved = 0
        while (done := self._database.run(self._step)) is not None:
            moved += done
        return moved

    def _begin(self, tx: Connection) -> None:
        walltimes.alone(tx)
        now, last = self._clock.now(), walltimes.last(tx)
        if last is None or self._is_over(last, now):
            walltimes.open_new(tx, self._rules.version, now)

    def _is_over(self, last: Record, now: datetime) -> bool:
        return bool(last.version != self._rules.version or (last.ended_at and now - last.started_at >= EVERY))

    def _step(self, tx: Connection) -> int | None:
        """One provider; ``None`` when there is none left, or another worker is at it."""
        check, now = walltimes.last(tx, lock=True), self._clock.now()
        if check is None or check.ended_at is not None or check.version != self._rules.version:
            return None
        provider = walltimes.next_provider(tx, check.after, now)
        if provider is None:
            walltimes.go_on(tx, check.id, {"ended_at": now})
            tell = log.info if check.moved else log.debug  # every day's looking says nothing as long as all is well
            tell("walltimes.checked", version=check.version, visits=check.checked, moved=check.moved)
            return None
        looked, moved = 0, dict[str, datetime]()
        for row in walltimes.ahead(tx, provider, now):
            looked += 1
            if (start := self._elsewhere(tx, row)) is not None:
                moved[row.uid] = start
        overlapping = self._move(tx, moved)
        counts = {"checked": check.checked + looked, "moved": check.moved + len(moved)}
        more = {"after": provider, "overlapping": check.overlapping + overlapping}
        walltimes.go_on(tx, check.id, counts | more)
        return len(moved)

    def _elsewhere(self, tx: Connection, row: Record) -> datetime | None:
        """The moment that the promised wall time is now, when it is another than the one kept."""
        if row.local_start is None or row.time_zone is None:
            zone = self._catalogue.current().location_by_id[row.location_id].zone
            walltimes.write_down(tx, row.id, zone.key, written(row.start_at, zone))
            return None
        try:
            start = moment(row.local_start, self._rules.zone(row.time_zone))
        except LookupError:
            return None
        return start if start != row.start_at else None

    def _move(self, tx: Connection, moved: Mapping[str, datetime]) -> int:
        """Returns how many found their time taken; they are moved all the same, since that is when the patient comes."""
        visits = [appointments.get(tx, uid, lock=True) for uid in sorted(moved)]
        for visit in visits:
            appointments.change(tx, visit.id, {"occupies": False})
        return sum(not self._moved(tx, visit, moved[visit.uid]) for visit in visits)

    def _moved(self, tx: Connection, visit: Record, start: datetime) -> bool:
        facts = {"time_zone": visit.time_zone, "release": self._rules.version}
        try:
            with attempt(tx):
                self._lifecycle.rezone(tx, visit, start, facts, occupies=True)
            return True
        except SlotTaken:
            self._lifecycle.rezone(tx, visit, start, facts, occupies=False)
            now = self._clock.now()
            inbox.propose(tx, {
                "uid": new_uid("inb", now), "message_id": None, "patient_id": visit.patient_id,
                "appointment_id": visit.id, "reason": "zone_overlap", "proposed_at": None, "created_at": now,
            })  # fmt: skip
            return False
