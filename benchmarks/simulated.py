"""Simulated clinics whose truth is known: how often do the intervals of the reports hold it?

Run ``python -m benchmarks.simulated`` for the long version; the tests run the short one.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from rich.table import Table

from benchmarks.report import terminal
from reminders.domain.estimators import (
    Arm,
    Interval,
    mantel_haenszel,
    risk_difference,
    risk_ratio,
    sequential_difference,
)
from reminders.domain.measures import wilson

#: Risk of a no-show without reminders by lead time, how many visits there are, and how many of them are reminded.
BASE = np.array([0.06, 0.12, 0.18, 0.24, 0.28, 0.32, 0.34, 0.36])
VISITS = np.array([500, 300, 250, 250, 200, 200, 150, 100])
REMINDED = np.array([0.02, 0.2, 0.5, 0.6, 0.6, 0.65, 0.7, 0.7])
FALL, FACTOR = -0.05, 0.8

Draw = np.random.Generator
Estimate = Callable[[Draw], tuple[Interval | None, float]]


def arm(lot: Draw, visits: int, risk: float) -> Arm:
    return Arm(int(lot.binomial(visits, risk)), int(visits))


def rate(lot: Draw) -> tuple[Interval | None, float]:
    found = arm(lot, 400, 0.18)
    return Interval(found.share, *wilson(found.missed, found.visits)), 0.18


def plain_difference(lot: Draw) -> tuple[Interval | None, float]:
    return risk_difference(arm(lot, 300, 0.15), arm(lot, 200, 0.22)), -0.07


def plain_ratio(lot: Draw) -> tuple[Interval | None, float]:
    return risk_ratio(arm(lot, 300, 0.15), arm(lot, 200, 0.25)), 0.6


def holdout(lot: Draw) -> tuple[Interval | None, float]:
    """A trial with a tenth held out."""
    return risk_difference(arm(lot, 2700, 0.17), arm(lot, 300, 0.21)), -0.04


def _strata(lot: Draw, told: np.ndarray) -> list[tuple[Arm, Arm]]:
    reminded = lot.binomial(VISITS, REMINDED)
    return [
        (arm(lot, one, told[place]), arm(lot, VISITS[place] - one, BASE[place])) for place, one in enumerate(reminded)
    ]


def adjusted_ratio(lot: Draw) -> tuple[Interval | None, float]:
    return mantel_haenszel(_strata(lot, BASE * FACTOR)).ratio, FACTOR


def adjusted_difference(lot: Draw) -> tuple[Interval | None, float]:
    return mantel_haenszel(_strata(lot, BASE + FALL)).difference, FALL


def sparse_difference(lot: Draw) -> tuple[Interval | None, float]:
    """Many strata of a few visits each, as lead time, weekday, service and earlier no-shows make them."""
    risks = lot.uniform(0.1, 0.4, 60)
    ones, others = lot.integers(1, 8, 60), lot.integers(1, 8, 60)
    pairs = [(arm(lot, a, risk + FALL), arm(lot, b, risk)) for a, b, risk in zip(ones, others, risks, strict=True)]
    return mantel_haenszel(pairs).difference, FALL


def sparse_ratio(lot: Draw) -> tuple[Interval | None, float]:
    risks = lot.uniform(0.1, 0.4, 60)
    ones, others = lot.integers(1, 8, 60), lot.integers(1, 8, 60)
    pairs = [(arm(lot, a, risk * FACTOR), arm(lot, b, risk)) for a, b, risk in zip(ones, others, risks, strict=True)]
    return mantel_haenszel(pairs).ratio, FACTOR


ESTIMATES: dict[str, Estimate] = {
    "rate (Wilson)": rate,
    "risk difference (Newcombe)": plain_difference,
    "risk ratio (Katz)": plain_ratio,
    "trial with a holdout (Newcombe)": holdout,
    "adjusted ratio (Greenland-Robins)": adjusted_ratio,
    "adjusted difference (Sato)": adjusted_difference,
    "adjusted ratio, small strata": sparse_ratio,
    "adjusted difference, small strata": sparse_difference,
}


def coverage(estimate: Estimate, clinics: int, seed: int = 1) -> float:
    """Share of the clinics whose interval holds the truth."""
    lot, held = np.random.default_rng(seed), 0
    for _ in range(clinics):
        found, truth = estimate(lot)
        held += found is not None and found.holds(truth)
    return held / clinics


def false_alarms(clinics: int, days: int = 180, per_day: int = 40, share: float = 0.1, seed: int = 2) -> float:
    """Share of trials without any effect in which the sequential interval excludes 0 on at least one of the days, each of
    which is looked at from the day on that there is enough data."""
    lot, wrong = np.random.default_rng(seed), 0
    told, held = int(per_day * (1 - share)), int(per_day * share)
    for _ in range(clinics):
        risk = lot.uniform(0.08, 0.3)
        missed = np.cumsum(lot.binomial(told, risk, days)), np.cumsum(lot.binomial(held, risk, days))
        wrong += any(
            _excludes(Arm(int(missed[0][day]), told * (day + 1)), Arm(int(missed[1][day]), held * (day + 1)))
            for day in range(100 // held, days)
        )
    return wrong / clinics


def _excludes(one: Arm, other: Arm) -> bool:
    if min(one.missed, other.missed) < 10:
        return False
    found = sequential_difference(one, other)
    return found is not None and not found.holds(0)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__)
    found.add_argument("--clinics", type=int, default=20_000)
    return found


def main() -> None:
    clinics = parser().parse_args().clinics
    table = Table("estimate", "covers", title=f"95 % intervals in {clinics:,} simulated clinics")
    for name, estimate in ESTIMATES.items():
        table.add_row(name, f"{coverage(estimate, clinics):.2%}")
    table.add_row("sequential: false alarm in half a year of daily looks", f"{false_alarms(clinics // 10):.2%}")
    terminal().print(table)


if __name__ == "__main__":
    main()
