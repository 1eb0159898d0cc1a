"""Every place where a pass can be interrupted x every accident there x every kind of server: both sides agree in the end,
nothing typed is lost, nobody's work is undone, and then there is silence."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from reminders.domain.connector import PeerError
from reminders.domain.sync import Owner
from tests.services.sync.model import SAME, TAIL, Crash, Mode, World

MODES = [
    Mode(rewrites, withholds, drops, owner, tokens=drops == (owner is Owner.OURS))
    for rewrites, withholds, drops in itertools.product((False, True), repeat=3)
    for owner in (Owner.OURS, Owner.THEIRS)
]
#: Servers that give the ids themselves, and those that cannot refuse to overwrite.
PLAIN_MODES = [Mode(gives_ids=True), Mode(gives_ids=True, withholds=True), Mode(if_match=False), Mode(tokens=False)]


def _both(world: World, name: str) -> None:
    world.edit_here(name)
    world.edit_there(name)


def _same(world: World) -> None:
    world.edit_here("name", SAME)
    world.edit_there("name", SAME)


#: What happened before the pass that is interrupted.
SCENARIOS: dict[str, Callable[[World], object]] = {
    "nothing": lambda world: None,
    "edited here": lambda world: world.edit_here("name"),
    "edited there": lambda world: world.edit_there("name"),
    "different fields": lambda world: (world.edit_here("name"), world.edit_there("note")),
    "same field": lambda world: _both(world, "name"),
    "same value": _same,
    "made here": lambda world: (world.delete_there(), world.run(), world.create_here("two")),
    "made there": lambda world: (world.delete_here(), world.run(), world.create_there()),
    "deleted here": lambda world: world.delete_here(),
    "deleted there": lambda world: world.delete_there(),
    "edited here, deleted there": lambda world: (world.edit_here("name"), world.delete_there()),
    "deleted here, edited there": lambda world: (world.delete_here(), world.edit_there("name")),
}


def _die(world: World) -> None:
    raise Crash


def _cut_off(world: World) -> None:
    raise PeerError


def _then_die(*before: Callable[[World], object]) -> Callable[[World], None]:
    def accident(world: World) -> None:
        for one in before:
            one(world)
        raise Crash

    return accident


ACCIDENTS: dict[str, Callable[[World], object]] = {
    "crash": _die,
    "no answer": _cut_off,
    "edit here": lambda world: world.edit_here("name"),
    "edit there": lambda world: world.edit_there("name"),
    "edit both": lambda world: _both(world, "name"),
    "edit note here": lambda world: world.edit_here("note"),
    "edit note there": lambda world: world.edit_there("note"),
    "delete here": lambda world: world.delete_here(),
    "delete there": lambda world: world.delete_there(),
    "edit here, crash": _then_die(lambda world: world.edit_here("name")),
    "edit there, crash": _then_die(lambda world: world.edit_there("name")),
}
CRASHES = ("crash", "no answer")


def prepared(mode: Mode, scenario: str) -> World:
    return _ready(mode, scenario).twin()


@cache
def _ready(mode: Mode, scenario: str) -> World:
    world = World(mode)
    world.create_here()
    world.settle()
    SCENARIOS[scenario](world)
    return world


def places(mode: Mode, scenario: str) -> list[str]:
    """Every place that an undisturbed pass comes through."""
    world, seen = prepared(mode, scenario), []
    world.accident = seen.append
    world.run()
    return seen


def interrupted(mode: Mode, scenario: str, number: int, accident: str) -> World:
    """One run: the accident happens at the given place, people and engine go on afterwards."""
    world, left = prepared(mode, scenario), itertools.count(-number)

    def strike(place: str) -> None:
        if next(left) == 0:
            world.accident = None
            world.accidents += 1
            ACCIDENTS[accident](world)

    world.accident = strike
    world.attempt()
    world.accident = None
    return world


def possible(place: str, accident: str, mode: Mode) -> bool:
    """Within a transaction nobody else can write to our database; answers are lost only where there are calls; and who
    cannot refuse to overwrite loses what is typed just before."""
    if accident == "no answer":
        return place in {"call", "answer"}
    if place == "commit" and accident != "crash":
        return False
    return mode.if_match or accident in CRASHES


def runs(mode: Mode, scenario: str) -> Iterator[tuple[int, str]]:
    for number, place in enumerate(places(mode, scenario)):
        yield from ((number, accident) for accident in ACCIDENTS if possible(place, accident, mode))


@pytest.mark.parametrize("mode", [*MODES, *PLAIN_MODES], ids=str)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_no_interruption_does_harm(mode: Mode, scenario: str) -> None:
    for number, accident in runs(mode, scenario):
        world = interrupted(mode, scenario, number, accident)
        try:
            world.check()
        except BaseException as problem:
            problem.add_note(f"{accident!r} at place {number} of {places(mode, scenario)}")
            raise


def test_what_a_server_cuts_off_stays_here() -> None:
    """It shows a value cut short; that is no edit, also not when another field is edited there later."""
    world = World(Mode(rewrites=True))
    world.create_here()
    world.settle()
    world.edit_there("name")
    world.check()
    (thing,) = world.ours.state.things.values()
    assert thing["note"].endswith(TAIL)
