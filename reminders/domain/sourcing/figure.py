"""Numbers that go into an assessment: each knows its range, and whether the product measured it or a person gave it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

ONE, ZERO = Decimal(1), Decimal(0)

#: What stands in for what nobody said; documented in docs/assessment.md.
DEFAULTS: dict[str, Decimal] = {
    "volume.talk_minutes": Decimal(3),
    "volume.wrap_minutes": Decimal("0.5"),
    "volume.growth_per_year": ZERO,
    "volume.refilled_share": ZERO,
    "volume.transfer_share": ZERO,
    "volume.international_share": ZERO,
    "volume.open_days_per_month": Decimal(21),
    "staffing.answered_share": Decimal("0.8"),
    "staffing.seconds": Decimal(20),
    "staffing.occupancy": Decimal("0.85"),
    "staffing.shrinkage": Decimal("0.3"),
    "staffing.hours_per_month": Decimal(160),
}  # fmt: skip


class Basis(StrEnum):
    """Where a figure comes from."""

    MEASURED = "measured"  # counted by this product in this clinic
    USER = "user"  # given in the scenario
    DEFAULT = "default"  # nobody gave one; the documentation says which value stands in


@dataclass(frozen=True, slots=True)
class Figure:
    """One input. ``path`` is its place in the scenario (``options.0.lines.2.amount``), ``label`` what people call it.

    ``low`` and ``high`` are the plausible range, ``None`` for none given. Figures with the same ``key`` are one quantity
    that stands in several places (the wage of an agent, say): they vary together. ``steady`` figures are decisions rather
    than estimates (how many seats, which service level): without a range of their own they do not vary. ``most`` is the
    highest value that makes sense: 1 for a share.
    """

    path: str
    label: str
    value: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
    basis: Basis = Basis.USER
    source: str = ""
    key: str = ""
    steady: bool = False
    most: Decimal | None = None

    @property
    def name(self) -> str:
        """What a drawn value is filed under."""
        return self.key or self.path

    def range(self, spread: Decimal) -> tuple[Decimal, Decimal]:
        """Its own range; without one, ``spread`` (a share of the value) on either side. Defaults that stand in for
        nothing said do not vary."""
        if self.low is not None and self.high is not None:
            return self.low, self.high
        if self.steady or self.basis is Basis.DEFAULT:
            return self.value, self.value
        low, high = sorted((self.value * (ONE - spread), self.value * (ONE + spread)))
        return low, high if self.most is None else min(high, self.most)


def plain(number: Decimal) -> str:
    """Exact, without a trail of zeros."""
    return f"{number.normalize():f}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Looks figures up: the value, unless another one is tried in its place.

    ``memo`` keeps what was worked out from these values, for one scenario: many options share it.
    """

    tried: Mapping[str, Decimal] = field(default_factory=dict)
    memo: dict[Hashable, Any] = field(default_factory=dict, compare=False)

    def __call__(self, figure: Figure) -> Decimal:
        return self.tried.get(figure.key or figure.path, figure.value)

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """``work()``, done only the first time it is asked for under this key."""
        if key not in self.memo:
            self.memo[key] = work()
        found: T = self.memo[key]
        return found


def varying(figures: Iterable[Figure], spread: Decimal) -> list[Figure]:
    """One figure per quantity that has a range, in order of appearance."""
    found: dict[str, Figure] = {}
    for figure in figures:
        low, high = figure.range(spread)
        if low < high:
            found.setdefault(figure.name, figure)
    return list(found.values())
