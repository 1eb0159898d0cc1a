"""Real worker processes, killed at random, against a provider that misbehaves: nothing lost, nothing twice, nothing
late. And the proof that this would be noticed. ``benchmarks/chaos.py`` is the long version."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import chaos, storm
from benchmarks.storm import Storm
from benchmarks.tally import Outcome

SHORT = Storm(
    reminders=300, spread=8.0, workers=2, seed=0, lease=3, grace=1, senders=8, limit=90.0,
    faults=chaos.FAULTS | {"too_many": 0.0, "slow_seconds": 1.0},
)  # fmt: skip
#: Long answers, so that a kill always hits somebody who waits for one.
FLAWED = replace(SHORT, reminders=120, spread=4.0, kill_every=0.7, limit=9.0, restart_database=False)


def run(plan: Storm, kind: str, folder: Path, entry: str = storm.WORKER) -> Outcome:
    """Each time another storm; a failure names the seed that repeats it."""
    plan = replace(plan, seed=random.randrange(1_000_000))
    seen = storm.rage(plan, kind, folder, entry=entry)
    print(f"seed {plan.seed}: {seen.kills} kills, {dict(seen.states)}, {seen.state}")
    print(*seen.stories(), sep="\n")
    return seen


@pytest.mark.parametrize(("kind", "workers"), [("sqlite", 2), ("postgresql", 3)])
def test_nothing_is_lost_repeated_or_late(kind: str, workers: int, tmp_path: Path) -> None:
    seen = run(replace(SHORT, workers=workers), kind, tmp_path)
    assert seen.findings == {}
    assert seen.quiet_after is not None
    assert seen.kills >= 5
    assert sum(seen.state["faults"].values()) >= 5


@pytest.mark.parametrize("flaw", ["without_reconciling", "attempt_after_call"])
def test_a_flaw_would_be_noticed(flaw: str, tmp_path: Path) -> None:
    faults = {"latency": 0.4, "callbacks": False, "drop_before": 0.05, "drop_after": 0.05}
    seen = run(replace(FLAWED, faults=faults), "sqlite", tmp_path, f"tests.chaos.broken_worker:{flaw}")
    assert len(seen.messages) > FLAWED.reminders / 2  # it does work
    assert seen.lost if flaw == "without_reconciling" else seen.repeated
