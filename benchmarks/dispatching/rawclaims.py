"""What the database can do at best: claims in batches of 100, and whole cycles of claim and outcome, in plain SQL.

One connection, a narrow table, no product code. PostgreSQL through psycopg, SQLite through the standard library with
every commit on disk. ``python -m benchmarks.dispatching.rawclaims URL PENDING COUNT VERB`` (claim, cycle) prints
{"count", "seconds", "marks"}, marks after every thousandth; it makes its table if it is not there.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import psycopg

BATCH, OUTCOMES, MARK = 100, 500, 1000

_POSTGRESQL_TABLE = """
CREATE TABLE IF NOT EXISTS raw (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, phone text NOT NULL, body text NOT NULL,
  due_at timestamptz NOT NULL, status text NOT NULL, lease_owner text, lease_until timestamptz, sid text
) WITH (fillfactor = 85);
CREATE INDEX IF NOT EXISTS raw_due ON raw (due_at, id) WHERE status = 'pending';
TRUNCATE raw;
INSERT INTO raw (phone, body, due_at, status)
  SELECT '+999' || n, 'Your visit, patient ' || n, now() - interval '50 seconds' * (1 - n::float / {pending}), 'pending'
  FROM generate_series(1, {pending}) n;
"""
_POSTGRESQL_CLAIM = """
UPDATE raw SET status = 'sending', lease_owner = 'raw', lease_until = now() + interval '1 minute'
FROM (SELECT id FROM raw WHERE status = 'pending' AND due_at <= now() ORDER BY due_at, id LIMIT 100
      FOR UPDATE SKIP LOCKED) due
WHERE raw.id = due.id RETURNING raw.id, raw.phone, raw.body
"""
_POSTGRESQL_OUTCOME = """
UPDATE raw SET status = 'sent', sid = done.sid FROM unnest(%s::bigint[], %s::text[]) AS done (id, sid)
WHERE raw.id = done.id
"""
_SQLITE_TABLE = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS raw (
  id INTEGER PRIMARY KEY, phone TEXT NOT NULL, body TEXT NOT NULL, due_at INTEGER NOT NULL, status TEXT NOT NULL,
  lease_owner TEXT, lease_until INTEGER, sid TEXT);
CREATE INDEX IF NOT EXISTS raw_due ON raw (due_at, id) WHERE status = 'pending';
DELETE FROM raw;
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {pending})
INSERT INTO raw (phone, body, due_at, status) SELECT '+999' || n, 'Your visit, patient ' || n, n, 'pending' FROM numbers;
"""
_SQLITE_CLAIM = """
UPDATE raw SET status = 'sending', lease_owner = 'raw', lease_until = 1
WHERE id IN (SELECT id FROM raw WHERE status = 'pending' AND due_at <= 1000000000 ORDER BY due_at, id LIMIT 100)
RETURNING id, phone, body
"""
_SQLITE_OUTCOME = "UPDATE raw SET status = 'sent', sid = ? WHERE id = ?"

Rows = Sequence[tuple[Any, ...]]


def postgresql(url: str, pending: int) -> tuple[Callable[[], Rows], Callable[[Rows], object]]:
    """(claim a batch, record outcomes) on a table with ``pending`` rows."""
    connection = psycopg.connect(url, autocommit=True, prepare_threshold=0)
    for statement in _POSTGRESQL_TABLE.format(pending=pending).split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.execute("ANALYZE raw")
    return (
        lambda: connection.execute(_POSTGRESQL_CLAIM).fetchall(),
        lambda rows: connection.execute(
            _POSTGRESQL_OUTCOME, ([row[0] for row in rows], [f"SM{row[0]}" for row in rows])
        ),
    )


def sqlite(path: str, pending: int) -> tuple[Callable[[], Rows], Callable[[Rows], object]]:
    """The same on SQLite."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(_SQLITE_TABLE.format(pending=pending))
    connection.execute("ANALYZE")

    def transaction(work: Callable[[sqlite3.Cursor], Rows]) -> Rows:
        with closing(connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            rows = work(cursor)
            cursor.execute("COMMIT")
            return rows

    def record(cursor: sqlite3.Cursor, rows: Rows) -> Rows:
        cursor.executemany(_SQLITE_OUTCOME, [(f"SM{row[0]}", row[0]) for row in rows])
        return rows

    return (
        lambda: transaction(lambda cursor: cursor.execute(_SQLITE_CLAIM).fetchall()),
        lambda rows: transaction(lambda cursor: record(cursor, rows)),
    )


def measure(url: str, pending: int, count: int, verb: str) -> dict[str, Any]:
    """Handle ``count`` of ``pending`` rows. The table is filled before the clock starts."""
    is_sqlite = url.startswith("sqlite")
    claim, record = sqlite(url.removeprefix("sqlite:///"), pending) if is_sqlite else postgresql(url, pending)
    marks: list[float] = []
    taken, held = 0, list[tuple[Any, ...]]()
    began = time.perf_counter()
    while taken < count and (some := claim()):
        taken += len(some)
        if verb == "cycle":
            held += some
            if len(held) >= OUTCOMES:
                record(held)
                held = []
        if taken % MARK == 0:
            marks.append(time.perf_counter() - began)
    if held:
        record(held)
    return {"count": taken, "seconds": time.perf_counter() - began, "marks": marks}


def main(arguments: Sequence[str] | None = None) -> int:
    url, pending, count, verb = arguments or sys.argv[1:]
    print(json.dumps(measure(url, int(pending), int(count), verb)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
