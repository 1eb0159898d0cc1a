"""Sending: bursts, dispatch without a provider, crashes, outages, a hundred thousand reminders ahead, latency, and an
old snapshot, beside job queues doing the same and beside what the database can do at best.

``python -m benchmarks.dispatch [--quick] [--database postgresql] [--scenario S1,S3] [--peers celery,dramatiq]``.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from benchmarks import report, servers
from benchmarks.dispatching import burst, crash, latency, noop, outage, planning, snapshot
from benchmarks.dispatching.ground import QUICK, THOROUGH, Ground
from benchmarks.dispatching.queues import PEERS

SCENARIOS: dict[str, Callable[[Ground], None]] = {
    "S1": burst.run,
    "S2": noop.run,
    "S3": crash.run,
    "S4": outage.run,
    "S5": planning.run,
    "S6": latency.run,
    "S11": snapshot.run,
}


def several(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Reads a comma-separated list of known names, in any case; "none" is an empty one."""

    def read(given: str) -> list[str]:
        by_name = {name.lower(): name for name in known}
        wanted = [name.strip().lower() for name in given.split(",")] if given != "none" else []
        unknown = [name for name in wanted if name not in by_name]
        if unknown:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)} (known: {', '.join(known)})")
        return [by_name[name] for name in wanted]

    return read


def attempt(name: str, ground: Ground) -> None:
    """One scenario. When it breaks down, a line says so, the run has failed, and the next one follows."""
    try:
        SCENARIOS[name](ground)
    except (servers.ServerError, OSError, subprocess.SubprocessError) as problem:
        ground.sheet.exactly(f"{name} ran to its end", f"no: {str(problem)[:80]} … {str(problem)[-300:]}", "yes")


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.dispatch", description="sending beside job queues and limits")
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--quick", action="store_true", help="smaller and fewer runs")
    options.add_argument("--scenario", type=several(tuple(SCENARIOS)), default=list(SCENARIOS), metavar="S1,S2,…")
    options.add_argument("--peers", type=several(PEERS), default=list(PEERS), metavar=f"{','.join(PEERS)}|none")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    servers.stop_on_signals()
    console = report.terminal()
    with ExitStack() as stack, console.status("starting") as status:
        folder = stack.enter_context(servers.workdir())
        effort = QUICK if given.quick else THOROUGH
        ground = Ground(given.database, effort, given.peers, folder, stack, status.update)
        for name in given.scenario:
            attempt(name, ground)
    return ground.sheet.close(console)


if __name__ == "__main__":
    raise SystemExit(main())
