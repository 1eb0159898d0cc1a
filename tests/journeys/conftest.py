"""One installation with the sandbox for each journey, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.house import House, clinic, running


@pytest.fixture
def house(database_url: str) -> Iterator[House]:
    """A clinic in Madrid on a Monday morning in May."""
    with running(database_url) as house:
        house.ids = clinic(house)
        yield house
