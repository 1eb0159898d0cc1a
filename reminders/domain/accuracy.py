"""How good predicted probabilities are: whether they rank right, whether they mean what they say, and for whom.

All of it is plain arithmetic on pairs of a probability and what became of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import log

from reminders.domain.measures import Rate, rate
from reminders.domain.risk import logistic, logit

#: (probability that the visit is missed, whether it was).
Pair = tuple[float, bool]

#: This share of the visits, those with the highest risks, counts as flagged.
FLAGGED = 0.2
#: Groups with fewer visits are listed, but not judged.
FEW = 100
_BINS = 10
_STEPS = 50
_STILL = 1e-10


def auc(pairs: Iterable[Pair]) -> float | None:
    """The chance that of a missed and a kept visit the missed one has the higher risk; ties count half (Mann and Whitney
    1947, Annals of Mathematical Statistics 18, 50-60). 0.5 is guessing. ``None`` without visits of both kinds."""
    ordered = sorted(pairs)
    missed = kept = 0
    wins = 0.0
    for _, group in groupby(ordered, key=lambda pair: pair[0]):
        outcomes = [outcome for _, outcome in group]
        here = sum(outcomes)
        there = len(outcomes) - here
        wins += here * (kept + there / 2)
        missed, kept = missed + here, kept + there
    return wins / (missed * kept) if missed and kept else None


def brier(pairs: Sequence[Pair]) -> float:
    """The mean squared distance of the probability from what happened (Brier 1950, Monthly Weather Review 78, 1-3); lower
    is better. ``pairs`` must not be empty."""
    return sum((risk - outcome) ** 2 for risk, outcome in pairs) / len(pairs)


def log_loss(pairs: Sequence[Pair]) -> float:
    """The mean negative logarithm of the probability given to what happened; lower is better. ``pairs`` must not be
    empty."""
    return -sum(log(max(risk if outcome else 1 - risk, 1e-9)) for risk, outcome in pairs) / len(pairs)


@dataclass(frozen=True, slots=True)
class Line:
    """Recalibration: true log-odds = ``intercept`` + ``slope`` × predicted log-odds."""

    intercept: float
    slope: float


def recalibration(pairs: Sequence[Pair]) -> Line | None:
    """The line that fits best, by Newton's method: slope 1 and intercept 0 mean that the probabilities are what they
    claim (Cox 1958, Biometrika 45, 562-565). ``None`` where there is no such line: no variety, or a perfect ranking."""
    scores = [(logit(risk), outcome) for risk, outcome in pairs]
    intercept, slope = 0.0, 1.0
    for _ in range(_STEPS):
        step = _newton(scores, intercept, slope)
        if step is None:
            return None
        intercept, slope = intercept + step[0], slope + step[1]
        if abs(slope) > _STEPS or abs(intercept) > _STEPS:
            return None
        if abs(step[0]) + abs(step[1]) < _STILL:
            return Line(intercept, slope)
    return None


def _newton(scores: Sequence[Pair], intercept: float, slope: float) -> tuple[float, float] | None:
    """One step of both numbers at once; ``None`` when the curvature is too small to say where to go."""
    g0 = g1 = h00 = h01 = h11 = 0.0
    for score, outcome in scores:
        risk = logistic(intercept + slope * score)
        off, weight = outcome - risk, risk * (1 - risk)
        g0, g1 = g0 + off, g1 + off * score
        h00, h01, h11 = h00 + weight, h01 + weight * score, h11 + weight * score * score
    determinant = h00 * h11 - h01 * h01
    if determinant <= _STILL * max(1.0, h00 * h11):
        return None
    return (g0 * h11 - g1 * h01) / determinant, (g1 * h00 - g0 * h01) / determinant


@dataclass(frozen=True, slots=True)
class Bin:
    """Visits of similar risk: the mean of what was predicted, and the share that was missed."""

    visits: int
    predicted: float
    missed: Rate


def bins(pairs: Iterable[Pair], number: int = _BINS) -> tuple[Bin, ...]:
    """Groups of equal size from the lowest risk to the highest; equal risks may be parted."""
    ordered = sorted(pairs)
    cuts = [len(ordered) * place // number for place in range(number + 1)]
    groups = (ordered[low:high] for low, high in pairwise(cuts))
    return tuple(_bin(group) for group in groups if group)


def _bin(group: Sequence[Pair]) -> Bin:
    found = rate(sum(outcome for _, outcome in group), len(group))
    assert found is not None
    return Bin(len(group), sum(risk for risk, _ in group) / len(group), found)


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the probabilities of some visits are. ``expected`` and ``missed`` are no-shows; ``off`` is the mean
    distance between predicted and observed share over the bins (expected calibration error)."""

    visits: int
    missed: int
    expected: float
    auc: float | None
    brier: float
    log_loss: float
    line: Line | None
    off: float
    bins: tuple[Bin, ...]


def quality(pairs: Sequence[Pair]) -> Quality:
    """``pairs`` must not be empty."""
    found = bins(pairs)
    off = sum(abs(one.predicted - one.missed.value) * one.visits for one in found) / len(pairs)
    return Quality(
        len(pairs), sum(outcome for _, outcome in pairs), sum(risk for risk, _ in pairs), auc(pairs), brier(pairs),
        log_loss(pairs), recalibration(pairs), off, found,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fairness:
    """One group of patients. ``predicted`` is the mean risk, ``observed`` the share missed; ``flagged`` the share of the
    group's visits among those with the highest risks of all, ``caught`` that share of its no-shows. ``verdict`` is
    ``fair``, ``overestimated`` or ``underestimated`` (the mean risk lies outside the interval of what was observed), or
    ``few``. ``beside_all`` is the same after the risks of everybody were scaled to what was missed altogether: it says
    whom the risks treat differently when rates have fallen or risen for all."""

    group: str
    visits: int
    predicted: float
    observed: Rate
    auc: float | None
    flagged: Rate
    caught: Rate | None
    verdict: str
    beside_all: str


def threshold(pairs: Sequence[Pair], share: float = FLAGGED) -> float:
    """The risk from which on a visit counts as flagged: ``share`` of all visits, or a few more where risks are equal."""
    ordered = sorted((risk for risk, _ in pairs), reverse=True)
    return ordered[max(0, round(len(ordered) * share) - 1)] if ordered else 1.0


def drift(pairs: Sequence[Pair]) -> float:
    """How many times as many visits were missed as the risks say; 1 when they say nothing."""
    expected = sum(risk for risk, _ in pairs)
    return sum(outcome for _, outcome in pairs) / expected if expected else 1.0


def fairness(group: str, pairs: Sequence[Pair], flagged_from: float, drifted: float = 1.0) -> Fairness:
    """The figures of one group; ``pairs`` must not be empty. ``drifted`` is the ``drift`` of all groups together."""
    whole = _bin(pairs)
    flags = rate(sum(risk >= flagged_from for risk, _ in pairs), len(pairs))
    assert flags is not None
    caught = rate(sum(risk >= flagged_from for risk, outcome in pairs if outcome), whole.missed.count)
    return Fairness(
        group, whole.visits, whole.predicted, whole.missed, auc(pairs), flags, caught,
        _verdict(whole, whole.predicted), _verdict(whole, whole.predicted * drifted),
    )  # fmt: skip


def _verdict(whole: Bin, predicted: float) -> str:
    if whole.visits < FEW:
        return "few"
    if predicted > whole.missed.high:
        return "overestimated"
    return "underestimated" if predicted < whole.missed.low else "fair"
