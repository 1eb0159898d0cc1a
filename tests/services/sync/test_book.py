"""The engine's memory in a real database: the same interruptions as in memory, and what only a database can show."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from reminders.clock import ManualClock
from reminders.domain.sync import Cause, Dispute, Link, Live
from reminders.services.sync.book import Ledger
from reminders.services.sync.parts import LeaseLost
from reminders.store import connections, links
from reminders.store.engine import Database, Record
from tests.factories import MONDAY, uid
from tests.services.sync.model import ENTITY, Crash, Mode, Ours, World
from tests.services.sync.test_crashes import SCENARIOS, places

LEASE = timedelta(minutes=5)


def connection(database: Database, **changes: Any) -> Record:
    """A connection as a row, ready to run."""
    values = {
        "uid": uid("con"), "kind": "test", "label": "Test", "config": {}, "cursors": {}, "state": "ok",
        "on_remote_delete": "ask", "created_at": MONDAY, "updated_at": MONDAY, "next_run_at": MONDAY,
    }  # fmt: skip
    with database.write() as tx:
        connections.add(tx, values | changes)
        return connections.get(tx, str((values | changes)["uid"]))


class Stored(Ours):
    """Things in memory, everything that is remembered about them in the database."""

    def __init__(self, hook: Callable[[str], None], database: Database) -> None:
        super().__init__(hook)
        self.database = database
        self.row = connection(database)
        self.book = Ledger(database, ManualClock(MONDAY), self.row, "worker", LEASE)
        for name in ("cursor", "set_cursor", "links", "link_of", "live", "gone", "save", "forget", "dispute", "settle",
                     "touched", "touch", "untouch"):  # fmt: skip
            setattr(self, name, getattr(self.book, name))

    def run(self, work: Callable[[Any], Any]) -> Any:
        self.hook("begin")
        before = self.state.copy()

        def whole(tx: Any) -> Any:
            result = work(tx)
            self.hook("commit")
            return result

        try:
            result = self.book.run(whole)
        except BaseException:
            self.state = before
            raise
        self.hook("committed")
        return result

    def look(self, work: Callable[[Any], Any]) -> Any:
        self.hook("look")
        return self.book.look(work)

    def wake(self, key: str) -> None:
        self.book.run(lambda tx: self.book.touch(tx, ENTITY, [key]))

    def disputes(self) -> Sequence[Dispute]:
        with self.database.read() as tx:
            rows = links.conflicts(tx, self.row.id, attention=None, after=None, limit=100)
        names = Dispute.__dataclass_fields__
        return [Dispute(**{name: getattr(row, name) for name in names}) for row in rows]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_process_may_die_anywhere(database: Database, scenario: str) -> None:
    mode = Mode(withholds=True)
    for number in range(0, len(places(mode, scenario)), 9):
        world = World(mode, ours=lambda hook: Stored(hook, database))
        world.create_here()
        world.settle()
        SCENARIOS[scenario](world)
        left = itertools.count(-number)

        def strike(place: str, world: World = world, left: Any = left) -> None:
            if next(left) == 0:
                world.accident = None
                world.accidents += 1
                raise Crash

        world.accident = strike
        world.attempt()
        world.accident = None
        world.check()


def test_a_link_comes_back_as_it_was_stored(database: Database) -> None:
    book = Ledger(database, ManualClock(MONDAY), connection(database), "worker", LEASE)
    link = Link(
        "event", "apt_1", "one.ics", "apt_1", etag="1", base_local={"start": "x", "n": None}, base_remote={"ü": [1]},
        raw="BEGIN", pending={"start": "y"}, rev="r", sent_hash="h", sent_n=2, gone_since=MONDAY, held=True,
    )  # fmt: skip
    saved = book.run(lambda tx: book.save(tx, link))
    assert book.look(lambda tx: book.link_of(tx, "event", "apt_1")) == saved
    assert book.look(lambda tx: book.links(tx, "event", ["one.ics", "two.ics"])) == {"one.ics": saved}
    again = book.run(lambda tx: book.save(tx, Link("event", None, "two.ics", "", etag="2", pending=None)))
    assert book.look(lambda tx: book.links(tx, "event", ["two.ics"]))["two.ics"] == again
    assert book.look(lambda tx: book.live(tx, "event")) == {"one.ics": True, "two.ics": False}


def test_touched_again_stays_touched(database: Database) -> None:
    book = Ledger(database, ManualClock(MONDAY), connection(database), "worker", LEASE)
    book.run(lambda tx: book.touch(tx, "event", ["b", "a"]))
    first, second = book.look(lambda tx: book.touched(tx, "event", None, 10))
    assert (first.local_id, second.local_id) == ("a", "b")
    book.run(lambda tx: book.touch(tx, "event", ["a"]))
    book.run(lambda tx: book.untouch(tx, "event", first))
    book.run(lambda tx: book.untouch(tx, "event", second))
    assert [touch.local_id for touch in book.look(lambda tx: book.touched(tx, "event", None, 10))] == ["a"]
    assert book.look(lambda tx: book.touched(tx, "event", "a", 10)) == []


def test_the_same_dispute_is_listed_once(database: Database) -> None:
    row = connection(database)
    book = Ledger(database, ManualClock(MONDAY), row, "worker", LEASE)
    link = book.run(lambda tx: book.save(tx, Link("event", "apt_1", "one.ics", "apt_1")))
    found = Dispute("start", "a", "b", "c", Live.OURS, Cause.BOTH_CHANGED)
    for _ in range(2):
        book.run(lambda tx: book.dispute(tx, link, found))
    with database.read() as tx:
        (listed,) = links.conflicts(tx, row.id, attention=True, after=None, limit=10)
        assert (listed.base, listed.ours, listed.theirs, listed.live) == ("a", "b", "c", "ours")
        assert links.open_disputes(tx, "apt_1") == 1
    book.run(lambda tx: book.settle(tx, link, "start"))
    with database.read() as tx:
        assert links.open_disputes(tx, "apt_1") == 0


def test_who_lost_the_lease_stops(database: Database) -> None:
    row, clock = connection(database), ManualClock(MONDAY)
    with database.write() as tx:
        assert connections.claim(tx, MONDAY, "one", MONDAY + LEASE) is not None
        assert connections.claim(tx, MONDAY, "two", MONDAY + LEASE) is None
    book = Ledger(database, clock, row, "one", LEASE)
    clock.advance(LEASE)
    with database.write() as tx:
        assert connections.claim(tx, clock.now(), "two", clock.now() + LEASE) is not None
    with pytest.raises(LeaseLost):
        book.beat()


def test_a_lease_is_kept_while_there_is_work(database: Database) -> None:
    row, clock = connection(database), ManualClock(MONDAY)
    with database.write() as tx:
        connections.claim(tx, MONDAY, "one", MONDAY + LEASE)
    book = Ledger(database, clock, row, "one", LEASE)
    for _ in range(4):
        clock.advance(LEASE / 2)
        book.beat()
    with database.write() as tx:
        assert connections.claim(tx, clock.now(), "two", clock.now() + LEASE) is None


def test_what_is_remembered_goes_with_the_connection(database: Database) -> None:
    row = connection(database)
    book = Ledger(database, ManualClock(MONDAY), row, "worker", LEASE)
    link = book.run(lambda tx: book.save(tx, Link("event", "apt_1", "one.ics", "apt_1")))
    book.run(lambda tx: book.dispute(tx, link, Dispute("start", "a", "b", "c", Live.OURS, Cause.BOTH_CHANGED)))
    book.run(lambda tx: book.touch(tx, "event", ["apt_1"]))
    with database.write() as tx:
        assert connections.first_of_webhook(tx, row.id, "d1", MONDAY)
        assert not connections.first_of_webhook(tx, row.id, "d1", MONDAY)
        connections.remove(tx, row.id, row.uid)
    with database.read() as tx:
        assert links.of_local(tx, "apt_1") == []
