"""Slot search and reading one appointment, through HTTP with a key, 8 clients, two workers.

The clinic of ``scenario.py``: 20 providers, 12,000 booked visits. The peer is django-appointment on the same kind of
database; the limit of reading is a Flask route that does nothing. ``python -m benchmarks.slots [--quick]``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import loadgen, peer, product, rawlimits, report, scenario, servers
from benchmarks.product import Product
from benchmarks.stats import alternate

PEER = "django-appointment"
TIMES_PEER = 20
STATEMENTS = 2
MONTH_P50_MS = 10
DAY_P99_MS = 20
SHARE_OF_BARE_READ = 0.5
# How much of its speed a search may lose when ten times as many visits lie outside the window: noise, no more.
SHARE_WHEN_FULL = 0.8


@dataclass(frozen=True)
class Effort:
    """How long to measure, how often, and how many times more visits the full database holds."""

    seconds: float
    repetitions: int
    fuller: int


THOROUGH = Effort(seconds=5.0, repetitions=3, fuller=10)
QUICK = Effort(seconds=1.5, repetitions=3, fuller=3)


class Databases:
    """Fresh databases of one kind, all in one folder or on one server."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack) -> None:
        self.kind, self.folder = kind, folder
        self._server: Any = stack.enter_context(servers.postgresql()) if kind == "postgresql" else None

    def create(self, name: str, driver: str | None = "psycopg") -> str:
        """URL of an empty database; for SQLAlchemy unless ``driver`` is None, which asks for a libpq URL."""
        if self.kind == "sqlite":
            return f"sqlite:///{self.folder}/{name}.db"
        return servers.create_database(self._server, name, driver)


@contextmanager
def parties(databases: Databases, effort: Effort, tell: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Everybody who takes part, seeded and running."""
    today, folder = date.today(), databases.folder
    with ExitStack() as stack:
        tell("seeding the product")
        url = databases.create("product")
        ours = stack.enter_context(product.running(scenario.standard(today), url, folder))
        single = stack.enter_context(product.with_one_worker(ours, url, folder))
        tell(f"seeding the product with {effort.fuller} times as many visits")
        more = scenario.standard(today, days=60 * effort.fuller)
        full = stack.enter_context(product.running(more, databases.create("full"), folder))
        tell(f"installing and seeding {PEER}")
        theirs = stack.enter_context(
            peer.running(scenario.standard(today), databases.create("peer", driver=None), folder)
        )
        bare = stack.enter_context(rawlimits.bare_flask(folder))
        yield {"ours": ours, "single": single, "full": full, "peer": theirs, "bare": bare}


def measure(taking: dict[str, Any], effort: Effort, tell: Callable[[str], None]) -> dict[str, list[loadgen.Result]]:
    """Every measurement once per repetition, in turn."""
    ours: Product = taking["ours"]
    ids = appointment_ids(ours)
    seconds = effort.seconds
    return alternate(
        {
            "day": lambda: ours.search(seconds),
            "peer": lambda: taking["peer"].search(seconds),
            "full": lambda: taking["full"].search(seconds),
            "month": lambda: ours.search(seconds, days=30),
            "month alone": lambda: ours.search(seconds, days=30, clients=1),
            "read": lambda: ours.reads(ids, seconds),
            "bare": lambda: taking["bare"](seconds),
        },
        effort.repetitions,
        tell,
    )


def appointment_ids(ours: Product) -> list[str]:
    """Some appointments to read."""
    first, last = ours.plan.dates[0], ours.plan.dates[3]
    path = f"/api/v1/appointments?from={first}T00:00:00Z&to={last}T00:00:00Z&limit=100"
    return [one["id"] for one in ours.read(path)["items"]]


def judge(seen: dict[str, list[loadgen.Result]], single: Product, effort: Effort, title: str) -> report.Sheet:
    sheet = report.Sheet(title)
    sheet.ratio("search 1 day, 8 clients", seen["day"], PEER, seen["peer"], TIMES_PEER)
    sheet.note("  p50 / p95 / p99", percentiles(seen["day"]), percentiles(seen["peer"]))
    sheet.at_most("  p99", report.median_ms(seen["day"], 0.99), DAY_P99_MS, "ms")
    fuller = f"{effort.fuller} times the visits"
    sheet.ratio(f"search 1 day, {fuller} outside", seen["full"], "12,000 visits", seen["day"], SHARE_WHEN_FULL)
    sheet.at_most("search 30 days, one client, p50", report.median_ms(seen["month alone"], 0.5), MONTH_P50_MS, "ms")
    sheet.note("search 30 days, 8 clients", f"{report.median_rate(seen['month']):,.0f}/s", percentiles(seen["month"]))
    for name, days in (("1 day", 1), ("30 days", 30)):
        sheet.at_most(f"SQL statements, {name}", single.statements_per_search(days=days), STATEMENTS, "")
    sheet.ratio("GET one appointment", seen["read"], "bare Flask route", seen["bare"], SHARE_OF_BARE_READ)
    return sheet


def percentiles(results: Sequence[loadgen.Result]) -> str:
    return " / ".join(f"{report.median_ms(results, share):.1f}" for share in (0.5, 0.95, 0.99)) + " ms"


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.slots", description="slot search against a peer and limits")
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--quick", action="store_true", help="shorter runs, fewer visits")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    effort = QUICK if given.quick else THOROUGH
    servers.stop_on_signals()
    console = report.terminal()
    with ExitStack() as stack, console.status("starting") as status:
        folder = stack.enter_context(servers.workdir())
        databases = Databases(given.database, folder, stack)
        taking = stack.enter_context(parties(databases, effort, status.update))
        seen = measure(taking, effort, status.update)
        sheet = judge(seen, taking["single"], effort, f"Slot search on {given.database}")
    return sheet.close(console)


if __name__ == "__main__":
    raise SystemExit(main())
