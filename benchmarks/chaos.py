"""Chaos: can anything make the product lose a reminder, send it twice or send it late?

Reminders fall due over a minute while workers are killed with ``kill -9`` at random moments, once a second, the provider
hangs up before and after accepting, answers 429 and 500, is slow, and delays, doubles and swaps its callbacks, and
PostgreSQL restarts in the middle. Afterwards the provider's own list is held against the database, reminder by reminder:
each has a phone of its own. ``python -m benchmarks.chaos [--quick] [--database sqlite] [--seed N] [--runs N]``.

Every random choice comes from the seed; how the processes are scheduled does not, so a repeated run is the same storm,
not the same nanoseconds.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import report, servers, storm
from benchmarks.stats import percentile
from benchmarks.storm import Storm
from benchmarks.tally import Outcome

#: A tenth of all requests ends badly; callbacks come in any order, many of them twice.
FAULTS: dict[str, Any] = {
    "drop_before": 0.02, "drop_after": 0.02, "too_many": 0.02, "error_before": 0.02, "error_after": 0.02, "slow": 0.02,
    "slow_seconds": 2.0, "retry_after": 1.0, "callback_delay": 0.5, "callback_duplicated": 0.2,
    "callback_reordered": 0.2,
}  # fmt: skip
THOROUGH = Storm(reminders=5000, spread=60.0, workers=4, seed=0, faults=FAULTS, lease=10, grace=3, limit=300.0)
QUICK = replace(THOROUGH, reminders=600, spread=10.0, lease=3, grace=1, limit=180.0)
WORKERS = {"postgresql": 4, "sqlite": 2}
Tell = Callable[[str, int], None]


def judge(sheet: report.Sheet, kind: str, run: Storm, seen: Outcome) -> None:
    """The correctness lines, and what happened on the way."""
    sheet.note(f"{kind}, {run.workers} workers, seed {run.seed}", f"{run.reminders:,} reminders in {run.spread:g} s")
    sheet.exactly("  lost", len(seen.lost), 0)
    sheet.exactly("  sent twice", len(seen.repeated), 0)
    sheet.exactly("  sent after the deadline", len(seen.late), 0)
    sheet.exactly("  rows not final", len(seen.open), 0)
    sheet.exactly("  rows that tell another story", len(seen.wrong), 0)
    quiet = "never" if seen.quiet_after is None else f"{seen.quiet_after:.0f} s after the last fell due"
    sheet.note("  quiet", quiet)
    delays = [percentile(seen.delays, share) for share in (0.5, 0.99, 1.0)]
    sheet.note("  due to provider, p50 / p99 / worst", " / ".join(f"{one:,.1f}" for one in delays) + " s")
    sheet.note("  states", listed(seen.states))
    sheet.note("  workers killed, frozen, fallen by themselves", f"{seen.kills}, {seen.freezes}, {seen.fallen}")
    sheet.note("  provider's faults", listed(seen.state["faults"]))
    sheet.note("  callbacks", listed({f"{name}": count for name, count in seen.state["callbacks"].items() if count}))


def listed(counts: dict[str, int] | Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


@contextmanager
def showing(console: Console, total: int) -> Any:
    """A bar of what has reached the provider; yields the function that moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=total)
        yield lambda text, count: progress.update(task, description=text, completed=count)


def run(kind: str, plan: Storm, sheet: report.Sheet, tell: Tell) -> Outcome:
    """One storm on one kind of database, judged on ``sheet``."""
    with servers.workdir() as folder:
        seen = storm.rage(plan, kind, folder, tell)
    judge(sheet, kind, plan, seen)
    return seen


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.chaos", description="lose nothing, send nothing twice")
    options.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options.add_argument("--quick", action="store_true", help="a short storm")
    options.add_argument("--seed", type=int, help="repeat the storm with this seed; random when not given")
    options.add_argument("--runs", type=int, default=1, help="storms per database, each with the next seed")
    options.add_argument("--reminders", type=int, help="how many")
    options.add_argument("--spread", type=float, help="seconds over which they fall due")
    options.add_argument("--workers", type=int, help="worker processes; default 4 on PostgreSQL, 2 on SQLite")
    options.add_argument("--freeze", type=float, default=0.0, help="share of victims that freeze and wake up again")
    return options


def plans(given: argparse.Namespace) -> list[tuple[str, Storm]]:
    """What to run, as (kind of database, storm)."""
    kinds = ("postgresql", "sqlite") if given.database == "both" else (given.database,)
    first = random.randrange(1_000_000) if given.seed is None else given.seed
    chosen = {name: getattr(given, name) for name in ("reminders", "spread") if getattr(given, name) is not None}
    base = replace(QUICK if given.quick else THOROUGH, **chosen)
    return [
        (kind, replace(base, seed=first + number, workers=given.workers or WORKERS[kind], freeze=given.freeze))
        for kind in kinds
        for number in range(given.runs)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    servers.stop_on_signals()
    console, sheet = report.terminal(), report.Sheet("Chaos")
    clean = []
    for kind, plan in plans(given):
        with showing(console, plan.reminders) as tell:
            seen = run(kind, plan, sheet, tell)
        clean.append(not seen.findings)
        for story in seen.stories():
            console.print(story, highlight=False)
    if len(clean) > 1:
        sheet.exactly("storms without any fault of ours", sum(clean), len(clean))
    return sheet.close(console)


if __name__ == "__main__":
    raise SystemExit(main())
