"""Searching free times: on the venue's wall, within notice and horizon, at the same cost whatever is booked elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from reminders.domain.appointment import Change
from reminders.errors import Invalid, NotFound
from reminders.services.slots import Search
from reminders.store.engine import Database
from tests.factories import MONDAY, World, at

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEEKDAYS = [(day, "09:00", "11:00") for day in range(5)]
DAILY = [(day, "00:00", "24:00") for day in range(7)]


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def shown(world: World, ids, first: datetime, last: datetime, **more) -> list[str]:
    found = world.slots.search(Search(ids.service, first, last, **more))
    assert all(slot.end - slot.start == 1800 for slot in found)
    return [datetime.fromtimestamp(slot.start, slot.provider.location.zone).strftime("%d %H:%M") for slot in found]


def test_free_times_of_a_week(world):
    ids = world.open(hours=WEEKDAYS)
    world.book(ids, at("2030-05-07 07:30"))
    world.change(world.book(ids, at("2030-05-07 08:00")), Change.CANCEL)
    found = shown(world, ids, MONDAY, MONDAY + 2 * DAY)
    assert found == ["06 09:00", "06 09:30", "06 10:00", "06 10:30", "07 09:00", "07 10:00", "07 10:30"]


def test_the_window_is_half_open(world):
    ids = world.open(hours=WEEKDAYS)
    nine = at("2030-05-07 07:00")
    assert shown(world, ids, nine, nine + HOUR) == ["07 09:00", "07 09:30"]
    assert shown(world, ids, nine, nine + timedelta(seconds=1)) == ["07 09:00"]
    assert shown(world, ids, nine + timedelta(microseconds=1), nine + HOUR) == ["07 09:30"]
    assert shown(world, ids, nine, nine) == []
    assert shown(world, ids, nine + HOUR, nine) == []


def test_both_days_on_which_the_clocks_change(world):
    ids = world.open(hours=[(6, "01:00", "04:00")], service={"duration_minutes": 30, "slot_minutes": 30})
    autumn, spring = at("2030-10-27 00:00"), at("2031-03-30 00:00")
    assert shown(world, ids, autumn - 3 * HOUR, autumn + 12 * HOUR) == [
        f"27 {wall}" for wall in ("01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00", "03:30")
    ]
    assert shown(world, ids, spring - 3 * HOUR, spring + 12 * HOUR) == [
        f"30 {wall}" for wall in ("01:00", "01:30", "03:00", "03:30")
    ]


def test_hours_until_midnight(world):
    ids = world.open(hours=[(0, "22:00", "24:00"), (1, "00:00", "01:00")])
    found = shown(world, ids, MONDAY, MONDAY + DAY)
    assert found == ["06 22:00", "06 22:30", "06 23:00", "06 23:30", "07 00:00", "07 00:30"]


def test_notice_and_horizon(world):
    ids = world.open(hours=WEEKDAYS, service={"min_notice_minutes": 90, "horizon_days": 1})
    assert shown(world, ids, MONDAY - 30 * DAY, MONDAY + 30 * DAY) == ["06 09:30", "06 10:00", "06 10:30"]
    world.clock.advance(HOUR + timedelta(seconds=1))
    assert shown(world, ids, MONDAY, MONDAY + 30 * DAY) == ["07 09:00"]
    world.clock.advance(300 * DAY)
    assert shown(world, ids, MONDAY, MONDAY + 30 * DAY) == []


def test_providers_and_locations(world):
    ids = world.open(hours=[(1, "09:00", "10:00")])
    north = ids.location
    canary = world.add_location(time_zone="Atlantic/Canary")
    colleague = world.add_provider(north, hours=[(1, "09:30", "10:00")])
    islander = world.add_provider(canary, hours=[(1, "09:00", "09:30")])
    gone = world.add_provider(north, hours=[(1, "09:00", "10:00")])
    world.clinic.change_service(ids.service, {}, [ids.provider, colleague, islander, gone])
    world.clinic.change_provider(gone, {"active": False}, None, None)
    tuesday = (at("2030-05-07 00:00"), at("2030-05-08 00:00"))
    assert shown(world, ids, *tuesday) == ["07 09:00", "07 09:30", "07 09:30", "07 09:00"]
    assert shown(world, ids, *tuesday, provider_id=islander) == ["07 09:00"]
    assert shown(world, ids, *tuesday, provider_id=gone) == []
    assert shown(world, ids, *tuesday, location_id=north) == ["07 09:00", "07 09:30", "07 09:30"]
    assert shown(world, ids, *tuesday, location_id=north, provider_id=islander) == []
    assert shown(world, ids, *tuesday, provider_id=world.add_provider(north)) == []
    for unknown in ({"provider_id": "prv_none"}, {"location_id": "loc_none"}):
        with pytest.raises(NotFound):
            shown(world, ids, *tuesday, **unknown)
    with pytest.raises(NotFound):
        world.slots.search(Search("svc_none", *tuesday))


def test_what_takes_no_more_bookings_is_not_offered(world):
    ids = world.open(hours=WEEKDAYS)
    world.clinic.change_service(ids.service, {"active": False}, None)
    assert shown(world, ids, MONDAY, MONDAY + DAY) == []


def test_holidays_and_exceptions(database):
    world = World(database, holidays=lambda country, region, years: frozenset({date(2030, 5, 7)}))
    ids = world.open(hours=WEEKDAYS, location={"observes_holidays": True})
    other = world.open(hours=WEEKDAYS, location={"observes_holidays": False})
    assert shown(world, ids, MONDAY + DAY, MONDAY + 2 * DAY) == []
    assert len(shown(world, other, MONDAY + DAY, MONDAY + 2 * DAY)) == 4
    leave = {"first_day": date(2030, 5, 8), "last_day": date(2030, 5, 9), "is_open": False, "start_minute": 0,
             "end_minute": 1440, "note": None}  # fmt: skip
    extra = leave | {"last_day": date(2030, 5, 8), "is_open": True, "start_minute": 540, "end_minute": 570}
    row = world.clinic.add_exception(ids.provider, leave)
    assert shown(world, ids, MONDAY + 2 * DAY, MONDAY + 3 * DAY) == []
    world.clinic.remove_exception(ids.provider, row.uid)
    world.clinic.add_exception(ids.provider, extra | {"start_minute": 660, "end_minute": 690})
    assert len(shown(world, ids, MONDAY + 2 * DAY, MONDAY + 3 * DAY)) == 5


def test_a_search_covers_three_months_at_most(world):
    ids = world.open(hours=WEEKDAYS)
    world.slots.search(Search(ids.service, MONDAY, MONDAY + 92 * DAY))
    with pytest.raises(Invalid) as refusal:
        world.slots.search(Search(ids.service, MONDAY, MONDAY + 92 * DAY + timedelta(seconds=1)))
    assert refusal.value.field == "to"


def test_limit(world):
    ids = world.open(hours=WEEKDAYS)
    assert len(shown(world, ids, MONDAY, MONDAY + 10 * DAY, limit=5)) == 5


def test_a_search_is_one_statement_however_much_is_booked_elsewhere(world):
    ids = world.open(hours=DAILY, service={"horizon_days": 365})
    first = (MONDAY + 2 * DAY, MONDAY + 3 * DAY)
    world.slots.search(Search(ids.service, *first))
    for day in range(20, 60):
        world.book(ids, MONDAY + day * DAY)
    before = world.database.statements
    assert len(world.slots.search(Search(ids.service, *first))) == 48
    assert world.database.statements - before == 1


def test_a_long_visit_from_before_the_window_still_counts(world):
    ids = world.open(hours=DAILY)
    long = world.add_service([ids.provider], None, duration_minutes=600, buffer_after_minutes=60, slot_minutes=600)
    world.book(world_ids(ids, long), at("2030-05-06 20:00"))
    world.clinic.change_service(long, {"duration_minutes": 10, "buffer_after_minutes": 0}, None)
    found = shown(world, ids, at("2030-05-07 06:00"), at("2030-05-07 08:00"))
    assert found == ["07 09:00", "07 09:30"]


def world_ids(ids, service: str):
    return type(ids)(ids.location, ids.provider, service, None, ids.patient)


def test_near_offers_the_closest_times_in_order(world):
    ids = world.open(hours=WEEKDAYS)
    service = world.catalogue.current().service(ids.service)
    found = world.slots.near(service, at("2030-05-07 08:00"), count=3)
    assert [datetime.fromtimestamp(slot.start, UTC).strftime("%H:%M") for slot in found] == ["07:30", "08:00", "08:30"]
    assert world.slots.near(service, MONDAY - 30 * DAY) == []
