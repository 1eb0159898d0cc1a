from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import insert

from reminders.clock import ManualClock
from reminders.domain.ports import Fit
from reminders.domain.risk import logistic
from reminders.errors import NotFound, TooLittleHistory
from reminders.gateways.learning import logistic_regression
from reminders.services.risk_view import from_row
from reminders.services.training import Training
from reminders.store import risk as store
from reminders.store.engine import Database
from reminders.store.tables import Appointment, Patient
from tests.measuring import MADE, Clinic

NOW = datetime(2030, 6, 1, tzinfo=UTC)
FIRST = date(2030, 3, 1)


def fill(
    database: Database,
    clinic: Clinic,
    number: int = 3000,
    days: int = 60,
    share: float | None = None,
    first: date = FIRST,
) -> None:
    """Visits of patients of their own, spread over ``days``: the young and those who waited long stay away more often.
    ``share``: all are missed at this rate, whatever they are like."""
    lot, numbers = random.Random(7), count(1)
    people, visits = [], []
    for place in range(number):
        young, lead = lot.random() < 0.4, lot.choice([0, 1, 5, 20, 40])
        risk = logistic(-3 + 1.5 * young + 0.5 * (lead > 3)) if share is None else share
        day = first + timedelta(days=place * days // number)
        start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        patient = 1_000_000 + next(numbers)
        people.append({"id": patient, "uid": f"pat_{patient}", "name": "A patient", "version": 1, "created_at": MADE,
                       "birth_year": first.year - (22 if young else 60), "language": "tr" if place % 3 else None})  # fmt: skip
        visits.append({
            "uid": f"apt_{patient}", "location_id": clinic.location, "provider_id": clinic.provider,
            "service_id": clinic.service, "patient_id": patient, "confirmation": "unconfirmed", "occupies": False,
            "timed": True, "booked_at": MADE, "lead_days": lead, "version": 1, "updated_at": MADE, "start_at": start,
            "end_at": start, "busy_start": start, "busy_end": start, "local_day": day,
            "status": "noshow" if lot.random() < risk else "fulfilled",
        })  # fmt: skip
    with database.write() as tx:
        tx.execute(insert(Patient), people)
        tx.execute(insert(Appointment), visits)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def training(database: Database) -> Training:
    return Training(database, ManualClock(NOW), logistic_regression)


def test_what_was_learnt_is_stored_as_numbers_and_used(database: Database, clinic: Clinic) -> None:
    fill(database, clinic)
    found = training(database).train()
    verdict = found.verdict
    assert (found.version, found.in_use, found.visits) == (1, True, 3000)
    assert (found.first, found.last) == (FIRST, FIRST + timedelta(days=59))
    assert verdict.since == FIRST + timedelta(days=42)
    assert (verdict.learnt, verdict.model.visits) == (2100, 900)
    assert (verdict.model.auc or 0) > (verdict.lead_time.auc or 0) + 0.05
    assert {"all", "language:tr", "language:de", "age:18-29", "age:60-74"} == {one.group for one in verdict.fairness}
    with database.read() as tx:
        row = store.in_use(tx)
    assert from_row(row) == found.model
    assert row.metrics["model"]["auc"] == pytest.approx(verdict.model.auc, abs=1e-6)
    assert row.metrics["lead_time_alone"]["auc"] == pytest.approx(verdict.lead_time.auc, abs=1e-6)
    assert row.metrics["is_better"] is True


def test_the_model_says_what_is_true(database: Database, clinic: Clinic) -> None:
    fill(database, clinic)
    weights = training(database).train(keep=False).model.weights
    assert weights["age:18-29"] - weights["age:60-74"] == pytest.approx(1.5, abs=0.4)
    assert weights["lead_time:log"] * 2 + weights["lead_time:over_3"] * 1.5 > 0
    assert not [name for name in weights if name.startswith(("service", "weekday:5:", "history"))]


def test_a_dry_run_stores_nothing(database: Database, clinic: Clinic) -> None:
    fill(database, clinic)
    found = training(database).train(keep=False)
    assert (found.version, found.in_use, list(training(database).models())) == (None, False, [])


def test_a_model_that_learnt_nothing_is_stored_but_not_used(database: Database, clinic: Clinic) -> None:
    fill(database, clinic, share=0.2)
    found = Training(database, ManualClock(NOW), _loud).train()
    assert (found.version, found.in_use) == (1, False)
    with database.read() as tx:
        assert store.in_use(tx) is None
    training(database).use(1)
    with database.read() as tx:
        assert store.in_use(tx).version == 1
    training(database).use(0)
    with pytest.raises(NotFound):
        training(database).use(2)


def _loud(rows: Sequence[Sequence[float]], outcomes: Sequence[bool]) -> Fit:
    """A learner that takes chance for a law."""
    fit = logistic_regression(rows, outcomes)
    return fit if len(rows[0]) == 2 else Fit(2.0, tuple(3.0 for _ in fit.weights))


@pytest.mark.parametrize(
    ("number", "days", "share", "lacking"),
    [
        (0, 60, None, "1,000 visits whose end is known (there are 0)"),
        (900, 60, None, "1,000 visits whose end is known (there are 900)"),
        (1200, 60, 0.01, "100 no-shows (there are "),
        (1200, 60, 0.99, "100 kept visits (there are "),
        (1200, 20, 0.2, "21 days from the first to the last (there are 20)"),
    ],
)
def test_too_little_history_is_refused(
    database: Database, clinic: Clinic, number: int, days: int, share: float | None, lacking: str
) -> None:
    if number:
        fill(database, clinic, number, days, share)
    with pytest.raises(TooLittleHistory) as problem:
        training(database).train()
    assert any(need.startswith(lacking) for need in problem.value.facts["lacking"])
    assert lacking in problem.value.message


def test_what_is_older_than_two_years_is_forgotten(database: Database, clinic: Clinic) -> None:
    fill(database, clinic)
    clinic.visit("noshow", FIRST - timedelta(days=800))
    assert training(database).train(keep=False).first == FIRST
