"""How much a no-show rate differs between two groups of visits, and how sure one can be of it.

Shares are of visits that were missed, so a ratio below 1 and a difference below 0 mean fewer no-shows in the first
group. All intervals are at 95 %, and everything is plain arithmetic on counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, log, sqrt

from reminders.domain.measures import Z95, wilson

#: Quantile of the normal distribution for a power of 80 %.
Z80 = 0.8416212335729143
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the bounds of its interval."""

    value: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def scaled(self, factor: float) -> Interval:
        """Times ``factor``; a negative one swaps the bounds."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Interval(self.value * factor, low, high)


@dataclass(frozen=True, slots=True)
class Arm:
    """``missed`` of ``visits``: one group. ``ValueError`` unless 0 <= missed <= visits."""

    missed: int
    visits: int

    def __post_init__(self) -> None:
        if not 0 <= self.missed <= self.visits:
            raise ValueError("missed must lie between 0 and visits")

    def __add__(self, other: Arm) -> Arm:
        return Arm(self.missed + other.missed, self.visits + other.visits)

    @property
    def share(self) -> float:
        return self.missed / self.visits


NOBODY = Arm(0, 0)
#: Two arms as plain numbers: missed and visits of the one, missed and visits of the other.
Four = tuple[int, int, int, int]


def risk_difference(one: Arm, other: Arm) -> Interval | None:
    """Share of ``one`` minus share of ``other`` with Newcombe's hybrid score interval (Newcombe 1998, Statistics in
    Medicine 17, 873-890, method 10); ``None`` when a group is empty."""
    if not (one.visits and other.visits):
        return None
    low1, high1 = wilson(one.missed, one.visits)
    low0, high0 = wilson(other.missed, other.visits)
    difference = one.share - other.share
    below = sqrt((one.share - low1) ** 2 + (high0 - other.share) ** 2)
    above = sqrt((high1 - one.share) ** 2 + (other.share - low0) ** 2)
    return Interval(difference, difference - below, difference + above)


def risk_ratio(one: Arm, other: Arm) -> Interval | None:
    """Share of ``one`` over share of ``other`` with the interval of its logarithm (Katz and others 1978, Biometrics 34,
    469-474); ``None`` when nobody was missed in either group, for then it says nothing."""
    if not (one.missed and other.missed):
        return None
    ratio = one.share / other.share
    error = sqrt(1 / one.missed - 1 / one.visits + 1 / other.missed - 1 / other.visits)
    return _around(ratio, error)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Two groups compared within strata. ``ratio`` and ``difference`` are ``None`` when no stratum says anything.

    ``one`` and ``other`` are the visits that had somebody to be compared with; ``alone_one`` and ``alone_other`` those
    in strata where the other group is empty. ``strata`` is how many strata were compared.
    """

    ratio: Interval | None
    difference: Interval | None
    one: Arm
    other: Arm
    alone_one: int
    alone_other: int
    strata: int

    @property
    def alone_share(self) -> float:
        """Share of the first group's visits that had no comparable partner."""
        total = self.one.visits + self.alone_one
        return self.alone_one / total if total else 0.0


def mantel_haenszel(strata: Iterable[tuple[Arm, Arm]]) -> Adjusted:
    """Risk ratio and risk difference over strata of (one, other), as Mantel and Haenszel weigh them.

    The ratio's interval is that of Greenland and Robins (1985, Biometrics 41, 55-68), the difference's that of Sato
    (1989, Biometrics 45, 1323-1324): both hold for few large and for many small strata.
    """
    return adjusted((one.missed, one.visits, other.missed, other.visits) for one, other in strata)


def adjusted(strata: Iterable[Four]) -> Adjusted:
    """``mantel_haenszel`` of plain numbers: there may be tens of thousands of strata."""
    missed_one = visits_one = missed_other = visits_other = 0
    number = alone_one = alone_other = 0
    upper = lower = spread = weights = p = q = 0.0
    for a, n1, c, n0 in strata:
        if not (n1 and n0):
            alone_one += n1
            alone_other += n0
            continue
        number += 1
        total, both = n1 + n0, n1 * n0
        square = total * total
        missed_one += a
        visits_one += n1
        missed_other += c
        visits_other += n0
        upper += a * n0 / total
        lower += c * n1 / total
        spread += (both * (a + c) - a * c * total) / square
        weights += both / total
        p += (n1 * n1 * c - n0 * n0 * a + both * (n0 - n1) / 2) / square
        q += (a * (n0 - c) + c * (n1 - a)) / (2 * total)
    ratio = _around(upper / lower, sqrt(max(0.0, spread) / (upper * lower))) if upper and lower else None
    one, other = Arm(missed_one, visits_one), Arm(missed_other, visits_other)
    difference = _pooled_difference(upper - lower, weights, p, q)
    return Adjusted(ratio, difference, one, other, alone_one, alone_other, number)


def _pooled_difference(upper: float, weights: float, p: float, q: float) -> Interval | None:
    if not weights:
        return None
    difference = upper / weights
    half = Z95 * sqrt(max(0.0, difference * p + q)) / weights
    return Interval(difference, difference - half, difference + half)


#: The mixture's scale: differences of about this size are found soonest.
_USUAL_DIFFERENCE = 0.05


def sequential_difference(one: Arm, other: Arm, scale: float = _USUAL_DIFFERENCE) -> Interval | None:
    """Share of ``one`` minus share of ``other`` with an interval that holds at all times at once: it may be looked at
    daily, and acting on the first look that excludes 0 is still wrong in at most 5 % of trials without an effect.

    The mixture sequential probability ratio test with a normal mixture of standard deviation ``scale`` (Robbins 1970,
    Annals of Mathematical Statistics 41, 1397-1409; Johari, Koomen, Pekelis and Walsh 2022, Operations Research 70,
    1806-1821), with the variance of Agresti and Caffo (2000). ``None`` when a group is empty.
    """
    if not (one.visits and other.visits):
        return None
    variance, square = _variance(one) + _variance(other), scale * scale
    wide = (variance + square) / variance
    half = sqrt(variance * (variance + square) / square * (log(wide) - 2 * log(ALPHA)))
    difference = one.share - other.share
    return Interval(difference, difference - half, difference + half)


def required_visits(base: float, difference: float, share: float) -> int:
    """Visits of both arms together that a trial needs to find, with 80 % power at 5 % (two-sided), that a rate of
    ``base`` without reminders falls by ``difference``, when ``share`` of the visits get none (Fleiss, Levin and Paik
    2003, Statistical Methods for Rates and Proportions, section 4.3). ``ValueError`` for values out of range."""
    if not (0 < difference <= base < 1 and 0 < share < 1):
        raise ValueError("0 < difference <= base < 1 and 0 < share < 1")
    ratio, lowered = (1 - share) / share, base - difference
    middle = share * base + (1 - share) * lowered
    alike = sqrt((1 + 1 / ratio) * middle * (1 - middle))
    apart = sqrt(base * (1 - base) + lowered * (1 - lowered) / ratio)
    held_out = ((Z95 * alike + Z80 * apart) / difference) ** 2
    return ceil(held_out * (1 + ratio))


def _variance(arm: Arm) -> float:
    share = (arm.missed + 1) / (arm.visits + 2)
    return share * (1 - share) / (arm.visits + 2)


def _around(ratio: float, error: float) -> Interval:
    return Interval(ratio, ratio * exp(-Z95 * error), ratio * exp(Z95 * error))
