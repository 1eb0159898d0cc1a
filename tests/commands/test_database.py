"""A database that cannot be used is told of in a sentence, whatever command meets it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reminders.cli import main
from reminders.commands.database import refuse_old
from reminders.errors import Conflict
from reminders.store import revision
from reminders.store.engine import Database

NOBODY = "postgresql://nobody@127.0.0.1:1/none"


def told(url: str, *command: str) -> Any:
    return CliRunner().invoke(main, command, env={"REMINDERS_DATABASE_URL": url})


@pytest.mark.parametrize("url", [NOBODY, "sqlite:////nowhere/at/all.db"])
@pytest.mark.parametrize("command", [("migrate",), ("report", "no-shows")])
def test_a_database_that_cannot_be_opened(url: str, command: tuple[str, ...]) -> None:
    result = told(url, *command)
    assert result.exit_code == 1
    assert result.output.startswith("Error: The database at REMINDERS_DATABASE_URL cannot be opened: ")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("command", [("report", "no-shows"), ("worker",), ("web",)])
def test_a_database_without_our_schema(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = told(f"sqlite:///{tmp_path}/empty.db", *command)
    assert result.exit_code == 1
    assert "run `reminders migrate` first" in result.output


def test_what_is_newer_or_away_is_no_reason_not_to_start(database: Database) -> None:
    refuse_old(NOBODY)
    assert not revision.is_behind(database)
    with database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    assert not revision.is_behind(database)


def test_an_older_schema_is(sqlite_database_url: str) -> None:
    refuse_old(sqlite_database_url)
    with closing(Database(sqlite_database_url)) as database, database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Conflict):
        refuse_old(sqlite_database_url)
