"""Every count of every group of the attendance report has as many rows behind it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select

from reminders.clock import ManualClock
from reminders.domain.attendance import AttendanceBy
from reminders.domain.measures import LeadBand, band_days
from reminders.services.attendance import Attendances
from reminders.services.evidence import Evidence
from reminders.store.engine import Database
from reminders.store.evidence import COUNTS, Behind
from reminders.store.tables import Appointment, AppointmentHistory
from tests.measuring import Clinic, fill

NOW = datetime(2030, 6, 2, 18, tzinfo=UTC)
DAYS = {"first": date(2029, 1, 1), "last": date(2030, 6, 2)}


def behind(by: AttendanceBy, group: str) -> tuple[dict[str, Any], int | None]:
    """What asks for the rows of a group."""
    match by:
        case AttendanceBy.LOCATION | AttendanceBy.SERVICE | AttendanceBy.LANGUAGE | AttendanceBy.CHANNEL:
            return {by.value: group}, None
        case AttendanceBy.LEAD_TIME:
            return {"leads": band_days(LeadBand(group))}, None
        case AttendanceBy.FIRST_VISIT:
            return {"first_visit": group == "first"}, None
        case AttendanceBy.WEEKDAY:
            return {"weekday": int(group)}, None
        case AttendanceBy.HOUR:
            return {}, int(group)
    return {}, None


@pytest.fixture
def clinic(database: Database) -> Clinic:
    clinic, lot = Clinic(database), Random(5)
    fill(clinic, 60, lot)
    with database.write() as tx:
        for row in tx.execute(select(Appointment.id, Appointment.status, Appointment.start_at)).all():
            changes = {"cancelled": ("cancel", "desk"), "fulfilled": ("fulfil", lot.choice(["desk", "assumed"]))}
            change, channel = changes.get(row.status, ("reschedule", "desk"))
            tx.execute(insert(AppointmentHistory), {
                "appointment_id": row.id, "at": row.start_at, "change": change, "actor": "system", "channel": channel,
                "version": 2, "facts": {},
            })  # fmt: skip
        tx.execute(Appointment.__table__.update().values(version=2))
    for row in range(3):  # somebody else came instead
        clinic.visit("fulfilled", date(2030, 5, 6), occupies=True, start_at=datetime(2030, 5, 6, 9 + row, tzinfo=UTC))
        for lost in ("noshow", "cancelled"):
            clinic.visit(lost, date(2030, 5, 6), start_at=datetime(2030, 5, 6, 9 + row, tzinfo=UTC))
    return clinic


@pytest.mark.parametrize("by", [
    AttendanceBy.NONE, AttendanceBy.LOCATION, AttendanceBy.SERVICE, AttendanceBy.LANGUAGE, AttendanceBy.CHANNEL,
    AttendanceBy.LEAD_TIME, AttendanceBy.FIRST_VISIT, AttendanceBy.WEEKDAY, AttendanceBy.HOUR,
])  # fmt: skip
def test_each_count_has_its_rows(database: Database, clinic: Clinic, by: AttendanceBy) -> None:
    clock = ManualClock(NOW)
    evidence, report = Evidence(database, clock), Attendances(database, clock).report(*DAYS.values(), by)
    counts = ["fulfilled", "arrived", "noshow", "cancelled", "unmarked", *COUNTS]
    seen: dict[str, int] = dict.fromkeys(counts, 0)
    for row in report.rows():
        if row["group"] == "unknown" and by is AttendanceBy.HOUR:
            continue
        asked, hour = behind(by, row["group"])
        for name in counts:
            found = evidence.visits(Behind(**DAYS, **asked, outcome=name, limit=500), hour)
            assert (row["group"], name, len(found)) == (row["group"], name, row[name])
            seen[name] += len(found)
    assert all(seen.values()), seen


def test_rows_of_an_hour_come_in_pages(database: Database, clinic: Clinic) -> None:
    evidence = Evidence(database, ManualClock(NOW))
    whole = [row.uid for row in evidence.visits(Behind(**DAYS, limit=500), 11)]
    first = evidence.visits(Behind(**DAYS, limit=3), 11)
    place = (first[-1].local_day, first[-1].id)
    rest = evidence.visits(Behind(**DAYS, limit=500, after=place), 11)
    assert [row.uid for row in (*first, *rest)] == whole
    assert len(whole) > 3
