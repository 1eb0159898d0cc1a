"""Double booking is impossible in the database itself, whatever the code above does: the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from reminders.errors import SlotTaken
from reminders.store import appointments
from reminders.store.engine import Database
from reminders.store.guards import LONGEST, OVERLAP, SHAPE
from reminders.store.tables import Appointment
from tests.factories import Ground, add_visit, ground, together

NINE = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)
LIMIT = timedelta(microseconds=LONGEST)


@pytest.fixture
def clinic(database: Database) -> Ground:
    return ground(database)


def book(database: Database, values: dict[str, Any]) -> int:
    return database.run(lambda tx: add_visit(tx, values))


def change(database: Database, number: int, **values: Any) -> None:
    database.run(lambda tx: appointments.change(tx, number, values))


def occupied(database: Database) -> int:
    with database.read() as tx:
        return len(tx.execute(select(Appointment.id).where(Appointment.occupies)).all())


def overlaps(database: Database) -> int:
    """Pairs of visits that share a provider and a moment; counted without the help of any constraint."""
    one, other = Appointment.__table__.alias(), Appointment.__table__.alias()
    query = select(one.c.id).where(
        one.c.id < other.c.id, one.c.occupies, other.c.occupies, one.c.provider_id == other.c.provider_id,
        one.c.busy_start < other.c.busy_end, other.c.busy_start < one.c.busy_end,
    )  # fmt: skip
    with database.read() as tx:
        return len(tx.execute(query).all())


# minutes from 09:00 of a second visit, next to one from 09:00 to 09:30
SECOND = [
    (-30, 0, True),
    (30, 60, True),
    (-30, 1, False),
    (29, 60, False),
    (0, 30, False),
    (10, 20, False),
    (-10, 40, False),
]


def test_only_intervals_that_touch_or_lie_apart_fit(database, clinic):
    for day, (start, end, fits) in enumerate(SECOND):
        nine = NINE + timedelta(days=day)
        book(database, clinic.visit(nine))
        second = clinic.visit(nine + start * MINUTE, end - start)
        if fits:
            book(database, second)
            continue
        with pytest.raises(SlotTaken):
            book(database, second)
        book(database, second | {"provider_id": clinic.providers[1]})
    assert (occupied(database), overlaps(database)) == (2 * len(SECOND), 0)


def test_borders_are_exact_to_the_microsecond(database, clinic):
    book(database, clinic.visit(NINE))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE + 30 * MINUTE, busy_start=NINE + 30 * MINUTE - TICK))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE - 30 * MINUTE, busy_end=NINE + TICK))
    book(database, clinic.visit(NINE + 30 * MINUTE))


def test_buffers_count_the_visits_themselves_do_not(database, clinic):
    buffered = {"busy_start": NINE - 10 * MINUTE, "busy_end": NINE + 45 * MINUTE}
    book(database, clinic.visit(NINE, **buffered))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE + 30 * MINUTE))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE - 30 * MINUTE, 21))
    book(database, clinic.visit(NINE + 45 * MINUTE))
    book(database, clinic.visit(NINE - 30 * MINUTE, 20))


def test_what_no_longer_occupies_frees_its_time_and_cannot_come_back_into_a_taken_one(database, clinic):
    first = book(database, clinic.visit(NINE))
    change(database, first, status="cancelled", occupies=False)
    second = book(database, clinic.visit(NINE))
    with pytest.raises(SlotTaken):
        change(database, first, status="booked", occupies=True)
    change(database, second, status="noshow", occupies=False)
    change(database, first, status="booked", occupies=True)
    assert occupied(database) == 1


def test_a_move_into_a_taken_time_is_refused_and_changes_nothing(database, clinic):
    first, second = book(database, clinic.visit(NINE)), book(database, clinic.visit(NINE + 60 * MINUTE))
    taken = {"busy_start": NINE + 15 * MINUTE, "busy_end": NINE + 45 * MINUTE}
    with pytest.raises(SlotTaken):
        change(database, second, version=2, **taken)
    with pytest.raises(SlotTaken):
        change(database, second, busy_start=NINE + 29 * MINUTE)
    other = book(database, clinic.visit(NINE, provider_id=clinic.providers[1]))
    with pytest.raises(SlotTaken):
        change(database, other, provider_id=clinic.providers[0])
    with database.read() as tx:
        row = appointments.by_number(tx, second)
    assert (row.version, row.busy_start) == (1, NINE + 60 * MINUTE)
    change(database, first, busy_start=NINE + 10 * MINUTE, busy_end=NINE + 40 * MINUTE)  # overlaps only itself


def test_who_has_no_provider_takes_up_nobodys_time(database, clinic):
    for _ in range(2):
        book(database, clinic.visit(NINE, provider_id=None, occupies=False, timed=False))
    with pytest.raises(IntegrityError, match=SHAPE):
        book(database, clinic.visit(NINE, provider_id=None))
    number = book(database, clinic.visit(NINE))
    with pytest.raises(IntegrityError, match=SHAPE):
        change(database, number, provider_id=None)


def test_shapes_that_a_look_back_could_miss_are_refused(database, clinic):
    for length in (timedelta(0), -MINUTE, LIMIT + TICK, timedelta(days=40_000)):
        with pytest.raises(IntegrityError, match=SHAPE):
            book(database, clinic.visit(NINE, busy_end=NINE + length))
        book(database, clinic.visit(NINE, busy_end=NINE + length, occupies=False))


def test_the_longest_visit_is_still_seen_from_its_last_moment(database, clinic):
    book(database, clinic.visit(NINE, busy_end=NINE + LIMIT))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE + LIMIT - TICK))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE - LIMIT + TICK, busy_end=NINE + TICK))
    book(database, clinic.visit(NINE + LIMIT))
    book(database, clinic.visit(NINE - LIMIT, busy_end=NINE))


# Statements that do not come from our code


def copied(tx: Connection, statement: str, number: int, **changes: str) -> None:
    """Copy a visit with some columns written differently."""
    names = [column.name for column in Appointment.__table__.columns if column.name != "id"]
    values = ", ".join(changes.get(name, f"'apt_{number}_{len(changes)}'" if name == "uid" else name) for name in names)
    tx.execute(
        text(f"{statement} INTO appointment ({', '.join(names)}) SELECT {values} FROM appointment WHERE id = {number}")
    )


ANYWHERE = ["INSERT"]
SQLITE_ONLY = ["INSERT OR REPLACE", "INSERT OR IGNORE", "INSERT OR FAIL", "INSERT OR ROLLBACK", "REPLACE"]


def test_no_way_of_inserting_gets_past(database, clinic):
    number = book(database, clinic.visit(NINE))
    for statement in ANYWHERE + (SQLITE_ONLY if database.is_sqlite else []):
        with pytest.raises(IntegrityError, match=OVERLAP), database.write() as tx:
            copied(tx, statement, number)
        assert occupied(database) == 1


def test_no_way_of_updating_gets_past(database, clinic):
    book(database, clinic.visit(NINE))
    for hour in (1, 2):
        book(database, clinic.visit(NINE + hour * 60 * MINUTE))
    statements = ["UPDATE appointment SET busy_start = (SELECT min(busy_start) FROM appointment)"]
    if database.is_sqlite:
        statements += [one.replace("UPDATE", f"UPDATE OR {how}") for one in statements for how in ("IGNORE", "REPLACE")]
    for statement in statements:
        with pytest.raises(IntegrityError, match=OVERLAP), database.write() as tx:
            tx.execute(text(statement))
    assert (occupied(database), overlaps(database)) == (3, 0)


def test_on_sqlite_occupying_is_one_and_nothing_else(sqlite_database_url):
    database = Database(sqlite_database_url)
    number = book(database, ground(database).visit(NINE))
    for word in ("2", "-1", "'true'", "0.5"):
        for busy in ("busy_start", "busy_start + 3600000000"):  # in the taken time and, as if preparing, elsewhere
            with pytest.raises(IntegrityError), database.write() as tx:
                copied(tx, "INSERT", number, occupies=word, busy_start=busy, busy_end=f"{busy} + 1000000")
    assert occupied(database) == 1
    database.close()


def test_an_insert_of_several_rows_is_all_or_nothing(database, clinic):
    rows = [clinic.visit(NINE + step * 20 * MINUTE) for step in range(3)]
    with pytest.raises(IntegrityError, match=OVERLAP), database.write() as tx:
        tx.execute(insert(Appointment), rows)
    assert occupied(database) == 0


def test_two_transactions_that_cannot_see_each_other(database, clinic):
    """Each finds the time free, both write, one of them learns that it was wrong."""

    def transaction(tx: Connection) -> int:
        assert appointments.busy(tx, clinic.providers, NINE, NINE + 60 * MINUTE, LIMIT)[clinic.providers[0]] == []
        return add_visit(tx, clinic.visit(NINE))

    for _ in range(5):
        results = together([partial(database.run, transaction)] * 2)
        assert sum(isinstance(result, int) for result in results) == 1
        assert sum(isinstance(result, SlotTaken | AssertionError) for result in results) == 1
        with database.write() as tx:
            tx.execute(update(Appointment).values(occupies=False))


def test_eight_racing_for_one_slot_many_times(database, clinic):
    """Overlapping wishes of eight desks at once: whoever gets a place, nobody is seen twice and somebody is seen."""
    shifts = [0, 0, 5, -5, 10, -10, 29, -29]
    for attempt in range(12):
        start = NINE + timedelta(days=attempt)
        wishes = [clinic.visit(start + shift * MINUTE) for shift in shifts]
        results = together([partial(book, database, wish) for wish in wishes])
        refused = [result for result in results if not isinstance(result, int)]
        assert all(isinstance(result, SlotTaken) for result in refused), refused
        assert 1 <= len(results) - len(refused) <= 2  # 29 minutes before and 29 after do not meet
    assert overlaps(database) == 0


def test_eight_racing_for_exactly_the_same_slot(database, clinic):
    for attempt in range(12):
        values = [clinic.visit(NINE + timedelta(days=attempt)) for _ in range(8)]
        results = together([partial(book, database, row) for row in values])
        assert sum(isinstance(result, int) for result in results) == 1
        assert sum(isinstance(result, SlotTaken) for result in results) == 7
    assert occupied(database) == 12


def test_racing_moves_into_one_slot(database, clinic):
    for attempt in range(5):
        day = NINE + timedelta(days=attempt)
        numbers = [book(database, clinic.visit(day + hour * 60 * MINUTE)) for hour in range(1, 7)]
        target = {"busy_start": day, "busy_end": day + 30 * MINUTE}
        results = together([partial(change, database, number, **target) for number in numbers])
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, SlotTaken) for result in results) == 5
    assert overlaps(database) == 0


class Calendar(RuleBasedStateMachine):
    """Random bookings, moves and cancellations against a list in memory that knows what overlap means."""

    def __init__(self, database: Database, clinic: Ground, day: datetime) -> None:
        super().__init__()
        self.database, self.clinic, self.day = database, clinic, day
        self.visits: dict[int, tuple[int, int, int, bool]] = {}

    def fits(self, provider: int, start: int, end: int, without: int | None = None) -> bool:
        return not any(
            occupies and owner == provider and begin < end and start < finish
            for number, (owner, begin, finish, occupies) in self.visits.items()
            if number != without
        )

    def times(self, start: int, length: int) -> dict[str, Any]:
        begin = self.day + start * MINUTE
        return {"busy_start": begin, "busy_end": begin + length * MINUTE}

    @rule(provider=st.integers(0, 1), start=st.integers(0, 40), length=st.integers(1, 15))
    def book(self, provider: int, start: int, length: int) -> None:
        values = self.clinic.visit(self.day, provider_id=self.clinic.providers[provider], **self.times(start, length))
        if self.fits(provider, start, start + length):
            self.visits[book(self.database, values)] = (provider, start, start + length, True)
        else:
            with pytest.raises(SlotTaken):
                book(self.database, values)

    @rule(
        which=st.integers(0, 50), provider=st.integers(0, 1), start=st.integers(0, 40), length=st.integers(1, 15),
        occupies=st.booleans(),
    )  # fmt: skip
    def change(self, which: int, provider: int, start: int, length: int, occupies: bool) -> None:
        if not self.visits:
            return
        number = sorted(self.visits)[which % len(self.visits)]
        values = self.times(start, length) | {"provider_id": self.clinic.providers[provider], "occupies": occupies}
        if not occupies or self.fits(provider, start, start + length, number):
            change(self.database, number, **values)
            self.visits[number] = (provider, start, start + length, occupies)
        else:
            with pytest.raises(SlotTaken):
                change(self.database, number, **values)

    @invariant()
    def busy_time_is_what_is_booked(self) -> None:
        with self.database.read() as tx:
            found = appointments.busy(tx, self.clinic.providers, self.day, self.day + 60 * MINUTE, LIMIT)
        second = int(self.day.timestamp())
        for position, provider in enumerate(self.clinic.providers):
            expected = sorted(
                (second + start * 60, second + end * 60)
                for owner, start, end, occupies in self.visits.values()
                if occupies and owner == position
            )
            assert found[provider] == expected


def test_any_sequence_of_changes(database, clinic):
    days = (NINE + timedelta(days=number) for number in range(10_000))
    few = settings(
        max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), database=None,
        phases=[Phase.generate],  # each step is a transaction: shrinking would take minutes
    )  # fmt: skip
    run_state_machine_as_test(lambda: Calendar(database, clinic, next(days)), settings=few)
    assert overlaps(database) == 0
