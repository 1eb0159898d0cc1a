"""Hot queries must find their rows through an index: cost grows with what is due, not with what exists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from reminders.errors import NotFound
from reminders.store import appointments, claims, histories, inbox, keys, links, messages, outbox, patients, reminders
from reminders.store.engine import Database

NOW = datetime(2030, 5, 6, tzinfo=UTC)
DAY = timedelta(days=1)

QUERIES: dict[str, Callable[[Connection], object]] = {
    "busy time": lambda tx: appointments.busy(tx, [1, 2], NOW, NOW + DAY, DAY),
    "one visit": lambda tx: appointments.get(tx, "apt_x"),
    "open visits of a phone": lambda tx: appointments.open_for_phone(tx, "+1", NOW),
    "claim": lambda tx: claims.claim_due(tx, "sms", NOW, "me", NOW, 10, since=NOW - DAY),
    "anything due": lambda tx: claims.first_due(tx, "sms", NOW),
    "details of a claim": lambda tx: claims.details(tx, [1, 2]),
    "companions of a claim": lambda tx: claims.claim_companions(tx, ["+1"], "sms", NOW, NOW + DAY, "me", NOW),
    "leases kept": lambda tx: claims.extend(tx, [1, 2], "me", NOW),
    "later nudges": lambda tx: claims.later_nudges(tx, [1, 2], NOW),
    "messages of a day": lambda tx: claims.recent(tx, ["+1"], NOW - DAY),
    "messages to ask about": lambda tx: messages.take_checks(tx, NOW, NOW, 10),
    "lapsed leases": lambda tx: reminders.take_lapsed(tx, NOW, NOW, 10),
    "withdraw": lambda tx: reminders.withdraw(tx, 1, "visit_moved", NOW),
    "withdraw for a phone": lambda tx: reminders.withdraw_for_phone(tx, "+1", "sms", NOW),
    "ledger": lambda tx: reminders.of_appointment(tx, 1),
    "history": lambda tx: histories.of_appointment(tx, 1),
    "outbox": lambda tx: outbox.take(tx, NOW, NOW, 10),
    "open inbox": lambda tx: inbox.listing(tx, 0, 10, done=False),
    "key": lambda tx: keys.by_hash(tx, "x"),
    "questions to a phone": lambda tx: messages.questions(tx, "+1", NOW),
    "message of a callback": lambda tx: messages.by_token(tx, "x"),
    "patient": lambda tx: patients.get(tx, "pat_x"),
    "gone in another system": lambda tx: links.gone(tx, 1, "visit"),
    "waiting in another system": lambda tx: links.waiting(tx, 1, "visit"),
    "links of a page": lambda tx: links.by_remotes(tx, 1, "visit", ["V1", "V2"]),
    "visits of those who arrive": lambda tx: appointments.between(tx, ["pat_x", "pat_y"], NOW, NOW + DAY),
}
#: These sort or count a handful of rows that they found through an index.
SORTED = {"open visits of a phone", "ledger", "questions to a phone", "details of a claim", "later nudges"}
#: Of everything that is linked, these read only the few that they ask for.
FEW = {"gone in another system": "ix_sync_link_gone", "waiting in another system": "ix_sync_link_waiting"}
#: Small tables, and what a claim has picked: never more than its limit.
SMALL = ("catalogue_version", "api_key", "SCAN due", "SCAN json_each")


@pytest.mark.parametrize("name", QUERIES)
def test_sqlite_reads_through_an_index(name: str, sqlite_database_url: str) -> None:
    database = Database(sqlite_database_url)
    sent: list[str] = []
    with database.write() as tx:
        driver = tx.connection.driver_connection
        driver.set_trace_callback(sent.append)
        with contextlib.suppress(NotFound):  # a row that is not there is no matter here
            QUERIES[name](tx)
        driver.set_trace_callback(None)
        reads = [statement for statement in sent if statement.startswith(("SELECT", "UPDATE", "WITH"))]
        plans = [row[3] for statement in reads for row in driver.execute("EXPLAIN QUERY PLAN " + statement)]
    database.close()
    assert plans
    scans = [plan for plan in plans if plan.startswith("SCAN") and not any(table in plan for table in SMALL)]
    assert not scans, scans
    assert FEW.get(name, "") in "".join(plans)
    assert "TEMP B-TREE" not in "".join(plans) or name in SORTED
