"""S11: dispatch while an old transaction stays open elsewhere, as a backup or a report keeps one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg

from benchmarks.dispatching import inside
from benchmarks.dispatching.ground import Ground, moment
from benchmarks.dispatching.inside import Seen

PART = 20_000
KEPT = 0.8
#: The reminders fell due within so many seconds: the most that is still taken in order of due time.
SECONDS = 50


def run(ground: Ground) -> None:
    count, sheet = ground.effort.snapshot, ground.sheet
    ground.tell("S11 dispatch beside an open snapshot")
    clinic = ground.clinic(count)
    clinic.settle()
    clinic.due(count, moment(-SECONDS), timedelta(seconds=SECONDS / count))
    with open_snapshot(clinic.url, "reminder"):
        ours = inside.drain(clinic, "dispatch", count)
    ground.tell("S11 plain claims beside an open snapshot")
    url = ground.services.product("raw")
    inside.raw(url, PART, PART, "claim")  # makes the table that the snapshot looks at
    with open_snapshot(url, None):
        raw = inside.raw(url, count, count, "claim")
    first, last, kept = kept_rate(ours, count)
    sheet.quotient(f"S11 dispatch of {count:,} beside an open snapshot", f"last {PART:,}: {last:,.0f}/s",
                   f"first {PART:,}: {first:,.0f}/s", kept, KEPT)  # fmt: skip
    sheet.exactly("  sent", ours.count, count)
    first, last, kept = kept_rate(raw, count)
    sheet.note("  plain SKIP LOCKED without a mark", "", f"{first:,.0f}/s, then {last:,.0f}/s ({kept:.0%})")


def kept_rate(seen: Seen, count: int) -> tuple[float, float, float]:
    """(rate of the first part, of the last part, the quotient)."""
    first, last = seen.rate_between(0, PART), seen.rate_between(count - PART, count)
    return first, last, last / first


@contextmanager
def open_snapshot(url: str, table: str | None) -> Iterator[None]:
    """A reading transaction that has begun and does not end before the block does."""
    look = f"SELECT count(*) FROM {table}" if table else "SELECT 1 FROM pg_class LIMIT 1"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute(look if table else "SELECT count(*) FROM sqlite_master").fetchall()
            yield
        return
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(look)
        yield
        connection.rollback()
