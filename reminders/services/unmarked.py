"""The nightly rule for past visits of which nobody noted how they ended; ``docs/measures.md`` says what they count as.

By default nothing is made up: they are ``unmarked`` and stand on the desk's list. Where a location says so, they are taken
for kept after a week; the history and the reports tell that this was assumed, and anybody may still put it right.
"""

from __future__ import annotations

from datetime import timedelta

from reminders.clock import Clock
from reminders.domain.actor import ASSUMING
from reminders.domain.appointment import Change
from reminders.domain.clinic import Location, Unmarked
from reminders.errors import IllegalTransition
from reminders.services.catalogue import Catalogue
from reminders.services.interval import Interval
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments
from reminders.store.engine import Database

#: How long the desk has to note the outcome of a visit before it is assumed.
GRACE = timedelta(days=7)
#: The hours of the night, on the clock of the location.
NIGHT = range(2, 5)
#: How often a process looks, and how many visits of a location it deals with each time.
EVERY, BATCH = timedelta(minutes=20), 1000


class UnmarkedVisits:
    """Each visit is a transaction of its own: a run that was stopped goes on with the next."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._interval = Interval(clock, EVERY)

    def tick(self) -> int:
        """``run``, when it is time to look again."""
        return self.run() if self._interval.is_over() else 0

    def run(self) -> int:
        """Apply the rule of every location where it is night; returns how many visits were taken for kept."""
        places = self._catalogue.current().location_by_id.values()
        return sum(self._assume(place) for place in places if place.unmarked_after is Unmarked.KEPT)

    def _assume(self, place: Location) -> int:
        now = self._clock.now()
        local = now.astimezone(place.zone)
        if local.hour not in NIGHT:
            return 0
        last = local.date() - timedelta(days=1) - GRACE
        with self._database.read() as tx:
            found = appointments.kept_by_rule(tx, place.id, last, now, BATCH)
        return sum(self._keep(uid) for uid in found)

    def _keep(self, uid: str) -> bool:
        try:
            with self._database.write() as tx:
                self._lifecycle.change(tx, uid, Change.FULFIL, ASSUMING)
        except IllegalTransition:  # somebody noted the outcome meanwhile
            return False
        return True
