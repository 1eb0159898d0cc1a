from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.appointment import Change
from reminders.domain.delivery import State
from reminders.errors import Conflict, Invalid, NotFound
from reminders.services.experiments import Experiments, Wish, reading_shown
from reminders.services.rollups import Rollups
from reminders.store.engine import Database
from tests.factories import DESK, Ids, World, at, step

LATER = at("2030-05-08 09:00")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def trials(world: World) -> Experiments:
    return Experiments(world.database, world.clock, world.catalogue)


def wish(ids: Ids, **changes: Any) -> Wish:
    usual = Wish("Do they help?", ids.policy or "", [("holdout", 0.5, [])], [], 0.03)
    return replace(usual, **changes)


def patient_in(world: World, trial: str, arm: str) -> str:
    """A new patient who draws ``arm``."""
    found = trials(world).read(trial).experiment
    for _ in range(200):
        patient = world.add_patient()
        if found.arm_of(patient) == arm:
            return patient
    raise AssertionError(arm)


def test_a_holdout_gets_no_reminder_and_the_ledger_says_why(world: World) -> None:
    ids = world.open()
    trial = trials(world).start(wish(ids)).uid
    world.catalogue.refresh()
    held = world.book(ids, LATER, patient=patient_in(world, trial, "holdout"))
    told = world.book(ids, LATER + timedelta(hours=1), patient=patient_in(world, trial, "usual"))
    assert world.states(held) == [("suppressed", "held_out")] * 2
    assert world.states(told) == [("planned", "due")] * 2
    assert all("drew the arm" in entry.sentence for entry in world.entries(held))
    world.move(held, LATER + timedelta(hours=3))
    assert {state for state, _ in world.states(held)} == {"suppressed"}
    world.tick(at("2030-05-08 08:30"))
    assert len(world.messenger.sent) == 1  # the earlier one came too late to help


def test_another_arm_gets_its_own_steps(world: World) -> None:
    ids = world.open()
    trial = trials(world).start(wish(ids, arms=[("early", 0.5, [step("-P2D", "voice")])])).uid
    world.catalogue.refresh()
    visit = world.book(ids, at("2030-05-10 09:00"), patient=patient_in(world, trial, "early"))
    assert [(row.channel, row.due_at) for row in world.reminders(visit)] == [("voice", at("2030-05-08 09:00"))]


def test_the_rules_of_an_arm_hold_until_its_reminders_go_out(world: World) -> None:
    """When it is sent, what follows when it fails, and what the ledger says go by the arm's steps, not by the policy's."""
    ids = world.open(steps=[step("-P1D", "email")])
    arm = [step("-P2D", "sms", "voice"), step("-PT2H", unless_confirmed=True)]
    trial = trials(world).start(wish(ids, arms=[("early", 0.5, arm)])).uid
    world.catalogue.refresh()
    patient = patient_in(world, trial, "early")
    visit = world.book(ids, at("2030-05-10 09:00"), patient=patient)
    first, second = (entry.sentence for entry in world.entries(visit))
    assert first == (
        "The reminder SMS 2 days before will go out on Wed 08 May 2030 at 11:00; should it not arrive, a call follows."
    )
    assert second.endswith(", unless the patient confirms before.")
    world.tick(at("2030-05-08 09:00"))
    world.callback(world.messenger.sent[0], State.FAILED, error_code=30005)
    world.tick()
    assert [sent.channel for sent in world.messenger.sent] == ["sms", "voice"]
    world.change(visit, Change.CONFIRM)
    world.tick(at("2030-05-10 07:00"))
    assert ("suppressed", "already_confirmed") in world.states(visit)


def test_guarded_services_and_those_that_come_later_take_no_part(world: World) -> None:
    ids = world.open()
    guarded = world.add_service([ids.provider], ids.policy)
    trial = trials(world).start(wish(ids, guarded_service_ids=[guarded])).uid
    later = world.add_service([ids.provider], ids.policy)
    world.catalogue.refresh()
    held = patient_in(world, trial, "holdout")
    for hours, service in enumerate((guarded, later)):
        visit = world.book(replace(ids, service=service), LATER + timedelta(hours=hours), patient=held)
        assert world.states(visit) == [("planned", "due")] * 2


def test_a_stopped_trial_is_planned_by_no_more(world: World) -> None:
    ids = world.open()
    trial = trials(world).start(wish(ids)).uid
    held = patient_in(world, trial, "holdout")
    ended = trials(world).stop(trial).ended_at
    world.clock.advance(timedelta(minutes=1))
    assert trials(world).stop(trial).ended_at == ended
    world.catalogue.refresh()
    assert world.states(world.book(ids, LATER, patient=held)) == [("planned", "due")] * 2


def test_each_patient_counts_once_by_the_arm_drawn(world: World) -> None:
    ids = world.open()
    trial = trials(world).start(wish(ids)).uid
    world.catalogue.refresh()
    held = patient_in(world, trial, "holdout")
    for hours, (patient, change) in enumerate((
        (held, Change.NOSHOW), (held, Change.FULFIL), (patient_in(world, trial, "usual"), Change.FULFIL),
        (patient_in(world, trial, "usual"), Change.CANCEL),
    )):  # fmt: skip
        visit = world.book(ids, LATER + timedelta(hours=hours), patient=patient)
        world.clock.advance(timedelta(seconds=1))
        world.change(visit, change)
    world.clock.set(at("2030-05-10 12:00"))
    before = reading_shown(trials(world).read(trial))
    assert before["arms"]["holdout"]["noshow"] == 1
    assert before["arms"]["usual"] | {"rate": None} == before["arms"]["usual"] | {
        "fulfilled": 1,
        "cancelled": 1,
        "rate": None,
    }
    assert before["visits"] == 3
    assert before["contrasts"][0]["advice"] == "wait"
    assert before["contrasts"][0]["risk_difference"] is None
    assert Rollups(world.database, world.clock).run() == 1
    assert reading_shown(trials(world).read(trial)) == before


@pytest.mark.parametrize(("changes", "field"), [
    ({"arms": [("usual", 0.1, [])]}, "arms"), ({"arms": [("a", 0.1, []), ("a", 0.1, [])]}, "arms"),
    ({"arms": [("a", 0.3, []), ("b", 0.3, [])]}, "arms"), ({"difference": 1.0}, "difference"),
    ({"policy_id": "pol_none"}, "policy_id"),
])  # fmt: skip
def test_a_trial_without_sense_is_refused(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        trials(world).start(wish(world.open(), **changes))
    assert caught.value.field == field


def test_a_policy_has_one_trial_at_a_time_and_somebody_must_take_part(world: World) -> None:
    ids = world.open()
    with pytest.raises(Invalid):
        trials(world).start(wish(ids, guarded_service_ids=[ids.service]))
    with pytest.raises(NotFound):
        trials(world).start(wish(ids, guarded_service_ids=["svc_none"]))
    trials(world).start(wish(ids))
    with pytest.raises(Conflict):
        trials(world).start(wish(ids))


def test_an_edited_policy_leaves_a_holdout_alone(world: World) -> None:
    ids = world.open()
    trial = trials(world).start(wish(ids)).uid
    world.catalogue.refresh()
    visits = [
        world.book(ids, LATER + timedelta(hours=hours), patient=patient_in(world, trial, "holdout"))
        for hours in range(2)
    ]
    world.change_sets.change_policy(ids.policy or "", {"steps": [step("-PT3H")]}, DESK)
    world.catalogue.refresh()
    world.change_work.run()
    assert [world.states(visit) for visit in visits] == [[("suppressed", "held_out")] * 2] * 2
