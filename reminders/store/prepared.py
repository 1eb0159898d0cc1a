"""Statements for the hot paths: compiled once, then handed straight to the driver.

SQLAlchemy's own execution costs some 20 times what SQLite needs for a statement and three times what psycopg does. A
``Prepared`` is written with SQLAlchemy Core like any other query and runs inside the same connection and transaction;
only the way from the parameters to the driver, and from its rows to ours, is worked out once instead of every time.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from reminders.store.engine import Record, translating

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement in the words of one kind of database; ``order`` names its parameters by position."""

    sql: str
    order: tuple[str, ...]
    constants: Mapping[str, Any]
    converters: tuple[tuple[str, _Convert], ...]
    record: Callable[[Sequence[Any]], Record]

    def parameters(self, values: Mapping[str, Any]) -> list[Any]:
        given = {**self.constants, **values}
        for name, convert in self.converters:
            if name in values:
                given[name] = convert(given[name])
        return [given[name] for name in self.order]


class Prepared:
    """One statement. ``columns`` names the values of an INSERT; other statements carry ``bindparam``s."""

    def __init__(self, statement: Executable, columns: Iterable[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns) or None
        self._forms: dict[str, _Form] = {}

    def all(self, tx: Connection, values: Mapping[str, Any]) -> list[Record]:
        """Every row."""
        form = self._form(tx)
        rows = self._run(tx, form, values).fetchall()
        return [form.record(row) for row in rows]

    def first(self, tx: Connection, values: Mapping[str, Any]) -> Record | None:
        """The first row, or ``None``."""
        form = self._form(tx)
        row = self._run(tx, form, values).fetchone()
        return None if row is None else form.record(row)

    def run(self, tx: Connection, values: Mapping[str, Any]) -> int:
        """Only do it; returns how many rows it touched."""
        return int(self._run(tx, self._form(tx), values).rowcount)

    def many(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same for each of ``rows``."""
        form = self._form(tx)
        with translating(tx) as cursor:
            cursor.executemany(form.sql, [form.parameters(row) for row in rows])

    def _run(self, tx: Connection, form: _Form, values: Mapping[str, Any]) -> Any:
        with translating(tx) as cursor:
            cursor.execute(form.sql, form.parameters(values))
        return cursor

    def _form(self, tx: Connection) -> _Form:
        name = tx.dialect.name
        form = self._forms.get(name)
        if form is None:
            form = self._forms[name] = _formed(self._statement, self._columns, tx.dialect)
        return form


def _formed(statement: Any, columns: list[str] | None, dialect: Dialect) -> _Form:
    compiled: SQLCompiler = statement.compile(dialect=_positional(dialect), column_keys=columns)
    converters = {name: _to_driver(bound.type, dialect) for name, bound in compiled.binds.items()}
    needed = tuple((name, convert) for name, convert in converters.items() if convert is not None)
    constants = {
        name: convert(bound.value) if (convert := converters[name]) else bound.value
        for name, bound in compiled.binds.items()
        if not bound.required and bound.value is not None
    }
    order = tuple(compiled.positiontup or ())
    return _Form(str(compiled), order, constants, needed, _record(statement, dialect))


def _positional(dialect: Dialect) -> Dialect:
    """Parameters by position: psycopg can take PostgreSQL's own $1, $2 as they are; named ones it has to look for in the
    text, again at every execution when there are many."""
    kind: Any = type(dialect)
    return kind(paramstyle="numeric_dollar") if dialect.name == "postgresql" else dialect


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _record(statement: Any, dialect: Dialect) -> Callable[[Sequence[Any]], Record]:
    """How a driver's row becomes ours: a named tuple with the columns of the query, each in its Python type."""
    columns = list(getattr(statement, "exported_columns", ()))
    shape: Any = namedtuple("Row", [column.key for column in columns], rename=True)  # type: ignore[misc]
    make = partial(tuple.__new__, shape)
    converters = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    needed = [(place, convert) for place, convert in enumerate(converters) if convert is not None]
    if not needed:
        return make

    def record(row: Sequence[Any]) -> Record:
        values = list(row)
        for place, convert in needed:
            values[place] = convert(values[place])
        return make(values)

    return record
