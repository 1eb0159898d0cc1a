"""Rows of change sets: conditional moves, exact counts, and which visits they concern."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reminders.domain.changeset import MOST_NAMED, SetState
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.plan import Planned
from reminders.domain.replanning import Difference
from reminders.errors import NotFound
from reminders.store import changesets, histories, replans
from reminders.store import reminders as reminder_store
from reminders.store.changesets import Which
from reminders.store.engine import Database
from tests.factories import MONDAY, Ground, add_visit, ground, uid

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def add(database: Database, **changes: Any) -> str:
    values = {
        "uid": uid("chg"), "kind": "cancel_visits", "facts": {"visits": []}, "preview": {"visits": 3}, "state": "held",
        "actor": "key_1", "created_at": MONDAY, "done": 0, "refused": 0,
    } | changes  # fmt: skip
    with database.write() as tx:
        changesets.add(tx, values)
    return str(values["uid"])


def move(database: Database, name: str, state: SetState, **values: Any) -> bool:
    with database.write() as tx:
        return changesets.move(tx, changesets.get(tx, name).id, state, **values)


def get(database: Database, name: str) -> Any:
    with database.read() as tx:
        return changesets.get(tx, name)


@pytest.mark.parametrize(
    ("state", "new", "moved"),
    [("held", "released", True), ("held", "dropped", True), ("held", "applying", False), ("released", "held", True),
     ("released", "dropped", False), ("applying", "held", False), ("applying", "applied", True),
     ("applied", "held", False), ("dropped", "released", False)],
)  # fmt: skip
def test_a_set_moves_only_along_its_list(database, state, new, moved):
    name = add(database, state=state)
    assert move(database, name, SetState(new)) is moved
    assert get(database, name).state == (new if moved else state)


def test_an_unknown_set_is_not_found(database):
    with pytest.raises(NotFound):
        get(database, "chg_none")


def test_due_sets_come_in_order_of_their_time(database):
    late = add(database, state="released", apply_at=MONDAY + MINUTE)
    early = add(database, state="applying", apply_at=MONDAY)
    add(database, state="released", apply_at=MONDAY + HOUR)
    add(database, state="held")
    with database.read() as tx:
        assert [row.uid for row in changesets.due(tx, MONDAY + MINUTE)] == [early, late]
        assert changesets.due(tx, MONDAY - MINUTE) == []


def test_lists_are_newest_first_and_can_be_narrowed(database):
    first, second = add(database), add(database, state="dropped")
    with database.read() as tx:
        rows = changesets.listing(tx, None, 10, None)
        assert [row.uid for row in rows] == [second, first]
        assert [row.uid for row in changesets.listing(tx, rows[0].id, 10, None)] == [first]
        assert [row.uid for row in changesets.listing(tx, None, 10, "held")] == [first]
        assert changesets.open_sets(tx, 10) == 1


def test_counts_move_one_by_one_and_refusals_are_named_up_to_a_limit(database):
    name = add(database)
    number = get(database, name).id
    with database.write() as tx:
        changesets.count_done(tx, number)
        changesets.count_refused(tx, number, "apt_1", "visit_moved")
    row = get(database, name)
    assert (row.done, row.refused) == (1, 1)
    assert row.preview == {"visits": 3, "left_alone": [{"appointment_id": "apt_1", "code": "visit_moved"}]}
    with database.write() as tx:
        for _ in range(MOST_NAMED + 3):
            changesets.count_refused(tx, number, "apt_2", "visit_moved")
    row = get(database, name)
    assert (row.refused, len(row.preview["left_alone"])) == (MOST_NAMED + 4, MOST_NAMED)


def test_only_one_worker_holds_a_set(database):
    """The other one does not wait: it finds nothing to do."""
    number = get(database, add(database, state="applying")).id
    if database.is_sqlite:  # one writer at a time anyway
        return
    with database.write() as tx, database.write() as other:
        assert changesets.hold(tx, number) is not None
        assert changesets.hold(other, number) is None


def test_a_policy_is_being_edited_while_its_visits_are_planned_anew(database):
    facts = {"policy_id": "pol_1", "visits": []}
    name = add(database, kind="edit_policy", state="released", apply_at=MONDAY, facts=facts)

    def busy(policy: str) -> bool:
        with database.read() as tx:
            return changesets.is_being_edited(tx, policy)

    assert not busy("pol_1")
    move(database, name, SetState.APPLYING)
    assert (busy("pol_1"), busy("pol_2")) == (True, False)
    move(database, name, SetState.APPLIED, apply_at=None)
    assert not busy("pol_1")


def visits(database: Database, here: Ground, *rows: dict[str, Any]) -> list[str]:
    with database.write() as tx:
        for row in rows:
            add_visit(tx, row)
    return [row["uid"] for row in rows]


def names(database: Database, which: Which) -> list[str]:
    with database.read() as tx:
        pages, after = [], None
        while page := changesets.visits(tx, which, after, 2):
            pages += [row.uid for row in page]
            after = page[-1].start_at, page[-1].id
        assert pages == [name for name, _ in changesets.names(tx, which)]
        return pages


def test_visits_are_found_by_window_and_provider_open_ones_only(database):
    here = ground(database)
    mine, other = here.providers
    found = visits(
        database, here, here.visit(MONDAY), here.visit(MONDAY + HOUR), here.visit(MONDAY + HOUR, provider_id=other),
        here.visit(MONDAY + 2 * HOUR, status="cancelled", occupies=False), here.visit(MONDAY + 3 * HOUR, status="arrived"),
        here.visit(MONDAY + DAY), here.visit(MONDAY + 2 * HOUR, patient_id=here.patients[1]),
    )  # fmt: skip
    day = Which(MONDAY, MONDAY + DAY)
    assert names(database, day) == [found[place] for place in (0, 1, 2, 6)]
    assert names(database, Which(MONDAY + MINUTE, MONDAY + DAY, provider_id=mine)) == [found[1], found[6]]
    assert names(database, Which(MONDAY, None, location_id=here.location + 1)) == []
    assert names(database, Which(MONDAY, None, policy_id=1)) == []
    with database.read() as tx:
        assert changesets.patients(tx, day) == 2
        assert changesets.patients(tx, Which(MONDAY + DAY)) == 1


def test_a_difference_is_written_even_where_numbers_change_places(database):
    here = ground(database)
    with database.write() as tx:
        number = add_visit(tx, here.visit(MONDAY + DAY))
        reminder_store.add(tx, [here.reminder(number, MONDAY + HOUR, step=place) for place in range(4)])
        rows = replans.reminders(tx, [number], lock=True)
        first, second, third, fourth = (row.id for row in rows)
        later = Planned(0, Channel.SMS, MONDAY + 2 * HOUR, MONDAY + 3 * HOUR, State.PLANNED, Reason.SHIFTED)
        difference = Difference(
            {first: 1, second: 0, third: 1000}, withdrawn=[third], changed={first: later}, retimed={fourth: later},
            ended=[fourth],
        )  # fmt: skip
        replans.carry_out(tx, difference, MONDAY)
        rows = replans.reminders(tx, [number])
    assert [(row.step, row.state, row.reason, row.due_at) for row in rows] == [
        (1, "planned", "shifted_quiet_hours", MONDAY + 2 * HOUR), (0, "planned", "due", MONDAY + HOUR),
        (1000, "withdrawn", "superseded", MONDAY + HOUR), (3, "planned", "superseded", MONDAY + 2 * HOUR),
    ]  # fmt: skip


def test_a_plan_is_the_version_of_the_last_booking_or_move(database):
    here = ground(database)

    def enter(number: int, change: str, version: int) -> None:
        histories.add(tx, {"appointment_id": number, "at": MONDAY + version * HOUR, "change": change, "actor": "a",
                           "channel": "c", "version": version, "facts": {}})  # fmt: skip

    with database.write() as tx:
        number = add_visit(tx, here.visit(MONDAY + DAY))
        enter(number, "reschedule", 2)
        enter(number, "confirm", 3)
        assert replans.plans(tx, [number]) == {number: 2}
        last = replans.last_planning(tx, number)
        assert (last.change, last.version) == ("reschedule", 2)
        enter(number, replans.REPLAN, 3)
        assert replans.plans(tx, [number]) == {number: 2}
        assert replans.last_planning(tx, number).change == replans.REPLAN
        assert replans.last_planning(tx, number + 1) is None
        assert changesets.unsent(tx, [number]) == {}
