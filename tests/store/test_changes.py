"""The list of what changed: everything once, in order, nothing skipped by a reader however many write at once."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select

from reminders.store import changes, schema
from reminders.store.engine import Database
from reminders.store.tables import Patient
from tests.factories import MONDAY, add_visit, ground

MIGRATIONS = Path(schema.__file__).parent / "migrations"


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


def test_many_that_are_new_come_last_in_their_order(database: Database) -> None:
    note(database, "a")
    with database.write() as tx:
        changes.note_new(tx, [("patient", "z"), ("appointment", "y"), ("patient", "x")], MONDAY)
        changes.note_new(tx, [], MONDAY)
    note(database, "b")
    assert read(database) == [(1, "a"), (2, "z"), (3, "y"), (4, "x"), (5, "b")]


def test_what_was_imported_before_is_added_to_the_list(database: Database) -> None:
    here = ground(database, patients=2)
    with database.write() as tx:
        for visit in (here.visit(MONDAY, uid="apt_new"), here.visit(MONDAY, uid="apt_old", occupies=False, source="x")):
            add_visit(tx, visit)
    note(database, "apt_new", "appointment")
    with database.write() as tx:
        people = list(tx.execute(select(Patient.uid).order_by(Patient.id)).scalars())
    for _ in range(2):
        with database.write() as tx, Operations.context(MigrationContext.configure(tx)):
            ScriptDirectory(str(MIGRATIONS)).get_revision("0029").module.upgrade()
        assert read(database) == [(1, "apt_new"), (2, people[0]), (3, people[1]), (4, "apt_old")]
    note(database, "later")
    assert read(database, after=4) == [(5, "later")]


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
