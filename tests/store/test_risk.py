from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from reminders.domain.risk import Case
from reminders.store import risk
from reminders.store.engine import Database
from tests.measuring import Clinic

DAY = date(2030, 5, 6)
EVER = (None, None)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def past(database: Database, span: Any = EVER, most: int = 100) -> list[risk.Past]:
    with database.read() as tx:
        return risk.past(tx, span, most)


def test_a_past_visit_is_seen_as_it_was_on_its_eve(database: Database, clinic: Clinic) -> None:
    patient = clinic.add_patient("tr", birth_year=1990)
    for status, day in (("noshow", 1), ("arrived", 2), ("cancelled", 3), ("fulfilled", 4)):
        clinic.visit(status, date(2030, 5, day), patient_id=patient)
    clinic.visit("noshow", start_at=datetime(2030, 5, 6, 6, tzinfo=UTC), patient_id=patient)  # of the same day
    clinic.visit("fulfilled", start_at=datetime(2030, 5, 6, 9, tzinfo=UTC), patient_id=patient, lead_days=24)
    found = past(database, (DAY, DAY))[-1]
    assert (found.day, found.missed, found.language) == (DAY, False, "tr")
    assert found.case == Case(24, 1, 2, 40, 0, 11, found.case.service)  # 11:00 in Berlin
    assert found.case.service.startswith("service_")


def test_only_visits_whose_end_is_known_count_the_newest_first(database: Database, clinic: Clinic) -> None:
    for place, status in enumerate(("noshow", "booked", "fulfilled", "cancelled", "arrived")):
        clinic.visit(status, DAY + timedelta(days=place), timed=False)
    assert [visit.day.day for visit in past(database)] == [6, 8, 10]
    assert [visit.day.day for visit in past(database, most=2)] == [8, 10]
    assert [visit.day.day for visit in past(database, (date(2030, 5, 7), date(2030, 5, 8)))] == [8]
    assert {(visit.case.hour, visit.case.age, visit.language) for visit in past(database)} == {(None, None, "de")}


def test_the_next_day_is_one_on_which_somebody_is_expected(database: Database, clinic: Clinic) -> None:
    elsewhere = clinic.add_location("Elsewhere", "de")
    clinic.visit("booked", DAY)
    clinic.visit("cancelled", date(2030, 5, 7))
    clinic.visit("booked", date(2030, 5, 8), location_id=elsewhere)
    clinic.visit("pending", date(2030, 5, 10))
    with database.read() as tx:
        assert risk.next_day(tx, clinic.location, DAY) == date(2030, 5, 10)
        assert risk.next_day(tx, elsewhere, DAY) == date(2030, 5, 8)
        assert risk.next_day(tx, clinic.location, date(2030, 5, 10)) is None


def test_the_last_reminder_that_was_tried_may_have_failed(database: Database, clinic: Clinic) -> None:
    made = {}
    for name, states in {
        "well": ("failed", "delivered"),
        "badly": ("delivered", "failed"),
        "not": ("planned",),
    }.items():
        made[clinic.visit("booked")] = name
        for step, state in enumerate(states):
            due = datetime(2030, 5, 5, step, tzinfo=UTC)
            clinic.reminder(max(made), state, step=step, due_at=due)
    clinic.visit("cancelled")
    with database.read() as tx:
        found = risk.ahead(tx, clinic.location, DAY, 10)
        assert {made[row.id]: risk.did_fail(row) for row, _ in found} == {"well": False, "badly": True, "not": False}
        assert len(risk.ahead(tx, clinic.location, DAY, 2)) == 2


def _model(through: date = DAY) -> dict[str, Any]:
    return {"trained_at": datetime(2030, 6, 1, tzinfo=UTC), "since": date(2030, 1, 1), "through": through, "visits": 9,
            "facts": {"weights": {"a": 0.25}}, "metrics": {}}  # fmt: skip


def test_models_are_numbered_and_at_most_one_is_in_use(database: Database) -> None:
    with database.write() as tx:
        assert (risk.keep(tx, _model()), risk.keep(tx, _model())) == (1, 2)
        assert risk.in_use(tx) is None
    for version, now in ((2, 2), (1, 1), (1, 1), (0, None)):
        with database.write() as tx:
            assert risk.use(tx, version)
        with database.read() as tx:
            row = risk.in_use(tx)
            assert (row.version if row else None) == now
    with database.write() as tx:
        assert not risk.use(tx, 3)
    with database.read() as tx:
        assert [(row.version, row.in_use) for row in risk.models(tx)] == [(2, False), (1, False)]
        assert risk.models(tx)[0].facts == {"weights": {"a": 0.25}}


def test_two_models_in_use_are_refused_by_the_database(database: Database) -> None:
    with database.write() as tx:
        risk.keep(tx, _model())
        risk.keep(tx, _model())
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.exec_driver_sql("UPDATE risk_model SET in_use = (1 = 1)")
