"""Effects after the commit: taken by one worker, given back when it dies, gone when done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import select

from reminders.store import outbox
from reminders.store.engine import Database
from reminders.store.tables import Outbox
from tests.factories import together

NOW = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def add(database: Database, *keys: str, at: datetime = NOW) -> None:
    with database.write() as tx:
        for key in keys:
            outbox.add(tx, "appointment.changed", key, {"change": "book", "version": 1}, at)


def take(database: Database, now: datetime = NOW, limit: int = 100) -> list[str]:
    return [row.key for row in database.run(lambda tx: outbox.take(tx, now, now + MINUTE, limit))]


def left(database: Database) -> list[str]:
    with database.read() as tx:
        return list(tx.execute(select(Outbox.key).order_by(Outbox.id)).scalars())


def test_only_what_is_due_the_oldest_first_and_no_more_than_asked(database):
    add(database, "later", at=NOW + MINUTE)
    add(database, "new", at=NOW)
    add(database, "old", at=NOW - MINUTE)
    with database.read() as tx:
        assert outbox.any_due(tx, NOW)
        assert not outbox.any_due(tx, NOW - 2 * MINUTE)
    assert take(database, limit=1) == ["old"]
    assert take(database) == ["new"]
    assert take(database) == []


def test_rows_come_in_the_order_they_were_written(database):
    keys = [f"key {number}" for number in range(30)]
    add(database, *keys)
    assert take(database) == keys


def test_what_was_taken_comes_back_when_its_time_is_over(database):
    add(database, "one")
    assert take(database) == ["one"]
    assert take(database, NOW + MINUTE - timedelta(microseconds=1)) == []
    with database.write() as tx:
        (row,) = outbox.take(tx, NOW + MINUTE, NOW + 2 * MINUTE, 10)
    assert (row.key, row.attempts, row.topic, row.facts) == (
        "one",
        2,
        "appointment.changed",
        {"change": "book", "version": 1},
    )


def test_again_and_done(database):
    add(database, "one", "two")
    with database.write() as tx:
        first, second = outbox.take(tx, NOW, NOW + MINUTE, 10)
        outbox.again(tx, first.id, NOW + 5 * MINUTE, "NotYet")
        outbox.done(tx, [second.id])
        outbox.done(tx, [])
    assert left(database) == ["one"]
    assert take(database, NOW + 4 * MINUTE) == []
    assert take(database, NOW + 5 * MINUTE) == ["one"]


def test_two_workers_never_take_the_same_row(database):
    keys = [f"{number:02}" for number in range(40)]
    add(database, *keys)

    def work() -> list[str]:
        taken: list[str] = []
        while batch := take(database, limit=6):
            assert len(batch) <= 6
            taken += batch
        return taken

    shares = together([work] * 4)
    assert sorted(key for share in shares for key in share) == keys


def test_nothing_is_asked_for_by_a_change_that_was_rolled_back(database):
    def change(tx) -> None:
        outbox.add(tx, "appointment.changed", "gone", {}, NOW)
        raise RuntimeError

    assert [type(result) for result in together([partial(database.run, change)])] == [RuntimeError]
    assert left(database) == []


def test_the_limit_holds_whatever_the_planner_prefers(database):
    add(database, *(f"{number:02}" for number in range(20)))
    with database.write() as tx:
        if not database.is_sqlite:
            for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
                tx.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        assert [row.key for row in outbox.take(tx, NOW, NOW + MINUTE, 2)] == ["00", "01"]
        assert [row.key for row in outbox.take(tx, NOW, NOW + MINUTE, 3)] == ["02", "03", "04"]
