"""The list of what changed: everything once, in order, nothing skipped by a reader however many write at once."""

from __future__ import annotations

import threading
from datetime import timedelta

from reminders.store import changes
from reminders.store.engine import Database
from tests.factories import MONDAY


def note(database: Database, uid: str, entity: str = "patient") -> None:
    with database.write() as tx:
        changes.note(tx, entity, uid, MONDAY)


def read(database: Database, after: int = 0, limit: int = 100) -> list[tuple[int, str]]:
    with database.read() as tx:
        return [(row.seq, row.uid) for row in changes.since(tx, after, limit)]


def test_everything_stands_there_once_at_its_last_change(database: Database) -> None:
    for uid in ("a", "b", "c", "a"):
        note(database, uid)
    assert read(database) == [(2, "b"), (3, "c"), (4, "a")]
    assert read(database, after=3) == [(4, "a")]
    assert read(database, after=4) == []
    assert read(database, limit=2) == [(2, "b"), (3, "c")]
    note(database, "a", "appointment")
    assert read(database, after=3) == [(4, "a"), (5, "a")]
    with database.read() as tx:
        assert changes.last(tx) == 5
        assert (changes.patients(tx, []), changes.visits(tx, ["a"])) == ({}, {})


def test_what_was_rolled_back_never_was(database: Database) -> None:
    note(database, "a")
    try:
        with database.write() as tx:
            changes.note(tx, "patient", "b", MONDAY)
            raise RuntimeError
    except RuntimeError:
        pass
    note(database, "c")
    assert read(database) == [(1, "a"), (2, "c")]


def test_the_moment_moves_along(database: Database) -> None:
    note(database, "a")
    with database.write() as tx:
        changes.note(tx, "patient", "a", MONDAY + timedelta(hours=1))
        (row,) = changes.since(tx, 0, 10)
    assert row.at == MONDAY + timedelta(hours=1)


def test_a_reader_misses_nothing_while_others_write(database: Database) -> None:
    """Writers whose transactions overlap; a reader that goes by the last number it saw gets every change."""
    started, ended = threading.Barrier(4), threading.Event()
    seen: list[str] = []

    def write(name: str) -> None:
        started.wait()
        for count in range(25):
            with database.write() as tx:
                changes.note(tx, "patient", f"{name}{count}", MONDAY)
                changes.note(tx, "appointment", f"{name}{count}x", MONDAY)

    def follow() -> None:
        started.wait()
        after, last = 0, False
        while True:
            rows = read(database, after, 7)
            seen.extend(uid for _, uid in rows)
            after = rows[-1][0] if rows else after
            if not rows and last:
                return
            last = ended.is_set()

    writers = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    reader = threading.Thread(target=follow)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    reader.join()
    assert len(seen) == len(set(seen)) == 150
