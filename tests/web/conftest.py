"""Installations for the web tests: one shared by a module where tests do not disturb each other, else one for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import Local, clinic, local


@pytest.fixture(scope="module")
def shared(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A clinic on SQLite for a whole module; ``shared.ids`` are those of ``clinic``."""
    path = tmp_path_factory.mktemp("web") / "reminders.db"
    shutil.copy(migrated_sqlite, path)
    with local(f"sqlite:///{path}") as web:
        web.ids = clinic(web)
        yield web


@pytest.fixture
def web(database_url: str) -> Iterator[Local]:
    """A clinic of the test's own, on SQLite and on PostgreSQL."""
    with local(database_url) as web:
        web.ids = clinic(web)
        yield web
