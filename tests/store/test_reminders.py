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


def row(database: Database, number: int):
    with database.read() as tx:
        return reminders.by_number(tx, number)


def states(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(Reminder.state).order_by(Reminder.id)).scalars())


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
    (number,) = add(database, clinic.reminder(visit, NOW, state=State.CLAIMED))
    with database.write() as tx:
        reminders.move(tx, number, State.UNCERTAIN, None, NOW, lease_until=LEASE, attempts=1)
    held = row(database, number)
    assert (held.lease_until, held.attempts, held.reason) == (LEASE, 1, Reason.DUE)
    with database.write() as tx:
        reminders.move(tx, number, State.PLANNED, Reason.RETRYING, NOW, due_at=NOW + MINUTE)
    back = row(database, number)
    assert (back.lease_until, back.due_at, back.attempts) == (None, NOW + MINUTE, 1)


# Leases


def test_lapsed_leases_are_given_to_one_with_their_newest_attempt(database, clinic, visit):
    old, running, sent = add(
        database,
        clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW - MINUTE),
        clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW + MINUTE),
        clinic.reminder(visit, NOW, state=State.SENT, lease_until=NOW - MINUTE),
    )
    (spoken_for,) = add(database, clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW, carried_by=old))
    with database.write() as tx:
        tries = [messages.add(tx, clinic.message(old)) for _ in range(2)]
        messages.add(tx, clinic.message(running))
    until = NOW + 5 * MINUTE
    found = together([lambda: database.run(lambda tx: reminders.take_lapsed(tx, NOW, until, 10))] * 4)
    (one,) = [row for rows in found for row in rows]
    assert (one.id, one.channel, one.held_until, one.message_id) == (old, "sms", until, max(tries))
    assert row(database, spoken_for).lease_until == until
    assert row(database, sent).lease_until == NOW - MINUTE
    with database.write() as tx:
        assert not reminders.any_lapsed(tx, NOW)
        assert reminders.any_lapsed(tx, until)


def test_what_was_dealt_with_meanwhile_is_left_alone(database, clinic, visit):
    (number,) = add(database, clinic.reminder(visit, NOW, state=State.UNCERTAIN, lease_until=NOW))
    with database.write() as tx:
        messages.add(tx, clinic.message(number))
        (slow,) = reminders.take_lapsed(tx, NOW, NOW + MINUTE, 1)
        (quick,) = reminders.take_lapsed(tx, NOW + MINUTE, NOW + 2 * MINUTE, 1)
        assert not reminders.move_lapsed(tx, slow, State.PLANNED, Reason.NOT_FOUND, NOW)
        assert reminders.move_lapsed(tx, quick, State.PLANNED, Reason.NOT_FOUND, NOW + MINUTE)
        assert not reminders.move_lapsed(tx, quick, State.PLANNED, Reason.NOT_FOUND, NOW + MINUTE)
    assert (row(database, number).state, row(database, number).due_at) == ("planned", NOW + MINUTE)


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


def test_adding_nothing_is_fine(database, clinic):
    with database.write() as tx:
        reminders.add(tx, [])
        reminders.add(tx, [clinic.reminder(None, NOW), clinic.reminder(None, NOW)])
        outbox.done(tx, [])
    assert states(database) == ["planned", "planned"]
    assert set(NEXT) == set(State)


@pytest.mark.parametrize(("ahead", "woken"), [(-MINUTE, 1), (timedelta(seconds=2), 1), (timedelta(seconds=3), 0)])
def test_only_what_is_due_at_once_is_worth_waking_senders_for(database, clinic, ahead, woken):
    here = Database(database.engine.url.render_as_string(hide_password=False), pool_size=2)
    told = []
    here.on_planned(lambda: told.append(1))
    row = clinic.reminder(None, NOW + ahead, updated_at=NOW)
    with here.write() as tx:
        reminders.add(tx, [row])
    assert len(told) == woken
    again = clinic.reminder(None, NOW + ahead, updated_at=NOW, plan=2)
    del again["appointment_id"]
    with here.write() as tx:
        add_visit(tx, clinic.visit(NOW + timedelta(days=1)), [again])
    here.close()
    assert len(told) == 2 * woken
