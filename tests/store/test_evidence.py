"""The visits behind a figure are the ones the report counted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from reminders.domain.measures import LeadBand, NoShowBy, band_days, lead_band
from reminders.store import evidence, measures
from reminders.store.engine import Database, Record
from reminders.store.evidence import Behind
from tests.measuring import Clinic

NOW = datetime(2030, 5, 6, 9, 30, tzinfo=UTC)
OUTCOMES = ("fulfilled", "arrived", "noshow", "cancelled", "unmarked", "upcoming")


@pytest.fixture
def clinic(database: Database) -> Clinic:
    clinic = Clinic(database)
    for number, status in enumerate(("fulfilled", "arrived", "noshow", "noshow", "cancelled", "booked", "pending")):
        clinic.visit(status, date(2030, 5, 3 + number), lead_days=(-1, 0, 1, 3, 14, 15, 31)[number])
    return clinic


def found(database: Database, **wanted: Any) -> list[Record]:
    with database.read() as tx:
        return list(evidence.visits(tx, Behind(**wanted), NOW))


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_count_of_the_report_has_as_many_rows(database: Database, clinic: Clinic, outcome: str) -> None:
    with database.read() as tx:
        counts = {row.outcome: row.count for row in measures.visits(tx, NoShowBy.NONE, [(None, None)], NOW)}
    assert len(found(database, outcome=outcome)) == counts.get(outcome, 0)


@pytest.mark.parametrize("band", list(LeadBand))
def test_a_band_of_lead_times_has_its_rows_and_no_other(database: Database, clinic: Clinic, band: LeadBand) -> None:
    with database.read() as tx:
        rows = measures.visits(tx, NoShowBy.LEAD_TIME, [(None, None)], NOW)
    expected = sum(row.count for row in rows if lead_band(row.key) is band)
    assert len(found(database, leads=band_days(band))) == expected


def test_days_count_both_ends(database: Database, clinic: Clinic) -> None:
    rows = found(database, first=date(2030, 5, 4), last=date(2030, 5, 6))
    assert [row.local_day.day for row in rows] == [4, 5, 6]


def test_groups_are_told_apart(database: Database, clinic: Clinic) -> None:
    clinic.visit(provider_id=None)
    clinic.visit(location_id=clinic.add_location("South", "es"))
    clinic.visit(patient_id=clinic.add_patient("tr"))
    place = found(database, limit=1)[0]
    assert (place.location, place.provider, place.service) == ("Centre", "Dr. Weber", "Check-up")
    assert [len(found(database, language=tag)) for tag in ("de", "es", "tr", "en")] == [8, 1, 1, 0]
    with database.read() as tx:
        uids = dict(tx.exec_driver_sql("SELECT name, uid FROM location UNION ALL SELECT name, uid FROM provider").all())
    assert len(found(database, location=uids["South"])) == 1
    assert len(found(database, provider=uids["Dr. Weber"])) == 9
    assert found(database, service="svc_unknown") == []


def test_pages_follow_one_another_without_gap_or_repeat(database: Database, clinic: Clinic) -> None:
    seen: list[str] = []
    place = None
    while rows := found(database, limit=2, after=place):
        seen += [row.uid for row in rows]
        place = (rows[-1].local_day, rows[-1].id)
    assert seen == [row.uid for row in found(database)]
    assert len(set(seen)) == 7
