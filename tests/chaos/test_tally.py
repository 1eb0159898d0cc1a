"""The counting behind the verdicts, and the parts a storm is made of."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import func, select

from benchmarks import chaos, due, report
from benchmarks.due import Due
from benchmarks.nursery import Nursery, nursery
from benchmarks.servers import ServerError
from benchmarks.stubdesk import Accepted
from benchmarks.tally import Outcome, Row
from reminders.store.engine import Database
from reminders.store.tables import Appointment, Reminder

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
LAST = NOON + timedelta(minutes=1)


def accepted(sid: str, seconds: float = 1.0) -> Accepted:
    return Accepted("SM", sid, "+12125550100", "x", NOON.timestamp() + seconds, True)


def outcome(state: str, sid: str | None, messages: list[Accepted], tight: bool = False, unsure: int = 0) -> Outcome:
    row = {"rem_1": Row(state, "due", sid, unsure)}
    return Outcome([Due("rem_1", "+12125550100", NOON, LAST, tight)], messages, row, 0, 0, 0, 0.0, {})


@pytest.mark.parametrize(
    ("seen", "lost", "repeated", "late", "still_open", "wrong"),
    [
        (outcome("delivered", "SM1", [accepted("SM1")]), 0, 0, 0, 0, 0),
        (outcome("sent", "SM1", [accepted("SM1")]), 0, 0, 0, 0, 0),
        (outcome("sent", "SM1", [accepted("SM1")], unsure=1), 0, 0, 0, 1, 0),
        (outcome("sent", "SM1", []), 1, 0, 0, 0, 1),
        (outcome("planned", None, []), 1, 0, 0, 1, 0),
        (outcome("uncertain", None, [accepted("SM1")]), 0, 0, 0, 1, 0),
        (outcome("missed", None, []), 1, 0, 0, 0, 0),
        (outcome("missed", None, [], tight=True), 0, 0, 0, 0, 0),
        (outcome("planned", None, [], tight=True), 1, 0, 0, 1, 0),
        (outcome("missed", None, [accepted("SM1")], tight=True), 0, 0, 0, 0, 1),
        (outcome("sent", "SM1", [accepted("SM1"), accepted("SM2")]), 0, 1, 0, 0, 0),
        (outcome("sent", "SM2", [accepted("SM1")]), 0, 0, 0, 0, 1),
        (outcome("sent", "SM1", [accepted("SM1", 60.5)]), 0, 0, 0, 0, 0),
        (outcome("sent", "SM1", [accepted("SM1", 62)]), 0, 0, 1, 0, 0),
    ],
)
def test_counting(seen: Outcome, lost: int, repeated: int, late: int, still_open: int, wrong: int) -> None:
    counts = tuple(map(len, (seen.lost, seen.repeated, seen.late, seen.open, seen.wrong)))
    assert counts == (lost, repeated, late, still_open, wrong)


def test_every_finding_has_its_story() -> None:
    seen = outcome("sent", "SM1", [accepted("SM1", 2), accepted("SM2", 9)])
    assert seen.findings == {"sent twice": ["rem_1"]}
    (story,) = seen.stories()
    assert story.startswith("sent twice: rem_1 due 0.00")
    assert story.endswith("SM1 2.00, SM2 9.00")


def test_delays_are_those_of_the_first_time() -> None:
    assert outcome("sent", "SM1", [accepted("SM1", 2), accepted("SM2", 9)]).delays == [2.0]


def test_any_finding_fails_the_run() -> None:
    state: dict[str, dict[str, int]] = {"faults": {}, "callbacks": {}}
    plan = chaos.QUICK
    for messages, code in (([accepted("SM1")], 0), ([accepted("SM1"), accepted("SM2")], 1)):
        sheet = report.Sheet("t")
        seen = outcome("sent", "SM1", messages)
        chaos.judge(sheet, "sqlite", plan, Outcome(seen.due, messages, seen.rows, 1, 0, 0, 2.0, state))
        assert sheet.exit_code == code


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], [("postgresql", 4, 5000), ("sqlite", 2, 5000)]),
        (["--database", "sqlite", "--quick", "--runs", "2"], [("sqlite", 2, 600)] * 2),
        (["--database", "postgresql", "--workers", "3", "--reminders", "9"], [("postgresql", 3, 9)]),
    ],
)
def test_plans(arguments: list[str], expected: list[tuple[str, int, int]]) -> None:
    made = chaos.plans(chaos.parser().parse_args([*arguments, "--seed", "7"]))
    assert [(kind, plan.workers, plan.reminders) for kind, plan in made] == expected
    assert len({(kind, plan.seed) for kind, plan in made}) == len(made)


# The reminders


def test_every_reminder_has_a_phone_of_its_own() -> None:
    some = due.spread(1000, NOON, timedelta(seconds=10), timedelta(minutes=5), 10, timedelta(seconds=3))
    assert len({one.phone for one in some}) == len({one.uid for one in some}) == 1000
    assert (some[0].at, some[500].at) == (NOON, NOON + timedelta(seconds=5))
    assert {one.not_after - one.at for one in some} == {timedelta(minutes=5), timedelta(seconds=3)}
    assert sum(one.tight for one in some) == 100


def test_stored_as_planned(database_url: str) -> None:
    some = due.spread(120, NOON, timedelta(seconds=10), timedelta(minutes=5))
    due.store(database_url, some)
    database = Database(database_url, pool_size=1)
    with database.read() as tx:
        found = tx.execute(select(Reminder.uid, Reminder.due_at, Reminder.not_after, Reminder.state)).all()
        earliest = tx.execute(select(func.min(Appointment.start_at))).scalar_one()
    database.close()
    assert sorted(found) == [(one.uid, one.at, one.not_after, "planned") for one in some]
    assert earliest > some[-1].not_after


# The nursery


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def write(arguments: list[str]) -> None:
    """What the children of these tests do: write a line and, when asked, stay."""
    print(os.environ["WORD"], arguments[0], flush=True)
    if arguments[0] == "stay":
        time.sleep(60)
    if arguments[0] == "fail":
        raise ValueError("on purpose")


def forking(log: Path) -> AbstractContextManager[Nursery]:
    return nursery(f"{__name__}:write", os.environ | {"WORD": "child"}, log)


def test_children_are_killed_and_noticed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with forking(log) as workers:
        staying, leaving = workers.start("stay"), workers.start("leave")
        until(lambda: leaving in workers.ended())
        assert workers.kill(staying)
        assert not workers.kill(staying)
        assert not workers.kill(leaving)
        assert workers.ended() == []
    assert sorted(log.read_text().split("\n"))[-2:] == ["child leave", "child stay"]


def test_what_a_child_died_of_can_be_read(tmp_path: Path) -> None:
    with forking(tmp_path / "log") as workers:
        workers.start("fail")
        until(lambda: bool(workers.ended()))
        assert "ValueError: on purpose" in workers.tail()


def test_a_frozen_child_goes_on_later(tmp_path: Path) -> None:
    with forking(tmp_path / "log") as workers:
        pid = workers.start("stay")
        assert workers.freeze(pid)
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        assert workers.thaw(pid)
        until(lambda: "stay" in workers.tail())
        assert workers.kill(pid)
        assert not workers.freeze(pid)


def test_a_program_that_cannot_be_imported_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerError, match="ended with 1"),
        nursery("no.such:thing", os.environ, tmp_path / "log") as none,
    ):
        none.start()


def test_children_end_when_asked(tmp_path: Path) -> None:
    with forking(tmp_path / "log") as workers:
        pid = workers.start("stay")
        until(lambda: "stay" in workers.tail())
        assert workers.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
