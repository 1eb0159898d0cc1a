"""What is added up at night is what the visits themselves say, whatever happens afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from random import Random
from re import findall
from threading import Event
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, insert, select, update

from reminders.clock import ManualClock
from reminders.domain.appointment import Change
from reminders.domain.attendance import AttendanceBy
from reminders.domain.measures import CostBy, NoShowBy
from reminders.domain.worth import Prices
from reminders.services.attendance import Attendances
from reminders.services.catalogue import Catalogue
from reminders.services.experiments import Experiments, reading_shown
from reminders.services.reports import Reports
from reminders.services.rollups import Rollups
from reminders.services.savings import Savings
from reminders.services.spending import Spendings
from reminders.store import experiments, rollups, staleness
from reminders.store.engine import Database
from reminders.store.tables import (
    Appointment,
    Location,
    Message,
    Patient,
    Reminder,
    ReminderPolicy,
    RollupState,
    StaleDay,
)
from tests.factories import World, at
from tests.fakes import no_holidays
from tests.measuring import MADE, Clinic, fill

NOW = datetime(2030, 6, 2, 18, tzinfo=UTC)
RANGES = ((None, None), (date(2028, 12, 30), date(2030, 5, 31)), (date(2030, 5, 2), date(2030, 5, 20)))


#: One of each way in which stored days, months and years become a report: enough for a second and a third range.
EACH_WAY = {
    ("attendance", AttendanceBy.DAY), ("attendance", AttendanceBy.WEEKDAY), ("attendance", AttendanceBy.CHANNEL),
    ("no-shows", NoShowBy.WEEK), ("no-shows", NoShowBy.LANGUAGE), ("costs", CostBy.WEEK), ("costs", CostBy.STEP),
    ("heat map",), ("savings",), ("spending",),
}  # fmt: skip

Asked = Mapping[Any, Callable[[], Any]]


def reports(database: Database, clock: ManualClock, first: date | None, last: date | None) -> dict[Any, Any]:
    """Every report in every grouping, yet to be asked for, by name."""
    catalogue = Catalogue(database, clock, no_holidays)
    attendances, known = Attendances(database, clock), Reports(database, clock)
    savings = Savings(database, clock, catalogue, Prices())
    spending = Spendings(database, clock, known, savings, limit=Prices().hour)
    days = (first, last)
    found: dict[Any, Callable[[], Any]] = {}
    found |= {("attendance", by): partial(attendances.report, *days, by) for by in AttendanceBy}
    found |= {("no-shows", by): partial(known.no_shows, *days, by) for by in NoShowBy}
    found |= {("costs", by): partial(known.reminder_costs, *days, by) for by in CostBy}
    found |= {("heat map",): partial(attendances.heat_map, *days), ("savings",): partial(savings.report, *days)}
    found[("spending",)] = partial(spending.report, *days)
    named = {(*name, first): partial(_as_dict, ask) for name, ask in found.items()}
    trials = Experiments(database, clock, catalogue)
    return named | {("trials",): lambda: [reading_shown(one) for one in trials.readings()]}


def _as_dict(ask: Callable[[], Any]) -> Any:
    return ask().as_dict()


def everything(database: Database, clock: ManualClock) -> dict[Any, Any]:
    """Every report about all days, and one of each kind about the other ranges."""
    whole, *others = (reports(database, clock, *days) for days in RANGES)
    return whole | {name: ask for found in others for name, ask in found.items() if name[:-1] in EACH_WAY}


def answers(asked: Asked) -> dict[Any, Any]:
    return {name: ask() for name, ask in asked.items()}


def unrolled(database: Database, asked: Asked) -> dict[Any, Any]:
    """The answers without any stored sum."""
    with database.write() as tx:
        kept = tx.execute(select(RollupState.since, RollupState.through)).one()
        tx.execute(delete(RollupState))
    found = answers(asked)
    with database.write() as tx:
        rollups.extend(tx, kept.since, kept.through)
    return found


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def test_every_report_is_the_same_with_and_without_stored_sums(database: Database, clinic: Clinic) -> None:
    lot, clock = Random(7), ManualClock(NOW)
    visits = fill(clinic, 60, lot)
    asked = everything(database, clock)
    before = answers(asked)
    assert Rollups(database, clock).run() > 50
    assert answers(asked) == before
    with database.write() as tx:
        changed = lot.sample(visits, 6)
        tx.execute(update(Appointment).where(Appointment.id.in_(changed)).values(status="noshow"))
    some = {name: ask for name, ask in asked.items() if name[:-1] in EACH_WAY}
    stale = answers(some)
    assert stale != {name: before[name] for name in some}
    assert stale == unrolled(database, some)
    assert Rollups(database, clock).run() > 0
    assert answers(some) == stale


def test_a_night_costs_one_day(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    fill(clinic, 60, Random(3))
    Rollups(database, clock).run()
    assert Rollups(database, clock).run() == 0
    clinic.visit("noshow", date(2030, 6, 2))
    clock.advance(timedelta(days=1))
    assert Rollups(database, clock).run() == 1
    begun = database.statements
    assert Rollups(database, clock).run() == 0
    assert database.statements - begun < 10


def test_a_change_of_a_past_day_is_seen_at_once_and_added_up_the_next_night(database: Database) -> None:
    world = World(database)
    ids = world.open()
    visit = world.book(ids, at("2030-05-07 09:00"))
    world.clock.set(at("2030-05-10 12:00"))
    nightly, attendances = Rollups(database, world.clock), Attendances(database, world.clock)
    assert nightly.run() == 1
    assert attendances.report().total.unmarked == 1
    world.change(visit, Change.NOSHOW)
    assert stale(database) == {date(2030, 5, 7)}
    assert attendances.report().total.noshow == 1
    assert nightly.run() == 1
    assert stale(database) == set()
    assert attendances.report(by="month").rows()[0]["noshow"] == 1


def test_a_day_that_is_not_over_everywhere_is_not_added_up(database: Database, clinic: Clinic) -> None:
    clinic.visit("fulfilled", date(2030, 6, 1))
    assert Rollups(database, ManualClock(datetime(2030, 6, 2, 11, 59, tzinfo=UTC))).run() == 0
    assert Rollups(database, ManualClock(datetime(2030, 6, 2, 12, tzinfo=UTC))).run() == 1


def test_the_worker_looks_now_and_then(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    nightly = Rollups(database, clock)
    clinic.visit("fulfilled", date(2030, 5, 1))
    assert nightly.tick() == 2  # with the last day of the month, by which the month is made
    clinic.visit("fulfilled", date(2030, 5, 1))
    assert nightly.tick() == 0
    clock.advance(timedelta(hours=1))
    assert nightly.tick() == 1


def test_with_very_much_to_look_at_reports_go_up_to_the_last_night(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    clinic.visit("fulfilled", date(2030, 5, 1))
    Rollups(database, clock).run()
    attendances = Attendances(database, clock, most_live=1)
    clinic.visit("noshow", date(2030, 6, 2))
    assert attendances.report().total.booked == 2
    clinic.visit("noshow", date(2030, 6, 2))
    report = attendances.report()
    assert (report.total.booked, report.as_of) == (1, date(2030, 6, 1))


def test_with_very_much_to_count_costs_and_outcomes_go_up_to_the_last_night(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    visit = clinic.visit("fulfilled", date(2030, 5, 1))
    clinic.message(clinic.reminder(visit), price="0.10", appointment_id=visit)
    Rollups(database, clock).run()
    clinic.visit("booked", date(2030, 6, 20))
    clinic.message(clinic.reminder(visit, step=1), price="0.20", appointment_id=visit)
    assert stale(database) == {date(2030, 5, 1)}
    reports = Reports(database, clock, most_live=1)
    costs, outcomes = reports.reminder_costs(), reports.no_shows()
    assert (costs.totals[0].spent.messages, costs.as_of, outcomes.total.upcoming) == (2, None, 1)
    clinic.visit("noshow", date(2030, 6, 2))
    costs, outcomes = reports.reminder_costs(by=CostBy.DAY), reports.no_shows(by=NoShowBy.WEEK)
    assert (costs.totals[0].spent.messages, len(costs.groups), costs.as_of) == (1, 1, date(2030, 6, 1))
    assert (outcomes.total.booked, outcomes.as_of) == (1, date(2030, 6, 1))
    last = reports.no_shows(last=date(2030, 5, 20))
    assert (last.total.booked, last.as_of) == (1, date(2030, 5, 20))


def test_with_very_many_visits_to_come_reports_end_today_unless_asked_to_look_ahead(
    database: Database, clinic: Clinic
) -> None:
    clock = ManualClock(NOW)
    clinic.visit("fulfilled", date(2030, 5, 1))
    Rollups(database, clock).run()
    reports = Reports(database, clock, most_live=1)
    for day in (2, 20, 21):
        clinic.visit("booked", date(2030, 6, day))
    assert (reports.no_shows().total.booked, reports.no_shows().as_of) == (4, None)
    clinic.visit("booked", date(2030, 6, 22))
    assert (reports.no_shows().total.booked, reports.no_shows().as_of) == (2, date(2030, 6, 3))
    clinic.visit("booked", date(2030, 6, 23))
    asked = reports.no_shows(last=date(2030, 6, 30))
    assert (asked.total.booked, asked.as_of) == (6, date(2030, 6, 30))
    assert reports.no_shows(first=date(2030, 6, 20)).total.booked == 4


def test_days_that_wait_for_their_first_night_are_in_no_figure(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    for day in (date(2029, 3, 1), date(2030, 5, 1), date(2030, 5, 2)):
        clinic.visit("fulfilled", day)
    assert Rollups(database, clock, _Ending(after=4)).run() > 0  # both years are taken in, one is added up
    attendances = Attendances(database, clock, most_live=1)
    report = attendances.report()
    assert (report.total.booked, report.as_of) == (1, date(2029, 12, 31))
    Rollups(database, clock).run()
    report = attendances.report()
    assert (report.total.booked, report.as_of) == (3, date(2030, 6, 3))


class _Ending(Event):
    """A process that is to end once it has looked ``after`` times whether it is."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    def is_set(self) -> bool:
        self._left -= 1
        return self._left < 0


def stale(database: Database) -> set[date]:
    with database.read() as tx:
        return set(tx.execute(select(StaleDay.day)).scalars())


class Life:
    """What may happen to a clinic after its days were added up, in every way a row can change."""

    def __init__(self, clinic: Clinic, database: Database, clock: ManualClock) -> None:
        self._clinic, self._database, self._clock, self._steps = clinic, database, clock, count(10)
        self.kinds = (
            self.correct, self.move, self.give_away, self.hand_over, self.forget, self.come_late, self.remind,
            self.price, self.deliver, self.write, self.speak, self.relocate, self.refill, self.erase, self.pass_time,
            self.add_up,
        )  # fmt: skip

    def correct(self, lot: Random) -> None:
        self._visits(lot, status=lot.choice(["fulfilled", "noshow", "cancelled", "booked"]), confirmation="confirmed")

    def move(self, lot: Random) -> None:
        day = NOW.date() - timedelta(days=lot.randrange(-3, 60))
        start = datetime.combine(day, time(lot.randrange(8, 18)), UTC)
        times = {"start_at": start, "end_at": start + timedelta(minutes=30), "local_day": day}
        self._visits(lot, version=2, lead_days=lot.choice([0, 3, 20]), **times)

    def give_away(self, lot: Random) -> None:
        """Two records of one person become one."""
        with self._database.write() as tx:
            one, other = (self._some(tx, Patient, lot) for _ in range(2))
            tx.execute(update(Appointment).where(Appointment.patient_id == one).values(patient_id=other))

    def hand_over(self, lot: Random) -> None:
        self._visits(lot, provider_id=lot.choice([None, self._clinic.provider]))

    def forget(self, lot: Random) -> None:
        self._visits(lot, timed=False, booked_at=NOW - timedelta(days=lot.randrange(400)))

    def come_late(self, lot: Random) -> None:
        """An import brings a visit of the past."""
        with self._database.read() as tx:
            patient = self._some(tx, Patient, lot)
        day, booked = (NOW - timedelta(days=lot.randrange(700)) for _ in range(2))
        self._clinic.visit("noshow", day.date(), patient_id=patient, booked_at=booked)

    def remind(self, lot: Random) -> None:
        with self._database.read() as tx:
            visit = self._some(tx, Appointment, lot)
        self._clinic.reminder(visit, "sent", step=next(self._steps), channel=lot.choice(["sms", "email"]))

    def price(self, lot: Random) -> None:
        self._change(lot, Message, price=Decimal("0.05"), price_currency=lot.choice(["EUR", "USD"]), segments=2)

    def deliver(self, lot: Random) -> None:
        self._change(lot, Reminder, state=lot.choice(["delivered", "failed"]), reason="due")
        self._change(lot, Message, state="failed", provider_sid=None)

    def write(self, lot: Random) -> None:
        moment = NOW - timedelta(days=lot.randrange(100))
        self._clinic.message(None, "0.07", kind="reply", direction="in", created_at=moment)

    def speak(self, lot: Random) -> None:
        self._change(lot, Patient, language=lot.choice([None, "es", "tr"]))

    def relocate(self, lot: Random) -> None:
        self._change(lot, Location, language=lot.choice(["de", "fr"]), time_zone=lot.choice(["UTC", "Asia/Tokyo"]))

    def refill(self, lot: Random) -> None:
        with self._database.read() as tx:
            lost = select(Appointment).where(Appointment.status == "cancelled").order_by(Appointment.id)
            found = tx.execute(lost).all()
            taken = set(tx.execute(select(Appointment.busy_start).where(Appointment.occupies)).scalars())
        free = [visit for visit in found if visit.start_at not in taken]
        if free:
            visit = lot.choice(free)
            self._clinic.visit("fulfilled", visit.local_day, start_at=visit.start_at, occupies=True)

    def erase(self, lot: Random) -> None:
        with self._database.write() as tx:
            tx.execute(delete(Message).where(Message.id == self._some(tx, Message, lot)))

    def pass_time(self, lot: Random) -> None:
        self._clock.advance(timedelta(hours=lot.choice([1, 24, 24 * 40])))

    def add_up(self, lot: Random) -> None:
        Rollups(self._database, self._clock).run()

    def _visits(self, lot: Random, **values: Any) -> None:
        self._change(lot, Appointment, **values)

    def _change(self, lot: Random, table: Any, **values: Any) -> None:
        with self._database.write() as tx:
            tx.execute(update(table).where(table.id == self._some(tx, table, lot)).values(**values))

    def _some(self, tx: Connection, table: Any, lot: Random) -> int:
        return lot.choice(tx.execute(select(table.id).order_by(table.id)).scalars().all())


def test_after_any_changes_and_a_roll_up_the_reports_equal_the_visits(database: Database, clinic: Clinic) -> None:
    """Time and again on one database: what went wrong once stays wrong. So a few reports each time, all in the end."""
    clock, some = ManualClock(NOW), Random(11)
    life = Life(clinic, database, clock)
    fill(clinic, 30, some, days=[date(2029, 1, 1) + timedelta(days=some.randrange(700)) for _ in range(10)])
    trial(clinic, database)
    life.add_up(some)

    @settings(max_examples=10, deadline=None, phases=[Phase.generate], derandomize=True)
    @given(changes=st.lists(st.sampled_from(life.kinds), min_size=1, max_size=8), seed=st.integers(0, 10**6))
    def happen(changes: list[Callable[[Random], None]], seed: int) -> None:
        lot = Random(seed)
        for change in changes:
            change(lot)
        whole = reports(database, clock, *lot.choice(RANGES))
        asked = {name: whole[name] for name in lot.sample(list(whole), 6)}
        plain = unrolled(database, asked)
        assert answers(asked) == plain
        life.add_up(lot)
        assert answers(asked) == plain
        assert Rollups(database, clock).run() == len(stale(database))

    happen()
    for days in RANGES:
        asked = reports(database, clock, *days)
        assert answers(asked) == unrolled(database, asked)


def trial(clinic: Clinic, database: Database) -> None:
    """A holdout that has been running for a year and a half."""
    with database.write() as tx:
        policy = {
            "uid": "pol_trial", "name": "Usual", "steps": [], "quiet_hours": {"mode": "none"}, "notices": [], "created_at": MADE,
        }  # fmt: skip
        number = tx.execute(insert(ReminderPolicy).returning(ReminderPolicy.id), policy).scalar_one()
        experiments.add(tx, {
            "uid": "exp_trial", "policy_id": number, "name": "Half", "service_ids": [clinic.service],
            "guarded_ids": [], "branches": [{"name": "without", "share": 0.5, "steps": []}], "difference": 0.03,
            "started_at": datetime(2029, 2, 1, tzinfo=UTC),
        })  # fmt: skip


@pytest.mark.parametrize("table", staleness.WATCHED)
def test_the_triggers_stand_after_all_migrations(database: Database, clinic: Clinic, table: str) -> None:
    statements = staleness.SQLITE if database.is_sqlite else staleness.POSTGRESQL
    names = {found for one in statements for found in findall(r"CREATE TRIGGER (\w+)", one) if table in found}
    query = "SELECT name FROM sqlite_master" if database.is_sqlite else "SELECT tgname FROM pg_trigger"
    with database.read() as tx:
        assert names <= set(tx.exec_driver_sql(query).scalars())
    assert names
