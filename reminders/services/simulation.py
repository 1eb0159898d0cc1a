"""The rehearsal clock: everything that would go out within a span of time, or what two policies differ in.

It decides and writes texts as ``services/sending.py`` does, but stores nothing and asks no provider. Whoever has not
answered by now is supposed not to answer at all.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from html import unescape

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.clinic import Location, Policy
from reminders.domain.cost import rate_card
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import Verdict
from reminders.domain.simulation import Comparison, Contact, LeftOut, Message, Outcome, Window, compare, in_order
from reminders.domain.sms import segments
from reminders.errors import Invalid, NotFound
from reminders.services.attempts import Rules
from reminders.services.batch import visit_facts
from reminders.services.cases import Case, Stops, anew, contact, decided, stored
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.foretelling import CAP_SPAN, Combining, Limits, Settled
from reminders.store import consents
from reminders.store import simulation as store
from reminders.store.engine import Database, Record
from reminders.texts import Rendered, Spoken, Template, Texts

_PAGE = 500
#: Quiet hours put nothing off, and move nothing forward, by more than a day; one day a year has 25 hours.
_SHIFT = timedelta(hours=26)
#: What a person hears who answers: who calls and whom for, then the visit.
_CALL: tuple[Spoken, Spoken] = ("who", "reminder")
_NO_CHANNEL = Verdict(State.SUPPRESSED, Reason.NO_CHANNEL)
_SAID = re.compile(r"<Say[^>]*>(.*?)</Say>", re.DOTALL)

#: Policies by their public id, in place of the stored ones.
Policies = Mapping[str, Policy]
#: What is said about one visit on each channel; it does not depend on when it is said.
_Said = dict[Channel, Rendered]
_ReadPage = Callable[[Connection, store.After | None], Sequence[Record]]


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is asked for: the window of each venue by its number, and a span that encloses those that count."""

    snapshot: Snapshot
    now: datetime
    start: datetime
    end: datetime
    windows: Mapping[int, tuple[datetime, datetime]]
    holidays: Mapping[int, frozenset[date]]
    location_id: int | None
    rules: Rules

    @property
    def since(self) -> datetime | None:
        """Since when something may have been planned that matters in the window. ``None``, since ever, when that reaches
        back to now: what is overdue is dealt with now."""
        matters = self.start
        if self.rules.daily_cap:
            matters -= CAP_SPAN
        if self.rules.budget:
            matters = min(matters, self.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
        return None if matters <= self.now else matters - _SHIFT

    @property
    def has_limits(self) -> bool:
        return bool(self.rules.daily_cap or self.rules.budget)

    @property
    def read_at(self) -> int | None:
        """The location whose contacts are read: a cap or a budget is used up by all of them."""
        return None if self.has_limits else self.location_id

    def holds(self, place: Location, at: datetime) -> bool:
        start, end = self.windows[place.id]
        return start <= at < end and self.location_id in {None, place.id}


class Simulation:
    """Reads only. ``location`` is a public id; without one, all locations are asked about."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, texts: Texts, rules: Rules) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts
        self._rules = rules

    def run(self, window: Window, location: str | None = None) -> Iterator[Outcome]:
        """Everything that falls into the window, by time; read and put into words while it is asked for.

        ``Invalid`` when the window is over or there is no location yet, ``NotFound`` for an unknown one.
        """
        return self._outcomes(self._scope(window, location))

    def compare(self, window: Window, a: Policies, b: Policies, location: str | None = None) -> Iterator[Comparison]:
        """The same window under the policies of ``a`` and those of ``b``, visit by visit; stored ones not named stay.

        The visits of a policy named in either are planned anew on both sides, as seen now. Errors as for ``run``.
        """
        scope = self._scope(window, location)
        services = {
            number for number, service in scope.snapshot.service_by_id.items()
            if service.policy and service.policy.uid in {*a, *b}
        }  # fmt: skip
        return self._comparisons(scope, _under(scope.snapshot, a), _under(scope.snapshot, b), services)

    def size(self, window: Window, location: str | None = None) -> int:
        """About how many contacts ``run`` looks at, to show how far it is."""
        scope = self._scope(window, location)
        with self._database.read() as tx:
            return store.count_planned(tx, scope.since, scope.end + scope.rules.combine, scope.read_at)

    def _scope(self, window: Window, location: str | None) -> _Scope:
        snapshot = self._catalogue.refresh()
        if not snapshot.locations:
            raise Invalid("There is no location yet, so nothing is planned.")
        if location is not None and location not in snapshot.locations:
            raise NotFound(f"There is no location {location}.")
        chosen = snapshot.locations[location].id if location else None
        windows = {number: window.bounds(place.zone) for number, place in snapshot.location_by_id.items()}
        asked = [bounds for number, bounds in windows.items() if chosen in {None, number}]
        start, end, now = min(one[0] for one in asked), max(one[1] for one in asked), self._clock.now()
        if end <= now:
            raise Invalid("This window is over; a rehearsal looks ahead.", field="to")
        holidays = {one.location.id: one.timetable.holidays for one in snapshot.providers.values()}
        return _Scope(snapshot, now, start, end, windows, holidays, chosen, self._rules)

    def _outcomes(self, scope: _Scope) -> Iterator[Outcome]:
        """Decided one by one, put into the order of time, and only then looked at together: one phone, one day, one
        budget. What lies outside of the window is put into words only where it uses up a limit."""
        limits = Limits(self._database, scope.rules, scope.now)
        for one in Combining(in_order(self._settled(scope)), scope.rules.combine):
            inside = scope.holds(one.case.location, one.at)
            if inside or scope.has_limits:
                outcome = self._limited(scope, one, limits)
                if inside:
                    yield outcome

    def _settled(self, scope: _Scope) -> Iterator[tuple[datetime, datetime, Settled]]:
        for row, stops in self._planned(scope):
            case = stored(scope.snapshot, row, stops)
            at, verdict = decided(case, scope.now)
            if case.channel not in scope.rules.channels:
                at, verdict = max(case.due_at, scope.now), _NO_CHANNEL
            yield max(case.due_at, scope.now), at, Settled(case, at, verdict)

    def _limited(self, scope: _Scope, one: Settled, limits: Limits) -> Outcome:
        outcome = self._outcome(scope, one.case, one.at, one.verdict, {}, one.others)
        if isinstance(outcome, Message) and scope.has_limits:
            reason = limits.gives_up(one)
            if reason is not None:
                return LeftOut(outcome.contact, State.SUPPRESSED, reason)
            limits.count(outcome)
        return outcome

    def _comparisons(self, scope: _Scope, a: Snapshot, b: Snapshot, services: set[int]) -> Iterator[Comparison]:
        for row, stops in self._planned(scope):
            if row.reminder_kind != "reminder" or row.appointment_service_id not in services:
                yield self._compared(scope, [stored(a, row, stops)], [stored(b, row, stops)])
        for row, stops in self._visits(scope, a, b, services):
            yield self._compared(scope, anew(a, row, stops, scope.now), anew(b, row, stops, scope.now))

    def _compared(self, scope: _Scope, a: list[Case], b: list[Case]) -> Comparison:
        """Matched before the window is looked at: what one side sends a day later is not lost at its edge."""
        said: _Said = {}
        first, second = (
            [(case.location, self._outcome(scope, case, *decided(case, scope.now), said)) for case in side]
            for side in (a, b)
        )
        inside = {id(one) for place, one in (*first, *second) if scope.holds(place, one.contact.at)}
        texts = ([one for _, one in side if isinstance(one, Message)] for side in (first, second))
        return Comparison(
            [one for _, one in first if id(one) in inside], [one for _, one in second if id(one) in inside],
            [item for item in compare(*texts) if id(item.a) in inside or id(item.b) in inside],
        )  # fmt: skip

    def _planned(self, scope: _Scope) -> Iterator[tuple[Record, Stops]]:
        """What is planned, by due time: the index holds each channel in that order, not all of them together."""
        channels = [self._planned_on(channel, scope) for channel in Channel]
        return heapq.merge(*channels, key=lambda item: (item[0].reminder_due_at, item[0].reminder_id))

    def _planned_on(self, channel: Channel, scope: _Scope) -> Iterator[tuple[Record, Stops]]:
        def page(tx: Connection, after: store.After | None) -> Sequence[Record]:
            return store.planned(tx, channel, after, scope.end + scope.rules.combine, scope.read_at, _PAGE)

        first = (scope.since, 0) if scope.since else None
        return self._pages(page, first, lambda row: (row.reminder_due_at, row.reminder_id))

    def _visits(self, scope: _Scope, a: Snapshot, b: Snapshot, services: set[int]) -> Iterator[tuple[Record, Stops]]:
        """Every visit of these services that either side could send something about in the window."""
        end = scope.end + max(_lead(a, services), _lead(b, services))

        def page(tx: Connection, after: store.After | None) -> Sequence[Record]:
            return store.visits(tx, after, end, services, scope.location_id, _PAGE)

        first = (max(scope.start, scope.now), 0)
        return self._pages(page, first, lambda row: (row.appointment_start_at, row.appointment_id))

    def _pages(
        self, page: _ReadPage, after: store.After | None, place: Callable[[Record], store.After]
    ) -> Iterator[tuple[Record, Stops]]:
        """Rows page by page, each with the stops in force for the people on its page; no transaction stays open."""
        while True:
            with self._database.read() as tx:
                rows = page(tx, after)
                addresses = {one for row in rows for one in (row.patient_phone, row.patient_email) if one}
                stops = consents.in_force(tx, addresses)
            yield from ((row, stops) for row in rows)
            if len(rows) < _PAGE:
                return
            after = place(rows[-1])

    def _outcome(
        self, scope: _Scope, case: Case, at: datetime, verdict: Verdict, said: _Said, others: Sequence[Case] = ()
    ) -> Outcome:
        told = contact(case, at, scope.holidays.get(case.location.id, frozenset()))
        if verdict.state is not State.CLAIMED:
            return LeftOut(told, verdict.state, verdict.reason)
        try:
            if case.channel not in said:
                said[case.channel] = self._words(case, others)
        except Invalid:
            return LeftOut(told, State.SUPPRESSED, Reason.NO_TEXT)
        return _message(told, case.channel, said[case.channel])

    def _words(self, case: Case, others: Sequence[Case]) -> Rendered:
        """What a message says: an e-mail under its subject, a call when it is answered (pauses as /)."""
        row, locale, own = case.row, case.location.locale, self._catalogue.current().texts
        facts = visit_facts(
            case.location, row.patient_name, row.patient_zone, row.appointment_start_at, case.body,
            others=[(other.row.patient_name, other.row.appointment_start_at) for other in others],
        )  # fmt: skip
        if case.channel is Channel.SMS:
            return self._texts.sms(
                Template.SEVERAL if others else Template(case.kind), row.patient_language, locale, facts, own
            )
        if case.channel is Channel.EMAIL:
            letter = self._texts.email(Template(case.kind), row.patient_language, locale, facts, own)
            return replace(letter, body=f"{letter.subject}\n\n{letter.body}")
        asked, told = (
            self._texts.voice(name, row.patient_language, locale, facts, action="/", own=own) for name in _CALL
        )
        return replace(told, body=" / ".join(unescape(words) for words in _SAID.findall(asked.body + told.body)))


def _message(told: Contact, channel: Channel, words: Rendered) -> Message:
    units = segments(words.body).count if channel is Channel.SMS else None
    cost = rate_card(told.at.date()).price(channel, told.to or "", units or 1)
    return Message(told, words.language, words.fallback, words.body, units, cost)


def _under(snapshot: Snapshot, policies: Policies) -> Snapshot:
    """The catalogue as it would be with these policies."""
    under = {uid: snapshot.with_trial(policy) for uid, policy in policies.items()}
    services = {
        number: replace(service, policy=under.get(service.policy.uid, service.policy)) if service.policy else service
        for number, service in snapshot.service_by_id.items()
    }
    return replace(snapshot, service_by_id=services)


def _lead(snapshot: Snapshot, services: set[int]) -> timedelta:
    """How long before a visit its first message may go out."""
    policies = (snapshot.service_by_id[number].policy for number in services)
    steps = (step for policy in policies if policy for step in policy.steps)
    return max((abs(step.offset.approximate) for step in steps), default=timedelta()) + _SHIFT
