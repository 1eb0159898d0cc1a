"""What changed since somebody last asked: every patient and visit once, as it is now, in the order of its last change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.crm import OPT_OUTS
from reminders.errors import Invalid
from reminders.store import changes, consents, links, patients
from reminders.store.engine import Database, Record

PATIENT, VISIT = changes.PATIENTS, changes.VISITS


@dataclass(frozen=True, slots=True)
class Changed:
    """One that changed, as it is now. ``opted_out`` and ``merged_into`` are a patient's."""

    seq: int
    entity: str
    uid: str
    at: datetime
    row: Record
    opted_out: tuple[str, ...] = ()
    merged_into: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class News:
    """Part of the list. ``upto`` is where to go on; ``more``: there is more now."""

    items: Sequence[Changed]
    upto: int
    more: bool


class ChangeLog:
    """Keeps the list (a ``Follower`` of changes) and reads it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def visit_changed(self, tx: Connection, row: Record) -> None:
        changes.note(tx, VISIT, row.key, self._clock.now())

    def patient_changed(self, tx: Connection, row: Record) -> None:
        changes.note(tx, PATIENT, row.key, self._clock.now())

    def since(self, after: int, limit: int, connection: int | None = None) -> News:
        """What changed after the number ``after``, 0 for everything. ``Invalid`` for a number that is still to come: the
        database was put back to an older state since it was given out. ``connection``: whose ids are wanted, too."""
        with self._database.read() as tx:
            entries = changes.since(tx, after, limit + 1)
            if not entries and after > changes.last(tx):
                raise Invalid("This cursor is ahead of us: start again without one.", field="cursor")
            page = entries[:limit]
            items = self._patients(tx, page) | self._visits(tx, page)
            named = links.remote_ids(tx, connection, [entry.uid for entry in page]) if connection is not None else {}
        known = [replace(items[entry.seq], external_id=named.get(entry.uid)) for entry in page if entry.seq in items]
        return News(known, page[-1].seq if page else after, len(entries) > limit)

    def _patients(self, tx: Connection, entries: Sequence[Record]) -> dict[int, Changed]:
        mine = [entry for entry in entries if entry.entity == PATIENT]
        rows = changes.patients(tx, [entry.uid for entry in mine])
        stops = consents.in_force(
            tx, [one for row in rows.values() for one in consents.addresses(row.phone, row.email)]
        )
        found: dict[int, Changed] = {}
        for entry in mine:
            row = rows.get(entry.uid)
            if row is not None:
                barred = (one for one in OPT_OUTS.values() if consents.bars(stops, row.phone, row.email, one))
                other = patients.by_number(tx, row.merged_into).uid if row.merged_into is not None else None
                found[entry.seq] = Changed(entry.seq, PATIENT, entry.uid, entry.at, row, tuple(barred), other)
        return found

    def _visits(self, tx: Connection, entries: Sequence[Record]) -> dict[int, Changed]:
        mine = [entry for entry in entries if entry.entity == VISIT]
        rows = changes.visits(tx, [entry.uid for entry in mine])
        return {
            entry.seq: Changed(entry.seq, VISIT, entry.uid, entry.at, rows[entry.uid])
            for entry in mine
            if entry.uid in rows
        }
