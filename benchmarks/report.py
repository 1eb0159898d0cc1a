"""The sheet a measurement ends with: what was seen, what it is held against, the ratio, the target and the verdict."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.loadgen import Result
from benchmarks.stats import ratio_of_medians


@dataclass(frozen=True)
class Line:
    """One row. ``passed`` None is information; a failed ``correctness`` line makes the whole run fail."""

    measure: str
    ours: str
    against: str = ""
    ratio: str = ""
    target: str = ""
    passed: bool | None = None
    correctness: bool = False

    @property
    def verdict(self) -> str:
        if self.passed is None:
            return ""
        return "[green]pass[/]" if self.passed else "[bold red]FAIL[/]"


class Sheet:
    """Collects lines and prints them. Speed depends on the machine's mood, correctness does not: only it decides."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.lines: list[Line] = []

    def ratio(
        self, measure: str, ours: Sequence[Result], other: str, theirs: Sequence[Result], target: float | None = None
    ) -> None:
        """Medians of two alternating series; passes when ours is at least ``target`` times theirs, if there is one."""
        seen = ratio_of_medians([one.rate for one in ours], [one.rate for one in theirs])
        self.lines.append(
            Line(
                measure,
                f"{median_rate(ours):,.0f}/s",
                f"{other} {median_rate(theirs):,.0f}/s",
                times(seen),
                "" if target is None else f"≥ {times(target)}",
                None if target is None else seen >= target,
            )
        )

    def quotient(self, measure: str, ours: str, against: str, seen: float, target: float | None = None) -> None:
        """A ratio of anything but rates; more is better."""
        wanted = "" if target is None else f"≥ {times(target)}"
        self.lines.append(Line(measure, ours, against, times(seen), wanted, None if target is None else seen >= target))

    def at_most(self, measure: str, value: float, limit: float, unit: str) -> None:
        shown = f"{value:,.4g} {unit}".strip()
        self.lines.append(Line(measure, shown, target=f"≤ {limit:g} {unit}".strip(), passed=value <= limit))

    def at_least(self, measure: str, value: float, limit: float, unit: str) -> None:
        self.lines.append(Line(measure, f"{value:,.0f}{unit}", target=f"≥ {limit:,.0f}{unit}", passed=value >= limit))

    def exactly(self, measure: str, seen: object, expected: object) -> None:
        """A correctness line."""
        self.lines.append(Line(measure, str(seen), target=f"= {expected}", passed=seen == expected, correctness=True))

    def note(self, measure: str, seen: str, against: str = "") -> None:
        self.lines.append(Line(measure, seen, against))

    def table(self) -> Table:
        table = Table("measure", "product", "against", "ratio", "target", "verdict", title=self.title)
        for line in self.lines:
            table.add_row(line.measure, line.ours, line.against, line.ratio, line.target, line.verdict)
        return table

    @property
    def exit_code(self) -> int:
        """1 when a correctness line failed."""
        return int(any(line.correctness and line.passed is False for line in self.lines))

    def close(self, console: Console | None = None) -> int:
        """Print the table and return the exit code."""
        (console or terminal()).print(self.table())
        return self.exit_code


def terminal() -> Console:
    """Standard output; wide enough for the sheet when it goes to a file or a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=160)


def times(ratio: float) -> str:
    """A ratio as people read it: 23.4x, or 18 % below one."""
    if math.isinf(ratio):
        return "∞"
    return f"{ratio:,.1f}x" if ratio >= 1 else f"{ratio:.0%}".replace("%", " %")


def median_rate(results: Sequence[Result]) -> float:
    return statistics.median(one.rate for one in results)


def median_ms(results: Sequence[Result], share: float) -> float:
    """Median over repetitions of one percentile, in milliseconds."""
    return statistics.median(one.percentile_ms(share) for one in results)
