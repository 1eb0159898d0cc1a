"""Databases for the tests: every test that asks for ``database`` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import make_url

from reminders.store import schema
from reminders.store.engine import Database
from tests.postgresql import start

# Examples are judged by what they show, not by how busy the machine was.
settings.register_profile("reminders", deadline=None)
settings.load_profile("reminders")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL for this session: the one named by REMINDERS_TEST_DATABASE_URL, else one started here."""
    given = os.environ.get("REMINDERS_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="reminders-pg-") as folder, start(Path(folder)) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    schema.migrate(database)
    with database.raw() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> Iterator[str]:
    """Name of a template database that holds the schema; each test gets a copy of it."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _administer(postgresql_url, f'CREATE DATABASE "{name}"')
    database = Database(_named(postgresql_url, name))
    schema.migrate(database)
    database.close()
    yield name
    _administer(postgresql_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database with the schema in place; the test runs once per kind."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
def sqlite_database_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "reminders.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_database_url(postgresql_url: str, migrated_postgresql: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    _administer(postgresql_url, f'CREATE DATABASE "{name}" TEMPLATE "{migrated_postgresql}"')
    yield _named(postgresql_url, name)
    _administer(postgresql_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty, migrated database; the test runs once per kind."""
    database = Database(database_url)
    yield database
    database.close()


def _named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, statement: str) -> None:
    server = Database(url, pool_size=1)
    with server.raw() as connection:
        connection.exec_driver_sql(statement)
    server.close()
