"""Past visits of which nobody noted how they ended: on the desk's list, never made up unless the location wants that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from reminders.domain.appointment import Change
from reminders.services.attendance import Attendances
from reminders.services.rollups import Rollups
from reminders.services.unmarked import UnmarkedVisits
from reminders.store.appointments import Filter
from reminders.store.engine import Database
from tests.factories import World, at

#: 02:30 in Madrid, a week and a day after the visit.
NIGHT = at("2030-05-15 00:30")


def opened(database: Database, rule: str, **changes: Any) -> tuple[World, UnmarkedVisits, str]:
    """A world with a visit on 7 May, 09:00 UTC."""
    world = World(database)
    ids = world.open(location={"unmarked_after": rule, **changes})
    visit = world.book(ids, at("2030-05-07 09:00"))
    return world, UnmarkedVisits(database, world.clock, world.catalogue, world.lifecycle), visit


def counts(world: World) -> Any:
    return Attendances(world.database, world.clock).report().total


def listed(world: World) -> list[str]:
    return [row.uid for row in world.booking.listing(Filter(unmarked_by=world.clock.now()))]


@pytest.mark.parametrize(("rule", "asked"), [("ask", True), ("none", False)])
def test_nothing_is_made_up_unless_the_location_wants_it(database: Database, rule: str, asked: bool) -> None:
    world, nightly, visit = opened(database, rule)
    assert listed(world) == []
    world.clock.set(NIGHT + timedelta(days=90))
    assert nightly.run() == 0
    assert (counts(world).unmarked, counts(world).fulfilled) == (1, 0)
    assert listed(world) == ([visit] if asked else [])


def test_a_visit_is_taken_for_kept_after_a_week_and_the_history_says_so(database: Database) -> None:
    world, nightly, visit = opened(database, "kept")
    world.clock.set(NIGHT - timedelta(days=1))
    assert nightly.run() == 0
    assert listed(world) == [visit]
    world.clock.set(NIGHT)
    assert nightly.run() == 1
    assert listed(world) == []
    found = counts(world)
    assert (found.fulfilled, found.assumed, found.unmarked, found.known) == (1, 1, 0, 1)
    last = world.booking.history(visit)[-1]
    assert (last.change, last.actor, last.channel) == ("fulfil", "system", "assumed")
    assert nightly.run() == 0


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Europe/Madrid", at("2030-05-15 00:00"), 1),
        ("Europe/Madrid", at("2030-05-14 23:59"), 0),
        ("Europe/Madrid", at("2030-05-15 03:00"), 0),
        ("America/Los_Angeles", at("2030-05-15 00:30"), 0),
        ("America/Los_Angeles", at("2030-05-15 09:00"), 1),
        ("Asia/Tokyo", at("2030-05-14 17:30"), 1),
    ],
)
def test_it_is_done_at_night_where_the_visit_was(
    database: Database, zone: str, moment: datetime, expected: int
) -> None:
    world, nightly, _ = opened(database, "kept", time_zone=zone)
    world.clock.set(moment)
    assert nightly.run() == expected


@pytest.mark.parametrize(
    ("change", "expected"), [(Change.NOSHOW, "noshow"), (Change.CANCEL, "cancelled"), (Change.FULFIL, "fulfilled")]
)
def test_what_was_assumed_may_be_put_right(database: Database, change: Change, expected: str) -> None:
    world, nightly, visit = opened(database, "kept")
    world.clock.set(NIGHT)
    nightly.run()
    world.clock.advance(timedelta(days=1))
    Rollups(database, world.clock).run()
    assert counts(world).assumed == 1
    world.change(visit, change)
    assert (getattr(counts(world), expected), counts(world).assumed) == (1, 0)
    Rollups(database, world.clock).run()
    assert (getattr(counts(world), expected), counts(world).assumed) == (1, 0)


def test_what_somebody_noted_stays(database: Database) -> None:
    world, nightly, visit = opened(database, "kept")
    world.clock.set(at("2030-05-07 12:00"))
    world.change(visit, Change.NOSHOW)
    world.clock.set(NIGHT)
    assert nightly.run() == 0
    assert counts(world).noshow == 1


def test_a_process_looks_now_and_then(database: Database) -> None:
    world, nightly, _ = opened(database, "kept")
    world.clock.set(NIGHT - timedelta(minutes=40))
    assert nightly.tick() == 0
    world.clock.set(NIGHT - timedelta(minutes=25))
    assert nightly.tick() == 0
    world.clock.set(NIGHT)
    assert nightly.tick() == 1


def test_visits_of_the_future_are_not_on_the_list(database: Database) -> None:
    world, _, visit = opened(database, "ask")
    world.clock.set(at("2030-05-07 09:29"))
    assert listed(world) == []
    world.clock.set(at("2030-05-07 09:30"))
    assert listed(world) == [visit]
    world.change(visit, Change.FULFIL)
    assert listed(world) == []
