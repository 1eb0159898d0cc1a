"""Claiming with a lease, moving only where the state machine allows, taking back what is not handed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from reminders.domain.appointment import Change
from reminders.domain.delivery import NEXT, Reason, State, may_move
from reminders.store import histories, messages, outbox, patients, reminders
from reminders.store.engine import Database
from reminders.store.tables import Reminder
from tests.factories import Ground, add_visit, ground, together

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = NOW + MINUTE


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
    database: Database, owner: str = "one", *, limit: int = 100, channel: str = "sms", now: datetime = NOW
) -> list[int]:
    return database.run(lambda tx: reminders.claim_due(tx, channel, now, owner, now + MINUTE, limit))


def row(database: Database, number: int):
    with database.read() as tx:
        return reminders.by_number(tx, number)


def states(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(Reminder.state).order_by(Reminder.id)).scalars())


# Claiming


def test_only_what_is_due_and_planned_for_this_channel(database, clinic, visit):
    due, _, _, _ = add(
        database,
        clinic.reminder(visit, NOW),
        clinic.reminder(visit, NOW + timedelta(microseconds=1)),
        clinic.reminder(visit, NOW - MINUTE, channel="voice"),
        clinic.reminder(visit, NOW - MINUTE, state=State.WITHDRAWN),
    )
    with database.read() as tx:
        assert reminders.any_due(tx, "sms", NOW)
        assert not reminders.any_due(tx, "sms", NOW - MINUTE)
        assert not reminders.any_due(tx, "carrier pigeon", NOW)
        assert reminders.next_due(tx) == NOW - MINUTE
    assert claim(database) == [due]
    claimed = row(database, due)
    assert (claimed.state, claimed.lease_owner, claimed.lease_until) == ("claimed", "one", NOW + MINUTE)
    assert claim(database, "two") == []
    with database.read() as tx:
        assert not reminders.any_due(tx, "sms", NOW)


def test_the_oldest_first_and_never_more_than_asked(database, clinic, visit):
    ages = [3, 1, 4, 1, 5, 9, 2, 6]
    numbers = add(database, *(clinic.reminder(visit, NOW - age * MINUTE) for age in ages))
    expected = [number for _, number in sorted(zip([-age for age in ages], numbers, strict=True))]
    claimed = [claim(database, limit=limit) for limit in (0, 3, 3, 3, 3)]
    assert [len(batch) for batch in claimed] == [0, 3, 3, 2, 0]
    assert [set(batch) for batch in claimed[1:4]] == [set(expected[:3]), set(expected[3:6]), set(expected[6:])]
    with database.read() as tx:
        assert [detail.reminder_id for detail in reminders.details(tx, numbers, "one")] == expected


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
        assert reminders.claim_due(tx, "sms", NOW, "slow", LEASE, 1) == [first]
        assert claim(database, "fast", limit=1) == [second]
    assert claim(database, "late") == [third]
    database.close()


def test_details_only_of_what_is_still_ours(database, clinic, visit):
    mine, withdrawn, stolen = add(database, *(clinic.reminder(visit, NOW) for _ in range(3)))
    claim(database)
    with database.write() as tx:
        reminders.move(tx, withdrawn, State.WITHDRAWN, Reason.MOVED, NOW)
        reminders.move(tx, stolen, State.PLANNED, Reason.LEASE_EXPIRED, NOW)
    assert claim(database, "two") == [stolen]
    with database.read() as tx:
        (found,) = reminders.details(tx, [mine, withdrawn, stolen], "one")
        assert found.reminder_id == mine
        assert (found.patient_phone, found.appointment_id, found.appointment_status) == (
            "+34600000001",
            visit,
            "booked",
        )
        assert reminders.details(tx, [], "one") == []


def test_a_note_without_a_visit_has_details_too(database, clinic):
    (note,) = add(database, clinic.reminder(None, NOW, kind="desk", body="Please call."))
    claim(database)
    with database.read() as tx:
        (found,) = reminders.details(tx, [note], "one")
    assert (found.appointment_id, found.reminder_body) == (None, "Please call.")


# Moving


def test_a_row_moves_only_where_the_machine_allows(database, clinic, visit):
    moves = list(product(State, State))
    numbers = add(database, *(clinic.reminder(visit, NOW, state=current) for current, _ in moves))
    with database.write() as tx:
        for number, (current, new) in zip(numbers, moves, strict=True):
            assert reminders.move(tx, number, new, Reason.DONE, NOW) is may_move(current, new)
            after = reminders.by_number(tx, number)
            expected = (new, Reason.DONE) if may_move(current, new) else (current, Reason.DUE)
            assert (after.state, after.reason) == expected


def test_a_move_ends_the_lease_unless_it_begins_one(database, clinic, visit):
    (number,) = add(database, clinic.reminder(visit, NOW))
    claim(database)
    with database.write() as tx:
        reminders.move(tx, number, State.UNCERTAIN, None, NOW, lease_until=LEASE, attempts=1)
    held = row(database, number)
    assert (held.lease_until, held.attempts, held.reason) == (LEASE, 1, Reason.DUE)
    with database.write() as tx:
        reminders.move(tx, number, State.PLANNED, Reason.RETRYING, NOW, due_at=NOW + MINUTE)
    back = row(database, number)
    assert (back.lease_until, back.due_at, back.attempts) == (None, NOW + MINUTE, 1)


# Leases


def test_lapsed_leases_with_their_newest_attempt(database, clinic, visit):
    claimed, uncertain, running, sent = add(
        database,
        clinic.reminder(visit, NOW, state=State.CLAIMED, lease_until=NOW),
        clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW - MINUTE),
        clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW + MINUTE),
        clinic.reminder(visit, NOW, state=State.SENT, lease_until=NOW - MINUTE),
    )
    with database.write() as tx:
        tries = [messages.add(tx, clinic.message(uncertain)) for _ in range(2)]
        messages.add(tx, clinic.message(running))
        found = reminders.lapsed(tx, NOW, 10)
        assert [(one.id, one.state, one.message_id) for one in found] == [
            (uncertain, "uncertain", max(tries)), (claimed, "claimed", None),
        ]  # fmt: skip
        assert len(reminders.lapsed(tx, NOW, 1)) == 1
        reminders.rest(tx, uncertain, NOW + MINUTE)
        reminders.rest(tx, sent, NOW + MINUTE)
        assert [one.id for one in reminders.lapsed(tx, NOW, 10)] == [claimed]
    assert row(database, sent).lease_until == NOW - MINUTE


def test_a_lapsed_row_is_moved_by_one_only(database, clinic, visit):
    (number,) = add(database, clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW))
    move = partial(reminders.move_lapsed, number=number, current=State.UNCERTAIN, state=State.PLANNED,
                   reason=Reason.NOT_FOUND, now=NOW)  # fmt: skip
    results = together([lambda: database.run(lambda tx: move(tx))] * 4)
    assert sorted(results) == [False, False, False, True]


def test_a_lease_that_was_renewed_is_not_lapsed(database, clinic, visit):
    (number,) = add(database, clinic.reminder(visit, NOW))
    claim(database, "one")
    with database.write() as tx:
        reminders.extend_lease(tx, [number], "two", NOW + 5 * MINUTE)
    assert row(database, number).lease_until == NOW + MINUTE
    with database.write() as tx:
        reminders.extend_lease(tx, [number], "one", NOW + 5 * MINUTE)
        late = NOW + 2 * MINUTE
        assert not reminders.move_lapsed(tx, number, State.CLAIMED, State.PLANNED, Reason.LEASE_EXPIRED, late)
    assert row(database, number).state == "claimed"


# Taking back


def test_withdrawing_takes_back_what_is_not_handed_over(database, clinic, visit):
    other = database.run(lambda tx: add_visit(tx, clinic.visit(NOW + timedelta(days=2))))
    numbers = add(database, *(clinic.reminder(visit, NOW, state=state) for state in State))
    (stays,) = add(database, clinic.reminder(other, NOW))
    with database.write() as tx:
        assert reminders.withdraw(tx, visit, Reason.MOVED, NOW) == 2
    expected = ["withdrawn" if state in {"planned", "claimed"} else state for state in State]
    assert [row(database, number).state for number in numbers] == expected
    assert row(database, stays).state == "planned"
    assert [row(database, number).reason for number in numbers].count("visit_moved") == 2


def test_withdrawing_wins_over_a_claim_under_way(postgresql_database_url):
    """The change of a visit waits for the claim and then takes the claimed row back."""
    database = Database(postgresql_database_url)
    clinic = ground(database)
    visit = database.run(lambda tx: add_visit(tx, clinic.visit(NOW + timedelta(days=1))))
    (number,) = add(database, clinic.reminder(visit, NOW))
    for _ in range(5):
        together([
            partial(claim, database),
            lambda: database.run(lambda tx: reminders.withdraw(tx, visit, Reason.CANCELLED, NOW)),
        ])  # fmt: skip
        assert row(database, number).state == "withdrawn"
        with database.read() as tx:
            assert reminders.details(tx, [number], "one") == []
        (number,) = add(database, clinic.reminder(visit, NOW))
        database.run(lambda tx: reminders.withdraw(tx, visit, Reason.CANCELLED, NOW))
        (number,) = add(database, clinic.reminder(visit, NOW))
    database.close()


def test_a_stop_takes_back_everything_for_that_phone(database, clinic, visit):
    with database.write() as tx:
        patients.change(tx, clinic.patients[1], {"phone": "+34600000001"})
    mine, brothers, call, gone = add(
        database,
        clinic.reminder(visit, NOW),
        clinic.reminder(visit, NOW, patient_id=clinic.patients[1], state=State.CLAIMED),
        clinic.reminder(visit, NOW, channel="voice"),
        clinic.reminder(visit, NOW, state=State.SENT),
    )
    with database.write() as tx:
        assert reminders.withdraw_for_phone(tx, "+34600000001", "sms", NOW) == 2
        assert reminders.withdraw_for_phone(tx, "+34600000001", "sms", NOW) == 0
        assert reminders.withdraw_for_phone(tx, "+3460000000", None, NOW) == 0
    assert [(row(database, one).state, row(database, one).reason) for one in (mine, brothers)] == [
        ("suppressed", "opted_out"),
    ] * 2
    assert (row(database, call).state, row(database, gone).state) == ("planned", "sent")
    with database.write() as tx:
        assert reminders.withdraw_for_phone(tx, "+34600000001", None, NOW) == 1


OVERTAKEN = [
    ([], None),
    (["confirm"], None),
    (["reschedule"], Reason.MOVED),
    (["reschedule", "confirm"], Reason.MOVED),
    (["reschedule", "cancel"], Reason.CANCELLED),
    (["cancel"], Reason.CANCELLED),
    (["arrive"], Reason.DONE),
    (["arrive", "fulfil"], Reason.DONE),
    (["no-show"], Reason.DONE),
]


def test_what_is_under_way_may_be_overtaken_by_a_change(database, clinic):
    for day, (changes, expected) in enumerate(OVERTAKEN, start=1):
        row = clinic.visit(NOW + timedelta(days=day))
        visit = database.run(partial(add_visit, values=row))
        old, new, note = add(
            database,
            clinic.reminder(visit, NOW, plan=1),
            clinic.reminder(visit, NOW, plan=1 + len(changes)),
            clinic.reminder(None, NOW, kind="desk", plan=0),
        )
        with database.write() as tx:
            for number, change in enumerate(["book", *changes]):
                assert change == "book" or Change(change)
                histories.add(tx, {"appointment_id": visit, "at": NOW, "change": change, "actor": "key",
                                   "channel": "api", "version": 1 + number, "facts": {}})  # fmt: skip
            assert reminders.overtaken(tx, old) == expected, changes
            assert reminders.overtaken(tx, new) is None
            assert reminders.overtaken(tx, note) is None


# The rest


def test_the_same_contact_is_planned_once(database, clinic, visit):
    same = {"plan": 1, "step": 0}
    add(database, clinic.reminder(visit, NOW, **same), clinic.reminder(visit, NOW, **same | {"channel": "voice"}),
        clinic.reminder(visit, NOW, **same | {"plan": 2}), clinic.reminder(visit, NOW, **same | {"kind": "moved"}))  # fmt: skip
    with pytest.raises(IntegrityError):
        add(database, clinic.reminder(visit, NOW, **same))


def test_bringing_forward_a_fallback(database, clinic, visit):
    later = NOW + 30 * MINUTE
    call, done = add(
        database,
        clinic.reminder(visit, later, channel="voice", step=0),
        clinic.reminder(visit, later, channel="voice", step=1, state=State.SUPPRESSED),
    )
    with database.write() as tx:
        assert not reminders.bring_forward(tx, visit, 2, 0, "voice", NOW)
        assert not reminders.bring_forward(tx, visit, 1, 0, "sms", NOW)
        assert not reminders.bring_forward(tx, visit, 1, 1, "voice", NOW)
        assert reminders.bring_forward(tx, visit, 1, 0, "voice", NOW)
        assert {one.channel for one in reminders.contacted(tx, visit, 1, 0)} == {"voice"}
    assert (row(database, call).due_at, row(database, done).due_at) == (NOW, later)


def test_the_ledger_shows_each_reminder_once_with_its_newest_message(database, clinic, visit):
    late, early = add(database, clinic.reminder(visit, NOW + MINUTE), clinic.reminder(visit, NOW))
    with database.write() as tx:
        for body in ("first try", "second try"):
            messages.add(tx, clinic.message(late, body=body))
        found = reminders.of_appointment(tx, visit)
        assert [(one.reminder_id, one.body) for one in found] == [(early, None), (late, "second try")]
        assert {one.reminder_appointment_id for one in reminders.of_appointments(tx, [visit, 999])} == {visit}
        assert reminders.service_of(tx, visit) == clinic.service
        assert reminders.service_of(tx, None) == 0


def test_adding_nothing_is_fine(database, clinic):
    with database.write() as tx:
        reminders.add(tx, [])
        reminders.add(tx, [clinic.reminder(None, NOW), clinic.reminder(None, NOW)])
        outbox.done(tx, [])
    assert states(database) == ["planned", "planned"]
    assert set(NEXT) == set(State)
