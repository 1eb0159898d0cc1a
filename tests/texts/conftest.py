from __future__ import annotations

import pytest

from reminders.settings import data_dir
from reminders.texts import Texts


@pytest.fixture(scope="session")
def texts() -> Texts:
    """Read beforehand, so that no example of a property test is slow because it is the first."""
    shared = Texts(data_dir())
    shared.preload()
    return shared
