"""Every night the day that ended is added up, with the days before on which something changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.attendance import tally
from reminders.domain.measures import CostBy
from reminders.domain.rollup import Level, month_end, month_of, rollable, year_end, year_of
from reminders.domain.savings import cells_of
from reminders.domain.spending import Bill
from reminders.services.billing import KIND, Key, bills_of
from reminders.services.catalogue import experiment
from reminders.services.trials import counts_of
from reminders.store import experiments, facts, rollups, spent
from reminders.store import measures as store
from reminders.store.engine import Database, Record
from reminders.store.tables import RollupCost, RollupReminder

_DAY = timedelta(days=1)
#: How often a process looks whether there is something to add up.
EVERY = timedelta(minutes=20)
#: What costs are added up by; days and weeks are made of ``none``.
COSTS = (CostBy.NONE, CostBy.LOCATION, CostBy.CHANNEL, CostBy.LANGUAGE, CostBy.STEP)


class Rollups:
    """Adds up. Each day, or the changed days of one year, is a transaction of its own, so a run that was stopped goes on
    where it was."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._next: datetime | None = None

    def tick(self) -> int:
        """``run``, when it is time to look again."""
        now = self._clock.now()
        if self._next is not None and now < self._next <= now + EVERY:
            return 0
        self._next = now + EVERY
        return self.run()

    def run(self) -> int:
        """Add up what is over and not added up; returns how many days that were."""
        done, target = 0, rollable(self._clock.now())
        with self._database.read() as tx:
            found = rollups.state(tx)
        for _, days in groupby(sorted(found.stale) if found else [], key=year_of):
            done += self._again([day for day in days if day <= target])
        while self._one_more(target):
            done += 1
        return done

    def _again(self, days: list[date]) -> int:
        """Add up days that changed, in one transaction with the months and the year they are in."""
        if not days:
            return 0
        now = self._clock.now()
        with self._database.write() as tx:
            rollups.lock(tx)
            rollups.take_stale(tx, days)
            for day in days:
                _add_up(tx, day, now)
            found = rollups.state(tx)
            if found is not None:
                rollups.extend(tx, min(found.since, *days), max(found.through, *days))
                _fold(tx, days, found.through)
        return len(days)

    def _one_more(self, target: date) -> bool:
        """Add up the day after the last one; False when there is none."""
        now = self._clock.now()
        with self._database.write() as tx:
            rollups.lock(tx)
            found = rollups.state(tx)
            day = rollups.next_day(tx, found.through if found else None)
            if day is None or day > target:
                if found is not None and found.through < target:
                    rollups.extend(tx, found.since, target)
                    _fold(tx, [found.through], target)
                return False
            rollups.take_stale(tx, [day])
            _add_up(tx, day, now)
            rollups.extend(tx, found.since if found else day, day)
            _fold(tx, [found.through, day] if found else [day], day)
        return True


def _fold(tx: Connection, days: Iterable[date], through: date) -> None:
    """The months and years of these days, where they are complete."""
    for month in sorted({month_of(day) for day in days}):
        if month_end(month) <= through:
            rollups.fold(tx, Level.MONTH, month)
    for year in sorted({year_of(day) for day in days}):
        if year_end(year) <= through:
            rollups.fold(tx, Level.YEAR, year)


def _add_up(tx: Connection, day: date, now: datetime) -> None:
    """Everything about the visits of one day, in place of what was stored."""
    span = (day, day)
    rollups.clear(tx, Level.DAY, day)
    seen = list(facts.seen(tx, [span]))
    cells = tally(seen, now)
    for trial in map(experiment, experiments.all_rows(tx)):
        cells |= counts_of(trial, facts.enrolled(tx, trial, [span]), now)
    rollups.add_visits(tx, cells)
    rollups.add_strata(tx, cells_of(seen))
    start: dict[str, Any] = {"level": Level.DAY.value, "start": day}
    for by in COSTS:
        outcomes = store.reminders(tx, by, [span])
        rollups.add(tx, RollupReminder, [
            {"grouping": by.value, "key": str(row.key), "outcome": row.outcome, "number": row.count} | start
            for row in outcomes
        ])  # fmt: skip
        rollups.add(tx, RollupCost, [_cost(by.value, row) | start for row in store.spending(tx, by, [span])])
    bills = bills_of(spent.bills(tx, [span]))
    rollups.add(tx, RollupCost, [_by_kind(key, bill) | start for key, bill in bills.items()])
    if any(counts.upcoming for counts in cells.values()):
        rollups.mark(tx, [day])  # a visit that began on this day is not over yet


def _cost(by: str, row: Record) -> dict[str, Any]:
    nothing = Decimal(0)
    return {
        "grouping": by, "key": str(row.key), "currency": row.paid_in or "", "messages": row.messages,
        "segments": row.segments, "actual_messages": row.actual_messages, "estimated_messages": row.estimated_messages,
        "actual": row.actual or nothing, "estimated": row.estimated or nothing, "both_price": nothing,
        "both_estimated": nothing, "reminders": row.reminders, "confirmed": row.confirmed, "kept": row.kept,
    }  # fmt: skip


def _by_kind(key: Key, bill: Bill) -> dict[str, Any]:
    kind, channel, currency = key
    counts = {"reminders": 0, "confirmed": 0, "kept": 0}
    return {"grouping": KIND, "key": f"{kind}/{channel}", "currency": currency, **asdict(bill), **counts}
