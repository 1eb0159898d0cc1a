"""Past visits from a foreign table.

A run reads the file in batches. Each batch is one transaction, begun after it was read and converted, so nothing waits
for the disk while the database is held. A visit is known by (source, id in the file): a run that was killed is simply
run again, and what is there already is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from reminders.clock import Clock, stopwatch
from reminders.domain.appointment import Status
from reminders.domain.faults import ColumnsMissing, Fault, FaultCode
from reminders.domain.imports import Account, Converter, Visit
from reminders.domain.mapping import Mapping, MappingInvalid
from reminders.services.csvfile import FileUnreadable, Record, Rejects, open_csv
from reminders.services.visitloader import VisitLoader
from reminders.store import imports as store
from reminders.store.engine import Database

#: Rows per transaction: large enough that the commit costs little, small enough that bookings hardly wait.
BATCH = 1000

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What a run did. ``read`` = ``accepted`` + ``rejected`` + ``already_there``, and so for the no-shows among them.

    ``reasons`` counts rejects by code. ``rejects_path`` is ``None`` when every row was taken.
    """

    read: int
    accepted: int
    rejected: int
    already_there: int
    rejects_path: Path | None
    reasons: dict[str, int]
    noshows_accepted: int
    noshows_rejected: int
    noshows_already_there: int
    dry_run: bool
    seconds: float

    def rows(self) -> list[dict[str, Any]]:
        """One line per kind of outcome, rejects by reason, with stable column names."""
        lines: list[tuple[str, str, int, int | None]] = [("accepted", "", self.accepted, self.noshows_accepted),
                 ("already_there", "", self.already_there, self.noshows_already_there),
                 ("rejected", "", self.rejected, self.noshows_rejected)]  # fmt: skip
        lines += [("rejected", code, count, None) for code, count in sorted(self.reasons.items())]
        return [
            {"outcome": what, "code": code, "rows": rows, "noshows": noshows} for what, code, rows, noshows in lines
        ]


class Importing:
    """Loads past visits."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def run(
        self,
        path: Path,
        mapping: Mapping,
        *,
        dry_run: bool = False,
        rejects: Path | None = None,
        progress: Progress | None = None,
    ) -> ImportResult:
        """Load ``path``; rows that cannot be taken go to ``rejects`` (by default ``default_rejects(path)``).

        ``dry_run`` reads, checks and writes the rejects, but leaves the database alone; it has to remember what it
        saw, about 300 bytes a row. ``progress`` is told (bytes read, bytes in all) after every batch.
        ``FileUnreadable``, ``ColumnsMissing`` and ``PlaceDiffers`` end a run; batches before that stay.
        """
        began, now = stopwatch(), self._clock.now()
        with open_csv(path, mapping.file) as source:
            converter, loader = Converter(mapping, source.header, now), VisitLoader(mapping, self._clock)
            take = _Rehearsal(self._database, loader).take if dry_run else partial(_take, self._database, loader)
            with Rejects(rejects or default_rejects(path)) as rejected:
                tally, records = _Tally(rejected), source.records()
                while rows := [_row(converter, record) for record in islice(records, BATCH)]:
                    take(rows)
                    tally.add(rows)
                    if progress is not None:
                        progress(source.position, source.size)
        return tally.result(dry_run, stopwatch() - began)


@dataclass(slots=True)
class _Row:
    """One row on its way: it ends fresh (a new visit), with a fault, or as one that is there already."""

    record: Record
    visit: Visit | None
    fault: Fault | None
    noshow: bool
    fresh: bool = False


def _row(converter: Converter, record: Record) -> _Row:
    if record.cells is None:
        return _Row(record, None, Fault(FaultCode.UNREADABLE_LINE, "", "The line is not a row of a table."), False)
    try:
        visit = converter.convert(record.cells)
        return _Row(record, visit, None, visit.status is Status.NOSHOW)
    except Fault as fault:
        return _Row(record, None, fault, converter.status(record.cells) is Status.NOSHOW)


def _take(database: Database, loader: VisitLoader, rows: list[_Row]) -> None:
    """Store what is new of one batch, in one transaction."""
    with database.write() as tx:
        store.lock(tx, loader.source)
        known = store.known_visits(tx, loader.source, _ids(rows))
        loader.insert(tx, _fresh(rows, known))


class _Rehearsal:
    """Takes batches as ``_take`` does, but into memory."""

    def __init__(self, database: Database, loader: VisitLoader) -> None:
        self._database = database
        self._loader = loader
        self._seen: dict[str, Account | None] = {}

    def take(self, rows: list[_Row]) -> None:
        ids = _ids(rows)
        with self._database.read() as tx:
            known = store.known_visits(tx, self._loader.source, ids)
            fresh = _fresh(rows, known | {one: self._seen[one] for one in ids if one in self._seen})
            self._loader.places(tx, fresh)
        self._seen.update((visit.external_id, visit.account()) for visit in fresh)


def _ids(rows: list[_Row]) -> set[str]:
    return {row.visit.external_id for row in rows if row.visit is not None}


def _fresh(rows: list[_Row], known: dict[str, Account | None]) -> list[Visit]:
    """Mark each readable row as new, as there already, or as a contradiction; returns the new visits."""
    fresh = []
    for row in rows:
        visit = row.visit
        if visit is None:
            continue
        if visit.external_id not in known:
            known[visit.external_id] = visit.account()
            fresh.append(visit)
            row.fresh = True
        elif (before := known[visit.external_id]) is not None and (other := visit.account().differences(before)):
            sentence = f"An earlier row about visit {visit.external_id} has another {', '.join(other)}."
            row.fault = Fault(FaultCode.CONFLICTING_ROW, "", sentence)
    return fresh


class _Tally:
    """Counts rows once their batch is stored, and writes the rejected ones down in the order of the file."""

    def __init__(self, rejects: Rejects) -> None:
        self._rejects = rejects
        self._rows: Counter[str] = Counter()
        self._noshows: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def add(self, rows: list[_Row]) -> None:
        for row in rows:
            outcome = "rejected" if row.fault else "accepted" if row.fresh else "already_there"
            self._rows[outcome] += 1
            self._noshows[outcome] += row.noshow
            if row.fault:
                self._reasons[row.fault.code.value] += 1
                self._rejects.write(row.record, row.fault)

    def result(self, dry_run: bool, seconds: float) -> ImportResult:
        rows, noshows = self._rows, self._noshows
        return ImportResult(
            read=rows.total(), accepted=rows["accepted"], rejected=rows["rejected"],
            already_there=rows["already_there"], rejects_path=self._rejects.path if self._rejects.count else None,
            reasons=dict(self._reasons.most_common()), noshows_accepted=noshows["accepted"],
            noshows_rejected=noshows["rejected"], noshows_already_there=noshows["already_there"],
            dry_run=dry_run, seconds=seconds,
        )  # fmt: skip


def default_rejects(path: Path) -> Path:
    """Where rejects go unless said otherwise: ``NAME.rejects.csv`` in the working directory."""
    name = path.name
    for ending in (".gz", ".csv"):
        name = name.removesuffix(ending)
    return Path(f"{name}.rejects.csv")


def load_mapping(name: str, folder: Path) -> Mapping:
    """A mapping by the path of its TOML file, or by the name of one that is shipped in ``folder``."""
    shipped = folder / f"{name}.toml"
    path = Path(name) if Path(name).is_file() else shipped
    try:
        return Mapping.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise MappingInvalid(f"There is no mapping {name}. Shipped are: {names}.", field="mapping") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise FileUnreadable(f"The mapping {path} cannot be read: {problem}.") from problem


def fitting_mapping(path: Path, folder: Path, clock: Clock) -> Mapping:
    """The shipped mapping that reads every column it needs from ``path``; ``ColumnsMissing`` when none or several do."""
    fitting = []
    for file in sorted(folder.glob("*.toml")):
        mapping = Mapping.parse(file.read_text(encoding="utf-8"))
        with open_csv(path, mapping.file) as source:
            try:
                Converter(mapping, source.header, clock.now())
            except ColumnsMissing:
                continue
            fitting.append(mapping)
    if len(fitting) != 1:
        raise ColumnsMissing("No shipped mapping is the one for this file; name one, or write one (docs/import.md).")
    return fitting[0]
