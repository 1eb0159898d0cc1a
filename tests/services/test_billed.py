"""Every count of messages in the reports on money has as many rows behind it, and they add up to its amounts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest

from reminders.clock import ManualClock
from reminders.domain.measures import CostBy
from reminders.domain.worth import Prices
from reminders.services.catalogue import Catalogue
from reminders.services.evidence import Evidence
from reminders.services.reports import Reports
from reminders.services.savings import Savings
from reminders.services.spending import Spendings
from reminders.store.billed import Billed
from reminders.store.engine import Database
from tests.fakes import no_holidays
from tests.measuring import Clinic, fill

CLOCK = ManualClock(datetime(2030, 6, 2, 18, tzinfo=UTC))
DAYS = (date(2029, 3, 1), date(2030, 5, 31))


@pytest.fixture
def clinic(database: Database) -> Clinic:
    clinic = Clinic(database)
    fill(clinic, 50, Random(4))
    for day in (2, 3):
        clinic.message(None, "0.07", kind="reply", direction="in", created_at=datetime(2030, 5, day, 9, tzinfo=UTC))
    return clinic


@pytest.mark.parametrize("by", [CostBy.NONE, CostBy.CHANNEL, CostBy.LANGUAGE, CostBy.STEP, CostBy.LOCATION])
def test_costs_of_reminders_have_their_messages(database: Database, clinic: Clinic, by: CostBy) -> None:
    evidence = Evidence(database, CLOCK)
    lines = [row for row in Reports(database, CLOCK).reminder_costs(*DAYS, by).rows() if row["messages"]]
    assert len(lines) > 1
    for row in lines:
        group = {} if by is CostBy.NONE else {by.value: int(row["group"]) if by is CostBy.STEP else row["group"]}
        found = evidence.messages(Billed(*DAYS, reminders=True, currency=row["currency"] or "", limit=500, **group))
        assert len(found) == row["messages"]
        charged = sum((one.price for one in found if one.price is not None), Decimal(0))
        assert charged == Decimal(row["actual_cost"] or 0)


def test_spending_has_its_messages(database: Database, clinic: Clinic) -> None:
    evidence, reports = Evidence(database, CLOCK), Reports(database, CLOCK)
    savings = Savings(database, CLOCK, Catalogue(database, CLOCK, no_holidays), Prices())
    report = Spendings(database, CLOCK, reports, savings, Decimal(0)).report(*DAYS)
    assert {kind for kind, _, _ in report.bills} >= {"reminder", "answer", "reply"}
    for (kind, channel, currency), bill in report.bills.items():
        found = [
            row for about in (True, False) for row in evidence.messages(
                Billed(*DAYS, about_visits=about, kind=kind, channel=channel, currency=currency, limit=500)
            )
        ]  # fmt: skip
        assert (len(found), sum(row.segments for row in found)) == (bill.messages, bill.segments)


@pytest.mark.parametrize("about", [True, False])
def test_messages_come_in_pages(database: Database, clinic: Clinic, about: bool) -> None:
    evidence = Evidence(database, CLOCK)
    whole = [row.uid for row in evidence.messages(Billed(about_visits=about, limit=500))]
    first = evidence.messages(Billed(about_visits=about, limit=1))[0]
    place = (first.day or first.created_at.date(), first.id)
    rest = evidence.messages(Billed(about_visits=about, after=place, limit=500))
    assert [first.uid, *(row.uid for row in rest)] == whole
    assert len(whole) > 1
