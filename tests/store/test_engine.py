"""Transactions, and the column types that make both databases mean the same."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from reminders.store.engine import Database, is_retryable, planned
from reminders.store.tables import Heartbeat, Message, Patient
from tests.factories import MONDAY, ground, together, uid

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def beats(database: Database) -> dict[str, datetime]:
    with database.read() as tx:
        return {row.worker: row.at for row in tx.execute(select(Heartbeat.worker, Heartbeat.at))}


def beat(tx, worker: str, at: datetime = MONDAY) -> None:
    tx.execute(insert(Heartbeat).values(worker=worker, at=at))


def test_a_write_is_kept_when_it_ends_and_gone_when_it_raises(database):
    with database.write() as tx:
        beat(tx, "kept")

    def fail(problem: type[BaseException]) -> None:
        with database.write() as tx:
            beat(tx, "gone")
            raise problem

    for problem in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(problem):
            fail(problem)
    assert set(beats(database)) == {"kept"}


def test_nobody_sees_what_is_not_committed(database):
    with database.write() as tx:
        beat(tx, "new")
        assert beats(database) == {}
    with database.read() as reader:  # each statement sees the newest state
        assert len(reader.execute(select(Heartbeat.id)).all()) == 1
        with database.write() as tx:
            beat(tx, "newer")
        assert len(reader.execute(select(Heartbeat.id)).all()) == 2


def test_writers_wait_for_each_other_instead_of_losing_updates(database):
    with database.write() as tx:
        person = tx.execute(
            insert(Patient).values(uid=uid("pat"), name="0", version=0, created_at=MONDAY).returning(Patient.id)
        ).scalar_one()

    def count_up() -> None:
        for _ in range(5):
            with database.write() as tx:
                row = tx.execute(select(Patient.version).where(Patient.id == person).with_for_update()).scalar_one()
                tx.execute(update(Patient).where(Patient.id == person).values(version=row + 1))

    assert together([count_up] * 6) == [None] * 6
    with database.read() as tx:
        assert tx.execute(select(Patient.version)).scalar_one() == 30


def test_work_that_a_deadlock_broke_off_is_begun_again(database):
    clinic = ground(database, patients=2)
    met = threading.Barrier(1 if database.is_sqlite else 2)

    def crossing(order: Sequence[int]) -> int:
        """Both take the other's first row second; who has to begin again goes the other way. Returns the number of tries."""
        tries: list[int] = []

        def work(tx: Connection) -> int:
            tries.append(1)
            for person in order if len(tries) == 1 else order[::-1]:
                tx.execute(update(Patient).where(Patient.id == person).values(version=Patient.version + 1))
                if len(tries) == 1 and person == order[0]:
                    met.wait(timeout=10)
            return len(tries)

        return database.run(work)

    orders = [clinic.patients, clinic.patients[::-1]]
    results = together([partial(crossing, order) for order in orders])
    assert sorted(results) == ([1, 1] if database.is_sqlite else [1, 2])
    with database.read() as tx:
        assert tx.execute(select(Patient.version)).scalars().all() == [3, 3]


def test_only_work_that_was_broken_off_is_begun_again(database):
    tries: list[int] = []

    def work(tx) -> None:
        tries.append(1)
        beat(tx, "twice")
        beat(tx, "twice")

    with pytest.raises(IntegrityError):
        database.run(work)
    assert (len(tries), beats(database)) == (1, {})


def test_what_one_process_planned_wakes_the_others(database):
    """On SQLite, processes look every second instead, and there is nothing to listen to."""
    other = Database(database.engine.url.render_as_string(hide_password=False), pool_size=2)
    heard, done = threading.Semaphore(0), threading.Event()
    listener = threading.Thread(target=other.listen, args=(heard.release, done))
    listener.start()
    try:
        if database.is_sqlite:
            listener.join(10)
            assert not listener.is_alive()
            return
        assert heard.acquire(timeout=10)  # what was planned before it listened
        with database.write() as tx:
            planned(tx)
            assert not heard.acquire(timeout=0.05), "told before the commit"
        assert heard.acquire(timeout=10)
        with database.write() as tx:
            beat(tx, "quiet")
        assert not heard.acquire(timeout=0.05), "told of something else"
    finally:
        done.set()
        listener.join(10)
        other.close()


def test_a_listener_that_lost_its_connection_says_so(database):
    if database.is_sqlite:
        pytest.skip("a file is not listened to")
    heard, done, problems = threading.Semaphore(0), threading.Event(), []

    def listen() -> None:
        try:
            database.listen(heard.release, done)
        except DBAPIError as problem:
            problems.append(problem)

    listener = threading.Thread(target=listen)
    listener.start()
    assert heard.acquire(timeout=10)
    with database.raw() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                 " WHERE datname = current_database() AND query LIKE 'LISTEN%'")
        )  # fmt: skip
    listener.join(10)
    assert [problem.connection_invalidated for problem in problems] == [True]


def test_references_are_checked(database):
    values = ground(database).message(reminder=999_999)
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.execute(insert(Message).values(**values))


def test_statements_are_counted(database):
    before = database.statements
    with database.read() as tx:
        tx.execute(text("SELECT 1"))
        tx.execute(text("SELECT 1"))
    assert database.statements == before + 2


class Lost(Exception):
    sqlstate: str | None = None

    def __init__(self, words: str = "", sqlstate: str | None = None) -> None:
        super().__init__(words)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (DBAPIError("", {}, Lost(sqlstate="40P01")), True),
        (DBAPIError("", {}, Lost(sqlstate="40001")), True),
        (DBAPIError("", {}, Lost(sqlstate="23505")), False),
        (DBAPIError("", {}, Lost(), connection_invalidated=True), True),
        (OperationalError("", {}, Lost("database is locked")), True),
        (OperationalError("", {}, Lost("no such table: visit")), False),
        (DBAPIError("", {}, Lost("locked")), False),
    ],
)
def test_what_may_succeed_when_tried_again(problem, expected):
    assert is_retryable(problem) is expected


MOMENTS = st.datetimes(
    datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01"),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-11))]),
)  # fmt: skip


@FEW
@given(MOMENTS)
@example(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
def test_moments_come_back_to_the_microsecond_and_in_utc(database, moment):
    worker = uid("w")
    with database.write() as tx:
        beat(tx, worker, moment)
    found = beats(database)[worker]
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@FEW
@given(MOMENTS, MOMENTS)
def test_moments_compare_in_the_database_as_they_do_here(database, one, other):
    worker = uid("w")
    with database.write() as tx:
        beat(tx, worker, one)
        query = select(Heartbeat.id).where(Heartbeat.worker == worker, Heartbeat.at < other)
        assert (tx.execute(query).first() is not None) == (one < other)


def test_naive_moments_are_refused_in_values_and_in_conditions(database):
    naive = datetime.fromisoformat("2030-05-06T09:00")
    with pytest.raises(StatementError, match="naive"), database.write() as tx:
        beat(tx, "naive", naive)
    with pytest.raises(StatementError, match="naive"), database.read() as tx:
        tx.execute(select(Heartbeat.id).where(Heartbeat.at < naive))
    assert beats(database) == {}


AMOUNTS = st.decimals(-9_999_999, 9_999_999, places=5, allow_nan=False, allow_infinity=False)


def stored(database: Database, amount: Decimal | None) -> Decimal | None:
    number = uid("msg")
    values = ground(database, providers=0, patients=1).message(uid=number, price=amount, price_currency="EUR")
    with database.write() as tx:
        tx.execute(insert(Message).values(**values))
        return tx.execute(select(Message.price).where(Message.uid == number)).scalar_one()


@FEW
@given(AMOUNTS)
@example(Decimal("0.1"))
@example(Decimal("0.00750"))
@example(Decimal("9999999.99999"))
def test_money_is_exact(database, amount):
    found = stored(database, amount)
    assert isinstance(found, Decimal)
    assert found == amount


ROUNDED = {"0.000005": "0.00001", "-0.000005": "-0.00001", "0.000015": "0.00002", "0.0000049": "0", "1e-9": "0"}


def test_both_databases_round_alike(database):
    assert {given: stored(database, Decimal(given)) for given in ROUNDED} == {
        given: Decimal(kept) for given, kept in ROUNDED.items()
    }


def test_no_money_is_not_zero(database):
    assert stored(database, None) is None
    assert stored(database, Decimal(0)) == Decimal(0)


def test_texts_of_any_script_come_back(database):
    name = "Zoë 山田 😀 עִבְרִית"
    with database.write() as tx:
        tx.execute(insert(Patient).values(uid=uid("pat"), name=name, version=1, created_at=MONDAY))
        assert tx.execute(select(Patient.name)).scalar_one() == name
