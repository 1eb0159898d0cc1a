"""Column types and naming shared by all tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, MetaData, Numeric, String, TypeDecorator, bindparam
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. ``timestamptz`` on PostgreSQL, whole microseconds since 1970 on SQLite, which has no time type and
    compares integers exactly and fast. Naive datetimes are refused."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value if dialect.name == "postgresql" else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            return value.astimezone(UTC)  # type: ignore[no-any-return]
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


class epoch_seconds(FunctionElement[int]):  # noqa: N801 - reads like a function in a query
    """A moment as whole seconds since 1970, computed by the database: for arithmetic on many rows."""

    inherit_cache = True
    type = BigInteger()


@compiles(epoch_seconds, "sqlite")
def _epoch_sqlite(element: epoch_seconds, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} / 1000000"


@compiles(epoch_seconds, "postgresql")
def _epoch_postgresql(element: epoch_seconds, compiler: SQLCompiler, **options: Any) -> str:
    return f"floor(extract(epoch FROM {compiler.process(element.clauses, **options)}))::bigint"


class day_before(FunctionElement[datetime]):  # noqa: N801 - reads like a function in a query
    """A moment less 24 hours, computed by the database."""

    inherit_cache = True


@compiles(day_before, "sqlite")
def _day_before_sqlite(element: day_before, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} - 86400000000"


@compiles(day_before, "postgresql")
def _day_before_postgresql(element: day_before, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.clauses, **options)} - interval '24 hours'"


class among(FunctionElement[int]):  # noqa: N801 - reads like a function in a query
    """True when a column is among the values of one list parameter, however many there are: a statement with a fixed
    text, which databases plan once. (Not of type Boolean, which SQLAlchemy compares with 1 on SQLite, and then no index
    is used.)"""

    inherit_cache = True
    type = Integer()

    def __init__(self, column: Any, parameter: str) -> None:
        element = getattr(column, "__clause_element__", lambda: column)()
        super().__init__(element, bindparam(parameter, type_=ListOf(element.type)))


class ListOf(TypeDecorator[list[Any]]):
    """A list of simple values as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, item: Any) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(self.item) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - made of compiled parts


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(part, **options) for part in element.clauses)
    return f"{column} = ANY ({values})"


class Amount(TypeDecorator[Decimal]):
    """Money without a currency: exact on both databases (hundred-thousandths as whole numbers on SQLite, whose
    fractions are floats)."""

    impl = Numeric(12, 5)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(12, 5))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return int((value * 100_000).to_integral_value(ROUND_HALF_UP))  # as PostgreSQL rounds

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        if value is None or dialect.name == "postgresql":
            return None if value is None else Decimal(value)
        return Decimal(value) / 100_000


#: SQLite numbers rows by itself only when the key is INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")
Uid = String(40)


class Base(DeclarativeBase):
    """All tables; one naming rule for constraints, so that errors can name them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, Decimal: Amount}  # noqa: RUF012


class Row(Base):
    """A table with an internal number (joins, constraints) and an opaque public id (``uid``, the API's ``id``)."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[str] = mapped_column(Uid, unique=True)
