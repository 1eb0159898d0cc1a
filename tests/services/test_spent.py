"""What went out this month, as the budget counts it: with or without a budget, and whatever became of each attempt."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from reminders.domain.delivery import State
from reminders.errors import GatewayError
from reminders.services.sending import Rules
from reminders.store.engine import Database
from reminders.store.spendings import spent
from tests.factories import World, at, step
from tests.fakes import Fate, Outcome, WorkerDied

DAY = timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
BUSY = GatewayError("Busy.", provider_code=20429)
CLOSED = GatewayError("Closed.", provider_code=20003, account=True)
WRONG = GatewayError("Wrong number.", provider_code=21211, permanent=True)


@pytest.fixture(params=[0, 1000])
def world(request: pytest.FixtureRequest, database: Database) -> World:
    return World(database, rules=replace(Rules(), budget=Decimal(request.param)))


def counted(world: World) -> Decimal:
    with world.database.read() as tx:
        return spent(tx, world.clock.now(), "USD")


def owed(world: World) -> Decimal:
    """By what the provider has: the price where it is known, else the estimate."""
    sids = {sent.sid for sent in world.messenger.sent}
    billed = [row for row in world.messages() if row.provider_sid in sids]
    assert len(billed) == len(sids)
    return sum((row.estimated if row.price is None else row.price for row in billed), Decimal(0))


@pytest.mark.parametrize("fate", [*Fate, BUSY, CLOSED, WRONG], ids=str)
def test_what_reached_the_provider_is_counted_once(world: World, fate: Outcome) -> None:
    world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.script(fate)
    world.clock.set(TUESDAY)
    with suppress(WorkerDied):
        world.tick()
    for _ in range(3):
        world.clock.advance(timedelta(minutes=2))
        world.circuit.probe()
        world.reconciling.run()
        world.tick()
    assert len(world.messenger.sent) == (0 if fate is WRONG else 1)
    assert counted(world) == owed(world)


def test_a_price_takes_the_place_of_its_estimate(world: World) -> None:
    world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.tick(TUESDAY)
    message = world.messenger.sent[0]
    assert counted(world) == world.messages()[0].estimated > 0
    world.callback(message, State.DELIVERED)
    world.messenger.price(message, "0.5", "USD")
    world.clock.advance(timedelta(minutes=5))
    world.checking.run()
    assert counted(world) == owed(world) == Decimal("0.5")


def test_what_was_given_up_and_went_out_nevertheless_is_counted(world: World) -> None:
    """The provider's list did not know of it yet; its callback comes later."""
    world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.messenger.script(Fate.ANSWER_LOST)
    world.tick(TUESDAY)
    message = world.messenger.sent.pop()
    world.clock.advance(timedelta(minutes=2))
    world.reconciling.run()
    assert counted(world) == 0
    world.messenger.sent.append(message)
    world.callback(message, State.DELIVERED)
    assert counted(world) == owed(world) > 0
