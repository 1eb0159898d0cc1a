"""How sure an assessment is: which figures matter (tornado), and what happens when all vary at once (Monte Carlo)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from random import Random

from reminders.domain.sourcing.costing import Calculator, Costed
from reminders.domain.sourcing.figure import ZERO, Figure, Reading, varying
from reminders.domain.sourcing.vector import values, vector

_DIGITS = 6
#: Runs that are calculated together: enough to save the walk through the formulas, few enough for little memory.
_AT_ONCE = 1000


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
    spread = calculator.scenario.spread
    figures = varying(calculator.scenario.figures(), spread)
    ranges = [figure.range(spread) for figure in figures]
    at = Reading({figure.name: _ends(figure, place, ranges) for place, figure in enumerate(figures)})
    theirs = calculator.net_present(other.option, other.automated, at)
    leads = values(theirs - calculator.net_present(leader.option, leader.automated, at), 2 * len(figures))
    pairs = zip(figures, ranges, leads[::2], leads[1::2], strict=True)
    bars = [Bar(figure, *ends, low, high) for figure, ends, low, high in pairs]
    return sorted((bar for bar in bars if bar.swing), key=lambda bar: -bar.swing)


def _ends(figure: Figure, place: int, ranges: Sequence[tuple[Decimal, Decimal]]) -> Decimal:
    """Two tries for each figure, of which this one is at its ends only in its own."""
    tried = [figure.value] * (2 * len(ranges))
    tried[2 * place : 2 * place + 2] = ranges[place]
    return vector(tried)


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
    for begin in range(0, scenario.runs, _AT_ONCE):
        runs = min(_AT_ONCE, scenario.runs - begin)
        at = draw(chance, figures, scenario.spread, runs)
        for place, found in enumerate(candidates):
            results[place] += values(calculator.net_present(found.option, found.automated, at), runs)
    least = [min(costs) for costs in zip(*results, strict=True)]
    spreads = tuple(_spread(found, results[place], least) for place, found in enumerate(candidates))
    won = sum(all(results[leader][run] < results[rival][run] for rival in rivals) for run in range(scenario.runs))
    return Simulated(scenario.runs, scenario.seed, len(figures), spreads, won / scenario.runs)


def draw(chance: Random, figures: Sequence[Figure], spread: Decimal, runs: int) -> Reading:
    """A vector for each figure. All figures of a run are drawn before those of the next, so that no run depends on how
    many there are."""
    triangles = [_triangle(figure, spread) for figure in figures]
    random = chance.random
    drawn = [[_inverse(random(), *triangle) for triangle in triangles] for _ in range(runs)]
    columns = zip(figures, zip(*drawn, strict=True), strict=True)
    return Reading({figure.name: vector(map(Decimal, column)) for figure, column in columns})


def _triangle(figure: Figure, spread: Decimal) -> tuple[float, float, float]:
    """Low, width, and the share of draws below the peak."""
    low, high = (float(end) for end in figure.range(spread))
    peak = min(max(float(figure.value), low), high)
    return low, high - low, (peak - low) / (high - low)


def _inverse(chance: float, low: float, width: float, below: float) -> str:
    """The value of a triangle's distribution function at ``chance`` inverted, to six digits."""
    if chance > below:
        return f"{low + width - width * sqrt((1 - chance) * (1 - below)):.{_DIGITS}f}"
    return f"{low + width * sqrt(chance * below):.{_DIGITS}f}"


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
