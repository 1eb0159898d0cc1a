"""Every night the day that ended is added up, with the days before on which something changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from threading import Event
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.attendance import tally
from reminders.domain.rollup import Level, month_end, month_of, rollable, year_end, year_of
from reminders.domain.savings import cells_of
from reminders.domain.spending import Bill
from reminders.services.billing import KIND, Key, bills_of
from reminders.services.catalogue import experiment
from reminders.services.interval import Interval
from reminders.services.trials import counts_of
from reminders.store import experiments, facts, rollups, spent
from reminders.store import measures as store
from reminders.store.engine import Database, Record
from reminders.store.tables import RollupCost, RollupReminder

_DAY = timedelta(days=1)
#: How often a process looks whether there is something to add up.
EVERY = timedelta(minutes=20)


class Rollups:
    """Adds up. Each day is a transaction of its own, and its mark goes when its month and year are made: a run that was
    stopped is repeated where it was."""

    def __init__(self, database: Database, clock: Clock, ending: Event | None = None) -> None:
        self._database = database
        self._clock = clock
        self._ending = ending or Event()
        self._interval = Interval(clock, EVERY)

    def tick(self) -> int:
        """``run``, when it is time to look again."""
        return self.run() if self._interval.is_over() else 0

    def run(self) -> int:
        """Add up what is over and not added up, or changed since, a year at a time until the process is to end; returns
        how many days that were."""
        while not self._ending.is_set() and self._announce(rollable(self._clock.now())):
            pass
        with self._database.read() as tx:
            found = rollups.marks(tx)
        added = 0
        for _, days in groupby(found, key=year_of):
            if self._ending.is_set():
                break
            marked = {day: found[day] for day in days}
            self._year(marked)
            added += len(marked)
        return added

    def _announce(self, target: date) -> bool:
        """Take the next days, of one year at most, into what is stored, each with a mark that says it is yet to be added
        up; False when there are none, or when somebody has been writing for so long that it is better done later. Only
        for this nobody may write: it does not take long."""
        with self._database.read() as tx:
            if _next(tx, target) is None:
                return False
        with self._database.write() as tx:
            rollups.lock(tx)
            if not rollups.alone(tx):
                return False
            following = _next(tx, target)
            if following is not None:
                first, last = following
                found = rollups.state(tx)
                rollups.mark(tx, [*facts.days(tx, first, last), *_ends(first, last)])
                rollups.extend(tx, found.since if found else first, last)
        return True

    def _year(self, marked: dict[date, list[int]]) -> None:
        """Add up the marked days of a year, then the months and the year they are in; the marks go last."""
        for day in marked:
            with self._adding() as tx:
                _add_up(tx, day, self._clock.now())
        with self._database.read() as tx:
            through = _through(tx)
        for month in sorted({month_of(day) for day in marked}):
            if month_end(month) <= through:
                with self._adding() as tx:
                    rollups.fold(tx, Level.MONTH, month)
        with self._adding() as tx:
            rollups.begin_with(tx, min(marked))
            if year_end(min(marked)) <= through:
                rollups.fold(tx, Level.YEAR, year_of(min(marked)))
            rollups.settle(tx, year_end(min(marked)))
            rollups.remove_marks(tx, [number for numbers in marked.values() for number in numbers])

    @contextmanager
    def _adding(self) -> Iterator[Connection]:
        with self._database.write() as tx:
            rollups.lock(tx)
            yield tx


def _next(tx: Connection, target: date) -> tuple[date, date] | None:
    """The first and last of the next days that become part of what is stored."""
    found = rollups.state(tx)
    day = rollups.next_day(tx, found.through if found else None)
    if found is not None and found.through < target:
        first = found.through + _DAY
        return first, min(target, year_end(day or target))
    if found is None and day is not None and day <= target:
        return day, min(target, year_end(day))
    return None


def _through(tx: Connection) -> date:
    found = rollups.state(tx)
    return date.min if found is None else found.through


def _ends(first: date, last: date) -> set[date]:
    """The last days of the months that end in a range: they are marked even without visits, so that the month is made."""
    days, end = set(), month_end(first)
    while end <= last:
        days.add(end)
        end = month_end(end + _DAY)
    return days


def _add_up(tx: Connection, day: date, now: datetime) -> None:
    """Everything about the visits of one day, in place of what was stored."""
    span = (day, day)
    rollups.clear(tx, Level.DAY, day)
    seen = list(facts.seen(tx, [span]))
    cells = tally(seen, now)
    for trial in map(experiment, experiments.all_rows(tx)):
        cells |= counts_of(trial, facts.enrolled(tx, trial, [span]), now)
    rollups.add_visits(tx, cells)
    rollups.add_strata(tx, day, cells_of(seen))
    start: dict[str, Any] = {"level": Level.DAY.value, "start": day}
    rollups.add(tx, RollupReminder, [_outcome(row) | start for row in store.reminders_of(tx, day)])
    bills = bills_of(spent.bills(tx, [span]))
    costs = [_cost(row) for row in store.spending_of(tx, day)] + [_by_kind(key, bill) for key, bill in bills.items()]
    rollups.add(tx, RollupCost, [cost | start for cost in costs])
    if any(counts.upcoming for counts in cells.values()):
        rollups.mark(tx, [day])  # a visit that began on this day is not over yet


def _outcome(row: Record) -> dict[str, Any]:
    return {"grouping": row.grouping, "key": row.key, "outcome": row.outcome, "number": row.count}


def _cost(row: Record) -> dict[str, Any]:
    nothing = Decimal(0)
    return {
        "grouping": row.grouping, "key": row.key, "currency": row.paid_in or "", "messages": row.messages,
        "segments": row.segments, "actual_messages": row.actual_messages, "estimated_messages": row.estimated_messages,
        "actual": row.actual or nothing, "estimated": row.estimated or nothing, "both_price": nothing,
        "both_estimated": nothing, "reminders": row.reminders, "confirmed": row.confirmed, "kept": row.kept,
    }  # fmt: skip


def _by_kind(key: Key, bill: Bill) -> dict[str, Any]:
    kind, channel, currency = key
    counts = {"reminders": 0, "confirmed": 0, "kept": 0}
    return {"grouping": KIND, "key": f"{kind}/{channel}", "currency": currency, **asdict(bill), **counts}
