"""The one place where a visit changes: its reminders, its history and its effects change with it, or nothing does."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from reminders.domain.actor import Once
from reminders.domain.appointment import OPEN, TRANSITIONS, Change, Status
from reminders.domain.delivery import State
from reminders.errors import IllegalTransition, Invalid, OutsideHours, SlotTaken, Stale
from reminders.services.lifecycle import NOTICE_DELAY, Draft
from reminders.store import patients
from reminders.store.engine import Database
from reminders.store.tables import Appointment, AppointmentHistory, Message, Reminder
from tests.factories import DESK, MONDAY, PATIENT, Ids, World, at, step
from tests.fakes import Fate, WorkerDied, refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WEDNESDAY = at("2030-05-08 10:00")  # noon in Madrid
PLANNED = ("planned", "due")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def test_a_booking_has_its_reminders_history_and_effect(world):
    visit = world.book(world.open(), WEDNESDAY)
    row = world.visit(visit)
    assert (row.status, row.confirmation, row.version, row.occupies, row.timed) == (
        "booked",
        "unconfirmed",
        1,
        True,
        True,
    )
    assert (row.end_at - row.start_at, row.local_day.isoformat(), row.lead_days) == (HOUR / 2, "2030-05-08", 2)
    assert [(one.due_at, one.plan, one.step) for one in world.reminders(visit)] == [
        (WEDNESDAY - DAY, 1, 0), (WEDNESDAY - 2 * HOUR, 1, 1),
    ]  # fmt: skip
    (entry,) = world.booking.history(visit)
    assert (entry.change, entry.actor, entry.channel, entry.version, entry.at) == ("book", DESK.name, "api", 1, MONDAY)
    (effect,) = world.outbox("appointment.changed")
    assert (effect.key, effect.facts) == (visit, {"change": "book", "version": 1})


def test_a_booking_is_returned_as_it_would_be_read(world):
    ids = world.open(service={"buffer_before_minutes": 5, "buffer_after_minutes": 10})
    snapshot = world.catalogue.current()
    start = datetime.fromisoformat("2030-05-08T12:00:00+02:00")

    def work(tx) -> Any:
        draft = Draft(
            snapshot.service(ids.service), snapshot.provider(ids.provider), patients.get(tx, ids.patient), start
        )
        return world.lifecycle.book(tx, "apt_new", draft, DESK)

    booked, read = world.run(work), world.visit("apt_new")._asdict()
    assert {name: getattr(booked, name) for name in read} == dict(read)
    assert booked.start_at.utcoffset() == timedelta(0)
    assert (booked.busy_start, booked.busy_end) == (WEDNESDAY - HOUR / 12, WEDNESDAY + HOUR / 2 + HOUR / 6)


def test_a_booking_that_is_refused_leaves_nothing(world):
    ids = world.open()
    world.book(ids, WEDNESDAY)
    before = (len(world.reminders()), len(world.outbox("appointment.changed")), world.count(AppointmentHistory))
    with pytest.raises(SlotTaken):
        world.book(ids, WEDNESDAY, patient=world.add_patient())
    after = (len(world.reminders()), len(world.outbox("appointment.changed")), world.count(AppointmentHistory))
    assert after == before


def test_a_booking_for_the_same_day_skips_the_steps_that_have_passed(world):
    visit = world.book(world.open(), MONDAY + 4 * HOUR)
    assert world.states(visit) == [("suppressed", "booked_too_late"), PLANNED]
    assert world.tick() == 0


def test_without_a_policy_or_without_steps_nothing_is_planned(world):
    for steps in (None, ()):
        visit = world.book(world.open(steps=steps), WEDNESDAY)
        world.move(visit, WEDNESDAY + DAY)
        world.change(visit, Change.CANCEL)
        assert world.reminders(visit) == []
        assert [entry.change for entry in world.booking.history(visit)] == ["book", "reschedule", "cancel"]


def test_a_move_takes_back_the_old_plan_and_makes_a_new_one(world):
    ids = world.open()
    visit = world.book(ids, WEDNESDAY)
    moved = world.move(visit, WEDNESDAY + DAY)
    assert (moved.uid, moved.version, moved.start_at, moved.lead_days) == (visit, 2, WEDNESDAY + DAY, 3)
    rows = world.reminders(visit)
    assert [(row.plan, row.state, row.reason) for row in rows] == [
        (1, "withdrawn", "visit_moved"), (1, "withdrawn", "visit_moved"), (2, *PLANNED), (2, *PLANNED),
    ]  # fmt: skip
    assert [row.due_at for row in rows[2:]] == [WEDNESDAY, WEDNESDAY + DAY - 2 * HOUR]
    (_, entry) = world.booking.history(visit)
    assert entry.facts == {"from": WEDNESDAY.isoformat(), "to": (WEDNESDAY + DAY).isoformat()}
    world.book(ids, WEDNESDAY)  # the old time is free again


def test_a_move_that_is_refused_changes_nothing(world):
    ids = world.open()
    world.book(ids, WEDNESDAY)
    visit = world.book(ids, WEDNESDAY + HOUR)
    with pytest.raises(SlotTaken):
        world.move(visit, WEDNESDAY)
    assert world.states(visit) == [PLANNED, PLANNED]
    assert (world.visit(visit).version, world.visit(visit).start_at) == (1, WEDNESDAY + HOUR)
    assert len(world.booking.history(visit)) == 1


def test_a_move_to_another_venue_follows_its_clock_and_its_country(world):
    ids = world.open(quiet="country", steps=[step("-P1D")])
    paris = world.add_location(time_zone="America/New_York", country="US", language="en")
    other = world.add_provider(paris)
    world.clinic.change_service(ids.service, {}, [ids.provider, other])
    visit = world.book(ids, at("2030-05-08 07:00"))  # 09:00 in Madrid
    world.booking.reschedule(visit, at("2030-05-09 02:00"), DESK, provider_id=other, override=True)  # the 8th, 22:00
    row = world.visit(visit)
    assert (row.location_id, row.local_day.isoformat()) == (world.catalogue.current().location(paris).id, "2030-05-08")
    assert world.reminders(visit)[-1].due_at == at("2030-05-08 12:00")  # not before 8 in the morning there


def test_a_new_time_has_to_be_confirmed_again(world):
    visit = world.book(world.open(), WEDNESDAY)
    assert world.change(visit, Change.CONFIRM, PATIENT).confirmation == "confirmed"
    assert world.states(visit) == [PLANNED, PLANNED]
    assert world.move(visit, WEDNESDAY + DAY).confirmation == "unconfirmed"


@pytest.mark.parametrize(
    ("change", "status", "reason", "occupies"),
    [
        (Change.CANCEL, "cancelled", "visit_cancelled", False),
        (Change.ARRIVE, "arrived", "visit_over", True),
        (Change.FULFIL, "fulfilled", "visit_over", True),
        (Change.NOSHOW, "noshow", "visit_over", False),
    ],
)
def test_what_ends_a_visit_takes_back_its_reminders(world, change, status, reason, occupies):
    ids = world.open()
    visit = world.book(ids, WEDNESDAY)
    row = world.change(visit, change)
    assert (row.status, row.occupies, row.version) == (status, occupies, 2)
    assert world.states(visit) == [("withdrawn", reason)] * 2
    if occupies:
        with pytest.raises(SlotTaken):
            world.book(ids, WEDNESDAY)
    else:
        world.book(ids, WEDNESDAY)


def test_who_comes_late_after_all_gets_the_time_back_only_if_it_is_free(world):
    ids = world.open()
    visit = world.book(ids, WEDNESDAY)
    world.change(visit, Change.NOSHOW)
    other = world.book(ids, WEDNESDAY)
    with pytest.raises(SlotTaken):
        world.change(visit, Change.ARRIVE)
    world.change(other, Change.CANCEL)
    assert world.change(visit, Change.ARRIVE).occupies


def test_who_cancelled_and_why_is_kept(world):
    ids = world.open()
    by_desk, by_patient = world.book(ids, WEDNESDAY), world.book(ids, WEDNESDAY + HOUR)
    row = world.change(by_desk, Change.CANCEL, reason="doctor ill")
    assert (row.cancel_reason, row.confirmation) == ("doctor ill", "unconfirmed")
    assert world.booking.history(by_desk)[-1].facts == {"reason": "doctor ill"}
    row = world.change(by_patient, Change.CANCEL, PATIENT)
    assert (row.cancel_reason, row.confirmation) == (None, "declined")
    last = world.booking.history(by_patient)[-1]
    assert (last.actor, last.channel) == ("patient", "sms")


def test_repeating_a_change_changes_nothing(world):
    visit = world.book(world.open(notices=["moved", "cancelled"]), WEDNESDAY)
    repeats = [
        lambda: world.change(visit, Change.CONFIRM),
        lambda: world.move(visit, WEDNESDAY + DAY),
        lambda: world.change(visit, Change.ARRIVE),
        lambda: world.change(visit, Change.FULFIL),
    ]
    for number, repeat in enumerate(repeats, start=2):
        first = repeat()
        rows = [tuple(row) for row in world.reminders(visit)]
        assert repeat() == first
        assert first.version == number
        assert [tuple(row) for row in world.reminders(visit)] == rows
    assert len(world.booking.history(visit)) == 5


def test_what_the_machine_does_not_know_is_refused_and_changes_nothing(world):
    visit = world.book(world.open(), WEDNESDAY)
    world.change(visit, Change.CANCEL)
    before = world.visit(visit)
    for change in (Change.CONFIRM, Change.ARRIVE, Change.FULFIL, Change.NOSHOW):
        with pytest.raises(IllegalTransition):
            world.change(visit, change)
    with pytest.raises(IllegalTransition):
        world.move(visit, WEDNESDAY + DAY)
    assert world.visit(visit) == before


def test_a_move_needs_a_time(world):
    visit = world.book(world.open(), WEDNESDAY)
    with pytest.raises(Invalid):
        world.change(visit, Change.RESCHEDULE)
    assert world.states(visit) == [PLANNED, PLANNED]


def test_who_saw_an_old_version_is_told(world):
    visit = world.book(world.open(), WEDNESDAY)
    world.change(visit, Change.CONFIRM, version=1)
    for stale in (0, 1, 3):
        with pytest.raises(Stale) as refusal:
            world.change(visit, Change.CANCEL, version=stale)
        assert refusal.value.facts == {"current_version": 2}
    assert world.change(visit, Change.CANCEL, version=2).status == "cancelled"


# Notices


def notices(world: World, visit: str) -> list[tuple[str, str, str, datetime]]:
    return [(row.kind, row.state, row.reason, row.due_at) for row in world.reminders(visit) if row.kind != "reminder"]


def test_the_patient_is_told_of_what_somebody_else_changed(world):
    visit = world.book(world.open(notices=["moved", "cancelled"]), WEDNESDAY)
    world.move(visit, WEDNESDAY + DAY)
    due = MONDAY + NOTICE_DELAY
    assert notices(world, visit) == [("moved", *PLANNED, due)]
    world.move(visit, WEDNESDAY + 2 * DAY)  # a slip of the mouse put right: one notice, of the last time
    assert notices(world, visit) == [("moved", "withdrawn", "visit_moved", due), ("moved", *PLANNED, due)]
    world.change(visit, Change.CANCEL)
    assert notices(world, visit)[1:] == [
        ("moved", "withdrawn", "visit_cancelled", due), ("cancelled", *PLANNED, due),
    ]  # fmt: skip
    world.tick(due)
    assert [sent.body for sent in world.messenger.sent] == [world.messages()[0].body]
    assert "Ana Ruiz" in world.messenger.sent[0].body


@pytest.mark.parametrize(
    ("told", "confirmed_between", "confirmation"),
    [(False, False, "confirmed"), (True, False, "unconfirmed"), (False, True, "unconfirmed")],
)
def test_a_confirmation_holds_again_for_its_own_time(world, told, confirmed_between, confirmation):
    visit = world.book(world.open(notices=["moved"]), WEDNESDAY)
    world.change(visit, Change.CONFIRM, PATIENT)
    world.move(visit, WEDNESDAY + DAY)
    assert world.visit(visit).confirmation == "unconfirmed"
    if told:
        world.tick(MONDAY + NOTICE_DELAY)
    if confirmed_between:
        world.change(visit, Change.CONFIRM)  # on the phone: so the patient knows of the other time
    world.move(visit, WEDNESDAY)
    assert world.visit(visit).confirmation == confirmation
    assert [state for _, state, _, _ in notices(world, visit)][1:] == (
        [] if confirmation == "confirmed" else ["planned"]
    )


def test_nobody_is_told_what_they_did_themselves_or_what_the_policy_keeps_quiet_about(world):
    loud, quiet = world.open(notices=["cancelled"]), world.open(notices=[])
    own = world.book(loud, WEDNESDAY)
    world.change(own, Change.CANCEL, PATIENT)
    assert notices(world, own) == []
    moved = world.book(loud, WEDNESDAY + HOUR)
    world.move(moved, WEDNESDAY + DAY)
    assert notices(world, moved) == []
    silent = world.book(quiet, WEDNESDAY)
    world.change(silent, Change.CANCEL)
    assert notices(world, silent) == []


def test_nothing_is_said_about_a_visit_that_has_begun(world):
    visit = world.book(world.open(notices=["moved", "cancelled"]), MONDAY + HOUR)
    world.clock.advance(2 * HOUR)
    world.move(visit, WEDNESDAY)
    assert notices(world, visit) == []


def test_a_notice_waits_for_the_end_of_quiet_hours(world):
    visit = world.book(world.open(notices=["cancelled"], quiet=("20:00", "08:00")), WEDNESDAY)
    world.clock.set(at("2030-05-06 21:00"))
    world.change(visit, Change.CANCEL)
    assert notices(world, visit) == [("cancelled", "planned", "shifted_quiet_hours", at("2030-05-07 06:00"))]


# What is under way when a visit changes


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [(Change.RESCHEDULE, "withdrawn", "visit_moved"), (Change.CANCEL, "withdrawn", "visit_cancelled")],
)
def test_an_attempt_that_fails_after_the_change_is_not_tried_again(world, change, state, reason):
    """The visit changes while the provider is being asked; then the provider says: not now."""
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)

    def meanwhile(_: Any) -> None:
        if change is Change.RESCHEDULE:
            world.move(visit, WEDNESDAY + DAY)
        else:
            world.change(visit, change)

    world.messenger.before_refusal = lambda: meanwhile(None)
    world.messenger.script(refused())
    world.tick(WEDNESDAY - DAY)
    assert world.states(visit)[0] == (state, reason)
    assert all(row.plan == 2 for row in world.reminders(visit) if row.state == "planned")


def test_no_fallback_for_a_time_that_no_longer_holds(world):
    visit = world.book(world.open(steps=[step("-P1D", "sms", "voice")]), WEDNESDAY)
    world.tick(WEDNESDAY - DAY)
    world.move(visit, WEDNESDAY + DAY)
    world.callback(world.messenger.sent[0], State.FAILED)
    assert [(row.channel, row.plan, row.state) for row in world.reminders(visit)] == [
        ("sms", 1, "failed"), ("sms", 2, "planned"),
    ]  # fmt: skip


class Desk(RuleBasedStateMachine):
    """Everything that can happen to visits, in any order, with a provider that fails in every way it can."""

    visits = Bundle("visits")

    def __init__(self, world: World, ids: Ids) -> None:
        super().__init__()
        self.world, self.messenger, self.ids = world, world.messenger, ids
        self.messenger.forget_script()
        world.clock.advance(60 * DAY)  # away from what earlier runs booked
        world.reconciling.run()
        world.tick()
        self.before = len(self.messenger.sent)
        self.day = world.clock.now() + 2 * DAY

    @rule(target=visits, slot=st.integers(0, 200))
    def book(self, slot: int) -> Any:
        try:
            return self.world.book(self.ids, self._time(slot))
        except (SlotTaken, OutsideHours):  # taken, or past by now
            return multiple()

    @rule(visit=visits, slot=st.integers(0, 200), actor=st.sampled_from([DESK, PATIENT]))
    def move(self, visit: str, slot: int, actor: Any) -> None:
        status = Status(self.world.visit(visit).status)
        try:
            self.world.move(visit, self._time(slot), actor)
        except (SlotTaken, OutsideHours):
            return
        except IllegalTransition:
            assert (status, Change.RESCHEDULE) not in TRANSITIONS

    @rule(
        visit=visits, actor=st.sampled_from([DESK, PATIENT]),
        change=st.sampled_from([Change.CONFIRM, Change.CANCEL, Change.ARRIVE, Change.FULFIL, Change.NOSHOW]),
    )  # fmt: skip
    def change(self, visit: str, change: Change, actor: Any) -> None:
        status = Status(self.world.visit(visit).status)
        try:
            after = self.world.change(visit, change, actor)
        except SlotTaken:
            return
        except IllegalTransition:
            assert (status, change) not in TRANSITIONS
        else:
            assert Status(after.status) in {TRANSITIONS.get((status, change)), status}

    @rule(minutes=st.sampled_from([1, 2, 30, 120, 600, 1440]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.advance(timedelta(minutes=minutes))

    @rule(outcomes=st.lists(st.sampled_from([*Fate, refused(), refused(permanent=True)]), max_size=3))
    def send(self, outcomes: list[Any]) -> None:
        self.messenger.script(*outcomes)
        with suppress(WorkerDied):
            self.world.tick()

    @rule()
    def reconcile(self) -> None:
        self.world.clock.advance(timedelta(minutes=2))
        self.world.reconciling.run()

    @rule(which=st.integers(0, 99), state=st.sampled_from([State.SENT, State.DELIVERED, State.FAILED]))
    def report(self, which: int, state: State) -> None:
        if sent := self.messenger.sent[self.before :]:
            self.world.callback(sent[which % len(sent)], state)

    @rule(visit=consumes(visits))
    def forget(self, visit: str) -> None:
        """So that the other rules do not always meet the same few visits."""

    @invariant()
    def every_reminder_ahead_belongs_to_the_plan_of_an_open_visit(self) -> None:
        rows = self.world.rows(
            select(Reminder.kind, Reminder.plan, Reminder.state, Appointment.status, Appointment.id)
            .join_from(Reminder, Appointment).where(Reminder.state.in_(("planned", "claimed")))
        )  # fmt: skip
        history = self.world.rows(select(AppointmentHistory.__table__))
        for row in rows:
            versions = [one.version for one in history if one.appointment_id == row.id and one.change in _PLANNING]
            assert row.plan == max(versions)
            assert row.status in ({"cancelled"} if row.kind == "cancelled" else set(OPEN))

    @invariant()
    def nobody_gets_the_same_reminder_twice(self) -> None:
        tokens = {row.token: row.reminder_id for row in self.world.rows(select(Message.token, Message.reminder_id))}
        carried_out = [tokens[sent.token] for sent in self.messenger.sent]
        assert len(carried_out) == len(set(carried_out))

    @invariant()
    def nobody_is_seen_twice_at_once(self) -> None:
        rows = self.world.rows(select(Appointment.busy_start).where(Appointment.occupies))
        assert len(rows) == len({row.busy_start for row in rows})

    def _time(self, slot: int) -> datetime:
        return self.day + slot * HOUR / 2


_PLANNING = {"book", "reschedule", "cancel"}


def test_visits_and_reminders_never_disagree(database):
    """Hypothesis plays the front desk, the patients, the worker and the provider."""
    world = World(database)
    ids = world.open(
        steps=[
            step("-P1D", "sms", "voice", fallback_after="PT30M"),
            step("-PT2H", "sms", "voice", unless_confirmed=True),
        ],
        notices=["moved", "cancelled"],
    )
    few = settings(
        max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.generate],  # each step costs several transactions: shrinking would take minutes
    )  # fmt: skip
    run_state_machine_as_test(lambda: Desk(world, ids), settings=few)


def test_a_pause_keeps_reminders_back_until_it_ends(world):
    ids = world.open(steps=[step("-P1D"), step("-PT2H")])
    visit = world.book(ids, WEDNESDAY)
    paused = world.booking.pause(visit, DESK, paused=True)
    assert (paused.paused, paused.version) == (True, 2)
    assert world.booking.pause(visit, DESK, paused=True).version == 2
    world.tick(WEDNESDAY - timedelta(days=1))
    assert world.states(visit) == [("suppressed", "paused"), ("planned", "due")]
    assert world.booking.pause(visit, DESK, paused=False).version == 3
    world.tick(WEDNESDAY - timedelta(hours=2))
    assert world.states(visit) == [("suppressed", "paused"), ("sent", "due")]
    told = [(row.change, row.actor, row.version, row.facts) for row in world.booking.history(visit)][1:]
    assert told == [("pause", "key_desk", 2, {}), ("resume", "key_desk", 3, {})]
    assert [row.facts["change"] for row in world.outbox("appointment.changed")][1:] == ["pause", "resume"]


def test_a_pause_outlives_a_move(world):
    visit = world.book(world.open(steps=[step("-P1D")]), WEDNESDAY)
    world.booking.pause(visit, DESK, paused=True)
    world.move(visit, WEDNESDAY + timedelta(hours=1))
    assert world.visit(visit).paused
    world.tick(WEDNESDAY - timedelta(hours=23))
    assert [state for state, _ in world.states(visit)] == ["withdrawn", "suppressed"]


def test_a_pause_asks_for_the_version_that_was_seen_and_happens_once(world):
    visit, once = world.book(world.open(), WEDNESDAY), Once("key_1", "a", "f")
    with pytest.raises(Stale):
        world.booking.pause(visit, DESK, paused=True, version=2)
    world.booking.pause(visit, DESK, paused=True, version=1, once=once)
    world.booking.pause(visit, DESK, paused=False)
    assert not world.booking.pause(visit, DESK, paused=True, once=once).paused


@pytest.mark.parametrize("change", [Change.CANCEL, Change.ARRIVE, Change.FULFIL, Change.NOSHOW])
def test_only_visits_ahead_are_paused(world, change):
    visit = world.book(world.open(), WEDNESDAY)
    world.change(visit, change)
    with pytest.raises(IllegalTransition):
        world.booking.pause(visit, DESK, paused=True)
    assert not world.booking.pause(visit, DESK, paused=False).paused
