"""Booking and moving: what is offered can be booked, nothing else, and each request takes effect once."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from reminders.domain.actor import Once
from reminders.domain.appointment import Change
from reminders.errors import IllegalTransition, Invalid, KeyReused, NotFound, OutsideHours, SlotTaken, Stale
from reminders.services.booking import Request
from reminders.services.slots import Search
from reminders.store.appointments import Filter
from reminders.store.engine import Database
from tests.factories import DESK, MONDAY, World, at, together

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")
ONCE = Once("key_desk", "abc", "fingerprint")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def offered(world: World, ids, start, **more):
    return world.booking.book(Request(ids.service, ids.provider, ids.patient, start, **more), DESK)


def test_only_offered_times_can_be_booked(world):
    ids = world.open(service={"min_notice_minutes": 120, "horizon_days": 30}, breaks=[(2, "13:00", "14:00")])
    refused = [
        (at("2030-05-08 06:59"), "before opening"),
        (at("2030-05-08 14:31"), "ends after closing"),
        (at("2030-05-08 10:45"), "reaches into the break"),
        (at("2030-05-11 10:00"), "Saturday"),
        (MONDAY + HOUR, "too soon"),
        (MONDAY - DAY, "past"),
        (MONDAY + 30 * DAY + timedelta(minutes=1), "beyond the horizon"),
    ]
    for start, _ in refused:
        with pytest.raises(OutsideHours):
            offered(world, ids, start)
    for start in (at("2030-05-08 07:00"), at("2030-05-08 14:30"), at("2030-05-08 10:30"), MONDAY + 2 * HOUR):
        assert offered(world, ids, start).status == "booked"


def test_the_desk_may_step_over_hours_but_never_over_another_visit(world):
    ids = world.open()
    sunday = at("2030-05-12 03:00")
    assert offered(world, ids, sunday, override=True).start_at == sunday
    assert offered(world, ids, MONDAY - HOUR, override=True).start_at == MONDAY - HOUR  # a walk-in
    with pytest.raises(OutsideHours):
        offered(world, ids, MONDAY - HOUR - timedelta(minutes=1), override=True)
    with pytest.raises(SlotTaken):
        offered(world, ids, sunday, override=True)


def test_visits_begin_on_a_full_minute(world):
    ids = world.open()
    for odd in (timedelta(seconds=1), timedelta(microseconds=1)):
        for override in (False, True):
            with pytest.raises(Invalid) as refusal:
                offered(world, ids, WEDNESDAY + odd, override=override)
            assert refusal.value.field == "start"


def test_service_provider_and_patient_have_to_fit(world):
    ids = world.open()
    stranger = world.add_provider(ids.location)
    for wanted, problem, field in [
        (Request(ids.service, stranger, ids.patient, WEDNESDAY), Invalid, "provider_id"),
        (Request("svc_none", ids.provider, ids.patient, WEDNESDAY), NotFound, None),
        (Request(ids.service, "prv_none", ids.patient, WEDNESDAY), NotFound, None),
        (Request(ids.service, ids.provider, "pat_none", WEDNESDAY), NotFound, None),
    ]:
        with pytest.raises(problem) as refusal:
            world.booking.book(wanted, DESK)
        assert getattr(refusal.value, "field", None) == field
    world.clinic.change_provider(ids.provider, {"active": False}, None, None)
    with pytest.raises(Invalid):
        offered(world, ids, WEDNESDAY)


def test_a_taken_slot_says_what_else_is_free(world):
    ids = world.open()
    other = world.add_provider(ids.location, hours=[(2, "12:00", "12:30")])
    world.clinic.change_service(ids.service, {}, [ids.provider, other])
    offered(world, ids, WEDNESDAY)
    with pytest.raises(SlotTaken) as refusal:
        offered(world, ids, WEDNESDAY)
    alternatives = refusal.value.facts["alternatives"]
    assert [(one["start"], one["provider_id"]) for one in alternatives] == [
        ("2030-05-08T11:00:00+02:00", ids.provider),
        ("2030-05-08T11:30:00+02:00", ids.provider),
        ("2030-05-08T12:00:00+02:00", other),
        ("2030-05-08T12:30:00+02:00", ids.provider),
        ("2030-05-08T13:00:00+02:00", ids.provider),
    ]
    visit = world.book(ids, WEDNESDAY + DAY)
    with pytest.raises(SlotTaken) as refusal:
        world.booking.reschedule(visit, WEDNESDAY, DESK)
    assert len(refusal.value.facts["alternatives"]) == 5


def test_every_slot_that_is_offered_can_be_booked_and_is_gone_then(world):
    ids = world.open(
        service={"duration_minutes": 50, "buffer_before_minutes": 10, "buffer_after_minutes": 5, "slot_minutes": 25},
        breaks=[(2, "12:30", "13:10")], hours=[(2, "09:00", "17:00")],
    )  # fmt: skip
    search = Search(ids.service, WEDNESDAY - DAY, WEDNESDAY + DAY)
    booked = 0
    while slots := world.slots.search(search):
        wanted = slots[booked % len(slots)]
        start = at("1970-01-01 00:00") + timedelta(seconds=wanted.start)
        offered(world, ids, start)
        booked += 1
        left = {slot.start for slot in world.slots.search(search)}
        assert left < {slot.start for slot in slots} - {wanted.start}
    assert booked >= 4


def test_a_repeat_returns_the_visit_of_the_first_time(world):
    ids = world.open(service={"min_notice_minutes": 60})
    wanted = Request(ids.service, ids.provider, ids.patient, WEDNESDAY)
    first = world.booking.book(wanted, DESK, ONCE)
    world.change(first.uid, Change.CONFIRM)
    world.clock.set(WEDNESDAY - HOUR / 2)  # too late to book this, but it has been booked
    again = world.booking.book(wanted, DESK, ONCE)
    assert (again.uid, again.confirmation) == (first.uid, "confirmed")
    assert (world.count(), len(world.reminders())) == (1, 2)
    with pytest.raises(KeyReused):
        world.booking.book(wanted, DESK, Once(ONCE.actor, ONCE.key, "other"))


def test_a_booking_that_was_refused_may_be_tried_again_with_the_same_key(world):
    ids = world.open()
    visit = world.book(ids, WEDNESDAY)
    wanted = Request(ids.service, ids.provider, ids.patient, WEDNESDAY)
    with pytest.raises(SlotTaken):
        world.booking.book(wanted, DESK, ONCE)
    world.change(visit, Change.CANCEL)
    assert world.booking.book(wanted, DESK, ONCE).uid != visit


def test_a_repeated_change_takes_effect_once(world):
    visit = world.book(world.open(), WEDNESDAY)
    move = partial(world.booking.reschedule, visit, WEDNESDAY + DAY, DESK, once=ONCE)
    assert move(version=1).version == 2
    world.change(visit, Change.CONFIRM)
    assert move(version=1).version == 3  # If-Match would fail by now, the request itself has been carried out
    arrive = partial(world.booking.change, visit, Change.ARRIVE, DESK, once=Once("key_desk", "b", "f"))
    assert (arrive().version, arrive().version) == (4, 4)
    world.change(visit, Change.FULFIL)
    assert arrive().status == "fulfilled"
    assert [entry.change for entry in world.booking.history(visit)] == [
        "book", "reschedule", "confirm", "arrive", "fulfil",
    ]  # fmt: skip


def test_a_change_that_was_refused_does_not_use_up_its_key(world):
    visit = world.book(world.open(), WEDNESDAY)
    with pytest.raises(Stale):
        world.booking.change(visit, Change.CONFIRM, DESK, version=9, once=ONCE)
    assert world.booking.change(visit, Change.CONFIRM, DESK, version=1, once=ONCE).version == 2


def test_simultaneous_repeats_of_one_request_book_once(world):
    ids = world.open()
    for attempt in range(4):
        once = Once("key_desk", f"race {attempt}", "f")
        start = WEDNESDAY + attempt * HOUR
        wanted = Request(ids.service, ids.provider, ids.patient, start)
        results = together([partial(world.booking.book, wanted, DESK, once)] * 6)
        assert len({result.uid for result in results}) == 1
    assert (world.count(), len(world.reminders())) == (4, 8)


def test_racing_for_one_slot_one_gets_it_and_the_others_hear_what_is_free(world):
    ids = world.open()
    for attempt in range(4):
        wanted = Request(ids.service, ids.provider, ids.patient, WEDNESDAY + attempt * HOUR)
        results = together([partial(world.booking.book, wanted, DESK)] * 8)
        lost = [result for result in results if isinstance(result, SlotTaken)]
        assert len(lost) == 7, results
        assert all(len(one.facts["alternatives"]) == 5 for one in lost)
    assert (world.count(), len(world.reminders())) == (4, 8)


def test_racing_changes_of_one_visit_are_one_after_the_other(world):
    visit = world.book(world.open(), WEDNESDAY)
    works = [partial(world.booking.reschedule, visit, WEDNESDAY + day * DAY, DESK, version=1) for day in (1, 2, 5, 6)]
    works.append(partial(world.booking.change, visit, Change.CANCEL, DESK, version=1))
    results = together(works)
    assert sum(isinstance(result, Stale) for result in results) == 4
    row = world.visit(visit)
    assert row.version == 2
    planned = [one for one in world.reminders(visit) if one.state == "planned"]
    assert {one.plan for one in planned} == ({2} if row.status == "booked" else set())


def test_moving_asks_the_same_questions_as_booking(world):
    ids = world.open(service={"horizon_days": 30})
    visit = world.book(ids, WEDNESDAY)
    for start in (at("2030-05-11 10:00"), MONDAY - HOUR, WEDNESDAY + 31 * DAY):
        with pytest.raises(OutsideHours):
            world.booking.reschedule(visit, start, DESK)
    with pytest.raises(NotFound):
        world.booking.reschedule("apt_none", WEDNESDAY, DESK)
    world.change(visit, Change.CANCEL)
    with pytest.raises(IllegalTransition):
        world.booking.reschedule(visit, WEDNESDAY + DAY, DESK)


def test_moving_to_another_provider_of_the_service(world):
    ids = world.open()
    other = world.add_provider(ids.location)
    visit = world.book(ids, WEDNESDAY)
    with pytest.raises(Invalid):
        world.booking.reschedule(visit, WEDNESDAY, DESK, provider_id=other)
    world.clinic.change_service(ids.service, {}, [ids.provider, other])
    moved = world.booking.reschedule(visit, WEDNESDAY, DESK, provider_id=other)
    assert moved.provider_id == world.catalogue.current().provider(other).id
    assert (moved.version, moved.start_at) == (2, WEDNESDAY)
    world.book(ids, WEDNESDAY)


def test_a_visit_keeps_its_time_when_the_hours_change(world):
    ids = world.open()
    visit = world.book(ids, WEDNESDAY)
    world.clinic.change_provider(ids.provider, {}, [], None)
    assert world.booking.reschedule(visit, WEDNESDAY, DESK).version == 1
    with pytest.raises(OutsideHours):
        world.booking.reschedule(visit, WEDNESDAY + DAY, DESK)


def test_lists_have_one_row_more_than_asked_when_there_is_a_next_page(world):
    ids = world.open()
    visits = [world.book(ids, WEDNESDAY + number * HOUR) for number in range(3)]
    assert [row.uid for row in world.booking.listing(Filter(limit=2))] == visits
    assert [row.uid for row in world.booking.listing(Filter(limit=3))] == visits
    with pytest.raises(NotFound):
        world.booking.history("apt_none")
