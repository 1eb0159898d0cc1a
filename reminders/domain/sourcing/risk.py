"""How sure an assessment is: which figures matter (tornado), and what happens when all vary at once (Monte Carlo)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from reminders.domain.sourcing.costing import Calculator, Costed
from reminders.domain.sourcing.figure import ZERO, Figure, Reading, varying

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the tornado: by how much the leader is cheaper (net, present worth) at either end of a figure's range.

    Negative: there the other one is cheaper.
    """

    figure: Figure
    low: Decimal
    high: Decimal
    at_low: Decimal
    at_high: Decimal

    @property
    def swing(self) -> Decimal:
        return abs(self.at_high - self.at_low)

    @property
    def turns(self) -> bool:
        """True when the leader loses within the range."""
        return min(self.at_low, self.at_high) < 0


@dataclass(frozen=True, slots=True)
class Spread:
    """A candidate in the simulation: its net present cost in 5, 50 and 95 of 100 runs at most, the mean, and the share of
    runs in which it was the cheapest of all."""

    option: str
    automated: bool
    p5: Decimal
    p50: Decimal
    p95: Decimal
    mean: Decimal
    cheapest: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """``runs`` draws with this seed; the same seed gives the same result."""

    runs: int
    seed: int
    varied: int
    candidates: tuple[Spread, ...]
    leader_wins: float


def tornado(calculator: Calculator, leader: Costed, other: Costed) -> list[Bar]:
    """Every figure with a range, the most important first; those without any effect are left out."""
    bars = []
    for figure in varying(calculator.scenario.figures(), calculator.scenario.spread):
        low, high = figure.range(calculator.scenario.spread)
        ends = [_lead(calculator, leader, other, figure, end) for end in (low, high)]
        bars.append(Bar(figure, low, high, *ends))
    return sorted((bar for bar in bars if bar.swing), key=lambda bar: -bar.swing)


def _lead(calculator: Calculator, leader: Costed, other: Costed, figure: Figure, value: Decimal) -> Decimal:
    at = Reading({figure.name: value})
    theirs = calculator.net_present(other.option, other.automated, at)
    return theirs - calculator.net_present(leader.option, leader.automated, at)


def simulate(
    calculator: Calculator, candidates: Sequence[Costed], leader: int, rivals: Sequence[int]
) -> Simulated | None:
    """Draw every figure with a range from a triangle over it, with its value as the peak, ``runs`` times.

    ``leader`` and ``rivals`` are places in ``candidates``; ``leader_wins`` is the share of runs in which the leader is cheaper
    than all rivals. ``None`` when nothing varies.
    """
    scenario = calculator.scenario
    figures = varying(scenario.figures(), scenario.spread)
    if not figures or not candidates or not scenario.runs:
        return None
    chance = Random(scenario.seed)  # noqa: S311 - draws for a forecast, no secrets
    results: list[list[Decimal]] = [[] for _ in candidates]
    for _ in range(scenario.runs):
        at = Reading({figure.name: _drawn(chance, figure, scenario.spread) for figure in figures})
        for place, found in enumerate(candidates):
            results[place].append(calculator.net_present(found.option, found.automated, at))
    least = [min(costs) for costs in zip(*results, strict=True)]
    spreads = tuple(_spread(found, results[place], least) for place, found in enumerate(candidates))
    won = sum(all(results[leader][run] < results[rival][run] for rival in rivals) for run in range(scenario.runs))
    return Simulated(scenario.runs, scenario.seed, len(figures), spreads, won / scenario.runs)


def _drawn(chance: Random, figure: Figure, spread: Decimal) -> Decimal:
    low, high = figure.range(spread)
    peak = min(max(figure.value, low), high)
    return Decimal(str(round(chance.triangular(float(low), float(high), float(peak)), _DIGITS)))


def _spread(found: Costed, costs: list[Decimal], least: list[Decimal]) -> Spread:
    ordered = sorted(costs)
    wins = sum(own == best for own, best in zip(costs, least, strict=True))
    return Spread(
        found.option.name, found.automated, _quantile(ordered, 5), _quantile(ordered, 50), _quantile(ordered, 95),
        sum(ordered, ZERO) / len(ordered), wins / len(costs),
    )  # fmt: skip


def _quantile(ordered: list[Decimal], percent: int) -> Decimal:
    """The smallest value that so many percent of all do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
