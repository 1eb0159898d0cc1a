"""Many rows in one statement: PostgreSQL takes each column as an array, SQLite the rows one after the other.

A statement per row costs PostgreSQL, its driver and the network the same again for each; SQLite does not mind.
PostgreSQL plans each of these statements anew: a plan that is kept was made for the table as it was then, and the one for
a table still empty reads all of it, every time, until somebody analyses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Connection, Table
from sqlalchemy.dialects import postgresql

from reminders.store.engine import translating

_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
Rows = Sequence[Mapping[str, Any]]


def insert_rows(tx: Connection, table: Table, rows: Rows) -> None:
    """Store ``rows``, which all have the same columns."""
    if rows:
        _carry_out(tx, table, _insert(table, tuple(rows[0]), tx.dialect.name), tuple(rows[0]), rows)


def update_rows(tx: Connection, table: Table, key: str, rows: Rows, *, where: str = "") -> int:
    """Set the columns of ``rows`` where ``key`` is theirs; returns how many rows were touched. ``where`` is a further
    condition in SQL, a constant of the caller's."""
    if not rows:
        return 0
    columns = (*(name for name in rows[0] if name != key), key)
    return _carry_out(tx, table, _update(table, key, columns, where, tx.dialect.name), columns, rows)


def _carry_out(tx: Connection, table: Table, sql: str, columns: Sequence[str], rows: Rows) -> int:
    converters = [_converter(table.c[name], tx) for name in columns]
    if tx.dialect.name == "postgresql":
        parameters = [
            _array([row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows])
            for name, convert in zip(columns, converters, strict=True)
        ]
        with translating(tx) as cursor:
            cursor.execute(sql, parameters, prepare=False)
            return int(cursor.rowcount)
    lines = [
        [
            row[name] if convert is None else convert(row[name])
            for name, convert in zip(columns, converters, strict=True)
        ]
        for row in rows
    ]
    with translating(tx) as cursor:
        cursor.executemany(sql, lines)
        return int(cursor.rowcount)


def _array(values: Sequence[Any]) -> str:
    """PostgreSQL's own way to write an array. The driver's is general and slow: it looks at each text through a regular
    expression, which cost a seventh of the time of sending."""
    return "{" + ",".join([_WRITTEN[type(value)](value) for value in values]) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Written(dict[type, Callable[[Any], str]]):
    """How each type of value is written inside an array; ``TypeError`` for one that no column of ours has."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        if issubclass(kind, str):  # the enumerations of the domain
            return _quoted
        raise TypeError(f"no array of {kind.__name__}")


_WRITTEN = _Written(
    {
        type(None): lambda _: "NULL", bool: lambda value: "t" if value else "f", int: str, Decimal: str, str: _quoted,
        datetime: lambda value: f'"{value.isoformat()}"', date: lambda value: f'"{value.isoformat()}"',
    }
)  # fmt: skip


def _converter(column: Column[Any], tx: Connection) -> Any:
    return column.type.dialect_impl(tx.dialect).bind_processor(tx.dialect)


@lru_cache(maxsize=64)
def _insert(table: Table, columns: tuple[str, ...], dialect: str) -> str:
    names = ", ".join(columns)
    if dialect == "postgresql":
        return f"INSERT INTO {table.name} ({names}) SELECT * FROM {_arrays(table, columns)}"  # noqa: S608 - our own names
    return f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


@lru_cache(maxsize=64)
def _update(table: Table, key: str, columns: tuple[str, ...], where: str, dialect: str) -> str:
    also = f" AND {where}" if where else ""
    if dialect == "postgresql":
        sets = ", ".join(f"{name} = given.{name}" for name in columns if name != key)
        given = f"{_arrays(table, columns)} AS given ({', '.join(columns)})"
        return f"UPDATE {table.name} SET {sets} FROM {given} WHERE {table.name}.{key} = given.{key}{also}"  # noqa: S608
    sets = ", ".join(f"{name} = ?" for name in columns if name != key)
    return f"UPDATE {table.name} SET {sets} WHERE {key} = ?{also}"  # noqa: S608


def _arrays(table: Table, columns: Sequence[str]) -> str:
    kinds = (table.c[name].type.dialect_impl(_POSTGRESQL).compile(_POSTGRESQL) for name in columns)
    return f"unnest({', '.join(f'${place}::{kind}[]' for place, kind in enumerate(kinds, start=1))})"
