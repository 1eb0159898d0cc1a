"""The weeks before the demonstration begins, lived through on a clock of their own.

Visits are booked through the use cases at the hours of a working day, the worker sends what falls due, the carrier
delivers it, patients answer or do not, come or do not. So the past obeys the same rules as the present, and the
reports have something true to say.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random

from reminders.clock import ManualClock
from reminders.demo.carrier import Carrier, Handed
from reminders.demo.clinic import CALL_BACK, DESK, OFFERS, Clinic, Offer
from reminders.demo.people import PEOPLE, Person
from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.delivery import Channel, State
from reminders.errors import Conflict
from reminders.sandbox.account import new_sid
from reminders.sandbox.behaviours import usual_behaviour
from reminders.services.booking import Request
from reminders.services.calls import Heard
from reminders.services.following import CALL_AGAIN
from reminders.services.replies import Incoming
from reminders.services.slots import Search
from reminders.wiring.service import Service

#: How far back visits lie, how much earlier the first of them may be booked, and how far ahead the diary is filled.
WEEKS_BACK = timedelta(days=21)
HEAD_START = timedelta(days=7)
WEEKS_AHEAD = timedelta(days=10)
#: The story stops this long before the present, so that what it set off is over when the present begins.
MARGIN = timedelta(minutes=10)

_LEAD_DAYS = (0, 1, 1, 2, 3, 3, 5, 7, 7, 10, 14, 20)
_YES = {"es": ("1", "Sí", "Confirmo", "1"), "zh_Hans": ("1", "好的", "确认"), "en": ("1", "Yes", "1", "OK", "Confirm")}
_ODD = ("Can I bring my dog?", "Yes, but I will be late", "Who is this?")
_CONFIRM, _CANCEL, _MOVE, _UNCLEAR = 0.62, 0.68, 0.71, 0.75  # upper bounds of one draw
_MISSES_CONFIRMED, _MISSES_SILENT = 0.05, 0.35

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """A visit somebody will ask for: when they ask, and on which local day they want it."""

    asked_at: datetime
    offer: Offer
    day: date
    person: Person


class Past:
    """Replays the time from ``start`` to ``end``. Needs a service whose clock and messenger are the given ones."""

    def __init__(self, service: Service, clock: ManualClock, carrier: Carrier, clinic: Clinic, rng: Random) -> None:
        self._service = service
        self._use_cases = service.use_cases
        self._clock = clock
        self._carrier = carrier
        self._clinic = clinic
        self._rng = rng
        self._agenda: list[tuple[datetime, int, Step]] = []
        self._order = count()
        self._watched: set[datetime] = set()

    def live(self, end: datetime) -> None:
        """Live through everything up to ``end``; visits after it stay booked."""
        for plan in self._plans(end):
            self._at(plan.asked_at, lambda plan=plan: self._book(plan))  # type: ignore[misc]
        for day in range((end - self._clock.now()).days):
            self._at(self._clock.now() + timedelta(days=day), self._service.worker.tick)
        while self._agenda and self._agenda[0][0] <= end:
            moment, _, step = heapq.heappop(self._agenda)
            self._clock.set(max(moment, self._clock.now()))
            step()
        self._clock.set(max(end, self._clock.now()))
        self._work()
        self._service.worker.tick()
        self._tidy_inbox()

    def _at(self, moment: datetime, step: Step) -> None:
        heapq.heappush(self._agenda, (moment, next(self._order), step))

    # Who wants what

    def _plans(self, end: datetime) -> Iterator[Plan]:
        begin = self._clock.now()
        offers = [offer for offer in OFFERS if offer.name != CALL_BACK]
        day, last = (begin + HEAD_START).date(), (end + WEEKS_AHEAD).date()
        while day <= last:
            for offer in offers:
                for _ in range(self._wishes(day, last)):
                    yield self._plan(offer, day, begin, end - MARGIN)
            day += timedelta(days=1)

    def _wishes(self, day: date, last: date) -> int:
        """How many visits of one service are wanted on ``day``; the diary gets emptier further ahead."""
        if day.weekday() == 6:
            return 0
        if day.weekday() == 5:
            return self._rng.choice((0, 0, 1))
        return self._rng.choice((1, 1, 2) if last - day > WEEKS_AHEAD / 2 else (0, 1, 1))

    def _plan(self, offer: Offer, day: date, begin: datetime, end: datetime) -> Plan:
        person = self._person(offer.venue)
        zone = self._use_cases.catalogue.current().location(self._clinic.locations[offer.venue]).zone
        asked_on = day - timedelta(days=self._rng.choice(_LEAD_DAYS))
        wall = time(self._rng.randrange(9, 13), self._rng.randrange(60))
        latest = end - timedelta(hours=self._rng.randrange(72))
        return Plan(max(begin, min(latest, datetime.combine(asked_on, wall, zone))), offer, day, person)

    def _person(self, venue: str) -> Person:
        """Somebody of this venue; people with a phone that does not work come as rarely as they do in life."""
        people = [person for person in PEOPLE if person.venue == venue]
        weights = [4 if usual_behaviour(person.phone or "") == "reachable" else 1 for person in people]
        return self._rng.choices(people, weights)[0]

    # What happens

    def _book(self, plan: Plan) -> None:
        zone = self._use_cases.catalogue.current().location(self._clinic.locations[plan.offer.venue]).zone
        first = datetime.combine(plan.day, time(), zone)
        wanted = Search(self._clinic.services[plan.offer.name], first, first + timedelta(days=1), limit=60)
        slots = self._use_cases.slots.search(wanted)
        if not slots:
            return
        slot = self._rng.choice(slots)
        start = datetime.fromtimestamp(slot.start, UTC)
        request = Request(wanted.service_id, slot.provider.uid, self._clinic.patients[plan.person.name], start)
        visit = str(self._use_cases.booking.book(request, DESK).uid)
        self._watch(visit)
        length = timedelta(seconds=slot.end - slot.start)
        self._at(
            start - timedelta(minutes=self._rng.randrange(1, 12)), lambda: self._day_of_visit(visit, start, length)
        )

    def _watch(self, visit: str) -> None:
        """Let the worker run when a reminder of this visit falls due."""
        for entry in self._use_cases.ledger.of(visit):
            if entry.state == State.PLANNED and entry.due_at not in self._watched:
                self._watched.add(entry.due_at)
                self._at(entry.due_at, self._work)

    def _work(self) -> None:
        """What is due goes out and arrives a few seconds later, which may set off a fallback."""
        self._service.sending.run_due()
        while handed := self._carrier.take():
            self._clock.advance(timedelta(seconds=4))
            for one in handed:
                self._arrive(one)
            if not all(one.arrives for one in handed):
                self._service.sending.run_due()
                self._at(self._clock.now() + CALL_AGAIN, self._work)

    def _arrive(self, handed: Handed) -> None:
        if handed.channel is Channel.VOICE and handed.arrives:
            self._use_cases.calls.script(handed.token, Heard(handed.sid, ""))
            if self._rng.random() < _CONFIRM:
                self._use_cases.calls.answered(handed.token, Heard(handed.sid, "", key="1"))
        self._use_cases.outcomes.callback(handed.token, handed.report())
        if handed.channel is Channel.SMS and handed.arrives and (said := self._answer(handed)):
            self._at(self._clock.now() + timedelta(minutes=self._rng.randrange(1, 100)), self._saying(handed.to, said))

    def _answer(self, handed: Handed) -> str:
        draw = self._rng.random()
        if draw < _CONFIRM:
            language = next(person.language for person in PEOPLE if person.phone == handed.to)
            return self._rng.choice(_YES.get(language, ("1",)))
        if draw < _UNCLEAR:
            return "2" if draw < _CANCEL else "3" if draw < _MOVE else self._rng.choice(_ODD)
        return ""

    def _saying(self, phone: str, text: str) -> Step:
        def say() -> None:
            self._use_cases.replies.receive(Incoming(new_sid("SM"), phone, text))

        return say

    def _day_of_visit(self, visit: str, start: datetime, length: timedelta) -> None:
        row = self._use_cases.booking.get(visit)
        if Status(row.status) not in OPEN:
            return
        confirmed = row.confirmation == Confirmation.CONFIRMED
        if self._rng.random() < (_MISSES_CONFIRMED if confirmed else _MISSES_SILENT):
            self._at(start + timedelta(minutes=15), lambda: self._change(visit, Change.NOSHOW))
            return
        self._change(visit, Change.ARRIVE)
        self._at(start + length, lambda: self._change(visit, Change.FULFIL))

    def _change(self, visit: str, change: Change) -> None:
        try:
            self._use_cases.booking.change(visit, change, DESK)
        except Conflict:
            return  # the patient cancelled at the last minute

    def _tidy_inbox(self) -> None:
        """The desk has dealt with everything but the newest two."""
        for item in list(self._use_cases.desk.inbox(0, 500, done=False))[:-2]:
            self._use_cases.desk.finish(item.uid, DESK)
