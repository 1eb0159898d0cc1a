from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from reminders.clock import ManualClock
from reminders.domain.appointment import Change
from reminders.domain.attendance import AttendanceBy
from reminders.errors import Invalid
from reminders.services.attendance import Attendances
from reminders.store.engine import Database
from reminders.store.tables import AppointmentHistory
from tests.factories import World, at
from tests.measuring import Clinic

NOW = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


@pytest.fixture
def attendances(database: Database) -> Attendances:
    return Attendances(database, ManualClock(NOW))


def groups(report: Any, *columns: str) -> dict[str, tuple[Any, ...]]:
    return {row["group"]: tuple(row[name] for name in columns) for row in report.rows()}


def test_late_is_less_than_a_day_before_the_start(database: Database, clinic: Clinic, attendances: Attendances) -> None:
    start = datetime(2030, 5, 6, 9, tzinfo=UTC)
    for before in (timedelta(hours=23), timedelta(hours=24), timedelta(days=3)):
        visit = clinic.visit("cancelled", start_at=start)
        with database.write() as tx:
            tx.execute(insert(AppointmentHistory).values(
                appointment_id=visit, at=start - before, change="cancel", actor="x", channel="api", version=2, facts={},
            ))  # fmt: skip
    clinic.visit("cancelled", start_at=start)  # imported: nobody knows when
    clinic.visit("noshow", start_at=start)
    clinic.visit("fulfilled", start_at=start)
    [row] = attendances.report().rows()
    assert (row["cancelled"], row["late_cancelled"]) == (4, 1)
    assert (row["known"], row["rate"], row["lost"]) == (2, 0.5, round(2 / 3, 6))


def test_a_lost_slot_is_refilled_when_the_provider_used_the_time(clinic: Clinic, attendances: Attendances) -> None:
    nine, ten, noon = (datetime(2030, 5, 6, hour, tzinfo=UTC) for hour in (9, 10, 12))
    clinic.visit("cancelled", start_at=nine)
    clinic.visit("fulfilled", start_at=nine + timedelta(minutes=15), occupies=True)
    clinic.visit("noshow", start_at=ten)
    clinic.visit("arrived", start_at=ten, occupies=True)
    clinic.visit("cancelled", start_at=noon)
    clinic.visit("cancelled", start_at=noon)  # a slot that was given up twice is not used by that
    [row] = attendances.report().rows()
    assert (row["cancelled"], row["refilled"], row["noshow"], row["noshow_refilled"]) == (3, 1, 1, 1)


def test_a_moved_visit_counts_once_on_its_last_day(database: Database) -> None:
    world = World(database)
    ids = world.open()
    visit = world.book(ids, at("2030-05-07 09:00"))
    world.move(visit, at("2030-05-08 09:00"))
    world.clock.set(at("2030-05-08 09:05"))
    world.change(visit, Change.ARRIVE)
    report = Attendances(database, world.clock).report(by="day")
    assert groups(report, "booked", "moved", "arrived") == {"2030-05-08": (1, 1, 1)}


def test_first_visits_are_those_of_patients_nobody_knew(clinic: Clinic, attendances: Attendances) -> None:
    other = clinic.add_patient()
    clinic.visit("cancelled", date(2030, 5, 1))
    clinic.visit("noshow", date(2030, 5, 2))
    clinic.visit("fulfilled", date(2030, 5, 3))
    clinic.visit("fulfilled", date(2030, 5, 4), patient_id=other)
    report = attendances.report(by="first_visit")
    assert groups(report, "booked", "noshow") == {"first": (3, 1), "later": (1, 0)}


def test_a_visit_belongs_to_the_channel_that_went_out(clinic: Clinic, attendances: Attendances) -> None:
    clinic.reminder(clinic.visit(), "sent")
    both = clinic.visit()
    clinic.reminder(both, "delivered")
    clinic.reminder(both, "delivered", channel="voice")
    clinic.reminder(clinic.visit(), "suppressed")
    clinic.reminder(clinic.visit(), "failed", channel="voice")
    clinic.reminder(clinic.visit(), "delivered", kind="moved")
    assert groups(attendances.report(by="channel"), "booked") == {"none": (3,), "several": (1,), "sms": (1,)}


def test_hours_are_those_of_the_venues_clock(clinic: Clinic, attendances: Attendances) -> None:
    clinic.visit("noshow", start_at=datetime(2030, 5, 6, 22, 30, tzinfo=UTC), local_day=date(2030, 5, 7))
    clinic.visit(start_at=datetime(2030, 1, 8, 8, tzinfo=UTC), local_day=date(2030, 1, 8))  # winter
    clinic.visit(timed=False)
    heat = attendances.heat_map()
    assert [(row["weekday_name"], row["hour"], row["noshow"], row["known"]) for row in heat.rows()] == [
        ("Tuesday", 0, 1, 1), ("Tuesday", 9, 0, 1)
    ]  # fmt: skip
    assert heat.untimed == 1
    assert groups(attendances.report(by="hour"), "label", "booked") == {
        "00": ("00:00", 1), "09": ("09:00", 1), "unknown": ("unknown", 1)
    }  # fmt: skip
    assert groups(attendances.report(by="weekday"), "label") == {"0": ("Monday",), "1": ("Tuesday",)}


def test_visits_still_to_come_after_today_are_left_out(clinic: Clinic, attendances: Attendances) -> None:
    clinic.visit("booked", date(2030, 6, 1))
    clinic.visit("booked", date(2030, 7, 1))
    clinic.visit("booked", date(2030, 5, 1))
    [row] = attendances.report().rows()
    assert (row["booked"], row["upcoming"], row["unmarked"], row["rate"]) == (2, 1, 1, None)


@pytest.mark.parametrize("by", AttendanceBy)
def test_groups_add_up_to_the_total(clinic: Clinic, attendances: Attendances, by: AttendanceBy) -> None:
    clinic.visit("noshow")
    clinic.visit(lead_days=40, provider_id=None, day=date(2030, 4, 3))
    clinic.visit("cancelled", timed=False)
    report = attendances.report(by=by)
    assert sum(row["booked"] for row in report.rows()) == report.total.booked == 3
    assert all(row["label"] for row in report.rows())


def test_months_and_weeks_hold_their_days(clinic: Clinic, attendances: Attendances) -> None:
    for day in (date(2030, 4, 29), date(2030, 4, 30), date(2030, 5, 1)):
        clinic.visit("noshow", day)
    assert groups(attendances.report(by="month"), "noshow") == {"2030-04": (2,), "2030-05": (1,)}
    assert groups(attendances.report(by="week"), "noshow") == {"2030-W18": (3,)}


def test_repeaters_by_number_then_by_day(clinic: Clinic, attendances: Attendances) -> None:
    often, twice, once = (clinic.add_patient() for _ in range(3))
    for patient, days in ((often, (1, 2, 3)), (twice, (4, 5)), (once, (6,))):
        for day in days:
            clinic.visit("noshow", date(2030, 5, day), patient_id=patient)
    clinic.visit("noshow", date(2029, 5, 1), patient_id=once)  # more than a year ago
    assert [(row["missed"], row["missed_on"]) for row in attendances.repeaters().rows()] == [
        (3, "2030-05-03"), (2, "2030-05-05")
    ]  # fmt: skip
    assert len(attendances.repeaters(least=1).rows()) == 3
    assert len(attendances.repeaters(limit=1).rows()) == 1
    with pytest.raises(Invalid):
        attendances.repeaters(limit=0)


@pytest.mark.parametrize(("first", "last", "by", "field"), [
    (date(2030, 2, 1), date(2030, 1, 1), None, "from"), (None, None, "moon", "by"),
])  # fmt: skip
def test_a_question_without_sense_is_refused(
    attendances: Attendances, first: date | None, last: date | None, by: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        attendances.report(first, last, by)
    assert caught.value.field == field


def test_the_guide_explains_every_column(attendances: Attendances) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
    for report in (attendances.report(), attendances.heat_map(), attendances.repeaters()):
        assert [column for column in report.columns if f"`{column}`" not in guide] == []
    assert [by for by in AttendanceBy if by != "none" and f"`{by}`" not in guide] == []
