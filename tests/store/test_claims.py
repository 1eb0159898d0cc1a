"""Taking what is due: in order, once, never more than asked, with a lease."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import Connection, insert, select

from reminders.domain.delivery import Reason, State
from reminders.store import claims, messages, reminders
from reminders.store.engine import Database
from reminders.store.tables import Reminder
from tests.factories import Ground, add_visit, ground, together

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = NOW + MINUTE
LONG_AGO = NOW - timedelta(days=9)


@pytest.fixture
def clinic(database: Database) -> Ground:
    return ground(database)


@pytest.fixture
def visit(database: Database, clinic: Ground) -> int:
    return database.run(lambda tx: add_visit(tx, clinic.visit(NOW + timedelta(days=1))))


def add(database: Database, *rows) -> list[int]:
    """Store reminders; their numbers in the same order."""
    with database.write() as tx:
        return [tx.execute(insert(Reminder).returning(Reminder.id), row).scalar_one() for row in rows]


def claim(
    database: Database, owner: str = "one", *, limit: int = 100, channel: str = "sms", now: datetime = NOW,
    since: datetime = LONG_AGO, by_deadline: bool = False,
) -> list[int]:  # fmt: skip
    def work(tx: Connection) -> list[int]:
        taken = claims.claim_due(tx, channel, now, owner, now + MINUTE, limit, since=since, by_deadline=by_deadline)
        return [one.id for one in taken]

    return database.run(work)


def row(database: Database, number: int):
    with database.read() as tx:
        return reminders.by_number(tx, number)


def states(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(Reminder.state).order_by(Reminder.id)).scalars())


def test_only_what_is_due_and_planned_for_this_channel(database, clinic, visit):
    due, _, _, _ = add(
        database,
        clinic.reminder(visit, NOW),
        clinic.reminder(visit, NOW + timedelta(microseconds=1)),
        clinic.reminder(visit, NOW - MINUTE, channel="voice"),
        clinic.reminder(visit, NOW - MINUTE, state=State.WITHDRAWN),
    )
    with database.read() as tx:
        assert claims.first_due(tx, "sms", LONG_AGO) == NOW
        assert claims.first_due(tx, "voice", LONG_AGO) == NOW - MINUTE
        assert claims.first_due(tx, "voice", NOW) is None
        assert claims.first_due(tx, "carrier pigeon", LONG_AGO) is None
    assert claim(database) == [due]
    claimed = row(database, due)
    assert (claimed.state, claimed.lease_owner, claimed.lease_until) == ("uncertain", "one", NOW + MINUTE)
    assert claimed.attempts == 1
    assert claim(database, "two") == []


def test_the_oldest_first_and_never_more_than_asked(database, clinic, visit):
    ages = [3, 1, 4, 1, 5, 9, 2, 6]
    numbers = add(database, *(clinic.reminder(visit, NOW - age * MINUTE) for age in ages))
    expected = [number for _, number in sorted(zip([-age for age in ages], numbers, strict=True))]
    claimed = [claim(database, limit=limit) for limit in (0, 3, 3, 3, 3)]
    assert [len(batch) for batch in claimed] == [0, 3, 3, 2, 0]
    assert [set(batch) for batch in claimed[1:4]] == [set(expected[:3]), set(expected[3:6]), set(expected[6:])]
    with database.read() as tx:
        assert [detail.id for detail in claims.details(tx, numbers)] == expected


def test_two_claimers_never_get_the_same_row(database, clinic, visit):
    numbers = add(database, *(clinic.reminder(visit, NOW - MINUTE) for _ in range(60)))

    def work(owner: str) -> list[int]:
        taken: list[int] = []
        while batch := claim(database, owner, limit=7):
            assert len(batch) <= 7
            taken += batch
        return taken

    shares = together([partial(work, f"worker {number}") for number in range(4)])
    assert sorted(number for share in shares for number in share) == numbers


def test_a_claimer_does_not_wait_for_another_one(postgresql_database_url):
    database = Database(postgresql_database_url)
    clinic = ground(database)
    first, second, third = add(database, *(clinic.reminder(None, NOW - age * MINUTE) for age in (3, 2, 1)))
    with database.write() as tx:
        assert [row.id for row in claims.claim_due(tx, "sms", NOW, "slow", LEASE, 1, since=LONG_AGO)] == [first]
        assert claim(database, "fast", limit=1) == [second]
    assert claim(database, "late") == [third]
    database.close()


def test_a_note_without_a_visit_has_details_too(database, clinic):
    (note,) = add(database, clinic.reminder(None, NOW, kind="desk", body="Please call."))
    claim(database)
    with database.read() as tx:
        (found,) = claims.details(tx, [note])
    assert (found.appointment_id, found.body) == (None, "Please call.")


def test_what_would_be_too_late_first_goes_first_after_an_outage(database, clinic, visit):
    rows = [
        clinic.reminder(visit, NOW - age * MINUTE, not_after=NOW + left * MINUTE)
        for age, left in ((9, 50), (8, 10), (7, 30), (6, 20))
    ]
    numbers = add(database, *rows)
    assert set(claim(database, limit=2, by_deadline=True)) == {numbers[1], numbers[3]}


def test_the_mark_leaves_out_what_is_older(database, clinic, visit):
    old, new = add(database, clinic.reminder(visit, NOW - 9 * MINUTE), clinic.reminder(visit, NOW - MINUTE))
    assert claim(database, since=NOW - 2 * MINUTE) == [new]
    assert claim(database, since=LONG_AGO) == [old]


def test_companions_are_planned_reminders_to_the_same_phone_until_then(database, clinic, visit):
    soon, later, other, sent = add(
        database,
        clinic.reminder(visit, NOW + MINUTE),
        clinic.reminder(visit, NOW + 9 * MINUTE),
        clinic.reminder(visit, NOW + MINUTE, patient_id=clinic.patients[1]),
        clinic.reminder(visit, NOW + MINUTE, state=State.SENT),
    )
    with database.write() as tx:
        until = NOW + 5 * MINUTE
        assert claims.claim_companions(tx, ["+34600000001"], "sms", NOW, until, "one", LEASE) == [soon]
    assert {row(database, number).state for number in (later, other)} == {"planned"}
    assert row(database, sent).state == "sent"


def test_a_lease_is_renewed_by_its_owner_only_with_all_it_speaks_for(database, clinic, visit):
    number, other = add(database, clinic.reminder(visit, NOW), clinic.reminder(visit, NOW))
    claim(database, "one")
    with database.write() as tx:
        claims.settle_claimed(tx, [{"id": other, "carried_by": number}])
        assert claims.extend(tx, [number], "two", NOW + 5 * MINUTE) == set()
        assert claims.extend(tx, [number], "one", NOW + 5 * MINUTE) == {number, other}
        assert reminders.take_lapsed(tx, NOW + 2 * MINUTE, NOW + 9 * MINUTE, 10) == []
    assert {row(database, one).lease_until for one in (number, other)} == {NOW + 5 * MINUTE}


def test_answers_are_recorded_together_unless_somebody_knows_more(database, clinic, visit):
    numbers = add(database, *(clinic.reminder(visit, NOW) for _ in range(3)))
    claim(database)
    with database.write() as tx:
        rows = [clinic.message(number) for number in numbers]
        claims.add_attempts(tx, rows)
        reminders.move(tx, numbers[1], State.DELIVERED, None, NOW)
        messages.settle(tx, messages.by_token(tx, rows[1]["token"]).id, State.DELIVERED)
        taken = [
            {"token": one["token"], "state": "sent", "provider_sid": f"SM{place}{one['token']}", "sent_at": NOW}
            for place, one in enumerate(rows)
        ]
        after = [
            {"id": one, "state": "sent", "reason": "due", "lease_until": None, "updated_at": NOW} for one in numbers
        ]
        assert claims.accept(tx, taken, after) == 2
    assert states(database) == ["sent", "delivered", "sent"]


def test_later_nudges_and_recent_messages_are_counted(database, clinic, visit):
    ahead = ((0, "sms"), (1, "sms"), (1, "voice"), (2, "sms"))
    add(database, *(clinic.reminder(visit, NOW + n * 60 * MINUTE, step=n, channel=channel) for n, channel in ahead))
    with database.write() as tx:
        assert claims.later_nudges(tx, [visit], NOW) == {visit: 2}
        for age, kind in ((1, "reminder"), (2, "moved"), (3, "answer"), (99, "reminder")):
            messages.add(tx, clinic.message(kind=kind, created_at=NOW - age * MINUTE))
        assert claims.recent(tx, ["+34600000001", "+1"], NOW - 60 * MINUTE) == {"+34600000001": 2}


def test_what_is_past_its_deadline_is_given_up(database, clinic, visit):
    late, fine = add(
        database,
        clinic.reminder(visit, NOW - 9 * MINUTE, not_after=NOW - MINUTE),
        clinic.reminder(visit, NOW - 9 * MINUTE, not_after=NOW + MINUTE),
    )
    with database.write() as tx:
        assert claims.miss_overdue(tx, "sms", NOW, LONG_AGO, Reason.TOO_LATE) == 1
    assert (row(database, late).state, row(database, late).reason) == ("missed", "deadline_passed")
    assert row(database, fine).state == "planned"
