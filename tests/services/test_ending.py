"""A process that is asked to end finishes its step, not its work: the next one goes on where it stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.delivery import State
from reminders.services.checking import Checking
from reminders.services.reconciling import Reconciling
from reminders.services.rollups import Rollups
from reminders.services.sending import Rules
from reminders.store.engine import Database
from tests.factories import World, at, step
from tests.fakes import Fate

DAY = timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
TUESDAY = WEDNESDAY - DAY
#: More than are asked about at once.
MANY = 40


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


class Ending(threading.Event):
    """Is set when the first question has been asked. ``each`` is how a service is to ask several."""

    def each(self, ask: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        done = [ask(item) for item in items]
        self.set()
        return done


def sent(world: World, *fates: Fate) -> None:
    """So many reminders, each of which met the provider."""
    ids = world.open(steps=[step("-P1D")], service={"duration_minutes": 5})
    for number in range(MANY):
        world.book(ids, WEDNESDAY + number * timedelta(minutes=5), patient=world.add_patient())
    world.messenger.script(*fates)
    world.tick(TUESDAY + DAY / 3)


def test_questions_about_prices_end_with_those_under_way(world: World) -> None:
    sent(world)
    world.clock.advance(timedelta(minutes=5))
    ending = Ending()
    checking = Checking(world.database, world.clock, world.messenger, world.outcomes, ending.each, ending)
    assert checking.run() == world.messenger.fetches
    assert 0 < world.messenger.fetches < MANY / 2
    assert checking.run() == 0
    world.checking.run()
    assert world.messenger.fetches == MANY


def test_a_provider_that_answers_slowly_gets_a_turn_and_the_rest_at_the_next(world: World) -> None:
    sent(world)
    world.clock.advance(timedelta(minutes=5))

    def slowly(ask: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        world.clock.advance(timedelta(seconds=3))
        return [ask(item) for item in items]

    checking = Checking(world.database, world.clock, world.messenger, world.outcomes, slowly)
    assert checking.run() == 32
    assert checking.run() == MANY - 32


def test_the_search_for_lost_answers_ends_with_those_under_way(world: World) -> None:
    sent(world, *[Fate.ANSWER_LOST] * MANY)
    world.clock.advance(Rules().lease)
    ending = Ending()
    reconciling = Reconciling(
        world.database, world.clock, world.messenger, world.outcomes, each=ending.each, ending=ending
    )
    handled = reconciling.run()
    assert 0 < handled < MANY / 2
    assert reconciling.run() == 0
    assert world.reconciling.run() == MANY - handled
    assert {row.state for row in world.reminders()} == {State.SENT}
    assert len(world.messenger.sent) == MANY


def test_who_dies_while_searching_leaves_it_to_others_after_a_lease(world: World) -> None:
    sent(world, *[Fate.ANSWER_LOST] * MANY)
    hold, grace = timedelta(seconds=3), timedelta(seconds=1)

    def dies(_ask: Callable[[Any], Any], _items: Iterable[Any]) -> list[Any]:
        raise SystemExit

    def sweeper(each: Any = map) -> Reconciling:
        return Reconciling(world.database, world.clock, world.messenger, world.outcomes, grace, hold, each)

    world.clock.advance(Rules().lease)
    with pytest.raises(SystemExit):
        sweeper(dies).run()
    left = sweeper().run()
    assert 0 < left < MANY
    world.clock.advance(hold)
    assert sweeper().run() == MANY - left
    assert len(world.messenger.sent) == MANY


def test_figures_are_added_up_another_time(world: World) -> None:
    world.book(world.open(), WEDNESDAY)
    world.clock.set(WEDNESDAY + timedelta(days=90))
    ending = threading.Event()
    nightly = Rollups(world.database, world.clock, ending)
    ending.set()
    assert nightly.run() == 0
    ending.clear()
    assert nightly.run() > 0
