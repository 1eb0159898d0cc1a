"""Many rows at once into a table of the product: COPY on PostgreSQL, executemany of the driver on SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.engine import Dialect

_BATCH = 10_000


def load(tx: Connection, table: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Store ``rows`` (values in the order of ``columns``); what a column's type does to a value is done here too."""
    driver = tx.connection.driver_connection
    assert driver is not None
    converted = _converted(tx.dialect, [table.__table__.c[name] for name in columns], rows)
    if tx.dialect.name == "postgresql":
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {table.__tablename__} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            for row in converted:
                copy.write_row(row)
    else:
        statement = insert(table.__table__).values(dict.fromkeys(columns)).compile(dialect=tx.dialect)
        names = [str(name) for name in statement.positiontup or ()]
        order = [columns.index(name) for name in names]
        driver.executemany(str(statement), ([row[at] for at in order] for row in converted))


def _converted(dialect: Dialect, columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
    same: Callable[[Any], Any] = lambda value: value  # noqa: E731
    ways = [column.type.bind_processor(dialect) or same for column in columns]
    for row in rows:
        yield [None if value is None else way(value) for way, value in zip(ways, row, strict=True)]
