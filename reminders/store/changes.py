"""The list of what changed: one line for each patient and visit, in the order of the last change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store import bulk
from reminders.store.appointments import VISIT
from reminders.store.engine import Record
from reminders.store.patients import TABLE as PATIENT
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, ChangeCounter, ChangeEntry
from reminders.store.tables.base import among

#: What the list names, by kind.
PATIENTS, VISITS = "patient", "appointment"

_ENTRY: Any = ChangeEntry.__table__
_COUNTER: Any = ChangeCounter.__table__
_NEXT = Prepared(update(_COUNTER).values(seq=_COUNTER.c.seq + 1).returning(_COUNTER.c.seq))
_TAKE = Prepared(
    update(_COUNTER).values(seq=_COUNTER.c.seq + bindparam("count", type_=BigInteger)).returning(_COUNTER.c.seq)
)
_LAST = Prepared(select(_COUNTER.c.seq))
_SINCE = Prepared(
    select(_ENTRY)
    .where(_ENTRY.c.seq > bindparam("after"))
    .order_by(_ENTRY.c.seq)
    .limit(bindparam("limit", type_=BigInteger))
)
_PATIENTS = Prepared(select(PATIENT).where(among(PATIENT.c.uid, "uids")))
_VISITS = Prepared(VISIT.where(among(Appointment.uid, "uids")))


def note(tx: Connection, entity: str, uid: str, now: datetime) -> None:
    """This one changed: it moves to the end of the list. Keeps others from noting anything until the commit, so it comes
    last in its transaction, and that is a short one."""
    number = _NEXT.first(tx, {})
    kind = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    statement: Any = kind(ChangeEntry).values(entity=entity, uid=uid, seq=number.seq, at=now)  # type: ignore[union-attr]
    new = {"seq": statement.excluded.seq, "at": statement.excluded.at}
    tx.execute(statement.on_conflict_do_update(index_elements=["entity", "uid"], set_=new))


def note_new(tx: Connection, made: Sequence[tuple[str, str]], now: datetime) -> None:
    """These (entity, uid) are new: they come to the end of the list, in this order. Keeps others from noting, as ``note``
    does."""
    if made:
        after = int(_TAKE.first(tx, {"count": len(made)}).seq) - len(made)  # type: ignore[union-attr]
        rows = [
            {"entity": entity, "uid": uid, "seq": number, "at": now}
            for number, (entity, uid) in enumerate(made, start=after + 1)
        ]
        bulk.insert_rows(tx, _ENTRY, rows)


def last(tx: Connection) -> int:
    """The number of the newest change."""
    return int(_LAST.first(tx, {}).seq)  # type: ignore[union-attr]


def since(tx: Connection, after: int, limit: int) -> Sequence[Record]:
    """What changed after this number, in order."""
    return _SINCE.all(tx, {"after": after, "limit": limit})


def patients(tx: Connection, uids: Sequence[str]) -> dict[str, Record]:
    """These cards, those merged into others included."""
    return {row.uid: row for row in _PATIENTS.all(tx, {"uids": list(uids)})} if uids else {}


def visits(tx: Connection, uids: Sequence[str]) -> dict[str, Record]:
    """These visits."""
    return {row.uid: row for row in _VISITS.all(tx, {"uids": list(uids)})} if uids else {}
