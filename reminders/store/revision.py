"""Which schema a database has and which this version needs, told without the library that migrates (8 MB of a worker)."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from reminders.store.engine import Database

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def newest() -> str:
    """The last migration of this version: their files begin with their numbers."""
    return max(path.name.split("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))


def is_current(database: Database) -> bool:
    """True when the database is exactly at the schema of this version."""
    return _present(database) == newest()


def is_behind(database: Database) -> bool:
    """True when this version has migrations that the database has not; False for a database of a later version."""
    present = _present(database)
    return present is None or present < newest()


def _present(database: Database) -> str | None:
    with database.read() as tx:
        if not inspect(tx).has_table("alembic_version"):
            return None
        return tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
