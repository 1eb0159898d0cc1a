"""Migrations: they build exactly the tables the code describes, once, however many processes start together."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, make_url, text

from reminders.store import clinic, revision, schema
from reminders.store.engine import Database
from reminders.store.tables import Base

MIGRATE = "import sys; from reminders.store import engine, schema; schema.migrate(engine.Database(sys.argv[1]))"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server, name = request.getfixturevalue("postgresql_url"), f"empty_{uuid.uuid4().hex[:12]}"
    administer(server, f'CREATE DATABASE "{name}"')
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    administer(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def administer(url: str, statement: str) -> None:
    server = Database(url, pool_size=1)
    with server.raw() as connection:
        connection.exec_driver_sql(statement)
    server.close()


def test_the_migrated_schema_is_the_one_the_code_describes(database):
    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
        tables = set(inspect(connection).get_table_names())
    assert tables == set(Base.metadata.tables) | {"alembic_version"}


def test_constraints_have_names_that_errors_can_be_told_by(database):
    with database.read() as connection:
        found = inspect(connection)
        for table in Base.metadata.tables:
            names = [one["name"] for one in found.get_unique_constraints(table) + found.get_foreign_keys(table)]
            names.append(found.get_pk_constraint(table)["name"])
            assert all(name and name.startswith(("uq_", "fk_", "pk_")) for name in names), names


def test_the_newest_migration_is_known_without_the_library(database):
    with database.read() as tx:
        assert revision.newest() == tx.execute(text("SELECT version_num FROM alembic_version")).scalar()


def test_an_empty_database_is_not_current_and_migrating_twice_changes_nothing(empty_url):
    database = Database(empty_url)
    assert not revision.is_current(database)
    schema.migrate(database)
    assert revision.is_current(database)
    with database.write() as tx:
        clinic.touch(tx)
    schema.migrate(database)
    assert revision.is_current(database)
    with database.read() as tx:
        assert clinic.version(tx) == 2
    database.close()


def test_several_processes_may_migrate_at_once(empty_url):
    started = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, empty_url], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [("", 0)] * 2
    database = Database(empty_url)
    assert revision.is_current(database)
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM catalogue_version")).scalar() == 1
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(empty_url):
    database = Database(empty_url)
    with database.write() as tx:
        tx.execute(text("CREATE TABLE reminder (id integer)"))
    with pytest.raises(Exception, match="already exists"):
        schema.migrate(database)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["reminder"]
    database.close()
