from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import insert, update

from reminders.clock import ManualClock
from reminders.domain.worth import Prices
from reminders.errors import Invalid
from reminders.services.catalogue import Catalogue
from reminders.services.savings import Savings
from reminders.show import write_report
from reminders.store import clinic as clinic_store
from reminders.store.engine import Database
from reminders.store.tables import InboxItem, Service
from tests.fakes import no_holidays
from tests.measuring import Clinic

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
    guide = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
    names = [row["figure"] for row in report.rows()] + [code.value for code in report.comparison.cautions]
    assert [name for name in names if f"`{name}`" not in guide] == []
