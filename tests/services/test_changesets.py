"""Changes of many visits: what they would mean, who decides, and how they are carried out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from reminders.domain.actor import Actor, Once
from reminders.domain.appointment import Change
from reminders.domain.changeset import Kind
from reminders.errors import Invalid, NotFound
from reminders.services.changeset_work import ChangeSetWork
from reminders.services.changesets import BeingEdited, Window, WrongState
from reminders.services.lifecycle import Lifecycle
from reminders.store import changesets as store
from reminders.store import consents, patients
from reminders.store.engine import Database, Record
from tests.factories import DESK, MONDAY, PATIENT, Ids, World, at, step, together
from tests.fakes import WorkerDied

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
WEDNESDAY = at("2030-05-08 10:00")  # noon in Madrid
UNDO = 5 * MINUTE
MANAGER = Actor("key_manager", "console")
NOTICES = ("moved", "cancelled")


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def window(ids: Ids, first: datetime = MONDAY, last: datetime = MONDAY + 7 * DAY, **more: Any) -> Window:
    return Window(first, last, **{"provider_id": ids.provider} | more)


def cancel(world: World, ids: Ids, reason: str | None = "ill", **more: Any) -> Record:
    return world.change_sets.cancel_visits(window(ids, **more), reason, DESK)


def booked(world: World, ids: Ids, *people: dict[str, Any]) -> list[str]:
    """A visit for each of these people, one after the other on Wednesday."""
    return [
        world.book(ids, WEDNESDAY + n * HOUR / 2, patient=world.add_patient(**person))
        for n, person in enumerate(people)
    ]


def work_off(world: World, work: ChangeSetWork | None = None) -> None:
    """The time to undo passes, and the worker does what is due."""
    world.clock.advance(UNDO)
    (work or world.change_work).run()


def statuses(world: World, visits: list[str]) -> list[str]:
    return [world.visit(visit).status for visit in visits]


def counts(world: World, found: Record) -> tuple[str, int, int]:
    row = world.change_sets.get(found.uid)
    return row.state, row.done, row.refused


class TestPreview:
    def test_it_counts_people_messages_languages_and_cost(self, world):
        ids = world.open(notices=NOTICES)
        visits = booked(
            world, ids, {"language": "es"}, {"language": "zh-CN"}, {"language": None}, {"language": "de"},
            {"phone": None}, {"language": "es"}, {"language": "es"},
        )  # fmt: skip
        stopped, broken = (world.visit(visit).patient_uid for visit in visits[-2:])
        world.patients.stop(stopped, "all", DESK)
        world.run(lambda tx: patients.change(tx, patients.get(tx, broken).id, {"phone_problem": "not a number"}))
        world.book(ids, WEDNESDAY + 4 * HOUR, patient=world.visit(visits[0]).patient_uid)
        before = world.reminders()
        found = cancel(world, ids)
        facts = found.preview
        assert (facts["visits"], facts["patients"], facts["messages"]) == (8, 7, 5)
        assert facts["by_language"] == {"de": 1, "es": 3, "zh_Hans": 1}
        assert facts["by_channel"] == {"sms": 5}
        assert facts["unreachable_by_reason"] == {"bad_number": 1, "no_address": 1, "opted_out": 1}
        assert set(facts["unreachable_patient_ids"]) == {world.visit(visit).patient_uid for visit in visits[4:]}
        assert facts["cost"] == [{"amount": str(facts["segments"] * 783 / 10000), "currency": "USD"}]
        assert facts["taken_back"] == len([row for row in before if row.state == "planned"])
        assert world.reminders() == before, "a preview changes nothing"

    def test_who_wants_no_e_mail_is_counted_as_out_of_reach(self, world):
        ids = world.open(notices=NOTICES)
        booked(world, ids, {"phone": None, "email": "ana@example.com"}, {"phone": None, "email": "leo@example.com"})
        world.run(lambda tx: consents.stop(tx, "leo@example.com", "email", MONDAY, "unsubscribed", None))
        facts = cancel(world, ids).preview
        assert facts["by_channel"] == {"email": 1}
        assert facts["unreachable_by_reason"] == {"opted_out": 1}

    def test_segments_are_those_of_the_real_texts(self, world):
        long = "Centro de Salud Nuestra Señora de los Ángeles de la Ribera Alta del Río, planta segunda"
        ids = world.open(notices=NOTICES, location={"name": long, "phone": "+34600000099"})
        booked(world, ids, {"language": "es"})
        preview = cancel(world, ids).preview
        work_off(world)
        world.tick(world.clock.now() + 3 * MINUTE)
        (sent,) = world.messages()
        assert (preview["segments"], preview["messages"]) == (sent.segments, 1)
        assert sent.segments > 1
        assert preview["cost"][0]["amount"] == f"{sent.estimated.normalize():f}"

    def test_without_a_notice_in_the_policy_nobody_is_told(self, world):
        ids = world.open()
        booked(world, ids, {}, {})
        facts = cancel(world, ids).preview
        assert (facts["messages"], facts["patients_without_message"], facts["cost"]) == (0, 2, [])

    def test_only_open_visits_of_the_window_that_have_not_begun_count(self, world):
        ids = world.open()
        visits = booked(world, ids, {}, {}, {})
        world.change(visits[0], Change.CANCEL)
        world.clock.set(WEDNESDAY + HOUR / 2)
        found = cancel(world, ids)
        assert [uid for uid, _ in found.facts["visits"]] == visits[2:]
        assert cancel(world, ids, first=MONDAY + 5 * DAY).preview["visits"] == 0

    def test_a_location_alone_is_enough_but_something_must_be_named(self, world):
        ids = world.open()
        booked(world, ids, {})
        everywhere = Window(MONDAY, MONDAY + 7 * DAY, None, ids.location)
        assert world.change_sets.cancel_visits(everywhere, None, DESK).preview["visits"] == 1
        with pytest.raises(Invalid):
            world.change_sets.cancel_visits(Window(MONDAY, MONDAY + DAY), None, DESK)
        with pytest.raises(NotFound):
            world.change_sets.cancel_visits(Window(MONDAY, MONDAY + DAY, "prv_none"), None, DESK)


class TestGate:
    def test_few_patients_are_released_at_once_with_time_to_undo(self, world):
        ids = world.open()
        booked(world, ids, {}, {})
        found = cancel(world, ids)
        assert (found.state, found.apply_at, found.ended_by) == ("released", MONDAY + UNDO, DESK.name)

    def test_many_are_held_and_nothing_is_sent_until_somebody_decides(self, world):
        ids = world.open(notices=NOTICES)
        visits = booked(world, ids, {}, {}, {})
        found = cancel(world, ids)
        assert (found.state, found.apply_at) == ("held", None)
        world.clock.advance(HOUR)
        assert world.change_work.run() == 0
        world.tick()
        assert (statuses(world, visits), world.messenger.sent) == (["booked"] * 3, [])

    def test_several_visits_of_one_patient_are_one_patient(self, world):
        ids = world.open()
        for n in range(4):
            world.book(ids, WEDNESDAY + n * HOUR)
        assert cancel(world, ids).state == "released"

    def test_a_release_takes_effect_when_the_time_to_undo_has_passed(self, world):
        ids = world.open(notices=NOTICES)
        visits = booked(world, ids, {}, {}, {})
        found = cancel(world, ids)
        world.change_sets.release(found.uid, MANAGER)
        world.clock.advance(UNDO - MINUTE)
        assert world.change_work.run() == 0
        world.clock.advance(MINUTE)
        assert world.change_work.run() == 3
        assert (counts(world, found), statuses(world, visits)) == (("applied", 3, 0), ["cancelled"] * 3)
        last = world.booking.history(visits[0])[-1]
        assert (last.change, last.actor, last.channel, last.facts) == (
            "cancel", MANAGER.name, "console", {"reason": "ill"},
        )  # fmt: skip
        world.tick(world.clock.now() + 3 * MINUTE)
        assert len(world.messenger.sent) == 3
        assert world.change_work.run() == 0, "an applied set is done"

    def test_undo_holds_it_again(self, world):
        ids = world.open()
        visits = booked(world, ids, {}, {})
        found = cancel(world, ids)
        assert world.change_sets.undo(found.uid, DESK).state == "held"
        work_off(world)
        assert (counts(world, found), statuses(world, visits)) == (("held", 0, 0), ["booked"] * 2)
        again = world.change_sets.release(found.uid, DESK)
        assert again.apply_at == world.clock.now() + UNDO

    def test_dropped_is_dropped(self, world):
        ids = world.open()
        booked(world, ids, {}, {}, {})
        found = cancel(world, ids)
        dropped = world.change_sets.drop(found.uid, MANAGER)
        assert (dropped.state, dropped.ended_at, dropped.ended_by) == ("dropped", MONDAY, MANAGER.name)
        with pytest.raises(WrongState):
            world.change_sets.release(found.uid, DESK)
        work_off(world)
        assert counts(world, found) == ("dropped", 0, 0)

    def test_decisions_may_be_repeated_but_not_after_it_has_gone_on(self, world):
        ids = world.open()
        booked(world, ids, {}, {}, {})
        sets, uid = world.change_sets, cancel(world, ids).uid
        assert sets.undo(uid, DESK).state == "held"
        first = sets.release(uid, DESK)
        world.clock.advance(MINUTE)
        assert sets.release(uid, DESK).apply_at == first.apply_at, "a second click does not wait anew"
        with pytest.raises(WrongState):
            sets.drop(uid, DESK)
        work_off(world)
        for decision in (sets.undo, sets.drop, sets.release):
            with pytest.raises(WrongState):
                decision(uid, DESK)
        with pytest.raises(NotFound):
            sets.release("chg_none", DESK)

    def test_the_same_request_makes_one_set(self, world):
        ids = world.open()
        booked(world, ids, {})
        once = Once("key_desk", "k1", "f")
        first, second = (world.change_sets.cancel_visits(window(ids), "ill", DESK, once) for _ in range(2))
        assert first.uid == second.uid
        assert len(world.change_sets.listing(None, 10)) == 1

    def test_sets_that_wait_are_counted(self, world):
        ids = world.open()
        booked(world, ids, {}, {}, {})
        cancel(world, ids)
        dropped = cancel(world, ids)
        world.change_sets.drop(dropped.uid, DESK)
        assert world.change_sets.waiting(10) == 1
        assert [row.uid for row in world.change_sets.listing(None, 10, "dropped")] == [dropped.uid]


class TestCarryingOut:
    def test_what_changed_meanwhile_is_left_alone_and_said(self, world):
        ids = world.open(notices=NOTICES)
        visits = booked(world, ids, *[{} for _ in range(5)])
        found = cancel(world, ids)
        world.change_sets.release(found.uid, DESK)
        world.change(visits[0], Change.CANCEL, PATIENT)
        world.move(visits[1], WEDNESDAY + DAY)
        world.change(visits[2], Change.CONFIRM, PATIENT)
        world.change(visits[3], Change.ARRIVE)
        work_off(world)
        assert statuses(world, visits) == ["cancelled", "booked", "cancelled", "arrived", "cancelled"]
        assert counts(world, found) == ("applied", 2, 3)
        assert world.change_sets.get(found.uid).preview["left_alone"] == [
            {"appointment_id": visits[0], "code": "visit_cancelled"},
            {"appointment_id": visits[1], "code": "visit_moved"},
            {"appointment_id": visits[3], "code": "visit_over"},
        ]
        assert [one.change for one in world.booking.history(visits[0])].count("cancel") == 1

    def test_a_visit_that_has_begun_by_then_is_left_alone(self, world):
        ids = world.open()
        visits = booked(world, ids, {}, {})
        world.clock.set(WEDNESDAY - MINUTE)
        found = cancel(world, ids)
        work_off(world)
        assert (statuses(world, visits), counts(world, found)) == (["booked", "cancelled"], ("applied", 1, 1))

    @pytest.mark.parametrize("moment", ["before the change", "after the change"])
    def test_a_worker_that_dies_between_visits_loses_and_repeats_nothing(self, world, moment):
        ids = world.open(notices=NOTICES)
        visits = booked(world, ids, *[{} for _ in range(5)])
        found = cancel(world, ids)
        world.change_sets.release(found.uid, DESK)
        world.clock.advance(UNDO)
        for deaths in range(1, 4):
            dying = ChangeSetWork(
                world.database, world.clock, world.catalogue,
                Dying(world.clock, world.catalogue, survives=1, changes_first=moment.startswith("after")),
            )  # fmt: skip
            with pytest.raises(WorkerDied):
                dying.run()
            assert counts(world, found) == ("applying", deaths, 0)
            assert statuses(world, visits).count("cancelled") == deaths
        world.change_work.run()
        assert (counts(world, found), statuses(world, visits)) == (("applied", 5, 0), ["cancelled"] * 5)
        for visit in visits:
            assert [one.change for one in world.booking.history(visit)] == ["book", "cancel"]
        world.tick(world.clock.now() + 3 * MINUTE)
        assert len(world.messenger.sent) == 5

    def test_several_workers_share_a_set_without_doing_anything_twice(self, world):
        ids = world.open(notices=NOTICES)
        visits = booked(world, ids, *[{} for _ in range(12)])
        found = cancel(world, ids)
        world.change_sets.release(found.uid, DESK)
        world.clock.advance(UNDO)
        for _ in range(3):
            results = together([world.change_work.run] * 4)
            assert all(isinstance(result, int) for result in results), results
        assert (counts(world, found), statuses(world, visits)) == (("applied", 12, 0), ["cancelled"] * 12)
        assert {len(world.booking.history(visit)) for visit in visits} == {2}

    def test_undoing_and_beginning_at_the_same_moment(self, world):
        ids = world.open()
        visits = booked(world, ids, {}, {})
        for _ in range(5):
            found = cancel(world, ids)
            world.clock.advance(UNDO)
            undone, _ = together([lambda uid=found.uid: world.change_sets.undo(uid, DESK), world.change_work.run])
            world.change_work.run()  # the first may have found the row locked by the undoing and left it
            done = statuses(world, visits) == ["cancelled"] * 2
            assert done is isinstance(undone, WrongState), undone
            if done:
                break

    def test_a_large_set_is_worked_off_in_several_runs(self, world):
        ids = world.open(steps=None)
        visits = [world.book(ids, WEDNESDAY + n * HOUR) for n in range(105)]
        found = cancel(world, ids, last=MONDAY + 30 * DAY)
        world.clock.advance(UNDO)
        assert world.change_work.run() == 100
        assert counts(world, found) == ("applying", 100, 0)
        assert world.change_work.run() == 5
        assert (counts(world, found), set(statuses(world, visits))) == (("applied", 105, 0), {"cancelled"})


class Dying(Lifecycle):
    """Its process is killed in the middle of the visit after so many."""

    def __init__(self, *parts: Any, survives: int, changes_first: bool) -> None:
        super().__init__(*parts)
        self._left = survives
        self._changes_first = changes_first

    def change(self, *parts: Any, **more: Any) -> Record:
        if self._left == 0 and not self._changes_first:
            raise WorkerDied
        result = super().change(*parts, **more)
        if self._left == 0:
            raise WorkerDied
        self._left -= 1
        return result


class TestMoving:
    def test_visits_go_to_the_colleague_at_the_same_times(self, world):
        ids = world.open(notices=NOTICES)
        other = world.add_provider(ids.location)
        world.clinic.change_service(ids.service, {}, [ids.provider, other])
        visits = booked(world, ids, {}, {})
        found = world.change_sets.move_provider(window(ids), other, DESK)
        assert (found.preview["visits"], found.preview["messages"], found.preview["refused"]) == (2, 2, 0)
        work_off(world)
        assert counts(world, found) == ("applied", 2, 0)
        number = world.catalogue.current().provider(other).id
        assert [(world.visit(one).provider_id, world.visit(one).start_at) for one in visits] == [
            (number, WEDNESDAY), (number, WEDNESDAY + HOUR / 2),
        ]  # fmt: skip

    def test_times_that_are_not_free_are_refused_beforehand(self, world):
        ids = world.open(steps=None)
        other = world.add_provider(ids.location, hours=[(2, "09:00", "12:30")])
        world.clinic.change_service(ids.service, {}, [ids.provider, other])
        busy = Ids(ids.location, other, ids.service, None, ids.patient)
        only_here = world.add_service([ids.provider], None)
        visits = [world.book(ids, WEDNESDAY + n * HOUR / 2) for n in (-2, -1, 0, 1)]
        visits.append(world.book(Ids(ids.location, ids.provider, only_here, None, ids.patient), WEDNESDAY - 3 * HOUR))
        world.book(busy, WEDNESDAY - HOUR / 2)
        found = world.change_sets.move_provider(window(ids), other, DESK)
        assert found.preview["visits"] == 2
        assert {one["appointment_id"]: one["code"] for one in found.preview["refusals"]} == {
            visits[1]: "slot_taken", visits[3]: "slot_not_offered", visits[4]: "service_not_offered",
        }  # fmt: skip

    def test_a_time_that_is_taken_in_the_meantime_is_refused_and_counted(self, world):
        ids = world.open(steps=None)
        other = world.add_provider(ids.location)
        world.clinic.change_service(ids.service, {}, [ids.provider, other])
        visits = booked(world, ids, {}, {})
        found = world.change_sets.move_provider(window(ids), other, DESK)
        world.book(Ids(ids.location, other, ids.service, None, ids.patient), WEDNESDAY)
        work_off(world)
        assert counts(world, found) == ("applied", 1, 1)
        assert world.change_sets.get(found.uid).preview["left_alone"] == [
            {"appointment_id": visits[0], "code": "slot_taken"}
        ]

    def test_what_the_clinic_changed_in_the_meantime_counts(self, world):
        ids = world.open(steps=None)
        other = world.add_provider(ids.location)
        world.clinic.change_service(ids.service, {}, [ids.provider, other])
        booked(world, ids, {})
        closed = world.change_sets.move_provider(window(ids), other, DESK)
        withdrawn = world.change_sets.move_provider(window(ids), other, DESK)
        world.clinic.change_provider(other, {}, [], None)
        world.clock.advance(UNDO)
        world.change_work.run()
        assert world.change_sets.get(closed.uid).preview["left_alone"][0]["code"] == "slot_not_offered"
        assert counts(world, withdrawn) == ("applied", 0, 1)

    def test_a_provider_cannot_stand_in_for_himself(self, world):
        ids = world.open()
        with pytest.raises(Invalid):
            world.change_sets.move_provider(window(ids), ids.provider, DESK)


def offsets(world: World, visit: str) -> list[tuple[str, timedelta]]:
    """(state, lead time) of every reminder of a visit, in order of time."""
    start = world.visit(visit).start_at
    rows = sorted(world.reminders(visit), key=lambda row: (row.due_at, row.id))
    return [(row.state, start - row.due_at) for row in rows]


def edit(world: World, ids: Ids, *steps: dict[str, Any], **more: Any) -> Any:
    values = ({"steps": [full(one) for one in steps]} if steps else {}) | more
    return world.change_sets.change_policy(ids.policy, values, DESK)


def full(one: dict[str, Any]) -> dict[str, Any]:
    return {"unless_confirmed": False, "fallback_after": None, "not_after": None} | one


class TestEditedPolicy:
    def test_visits_already_booked_follow_at_once(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        visits = booked(world, ids, {}, {})
        edited = edit(world, ids, step("-P1D"), step("-PT3H"), step("-PT1H"))
        assert (edited.waiting, len(edited.policy.steps)) == (None, 3)
        for visit in visits:
            assert offsets(world, visit) == [("planned", DAY), ("planned", 3 * HOUR), ("planned", HOUR)]
            row = world.visit(visit)
            last = world.booking.history(visit)[-1]
            assert (row.version, last.change, last.actor, last.version) == (1, "replan", DESK.name, 1)
            assert last.facts == {"policy_id": ids.policy}
        assert [row.step for row in world.reminders(visits[0])] == [0, 1, 2]

    def test_removed_steps_are_withdrawn_and_new_ones_planned(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        (visit,) = booked(world, ids, {})
        edit(world, ids, step("-PT2H"), step("-PT3H"))
        assert offsets(world, visit) == [("withdrawn", DAY), ("planned", 3 * HOUR), ("planned", 2 * HOUR)]
        (gone,) = [row for row in world.reminders(visit) if row.state == "withdrawn"]
        assert gone.reason == "superseded"
        assert "policy" in next(one.sentence for one in world.entries(visit) if one.state == "withdrawn")

    def test_what_was_sent_is_not_sent_again(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        (visit,) = booked(world, ids, {})
        world.tick(WEDNESDAY - DAY)
        assert len(world.messenger.sent) == 1
        edit(world, ids, step("-PT20H"), step("-PT2H"), step("-PT1H"))
        for ahead in (20 * HOUR, 2 * HOUR, HOUR):
            world.tick(WEDNESDAY - ahead)
        assert len(world.messenger.sent) == 3
        assert [state for state, _ in offsets(world, visit)] == ["sent", "sent", "sent"]

    def test_edits_may_follow_each_other(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        (visit,) = booked(world, ids, {})
        edit(world, ids, step("-PT2H"))
        edit(world, ids, step("-P1D"), step("-PT2H"))
        edit(world, ids, step("-PT2H"), step("-P1D"))
        for ahead in (DAY, 2 * HOUR):
            world.tick(WEDNESDAY - ahead)
        assert len(world.messenger.sent) == 2
        assert [state for state, _ in offsets(world, visit)].count("sent") == 2

    def test_a_reminder_planned_by_an_edit_tells_the_time_of_the_visit_as_it_is(self, world):
        """The patient was told of the new time by such a reminder, so moving back to the old one is news."""
        ids = world.open(steps=[])
        (visit,) = booked(world, ids, {})
        world.move(visit, WEDNESDAY + 7 * DAY)
        edit(world, ids, step("-P8D"), notices=["moved"])
        world.tick(WEDNESDAY - DAY)
        assert len(world.messenger.sent) == 1
        world.move(visit, WEDNESDAY)
        assert [row.kind for row in world.reminders(visit) if row.state == "planned"] == ["moved"]

    def test_quiet_hours_move_what_is_planned(self, world):
        ids = world.open(steps=[step("-P1D")])
        (visit,) = booked(world, ids, {})
        edit(world, ids, quiet_hours={"mode": "own", "start": "11:00", "end": "14:00"})
        assert offsets(world, visit) == [("planned", 22 * HOUR)]

    def test_other_fields_need_no_new_plan(self, world):
        ids = world.open(steps=[step("-P1D")])
        visits = booked(world, ids, {}, {}, {})
        assert edit(world, ids, name="New name").policy.name == "New name"
        assert edit(world, ids).waiting is None
        same = world.change_sets.change_policy(ids.policy, {"steps": [step("-P1D")]}, DESK)
        assert same.waiting is None
        assert {len(world.booking.history(visit)) for visit in visits} == {1}

    def test_many_patients_wait_and_nothing_changes_until_it_is_released(self, world):
        ids = world.open(steps=[step("-P1D")], notices=NOTICES)
        visits = booked(world, ids, {}, {"language": "en"}, {"phone": None})
        edited = edit(world, ids, step("-P1D"), step("-PT2H"))
        assert (edited.waiting.state, edited.waiting.kind, len(edited.policy.steps)) == ("held", "edit_policy", 1)
        preview = edited.waiting.preview
        assert (preview["visits"], preview["patients"], preview["messages"]) == (3, 3, 2)
        assert (preview["by_language"], preview["unreachable"]) == ({"en": 1, "es": 1}, 1)
        work_off(world)
        assert [offsets(world, visit) for visit in visits] == [[("planned", DAY)]] * 3
        late = world.book(ids, WEDNESDAY + 3 * HOUR)
        world.change_sets.release(edited.waiting.uid, DESK)
        work_off(world)
        assert counts(world, edited.waiting) == ("applying", 4, 0), (
            "booked meanwhile by a process that had not read it?"
        )
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        assert counts(world, edited.waiting) == ("applied", 4, 0)
        for visit in [*visits, late]:
            assert offsets(world, visit) == [("planned", DAY), ("planned", 2 * HOUR)]
        assert world.booking.history(visits[0])[-1].facts == {
            "policy_id": ids.policy, "change_set_id": edited.waiting.uid,
        }  # fmt: skip

    def test_visits_booked_or_moved_while_it_is_at_work_are_planned_once(self, world):
        ids = world.open(steps=[step("-P1D")])
        visits = booked(world, ids, {}, {}, {})
        edited = edit(world, ids, step("-P1D"), step("-PT2H"))
        world.change_sets.release(edited.waiting.uid, DESK)
        work_off(world)
        world.move(visits[0], WEDNESDAY + DAY)
        fresh = world.book(ids, WEDNESDAY + 2 * DAY)
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        for visit in (visits[0], fresh):
            assert [one for one in offsets(world, visit) if one[0] == "planned"] == [
                ("planned", DAY), ("planned", 2 * HOUR),
            ]  # fmt: skip

    def test_a_visit_moved_while_it_is_at_work_is_not_planned_a_second_time(self, world):
        """Its steps are numbered by the new policy already."""
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        visits = booked(world, ids, {}, {}, {})
        edited = edit(world, ids, step("-PT2H"), step("-P1D")).waiting
        world.change_sets.release(edited.uid, DESK)
        world.clock.advance(UNDO)
        with pytest.raises(WorkerDied):
            ChangeSetWork(
                world.database, world.clock, world.catalogue, DyingReplanner(world.clock, world.catalogue)
            ).run()
        world.clock.advance(MINUTE)
        world.catalogue.refresh()
        world.move(visits[2], WEDNESDAY + 7 * DAY)
        before = world.reminders(visits[2])
        world.change_work.run()
        assert counts(world, edited) == ("applied", 3, 0)
        assert world.reminders(visits[2]) == before
        assert [one.change for one in world.booking.history(visits[2])] == ["book", "reschedule"]

    def test_looking_for_stale_bookings_plans_nothing_twice(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        visits = booked(world, ids, {}, {}, {})
        sets = world.gate(radius=2, undo=timedelta())
        edited = sets.change_policy(ids.policy, {"steps": [step("-PT2H"), step("-P1D")]}, DESK)
        sets.release(edited.waiting.uid, DESK)
        world.change_work.run()
        first = world.reminders(visits[0])
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        assert counts(world, edited.waiting) == ("applied", 3, 0)
        assert world.reminders(visits[0]) == first
        assert {tuple(one.change for one in world.booking.history(visit)) for visit in visits} == {("book", "replan")}

    def test_a_service_that_gets_another_policy_takes_its_visits_along(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        other = world.add_policy(steps=[step("-PT3H"), step("-P1D")])
        (visit,) = booked(world, ids, {})
        assert world.change_sets.switch_policy(ids.service, other, DESK) is None
        assert offsets(world, visit) == [("planned", DAY), ("planned", 3 * HOUR)]
        late = world.book(ids, WEDNESDAY + 3 * HOUR)
        assert offsets(world, late) == [("planned", DAY), ("planned", 3 * HOUR)]
        before = world.reminders(visit)
        assert world.change_sets.switch_policy(ids.service, other, DESK) is None
        assert world.reminders(visit) == before, "it follows it already"

    def test_a_service_that_had_no_policy_gets_one(self, world):
        ids = world.open(steps=None)
        visits = booked(world, ids, {}, {}, {})
        other = world.add_policy(steps=[step("-P1D")])
        waiting = world.change_sets.switch_policy(ids.service, other, DESK)
        assert (waiting.state, waiting.preview["messages"]) == ("held", 3)
        assert [offsets(world, visit) for visit in visits] == [[], [], []]
        world.change_sets.release(waiting.uid, DESK)
        work_off(world)
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        assert counts(world, waiting) == ("applied", 3, 0)
        assert [offsets(world, visit) for visit in visits] == [[("planned", DAY)]] * 3

    def test_other_services_of_the_new_policy_are_left_alone(self, world):
        ids = world.open(steps=[step("-P1D")])
        other = world.open(steps=[step("-PT5H")])
        (mine,), (theirs,) = booked(world, ids, {}), booked(world, other, {})
        untouched = world.reminders(theirs)
        world.change_sets.switch_policy(ids.service, other.policy, DESK)
        assert world.reminders(theirs) == untouched
        assert ("planned", 5 * HOUR) in offsets(world, mine)

    def test_no_policy_and_one_that_is_being_edited_are_refused(self, world):
        ids = world.open(steps=[step("-P1D")])
        other = world.open(steps=[step("-PT5H")])
        with pytest.raises(Invalid):
            world.change_sets.switch_policy(ids.service, "pol_unknown", DESK)
        booked(world, other, {}, {}, {})
        sets = world.gate(radius=2, undo=timedelta())
        waiting = sets.change_policy(other.policy, {"steps": [full(step("-PT2H"))]}, DESK).waiting
        sets.release(waiting.uid, DESK)
        world.change_work.run()
        assert counts(world, waiting)[0] == "applying"
        with pytest.raises(BeingEdited):
            world.change_sets.switch_policy(ids.service, other.policy, DESK)

    def test_a_stale_booking_is_caught_up_with(self, world):
        """Another process read the policy just before it was edited and stores its booking just after."""
        stale = World(world.database, world.clock.now())
        ids = world.open(steps=[step("-P1D")])
        booked(world, ids, {}, {}, {})
        stale.catalogue.refresh()
        edited = edit(world, ids, step("-PT2H"))
        world.change_sets.release(edited.waiting.uid, DESK)
        work_off(world)
        stale.clock.set(world.clock.now())
        visit = stale.book(ids, WEDNESDAY + 3 * HOUR)
        assert offsets(world, visit) == [("planned", DAY)]
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        assert [one for one in offsets(world, visit) if one[0] == "planned"] == [("planned", 2 * HOUR)]
        assert counts(world, edited.waiting)[0] == "applied"

    def test_two_edits_of_one_policy_do_not_overlap(self, world):
        ids = world.open(steps=[step("-P1D")])
        visits = booked(world, ids, {}, {}, {})
        first, second = (edit(world, ids, step("-P1D"), step(text)).waiting for text in ("-PT2H", "-PT3H"))
        for one in (first, second):
            world.change_sets.release(one.uid, DESK)
        work_off(world)
        assert (counts(world, first)[0], counts(world, second)[0]) == ("applying", "released")
        with pytest.raises(BeingEdited):
            world.gate(radius=100).change_policy(ids.policy, {"steps": []}, DESK)
        for _ in range(3):
            world.clock.advance(timedelta(seconds=10))
            world.change_work.run()
        assert (counts(world, first)[0], counts(world, second)[0]) == ("applied", "applied")
        assert [one for one in offsets(world, visits[0]) if one[0] == "planned"] == [
            ("planned", DAY), ("planned", 3 * HOUR),
        ]  # fmt: skip

    def test_a_worker_that_dies_while_planning_anew(self, world):
        ids = world.open(steps=[step("-P1D")])
        visits = booked(world, ids, {}, {}, {})
        edited = edit(world, ids, step("-PT2H")).waiting
        world.change_sets.release(edited.uid, DESK)
        world.clock.advance(UNDO)
        lifecycle = DyingReplanner(world.clock, world.catalogue)
        with pytest.raises(WorkerDied):
            ChangeSetWork(world.database, world.clock, world.catalogue, lifecycle).run()
        assert counts(world, edited) == ("applying", 1, 0)
        world.clock.advance(timedelta(seconds=10))
        world.change_work.run()
        assert counts(world, edited) == ("applied", 3, 0)
        for visit in visits:
            assert [one.change for one in world.booking.history(visit)] == ["book", "replan"]
            assert offsets(world, visit) == [("withdrawn", DAY), ("planned", 2 * HOUR)]

    def test_a_stop_and_a_start_around_an_edit(self, world):
        ids = world.open(steps=[step("-P1D"), step("-PT2H")])
        (visit,) = booked(world, ids, {})
        patient = world.visit(visit).patient_uid
        world.patients.stop(patient, "all", DESK)
        edit(world, ids, step("-PT3H"))
        world.patients.allow(patient)
        for ahead in (DAY, 3 * HOUR, 2 * HOUR):
            world.tick(WEDNESDAY - ahead)
        assert len(world.messenger.sent) == 1

    def test_closed_and_past_visits_are_left_alone(self, world):
        ids = world.open(steps=[step("-P1D")])
        visits = booked(world, ids, {}, {})
        world.change(visits[0], Change.CANCEL)
        world.clock.set(WEDNESDAY + HOUR / 2)
        edit(world, ids, step("-PT2H"))
        assert [len(world.booking.history(visit)) for visit in visits] == [2, 1]


class DyingReplanner(Lifecycle):
    """Killed after one visit."""

    _left = 1

    def replan(self, *parts: Any, **more: Any) -> bool:
        result = super().replan(*parts, **more)
        if self._left == 0:
            raise WorkerDied
        self._left -= 1
        return result


def test_other_parts_can_hold_changes_of_their_own(world):
    """Sync and import hand over what they found; the rest is the same for all."""
    ids = world.open()
    visits = booked(world, ids, {}, {}, {})
    with world.database.read() as tx:
        found: Callable[..., Any] = world.previews.cancel
        affected = list(found(tx, store.Which(MONDAY)))
    facts = {"provider_id": None, "location_id": None, "reason": "gone from the calendar"}
    held = world.change_sets.submit(Kind.CANCEL_VISITS, facts, affected, Actor("system", "sync"))
    assert held.state == "held"
    world.change_sets.release(held.uid, DESK)
    work_off(world)
    assert statuses(world, visits) == ["cancelled"] * 3
