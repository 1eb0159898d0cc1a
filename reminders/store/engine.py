"""The database connection. The only module that begins and commits transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

#: One row of a result; its attributes are the columns of the query that made it.
Record: TypeAlias = Any

T = TypeVar("T")

#: SQLSTATE of a serialization failure and of a deadlock.
_BROKEN_OFF = frozenset({"40001", "40P01"})
_TRIES = 4

_PLANNED = "planned"
#: The channel on which processes tell each other, on PostgreSQL, that something may be due at once.
_CHANNEL = "reminders_planned"
_LISTEN_SECONDS = 1.0

_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a booking that was answered with 201 survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=15000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-65536",
)


#: PostgreSQL takes a look through an index for as dear as four pages read in a row, as on disks that turn. On those of today,
#: and in memory, it is not, and a report on one day would read through all reminders there ever were.
_POSTGRESQL_OPTIONS = "-c timezone=utc -c random_page_cost=1.1"


class Database:
    """Transactions on one database: ``read`` for queries, ``write`` for anything that changes something.

    On SQLite a write begins with BEGIN IMMEDIATE: writers queue up instead of failing half-way. On PostgreSQL reads
    run in autocommit mode, which saves two round trips.
    """

    def __init__(self, url: str, *, pool_size: int = 20) -> None:
        self.statements = 0
        self._listeners: list[Callable[[], None]] = []
        self._engine = _create(url, pool_size)
        self.dialect: str = self._engine.dialect.name
        # SQLite has one writer at a time, and whoever finds it busy sleeps; threads of one process queue up instead.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()
        self._reader: Engine
        self._writer: Engine
        if self.is_sqlite:  # the driver is in autocommit mode already, see _prepare_sqlite
            self._reader, self._writer = self._engine, self._engine.execution_options(begin="BEGIN IMMEDIATE")
        else:  # a pool of its own: switching a connection to autocommit and back costs as much as a query
            self._reader, self._writer = _create(url, pool_size, autocommit=True), self._engine
        for engine in self.engines:
            event.listen(engine, "before_cursor_execute", self._count)
            event.listen(engine, "connect", self._remember)

    @property
    def is_sqlite(self) -> bool:
        return self.dialect == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries only; each statement sees the newest committed state."""
        with self._reader.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, one_statement: bool = False) -> Iterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises.

        ``one_statement`` promises that on PostgreSQL the block writes with a single statement, which is a transaction by
        itself there: BEGIN and COMMIT, a round trip each, are left out.
        """
        if one_statement and not self.is_sqlite:
            with self._reader.connect() as connection:
                yield connection
                has_planned = connection.info.pop(_PLANNED, False)
        else:
            with self._turn, self._writer.begin() as connection:
                connection.info.pop(_PLANNED, None)  # left by one that was rolled back
                yield connection
                has_planned = connection.info.pop(_PLANNED, False)
        if has_planned:
            self._tell()

    def run(self, work: Callable[[Connection], T], *, one_statement: bool = False) -> T:
        """``work`` in a transaction of its own, from the beginning when the database broke it off to end a deadlock: two
        bookings may wait for each other in the exclusion constraint, and the one that yields must look again."""
        for _ in range(_TRIES):
            try:
                with self.write(one_statement=one_statement) as connection:
                    return work(connection)
            except DBAPIError as problem:
                if getattr(problem.orig, "sqlstate", None) not in _BROKEN_OFF:
                    raise
        with self.write() as connection:
            return work(connection)

    def on_planned(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever a transaction of this process that called ``planned`` has been committed."""
        self._listeners.append(listener)

    def listen(self, call: Callable[[], None], until: threading.Event) -> None:
        """Call ``call`` whenever another process planned something that may be due at once, until ``until`` is set.
        Returns at once on SQLite, whose processes look every second. ``DBAPIError`` when the connection is lost."""
        if self.is_sqlite:
            return
        with self._reader.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                driver.execute(f"LISTEN {_CHANNEL}")
                call()  # what was planned before we listened
                while not until.is_set():
                    for _ in driver.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                        call()
            except connection.dialect.loaded_dbapi.Error as problem:
                raise _translated(connection, problem) from problem
            finally:
                connection.invalidate()  # it listens as long as it lives: nobody else must get it

    def _tell(self) -> None:
        """After the commit: inside a transaction NOTIFY would make all that commit at that moment queue up. What was
        committed stays so even if nobody can be told; the others find it within a second by themselves."""
        for listener in self._listeners:
            listener()
        if not self.is_sqlite:
            with suppress(SQLAlchemyError), self._reader.connect() as connection:
                connection.exec_driver_sql(f"NOTIFY {_CHANNEL}")

    @contextmanager
    def raw(self) -> Iterator[Connection]:
        """A connection in autocommit mode for schema work and maintenance (ANALYZE, CREATE DATABASE)."""
        with self._reader.connect() as connection:
            yield connection

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for migrations only."""
        return self._engine

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Every engine that statements go through, for those that listen to them."""
        return (self._engine,) if self.is_sqlite else (self._reader, self._writer)

    def close(self) -> None:
        self._reader.dispose()
        self._engine.dispose()

    def _count(self, *_: Any) -> None:
        self.statements += 1

    def _remember(self, _connection: Any, record: Any) -> None:
        record.info["database"] = self


def planned(tx: Connection) -> None:
    """Say that something was planned in ``tx`` that may be due at once."""
    tx.info[_PLANNED] = True


def attempt(tx: Connection) -> AbstractContextManager[object]:
    """A part of a transaction that may fail alone: when the block raises, only what it did is taken back."""
    return tx.begin_nested()


class translating:  # noqa: N801 - reads like a verb where it is used
    """A cursor of the driver, for statements that go to it directly (parameters by position: ? or $1): counted like all
    others, and what the driver finds wrong is raised as by SQLAlchemy (``DBAPIError``; a lost connection is discarded).
    """

    __slots__ = ("_tx",)

    def __init__(self, tx: Connection) -> None:
        self._tx = tx

    def __enter__(self) -> Any:
        pooled = self._tx.connection
        pooled.info["database"].statements += 1
        if self._tx.dialect.name == "postgresql":
            raw: Any = self._tx.dialect.loaded_dbapi
            return raw.RawCursor(pooled.driver_connection)
        return pooled.cursor()

    def __exit__(self, _type: Any, problem: BaseException | None, _trace: Any) -> None:
        if isinstance(problem, self._tx.dialect.loaded_dbapi.Error):
            raise _translated(self._tx, problem) from problem


def _translated(tx: Connection, problem: Exception) -> DBAPIError:
    dialect = tx.dialect
    lost = dialect.is_disconnect(problem, tx.connection.driver_connection, None)  # type: ignore[arg-type]
    if lost:
        tx.invalidate(problem)
    translated: Any = DBAPIError.instance(
        None,
        None,
        problem,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )
    return translated  # type: ignore[no-any-return]


def is_retryable(problem: DBAPIError) -> bool:
    """True for a lost connection, a deadlock or a busy file: the same work may succeed when tried again."""
    if problem.connection_invalidated:
        return True
    code = getattr(problem.orig, "sqlstate", None)
    if code in _BROKEN_OFF:
        return True
    never_connected = code is None and type(problem.orig).__module__.startswith("psycopg")
    return isinstance(problem, OperationalError) and (never_connected or "locked" in str(problem.orig))


def _create(url: str, pool_size: int, *, autocommit: bool = False) -> Engine:
    """``autocommit`` is for PostgreSQL: its connections are never in a transaction, so nothing is rolled back when they
    are returned."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed,
            poolclass=QueuePool,
            pool_size=pool_size,
            max_overflow=10,
            hide_parameters=True,
            connect_args={"check_same_thread": False},
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    kind: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None} if autocommit else {}
    return create_engine(
        parsed, pool_size=pool_size, max_overflow=10, hide_parameters=True, pool_recycle=1800, pool_use_lifo=True,
        connect_args={"options": _POSTGRESQL_OPTIONS}, **kind,
    )  # fmt: skip


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions on its own
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
    # SQLite's own knows ASCII only, and names are searched without regard to case
    connection.create_function("lower", 1, lambda text: text and text.lower(), deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    begin = connection.get_execution_options().get("begin")
    if begin:
        connection.exec_driver_sql(begin)
