"""A process pays for what it does, and for nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

WEB = {"flask", "apiflask", "granian", "pydantic", "werkzeug"}


@pytest.mark.parametrize("module", ["reminders.cli", "reminders.wiring.working", "reminders.commands.working"])
def test_a_worker_reads_nothing_of_the_web_nor_of_migrations(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not (WEB | {"alembic"}) & set(done.stdout.split())


def test_a_service_does() -> None:
    program = "import sys, reminders.wiring.service; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert WEB - {"granian"} <= set(done.stdout.split())
