"""One phone, several reminders: one message that names every visit, and what the means allow."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from reminders.domain.delivery import State
from reminders.errors import GatewayError
from reminders.services.sending import Rules
from reminders.store.engine import Database
from tests.factories import DESK, World, at, step
from tests.fakes import Fate, minutes, refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
PHONE = "+34600111222"


@pytest.fixture
def world(database: Database) -> World:
    return World(database, rules=Rules(combine=timedelta(hours=1)))


def family(world: World, *starts: timedelta, **more) -> list[str]:
    """One visit for each of the family, so long after Wednesday at ten."""
    ids = world.open(**{"steps": [step("-P1D")], **more})
    return [
        world.book(ids, WEDNESDAY + start, patient=world.add_patient(name=f"Member {number}", phone=PHONE))
        for number, start in enumerate(starts)
    ]


def test_what_is_due_soon_to_the_same_phone_goes_out_with_what_is_due_now(world):
    visits = family(world, timedelta(0), HOUR / 2, HOUR, 2 * HOUR)
    world.tick(TUESDAY)
    (sent,) = world.messenger.sent
    assert [f"Member {number}" in sent.body for number in range(4)] == [True, True, True, False]
    assert [world.reminder(visit).state for visit in visits] == ["sent"] * 3 + ["planned"]
    entries = [world.entries(visit)[0] for visit in visits[:3]]
    assert [entry.text for entry in entries] == [sent.body] * 3
    assert [entry.cost is not None for entry in entries] == [True, False, False]  # it is paid for once
    assert "in one message with those of other visits" in entries[1].sentence
    world.callback(sent, State.DELIVERED)
    assert [world.reminder(visit).state for visit in visits[:3]] == ["delivered"] * 3
    world.tick(TUESDAY + 2 * HOUR)
    assert "Member 3" in world.messenger.sent[1].body


def test_other_phones_languages_and_kinds_are_not_mixed(world):
    ids = world.open(steps=[step("-P1D")])
    for number, facts in enumerate([{"phone": PHONE}, {"phone": PHONE, "language": "fr"}, {"phone": "+34600111333"}]):
        world.book(ids, WEDNESDAY + number * HOUR / 2, patient=world.add_patient(**facts))
    world.tick(TUESDAY + HOUR)
    assert len(world.messenger.sent) == 3


def test_a_message_that_fails_fails_for_all_and_the_next_channel_follows_for_each(world):
    visits = family(world, timedelta(0), HOUR / 2, steps=[step("-P1D", "sms", "voice")])
    world.tick(TUESDAY)
    world.callback(world.messenger.sent[0], State.FAILED)
    world.tick()
    assert [[row.state for row in world.reminders(visit)] for visit in visits] == [["failed", "sent"]] * 2


@pytest.mark.parametrize("fate", [Fate.ANSWER_LOST, Fate.REQUEST_LOST, refused()])
def test_a_lost_answer_or_a_refusal_is_one_for_all(world, fate):
    visits = family(world, timedelta(0), HOUR / 2)
    world.messenger.script(fate)
    world.tick(TUESDAY)
    world.clock.advance(minutes(2))
    world.reconciling.run()
    world.tick()
    assert [world.reminder(visit).state for visit in visits] == ["sent"] * 2
    assert len(world.messenger.sent) == 1


def test_a_visit_that_needs_no_reminder_is_not_named(world):
    first, second = family(world, timedelta(0), HOUR / 2, steps=[step("-P1D", unless_confirmed=True)])
    world.patients.pause(world.visit(second).patient_uid, DESK, paused=True)
    world.tick(TUESDAY)
    assert "Member 1" not in world.messenger.sent[0].body
    assert (world.reminder(first).state, world.reminder(second).state) == ("sent", "planned")
    world.tick(TUESDAY + HOUR)
    assert (world.reminder(second).state, world.reminder(second).reason) == ("suppressed", "paused")


def test_nothing_is_burnt_while_the_account_is_refused_and_it_ends_by_itself(world):
    visits = family(world, timedelta(0), 3 * HOUR)
    world.messenger.account_problem = GatewayError(account=True, provider_code=20003)
    world.tick(TUESDAY)
    row = world.reminder(visits[0])
    assert (row.state, row.reason, row.attempts) == ("planned", "account_closed", 0)
    asked = world.messenger.requests
    for _ in range(3):
        world.clock.advance(minutes(1))
        world.circuit.probe()
        assert world.tick() == 0
    assert world.messenger.requests == asked
    assert world.messenger.account_checks >= 1
    world.messenger.account_problem = None
    world.clock.advance(minutes(10))
    world.circuit.probe()
    world.tick()
    assert world.reminder(visits[0]).state == "sent"


def test_what_gets_too_late_while_the_account_is_refused_is_missed(world):
    (visit,) = family(world, timedelta(0))
    world.messenger.account_problem = GatewayError(account=True)
    world.tick(TUESDAY)
    world.tick(WEDNESDAY)
    assert (world.reminder(visit).state, world.reminder(visit).reason) == ("missed", "deadline_passed")


def test_a_cap_leaves_out_nudges_that_others_follow_and_never_the_last(database):
    world = World(database, rules=Rules(combine=timedelta(0), daily_cap=1))
    visit = world.book(world.open(steps=[step("-PT9H"), step("-PT8H"), step("-PT7H")]), WEDNESDAY)
    for hours in (9, 8, 7):
        world.tick(WEDNESDAY - hours * HOUR)
    assert world.states(visit) == [("sent", "due"), ("suppressed", "daily_cap"), ("sent", "due")]


def test_a_nudge_that_another_follows_within_the_hour_is_not_taken_for_the_last(database):
    world = World(database, rules=Rules(combine=timedelta(hours=1), daily_cap=1))
    visit = world.book(world.open(steps=[step("-PT9H"), step("-PT8H"), step("-PT7H")]), WEDNESDAY)
    for hours in (9, 8, 7):
        world.tick(WEDNESDAY - hours * HOUR)
    assert world.states(visit) == [("sent", "due"), ("suppressed", "daily_cap"), ("sent", "due")]


def test_a_budget_that_is_used_up_keeps_the_last_reminder(database):
    world = World(database, rules=Rules(combine=timedelta(0), budget=Decimal("0.07")))
    ids = world.open(steps=[step("-PT9H"), step("-PT8H"), step("-PT7H")])
    visit = world.book(ids, WEDNESDAY)
    for hours in (9, 8, 7):
        world.tick(WEDNESDAY - hours * HOUR)
    assert world.states(visit) == [("sent", "due"), ("suppressed", "over_budget"), ("sent", "due")]
    assert "month's budget" in world.entries(visit)[1].sentence
