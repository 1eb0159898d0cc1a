"""Every report a manager can ask for, over millions of visits, after the nightly roll-up.

``python -m benchmarks.reports [--database postgresql] [--visits 1000000] [--years 3] [--quick]``. ``history.py`` makes the
clinic. Measured are each report in each grouping over all days, a year and a month; what a night costs, beside the same
night of a clinic that has only a tenth of the years behind it; and whether the stored sums say what the visits say.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select

from benchmarks import history, report, servers
from reminders.clock import ManualClock
from reminders.domain.attendance import AttendanceBy
from reminders.domain.measures import CostBy, NoShowBy
from reminders.domain.worth import Prices
from reminders.services.attendance import Attendances
from reminders.services.catalogue import Catalogue
from reminders.services.experiments import Experiments, reading_shown
from reminders.services.reports import Reports
from reminders.services.rollups import Rollups
from reminders.services.savings import Savings
from reminders.services.spending import Spendings
from reminders.store import rollups, schema
from reminders.store.engine import Database
from reminders.store.tables import Appointment, RollupState

P95_MS = 300
#: How much longer a night may take with ten times the years behind it; the rest is noise.
NIGHT_SHARE = 2.0
#: Days that are counted from the visits, too, to compare.
COMPARED = 45
LAST = date(2030, 6, 30)


@dataclass(frozen=True)
class Effort:
    visits: int
    years: float
    repetitions: int


QUICK = Effort(visits=20_000, years=1, repetitions=3)


class Clinic:
    """The reports of one database, by name."""

    def __init__(self, database: Database, plan: history.Plan) -> None:
        self.database, self.plan = database, plan
        self.clock = ManualClock(plan.now)
        self._catalogue = Catalogue(database, self.clock, lambda *_: frozenset())
        self._attendances, self._reports = Attendances(database, self.clock), Reports(database, self.clock)
        self._savings = Savings(database, self.clock, self._catalogue, Prices())
        self._spending = Spendings(database, self.clock, self._reports, self._savings, Decimal(100))
        self.nightly = Rollups(database, self.clock)

    def reports(self, first: date | None, last: date | None) -> dict[str, Callable[[], Any]]:
        """What can be asked about a range of days."""
        one = self._attendances
        found: dict[str, Callable[[], Any]] = {}
        for by in AttendanceBy:
            found[f"attendance by {by}"] = lambda by=by: one.report(first, last, by).as_dict()
        for no_show in NoShowBy:
            found[f"no-shows by {no_show}"] = lambda by=no_show: self._reports.no_shows(first, last, by).as_dict()
        for cost in CostBy:
            found[f"costs by {cost}"] = lambda by=cost: self._reports.reminder_costs(first, last, by).as_dict()
        found["heat map"] = lambda: one.heat_map(first, last).as_dict()
        found["repeaters"] = lambda: one.repeaters(first, last).as_dict()
        found["savings"] = lambda: self._savings.report(first, last).as_dict()
        found["spending"] = lambda: self._spending.report(first, last).as_dict()
        return found

    def readings(self) -> Any:
        """Every experiment as it stands."""
        return [reading_shown(one) for one in Experiments(self.database, self.clock, self._catalogue).readings()]

    def ranges(self) -> dict[str, tuple[date | None, date | None]]:
        last = self.plan.now.date() - timedelta(days=2)
        return {
            "all": (None, None),
            "a year": (last - timedelta(days=364), last),
            "a month": (last - timedelta(days=30), last),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    servers.stop_on_signals()
    effort = QUICK if given.quick else Effort(given.visits, given.years, given.repetitions)
    with ExitStack() as stack:
        create = stack.enter_context(databases(given.database))
        return run(create, effort, f"Reports on {given.database}, {effort.visits:,} visits").close()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    made.add_argument("--visits", type=int, default=1_000_000)
    made.add_argument("--years", type=float, default=3, help="over which the visits are spread")
    made.add_argument("--repetitions", type=int, default=20)
    made.add_argument("--quick", action="store_true", help="small and soon over: does it work?")
    return made


@contextmanager
def databases(kind: str) -> Iterator[Callable[[str], Database]]:
    """Makes migrated databases that are gone afterwards."""
    with ExitStack() as stack:
        folder: Path = stack.enter_context(servers.workdir())
        server = stack.enter_context(servers.postgresql()) if kind == "postgresql" else None

        def create(name: str) -> Database:
            url = f"sqlite:///{folder}/{name}.db"
            if server is not None:
                url = servers.create_database(server, name, "psycopg")
            database = Database(url, pool_size=4)
            stack.callback(database.close)
            schema.migrate(database)
            return database

        yield create


def run(create: Callable[[str], Database], effort: Effort, title: str) -> report.Sheet:
    sheet = report.Sheet(title)
    days = round(effort.years * 365) + history.AHEAD
    young_days = days // 10 + history.AHEAD
    young = filled(create("young"), history.Plan(effort.visits * young_days // days, young_days, LAST))
    clinic = filled(create("whole"), history.Plan(effort.visits, days, LAST))
    tell("adding up")
    add_up(young)
    seconds, added = add_up(clinic)
    sheet.note("roll-up of everything", f"{seconds:,.0f} s", f"{added:,} days, {seconds / added * 1000:,.0f} ms a day")
    tell("reports")
    measure(sheet, clinic, effort.repetitions)
    tell("nights")
    nights(sheet, clinic, young)
    tell("comparing")
    sheet.exactly(f"reports of {COMPARED} days that differ from the visits", differing(clinic), [])
    return sheet


def tell(text: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)


def filled(database: Database, plan: history.Plan) -> Clinic:
    for step in history.fill(database, plan):
        tell(step)
    return Clinic(database, plan)


def add_up(clinic: Clinic) -> tuple[float, int]:
    """Seconds it took, and how many days."""
    began = time.perf_counter()
    days = clinic.nightly.run()
    analyze(clinic.database)
    return time.perf_counter() - began, days


def analyze(database: Database) -> None:
    """What PostgreSQL does by itself in time: rows that came in millions at once are else looked up in the table again."""
    with database.raw() as connection:
        connection.exec_driver_sql("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE")


def measure(sheet: report.Sheet, clinic: Clinic, repetitions: int) -> None:
    """The slowest three of every range by name, and the slowest of all against the limit."""
    slowest = 0.0
    for name, days in clinic.ranges().items():
        seen = {what: p95_ms(ask, repetitions) for what, ask in clinic.reports(*days).items()}
        worst = sorted(seen.items(), key=lambda item: -item[1])
        sheet.note(f"{name}: slowest reports, p95", ", ".join(f"{what} {found:,.0f} ms" for what, found in worst[:3]))
        sheet.note("  the median report", f"{statistics.median(seen.values()):,.1f} ms", f"{len(seen)} reports")
        slowest = max(slowest, worst[0][1])
    trials = p95_ms(clinic.readings, repetitions)
    sheet.note("experiments, p95", f"{trials:,.0f} ms")
    sheet.at_most("slowest of all, p95", max(slowest, trials), P95_MS, "ms")


def p95_ms(ask: Callable[[], object], repetitions: int) -> float:
    times = []
    for _ in range(repetitions):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return sorted(times)[min(len(times) - 1, round(0.95 * len(times)))]


def nights(sheet: report.Sheet, clinic: Clinic, young: Clinic) -> None:
    """Five nights each, in turn: the median of each."""
    taken: dict[str, list[float]] = {"whole": [], "young": []}
    for _ in range(5):
        for name, one in (("whole", clinic), ("young", young)):
            one.clock.advance(timedelta(days=1))
            began = time.perf_counter()
            days = one.nightly.run()
            taken[name].append((time.perf_counter() - began) / max(1, days))
    whole, tenth = (statistics.median(taken[name]) for name in ("whole", "young"))
    a_day = visits_a_day(clinic)
    sheet.note("a night", f"{whole * 1000:,.0f} ms", f"{a_day:,.0f} visits a day")
    sheet.at_most("a night, beside a tenth of the past", whole / tenth, NIGHT_SHARE, "times")


def visits_a_day(clinic: Clinic) -> float:
    return clinic.plan.visits / clinic.plan.days


def differing(clinic: Clinic) -> list[str]:
    """Reports that say something else without stored sums; the range crosses months."""
    last = clinic.clock.now().date() - timedelta(days=2)
    first = last - timedelta(days=COMPARED - 1)
    asked = clinic.reports(first, last)
    with_sums = {name: ask() for name, ask in asked.items()}
    with clinic.database.write() as tx:
        kept = tx.execute(select(RollupState.since, RollupState.through)).one()
        tx.execute(delete(RollupState))
    plain = {name: ask() for name, ask in asked.items()}
    with clinic.database.write() as tx:
        rollups.extend(tx, kept.since, kept.through)
        assert tx.execute(select(func.count()).select_from(Appointment)).scalar_one() == clinic.plan.visits
    return [name for name, found in with_sums.items() if plain[name] != found]


if __name__ == "__main__":
    raise SystemExit(main())
