"""The worker: one tick does everything that is due, and no job that fails holds up another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from reminders.domain.actor import Once
from reminders.store import heartbeats, keys
from reminders.store.engine import Database
from reminders.store.tables import Heartbeat, IdempotencyKey
from reminders.worker import BEAT, TICK_SECONDS, Worker
from tests.factories import World
from tests.pool import database, databases

__all__ = ["database", "databases"]

DAY = timedelta(days=1)


class Job:
    """Counts its runs; fails when told."""

    def __init__(self, problem: BaseException | None = None) -> None:
        self.runs = 0
        self.problem = problem
        self.ran = threading.Event()

    def run(self) -> None:
        self.runs += 1
        self.ran.set()
        if self.problem is not None:
            raise self.problem

    run_due = run

    def stop(self) -> None:
        """Nothing to end."""

    def idle_for(self) -> timedelta:
        return timedelta(seconds=1)


def worker(world: World, sending: Any = None, *extras: Any) -> Worker:
    return Worker(
        "worker-1",
        world.database,
        world.clock,
        world.catalogue,
        sending or world.sending,
        world.reconciling,
        world.circuit,
        world.checking,
        world.effects,
        extras,
    )


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def last_beat(world: World) -> Any:
    with world.database.read() as tx:
        return heartbeats.last(tx)


def test_a_failing_job_does_not_hold_up_the_others(world: World, logged: list[Any]) -> None:
    """What it was goes into the log, what it said does not: it may hold a name."""
    sending, after = Job(ValueError("Ana Ruiz, +34600000010")), Job()
    one = worker(world, sending, after.run)
    for _ in range(3):
        one.tick()
    assert (sending.runs, after.runs) == (3, 3)
    assert last_beat(world) == world.clock.now()
    assert [(line["event"], line["job"], line["error"]) for line in logged] == [
        ("worker.failed", "sending", "ValueError")
    ] * 3
    assert "Ana" not in str(logged)
    assert "test_worker.py" in logged[0]["where"]


def test_a_database_that_is_away_is_a_warning(sqlite_database_url: str, logged: list[Any]) -> None:
    own = Database(sqlite_database_url)
    world = World(own)
    with own.write() as tx:
        tx.exec_driver_sql("DROP TABLE heartbeat")
    after = Job()
    worker(world, None, after.run).tick()
    assert after.runs == 1
    assert [(line["event"], line["log_level"], line["job"]) for line in logged] == [
        ("worker.database", "warning", "heartbeat")
    ]
    own.close()


def test_a_database_that_stays_away_is_told_of_once_and_when_it_is_back(world: World, logged: list[Any]) -> None:
    problem = OperationalError("SELECT 1", None, ConnectionError())
    sending = Job(problem)
    one = worker(world, sending)
    for _ in range(3):
        one.tick()
    sending.problem = None
    one.tick()
    sending.problem = problem
    one.tick()
    assert [(line["event"], line.get("failures")) for line in logged if line.get("job") == "sending"] == [
        ("worker.database", None), ("worker.database_back", 3), ("worker.database", None)
    ]  # fmt: skip


@pytest.mark.parametrize("problem", [OperationalError("SELECT 1", None, ConnectionError()), ValueError()])
def test_sending_that_fails_is_not_tried_again_at_once(world: World, problem: Exception) -> None:
    """Nobody waits for the next second by asking a thousand times."""
    often = threading.Event()

    class Eager(Job):
        def run_due(self) -> None:
            if self.runs == 20:
                often.set()
            self.run()

        def idle_for(self) -> timedelta:
            return timedelta(0)

    one = worker(world, Eager(problem))
    one.start()
    try:
        assert not often.wait(TICK_SECONDS / 2)
    finally:
        one.stop()


def test_the_end_of_the_process_is_not_held_back(world: World) -> None:
    for problem in (KeyboardInterrupt(), SystemExit()):
        with pytest.raises(type(problem)):
            worker(world, Job(problem)).tick()


def test_it_beats_every_ten_seconds(world: World) -> None:
    one = worker(world)
    first = world.clock.now()
    one.tick()
    world.clock.advance(BEAT - timedelta(seconds=1))
    one.tick()
    assert last_beat(world) == first
    world.clock.advance(timedelta(seconds=1))
    one.tick()
    assert last_beat(world) == first + BEAT


def test_it_goes_on_beating_when_the_clock_was_set_back(world: World) -> None:
    one = worker(world)
    one.tick()
    world.clock.advance(-DAY)
    one.tick()
    assert last_beat(world) == world.clock.now()


def test_each_worker_has_its_own_beat(world: World) -> None:
    worker(world).tick()
    other = Worker(
        "worker-2",
        world.database,
        world.clock,
        world.catalogue,
        world.sending,
        world.reconciling,
        world.circuit,
        world.checking,
        world.effects,
    )
    other.tick()
    assert world.count(Heartbeat) == 2


def test_tidying_forgets_old_keys_and_dead_workers(world: World) -> None:
    def claim(name: str) -> None:
        once = Once("key_desk", name, "f")
        world.run(lambda tx: keys.claim_once(tx, once, "apt_1", world.clock.now()))

    one = worker(world)
    claim("old")
    one.tick()
    world.clock.advance(2 * DAY + timedelta(minutes=1))
    claim("new")
    one.tidy()
    assert (world.count(IdempotencyKey), world.count(Heartbeat)) == (1, 0)
    one.tidy()
    assert world.count(IdempotencyKey) == 1


def test_a_tick_sends_what_is_due_and_asks_for_the_price(world: World) -> None:
    ids = world.open()
    start = world.clock.now() + 2 * DAY
    visit = world.book(ids, start)
    one = worker(world)
    world.clock.set(start - DAY)
    one.tick()
    assert world.states(visit)[0] == ("sent", "due")


def test_a_change_by_another_process_is_seen_at_the_next_tick(world: World) -> None:
    other = World(world.database)
    one = worker(world)
    one.tick()
    ids = other.open()
    start = world.clock.now() + 2 * DAY
    visit = other.book(ids, start)
    world.clock.set(start - DAY)
    one.tick()
    assert other.states(visit)[0] == ("sent", "due")


def test_it_ticks_by_itself_until_it_is_stopped(sqlite_database_url: str) -> None:
    """The one test with a real clock: started, it ticks within moments; stopped, it does not tick again."""
    own, job = Database(sqlite_database_url), Job()
    world = World(own)
    one = worker(world, job)
    one.start()
    try:
        assert job.ran.wait(timeout=TICK_SECONDS * 20)
    finally:
        one.stop()
    runs = job.runs
    job.ran.clear()
    assert not job.ran.wait(timeout=TICK_SECONDS * 1.2)
    assert job.runs == runs
    own.close()


def test_a_provider_that_does_not_answer_holds_up_no_sign_of_life(sqlite_database_url: str) -> None:
    """With a real clock: somebody is asked and does not answer, and the worker beats and is stopped nevertheless."""
    own, asked, answered = Database(sqlite_database_url), threading.Event(), threading.Event()
    world, after = World(own), Job()
    begin = world.clock.now()

    class Slow(Job):
        def run(self) -> None:
            asked.set()
            assert answered.wait(timeout=TICK_SECONDS * 20)

    one = Worker("worker-1", own, world.clock, world.catalogue, Job(), Slow(), world.circuit, after, world.effects)  # type: ignore[arg-type]
    one.start()
    try:
        assert asked.wait(timeout=TICK_SECONDS * 20)
        world.clock.advance(BEAT)
        one.sweep()
        assert last_beat(world) == begin + BEAT
        threading.Timer(TICK_SECONDS / 4, answered.set).start()
    finally:
        one.stop()
    assert after.runs == 0  # what would have come next is left to the next process
    own.close()
