"""After a crash or a lost answer: the provider is asked before anything is sent again. Adopted or sent, never twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reminders.domain.appointment import Change
from reminders.domain.delivery import State
from reminders.errors import GatewayError
from reminders.services.reconciling import Reconciling
from reminders.services.sending import Rules
from reminders.store.engine import Database
from tests.factories import World, at, step, together
from tests.fakes import Fate, WorkerDied, minutes

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
LOST = [Fate.ANSWER_LOST, Fate.REQUEST_LOST, Fate.DIED_AFTER, Fate.DIED_BEFORE]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def attempt(world: World, fate: Fate, channel: str = "sms", **more) -> str:
    """A visit whose first reminder meets this fate."""
    visit = world.book(world.open(steps=[step("-P1D", channel, **more)]), WEDNESDAY)
    world.messenger.script(fate)
    world.clock.set(TUESDAY)
    if "DIED" in fate.name:
        with pytest.raises(WorkerDied):
            world.tick()
    else:
        world.tick()
    return visit


LEASE = Rules().lease


def sweep(world: World, after: timedelta = LEASE) -> int:
    world.clock.advance(after)
    return world.reconciling.run()


@pytest.mark.parametrize("fate", LOST)
@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_adopted_when_the_provider_knows_it_else_sent_again_but_never_twice(world, fate, channel):
    visit = attempt(world, fate, channel)
    assert world.reminder(visit).state == "uncertain"
    assert sweep(world, Rules().lease - timedelta(seconds=1)) == 0
    assert sweep(world, timedelta(seconds=1)) == 1
    carried_out = len(world.messenger.sent)
    row = world.reminder(visit)
    if fate in {Fate.ANSWER_LOST, Fate.DIED_AFTER}:
        assert (row.state, row.reason, carried_out) == ("sent", "found_at_provider", 1)
        assert world.messages()[0].provider_sid == world.messenger.sent[0].sid
    else:
        assert (row.state, row.reason, carried_out) == ("planned", "not_found_at_provider", 0)
        assert world.messages()[0].state == "failed"
    world.tick()
    assert len(world.messenger.sent) == 1
    assert world.reminder(visit).state == "sent"
    for _ in range(3):
        sweep(world)
        world.tick()
    assert len(world.messenger.sent) == 1


def test_what_was_found_may_be_finished_already(world):
    visit = attempt(world, Fate.DIED_AFTER)
    world.messenger.learn(world.messenger.sent[0], State.DELIVERED)
    sweep(world)
    assert (world.reminder(visit).state, world.messages()[0].state) == ("delivered", "delivered")
    assert world.messages()[0].check_at is not None  # for the price


def test_too_late_to_send_again_means_missed(world):
    visit = attempt(world, Fate.REQUEST_LOST)
    sweep(world, 20 * HOUR)
    assert (world.reminder(visit).state, world.reminder(visit).reason) == ("missed", "deadline_passed")


def test_found_after_the_deadline_is_still_sent(world):
    visit = attempt(world, Fate.ANSWER_LOST)
    sweep(world, 20 * HOUR)
    assert (world.reminder(visit).state, world.reminder(visit).reason) == ("sent", "found_at_provider")


def test_while_the_provider_cannot_be_asked_nothing_is_sent(world):
    visit = attempt(world, Fate.ANSWER_LOST)
    world.messenger.find_problems.extend(
        [GatewayError(), GatewayError(permanent=True), GatewayError(sent_unknown=True)]
    )
    for _ in range(3):
        assert sweep(world) == 1
        assert world.reminder(visit).state == "uncertain"
        assert world.tick() == 0
        assert world.reconciling.run() == 0  # it rests meanwhile
    assert sweep(world) == 1
    assert world.reminder(visit).state == "sent"
    assert len(world.messenger.sent) == 1


def test_only_the_same_text_to_the_same_number_is_ours(world):
    ids = world.open(steps=[step("-P1D")])
    patient = world.add_patient(phone="+34600111222", name="Ana")
    brother = world.add_patient(phone="+34600111222", name="Luis")
    first, second = world.book(ids, WEDNESDAY, patient=patient), world.book(ids, WEDNESDAY + HOUR / 2, patient=brother)
    world.messenger.script(Fate.ANSWER_LOST, Fate.REQUEST_LOST)
    world.tick(TUESDAY + HOUR)
    sweep(world)
    assert (world.reminder(first).reason, world.reminder(second).reason) == (
        "found_at_provider",
        "not_found_at_provider",
    )
    world.tick()
    assert sorted(sent.body.count("Luis") for sent in world.messenger.sent) == [0, 1]


def test_two_calls_to_one_number_are_told_apart_by_being_taken_once(world):
    """Calls have no text: each that was really placed is adopted by one attempt only."""
    ids = world.open(steps=[step("-P1D", "voice")])
    patient = world.add_patient(phone="+34600111222")
    brother = world.add_patient(phone="+34600111222")
    visits = [world.book(ids, WEDNESDAY, patient=patient), world.book(ids, WEDNESDAY + HOUR / 2, patient=brother)]
    world.messenger.script(Fate.ANSWER_LOST, Fate.REQUEST_LOST)
    world.tick(TUESDAY + HOUR)
    sweep(world)
    assert sorted(world.reminder(visit).state for visit in visits) == ["planned", "sent"]
    world.tick()
    assert len(world.messenger.sent) == 2


def test_an_older_message_with_the_same_text_is_not_taken_for_this_attempt(world):
    ids = world.open()
    world.desk.write(ids.patient, "Please call us.")
    world.tick()
    world.clock.advance(minutes(1))
    world.desk.write(ids.patient, "Please call us.")
    world.messenger.script(Fate.REQUEST_LOST)
    world.tick()
    sweep(world)
    world.tick()
    assert len(world.messenger.sent) == 2
    assert [row.state for row in world.reminders()] == ["sent", "sent"]


def test_texts_that_the_provider_has_simplified_are_recognised(world):
    """Smart encoding replaces typographic characters on the way."""
    ids = world.open()
    world.desk.write(ids.patient, "Room “3” – please wait…")
    world.messenger.script(Fate.ANSWER_LOST)
    world.tick()
    sent = world.messenger.sent[0]
    world.report(sent, body=sent.body.replace("“", '"').replace("”", '"').replace("–", "-").replace("…", "..."))
    sweep(world)
    assert world.reminders()[0].reason == "found_at_provider"
    world.tick()
    assert len(world.messenger.sent) == 1


def test_a_callback_that_comes_while_the_provider_is_asked(world):
    """Asked and answered at the same moment: the message must not be called failed."""
    visit = attempt(world, Fate.ANSWER_LOST)
    message = world.messenger.sent[0]
    world.messenger.before_found = lambda found: world.callback(message, State.SENT)
    sweep(world)
    assert (world.reminder(visit).state, world.messages()[0].state) == ("sent", "sent")
    world.callback(message, State.DELIVERED)
    assert (world.reminder(visit).state, world.messages()[0].state) == ("delivered", "delivered")


def test_a_provider_whose_clock_is_behind_is_still_understood(world):
    visit = attempt(world, Fate.ANSWER_LOST)
    sent = world.messenger.sent[0]
    world.report(sent, created_at=TUESDAY - minutes(1))
    sweep(world)
    assert world.reminder(visit).reason == "found_at_provider"


@pytest.mark.parametrize("change", [Change.CANCEL, Change.RESCHEDULE, Change.ARRIVE])
def test_what_was_not_sent_for_a_visit_that_changed_meanwhile_stays_unsent(world, change):
    visit = attempt(world, Fate.REQUEST_LOST)
    if change is Change.RESCHEDULE:
        world.move(visit, WEDNESDAY + DAY)
    else:
        world.change(visit, change)
    sweep(world)
    assert world.reminders(visit)[0].state == "withdrawn"
    assert world.messages()[0].state == "failed"
    world.tick()
    assert world.messenger.sent == []


def test_several_workers_sweeping_at_once(world):
    ids = world.open(steps=[step("-P1D")])
    fates = [Fate.ANSWER_LOST, Fate.REQUEST_LOST] * 6
    visits = [
        world.book(ids, WEDNESDAY + n * HOUR / 4, patient=world.add_patient(), override=True) for n in range(0, 24, 2)
    ]
    world.messenger.script(*fates)
    world.tick(TUESDAY + 6 * HOUR)
    world.clock.advance(Rules().lease)
    sweepers = [Reconciling(world.database, world.clock, world.messenger, world.outcomes) for _ in range(4)]
    results = together([sweeper.run for sweeper in sweepers])
    assert all(isinstance(result, int) for result in results), results
    together([world.worker(f"w{number}").run_due for number in range(4)])
    assert {world.reminder(visit).state for visit in visits} == {"sent"}
    assert len(world.messenger.sent) == len(visits)
    assert len({sent.to for sent in world.messenger.sent}) == len(visits)
    assert {message.state for message in world.messages()} == {"sent", "failed"}
    assert len([message for message in world.messages() if message.state == "sent"]) == len(visits)
