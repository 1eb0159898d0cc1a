"""What an assessment is filled in with: counted from visits, answers, the desk's work and messages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert, update

from reminders.clock import ManualClock
from reminders.domain.estimators import Interval
from reminders.domain.measures import rate
from reminders.domain.sourcing.reading import Measurements
from reminders.services.answering import Answering, Saved
from reminders.store.engine import Database
from reminders.store.tables import AppointmentHistory, Service
from reminders.web.manage import sources
from tests.measuring import Clinic

NOW = datetime(2030, 6, 1, tzinfo=UTC)
FIRST, LAST = date(2030, 5, 1), date(2030, 5, 31)
MONTHS = Decimal(31) / Decimal("30.4375")


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def saved(avoided: Any = None, refilled: Any = None) -> Saved:
    """A report on savings with these figures for any days."""
    report: Any = SimpleNamespace(avoided=avoided, refilled=refilled, basis="adjusted_comparison")
    return lambda first, last: report


def measured(database: Database, currency: str = "EUR", savings: Saved | None = None, **days: Any) -> Measurements:
    asked = {"first": FIRST, "last": LAST} | days
    return Answering(database, ManualClock(NOW), savings or saved()).measure(asked["first"], asked["last"], currency)


def changed(database: Database, visit: int, change: str, actor: str = "patient", hour: int = 10) -> None:
    row = {"appointment_id": visit, "at": datetime(2030, 5, 2, hour, 59, tzinfo=UTC), "change": change, "actor": actor,
           "channel": "sms", "version": 1, "facts": {}}  # fmt: skip
    with database.write() as tx:
        tx.execute(insert(AppointmentHistory), row)


def monthly(count: int | Decimal) -> Decimal:
    return (Decimal(count) / MONTHS).quantize(Decimal("0.01"))


def test_an_empty_clinic_has_nothing_measured(database: Database, clinic: Clinic) -> None:
    assert measured(database) == Measurements({}, (), {})


def test_bookings_and_the_show_rate_with_its_interval(database: Database, clinic: Clinic) -> None:
    for status in ("fulfilled", "fulfilled", "arrived", "noshow", "cancelled"):
        clinic.visit(status)
    clinic.visit("fulfilled", date(2030, 4, 30))
    found = measured(database).figures
    assert found["volume.bookings_per_month"].value == monthly(5)
    rate = found["volume.show_rate"]
    assert (rate.value, rate.low, rate.high) == (Decimal("0.75"), Decimal("0.3006"), Decimal("0.9544"))
    assert rate.source == "4 visits from 2030-05-01 to 2030-05-31"


def test_answers_of_patients_stand_for_calls(database: Database, clinic: Clinic) -> None:
    visit, other = clinic.visit(), clinic.visit("booked", date(2030, 7, 1))
    for change in ("confirm", "confirm", "cancel", "reschedule", "noshow"):
        changed(database, visit, change)
    changed(database, other, "cancel")
    changed(database, visit, "cancel", actor="key_1")
    found = measured(database).figures["automation.calls_avoided_per_month"]
    assert (found.value, found.low, found.high) == (monthly(4), monthly(2), monthly(4))


def test_the_desks_day_is_in_the_venues_time(database: Database, clinic: Clinic) -> None:
    visit = clinic.visit()
    for change, hour in (("book", 7), ("cancel", 7), ("confirm", 14), ("replan", 15)):
        changed(database, visit, change, actor="key_1", hour=hour)
    changed(database, visit, "confirm", actor="patient", hour=16)
    changed(database, visit, "cancel", actor="system", hour=17)
    assert measured(database).hours == ((9, 2), (16, 1)), "Berlin is two hours ahead in May"


def test_languages_are_those_of_the_visits(database: Database, clinic: Clinic) -> None:
    for _ in range(3):
        clinic.visit()
    clinic.visit(patient_id=clinic.add_patient("pl"))
    assert measured(database).languages == {"de": Decimal("0.75"), "pl": Decimal("0.25")}


def test_messages_are_counted_in_their_own_currency_only(database: Database, clinic: Clinic) -> None:
    reminder = clinic.reminder(clinic.visit())
    clinic.message(reminder, price="0.20")
    clinic.message(reminder, estimated="0.15")
    found = measured(database).figures["automation.message_cost_per_month"]
    assert found.value == monthly(Decimal("0.35"))
    assert found.source.startswith("2 messages")
    assert "automation.message_cost_per_month" not in measured(database, "USD").figures


def test_the_value_of_a_visit_is_the_mean_of_the_services(database: Database, clinic: Clinic) -> None:
    clinic.visit()
    assert "volume.value_per_visit" not in measured(database).figures
    with database.write() as tx:
        tx.execute(update(Service).values(value_amount=Decimal("80"), value_currency="EUR"))
    assert measured(database).figures["volume.value_per_visit"].value == 80
    assert "volume.value_per_visit" not in measured(database, "USD").figures


def test_no_shows_avoided_come_with_their_interval_and_never_below_nothing(database: Database, clinic: Clinic) -> None:
    found = measured(database, savings=saved(Interval(4.0, -1.0, 9.0))).figures
    avoided = found["automation.no_shows_avoided_per_month"]
    assert (avoided.value, avoided.low, avoided.high) == (monthly(4), 0, monthly(9))
    assert "volume.refilled_share" not in found


def test_the_share_of_missed_slots_that_were_refilled(database: Database, clinic: Clinic) -> None:
    found = measured(database, savings=saved(refilled=rate(2, 8))).figures
    assert found["volume.refilled_share"].value == Decimal("0.25")
    assert found["volume.refilled_share"].source == "8 slots missed, visits from 2030-05-01 to 2030-05-31"
    assert "automation.no_shows_avoided_per_month" not in found


def test_without_days_the_last_ninety_before_today_are_taken(database: Database, clinic: Clinic) -> None:
    for day in (date(2030, 5, 31), date(2030, 3, 3), date(2030, 3, 2), date(2030, 6, 1)):
        clinic.visit(day=day)
    found = measured(database, first=None, last=None).figures["volume.bookings_per_month"]
    assert found.source == "2 visits from 2030-03-03 to 2030-05-31"


def test_every_note_is_one_that_the_pages_can_translate(database: Database, clinic: Clinic) -> None:
    with database.write() as tx:
        tx.execute(update(Service).values(value_amount=Decimal(80), value_currency="EUR"))
    visit = clinic.visit("noshow")
    clinic.message(clinic.reminder(visit))
    changed(database, visit, "cancel")
    found = measured(database, savings=saved(Interval(2, 1, 3), rate(1, 2)))
    assert len(found.figures) == 7
    assert [one.source for one in found.figures.values() if sources.read(one.source) is None] == []
    assert sources.read("Offer 17, visits to the city") is None
