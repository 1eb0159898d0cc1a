"""Installations for the web tests: one shared by a module where tests do not disturb each other, else one for each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from reminders.store.engine import Database
from tests.house import Local, clinic, local
from tests.pool import databases
from tests.seeded import Seed, empty_sqlite_url, empty_url, seeded, seeded_sqlite, seeds

__all__ = ["databases", "empty_sqlite_url", "empty_url", "seeded", "seeded_sqlite", "seeds"]


@pytest.fixture(scope="module")
def shared(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A clinic on SQLite for a whole module; ``shared.ids`` are those of ``clinic``."""
    with _sqlite(migrated_sqlite, tmp_path_factory) as url, local(url) as web:
        web.ids = clinic(web)
        yield web


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A clinic for a whole module, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        place = _sqlite(request.getfixturevalue("migrated_sqlite"), tmp_path_factory)
    else:
        place = _postgresql(request.getfixturevalue("postgresql_url"), request.getfixturevalue("migrated_postgresql"))
    with place as url, local(url) as web:
        web.ids = clinic(web)
        yield web


@pytest.fixture
def web(seeded: Seed) -> Local:
    """A clinic of the test's own, on SQLite and on PostgreSQL."""
    return seeded.local()


@pytest.fixture
def alone(seeded_sqlite: Seed) -> Local:
    """A clinic of the test's own on SQLite, for what does not depend on the database."""
    return seeded_sqlite.local()


@contextmanager
def _sqlite(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("web") / "reminders.db"
    shutil.copy(migrated, path)
    yield f"sqlite:///{path}"


@contextmanager
def _postgresql(url: str, template: str) -> Iterator[str]:
    name = f"web_{uuid.uuid4().hex[:12]}"
    server = Database(url, pool_size=1)
    with server.raw() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield make_url(url).set(database=name).render_as_string(hide_password=False)
    with server.raw() as connection:
        connection.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.close()
