"""What is added up at night is what the visits themselves say, whatever happens afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, select, update

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
from reminders.store import rollups
from reminders.store.engine import Database
from reminders.store.tables import Appointment, RollupState, StaleDay
from tests.factories import World, at
from tests.fakes import no_holidays
from tests.measuring import Clinic

NOW = datetime(2030, 6, 2, 18, tzinfo=UTC)
RANGES = ((None, None), (date(2028, 12, 30), date(2030, 5, 31)), (date(2030, 5, 2), date(2030, 5, 20)))


def everything(database: Database, clock: ManualClock) -> dict[Any, Any]:
    """Every report in every grouping."""
    catalogue = Catalogue(database, clock, no_holidays)
    attendances, reports = Attendances(database, clock), Reports(database, clock)
    savings = Savings(database, clock, catalogue, Prices())
    spending = Spendings(database, clock, reports, savings, limit=Prices().hour)
    found: dict[Any, Any] = {}
    for days in RANGES:
        found |= {(days, "attendance", by): attendances.report(*days, by).as_dict() for by in AttendanceBy}
        found |= {(days, "no-shows", by): reports.no_shows(*days, by).as_dict() for by in NoShowBy}
        found |= {(days, "costs", by): reports.reminder_costs(*days, by).as_dict() for by in CostBy}
        found[days, "heat map"] = attendances.heat_map(*days).as_dict()
        found[days, "savings"] = savings.report(*days).as_dict()
        found[days, "spending"] = spending.report(*days).as_dict()
    found["trials"] = [reading_shown(one) for one in Experiments(database, clock, catalogue).readings()]
    return found


def unrolled(database: Database, clock: ManualClock) -> dict[Any, Any]:
    """The same without any stored sum."""
    with database.write() as tx:
        kept = tx.execute(select(RollupState.since, RollupState.through)).one()
        tx.execute(delete(RollupState))
    found = everything(database, clock)
    with database.write() as tx:
        rollups.extend(tx, kept.since, kept.through)
    return found


def fill(clinic: Clinic, number: int, lot: Random) -> list[int]:
    """Visits over two years, with reminders, messages and answers."""
    patients = [clinic.add_patient(lot.choice([None, "es", "fr"])) for _ in range(12)]
    made = []
    for _ in range(number):
        day = date(2029, 1, 1) + timedelta(days=lot.choice([lot.randrange(700), lot.randrange(480, 516)]))
        status = lot.choice(["fulfilled", "fulfilled", "arrived", "noshow", "cancelled", "booked"])
        visit = clinic.visit(
            status, day, patient_id=lot.choice(patients), lead_days=lot.choice([-1, 0, 3, 40]),
            provider_id=lot.choice([None, clinic.provider]), timed=lot.random() < 0.9,
            booked_at=datetime(2029, 1, 1, tzinfo=UTC) + timedelta(days=lot.randrange(300)),
        )  # fmt: skip
        made.append(visit)
        for step in range(lot.randrange(3)):
            state = lot.choice(["delivered", "sent", "failed", "suppressed", "planned"])
            reminder = clinic.reminder(visit, state, step=step, channel=lot.choice(["sms", "voice"]))
            clinic.message(
                reminder, price=lot.choice([None, "0.08"]), currency=lot.choice(["EUR", "USD"]), appointment_id=visit,
                kind=lot.choice(["reminder", "answer"]),
            )  # fmt: skip
    return made


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def test_every_report_is_the_same_with_and_without_stored_sums(database: Database, clinic: Clinic) -> None:
    lot, clock = Random(7), ManualClock(NOW)
    visits = fill(clinic, 160, lot)
    before = everything(database, clock)
    assert Rollups(database, clock).run() > 50
    assert everything(database, clock) == before
    with database.write() as tx:
        changed = lot.sample(visits, 6)
        tx.execute(update(Appointment).where(Appointment.id.in_(changed)).values(status="noshow"))
        for number in changed:
            row = tx.execute(
                select(Appointment.patient_id, Appointment.local_day).where(Appointment.id == number)
            ).one()
            rollups.mark_patient(tx, row.patient_id, row.local_day, NOW.date())
    stale = everything(database, clock)
    assert stale != before
    assert stale == unrolled(database, clock)
    assert Rollups(database, clock).run() > 0
    assert everything(database, clock) == stale


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
    assert stale(database) == [date(2030, 5, 7)]
    assert attendances.report().total.noshow == 1
    assert nightly.run() == 1
    assert stale(database) == []
    assert attendances.report(by="month").rows()[0]["noshow"] == 1


def test_a_day_that_is_not_over_everywhere_is_not_added_up(database: Database, clinic: Clinic) -> None:
    clinic.visit("fulfilled", date(2030, 6, 1))
    assert Rollups(database, ManualClock(datetime(2030, 6, 2, 11, 59, tzinfo=UTC))).run() == 0
    assert Rollups(database, ManualClock(datetime(2030, 6, 2, 12, tzinfo=UTC))).run() == 1


def test_the_worker_looks_now_and_then(database: Database, clinic: Clinic) -> None:
    clock = ManualClock(NOW)
    nightly = Rollups(database, clock)
    clinic.visit("fulfilled", date(2030, 5, 1))
    assert nightly.tick() == 1
    clinic.visit("fulfilled", date(2030, 6, 1))
    with database.write() as tx:
        rollups.mark(tx, [date(2030, 5, 1)])
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


def stale(database: Database) -> list[date]:
    with database.read() as tx:
        return list(tx.execute(select(StaleDay.day)).scalars())
