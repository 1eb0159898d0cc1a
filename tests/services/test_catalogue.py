"""The clinic's data in memory: complete, and renewed only when something changed."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import event

from reminders.domain.actor import Once
from reminders.domain.availability import DayException, Hours
from reminders.domain.cost import Money
from reminders.domain.delivery import Channel
from reminders.domain.duration import Duration
from reminders.domain.plan import QuietHours, Step
from reminders.errors import Invalid, NotFound
from reminders.services.catalogue import Catalogue, minutes, step
from reminders.store.engine import Database
from reminders.store.tables import Location
from tests.factories import DESK, World, at, together
from tests.factories import step as written

LEAVE = {"first_day": date(2030, 7, 1), "last_day": date(2030, 7, 14), "is_open": False, "start_minute": 0,
         "end_minute": 1440, "note": "holiday"}  # fmt: skip


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_everything_is_there_by_id_and_by_number(world):
    ids = world.open(
        hours=[(0, "09:00", "17:00"), (4, "22:00", "24:00")], breaks=[(0, "13:00", "14:00")],
        service={"value_amount": Decimal("80.50"), "value_currency": "EUR", "min_notice_minutes": 15},
        quiet=("20:00", "24:00"), notices=["moved"],
        steps=[written("-P1DT2H", "voice", "sms", unless_confirmed=True, fallback_after="PT30M", not_after="PT3H")],
    )  # fmt: skip
    world.clinic.add_exception(ids.provider, LEAVE)
    snapshot = world.catalogue.current()
    provider, service, place = (
        snapshot.provider(ids.provider),
        snapshot.service(ids.service),
        snapshot.location(ids.location),
    )
    assert provider.location is place
    assert place.zone.key == "Europe/Madrid"
    assert provider.timetable.hours == (Hours(0, 540, 1020), Hours(4, 1320, 1440))
    assert provider.timetable.breaks == (Hours(0, 780, 840),)
    assert provider.timetable.exceptions == (DayException(date(2030, 7, 1), date(2030, 7, 14)),)
    assert (service.value, service.min_notice_minutes) == (Money(Decimal("80.5"), "EUR"), 15)
    assert service.provider_ids == {provider.id}
    assert service.policy.quiet_hours == QuietHours(1200, 1440)
    assert service.policy.notices == {"moved"}
    assert service.policy.steps == (
        Step(Duration(-1, -7200), (Channel.VOICE, Channel.SMS), True, Duration(0, 1800), Duration(0, 10800)),
    )
    assert snapshot.service_by_id[service.id] is service
    assert snapshot.provider_by_id[provider.id] is provider
    for find in (snapshot.location, snapshot.provider, snapshot.service):
        with pytest.raises(NotFound):
            find("none")


def test_it_is_read_again_only_when_something_changed(world):
    ids = world.open()
    first = world.catalogue.refresh()
    before = world.database.statements
    assert world.catalogue.current() is first
    assert world.database.statements == before
    assert world.catalogue.refresh() is first
    assert world.catalogue.refresh(first.version) is first
    assert world.database.statements == before + 1
    elsewhere = World(world.database)
    elsewhere.clinic.change_location(ids.location, {"name": "Sur"})
    assert world.catalogue.current() is first
    assert world.catalogue.refresh().location(ids.location).name == "Sur"


def test_every_kind_of_change_is_noticed(world):
    ids = world.open()
    exception = world.clinic.add_exception(ids.provider, LEAVE).uid
    changes = [
        partial(world.clinic.change_location, ids.location, {"name": "Sur"}),
        partial(world.clinic.change_provider, ids.provider, {}, [], None),
        partial(world.clinic.change_provider, ids.provider, {"active": False}, None, None),
        partial(world.clinic.change_service, ids.service, {}, []),
        partial(world.change_sets.change_policy, ids.policy, {"steps": []}, DESK),
        partial(world.clinic.remove_exception, ids.provider, exception),
        partial(world.clinic.add_exception, ids.provider, LEAVE),
        world.add_location,
        partial(world.add_provider, ids.location),
        world.add_policy,
        partial(world.add_service, [ids.provider], None),
    ]
    for change in changes:
        before = world.catalogue.current()
        change()
        assert world.catalogue.current().version > before.version


def test_holidays_of_the_country_where_they_are_observed(database):
    asked = []

    def holidays(country, region, years):
        asked.append((country, region, list(years)))
        return frozenset({date(2030, 12, 25)})

    world = World(database, holidays=holidays)
    bavarian = world.open(location={"country": "DE", "holiday_region": "BY", "observes_holidays": True})
    other = world.open(location={"country": "FR", "observes_holidays": False})
    snapshot = world.catalogue.current()
    assert snapshot.provider(bavarian.provider).timetable.holidays == {date(2030, 12, 25)}
    assert snapshot.provider(other.provider).timetable.holidays == frozenset()
    assert set(map(str, asked)) == {"('DE', 'BY', [2029, 2030, 2031, 2032])"}


def test_after_new_year_the_holidays_of_the_next_years_are_known(database):
    asked = []
    world = World(database, holidays=lambda country, region, years: asked.append(max(years)) or frozenset())
    world.open(location={"observes_holidays": True})
    world.clock.set(datetime(2030, 12, 31, 23, 59, tzinfo=UTC))
    before = world.catalogue.refresh()
    assert world.catalogue.refresh() is before
    world.clock.advance(timedelta(minutes=2))
    assert world.catalogue.refresh() is not before
    assert asked[-1] == 2033
    assert world.catalogue.refresh() is world.catalogue.current()


def test_reading_while_somebody_adds_what_others_refer_to(world):
    """Between any two of its queries a venue with a provider and a service appears."""
    ids = world.open()
    other = World(world.database)
    added: list[str] = []
    idle = threading.Lock()

    def interfere(connection, cursor, statement, *_) -> None:
        if statement.startswith("SELECT") and idle.acquire(blocking=False):
            added.append(other.open().service)
            idle.release()

    catalogue = Catalogue(world.database, world.clock, lambda *_: frozenset())
    for engine in world.database.engines:
        event.listen(engine, "after_cursor_execute", interfere)
    snapshot = catalogue.current()
    for engine in world.database.engines:
        event.remove(engine, "after_cursor_execute", interfere)
    assert len(added) > 5
    assert ids.service in snapshot.services
    for service in snapshot.services.values():
        assert set(service.provider_ids) <= set(snapshot.provider_by_id)
    assert set(catalogue.refresh().services) == {ids.service, *added}


def test_threads_share_one_snapshot(world):
    world.open()
    catalogue = Catalogue(world.database, world.clock, lambda *_: frozenset())
    snapshots = together([catalogue.current] * 6)
    assert len({id(snapshot) for snapshot in snapshots}) == 1


@pytest.mark.parametrize(("wall", "expected"), [("00:00", 0), ("09:05", 545), ("24:00", 1440)])
def test_wall_times_are_minutes_after_midnight(wall, expected):
    assert minutes(wall) == expected


def test_a_step_as_it_was_written_before_it_had_options():
    assert step({"offset": "-PT2H", "channels": ["sms"]}) == Step(Duration(0, -7200))


# The clinic's own data


def test_a_repeated_request_does_not_undo_later_changes(world):
    place = world.add_location()
    values, hours = (
        {"name": "Dr Vega", "location_id": place, "languages": []},
        [{"weekday": 0, "start_minute": 0, "end_minute": 60}],
    )
    add = partial(world.clinic.add_provider, values, hours, [], Once("key_1", "a", "f"))
    provider = add().uid
    world.clinic.change_provider(provider, {}, [], None)
    assert add().uid == provider
    assert world.catalogue.current().provider(provider).timetable.hours == ()
    offer = {"name": "Check-up", "duration_minutes": 30, "buffer_before_minutes": 0, "buffer_after_minutes": 0,
             "slot_minutes": 30, "min_notice_minutes": 0, "horizon_days": 365}  # fmt: skip
    offering = partial(world.clinic.add_service, offer, [provider], Once("key_1", "b", "f"))
    service = offering().uid
    world.clinic.change_service(service, {}, [])
    assert offering().uid == service
    assert world.catalogue.current().service(service).provider_ids == frozenset()
    assert world.count(Location) == 1


def test_the_longest_visit_is_remembered(world):
    ids = world.open(service={"duration_minutes": 60, "buffer_before_minutes": 5, "buffer_after_minutes": 10})
    assert world.catalogue.current().longest_visit == timedelta(minutes=75)
    world.clinic.change_service(ids.service, {"duration_minutes": 90}, None)
    assert world.catalogue.current().longest_visit == timedelta(minutes=105)
    world.clinic.change_service(ids.service, {"duration_minutes": 10}, None)
    assert world.catalogue.current().longest_visit == timedelta(minutes=105)


def test_ids_zones_and_phones_are_checked(world):
    ids = world.open()
    for wrong, field in [
        (partial(world.add_location, time_zone="Europe/Nowhere"), "time_zone"),
        (partial(world.add_location, time_zone="../etc/passwd"), "time_zone"),
        (partial(world.add_location, phone="12"), "phone"),
        (partial(world.add_provider, "loc_none"), "location_id"),
        (partial(world.add_service, ["prv_none"], None), "provider_ids"),
        (partial(world.add_service, [ids.provider], "pol_none"), "reminder_policy_id"),
    ]:
        with pytest.raises(Invalid) as refusal:
            wrong()
        assert refusal.value.field == field
    assert world.clinic.get(Location, world.add_location(phone="91 123 45 67")).phone == "+34911234567"
    for missing in (
        partial(world.clinic.change_provider, "prv_none", {}, None, None),
        partial(world.clinic.remove_exception, ids.provider, "exc_none"),
    ):
        with pytest.raises(NotFound):
            missing()


def test_a_change_of_zone_does_not_move_visits(world):
    ids = world.open()
    visit = world.book(ids, at("2030-05-08 10:00"))
    world.clinic.change_location(ids.location, {"time_zone": "America/New_York"})
    assert world.visit(visit).start_at == at("2030-05-08 10:00")
