from __future__ import annotations

import random
from itertools import pairwise
from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from reminders.domain import accuracy
from reminders.domain.accuracy import Pair, auc, bins, fairness, quality, recalibration, threshold
from reminders.domain.risk import logistic, logit

PAIRS = st.lists(st.tuples(st.sampled_from([0.05, 0.2, 0.21, 0.5, 0.9]), st.booleans()), min_size=1, max_size=60)


def drawn(number: int, intercept: float = 0.0, slope: float = 1.0, seed: int = 1) -> list[Pair]:
    """Visits whose true log-odds are a line of what was predicted."""
    lot = random.Random(seed)
    risks = [lot.uniform(0.05, 0.6) for _ in range(number)]
    return [(risk, lot.random() < logistic(intercept + slope * logit(risk))) for risk in risks]


@given(PAIRS)
def test_figures_are_those_of_scikit_learn(pairs: list[Pair]) -> None:
    risks, outcomes = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    if outcomes.all() or not outcomes.any():
        assert auc(pairs) is None
    else:
        assert isclose(auc(pairs) or 0, roc_auc_score(outcomes, risks))
        assert isclose(accuracy.brier(pairs), brier_score_loss(outcomes, risks))
        assert isclose(accuracy.log_loss(pairs), log_loss(outcomes, risks))


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-0.5, 1.0), (0.3, 0.6)])
def test_recalibration_finds_how_far_the_claims_are_off(intercept: float, slope: float) -> None:
    line = recalibration(drawn(60_000, intercept, slope))
    assert line is not None
    assert line.intercept == pytest.approx(intercept, abs=0.06)
    assert line.slope == pytest.approx(slope, abs=0.04)


@pytest.mark.parametrize(
    "pairs",
    [[], [(0.3, True)] * 20, [(0.3, True), (0.3, False)] * 20, [(0.1, False), (0.9, True)] * 20],
    ids=["nothing", "one outcome", "one risk", "perfect ranking"],
)
def test_where_there_is_no_line_there_is_none(pairs: list[Pair]) -> None:
    assert recalibration(pairs) is None


@given(PAIRS)
def test_bins_hold_every_visit_once_from_low_to_high(pairs: list[Pair]) -> None:
    found = bins(pairs)
    assert sum(one.visits for one in found) == len(pairs)
    assert sum(one.missed.count for one in found) == sum(outcome for _, outcome in pairs)
    means = [one.predicted for one in found]
    assert all(low <= high + 1e-12 for low, high in pairwise(means))


def test_quality_of_honest_and_of_doubled_risks() -> None:
    honest = quality(drawn(20_000))
    doubled = quality([(min(0.99, 2 * risk), outcome) for risk, outcome in drawn(20_000)])
    assert honest.expected == pytest.approx(honest.missed, rel=0.03)
    assert honest.off < 0.02 < 0.2 < doubled.off
    assert honest.auc == doubled.auc or abs((honest.auc or 0) - (doubled.auc or 0)) < 0.02
    assert honest.log_loss < doubled.log_loss
    assert honest.brier < doubled.brier


def test_the_highest_fifth_is_flagged() -> None:
    pairs = [(place / 100, False) for place in range(100)]
    assert threshold(pairs) == 0.80
    assert sum(risk >= threshold(pairs) for risk, _ in pairs) == 20
    assert threshold([(0.3, True)] * 3) == 0.3
    assert threshold([]) == 1.0


def test_fairness_tells_whom_the_risks_overstate() -> None:
    """The same risks for both groups, of which one comes more often than that."""
    fair, over = drawn(4000, seed=2), drawn(4000, intercept=-0.6, seed=3)
    flagged_from = threshold([*fair, *over])
    told = {name: fairness(name, pairs, flagged_from) for name, pairs in (("one", fair), ("other", over))}
    assert (told["one"].verdict, told["other"].verdict) == ("fair", "overestimated")
    assert fairness("x", [(1 - risk, outcome) for risk, outcome in over], 2.0).flagged.count == 0
    assert fairness("few", fair[:99], flagged_from).verdict == "few"
    assert fairness("low", [(risk / 3, outcome) for risk, outcome in fair], 0.2).verdict == "underestimated"
    assert told["one"].flagged.of == 4000
    assert told["one"].caught is not None
    assert told["one"].caught.of == told["one"].observed.count


def test_when_rates_fell_for_all_the_groups_are_judged_beside_each_other() -> None:
    """Everybody comes more often than the risks say; the last group more so."""
    drawn_ = {"one": drawn(4000, -0.6, seed=2), "two": drawn(4000, -0.6, seed=3), "last": drawn(800, -2.0, seed=4)}
    everybody = [pair for pairs in drawn_.values() for pair in pairs]
    drifted = accuracy.drift(everybody)
    assert drifted == pytest.approx(sum(outcome for _, outcome in everybody) / sum(risk for risk, _ in everybody))
    told = {name: fairness(name, pairs, 0.5, drifted) for name, pairs in drawn_.items()}
    assert {one.verdict for one in told.values()} == {"overestimated"}
    assert told["last"].beside_all == "overestimated"
    assert fairness("all", everybody, 0.5, drifted).beside_all == "fair"
    assert "overestimated" not in (told["one"].beside_all, told["two"].beside_all)
    assert accuracy.drift([]) == 1.0


def test_of_nobody_missed_none_can_be_caught() -> None:
    found = fairness("x", [(0.5, False)], 0.5)
    assert (found.caught, found.auc, found.flagged.count) == (None, None, 1)
