"""Keeping patients and visits in step with a CRM in memory that answers at once: a first import, then one change.

What one pass costs with 10,000 linked visits of which one changed, on either side, is held against the same pass with a
hundredth of them; calls and items must be the same number. The database commits every step to disk (SQLite with
``synchronous=FULL``, or a PostgreSQL). ``python -m benchmarks.sync [--quick] [--database postgresql] [--first]``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert

from benchmarks import report, servers
from reminders import settings
from reminders.clock import ManualClock
from reminders.domain.crm import PATIENT, VISIT
from reminders.domain.sync import canonical_moment
from reminders.services.sync.crms import CrmChange
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import CatalogueVersion, Location, Outbox, Provider, ServiceProvider
from reminders.store.tables import Service as ServiceRow
from reminders.wiring.service import Service, build
from tests.crm_memory import SYSTEM, MemoryCrm, Shelf
from tests.factories import MONDAY

IMPORTS_PER_SECOND = 500.0
#: Two measurements of the same thing differ by this much here.
NOISE = 1.5


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    imports: int
    visits: int
    few: int
    repetitions: int


THOROUGH, QUICK = Effort(10_000, 10_000, 100, 7), Effort(1_000, 1_000, 10, 3)


#: URL of a new, empty database of this name.
Create = Callable[[str], str]


class Bench:
    """An installation, connected with a CRM that holds patients, and visits one after the other."""

    def __init__(self, url: str, patients: int, visits: int) -> None:
        database = Database(url)
        schema.migrate(database)
        _seed(database)
        database.close()
        self.clock = ManualClock(MONDAY)
        self.crm = MemoryCrm(Shelf(self.clock))
        names = [self._patient(number) for number in range(patients)]
        for number in range(visits):
            self._visit(names[number % patients], number)
        loaded = settings.load({"REMINDERS_DATABASE_URL": url, "REMINDERS_PUBLIC_URL": "http://clinic.test"})
        self.service: Service = build(loaded, self.clock, systems=[(SYSTEM, lambda *_: self.crm)])
        crms = self.service.use_cases.crm_connections
        wanted = CrmChange(
            settings={"url": "memory:", "token": "t"}, providers={"prv_1": "D1"}, services={"srv_1": "S1"}
        )
        self.connection = crms.add("memory", wanted).uid
        crms.remember_preview(self.connection, {})
        crms.edit(self.connection, CrmChange(paused=False))

    def run(self, *, full: bool = False) -> tuple[float, Any]:
        """A pass: seconds, and what it did."""
        began = time.perf_counter()
        done = self.service.syncing.now(self.connection, full=full)
        took = time.perf_counter() - began
        if done.error is not None:
            raise servers.ServerError(f"a pass ended with {done.error}: {done.sentence}")
        return took, done.tally

    def calls(self) -> int:
        return self.crm.calls.total()

    def wake(self) -> None:
        """Let the outbox say what changed here."""
        self.clock.advance(timedelta(seconds=1))
        self.service.worker.tick()

    def drain(self) -> None:
        """Forget what the outbox would tell of what was just taken in: passes that find nothing to do are not measured."""
        with self.service.database.write() as tx:
            tx.execute(delete(Outbox))
        self.run()

    def _patient(self, number: int) -> str:
        name = self.crm.shelf.new_id(PATIENT)
        self.crm.shelf.write(PATIENT, name, {
            "name": f"Patient Number{number}", "phone": f"+3461{number:07d}", "email": f"p{number}@example.org",
            "language": "es", "birth_year": 1950 + number % 60, "sms_opt_out": False, "voice_opt_out": False,
            "email_opt_out": False,
        })  # fmt: skip
        return name

    def _visit(self, patient: str, number: int) -> None:
        start = MONDAY + timedelta(days=2, minutes=60 * number)
        self.crm.shelf.write(VISIT, self.crm.shelf.new_id(VISIT), {
            "start": canonical_moment(start), "end": canonical_moment(start + timedelta(minutes=30)),
            "patient": patient, "provider": "D1", "service": "S1", "status": "booked", "confirmed": False,
            "cancel_reason": "",
        })  # fmt: skip

    def move_there(self, number: int) -> None:
        """Somebody moves one visit there by half an hour."""
        name = list(self.crm.shelf.rows[VISIT])[number]
        start = datetime.fromisoformat(self.crm.shelf.rows[VISIT][name].fields["start"]) + timedelta(minutes=30)
        values = {"start": canonical_moment(start), "end": canonical_moment(start + timedelta(minutes=30))}
        self.crm.shelf.write(VISIT, name, values)


def _seed(database: Database) -> None:
    made = {"created_at": MONDAY}
    with database.write() as tx:
        tx.execute(insert(Location), [made | {
            "id": 1, "uid": "loc_1", "name": "North", "time_zone": "Europe/Madrid", "country": "ES", "language": "es",
            "currency": "EUR", "observes_holidays": False,
        }])  # fmt: skip
        tx.execute(insert(Provider), [made | {
            "id": 1, "uid": "prv_1", "name": "Dr Vega", "location_id": 1, "languages": ["es"], "active": True,
        }])  # fmt: skip
        tx.execute(insert(ServiceRow), [made | {
            "id": 1, "uid": "srv_1", "name": "Check-up", "duration_minutes": 30, "buffer_before_minutes": 0,
            "buffer_after_minutes": 0, "slot_minutes": 30, "longest_minutes": 30,
            "min_notice_minutes": 0, "horizon_days": 365, "active": True,
        }])  # fmt: skip
        tx.execute(insert(ServiceProvider), [{"service_id": 1, "provider_id": 1}])
        tx.execute(CatalogueVersion.__table__.update().values(version=CatalogueVersion.version + 1))


def one_change(bench: Bench, repetitions: int) -> dict[str, tuple[float, int, int]]:
    """By side: median seconds of a pass over one change, calls of the system, items listed."""
    found = {}
    for side in ("there", "here"):
        seen = []
        for number in range(repetitions):
            if side == "there":
                bench.move_there(number)
            else:
                uid = bench.service.use_cases.patients.listing(0, 1, None, None)[0].patient.uid
                bench.service.use_cases.patients.change(uid, {"birth_year": 1900 + number}, None)
                bench.wake()
            before = bench.calls()
            took, tally = bench.run()
            seen.append((took, bench.calls() - before, tally.seen))
            bench.drain()
        found[side] = (
            statistics.median(one[0] for one in seen),
            max(one[1] for one in seen),
            max(one[2] for one in seen),
        )
    return found


def sheet(
    imported: dict[str, float], many: dict[str, Any], few: dict[str, Any], effort: Effort, quiet: int
) -> report.Sheet:  # fmt: skip
    made = report.Sheet("Patients and visits in another system")
    made.at_least(f"first import of {effort.imports:,} patients", imported["patients"], IMPORTS_PER_SECOND, "/s")
    visits = f"first import of {effort.visits:,} visits, each booked"
    made.at_least(visits, imported["visits"], IMPORTS_PER_SECOND, "/s")
    for side in ("there", "here"):
        (took, calls, items), (less, calls_less, items_less) = many[side], few[side]
        made.quotient(
            f"1 of {effort.visits:,} changed {side}", f"{took * 1000:,.1f} ms", f"1 of {effort.few:,}: {less * 1000:,.1f} ms",
            less / took, 1 / NOISE,
        )  # fmt: skip
        made.exactly(f"calls and items, changed {side}", (calls, items), (calls_less, items_less))
    made.exactly("writes of a full comparison afterwards", quiet, 0)
    return made


def first_import(create: Create, effort: Effort, tell: Callable[[str], None]) -> float:
    """Patients taken in per second."""
    tell("first import of patients")
    bench = Bench(create("patients"), effort.imports, 0)
    took, tally = bench.run()
    bench.service.close()
    return float(tally.pulled / took)


def run(create: Create, effort: Effort, tell: Callable[[str], None]) -> report.Sheet:
    imported = {"patients": first_import(create, effort, tell)}
    tell("first import of visits")
    bench = Bench(create("visits"), max(1, effort.visits // 10), effort.visits)
    took, tally = bench.run()
    imported["visits"] = tally.pulled / took
    bench.drain()
    tell("one change in many, one change in few")
    small = Bench(create("few"), max(1, effort.few // 10), effort.few)
    small.run()
    small.drain()
    many, few = one_change(bench, effort.repetitions), one_change(small, effort.repetitions)
    before = len(bench.crm.written)
    bench.run(full=True)
    quiet = len(bench.crm.written) - before
    for one in (bench, small):
        one.service.close()
    return sheet(imported, many, few, effort, quiet)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benchmarks.sync", description=__doc__.splitlines()[0] if __doc__ else None)
    made.add_argument("--quick", action="store_true", help="a tenth of the records")
    made.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    made.add_argument("--first", action="store_true", help="only the first import of patients")
    return made


@contextmanager
def databases(kind: str) -> Iterator[Create]:
    """Makes empty databases, by name."""
    if kind == "sqlite":
        with servers.workdir() as folder:
            yield lambda name: f"sqlite:///{folder / f'{name}.db'}"
        return
    with servers.postgresql() as server:
        yield lambda name: servers.create_database(server, name, "psycopg")


def only_first(create: Create, effort: Effort, tell: Callable[[str], None]) -> report.Sheet:
    made = report.Sheet("Patients in another system")
    rate = first_import(create, effort, tell)
    made.at_least(f"first import of {effort.imports:,} patients", rate, IMPORTS_PER_SECOND, "/s")
    return made


def main() -> int:
    options = parser().parse_args()
    console = report.terminal()
    effort, measure = QUICK if options.quick else THOROUGH, only_first if options.first else run
    with databases(options.database) as create:
        return measure(create, effort, lambda text: console.log(text)).close(console)


if __name__ == "__main__":
    raise SystemExit(main())
