"""The little statistics the measurements need."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Seen = TypeVar("Seen")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest-rank percentile of sorted values; ``share`` 0.99 is p99. NaN when there are none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ratio_of_medians(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times larger the median of ``ours`` is. Medians first: one noisy repetition must not decide."""
    other = statistics.median(theirs)
    return statistics.median(ours) / other if other else math.inf


def alternate(
    measures: Mapping[str, Callable[[], Seen]], repetitions: int = 3, tell: Callable[[str], None] = lambda _: None
) -> dict[str, list[Seen]]:
    """Run every measure once per repetition, in turn, so that a noisy minute of the machine meets all of them.

    ``tell`` hears what runs next.
    """
    results: dict[str, list[Seen]] = {name: [] for name in measures}
    for repetition, (name, measure) in itertools.product(range(repetitions), measures.items()):
        tell(f"{name} ({repetition + 1} of {repetitions})")
        results[name].append(measure())
    return results
