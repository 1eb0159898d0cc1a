"""One database of each kind for a whole run: emptied before each test, which takes milliseconds where making a new one
takes a good part of a second, and keeps the connections and the compiled statements of the tests before."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from reminders.store.engine import Database
from reminders.store.tables import Base, CatalogueVersion, ChangeCounter

Databases = Callable[[str], Database]

#: Tables of one row that the migrations put in.
KEPT = (CatalogueVersion.__table__, ChangeCounter.__table__)
_EMPTY = "; ".join(
    f'DELETE FROM "{table.name}"' for table in reversed(Base.metadata.sorted_tables) if table not in KEPT
)
_FIRST = ["UPDATE catalogue_version SET version = 1", "UPDATE change_counter SET seq = 0"]


def empty(database: Database) -> None:
    """Take everything out but what the migrations put in."""
    with database.write() as tx:
        for statement in [_EMPTY, *_FIRST] if not database.is_sqlite else [*_EMPTY.split("; "), *_FIRST]:
            tx.exec_driver_sql(statement)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Gives the run's database of a kind, made when it is first asked for."""
    made: dict[str, Database] = {}

    def sqlite() -> str:
        path = tmp_path_factory.mktemp("pool") / "reminders.db"
        shutil.copy(Path(request.getfixturevalue("migrated_sqlite")), path)
        return f"sqlite:///{path}"

    def postgresql() -> str:
        server, template = request.getfixturevalue("postgresql_url"), request.getfixturevalue("migrated_postgresql")
        name = f"pool_{uuid.uuid4().hex[:12]}"
        administrator = Database(server, pool_size=1)
        with administrator.raw() as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        administrator.close()
        return make_url(server).set(database=name).render_as_string(hide_password=False)

    def get(kind: str) -> Database:
        if kind not in made:
            made[kind] = Database(sqlite() if kind == "sqlite" else postgresql())
        return made[kind]

    yield get
    for database in made.values():
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, databases: Databases) -> Database:
    """An empty, migrated database; the test runs once per kind. It is shared: do not close it."""
    found = databases(request.param)
    empty(found)
    return found
