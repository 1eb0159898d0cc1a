from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import insert, select, update

from reminders.clock import ManualClock
from reminders.domain.experiment import Experiment
from reminders.domain.worth import Prices
from reminders.errors import Invalid
from reminders.services.catalogue import Catalogue, experiment
from reminders.services.savings import Savings
from reminders.show import write_report
from reminders.store import clinic as clinic_store
from reminders.store import experiments as trials
from reminders.store.engine import Database
from reminders.store.tables import Experiment as Trial
from reminders.store.tables import InboxItem, Patient, ReminderPolicy, Service
from tests.fakes import no_holidays
from tests.measuring import MADE, Clinic

NOW = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def savings(database: Database, prices: Prices | None = None) -> Savings:
    clock = ManualClock(NOW)
    return Savings(database, clock, Catalogue(database, clock, no_holidays), prices or Prices())


def fill(clinic: Clinic, *, told: tuple[int, int], others: tuple[int, int]) -> None:
    """Visits of one weekday and lead time, each of a patient of its own: (no-shows, visits) of either kind."""
    for reminded, (missed, number) in ((True, told), (False, others)):
        for place in range(number):
            status = "noshow" if place < missed else "fulfilled"
            visit = clinic.visit(status, patient_id=clinic.add_patient())
            if reminded:
                clinic.reminder(visit)


def valued(database: Database, clinic: Clinic, amount: str) -> None:
    with database.write() as tx:
        tx.execute(update(Service).values(value_amount=Decimal(amount), value_currency="EUR"))
        clinic_store.touch(tx)


def test_without_data_there_is_a_reason_and_no_number(database: Database, clinic: Clinic) -> None:
    report = savings(database).report().as_dict()
    assert report["state"] == "not_enough_data"
    assert "at least 100" in report["lacking"]
    assert (report["adjusted"], report["avoided_noshows"], report["money"]) == (None, None, [])
    assert [row["figure"] for row in report["items"]] == ["published_attendance_ratio"]


def test_avoided_no_shows_become_money(database: Database, clinic: Clinic) -> None:
    fill(clinic, told=(12, 120), others=(30, 120))
    valued(database, clinic, "80")
    visit = clinic.visit("cancelled")
    clinic.message(clinic.reminder(visit), price="6.00", appointment_id=visit)
    clinic.message(None, price="1.50", kind="answer", created_at=NOW - timedelta(days=2))
    with database.write() as tx:
        tx.execute(insert(InboxItem).values(uid="inb_1", reason="not_understood", created_at=NOW - timedelta(days=1)))
    report = savings(database, Prices(Decimal(30), Decimal(2))).report()
    shown = report.as_dict()
    assert shown["adjusted"]["risk_difference"]["value"] == -0.15
    assert shown["avoided_noshows"]["value"] == 18
    [money] = shown["money"]
    assert (money["gross"]["value"], money["messages"], money["staff"]) == ("1440.00", "7.50", "1.00")
    assert money["net"]["value"] == "1431.50"
    assert Decimal(money["net"]["low"]) < Decimal(money["net"]["value"]) < Decimal(money["net"]["high"])
    assert shown["reference"]["source"] == "CD007458"


def test_the_range_is_that_of_the_visits(database: Database, clinic: Clinic) -> None:
    fill(clinic, told=(12, 120), others=(30, 120))
    assert savings(database).report(date(2030, 5, 6), date(2030, 5, 6)).comparison.adjusted is not None
    assert savings(database).report(date(2030, 5, 7)).comparison.adjusted is None


def test_there_are_no_groups(database: Database) -> None:
    with pytest.raises(Invalid) as caught:
        savings(database).report(by="provider")
    assert caught.value.field == "by"


def test_it_can_be_shown_in_every_form(database: Database, clinic: Clinic) -> None:
    fill(clinic, told=(12, 120), others=(30, 120))
    valued(database, clinic, "80")
    report = savings(database).report()
    assert savings(database).avoided() == report.avoided
    assert json.loads(printed(report, "json"))["items"] == report.rows()
    assert printed(report, "csv").splitlines()[0].split(",") == report.columns
    table = printed(report, "table")
    assert all(text in table for text in ("-15.0%", "0.400", "1440.00", "EUR", "Nobody drew lots"))
    assert "Not enough data" in printed(savings(database).report(date(2040, 1, 1)), "table")


def printed(report: Any, form: str) -> str:
    console = Console(file=io.StringIO(), width=80)
    write_report(report, form, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_guide_explains_every_figure(database: Database, clinic: Clinic) -> None:
    fill(clinic, told=(12, 120), others=(30, 120))
    valued(database, clinic, "80")
    report = savings(database).report()
    assert savings(database).avoided() == report.avoided
    guide = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
    names = [row["figure"] for row in report.rows()] + [code.value for code in report.comparison.cautions]
    assert [name for name in names if f"`{name}`" not in guide] == []


def ended_trial(clinic: Clinic, database: Database, *, usual: tuple[int, int], held: tuple[int, int]) -> str:
    """A trial that has ended, with (no-shows, visits) of first visits in either arm; the usual ones were reminded."""
    with database.write() as tx:
        policy = {
            "uid": "pol_1",
            "name": "Usual",
            "steps": [],
            "quiet_hours": {"mode": "none"},
            "notices": [],
            "created_at": MADE,
        }
        number = tx.execute(insert(ReminderPolicy).returning(ReminderPolicy.id), policy).scalar_one()
        trials.add(tx, {
            "uid": "exp_1", "policy_id": number, "name": "Do they help?", "service_ids": [clinic.service],
            "guarded_ids": [], "branches": [{"name": "holdout", "share": 0.5, "steps": []}], "difference": 0.03,
            "started_at": MADE - timedelta(days=1), "ended_at": NOW - timedelta(days=3),
        })  # fmt: skip
        [trial] = map(experiment, trials.all_rows(tx))
    for arm, (missed, visits) in (("usual", usual), ("holdout", held)):
        for place in range(visits):
            number = patient_in(clinic, database, trial, arm)
            visit = clinic.visit("noshow" if place < missed else "fulfilled", patient_id=number)
            if arm == "usual":
                clinic.reminder(visit)
    return trial.uid


def patient_in(clinic: Clinic, database: Database, trial: Experiment, arm: str) -> int:
    """A new patient who drew ``arm``."""
    while True:
        number = clinic.add_patient()
        with database.read() as tx:
            if trial.arm_of(tx.execute(select(Patient.uid).where(Patient.id == number)).scalar_one()) == arm:
                return number


def test_an_experiment_that_has_ended_carries_the_money(database: Database, clinic: Clinic) -> None:
    trial = ended_trial(clinic, database, usual=(15, 200), held=(60, 200))
    valued(database, clinic, "80")
    for _ in range(40):  # reminded by another policy: no part of the trial
        clinic.reminder(clinic.visit("fulfilled", service_id=clinic.add_service("Other")))
    shown = savings(database).report().as_dict()
    assert (shown["state"], shown["basis"]) == ("measured", "experiment")
    [found] = shown["experiments"]
    assert (found["id"], found["state"], found["decisive"]) == (trial, "ended", True)
    effect = found["contrasts"][0]["sequential_risk_difference"]
    assert effect["value"] == -0.225
    assert shown["avoided_noshows"] == {
        "value": 45, "low": pytest.approx(-200 * effect["high"], abs=1e-3),
        "high": pytest.approx(-200 * effect["low"], abs=1e-3),
    }  # fmt: skip
    assert shown["money"][0]["gross"]["value"] == "3600.00"
    assert shown["adjusted"] is not None
    assert "not_an_experiment" not in [caution["code"] for caution in shown["cautions"]]
    figures = {row["figure"]: row["value"] for row in shown["items"]}
    assert figures["experiment_risk_difference"] == -0.225
    assert "Do they help?" in printed(savings(database).report(), "table")


def test_a_running_or_small_experiment_is_shown_but_carries_nothing(database: Database, clinic: Clinic) -> None:
    ended_trial(clinic, database, usual=(15, 200), held=(60, 200))
    with database.write() as tx:
        tx.execute(update(Trial).values(ended_at=None))
    shown = savings(database).report().as_dict()
    assert shown["basis"] == "adjusted_comparison"
    assert [(one["state"], one["decisive"]) for one in shown["experiments"]] == [("running", False)]


def test_an_ended_experiment_without_enough_data_carries_nothing(database: Database, clinic: Clinic) -> None:
    ended_trial(clinic, database, usual=(3, 20), held=(6, 20))
    shown = savings(database).report().as_dict()
    assert (shown["state"], shown["basis"], shown["avoided_noshows"]) == ("not_enough_data", None, None)
    assert shown["experiments"][0]["contrasts"][0]["lacking"]
