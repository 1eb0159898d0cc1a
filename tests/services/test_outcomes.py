"""What became of a message: answers and callbacks in any order, any number of times, and the price that comes later."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.domain.appointment import Change
from reminders.domain.delivery import State
from reminders.domain.ports import Report
from reminders.errors import GatewayError
from reminders.store.engine import Database, Record
from tests.factories import BAD_NUMBER, World, at, step, together
from tests.fakes import Fate, minutes, refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def sent(world: World, *channels: str, **more):
    """Book a visit and send its first reminder; returns the visit and what the provider has."""
    visit = world.book(world.open(steps=[step("-P1D", *channels, **more)]), WEDNESDAY)
    world.tick(TUESDAY)
    return visit, world.messenger.sent[0]


def asked(world: World) -> list[Record]:
    """Messages about which the provider will be asked."""
    return [row for row in world.messages() if row.check_at is not None]


def priced(world: World) -> int:
    """How many messages have ended and wait for their price."""
    return sum(row.state in {"delivered", "failed"} for row in asked(world))


def states(world: World, visit: str) -> tuple[str, str]:
    return world.reminder(visit).state, world.messages()[0].state


def test_delivered(world):
    visit, message = sent(world)
    world.clock.advance(minutes(1))
    assert world.callback(message, State.DELIVERED)
    assert states(world, visit) == ("delivered", "delivered")
    row = world.messages()[0]
    assert (row.sent_at, row.delivered_at, row.error_code) == (TUESDAY, TUESDAY + minutes(1), None)
    assert world.reminder(visit).reason == "due"


def test_failed(world):
    visit, message = sent(world)
    world.callback(message, State.FAILED, error_code=30005)
    assert states(world, visit) == ("failed", "failed")
    assert world.reminder(visit).reason == "undelivered"
    assert world.messages()[0].error_code == 30005


def test_a_call_nobody_takes_is_placed_three_times_a_quarter_of_an_hour_apart(world):
    visit, _ = sent(world, "voice")
    for number in (1, 2):
        world.callback(world.messenger.sent[-1], State.FAILED)
        row = world.reminder(visit)
        assert (row.state, row.reason, row.due_at) == ("planned", "call_again", world.clock.now() + minutes(15))
        assert world.tick(row.due_at - timedelta(seconds=1)) == 0
        assert world.tick(row.due_at) == 1
        assert len(world.messenger.sent) == number + 1
    world.callback(world.messenger.sent[-1], State.FAILED)
    assert (world.reminder(visit).state, world.reminder(visit).reason) == ("failed", "not_answered")


def test_a_call_is_not_repeated_into_the_night_nor_past_its_deadline(world):
    late = world.open(steps=[step("-P1D", "voice")], quiet=("12:20", "08:00"))
    visit = world.book(late, WEDNESDAY)  # noon in Madrid, and so is the call the day before
    world.tick(TUESDAY)
    world.callback(world.messenger.sent[-1], State.FAILED)
    assert world.reminder(visit).due_at == TUESDAY + minutes(15)
    world.tick(TUESDAY + minutes(15))
    world.callback(world.messenger.sent[-1], State.FAILED)
    assert world.reminder(visit).state == "failed"


def test_a_visit_cancelled_meanwhile_is_not_called_about_again(world):
    visit, message = sent(world, "voice")
    world.change(visit, Change.CANCEL)
    world.callback(message, State.FAILED)
    assert world.reminder(visit).state == "failed"


def test_every_order_of_reports_ends_the_same(world):
    """Sent, delivered and delivered again: before, between and after each other."""
    ids = world.open(steps=[step("-P1D")])
    orders = sorted(set(permutations([State.SENT, State.SENT, State.DELIVERED, State.DELIVERED])))
    visits = [world.book(ids, WEDNESDAY + n * HOUR / 2, patient=world.add_patient()) for n in range(len(orders))]
    world.tick(TUESDAY + 4 * HOUR)
    for order, message in zip(orders, world.messenger.sent, strict=True):
        for state in order:
            assert world.callback(message, state)
    assert {world.reminder(visit).state for visit in visits} == {"delivered"}
    assert len(asked(world)) == len(orders)


REPORTS = st.lists(st.sampled_from([State.SENT, State.DELIVERED, State.FAILED]), min_size=1, max_size=6)


def test_the_first_end_counts_and_is_billed_once(world):
    ids = world.open(steps=[step("-P1D")])

    @settings(max_examples=15, deadline=None)
    @given(REPORTS)
    def check(reports: list[State]) -> None:
        start, billed = world.clock.now() + 3 * DAY, priced(world)
        visit = world.book(ids, start)
        world.tick(start - DAY)
        for report in reports:
            world.callback(world.messenger.sent[-1], report)
        ends = [report for report in reports if report is not State.SENT]
        assert world.reminder(visit).state == (ends[0] if ends else State.SENT)
        assert priced(world) - billed == bool(ends)

    check()


def test_a_callback_may_be_faster_than_the_answer(world):
    """The provider calls back while we are still waiting for the response to our own request."""
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.before_answer = lambda message: world.callback(message, State.DELIVERED)
    world.tick(TUESDAY)
    assert states(world, visit) == ("delivered", "delivered")
    assert world.messages()[0].provider_sid == world.messenger.sent[0].sid
    assert len(asked(world)) == 1


def test_a_callback_may_be_the_first_we_hear_of_an_unanswered_request(world):
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.script(Fate.ANSWER_LOST)
    world.tick(TUESDAY)
    assert states(world, visit) == ("uncertain", "uncertain")
    world.callback(world.messenger.sent[0], State.SENT)
    assert states(world, visit) == ("sent", "sent")
    world.clock.advance(HOUR)
    assert world.reconciling.run() == 0
    assert world.tick() == 0
    assert len(world.messenger.sent) == 1


def test_an_answer_that_is_final_already_settles_at_once(world):
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.state = State.DELIVERED
    world.tick(TUESDAY)
    assert states(world, visit) == ("delivered", "delivered")
    assert len(asked(world)) == 1


def test_callbacks_that_are_not_about_a_message_of_ours_change_nothing(world):
    visit, message = sent(world)
    stranger = Report(sid="SM" + "f" * 32, state=State.FAILED, status="failed")
    assert not world.outcomes.callback("no such token", stranger)
    assert not world.outcomes.callback(message.token, stranger)
    assert states(world, visit) == ("sent", "sent")


def test_a_token_without_an_id_yet_does_not_take_that_of_another_message(world):
    ids = world.open(steps=[step("-P1D")])
    first, second = world.book(ids, WEDNESDAY), world.book(ids, WEDNESDAY + HOUR)
    world.messenger.script(Fate.ACCEPTED, Fate.REQUEST_LOST)
    world.tick(TUESDAY + HOUR)
    lost = world.messages()[1]
    assert not world.outcomes.callback(lost.token, world.messenger.sent[0].report)
    assert (world.reminder(first).state, world.reminder(second).state) == ("sent", "uncertain")


def test_a_late_callback_rescues_what_was_given_up_as_lost(world):
    """The provider's list did not know of it yet; before it is sent again, its callback arrives."""
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.script(Fate.ANSWER_LOST)
    world.tick(TUESDAY)
    message = world.messenger.sent.pop()
    world.clock.advance(minutes(2))
    world.reconciling.run()
    assert (world.reminder(visit).state, world.reminder(visit).reason) == ("planned", "not_found_at_provider")
    world.messenger.sent.append(message)
    world.callback(message, State.DELIVERED)
    assert states(world, visit) == ("delivered", "delivered")
    assert world.tick() == 0
    assert len(world.messenger.sent) == 1


def test_a_failure_brings_the_next_channel(world):
    visit, message = sent(world, "sms", "voice")
    world.callback(message, State.FAILED, error_code=30003)
    assert [(row.channel, row.state) for row in world.reminders(visit)] == [("sms", "failed"), ("voice", "planned")]
    world.callback(message, State.FAILED)
    assert len(world.reminders(visit)) == 2
    world.tick()
    assert [one.channel for one in world.messenger.sent] == ["sms", "voice"]


def test_a_planned_fallback_is_brought_forward_and_not_doubled(world):
    visit, message = sent(world, "sms", "voice", fallback_after="PT5H")
    world.callback(message, State.FAILED)
    rows = world.reminders(visit)
    assert [(row.channel, row.state, row.due_at) for row in rows] == [
        ("sms", "failed", TUESDAY), ("voice", "planned", TUESDAY),
    ]  # fmt: skip


def test_no_fallback_after_the_deadline(world):
    visit, message = sent(world, "sms", "voice")
    world.clock.set(WEDNESDAY - HOUR)
    world.callback(message, State.FAILED)
    assert len(world.reminders(visit)) == 1


def test_a_fallback_keeps_quiet_hours(database):
    world = World(database)
    visit = world.book(world.open(steps=[step("-P1D", "sms", "voice")], quiet=("13:00", "15:00")), WEDNESDAY + 5 * HOUR)
    world.tick(TUESDAY + 5 * HOUR)
    world.clock.set(at("2030-05-07 23:00"))
    night = world.open(steps=[step("-PT14H", "sms", "voice")], quiet=("01:30", "08:00"))
    other = world.book(night, at("2030-05-08 13:00"))
    world.tick(at("2030-05-07 23:00"))
    world.clock.set(at("2030-05-08 00:00"))
    world.callback(world.messenger.sent[-1], State.FAILED)
    world.tick()
    row = world.reminders(other)[-1]
    assert (row.channel, row.state, row.reason, row.due_at) == (
        "voice", "planned", "shifted_quiet_hours", at("2030-05-08 06:00"),
    )  # fmt: skip
    assert world.reminder(visit).state == "sent"


@pytest.mark.parametrize(("code", "flagged"), [(BAD_NUMBER, True), (30008, False), (None, False)])
def test_a_dead_number_is_written_on_the_card(world, code, flagged):
    visit, message = sent(world)
    world.callback(message, State.FAILED, error_code=code)
    card = world.patients.get(world.visit(visit).patient_uid).patient
    assert card.phone_problem == (f"provider error {code}" if flagged else None)


def test_a_note_has_no_fallback(world):
    ids = world.open()
    world.desk.write(ids.patient, "Hello")
    world.tick()
    world.callback(world.messenger.sent[0], State.FAILED)
    assert [row.state for row in world.reminders()] == ["failed"]


# Prices


def run_effects(world: World, after: timedelta) -> None:
    world.clock.advance(after)
    world.checking.run()


def test_the_price_is_fetched_when_it_is_known(world):
    _, message = sent(world)
    world.callback(message, State.DELIVERED)
    run_effects(world, timedelta(seconds=59))
    assert world.messenger.fetches == 0
    for wait in (minutes(1), minutes(1), minutes(5)):
        run_effects(world, wait)
        assert world.messages()[0].price is None
    world.messenger.price(message, "0.07830", "USD")
    world.report(message, segments=2)
    run_effects(world, minutes(30))
    row = world.messages()[0]
    assert (row.price, row.price_currency, row.segments) == (Decimal("0.0783"), "USD", 2)
    assert row.estimated is not None
    assert asked(world) == []
    run_effects(world, DAY)
    assert world.messenger.fetches == 4


def test_nothing_to_pay_is_a_price_with_a_currency(world):
    visit, message = sent(world)
    world.callback(message, State.FAILED)
    world.messenger.price(message, "0", "USD")
    run_effects(world, minutes(2))
    row = world.messages()[0]
    assert (row.price, row.price_currency) == (Decimal(0), "USD")
    (entry,) = world.entries(visit)
    assert entry.cost_is_actual
    assert entry.cost.amount == 0


def test_asking_for_the_price_ends_some_day(world):
    _, message = sent(world)
    world.callback(message, State.DELIVERED)
    for _ in range(20):
        run_effects(world, 2 * DAY)
    assert world.messenger.fetches == 7
    assert asked(world) == []


def test_a_provider_that_does_not_answer_is_asked_again(world):
    _, message = sent(world)
    world.callback(message, State.DELIVERED)
    world.messenger.price(message, "0.01")

    world.messenger.fetch_problems.append(GatewayError())
    run_effects(world, minutes(2))
    (row,) = asked(world)
    assert row.checks == 1
    run_effects(world, minutes(2))
    assert world.messages()[0].price == Decimal("0.01")


def test_a_price_that_is_known_is_not_asked_for(world):
    _, message = sent(world)
    world.callback(message, State.DELIVERED)
    run_effects(world, minutes(1))
    world.messenger.price(message, "0.01")
    for _ in range(3):
        run_effects(world, 2 * DAY)
    assert world.messenger.fetches == 2


def test_a_lost_callback_is_asked_for(world):
    visit, message = sent(world)
    world.messenger.learn(message, State.DELIVERED)
    run_effects(world, minutes(4))
    assert states(world, visit) == ("sent", "sent")
    run_effects(world, minutes(1))
    assert states(world, visit) == ("delivered", "delivered")


def test_many_workers_ask_once_for_each_message(world):
    ids = world.open(steps=[step("-P1D")])
    for number in range(20):
        world.book(ids, WEDNESDAY + number * HOUR / 2, patient=world.add_patient())
    world.tick(TUESDAY + 10 * HOUR)
    world.clock.advance(minutes(15))
    assert sum(together([world.checking.run] * 4)) == 20
    assert world.messenger.fetches == 20


def test_effects_nobody_handles_are_put_away(world):
    world.book(world.open(), WEDNESDAY)
    assert len(world.outbox("appointment.changed")) == 1
    assert world.effects.run() == 1
    assert world.outbox("appointment.changed") == []
    assert world.effects.run() == 0


def test_a_stop_learned_from_the_provider_is_kept_with_its_evidence(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H")])
    visit = world.book(ids, WEDNESDAY)
    world.messenger.script(refused(21610, permanent=True, opted_out=True))
    world.tick(TUESDAY)
    assert [row.reason for row in world.reminders(visit)] == ["opted_out", "opted_out"]
    world.patients.allow(ids.patient)
    assert world.patients.get(ids.patient).opted_out == ()
