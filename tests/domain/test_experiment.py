from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reminders.domain.attendance import Attendance
from reminders.domain.duration import Duration
from reminders.domain.estimators import Interval
from reminders.domain.experiment import USUAL, Advice, Branch, Experiment, advice, read
from reminders.domain.plan import Step

START = datetime(2030, 5, 6, tzinfo=UTC)
HOLDOUT = Branch("holdout", 0.1, ())
EARLIER = Branch("earlier", 0.2, (Step(Duration.parse("-P3D")),))
TRIAL = Experiment(
    1, "exp_1", "Do they help?", 1, frozenset({1}), frozenset({2}), (HOLDOUT, EARLIER), 0.03, START, None
)


def test_the_lot_is_fair_and_always_the_same() -> None:
    drawn = Counter(TRIAL.arm_of(f"pat_{number}") for number in range(20_000))
    assert drawn["holdout"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert drawn["earlier"] / 20_000 == pytest.approx(0.2, abs=0.012)
    assert [TRIAL.arm_of(f"pat_{number}") for number in range(50)] == [
        TRIAL.arm_of(f"pat_{number}") for number in range(50)
    ]
    other = replace(TRIAL, uid="exp_2")
    assert {(TRIAL.arm_of(f"pat_{n}"), other.arm_of(f"pat_{n}")) for n in range(2000)} > {("holdout", "earlier")}


def test_only_visits_of_its_services_and_its_time_belong_to_it() -> None:
    ended = replace(TRIAL, ended_at=START + timedelta(days=9))
    assert TRIAL.covers(1, START)
    assert not TRIAL.covers(2, START)
    assert not TRIAL.covers(1, START - timedelta(seconds=1))
    assert ended.covers(1, START + timedelta(days=8))
    assert not ended.covers(1, START + timedelta(days=9))
    held = next(f"pat_{n}" for n in range(100) if TRIAL.branch_of(f"pat_{n}") is HOLDOUT)
    assert TRIAL.steps_for(1, held, START) is HOLDOUT
    assert TRIAL.steps_for(2, held, START) is None
    assert ended.steps_for(1, held, START) is None


@pytest.mark.parametrize(("low", "high", "expected"), [
    (-0.08, -0.01, Advice.STOP_FEWER), (0.001, 0.05, Advice.STOP_MORE), (-0.02, 0.02, Advice.STOP_NO_MATTER),
    (-0.05, 0.01, Advice.CONTINUE), (-0.01, 0.04, Advice.CONTINUE),
])  # fmt: skip
def test_advice_follows_the_interval(low: float, high: float, expected: Advice) -> None:
    assert advice(Interval((low + high) / 2, low, high), 0.03) is expected


def test_cancelled_visits_count_as_not_missed_and_unmarked_ones_not_at_all() -> None:
    counts = {
        USUAL: Attendance(fulfilled=700, arrived=50, noshow=150, cancelled=100, unmarked=9),
        "holdout": Attendance(fulfilled=70, noshow=30, cancelled=20), "earlier": Attendance(fulfilled=5, noshow=1),
    }  # fmt: skip
    found = read(TRIAL, counts)
    usual, earlier = found.contrasts
    assert (usual.arm.missed, usual.arm.visits, usual.control.visits) == (150, 1000, 120)
    assert usual.fixed is not None
    assert usual.sequential is not None
    assert usual.fixed.value == pytest.approx(0.15 - 0.25)
    assert usual.sequential.low < usual.fixed.low < usual.fixed.high < usual.sequential.high
    assert usual.avoided is not None
    assert usual.avoided.value == pytest.approx(100)
    assert (earlier.fixed, earlier.sequential, earlier.advice) == (None, None, Advice.WAIT)
    assert (found.visits, found.unmarked) == (1126, 9)
    assert found.required is not None
    assert found.required > 5000


def test_a_trial_without_holdout_is_compared_with_the_usual_arm() -> None:
    found = read(replace(TRIAL, branches=(EARLIER,)), {})
    assert found.experiment.control == USUAL
    assert [one.name for one in found.contrasts] == ["earlier"]
    assert found.required is None
