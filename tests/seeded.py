"""A clinic that is already there: its rows are kept once per run and put back before each test, which is much faster
than asking for them over HTTP every time. ``seeded`` is the clinic of ``tests.house.clinic``; ``empty_url`` is for tests
that open a clinic of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from requests import Session
from sqlalchemy import Table, insert, select, update

from reminders.clock import Clock
from reminders.domain.actor import Role
from reminders.domain.ports import Messenger
from reminders.sandbox.state import Sandbox
from reminders.store.engine import Database
from reminders.store.tables import Base, CatalogueVersion
from reminders.wiring.parts import post_form
from tests.house import MONDAY, House, Local, clinic, local, running
from tests.pool import KEPT, Databases, empty


@dataclass
class Seed:
    """One kind of database with the rows of the clinic."""

    database: Database
    url: str
    ids: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[Table, list[dict[str, Any]]]] = field(default_factory=list)
    made: dict[Any, Local] = field(default_factory=dict)
    behind_port: House | None = None
    stack: ExitStack = field(default_factory=ExitStack)
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(1000, 1000))

    def sow(self) -> None:
        """Open the clinic the slow way, and remember every row."""
        empty(self.database)
        with local(self.url) as web:
            self.ids = clinic(web)
            self.keys = {role.value: web.key(role.value) for role in Role}
        tables = [table for table in Base.metadata.sorted_tables if table not in KEPT]
        with self.database.read() as tx:
            found = [(table, [dict(row._mapping) for row in tx.execute(select(table))]) for table in tables]
        self.rows = [(table, rows) for table, rows in found if rows]

    def restore(self) -> None:
        """Nothing but the clinic."""
        empty(self.database)
        with self.database.write() as tx:
            for table, rows in self.rows:
                tx.execute(insert(table).inline(), rows)
            tx.execute(update(CatalogueVersion).values(version=next(self.versions)))

    @contextmanager
    def running(self, **options: Any) -> Iterator[House]:
        """The clinic over real HTTP."""
        self.restore()
        with running(self.url, **options) as house:
            house.ids, house.keys = dict(self.ids), dict(self.keys)
            yield house

    @contextmanager
    def served(self) -> Iterator[House]:
        """The same behind one server for all, as ``local``; its sandbox forgets."""
        self.restore()
        if self.behind_port is None:
            self.behind_port = self.stack.enter_context(running(self.url))
        house = self.behind_port
        house.clock.advance(MONDAY - house.clock.now())
        emptied(house.sandbox, house.clock)
        house.ids, house.keys, house.session = dict(self.ids), dict(self.keys), Session()
        with house.session:
            yield house

    def local(self, messenger: Callable[[Clock], Messenger] | None = None, **changes: str) -> Local:
        """The clinic in this process, with these settings. Its application is made once: everything a test changes is in
        the database or on the clock, which is put back."""
        self.restore()
        key = (messenger, *sorted(changes.items()))
        if key not in self.made:
            self.made[key] = self.stack.enter_context(local(self.url, messenger=messenger, **changes))
        web = self.made[key]
        web.clock.advance(MONDAY - web.clock.now())
        web.ids, web.keys = dict(self.ids), dict(self.keys)
        return web


def emptied(sandbox: Sandbox, clock: Clock) -> None:
    """A sandbox in which nothing was ever sent: the same account, with everything else as at its start."""
    account = sandbox.account
    fresh = Sandbox(
        clock, account.sid, account.auth_token, account.number, account.inbound_url, post_form, account.latency,
        patience=account.patience, automatic_replies=account.automatic_replies,
    )  # fmt: skip
    vars(sandbox).update(vars(fresh))


Seeds = Callable[[str], Seed]


@pytest.fixture(scope="session")
def seeds(databases: Databases) -> Iterator[Seeds]:
    """Gives the seed of a kind of database, made when it is first asked for."""
    made: dict[str, Seed] = {}

    def get(kind: str) -> Seed:
        if kind not in made:
            database = databases(kind)
            made[kind] = Seed(database, database.engine.url.render_as_string(hide_password=False))
            made[kind].sow()
        return made[kind]

    yield get
    for seed in made.values():
        seed.stack.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def seeded(request: pytest.FixtureRequest, seeds: Seeds) -> Seed:
    """The clinic, on each kind of database."""
    return seeds(request.param)


@pytest.fixture
def seeded_sqlite(seeds: Seeds) -> Seed:
    """The clinic on SQLite, for what does not depend on the database."""
    return seeds("sqlite")


@pytest.fixture
def empty_url(seeded: Seed) -> str:
    """An empty database of each kind; it is shared, so leave its tables where they are."""
    empty(seeded.database)
    return seeded.url


@pytest.fixture
def empty_sqlite_url(seeded_sqlite: Seed) -> str:
    """An empty database on SQLite; it is shared, so leave its tables where they are."""
    empty(seeded_sqlite.database)
    return seeded_sqlite.url
