"""One installation with the sandbox for each journey, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house import House
from tests.pool import databases
from tests.seeded import Seed, empty_sqlite_url, empty_url, seeded, seeded_sqlite, seeds

__all__ = ["databases", "empty_sqlite_url", "empty_url", "seeded", "seeded_sqlite", "seeds"]


@pytest.fixture
def house(seeded: Seed) -> Iterator[House]:
    """A clinic in Madrid on a Monday morning in May."""
    with seeded.running() as house:
        yield house


@pytest.fixture
def small(seeded_sqlite: Seed) -> Iterator[House]:
    """The same on SQLite alone, for what does not depend on the database."""
    with seeded_sqlite.running() as house:
        yield house
