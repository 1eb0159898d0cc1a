"""A rehearsal knows what several contacts come to together, as the worker does: one message for one phone, caps, money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reminders.domain.delivery import Channel
from reminders.domain.simulation import LeftOut, Message, Outcome, Window
from reminders.services.sending import Rules
from reminders.services.simulation import Simulation
from reminders.store.engine import Database
from tests.factories import World, at, step, texts
from tests.pool import empty

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
PHONES = ("+34600111222", "+34600111333")
NUDGES = [step("-PT9H"), step("-PT8H"), step("-PT7H")]


def run(
    world: World, window: tuple[str, str] = ("2030-05-06", "2030-05-12"), location: str | None = None
) -> list[Outcome]:
    simulation = Simulation(world.database, world.clock, world.catalogue, texts(), world.rules)
    return list(simulation.run(Window.read(*window), location))


def foretold(found: list[Outcome]) -> list[tuple[datetime, str | None, str]]:
    return [(one.contact.at, one.contact.to, one.text) for one in found if isinstance(one, Message)]


def reasons(found: list[Outcome]) -> list[str]:
    return [one.reason for one in found if isinstance(one, LeftOut)]


def sent(world: World, *moments: datetime) -> list[tuple[datetime, str | None, str]]:
    """What the worker really sends when it looks at these moments."""
    found = []
    for moment in sorted(set(moments)):
        before = len(world.messenger.sent)
        world.tick(moment)
        found += [(moment, one.to, one.body) for one in world.messenger.sent[before:]]
    return found


def test_one_message_for_one_phone_and_its_cost_once(database: Database) -> None:
    world = World(database, rules=Rules(combine=HOUR))
    ids = world.open(steps=[step("-P1D")])
    for number, start in enumerate((timedelta(0), HOUR / 2, HOUR, 2 * HOUR)):
        world.book(ids, WEDNESDAY + start, patient=world.add_patient(name=f"Member {number}", phone=PHONES[0]))
    found = run(world)
    first, second = [one for one in found if isinstance(one, Message)]
    assert [f"Member {number}" in first.text for number in range(4)] == [True, True, True, False]
    assert "Member 3" in second.text
    assert reasons(found) == ["combined", "combined"]
    assert foretold(found) == sent(world, WEDNESDAY - DAY, WEDNESDAY - DAY + 2 * HOUR)


def test_what_lies_beyond_the_window_joins_what_lies_in_it(database: Database) -> None:
    world = World(database, rules=Rules(combine=HOUR))
    ids = world.open(steps=[step("-P1D")])
    for number, start in enumerate((timedelta(0), HOUR / 2)):
        world.book(ids, WEDNESDAY + start, patient=world.add_patient(name=f"Member {number}", phone=PHONES[0]))
    (inside,) = foretold(run(world, ("2030-05-07T09:50:00Z", "2030-05-07T10:10:00Z")))
    assert "Member 1" in inside[2]
    assert foretold(run(world, ("2030-05-07T10:10:00Z", "2030-05-07T11:00:00Z"))) == []


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        (Rules(combine=timedelta(0), daily_cap=1), "daily_cap"),
        (Rules(combine=timedelta(0), budget=Decimal("0.07")), "over_budget"),
    ],
)
def test_caps_and_budgets_leave_out_what_others_follow(database: Database, rules: Rules, reason: str) -> None:
    world = World(database, rules=rules)
    world.book(world.open(steps=NUDGES), WEDNESDAY)
    found = run(world)
    assert reasons(found) == [reason]
    late = run(world, ("2030-05-08T01:30:00Z", "2030-05-08T12:00:00Z"))
    assert (len(foretold(late)), reasons(late)) == (1, [reason]), "what goes out before the window uses it up, too"
    assert foretold(found) == sent(world, *(WEDNESDAY - hours * HOUR for hours in (9, 8, 7)))


def test_what_was_sent_counts(database: Database) -> None:
    world = World(database, rules=Rules(combine=timedelta(0), daily_cap=1))
    world.book(world.open(steps=NUDGES), WEDNESDAY)
    world.tick(WEDNESDAY - 9 * HOUR)
    found = run(world, ("2030-05-08", "2030-05-09"))
    assert (len(foretold(found)), reasons(found)) == (1, ["daily_cap"])


def test_one_location_is_asked_about_and_all_use_up_the_cap(database: Database) -> None:
    world = World(database, rules=Rules(combine=timedelta(0), daily_cap=1))
    north = world.open(steps=[step("-PT9H"), step("-PT6H")])
    south = world.open(steps=[step("-PT9H"), step("-PT6H")])
    patient = world.add_patient(phone=PHONES[0])
    world.book(north, WEDNESDAY, patient=patient)
    world.book(south, WEDNESDAY + HOUR, patient=world.add_patient(phone=PHONES[0]))
    found = run(world, location=south.location)
    assert (len(foretold(found)), reasons(found)) == (1, ["daily_cap"])


def test_a_channel_that_is_not_set_up_is_left_out(database: Database) -> None:
    world = World(database, rules=Rules(combine=timedelta(0), channels=frozenset({Channel.SMS})))
    world.book(world.open(steps=[step("-PT9H", "voice"), step("-PT8H")]), WEDNESDAY)
    found = run(world)
    assert (len(foretold(found)), reasons(found)) == (1, ["no_channel"])


visits = st.lists(
    st.tuples(st.sampled_from([30, 60, 90]), st.sampled_from(PHONES), st.sampled_from(["es", "en"])),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(visits=[(30, PHONES[0], "es")] * 2 + [(30, PHONES[0], "en")] + [(30, PHONES[0], "es")] * 2, ahead=30, cap=0)
@given(visits=visits, ahead=st.sampled_from([0, 30, 60]), cap=st.sampled_from([0, 1, 2]))
def test_what_is_foretold_is_what_is_sent(
    database: Database, visits: list[tuple[int, str, str]], ahead: int, cap: int
) -> None:
    empty(database)
    world = World(database, rules=Rules(combine=timedelta(minutes=ahead), daily_cap=cap))
    ids = world.open(steps=[step("-PT9H"), step("-PT8H")])
    moments, start = set[datetime](), WEDNESDAY
    for number, (gap, phone, language) in enumerate(visits):
        start += timedelta(minutes=gap)
        patient = world.add_patient(name=f"Member {number}", phone=phone, language=language)
        world.book(ids, start, patient=patient)
        moments |= {start - 9 * HOUR, start - 8 * HOUR}
    told = foretold(run(world))
    assert sorted(told) == sorted(sent(world, *moments))
