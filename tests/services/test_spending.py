from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reminders.clock import ManualClock
from reminders.domain.worth import Prices
from reminders.services.catalogue import Catalogue
from reminders.services.reports import Reports
from reminders.services.savings import Savings
from reminders.services.spending import Spendings
from reminders.store import spendings as spendings_store
from reminders.store.engine import Database
from tests.fakes import no_holidays
from tests.measuring import Clinic

NOW = datetime(2030, 5, 21, 12, tzinfo=UTC)


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def shown(database: Database, limit: str = "0") -> dict[str, Any]:
    clock = ManualClock(NOW)
    savings = Savings(database, clock, Catalogue(database, clock, no_holidays), Prices())
    return Spendings(database, clock, Reports(database, clock), savings, Decimal(limit)).report().as_dict()


def test_every_kind_of_message_has_its_line(database: Database, clinic: Clinic) -> None:
    visit = clinic.visit()
    clinic.message(clinic.reminder(visit), price="0.09", estimated="0.10", appointment_id=visit, segments=2)
    clinic.message(clinic.reminder(visit, kind="moved"), kind="moved", appointment_id=visit)
    clinic.message(None, kind="answer", appointment_id=visit, estimated="0.05", created_at=NOW)
    clinic.message(None, kind="reply", direction="in", estimated=None, created_at=NOW)
    clinic.message(None, kind="desk", state="failed", provider_sid=None, created_at=NOW)  # refused: not billed
    found = shown(database)
    assert [(row["kind"], row["messages"], row["cost"]) for row in found["items"]] == [
        ("answer", 1, "0.05000"), ("moved", 1, "0.10000"), ("reminder", 1, "0.09000"), ("reply", 1, "0.00000")
    ]  # fmt: skip
    assert found["items"][2]["actual_to_estimated"] == 0.9
    assert {row["currency"]: row["cost"] for row in found["totals"]} == {None: "0.00000", "EUR": "0.24000"}
    assert [(one["per"], one["cost"]) for one in found["results"]] == [
        ("reminder", "0.09000"), ("confirmed_visit", None), ("kept_visit", "0.09000")
    ]  # fmt: skip


def test_the_calendar_is_priced_by_what_messages_cost_lately(database: Database, clinic: Clinic) -> None:
    past = clinic.visit()
    clinic.message(clinic.reminder(past), price="0.10", currency="USD", appointment_id=past)
    clinic.message(None, kind="answer", appointment_id=past, estimated="0.05", currency="USD")
    ahead = clinic.visit("booked", (NOW + timedelta(days=20)).date())
    for step, days in enumerate((5, 20, 40)):
        clinic.reminder(ahead, "planned", step=step, due_at=NOW + timedelta(days=days))
    clinic.reminder(ahead, "planned", step=9, channel="voice", due_at=NOW + timedelta(days=5))
    clinic.reminder(ahead, "suppressed", step=10, due_at=NOW + timedelta(days=5))
    with database.write() as tx:
        spendings_store.add(tx, NOW, "USD", Decimal("1.00"))
    found = shown(database, "5")
    sms, voice = found["forecast"]["reminders"]
    assert (sms["reminders"], sms["each"], sms["source"], sms["cost"]) == (2, "0.10000", "history", "0.20000")
    assert (voice["reminders"], voice["source"]) == (1, "rate_card")
    assert found["forecast"]["total"] == [{"amount": "0.39", "currency": "USD"}]  # half as much again for answers
    assert found["forecast"]["month"] == [{"amount": "0.24", "currency": "USD"}]
    assert found["budget"] == {
        "month": "2030-05", "currency": "USD", "limit": "5.00", "spent": "1.00", "expected": "1.24", "left": "4.00",
        "enough": True,
    }  # fmt: skip


def test_without_a_budget_nothing_is_left_of_it(database: Database, clinic: Clinic) -> None:
    budget = shown(database)["budget"]
    assert (budget["limit"], budget["left"], budget["enough"]) == (None, None, None)


def test_the_guide_explains_every_column(database: Database, clinic: Clinic) -> None:
    clinic.message(clinic.reminder(clinic.visit()))
    guide = (Path(__file__).parents[2] / "docs" / "measures.md").read_text("utf-8")
    found = shown(database)
    names = [*found["items"][:1][0]] if found["items"] else []
    names += [*found["budget"], *(one["per"] for one in found["results"])]
    assert [name for name in names if f"`{name}`" not in guide and name not in {"month"}] == []
