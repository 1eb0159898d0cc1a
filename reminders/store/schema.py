"""Brings a database to the schema this version needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from reminders.store.engine import Database

_MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Run every migration that is missing. Safe when several processes start at once: PostgreSQL holds an advisory
    lock meanwhile, SQLite its write lock."""
    with database.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migrate_at(url: str) -> None:
    """``migrate`` for a database that nothing else of this process uses."""
    database = Database(url, pool_size=1)
    try:
        migrate(database)
    finally:
        database.close()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
