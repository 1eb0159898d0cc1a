"""The rehearsal clock: what it foretells is what the worker does, and it leaves no trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from reminders.domain.appointment import Change
from reminders.domain.clinic import Policy
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.duration import Duration
from reminders.domain.plan import QuietHours, Step
from reminders.domain.simulation import Comparison, Condition, LeftOut, Message, Outcome, Window
from reminders.domain.sms import segments
from reminders.errors import Invalid, NotFound
from reminders.services.experiments import Experiments, Wish
from reminders.services.simulation import Simulation
from reminders.store import clinic, consents
from reminders.store.engine import Database
from reminders.store.tables import Appointment, Base, Patient, Reminder, ReminderPolicy
from tests.factories import MONDAY, Ids, World, step, texts

MADRID, NEW_YORK = ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York")
WEEK = Window.read("2030-05-06", "2030-05-12")
WEDNESDAY = datetime(2030, 5, 8, 7, 0, tzinfo=UTC)  # 09:00 in Madrid
DAY, HOURS = step("-P1D"), step("-PT2H", unless_confirmed=True)


def simulation(world: World) -> Simulation:
    return Simulation(world.database, world.clock, world.catalogue, texts(), world.rules)


def run(world: World, window: Window = WEEK, location: str | None = None) -> list[Outcome]:
    return list(simulation(world).run(window, location))


def going_out(found: Sequence[Outcome]) -> list[Message]:
    return [one for one in found if isinstance(one, Message)]


def left_out(found: Sequence[Outcome]) -> list[tuple[State, Reason]]:
    return [(one.state, one.reason) for one in found if isinstance(one, LeftOut)]


def local(one: Outcome) -> str:
    """When, on the wall clock of the venue."""
    return one.contact.at.astimezone(ZoneInfo(one.contact.venue_zone)).strftime("%a %d %b %H:%M")


def phone_of(world: World, patient: str) -> str:
    (row,) = world.rows(select(Patient.phone).where(Patient.uid == patient))
    return str(row.phone)


def bring_in_quiet_hours(world: World) -> None:
    """From eight to eight, and what is planned stays where it is."""
    with world.database.write() as tx:
        tx.execute(update(ReminderPolicy).values(quiet_hours={"mode": "own", "start": "20:00", "end": "08:00"}))
        clinic.touch(tx)
    world.catalogue.refresh()


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


# What is told


def test_a_message_is_told_in_full(world: World) -> None:
    ids = world.open(patient={"phone": "+34600000010"})
    visit = world.book(ids, WEDNESDAY)
    first, second = going_out(run(world))
    told = first.contact
    assert (told.kind, told.step, told.channel, told.to) == ("reminder", 0, "sms", "+34600000010")
    assert (told.visit, told.patient, told.location) == (visit, ids.patient, ids.location)
    assert told.at == told.due_at == datetime(2030, 5, 7, 7, tzinfo=UTC)
    assert (told.venue_zone, told.recipient_zone) == ("Europe/Madrid", "Europe/Madrid")
    assert all(part in first.text for part in ("Clinica Norte", "Ana Ruiz", "9:00", "8 may"))
    assert (first.language, first.is_fallback, first.segments) == ("es", False, segments(first.text).count)
    assert (first.cost.amount, first.cost.currency) == (Decimal("0.0783") * segments(first.text).count, "USD")
    assert second.contact.at == datetime(2030, 5, 8, 5, tzinfo=UTC)
    assert (told.condition, second.contact.condition) == (None, Condition.UNLESS_CONFIRMED)


def test_a_call_is_told_in_the_words_it_says(world: World) -> None:
    world.book(world.open(steps=[step("-P1D", "voice")]), WEDNESDAY)
    (call,) = going_out(run(world))
    assert (call.contact.channel, call.segments) == ("voice", None)
    assert call.text.index("Ana Ruiz") < call.text.index("9:00")
    assert "<" not in call.text
    assert "&" not in call.text
    assert call.cost.amount == Decimal("0.0375")


def test_a_fallback_is_told_with_its_condition(world: World) -> None:
    world.book(world.open(steps=[step("-P1D", "sms", "voice", fallback_after="PT30M")]), WEDNESDAY)
    sms, call = going_out(run(world))
    assert (sms.contact.condition, call.contact.condition) == (None, Condition.FALLBACK)
    assert call.contact.at - sms.contact.at == timedelta(minutes=30)


def test_another_language_than_the_patients_is_marked(world: World) -> None:
    world.book(world.open(steps=[DAY], patient={"language": "eu"}), WEDNESDAY)
    (message,) = going_out(run(world))
    assert (message.language, message.is_fallback) == ("es", True)


def test_chinese_costs_what_its_segments_cost(world: World) -> None:
    patient = {"language": "zh-Hans", "phone": "+12025550123", "name": "Maria Fernanda de los Angeles Ruiz Montalvo"}
    world.book(world.open(steps=[DAY], patient=patient), WEDNESDAY)
    (message,) = going_out(run(world))
    assert message.segments
    assert message.segments > 1
    assert message.cost.amount == Decimal("0.0083") * message.segments


def test_notices_and_notes_are_told_too(world: World) -> None:
    ids = world.open(steps=[DAY], notices=["moved", "cancelled"])
    world.move(world.book(ids, WEDNESDAY), WEDNESDAY + timedelta(hours=3))
    world.change(world.book(ids, WEDNESDAY + timedelta(days=1)), Change.CANCEL)
    world.desk.write(ids.patient, "Bring your list of medicines.")
    found = going_out(run(world))
    assert [one.contact.kind for one in found] == ["desk", "moved", "cancelled", "reminder"]
    assert "medicines" in found[0].text
    assert found[0].contact.visit is None
    assert found[0].contact.location == ids.location


# What is not going out


def test_what_would_not_go_out_is_told_with_the_reason(world: World) -> None:
    ids = world.open(steps=[DAY])
    people = [world.add_patient() for _ in range(6)]
    visits = [world.book(ids, WEDNESDAY + timedelta(hours=n), patient=one) for n, one in enumerate(people)]
    phones = [phone_of(world, one) for one in people]
    with world.database.write() as tx:
        consents.stop(tx, phones[0], "all", MONDAY, "STOP", None)
        tx.execute(update(Patient).where(Patient.uid == people[1]).values(phone=None))
        tx.execute(update(Patient).where(Patient.uid == people[2]).values(paused=True))
        tx.execute(update(Appointment).where(Appointment.uid == visits[3]).values(paused=True))
        tx.execute(update(Appointment).where(Appointment.uid == visits[4]).values(status="arrived"))
    found = run(world)
    assert left_out(found) == [
        (State.SUPPRESSED, Reason.OPTED_OUT), (State.SUPPRESSED, Reason.NO_ADDRESS), (State.SUPPRESSED, Reason.PAUSED),
        (State.SUPPRESSED, Reason.PAUSED), (State.SUPPRESSED, Reason.NOT_OPEN),
    ]  # fmt: skip
    assert [one.contact.visit for one in going_out(found)] == [visits[5]]


def test_a_stop_on_one_channel_leaves_the_other(world: World) -> None:
    ids = world.open(steps=[step("-P1D", "sms", "voice", fallback_after="PT30M")], patient={"phone": "+34600000010"})
    world.book(ids, WEDNESDAY)
    with world.database.write() as tx:
        consents.stop(tx, "+34600000010", "sms", MONDAY, "STOP", None)
    found = run(world)
    assert left_out(found) == [(State.SUPPRESSED, Reason.OPTED_OUT)]
    assert [one.contact.channel for one in going_out(found)] == ["voice"]


def test_who_confirmed_gets_only_what_goes_out_anyway(world: World) -> None:
    visit = world.book(world.open(), WEDNESDAY)
    world.change(visit, Change.CONFIRM)
    found = run(world)
    assert [one.contact.step for one in going_out(found)] == [0]
    assert left_out(found) == [(State.SUPPRESSED, Reason.CONFIRMED)]


def test_what_is_over_or_withdrawn_is_not_told_at_all(world: World) -> None:
    ids = world.open()
    world.change(world.book(ids, WEDNESDAY), Change.CANCEL)
    world.book(ids, WEDNESDAY + timedelta(hours=2))
    world.tick(datetime(2030, 5, 7, 9, tzinfo=UTC))
    found = run(world)
    assert [one.contact.step for one in found] == [1]


def test_a_worker_that_was_down_sends_now_what_still_helps(world: World) -> None:
    ids = world.open()
    world.book(ids, WEDNESDAY)  # a day before: 07:00 UTC, good until 19:00
    world.book(ids, datetime(2030, 5, 7, 10, tzinfo=UTC))  # a day before: Monday, over at 22:00
    world.clock.set(datetime(2030, 5, 7, 9, 30, tzinfo=UTC))
    found = run(world)
    now = world.clock.now()
    assert [(one.contact.at == now, one.contact.visit is not None) for one in found[:3]] == [(True, True)] * 3
    assert left_out(found) == [(State.MISSED, Reason.TOO_LATE)] * 2
    assert [one.contact.at for one in going_out(found)] == [now, datetime(2030, 5, 8, 5, tzinfo=UTC)]


def test_what_is_put_off_is_told_at_its_new_time_and_in_its_turn(world: World) -> None:
    """Planned without quiet hours; the clinic brought them in since."""
    ids = world.open(steps=[DAY, step("-PT11H")])
    early = world.book(ids, datetime(2030, 5, 9, 4, tzinfo=UTC))  # 06:00 in Madrid: due 06:00 and 19:00 the day before
    other = world.book(ids, datetime(2030, 5, 9, 5, 30, tzinfo=UTC))  # due 07:30 and 20:30
    bring_in_quiet_hours(world)
    found = run(world)
    assert [(local(one), one.contact.visit) for one in going_out(found)] == [
        ("Wed 08 May 08:00", early), ("Wed 08 May 08:00", other), ("Wed 08 May 19:00", early)
    ]  # fmt: skip
    assert left_out(found) == [(State.MISSED, Reason.NO_ALLOWED_TIME)]
    assert [one.contact.due_at < one.contact.at for one in going_out(found)] == [True, True, False]


# Windows, zones, holidays


def test_a_day_holds_what_is_put_off_into_it_and_not_what_is_put_off_out_of_it(world: World) -> None:
    ids = world.open(steps=[step("-P2D")])
    world.book(ids, datetime(2030, 5, 10, 20, tzinfo=UTC))  # due Wednesday 22:00, put off to Thursday 08:00
    bring_in_quiet_hours(world)
    assert run(world, Window.read("2030-05-08", "2030-05-08")) == []
    assert [local(one) for one in run(world, Window.read("2030-05-09", "2030-05-09"))] == ["Thu 09 May 08:00"]


def test_only_the_window_is_told(world: World) -> None:
    ids = world.open(steps=[DAY])
    for days in range(5):
        world.book(ids, WEDNESDAY + timedelta(days=days))
    assert [local(one) for one in run(world, Window.read("2030-05-08", "2030-05-09"))] == [
        "Wed 08 May 09:00", "Thu 09 May 09:00"
    ]  # fmt: skip
    exact = Window.read("2030-05-08T07:00:00Z", "2030-05-09T07:00:00Z")
    assert [local(one) for one in run(world, exact)] == ["Wed 08 May 09:00"]


def test_every_page_is_read(world: World) -> None:
    ids = world.open(steps=[step("-P1D", "sms", "voice", fallback_after="PT30M")])
    world.book(ids, WEDNESDAY)
    with world.database.write() as tx:
        row = dict(tx.execute(select(Reminder.__table__).where(Reminder.channel == "sms")).one()._mapping)
        del row["id"]
        copies = [row | {"uid": f"rem_{n}", "step": n, "kind": "reminder"} for n in range(1, 1203)]
        tx.execute(insert(Reminder), copies)  # all due at the same moment, so pages can only be told apart by number
    found = run(world)
    assert len(found) == simulation(world).size(WEEK) == 1204
    assert len({(one.contact.step, one.contact.channel) for one in found}) == 1204


def test_one_location_alone(world: World) -> None:
    here, there = world.open(steps=[DAY]), world.open(steps=[DAY], location={"time_zone": "America/New_York"})
    world.book(here, WEDNESDAY)
    visit = world.book(there, WEDNESDAY + timedelta(hours=6))
    assert [one.contact.visit for one in run(world, location=there.location)] == [visit]
    assert simulation(world).size(WEEK, there.location) == 1
    assert len(run(world)) == 2


def test_a_day_is_that_of_each_venue(world: World) -> None:
    here = world.open(steps=[step("-PT1H")])
    there = world.open(steps=[step("-PT1H")], location={"time_zone": "America/New_York"})
    moments = [datetime(2030, 5, 7, 23, tzinfo=UTC), datetime(2030, 5, 8, 3, tzinfo=UTC)]  # sent an hour before
    for ids in (here, there):
        for moment in moments:
            world.book(ids, moment)
    found = run(world, Window.read("2030-05-07", "2030-05-07"))
    assert [(local(one), one.contact.location) for one in found] == [
        ("Tue 07 May 18:00", there.location), ("Tue 07 May 22:00", there.location)
    ]  # fmt: skip


DST = [
    # zone, now, window, start on the wall, when it goes out on the wall: a day and then twelve hours before
    (MADRID, "2030-03-28", ("2030-03-30", "2030-03-31"), "2030-03-31 17:00", ["2030-03-30 17:00", "2030-03-31 05:00"]),
    (MADRID, "2030-03-28", ("2030-03-30", "2030-03-31"), "2030-03-31 09:00", ["2030-03-30 09:00", "2030-03-30 20:00"]),
    (MADRID, "2030-10-24", ("2030-10-26", "2030-10-27"), "2030-10-27 09:00", ["2030-10-26 09:00", "2030-10-26 22:00"]),
    (NEW_YORK, "2030-03-07", ("2030-03-09", "2030-03-10"), "2030-03-10 09:00", ["2030-03-09 09:00", "2030-03-09 20:00"]),
    (NEW_YORK, "2030-11-01", ("2030-11-02", "2030-11-03"), "2030-11-03 09:00", ["2030-11-02 09:00", "2030-11-02 22:00"]),
    (NEW_YORK, "2030-11-01", ("2030-11-02", "2030-11-03"), "2030-11-03 17:00", ["2030-11-02 17:00", "2030-11-03 05:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "now", "days", "start", "expected"), DST)
def test_on_the_days_the_clocks_change(
    database: Database, zone: ZoneInfo, now: str, days: tuple[str, str], start: str, expected: list[str]
) -> None:
    world = World(database, datetime.fromisoformat(now).replace(tzinfo=UTC))
    ids = world.open(steps=[DAY, step("-PT12H")], location={"time_zone": zone.key})
    begin = datetime.fromisoformat(start).replace(tzinfo=zone)
    world.book(ids, begin.astimezone(UTC))
    found = going_out(run(world, Window.read(*days)))
    assert [one.contact.at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for one in found] == expected
    assert all(f"{begin:%-H:%M}" in one.text for one in found)


def test_the_recipients_clock_is_told_beside_the_venues(world: World) -> None:
    """Quiet hours are those of the person; the text names the clock it means."""
    ids = world.open(steps=[DAY], quiet=("20:00", "08:00"), patient={"time_zone": "America/New_York", "language": "en"})
    world.book(ids, WEDNESDAY)
    (message,) = going_out(run(world))
    assert message.contact.recipient_zone == "America/New_York"
    assert message.contact.at.astimezone(NEW_YORK).strftime("%H:%M") == "08:00"
    assert local(message) == "Tue 07 May 14:00"
    assert "Madrid" in message.text


def test_holidays_are_marked(database: Database) -> None:
    """Nothing is moved because of them, but who reads the list should see it."""
    closed = frozenset({date(2030, 5, 8)})
    world = World(database, holidays=lambda country, region, years: closed if country == "ES" else frozenset())
    ids = world.open(steps=[DAY], location={"observes_holidays": True})
    world.book(ids, WEDNESDAY)
    world.book(ids, WEDNESDAY + timedelta(days=1))
    other = world.open(steps=[DAY], location={"observes_holidays": True, "country": "FR"})
    world.book(other, WEDNESDAY)
    found = run(world)
    assert sorted((local(one)[:3], one.contact.holiday, one.contact.visit_on_holiday) for one in found) == [
        ("Tue", False, False), ("Tue", False, True), ("Wed", True, False)
    ]  # fmt: skip


# Refusals


def test_a_window_that_is_over_is_refused(world: World) -> None:
    world.open()
    with pytest.raises(Invalid) as caught:
        run(world, Window.read("2030-05-01", "2030-05-05"))
    assert caught.value.field == "to"
    assert run(world, Window.read("2030-05-01", "2030-05-06")) == []


def test_an_unknown_location_is_refused(world: World) -> None:
    world.open()
    with pytest.raises(NotFound):
        run(world, location="loc_none")


def test_an_empty_clinic_is_told_so(world: World) -> None:
    with pytest.raises(Invalid):
        run(world)


# No trace


def everything(world: World) -> dict[str, list[Any]]:
    with world.database.read() as tx:
        return {name: sorted(map(str, tx.execute(select(table)))) for name, table in Base.metadata.tables.items()}


def test_nothing_is_sent_and_nothing_is_written(world: World) -> None:
    ids = world.open(steps=[step("-P1D", "sms", "voice", fallback_after="PT30M"), HOURS])
    world.book(ids, WEDNESDAY)
    before = everything(world)
    assert len(run(world)) == 3
    stored = world.catalogue.current().policies[ids.policy or ""]
    assert list(simulation(world).compare(WEEK, {stored.uid: stored}, {stored.uid: replace(stored, steps=())}))
    assert everything(world) == before
    assert world.messenger.requests == world.messenger.finds == 0


def test_reading_takes_no_lock(world: World) -> None:
    """A rehearsal of a large clinic must not hold up the workers: between two messages somebody else may write."""
    ids = world.open(steps=[DAY])
    world.book(ids, WEDNESDAY)
    found = simulation(world).run(WEEK)
    next(found)
    with world.database.write() as tx:
        tx.execute(update(Patient).values(name="Eva Sol"))
    assert list(found) == []


# The same as the worker


@pytest.mark.parametrize("quiet", [None, ("20:00", "08:00"), ("13:00", "17:00")])
def test_what_is_foretold_is_what_the_worker_sends(world: World, quiet: tuple[str, str] | None) -> None:
    ids = world.open(steps=[step("-P2D"), step("-P1D", "sms", "voice", fallback_after="PT45M"), HOURS], quiet=quiet)
    cards: list[dict[str, Any]] = [
        {}, {"language": "en-GB"}, {"language": "zh-Hans"}, {"time_zone": "America/New_York", "language": "en"},
        {"time_zone": "Asia/Tokyo"},
    ]  # fmt: skip
    people = [world.add_patient(**card) for _ in range(3) for card in cards]
    visits = [
        world.book(ids, datetime(2030, 5, 8 + number // 5, 4 + 3 * (number % 5), number, tzinfo=UTC), patient=one)
        for number, one in enumerate(people)
    ]
    for visit in visits[::4]:
        world.change(visit, Change.CONFIRM)
    with world.database.write() as tx:
        consents.stop(tx, phone_of(world, people[1]), "voice", MONDAY, "key 9", None)
    expected = run(world)
    moments = sorted({one.contact.at for one in expected} | {MONDAY + timedelta(hours=n) for n in range(144)})
    for moment in moments:
        world.tick(moment)
    sent = [(one.report.created_at, str(one.channel), one.to, one.body) for one in world.messenger.sent]
    foretold = [
        (one.contact.at, one.contact.channel, one.contact.to, one.text if one.contact.channel == "sms" else "")
        for one in going_out(expected)
    ]
    assert sorted(sent, key=str) == sorted(foretold, key=str)
    assert len(sent) > 20
    stored = sorted((row.phone, row.language, row.segments) for row in world.messages() if row.channel == "sms")
    assert stored == sorted((one.contact.to, one.language, one.segments) for one in going_out(expected) if one.segments)
    dropped = [row.reason for row in world.reminders() if row.reason in {"already_confirmed", "opted_out"}]
    assert sorted(dropped) == sorted(reason for _, reason in left_out(expected))
    assert {"already_confirmed", "opted_out"} <= set(dropped)


# Comparing


def policy(world: World, ids: Ids, *steps: Mapping[str, Any], quiet: QuietHours | None = None) -> dict[str, Policy]:
    """The stored policy with other steps."""
    stored = world.catalogue.current().policies[ids.policy or ""]
    made = tuple(
        Step(
            Duration.parse(one["offset"]), tuple(map(Channel, one["channels"])),
            unless_confirmed=one.get("unless_confirmed", False),
        )
        for one in steps
    )  # fmt: skip
    return {stored.uid: replace(stored, steps=made, quiet_hours=quiet, country_hours=False)}


def compared(world: World, a: dict[str, Policy], b: dict[str, Policy], window: Window = WEEK) -> list[Comparison]:
    return list(simulation(world).compare(window, a, b))


def shown(found: Sequence[Comparison]) -> list[tuple[str, str | None, str | None]]:
    return [
        (item.difference.value, item.a and local(item.a), item.b and local(item.b))
        for one in found
        for item in one.differing
    ]


def test_two_policies_are_compared_visit_by_visit(world: World) -> None:
    ids = world.open(steps=[DAY, HOURS])
    world.book(ids, WEDNESDAY)
    a, b = policy(world, ids, DAY, HOURS), policy(world, ids, step("-P2D"), DAY, step("-PT3H", unless_confirmed=True))
    found = compared(world, a, b)
    assert shown(found) == [
        ("only_b", None, "Mon 06 May 09:00"), ("other_time", "Wed 08 May 07:00", "Wed 08 May 06:00")
    ]  # fmt: skip
    assert [(len(one.a), len(one.b)) for one in found] == [(2, 3)]


def test_who_is_held_out_by_lot_gets_nothing_under_either_policy(world: World) -> None:
    ids = world.open(steps=[DAY])
    trials = Experiments(world.database, world.clock, world.catalogue)
    uid = trials.start(Wish("Do they help?", ids.policy or "", [("holdout", 0.5, [])], [], 0.03)).uid
    trial = trials.read(uid).experiment
    world.catalogue.refresh()
    patients = [world.add_patient() for _ in range(12)]
    visits = {
        patient: world.book(ids, WEDNESDAY + timedelta(minutes=30 * place), patient=patient)
        for place, patient in enumerate(patients)
    }
    told = {visits[patient] for patient in patients if trial.arm_of(patient) == "usual"}
    assert 0 < len(told) < len(visits)
    found = compared(world, policy(world, ids, DAY), policy(world, ids, HOURS))
    messages = [(one.contact.visit, side) for item in found for side, outcomes in (("a", item.a), ("b", item.b))
                for one in outcomes if isinstance(one, Message)]  # fmt: skip
    assert sorted(messages) == sorted((visit, side) for visit in told for side in "ab")


def test_what_leaves_the_window_is_at_another_time_and_not_gone(world: World) -> None:
    ids = world.open(steps=[DAY])
    world.book(ids, WEDNESDAY)
    a, b = policy(world, ids, DAY), policy(world, ids, step("-PT26H"))
    found = compared(world, a, b, Window.read("2030-05-07T06:00:00Z", "2030-05-07T12:00:00Z"))
    assert shown(found) == [("other_time", "Tue 07 May 09:00", "Tue 07 May 07:00")]
    assert [(len(one.a), len(one.b)) for one in found] == [(1, 0)]


def test_another_condition_and_other_quiet_hours_are_seen(world: World) -> None:
    ids = world.open(steps=[DAY])
    world.change(world.book(ids, WEDNESDAY), Change.CONFIRM)
    world.book(ids, WEDNESDAY + timedelta(hours=1))
    a = policy(world, ids, DAY)
    nudge = policy(world, ids, step("-P1D", unless_confirmed=True))
    assert shown(compared(world, a, nudge)) == [
        ("only_a", "Tue 07 May 09:00", None), ("other_condition", "Tue 07 May 10:00", "Tue 07 May 10:00")
    ]  # fmt: skip
    quiet = policy(world, ids, DAY, quiet=QuietHours(0, 600))
    assert shown(compared(world, a, quiet)) == [("other_time", "Tue 07 May 09:00", "Tue 07 May 10:00")]


def test_quiet_hours_compared_are_those_of_the_person(world: World) -> None:
    ids = world.open(steps=[DAY], patient={"time_zone": "America/New_York", "language": "en"})
    world.book(ids, WEDNESDAY)
    soon = step("-PT2H")
    found = compared(world, policy(world, ids, soon), policy(world, ids, soon, quiet=QuietHours(20 * 60, 8 * 60)))
    assert shown(found) == [("other_time", "Wed 08 May 07:00", "Wed 08 May 01:59")]  # 19:59 in New York


def test_what_differs_outside_of_the_window_is_not_told(world: World) -> None:
    ids = world.open(steps=[DAY, HOURS])
    world.book(ids, WEDNESDAY)
    a, b = policy(world, ids, DAY, HOURS), policy(world, ids, DAY, step("-PT1H"))
    assert shown(compared(world, a, b, Window.read("2030-05-07", "2030-05-07"))) == []


def test_other_policies_and_notices_count_on_both_sides(world: World) -> None:
    ids, other = world.open(steps=[DAY], notices=["moved"]), world.open(steps=[DAY])
    world.move(world.book(ids, WEDNESDAY), WEDNESDAY + timedelta(hours=2))
    world.book(other, WEDNESDAY)
    found = compared(world, policy(world, ids, DAY), policy(world, ids))
    assert shown(found) == [("only_a", "Tue 07 May 11:00", None)]
    kinds = [[sorted(one.contact.kind for one in side) for side in (item.a, item.b)] for item in found]
    assert kinds == [[["moved"], ["moved"]], [["reminder"], ["reminder"]], [["reminder"], []]]


def test_what_has_passed_is_on_neither_side(world: World) -> None:
    ids = world.open(steps=[DAY, HOURS])
    world.book(ids, WEDNESDAY)
    world.tick(datetime(2030, 5, 7, 9, tzinfo=UTC))
    found = compared(world, policy(world, ids, DAY, HOURS), policy(world, ids, DAY, step("-PT1H")))
    assert [[len(one.a), len(one.b)] for one in found] == [[1, 1]]
    assert shown(found) == [("other_time", "Wed 08 May 07:00", "Wed 08 May 08:00")]


def test_visits_that_no_longer_lie_ahead_are_not_planned_for(world: World) -> None:
    ids = world.open(steps=[DAY])
    for number, change in enumerate((Change.CANCEL, Change.ARRIVE)):
        world.change(world.book(ids, WEDNESDAY + timedelta(hours=number)), change)
    imported = world.book(ids, WEDNESDAY + timedelta(hours=5))
    with world.database.write() as tx:
        tx.execute(update(Appointment).where(Appointment.uid == imported).values(source="old", occupies=False))
        tx.execute(update(Reminder).values(state="withdrawn"))
    assert compared(world, policy(world, ids, DAY), policy(world, ids, DAY)) == []


STEPS = st.lists(
    st.builds(
        step, st.sampled_from(["-P7D", "-P3D", "-P1D", "-PT26H", "-PT4H", "-PT30M"]), st.sampled_from(["sms", "voice"]),
        unless_confirmed=st.booleans(),
    ),
    max_size=3,
)  # fmt: skip
QUIET = st.none() | st.builds(QuietHours, st.integers(0, 1439), st.integers(0, 1439))


@pytest.fixture(scope="module")
def busy(databases: Any) -> World:
    """Visits on the days the clocks change, in two zones, and some between."""
    found = databases("sqlite")
    with found.write() as tx:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != "catalogue_version":
                tx.execute(table.delete())
    world = World(found, datetime(2030, 3, 4, 10, tzinfo=UTC))
    for zone in ("Europe/Madrid", "America/New_York"):
        ids = world.open(steps=[DAY], location={"time_zone": zone})
        for day in (7, 10, 20, 31):
            begin = datetime(2030, 3, day, 9, tzinfo=ZoneInfo(zone))
            world.book(ids, begin.astimezone(UTC))
    return world


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=STEPS, b=STEPS, quiet=QUIET, first=st.integers(4, 31), days=st.integers(0, 14))
def test_comparisons_add_up(
    busy: World, a: list[Any], b: list[Any], quiet: QuietHours | None, first: int, days: int
) -> None:
    window = Window.read(str(date(2030, 3, first)), str(date(2030, 3, first) + timedelta(days=days)))
    stored = list(busy.catalogue.current().policies.values())

    def under(steps: list[Any], hours: QuietHours | None) -> dict[str, Policy]:
        ids = Ids("", "", "", stored[0].uid, "")
        made = policy(busy, ids, *steps, quiet=hours)[stored[0].uid]
        return {one.uid: replace(made, id=one.id, uid=one.uid) for one in stored}

    found = compared(busy, under(a, None), under(b, quiet), window)
    for one in found:
        for place in (one.a, one.b):
            for outcome in place:
                zone = ZoneInfo(outcome.contact.venue_zone)
                begin, end = window.bounds(zone)
                assert begin <= outcome.contact.at < end
        for outcome in going_out(one.b):
            wall = outcome.contact.at.astimezone(ZoneInfo(outcome.contact.recipient_zone))
            assert quiet is None or not quiet.forbids(wall.hour * 60 + wall.minute)
            assert outcome.contact.start is None or outcome.contact.at < outcome.contact.start
        for item in one.differing:
            inside = [side for side, place in ((item.a, one.a), (item.b, one.b)) if side in place]
            assert inside, "nothing of it lies in the window"
        common = {outcome.contact.at for outcome in one.a} & {outcome.contact.at for outcome in one.b}
        assert common or not (going_out(one.a) or going_out(one.b)) or one.differing
    assert all(not one.differing for one in compared(busy, under(a, quiet), under(a, quiet), window))


def test_the_number_of_rows_is_known_beforehand(world: World) -> None:
    ids = world.open()
    for hour in range(4):
        world.book(ids, WEDNESDAY + timedelta(hours=hour))
    assert simulation(world).size(WEEK) == 8
    assert simulation(world).size(Window.read("2030-05-09", "2030-05-09")) == 4  # a day more, for what is put off
