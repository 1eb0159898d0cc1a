from __future__ import annotations

import random
import subprocess
import sys

import pytest

from reminders.domain.risk import logistic
from reminders.gateways.learning import logistic_regression


def test_it_finds_the_weights_in_the_units_of_the_columns() -> None:
    lot = random.Random(1)
    rows = [[lot.uniform(0, 1000), float(lot.random() < 0.3), 7.0] for _ in range(20_000)]
    outcomes = [lot.random() < logistic(-2 + 0.002 * row[0] + 1.5 * row[1]) for row in rows]
    found = logistic_regression(rows, outcomes)
    assert found.intercept == pytest.approx(-2, abs=0.1)
    assert found.weights[0] == pytest.approx(0.002, rel=0.1)
    assert found.weights[1] == pytest.approx(1.5, rel=0.1)
    assert found.weights[2] == pytest.approx(0, abs=1e-6)  # says nothing, being always the same


def test_without_the_optional_part_one_is_told_what_to_install() -> None:
    program = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from reminders.errors import LearnerMissing\n"
        "from reminders.gateways.learning import logistic_regression\n"
        "try: logistic_regression([[1.0], [2.0]], [True, False])\n"
        "except LearnerMissing as problem: print(problem.code, problem.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("learner_missing ")
    assert "pip install 'reminders[risk]'" in done.stdout


def test_nothing_loads_it_before_it_is_asked() -> None:
    """It takes a second, and commands are to start at once."""
    program = "import sys, reminders.commands.training; assert not [name for name in sys.modules if name.startswith('sklearn')]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
