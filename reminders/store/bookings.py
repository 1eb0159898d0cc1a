"""A new visit with everything that comes into being with it: reminders, the first line of its history, its effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from reminders.store import appointments, histories, outbox
from reminders.store import reminders as reminder_store
from reminders.store.engine import planned
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, AppointmentHistory, Outbox, Reminder

_VISIT: Table = Appointment.__table__  # type: ignore[assignment]
_REMINDER: Table = Reminder.__table__  # type: ignore[assignment]
_HISTORY: Table = AppointmentHistory.__table__  # type: ignore[assignment]
_OUTBOX: Table = Outbox.__table__  # type: ignore[assignment]
_NUMBER = "appointment_id"


def add(
    tx: Connection, visit: Mapping[str, Any], reminders: Sequence[Mapping[str, Any]], history: Mapping[str, Any],
    effect: Mapping[str, Any],
) -> int:  # fmt: skip
    """Store a visit and its rows; returns its number. ``SlotTaken`` when the database finds the time occupied.

    ``reminders`` and ``history`` come without the number of the visit, which they get here. PostgreSQL takes it all as
    one statement: a round trip costs more there than the rows. SQLite has no round trips, and no such statement.
    """
    if any(row["due_at"] - row["updated_at"] <= reminder_store.SOON for row in reminders):
        planned(tx)
    try:
        if tx.dialect.name == "postgresql":
            return _add_at_once(tx, visit, reminders, history, effect)
        return _add_one_by_one(tx, visit, reminders, history, effect)
    except IntegrityError as problem:
        raise appointments.translated(problem) from problem


def _add_one_by_one(
    tx: Connection, visit: Mapping[str, Any], reminders: Sequence[Mapping[str, Any]], history: Mapping[str, Any],
    effect: Mapping[str, Any],
) -> int:  # fmt: skip
    number: int = _visit(tuple(visit)).first(tx, visit)[0]  # type: ignore[index]  # an INSERT returns its row
    reminder_store.add(tx, [{**row, _NUMBER: number} for row in reminders])
    histories.add(tx, {**history, _NUMBER: number})
    outbox.add_row(tx, effect)
    return number


def _add_at_once(
    tx: Connection, visit: Mapping[str, Any], reminders: Sequence[Mapping[str, Any]], history: Mapping[str, Any],
    effect: Mapping[str, Any],
) -> int:  # fmt: skip
    columns = tuple(reminders[0]) if reminders else ()
    statement = _together(tuple(visit), len(reminders), columns, tuple(history), tuple(effect))
    values = _named("v", visit) | _named("h", history) | _named("o", effect)
    for number, row in enumerate(reminders):
        values |= _named(f"r{number}", row)
    return int(statement.first(tx, values)[0])  # type: ignore[index]


@lru_cache(maxsize=8)
def _visit(columns: tuple[str, ...]) -> Prepared:
    return Prepared(insert(_VISIT).returning(_VISIT.c.id), columns)


@lru_cache(maxsize=64)
def _together(
    visit: tuple[str, ...], count: int, reminder: tuple[str, ...], history: tuple[str, ...], effect: tuple[str, ...]
) -> Prepared:
    """INSERTs as parts of one statement, for so many reminders. All of them see the visit through its RETURNING, and
    foreign keys are checked when the statement ends."""
    made = insert(_VISIT).values(_bound("v", _VISIT, visit)).returning(_VISIT.c.id).cte("visit")

    def following(table: Table, columns: tuple[str, ...], marks: Iterable[str]) -> Any:
        rows = [select(made.c.id, *_bound(mark, table, columns).values()) for mark in marks]
        source = union_all(*rows) if len(rows) > 1 else rows[0]
        return insert(table).inline().from_select([_NUMBER, *columns], source).cte()

    parts = [following(_HISTORY, history, ["h"]), insert(_OUTBOX).inline().values(_bound("o", _OUTBOX, effect)).cte()]
    if count:
        parts.append(following(_REMINDER, reminder, [f"r{number}" for number in range(count)]))
    return Prepared(select(made.c.id).add_cte(*parts))


def _bound(mark: str, table: Table, columns: Iterable[str]) -> dict[str, Any]:
    return {name: bindparam(f"{mark}_{name}", type_=table.c[name].type) for name in columns}


def _named(mark: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{mark}_{name}": value for name, value in values.items()}
