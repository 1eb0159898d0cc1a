from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from rich.console import Console

from reminders.clock import ManualClock
from reminders.domain.measures import CostBy, NoShowBy
from reminders.errors import Invalid
from reminders.services.reports import Reports
from reminders.show import write_report
from reminders.store.engine import Database
from tests.measuring import Clinic

NOW = datetime(2030, 6, 1, tzinfo=UTC)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


@pytest.fixture
def reports(database: Database) -> Reports:
    return Reports(database, ManualClock(NOW))


def printed(report: object, form: str, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    write_report(report, form, console)  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_the_rate_leaves_out_everybody_of_whom_nothing_is_known(clinic: Clinic, reports: Reports) -> None:
    for status in ("fulfilled", "fulfilled", "arrived", "noshow", "cancelled", "booked", "pending"):
        clinic.visit(status)
    clinic.visit("booked", date(2030, 7, 1))
    [row] = reports.no_shows().rows()
    assert row == {
        "group": "all", "label": "all", "booked": 8, "fulfilled": 2, "arrived": 1, "noshow": 1, "cancelled": 1,
        "unmarked": 2, "upcoming": 1, "rate": 0.25, "rate_low": 0.045587, "rate_high": 0.699358,
    }  # fmt: skip


def test_an_empty_clinic_has_a_report_without_a_rate(reports: Reports) -> None:
    [row] = reports.no_shows().rows()
    assert (row["booked"], row["rate"], row["rate_low"]) == (0, None, None)
    [costs] = reports.reminder_costs().rows()
    assert (costs["reminders"], costs["currency"], costs["cost_per_kept_visit"]) == (0, None, None)
    assert reports.no_shows(by="day").rows() == []


def test_weeks_hold_their_days_and_add_up_to_the_total(clinic: Clinic, reports: Reports) -> None:
    for day, status in ((5, "noshow"), (6, "fulfilled"), (12, "noshow"), (13, "fulfilled")):
        clinic.visit(status, date(2030, 5, day))
    report = reports.no_shows(by="week")
    assert [(row["group"], row["noshow"], row["fulfilled"]) for row in report.rows()] == [
        ("2030-W18", 1, 0), ("2030-W19", 1, 1), ("2030-W20", 0, 1)
    ]  # fmt: skip
    assert (report.total.noshow, report.total.fulfilled) == (2, 2)


def test_bands_come_in_the_order_of_time(clinic: Clinic, reports: Reports) -> None:
    for days in (45, 0, 9, 31, 2, 1, -1):
        clinic.visit(lead_days=days)
    assert [(row["group"], row["booked"]) for row in reports.no_shows(by="lead_time").rows()] == [
        ("unknown", 1), ("same day", 1), ("1-2 days", 2), ("8-14 days", 1), ("31+ days", 2)
    ]  # fmt: skip


def test_groups_have_the_public_id_and_the_name(clinic: Clinic, reports: Reports) -> None:
    clinic.visit()
    clinic.visit(provider_id=None, location_id=clinic.add_location("Centre", "de"))
    assert {(row["group"], row["label"]) for row in reports.no_shows(by="provider").rows()} == {
        ("provider_2", "Dr. Weber"), ("", "no provider")
    }  # fmt: skip
    rows = reports.no_shows(by="location").rows()
    assert [row["label"] for row in rows] == ["Centre", "Centre"]  # two places of one name stay two lines
    assert len({row["group"] for row in rows}) == 2


def test_cost_per_reminder_confirmed_and_kept_visit(clinic: Clinic, reports: Reports) -> None:
    for status, confirmation in (("fulfilled", "confirmed"), ("fulfilled", "unconfirmed"), ("noshow", "confirmed")):
        clinic.message(clinic.reminder(clinic.visit(status, confirmation=confirmation)), price="0.08", segments=2)
    clinic.message(clinic.reminder(clinic.visit("cancelled")), estimated="0.12")
    clinic.reminder(clinic.visit(), "suppressed")
    clinic.reminder(clinic.visit(), "sent", reason="imported")
    [row] = reports.reminder_costs().rows()
    assert {name: row[name] for name in ("currency", "reminders", "delivered", "suppressed", "sent", "imported")} == {
        "currency": "EUR", "reminders": 6, "delivered": 4, "suppressed": 1, "sent": 0, "imported": 1
    }  # fmt: skip
    assert (row["messages"], row["segments"], row["basis"]) == (4, 7, "mixed")
    assert (row["actual_cost"], row["estimated_cost"]) == ("0.24000", "0.12000")
    assert (row["reminders_with_cost"], row["confirmed_visits"], row["kept_visits"]) == (4, 2, 2)
    assert (row["cost_per_reminder"], row["cost_per_confirmed_visit"], row["cost_per_kept_visit"]) == (
        "0.09000", "0.18000", "0.18000"
    )  # fmt: skip


def test_imported_reminders_alone_have_no_cost_at_all(clinic: Clinic, reports: Reports) -> None:
    clinic.reminder(clinic.visit(), "sent", reason="imported")
    [row] = reports.reminder_costs(by="channel").rows()
    assert (row["group"], row["imported"], row["messages"], row["currency"]) == ("sms", 1, 0, None)
    assert [row[name] for name in row if "cost" in name and "with" not in name] == [None] * 5


def test_each_currency_has_its_line(clinic: Clinic, reports: Reports) -> None:
    clinic.message(clinic.reminder(clinic.visit()), price="0.08", currency="USD")
    clinic.message(clinic.reminder(clinic.visit()), price="0.07", currency="EUR")
    rows = reports.reminder_costs(by="channel").rows()
    assert [(row["currency"], row["reminders"], row["actual_cost"], row["cost_per_kept_visit"]) for row in rows] == [
        (None, 2, None, None), ("EUR", 0, "0.07000", "0.07000"), ("USD", 0, "0.08000", "0.08000")
    ]  # fmt: skip


def test_a_visit_reminded_twice_is_kept_once(clinic: Clinic, reports: Reports) -> None:
    visit = clinic.visit()
    for step, channel in ((0, "sms"), (1, "voice")):
        clinic.message(clinic.reminder(visit, step=step, channel=channel), price="0.10")
    report = reports.reminder_costs(by="channel")
    assert [(row["group"], row["kept_visits"]) for row in report.rows()] == [("sms", 1), ("voice", 1)]
    assert report.as_dict()["totals"][0]["cost_per_kept_visit"] == "0.20000"


@pytest.mark.parametrize("by", CostBy)
def test_the_totals_are_the_same_under_every_grouping(clinic: Clinic, reports: Reports, by: CostBy) -> None:
    for day in (date(2030, 5, 6), date(2030, 5, 20)):
        visit = clinic.visit(day=day, confirmation="confirmed", patient_id=clinic.add_patient("es"))
        for step, channel, currency in ((0, "sms", "EUR"), (1, "voice", "EUR"), (2, "voice", "USD")):
            clinic.message(clinic.reminder(visit, step=step, channel=channel), price="0.10", currency=currency)
    names = ("currency", "reminders", "delivered", "actual_cost", "confirmed_visits", "kept_visits")
    assert [tuple(row[name] for name in names) for row in reports.reminder_costs(by=by).as_dict()["totals"]] == [
        (None, 6, 6, None, 0, 0), ("EUR", 0, 0, "0.40000", 2, 2), ("USD", 0, 0, "0.20000", 2, 2)
    ]  # fmt: skip


def test_steps_come_by_number(clinic: Clinic, reports: Reports) -> None:
    visit = clinic.visit()
    for step in (10, 2, 0):
        clinic.reminder(visit, step=step)
    assert [row["group"] for row in reports.reminder_costs(by="step").rows()] == ["0", "2", "10"]


@pytest.mark.parametrize(("first", "last", "by", "field"), [
    (date(2030, 2, 1), date(2030, 1, 1), None, "from"), (None, None, "moon", "by"),
])  # fmt: skip
def test_a_question_without_sense_is_refused(
    reports: Reports, first: date | None, last: date | None, by: str | None, field: str
) -> None:
    for ask in (reports.no_shows, reports.reminder_costs):
        with pytest.raises(Invalid) as caught:
            ask(first, last, by)
        assert caught.value.field == field


@pytest.mark.parametrize("by", NoShowBy)
def test_no_shows_can_be_shown_in_every_form(clinic: Clinic, reports: Reports, by: NoShowBy) -> None:
    clinic.visit("noshow")
    clinic.visit(lead_days=40, provider_id=None)
    _check_forms(reports.no_shows(by=by), ["50.0%" if by == "none" else "no-show"])


@pytest.mark.parametrize("by", CostBy)
def test_costs_can_be_shown_in_every_form(clinic: Clinic, reports: Reports, by: CostBy) -> None:
    clinic.message(clinic.reminder(clinic.visit()), price="1234.50")
    clinic.message(clinic.reminder(clinic.visit(), step=1, channel="voice"), estimated="0.25")
    _check_forms(reports.reminder_costs(by=by), ["1,234.50", "0.25"])


def _check_forms(report: object, shown: list[str]) -> None:
    rows = report.rows()  # type: ignore[attr-defined]
    assert json.loads(printed(report, "json"))["items"] == rows
    lines = list(csv.DictReader(io.StringIO(printed(report, "csv"))))
    assert [list(line) for line in lines] == [list(row) for row in rows]
    assert [line["label"] for line in lines] == [row["label"] for row in rows]
    table = printed(report, "table")
    assert all(text in table for text in shown)
    assert max(map(len, table.splitlines())) <= 80


def test_an_empty_csv_still_has_its_header(reports: Reports) -> None:
    for report in (reports.no_shows(by="day"), reports.reminder_costs(by="day")):
        assert printed(report, "csv").strip().split(",") == report.columns
        assert printed(report, "table")


def test_names_cannot_style_the_table(clinic: Clinic, reports: Reports) -> None:
    clinic.visit(location_id=clinic.add_location("[bold]North[/bold]", "de"))
    assert "[bold]North[/bold]" in printed(reports.no_shows(by="location"), "table")


def test_the_guide_explains_every_column(reports: Reports) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
    for report in (reports.no_shows(), reports.reminder_costs()):
        assert [column for column in report.columns if f"`{column}`" not in guide] == []
    assert [by for by in (*NoShowBy, *CostBy) if by != "none" and f"`{by}`" not in guide] == []
