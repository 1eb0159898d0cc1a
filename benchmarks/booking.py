"""Booking: how many a second on distinct slots, and whether a slot can ever be sold twice.

One booking of ours is an appointment with its reminders, history and outbox rows in one transaction, through HTTP with
a key. It is held against django-appointment's booking flow and against the raw rate of guarded inserts, all on the
same kind of database in the same run. The race runs on both kinds. ``python -m benchmarks.booking [--quick]``.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import loadgen, peer, product, rawlimits, report, scenario, servers
from benchmarks.peer import Peer
from benchmarks.product import Product
from benchmarks.scenario import CLIENTS, Slot
from benchmarks.slots import PEER, Databases, percentiles
from benchmarks.stats import alternate

TIMES_PEER = 25
SHARE_OF_RAW = 0.15
RACES = 10
ONE_WINS = Counter({"201": 1, "409": CLIENTS - 1, "slot_taken": CLIENTS - 1})


@dataclass(frozen=True)
class Effort:
    """Bookings per repetition for us and for the slower peer, repetitions, and length of the raw measurement."""

    ours: int
    theirs: int
    repetitions: int
    seconds: float


THOROUGH = Effort(ours=3000, theirs=150, repetitions=3, seconds=4.0)
QUICK = Effort(ours=800, theirs=40, repetitions=3, seconds=1.5)


@dataclass(frozen=True)
class Races:
    """What the same-slot races showed, one entry per slot."""

    answers: list[Counter[str]]
    found: list[int]

    @property
    def right(self) -> int:
        """Races with one winner, seven told that the slot is taken, and one visit in the database."""
        return sum(answer == ONE_WINS and found == 1 for answer, found in zip(self.answers, self.found, strict=True))


def raw_inserts(databases: Databases, seconds: float) -> Callable[[], loadgen.Result]:
    """A measure of guarded inserts, into a fresh database each time."""
    numbers = itertools.count()

    def measure() -> loadgen.Result:
        name = f"raw{next(numbers)}"
        if databases.kind == "sqlite":
            return rawlimits.sqlite_inserts(databases.folder / f"{name}.db", seconds, "FULL")
        return rawlimits.postgresql_inserts(databases.create(name, driver=None), seconds)

    return measure


def measure_rates(
    ours: Product, theirs: Peer, raw: Callable[[], loadgen.Result], effort: Effort, tell: Callable[[str], None]
) -> tuple[dict[str, list[loadgen.Result]], list[str]]:
    """(results by party, ids of all our new appointments)."""
    our_slots, their_slots = iter(ours.plan.free()), iter(theirs.plan.free())
    booked: list[str] = []

    def book() -> loadgen.Result:
        result, ids = ours.book(_take(our_slots, effort.ours))
        booked.extend(ids)
        return result

    seen = alternate(
        {
            "ours": book,
            "posts": lambda: theirs.book(_take(their_slots, effort.theirs), pages=False),
            "pages": lambda: theirs.book(_take(their_slots, effort.theirs), pages=True),
            "raw": raw,
        },
        effort.repetitions,
        tell,
    )
    return seen, booked


def race(ours: Product) -> Races:
    """10 slots, 8 clients each; slots from the end of the list, which the rates have not touched."""
    outcomes = [ours.race(slot) for slot in ours.plan.free()[-RACES:]]
    return Races([answers for answers, _ in outcomes], [found for _, found in outcomes])


def written_with(ours: Product, number: str) -> tuple[int, int]:
    """(reminders, history entries) of one appointment: both must be there as soon as it is."""
    reminders, history = (ours.read(f"/api/v1/appointments/{number}/{part}") for part in ("reminders", "history"))
    return len(reminders["items"]), len(history["items"])


def judge_rates(sheet: report.Sheet, seen: dict[str, list[loadgen.Result]]) -> None:
    """The target is held against the peer's shortest way to a booking; its whole flow is shown beside it."""
    sheet.ratio("bookings, 8 clients, distinct slots", seen["ours"], f"{PEER}, POSTs only", seen["posts"], TIMES_PEER)
    sheet.ratio("  against its pages and e-mail too", seen["ours"], f"{PEER}, as a browser", seen["pages"])
    sheet.ratio("  against raw guarded inserts", seen["ours"], "raw", seen["raw"], SHARE_OF_RAW)
    sheet.note("  p50 / p95 / p99", percentiles(seen["ours"]), percentiles(seen["posts"]))


def judge_races(sheet: report.Sheet, kind: str, races: Races) -> None:
    sheet.exactly(f"race on {kind}: slots with exactly 1 of 8 accepted", races.right, RACES)
    accepted = [answer["201"] for answer in races.answers]
    sheet.note(f"  accepted on {kind}", f"{min(accepted)} to {max(accepted)} of {CLIENTS}")


def _take(slots: Iterator[Slot], count: int) -> list[Slot]:
    taken = list(itertools.islice(slots, count))
    if len(taken) < count:
        raise loadgen.LoadError("no free slots left: lower the number of bookings")
    return taken


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.booking", description="bookings against a peer and limits")
    options.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="for the rates")
    options.add_argument("--quick", action="store_true", help="shorter runs")
    return options


def run(kind: str, effort: Effort, folder: Path, tell: Callable[[str], None]) -> report.Sheet:
    """Rates on one kind of database, races on both."""
    plan, sheet = scenario.standard(date.today()), report.Sheet(f"Booking on {kind}")
    with ExitStack() as stack:
        databases = Databases(kind, folder, stack)
        tell("seeding the product")
        ours = stack.enter_context(product.running(plan, databases.create("product"), folder))
        tell(f"installing and seeding {PEER}")
        theirs = stack.enter_context(peer.running(plan, databases.create("peer", driver=None), folder))
        seen, booked = measure_rates(ours, theirs, raw_inserts(databases, effort.seconds), effort, tell)
        judge_rates(sheet, seen)
        sheet.exactly("distinct appointments made", len(set(booked)), effort.ours * effort.repetitions)
        sheet.exactly("reminders, history entries of one", written_with(ours, booked[0]), (2, 1))
        tell("racing")
        judge_races(sheet, kind, race(ours))
        doubled = [theirs.race(slot) for slot in theirs.plan.free()[-RACES:]]
        sheet.note(f"  {PEER}: appointments in one slot", "", f"{min(doubled)} to {max(doubled)} of {CLIENTS}")
    return sheet


def race_elsewhere(sheet: report.Sheet, kind: str, folder: Path) -> None:
    """The race on the other kind of database, with a small clinic of its own."""
    with ExitStack() as stack:
        databases = Databases(kind, folder, stack)
        plan = scenario.standard(date.today(), days=2)
        ours = stack.enter_context(product.running(plan, databases.create("racing"), folder))
        judge_races(sheet, kind, race(ours))


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    servers.stop_on_signals()
    console = report.terminal()
    with servers.workdir() as folder, console.status("starting") as status:
        sheet = run(given.database, QUICK if given.quick else THOROUGH, folder, status.update)
        status.update("racing on the other database")
        race_elsewhere(sheet, "postgresql" if given.database == "sqlite" else "sqlite", folder)
    return sheet.close(console)


if __name__ == "__main__":
    raise SystemExit(main())
