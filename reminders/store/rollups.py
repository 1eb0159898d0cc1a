"""Stored sums of past days, months and years: written at night, read by every report.

``store/tables/measuring.py`` says what they are, ``domain/rollup.py`` which of them make up a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from reminders.domain.attendance import Attendance, AttendanceBy
from reminders.domain.estimators import Four
from reminders.domain.measures import COSTS_STORED
from reminders.domain.rollup import Level, Pieces, Rolled, month_end, year_end
from reminders.domain.savings import Stratum
from reminders.domain.strata import Place, folded, packed, unpacked
from reminders.store.bulk import insert_rows
from reminders.store.engine import Record, attempt
from reminders.store.staleness import LOCK
from reminders.store.tables import (
    Appointment,
    Message,
    RollupCost,
    RollupReminder,
    RollupState,
    RollupStratum,
    RollupVisit,
    StaleDay,
)

_VISIT: Any = RollupVisit.__table__
_STRATUM: Any = RollupStratum.__table__
_COST: Any = RollupCost.__table__
_REMINDER: Any = RollupReminder.__table__
#: Seconds to wait for those who write, and the SQLSTATE of having waited for too long.
_PATIENCE, _LOCK_NOT_AVAILABLE = 2, "55P03"
#: Databases limit the parameters of one statement.
_AT_ONCE = 500
#: What the database adds up by itself; strata are packed (``domain/strata.py``).
_COUNTED: tuple[Table, ...] = (_VISIT, _COST, _REMINDER)
_TABLES: tuple[Table, ...] = (*_COUNTED, _STRATUM)


def state(tx: Connection) -> Rolled | None:
    """What is added up so far; ``None`` before the first night."""
    row = tx.execute(select(RollupState.since, RollupState.through, RollupState.settled)).first()
    if row is None:
        return None
    stale = tx.execute(select(StaleDay.day).where(StaleDay.day <= row.through).distinct()).scalars()
    return Rolled(row.since, row.through, frozenset(stale), row.settled)


def lock(tx: Connection) -> None:
    """Let one process at a time add up, until the commit. SQLite has one writer anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('rollup', 0))"))


def alone(tx: Connection) -> bool:
    """Wait until nobody is changing a visit, and let nobody begin before the commit (``store/staleness.py`` says why).
    False when somebody takes longer than a moment: all others would have to wait, too."""
    if tx.dialect.name != "postgresql":
        return True
    try:
        with attempt(tx):
            tx.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
            tx.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    except DBAPIError as problem:
        if getattr(problem.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def next_day(tx: Connection, after: date | None) -> date | None:
    """The first day after ``after`` with a visit, or with a message about none; ``None`` when there is no more."""
    visit, message = select(func.min(Appointment.local_day)), select(func.min(Message.created_at))
    message = message.where(Message.appointment_id.is_(None))
    if after is not None:
        visit = visit.where(Appointment.local_day > after)
        message = message.where(Message.created_at >= datetime.combine(after + timedelta(days=1), time(), UTC))
    written = tx.execute(message).scalar()
    days = (tx.execute(visit).scalar(), None if written is None else written.date())
    return min((day for day in days if day is not None), default=None)


def extend(tx: Connection, since: date, through: date) -> None:
    """Say that these days are added up, too, unless they are marked."""
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    row = build(RollupState).values(id=1, since=since, through=through, settled=since - timedelta(days=1))
    tx.execute(row.on_conflict_do_update(index_elements=["id"], set_={"since": since, "through": through}))


def settle(tx: Connection, year_end: date) -> None:
    """Say that all days up to this one that are stored were added up at least once, with their months and years."""
    row = tx.execute(select(RollupState.through, RollupState.settled)).one()
    settled = min(year_end, row.through)
    if row.settled is not None and row.settled < settled:
        tx.execute(update(RollupState).values(settled=settled))


def begin_with(tx: Connection, day: date) -> None:
    """Say that nothing lies before this day, if it is earlier than what was the first one so far."""
    tx.execute(update(RollupState).where(RollupState.since > day).values(since=day))


def mark(tx: Connection, days: Iterable[date]) -> None:
    """Say that these days are to be added up (again)."""
    rows = [{"day": day} for day in sorted(set(days))]
    if rows:
        tx.execute(insert(StaleDay), rows)


def marks(tx: Connection) -> dict[date, list[int]]:
    """The marks on the days that count as added up. Who adds these days up afterwards may remove exactly them."""
    through = select(RollupState.through).scalar_subquery()
    found: dict[date, list[int]] = {}
    for row in tx.execute(select(StaleDay.day, StaleDay.id).where(StaleDay.day <= through).order_by(StaleDay.day)):
        found.setdefault(row.day, []).append(row.id)
    return found


def remove_marks(tx: Connection, numbers: Sequence[int]) -> None:
    """These days are added up as they were when the marks were read, or later."""
    for place in range(0, len(numbers), _AT_ONCE):
        tx.execute(delete(StaleDay).where(StaleDay.id.in_(numbers[place : place + _AT_ONCE])))


def clear(tx: Connection, level: Level, start: date) -> None:
    """Forget the sums of one day, month or year."""
    for table in _TABLES:
        tx.execute(delete(table).where(*_groupings(table), table.c.level == level.value, table.c.start == start))


def fold(tx: Connection, level: Level, start: date) -> None:
    """Make the sums of a month of its days, of a year of its months."""
    clear(tx, level, start)
    inner, end = (Level.DAY, month_end(start)) if level is Level.MONTH else (Level.MONTH, year_end(start))
    for table in _COUNTED:
        names = _names(table)
        keys = [table.c[name] for name in names]
        values = [column for column in table.c if not column.primary_key]
        sums = [func.sum(column).label(column.name) for column in values]
        source = select(
            literal(level.value).label("level"), literal(start, table.c.start.type).label("start"), *keys, *sums
        )
        source = source.where(*_groupings(table), table.c.level == inner.value, table.c.start.between(start, end))
        columns = ["level", "start", *names, *(column.name for column in values)]
        tx.execute(insert(table).from_select(columns, source.group_by(*keys)))
    inside = and_(_STRATUM.c.level == inner.value, _STRATUM.c.start.between(start, end))
    _add_blocks(tx, level, start, folded(_blocks(tx, inside)))


def add(tx: Connection, table: type[RollupCost] | type[RollupReminder], rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        tx.execute(insert(table), rows)


def add_visits(tx: Connection, cells: Mapping[tuple[date, str, str], Attendance]) -> None:
    rows = [
        {"grouping": str(by), "level": Level.DAY.value, "start": day, "key": key, **asdict(counts)}
        for (day, by, key), counts in cells.items()
    ]  # fmt: skip
    insert_rows(tx, _VISIT, rows)


def add_strata(tx: Connection, day: date, cells: Mapping[Stratum, Four]) -> None:
    _add_blocks(tx, Level.DAY, day, packed(cells))


def _add_blocks(tx: Connection, level: Level, start: date, blocks: Mapping[Place, bytes]) -> None:
    rows = [
        {"level": level.value, "start": start, "service_id": service, "weekday": weekday, "cells": cells}
        for (service, weekday), cells in blocks.items()
    ]
    if rows:
        tx.execute(insert(_STRATUM), rows)


def visits(tx: Connection, by: str, pieces: Pieces, *, daily: bool) -> Iterable[tuple[date | None, str, Attendance]]:
    """(day, key, counts) of what is stored; ``day`` is ``None`` unless ``daily``, which needs pieces of days only."""
    values = [column for column in _VISIT.c if not column.primary_key]
    day = _VISIT.c.start if daily else literal(None).label("start")
    sums = [func.sum(column).label(column.name) for column in values]
    query = select(day, _VISIT.c.key, *sums).where(_VISIT.c.grouping == str(by), within(_VISIT, pieces))
    groups = [_VISIT.c.start, _VISIT.c.key] if daily else [_VISIT.c.key]
    for row in tx.execute(query.group_by(*groups)):
        yield row[0], row[1], Attendance(*map(int, row[2:]))


def strata(tx: Connection, pieces: Pieces) -> dict[tuple[int, ...], Four]:
    """By the parts of a ``Stratum``."""
    return unpacked(_blocks(tx, within(_STRATUM, pieces)))


def _blocks(tx: Connection, which: ColumnElement[bool]) -> Iterator[tuple[Place, bytes]]:
    query = select(_STRATUM.c.service_id, _STRATUM.c.weekday, _STRATUM.c.cells).where(which)
    for service, weekday, cells in tx.execute(query):
        yield (service, weekday), cells


def costs(tx: Connection, by: str, pieces: Pieces, *, daily: bool) -> Sequence[Record]:
    """(key, paid_in, sums), as ``store/measures.py`` and ``store/spent.py`` count them; the key is a day if ``daily``."""
    return _summed(tx, _COST, by, pieces, "currency", daily=daily)


def reminders(tx: Connection, by: str, pieces: Pieces, *, daily: bool) -> Sequence[Record]:
    """(key, outcome, number)."""
    return _summed(tx, _REMINDER, by, pieces, "outcome", daily=daily)


def within(table: Table, pieces: Pieces) -> ColumnElement[bool]:
    """The rows that make up a range."""
    c, found = table.c, list[ColumnElement[bool]]()
    if pieces.years:
        found.append(and_(c.level == Level.YEAR.value, c.start.in_(pieces.years)))
    if pieces.months:
        found.append(and_(c.level == Level.MONTH.value, c.start.in_(pieces.months)))
    found += [and_(c.level == Level.DAY.value, c.start.between(*span)) for span in pieces.days]
    return or_(*found) if found else ~true()


def _summed(tx: Connection, table: Table, by: str, pieces: Pieces, part: str, *, daily: bool) -> Sequence[Record]:
    key = table.c.start if daily else table.c.key
    sums = [func.sum(column).label(column.name) for column in table.c if not column.primary_key]
    query = select(key.label("key"), table.c[part], *sums).where(table.c.grouping == by, within(table, pieces))
    return tx.execute(query.group_by(key, table.c[part])).all()


def _names(table: Table) -> list[str]:
    """What tells the rows of one day apart."""
    return [column.name for column in table.primary_key if column.name not in {"level", "start"}]


def _groupings(table: Table) -> list[ColumnElement[bool]]:
    """The beginning of the primary key, by which the rows of a day are found."""
    if "grouping" not in table.c:
        return []
    return [table.c.grouping.in_(_GROUPINGS[table.name])]


_COSTS = tuple(by.value for by in COSTS_STORED)
_GROUPINGS: dict[str, tuple[str, ...]] = {
    "rollup_visit": (*(by.value for by in AttendanceBy), "arm"),
    "rollup_cost": (*_COSTS, "kind"),
    "rollup_reminder": _COSTS,
}
