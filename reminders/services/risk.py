"""Which visits are likely to be missed: tomorrow's as a list of people to call, past ones to see how good that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.accuracy import FLAGGED, Fairness, Quality, quality
from reminders.domain.appointment import Confirmation
from reminders.domain.attendance import Attendance, AttendanceBy
from reminders.domain.calling import MINUTES, Call, Candidate, Reach, ranked
from reminders.domain.clinic import Location, Service
from reminders.domain.delivery import Channel
from reminders.domain.risk import Case, Model, rule
from reminders.domain.worth import Prices
from reminders.errors import Invalid
from reminders.services.attendance import head
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.figures import Figures
from reminders.services.groups import wanted
from reminders.services.risk_view import described, from_row, groups, of_fairness, of_quality, scored
from reminders.services.savings import Ungrouped
from reminders.store import consents
from reminders.store import risk as store
from reminders.store.engine import Database, Record

#: So many visits of a day are ranked, and so many past ones looked at: the newest.
MOST_VISITS, MOST_PAST = 1000, 4000
_YEAR = timedelta(days=365)
LONGEST = 480


@dataclass(frozen=True, slots=True)
class Line:
    """One call to make: ``row`` is the visit with the patient's contact."""

    call: Call
    row: Record


@dataclass(frozen=True, slots=True)
class CallList:
    """Whom to call about the visits of ``day`` (``None``: nobody is expected), within ``minutes`` of ``each`` a call. Of
    the ``visits`` of that day, ``safe`` are confirmed by patients whom messages reach; ``without_phone`` and ``not_to_be_called``
    (they asked so) would be worth a call that nobody can make. ``model`` is the version, 0 the rule."""

    location: Location
    day: date | None
    minutes: int
    each: Decimal
    model: int
    lines: tuple[Line, ...] = ()
    visits: int = 0
    safe: int = 0
    without_phone: int = 0
    not_to_be_called: int = 0

    @property
    def fitting(self) -> int:
        return sum(line.call.fits for line in self.lines)


@dataclass(frozen=True, slots=True)
class RiskReport:
    """How good the model in use was on past visits, for all and by language and age band. ``first`` and ``last`` are the
    days looked at. ``learnt``: the model learnt from some of these visits, so its figures flatter it here."""

    first: date | None
    last: date | None
    model: dict[str, Any]
    quality: Quality | None
    fairness: tuple[Fairness, ...]
    learnt: bool
    by: str = "group"

    @property
    def columns(self) -> list[str]:
        return ["by", "group", "visits", "noshow", "predicted", "observed", "observed_low", "observed_high", "auc",
                "flagged", "flagged_low", "flagged_high", "caught", "caught_low", "caught_high", "verdict",
                "verdict_beside_all"]  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """All visits, then one line per language and age band."""
        return [of_fairness(one) for one in self.fairness]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return head(self.first, self.last, self.by) | {
            "model": self.model, "quality": of_quality(self.quality) if self.quality else None,
            "flagged_share": FLAGGED, "learnt_from_these_visits": self.learnt, "items": self.rows(),
        }  # fmt: skip


class Risks:
    """Reads only. Until a model was trained and put into use, a documented rule stands in."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue, prices: Prices) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._prices = prices

    def call_list(
        self, location: str | None = None, day: date | None = None, minutes: int = MINUTES
    ) -> CallList:  # fmt: skip
        """The calls most worth making about the visits of a location: of ``day``, else of its next day with visits. The
        location may be left out when there is only one. ``Invalid`` for minutes out of range or a missing location,
        ``NotFound`` for an unknown one."""
        if not 1 <= minutes <= LONGEST:
            raise Invalid(f"minutes is 1 to {LONGEST}.", field="minutes")
        place, now = self._place(location), self._clock.now()
        with self._database.read() as tx:
            model, _ = self._model(tx, now)
            day = day or store.next_day(tx, place.id, now.astimezone(place.zone).date())
            empty = CallList(place, day, minutes, self._prices.minutes, model.version)
            if day is None:
                return empty
            found = [pair for pair in store.ahead(tx, place.id, day, MOST_VISITS) if pair[0].start_at > now]
            stops = consents.in_force(tx, _addresses(found))
        return self._ranked(empty, model, found, stops)

    def report(self, first: date | None = None, last: date | None = None, by: str | None = None) -> RiskReport:
        """How good the model in use was. Without a first day: of a trained model the days since those it learnt from, of
        the rule the last year; of more than ``MOST_PAST`` visits the newest. ``Invalid`` for an empty range or any
        grouping: the groups are fixed."""
        wanted(Ungrouped, by, first, last)
        now = self._clock.now()
        with self._database.read() as tx:
            model, row = self._model(tx, now)
            if first is None:
                first = row.through + timedelta(days=1) if row else now.date() - _YEAR
            visits = store.past(tx, (first, last or now.date() + timedelta(days=1)), MOST_PAST)
        pairs = scored(model, visits)
        first, last = (visits[0].day, visits[-1].day) if visits else (first, last)
        learnt = row is not None and bool(visits) and first <= row.through
        found = quality(pairs) if pairs else None
        return RiskReport(first, last, described(model, row), found, groups(visits, pairs), learnt)

    def _model(self, tx: Connection, now: datetime) -> tuple[Model, Record | None]:
        """The model in use and its row; the rule has none."""
        row = store.in_use(tx)
        if row is not None:
            return from_row(row), row
        figures = Figures(tx, now, now.date() - _YEAR, None)
        total = sum((counts for _, _, counts in figures.attendance(AttendanceBy.NONE)), Attendance())
        return rule(total.noshow, total.known), None

    def _place(self, location: str | None) -> Location:
        places = self._catalogue.current().locations
        if location is not None:
            return self._catalogue.current().location(location)
        if len(places) != 1:
            raise Invalid("Say which location it is about: there is not exactly one.", field="location_id")
        return next(iter(places.values()))

    def _ranked(
        self, empty: CallList, model: Model, found: list[tuple[Record, Case]], stops: set[tuple[str, str]]
    ) -> CallList:  # fmt: skip
        known, rows = self._catalogue.current(), {row.id: row for row, _ in found}
        reach = {row.id: _reach(row, stops, known.service_by_id.get(row.service_id)) for row, _ in found}
        everybody = [self._candidate(known, empty.location, model, row, case, reach[row.id]) for row, case in found]
        worth_it = [one for one in everybody if one.counts]
        callable_ = [one for one in worth_it if reach[one.key].may_be_called]
        calls = ranked(callable_, empty.minutes, empty.each)
        without = sum(reach[one.key].phone is None for one in worth_it)
        return CallList(
            empty.location, empty.day, empty.minutes, empty.each, empty.model,
            tuple(Line(call, rows[call.candidate.key]) for call in calls), len(found), len(found) - len(worth_it),
            without, len(worth_it) - len(callable_) - without,
        )  # fmt: skip

    def _candidate(
        self, known: Snapshot, place: Location, model: Model, row: Record, case: Case, reach: Reach
    ) -> Candidate:
        service = known.service_by_id.get(row.service_id)
        reasons = model.reasons(case, service.name if service else "")
        confirmed = row.confirmation == Confirmation.CONFIRMED
        value = self._value(service, place.currency)
        return Candidate(row.id, row.start_at, model.risk(case), reasons, value, confirmed, reach.contact)

    def _value(self, service: Service | None, currency: str) -> Decimal | None:
        if service is None or service.value is None:
            return None
        return self._prices.converted(service.value, currency)


def _addresses(found: list[tuple[Record, Case]]) -> set[str]:
    return {one for row, _ in found for one in consents.addresses(row.patient_phone, row.patient_email)}


def _reach(row: Record, stops: set[tuple[str, str]], service: Service | None) -> Reach:
    """Without a policy nothing goes out by itself, but the desk may still write."""
    phone, email = row.patient_phone, row.patient_email
    stopped = frozenset(channel.value for channel in Channel if consents.bars(stops, phone, email, channel))
    policy = service.policy if service else None
    used = {str(channel) for step in policy.steps for channel in step.channels} if policy else set(Channel)
    paused = row.paused or row.patient_paused
    return Reach(phone, email, row.phone_problem is not None, frozenset(used), stopped, paused, store.did_fail(row))
