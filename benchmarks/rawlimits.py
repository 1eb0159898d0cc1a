"""What the database and the web server can do at best: the limits that bookings and reads are held against.

Inserts are single-row transactions that nothing can double-book: an exclusion constraint over half-open ranges on
PostgreSQL, a trigger under BEGIN IMMEDIATE on SQLite. No HTTP, no reminders, no history, no product code.
``python -m benchmarks.rawlimits`` prints them all and what the load generator itself costs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from rich.table import Table

from benchmarks import loadgen, report, scenario, servers
from benchmarks.scenario import CLIENTS

SEEDED = 12_000
PROVIDERS = 20
_FIRST = datetime(2030, 1, 1, tzinfo=UTC)
_LENGTH = timedelta(minutes=30)

_POSTGRESQL = """
CREATE TABLE visits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider_id bigint NOT NULL, starts_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
  EXCLUDE USING gist (
    int8range(provider_id, provider_id, '[]') WITH &&, tstzrange(starts_at, ends_at, '[)') WITH &&))
"""
# The lower bound on starts_at keeps the trigger from walking a provider's whole past; no visit lasts a day.
_SQLITE = """
PRAGMA journal_mode = WAL;
CREATE TABLE visits (
  id INTEGER PRIMARY KEY, provider_id INTEGER NOT NULL, starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL);
CREATE INDEX visits_by_provider ON visits (provider_id, starts_at);
CREATE TRIGGER visits_never_overlap BEFORE INSERT ON visits WHEN EXISTS (
  SELECT 1 FROM visits WHERE provider_id = NEW.provider_id AND starts_at < NEW.ends_at
  AND starts_at > NEW.starts_at - 86400 AND ends_at > NEW.starts_at)
BEGIN SELECT RAISE(ABORT, 'slot_taken'); END;
"""


def visits(providers: Sequence[int]) -> Iterator[tuple[int, datetime, datetime]]:
    """Endless visits that never overlap: (provider, start, end)."""
    start = _FIRST
    while True:
        for provider in providers:
            yield provider, start, start + _LENGTH
        start += _LENGTH


def postgresql_inserts(url: str, seconds: float) -> loadgen.Result:
    """Constrained inserts per second over 8 connections, one process each; ``url`` is an empty database."""
    with psycopg.connect(url) as connection:
        connection.execute(_POSTGRESQL)
        with connection.cursor().copy("COPY visits (provider_id, starts_at, ends_at) FROM STDIN") as copy:
            for row, _ in zip(visits(range(PROVIDERS)), range(SEEDED), strict=False):
                copy.write_row(row)
    context = multiprocessing.get_context("fork")
    barrier, inserted = context.Barrier(CLIENTS), context.SimpleQueue()
    workers = [
        context.Process(target=_insert, args=(url, client, seconds, barrier, inserted), daemon=True)
        for client in range(CLIENTS)
    ]
    for worker in workers:
        worker.start()
    counts = [inserted.get() for _ in workers]
    for worker in workers:
        worker.join()
    if min(counts) < 0:
        raise servers.ServerError("an inserting process failed; its own words are above")
    return loadgen.Result(seconds, sum(counts))


def _insert(url: str, client: int, seconds: float, barrier: Barrier, inserted: Any) -> None:
    """One connection's share, at providers of its own: the constraint is checked, but nobody is refused."""
    statement = "INSERT INTO visits (provider_id, starts_at, ends_at) VALUES (%s, %s, %s)"
    mine = visits(range(1000 * (client + 1), 1000 * (client + 1) + PROVIDERS))
    done = -1
    try:
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            barrier.wait(30)
            done = _count(seconds, lambda: connection.execute(statement, next(mine)))
    finally:
        inserted.put(done)


def sqlite_inserts(path: Path, seconds: float, synchronous: str) -> loadgen.Result:
    """Guarded inserts per second of one connection; ``synchronous`` is FULL (each commit on disk) or NORMAL."""
    rows = ((provider, int(a.timestamp()), int(b.timestamp())) for provider, a, b in visits(range(PROVIDERS)))
    statement = "INSERT INTO visits (provider_id, starts_at, ends_at) VALUES (?, ?, ?)"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_SQLITE)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("BEGIN")
        connection.executemany(statement, (row for row, _ in zip(rows, range(SEEDED), strict=False)))
        connection.execute("COMMIT")

        def insert() -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(statement, next(rows))
            connection.execute("COMMIT")

        return loadgen.Result(seconds, _count(seconds, insert))


def _count(seconds: float, act: Callable[[], object]) -> int:
    done, end = 0, perf_counter() + seconds
    while perf_counter() < end:
        act()
        done += 1
    return done


@contextmanager
def bare_server(app: str, folder: Path, workers: int, *options: str) -> Iterator[servers.Server]:
    """One of ``benchmarks.bareapps`` under granian."""
    port = servers.free_port()
    command = servers.granian(f"benchmarks.bareapps:{app}", port, workers, servers.BIN / "python", *options)
    with servers.serve(command, port, folder / f"{app}.log") as server:
        yield server


@contextmanager
def bare_flask(folder: Path, workers: int = scenario.WORKERS) -> Iterator[Callable[[float], loadgen.Result]]:
    """A Flask route that only answers; the value measures it for some seconds."""
    one = loadgen.request("GET", "/appointments/17")
    with bare_server("flask_app", folder, workers, "--factory") as server:
        yield lambda seconds: loadgen.run(server.address, loadgen.spread([one], CLIENTS), seconds).only(200)


def generator_cost(folder: Path, seconds: float) -> tuple[loadgen.Result, float]:
    """(run against one bare WSGI worker, the server's CPU seconds in it): is the generator light enough?"""
    one = loadgen.request("GET", "/")
    with bare_server("wsgi", folder, 1) as server:
        loadgen.run(server.address, loadgen.spread([one], CLIENTS), 0.5)
        before = server.cpu_seconds()
        result = loadgen.run(server.address, loadgen.spread([one], CLIENTS), seconds).only(200)
        return result, server.cpu_seconds() - before


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.rawlimits", description="raw limits of this machine")
    options.add_argument("--seconds", type=float, default=4.0, help="length of each measurement")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    seconds = parser().parse_args(arguments).seconds
    servers.stop_on_signals()
    table = Table("limit", "per second", "remarks", title="Raw limits of this machine, now")
    with servers.workdir() as folder:
        for level in ("FULL", "NORMAL"):
            rate = sqlite_inserts(folder / f"{level}.db", seconds, level).rate
            table.add_row(f"SQLite guarded insert, synchronous {level}", f"{rate:,.0f}", "1 connection")
        with servers.postgresql() as server:
            rate = postgresql_inserts(servers.create_database(server, "raw"), seconds).rate
        table.add_row("PostgreSQL insert, exclusion constraint", f"{rate:,.0f}", f"{CLIENTS} connections")
        with bare_flask(folder) as measure:
            flask = measure(seconds)
        p99 = flask.percentile_ms(0.99)
        table.add_row("bare Flask route", f"{flask.rate:,.0f}", f"{scenario.WORKERS} workers, p99 {p99:.1f} ms")
        result, cpu = generator_cost(folder, seconds)
    served = result.count
    costs = f"CPU per request: generator {result.cpu_seconds / served * 1e6:.0f} µs, server {cpu / served * 1e6:.0f} µs"
    table.add_row("bare WSGI application", f"{result.rate:,.0f}", f"1 worker; {costs}")
    report.terminal().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
