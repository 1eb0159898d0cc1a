from __future__ import annotations

import pytest

from reminders.settings import data_dir
from reminders.texts import Texts


@pytest.fixture(scope="session")
def texts() -> Texts:
    return Texts(data_dir())
