from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from reminders.domain.measures import CostBy, NoShowBy
from reminders.store import measures
from reminders.store.engine import Database
from reminders.store.facts import Span
from reminders.store.tables import Location
from tests.measuring import Clinic

NOW = datetime(2030, 5, 6, 9, 30, tzinfo=UTC)
EVER = (None, None)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def visits(database: Database, by: NoShowBy = NoShowBy.NONE, days: Span = EVER) -> dict[tuple[Any, str], int]:
    with database.read() as tx:
        return {(row.key, row.outcome): row.count for row in measures.visits(tx, by, [days], NOW)}


def reminders(database: Database, by: CostBy = CostBy.NONE, days: Span = EVER) -> dict[tuple[Any, str], int]:
    with database.read() as tx:
        return {(row.key, row.outcome): row.count for row in measures.reminders(tx, by, [days])}


def spending(database: Database, by: CostBy = CostBy.NONE, days: Span = EVER) -> dict[tuple[Any, Any], Any]:
    with database.read() as tx:
        return {(row.key, row.paid_in): row for row in measures.spending(tx, by, [days])}


def test_an_open_visit_is_unmarked_once_it_is_over(database: Database, clinic: Clinic) -> None:
    clinic.visit("booked")  # ends this very moment
    clinic.visit("pending", date(2030, 5, 5))
    clinic.visit("booked", start_at=datetime(2030, 5, 6, 9, 1, tzinfo=UTC))
    for status in ("fulfilled", "arrived", "noshow", "cancelled", "cancelled"):
        clinic.visit(status)
    assert visits(database) == {
        ("", "unmarked"): 2, ("", "upcoming"): 1, ("", "fulfilled"): 1, ("", "arrived"): 1, ("", "noshow"): 1,
        ("", "cancelled"): 2,
    }  # fmt: skip


def test_both_ends_of_a_range_belong_to_it(database: Database, clinic: Clinic) -> None:
    for day in (5, 6, 7, 8):
        clinic.reminder(clinic.visit(day=date(2030, 5, day)))
    days = (date(2030, 5, 6), date(2030, 5, 7))
    assert set(visits(database, NoShowBy.DAY, days)) == {(day, "fulfilled") for day in days}
    assert set(reminders(database, CostBy.DAY, days)) == {(day, "delivered") for day in days}
    assert sum(visits(database, days=(date(2030, 5, 8), None)).values()) == 1
    assert sum(visits(database, days=(None, date(2030, 5, 5))).values()) == 1


def test_the_language_is_the_patients_or_else_the_locations(database: Database, clinic: Clinic) -> None:
    clinic.visit()
    clinic.reminder(clinic.visit(patient_id=clinic.add_patient("es")))
    clinic.visit(location_id=clinic.add_location("Abroad", "fr"))
    assert set(visits(database, NoShowBy.LANGUAGE)) == {(code, "fulfilled") for code in ("de", "es", "fr")}
    assert set(reminders(database, CostBy.LANGUAGE)) == {("es", "delivered")}


@pytest.mark.parametrize("by", NoShowBy)
def test_visits_can_be_counted_by_everything(database: Database, clinic: Clinic, by: NoShowBy) -> None:
    clinic.visit("noshow")
    clinic.visit(provider_id=None)
    assert sum(visits(database, by).values()) == 2


@pytest.mark.parametrize("by", CostBy)
def test_reminders_can_be_counted_by_everything(database: Database, clinic: Clinic, by: CostBy) -> None:
    reminder = clinic.reminder(clinic.visit("noshow"), channel="voice", step=2)
    clinic.message(reminder)
    assert sum(reminders(database, by).values()) == 1
    assert [row.messages for row in spending(database, by).values()] == [1]


def test_notices_of_a_change_are_not_reminders(database: Database, clinic: Clinic) -> None:
    clinic.message(clinic.reminder(clinic.visit(), kind="moved"), kind="moved")
    assert (reminders(database), spending(database)) == ({}, {})


def test_imported_reminders_are_told_apart(database: Database, clinic: Clinic) -> None:
    clinic.reminder(clinic.visit(), "sent", reason="imported")
    clinic.reminder(clinic.visit(), "sent")
    assert reminders(database) == {("", "imported"): 1, ("", "sent"): 1}


def test_a_message_counts_its_price_and_then_no_longer_its_estimate(database: Database, clinic: Clinic) -> None:
    visit = clinic.visit(confirmation="confirmed")
    clinic.message(clinic.reminder(visit), price="0.0799", estimated="0.10", segments=2)
    clinic.message(clinic.reminder(visit, step=1), estimated="0.11")
    clinic.message(clinic.reminder(clinic.visit("noshow")), estimated="0.12")
    row = spending(database)["", "EUR"]
    assert (row.messages, row.segments, row.actual_messages, row.estimated_messages) == (3, 4, 1, 2)
    assert (row.actual, row.estimated) == (Decimal("0.0799"), Decimal("0.23"))
    assert (row.reminders, row.confirmed, row.kept) == (3, 1, 1)


def test_attempts_of_one_reminder_are_one_reminder(database: Database, clinic: Clinic) -> None:
    reminder = clinic.reminder(clinic.visit())
    for _ in range(2):
        clinic.message(reminder, price="0.05")
    row = spending(database)["", "EUR"]
    assert (row.messages, row.reminders, row.actual) == (2, 1, Decimal("0.10"))


def test_what_the_provider_refused_or_a_patient_wrote_is_no_message_of_ours(database: Database, clinic: Clinic) -> None:
    reminder = clinic.reminder(clinic.visit(), "failed")
    clinic.message(reminder, state="failed", provider_sid=None)
    clinic.message(reminder, direction="in", kind="reply")
    assert spending(database) == {}
    clinic.message(reminder, state="failed")  # taken and not delivered: billed
    clinic.message(reminder, state="uncertain", provider_sid=None)
    assert spending(database)["", "EUR"].messages == 2


def test_currencies_stay_apart_and_messages_without_any_price_have_none(database: Database, clinic: Clinic) -> None:
    visit = clinic.visit()
    for step, (currency, estimated) in enumerate((("EUR", "0.1"), ("USD", "0.2"), ("USD", None))):
        clinic.message(clinic.reminder(visit, step=step), estimated=estimated, currency=currency)
    rows = spending(database)
    assert {currency: row.estimated for (_, currency), row in rows.items()} == {
        "EUR": Decimal("0.1"), "USD": Decimal("0.2"), None: None
    }  # fmt: skip
    assert (rows["", None].messages, rows["", None].reminders, rows["", None].kept) == (1, 0, 0)


def test_names_come_with_public_ids(database: Database, clinic: Clinic) -> None:
    with database.read() as tx:
        assert measures.names(tx, Location) == {clinic.location: ("location_1", "Centre")}
