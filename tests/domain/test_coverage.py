"""Do the intervals hold what they promise? In simulated clinics the truth is known."""

from __future__ import annotations

import pytest

from benchmarks.simulated import ESTIMATES, coverage, false_alarms

CLINICS = 2000


@pytest.mark.parametrize("name", ESTIMATES)
def test_a_95_percent_interval_holds_the_truth_in_95_of_100_clinics(name: str) -> None:
    assert 0.93 <= coverage(ESTIMATES[name], CLINICS) <= 0.97


def test_looking_at_a_trial_daily_gives_no_more_false_alarms_than_looking_once() -> None:
    assert false_alarms(CLINICS, days=90) <= 0.05
