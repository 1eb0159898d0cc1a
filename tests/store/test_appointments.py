"""Queries on visits: pages that neither skip nor repeat, busy time of a window, contact of the patient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from reminders.errors import NotFound, SlotTaken
from reminders.store import appointments, patients
from reminders.store.appointments import Filter
from reminders.store.engine import Database
from tests.factories import Ground, add_visit, ground

NINE = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def clinic(database: Database) -> Ground:
    return ground(database)


def add(database, *rows):
    with database.write() as tx:
        return [add_visit(tx, row) for row in rows]


def untimed(clinic: Ground, start: datetime, **changes):
    return clinic.visit(start, provider_id=None, occupies=False, timed=False) | changes


def pages(database: Database, size: int) -> list[tuple[datetime, int]]:
    """Walk through all pages, as a caller with a cursor does."""
    seen: list[tuple[datetime, int]] = []
    while True:
        with database.read() as tx:
            page = appointments.listing(tx, Filter(after=seen[-1] if seen else None, limit=size))
        seen += [(row.start_at, row.id) for row in page]
        if len(page) < size or len(seen) > 20:
            return seen


def test_pages_show_every_visit_once_also_when_many_begin_together(database, clinic):
    starts = [NINE, NINE, NINE, NINE, NINE + MINUTE, NINE + MINUTE, NINE - DAY, NINE + DAY]
    numbers = add(database, *(untimed(clinic, start) for start in starts))
    for size in (1, 2, 3, 8, 50):
        assert pages(database, size) == sorted(zip(starts, numbers, strict=True))


def test_a_page_may_be_asked_for_in_any_zone(database, clinic):
    add(database, *(untimed(clinic, NINE + number * MINUTE) for number in range(3)))
    with database.read() as tx:
        first = appointments.listing(tx, Filter(limit=1))[0]
        local = first.start_at.astimezone(tz=None)
        assert len(appointments.listing(tx, Filter(after=(local, first.id)))) == 2


def test_filters(database, clinic):
    with database.read() as tx:
        people = [row.uid for row in patients.listing(tx, 0, 10, None, None)]
    one, two, three = add(
        database,
        clinic.visit(NINE),
        clinic.visit(NINE + DAY, provider_id=clinic.providers[1], patient_id=clinic.patients[1]),
        untimed(clinic, NINE + 2 * DAY, status="noshow"),
    )
    cases = [
        (Filter(), [one, two, three]),
        (Filter(first=NINE + DAY), [two, three]),
        (Filter(last=NINE + DAY), [one]),
        (Filter(first=NINE, last=NINE + 2 * DAY), [one, two]),
        (Filter(provider_id=clinic.providers[1]), [two]),
        (Filter(location_id=clinic.location), [one, two, three]),
        (Filter(location_id=clinic.location + 1), []),
        (Filter(patient_uid=people[1]), [two]),
        (Filter(status="noshow"), [three]),
        (Filter(status="noshow", provider_id=clinic.providers[0]), []),
        (Filter(limit=2), [one, two]),
    ]
    with database.read() as tx:
        for wanted, expected in cases:
            assert [row.id for row in appointments.listing(tx, wanted)] == expected, wanted


def seconds(*moments: datetime) -> tuple[int, ...]:
    return tuple(int(moment.timestamp()) for moment in moments)


def test_busy_time_is_what_touches_the_window(database, clinic):
    first, second = clinic.providers
    add(
        database,
        clinic.visit(NINE - HOUR, 60),  # ends where the window begins
        clinic.visit(NINE + HOUR, 60, busy_start=NINE + 45 * MINUTE, busy_end=NINE + 130 * MINUTE),
        clinic.visit(NINE + 3 * HOUR, 60),  # begins where the window ends
        clinic.visit(NINE, occupies=False, status="cancelled"),
        clinic.visit(NINE - HOUR, 90, provider_id=second),
        clinic.visit(NINE + 30 * MINUTE, 30, provider_id=second),
        clinic.visit(NINE + 30 * DAY, 30),
    )
    with database.read() as tx:
        found = appointments.busy(tx, [first, second, 999], NINE, NINE + 3 * HOUR, 2 * HOUR)
    assert found == {
        first: [seconds(NINE + 45 * MINUTE, NINE + 130 * MINUTE)],
        second: [seconds(NINE - HOUR, NINE + 30 * MINUTE), seconds(NINE + 30 * MINUTE, NINE + HOUR)],
        999: [],
    }


def test_the_longest_visit_that_reaches_into_the_window_is_found(database, clinic):
    add(database, clinic.visit(NINE - 2 * HOUR, 121))
    with database.read() as tx:
        assert appointments.busy(tx, clinic.providers, NINE, NINE + HOUR, 121 * MINUTE)[clinic.providers[0]]


def test_open_visits_of_a_phone(database, clinic):
    with database.write() as tx:
        patients.change(tx, clinic.patients[1], {"phone": "+34600000001"})  # a family shares one phone
    later, sooner, *_ = add(
        database,
        clinic.visit(NINE + DAY),
        clinic.visit(NINE, patient_id=clinic.patients[1], status="pending"),
        clinic.visit(NINE - DAY),
        clinic.visit(NINE + 2 * DAY, status="cancelled", occupies=False),
        clinic.visit(NINE + 3 * DAY, status="arrived"),
    )
    with database.read() as tx:
        found = appointments.open_for_phone(tx, "+34600000001", NINE - HOUR)
        assert [row.id for row in found] == [sooner, later]
        assert [row.id for row in appointments.open_for_phone(tx, "+34600000001", NINE)] == [later]
        assert not appointments.open_for_phone(tx, "+3460000000", NINE - HOUR)


def test_a_visit_comes_with_the_patients_contact(database, clinic):
    row = clinic.visit(NINE)
    (number,) = add(database, row)
    with database.write() as tx:
        found = appointments.get(tx, row["uid"], lock=True)
        assert appointments.by_number(tx, number) == found
    assert (found.patient_name, found.patient_phone, found.start_at) == ("Patient 0", "+34600000001", NINE)
    with database.read() as tx, pytest.raises(NotFound):
        appointments.get(tx, "apt_none")


def test_naive_times_never_reach_the_database(database, clinic):
    naive = NINE.replace(tzinfo=None)
    for column in ("start_at", "busy_end", "booked_at"):
        with pytest.raises(ValueError, match="naive"):
            add(database, clinic.visit(NINE) | {column: naive})
    (number,) = add(database, clinic.visit(NINE))
    with pytest.raises(StatementError, match="naive"), database.write() as tx:
        appointments.change(tx, number, {"start_at": naive})
    with pytest.raises(StatementError, match="naive"), database.read() as tx:
        appointments.listing(tx, Filter(after=(naive, 1)))


def test_only_overlap_is_called_a_taken_slot(database, clinic):
    row = clinic.visit(NINE)
    add(database, row)
    with pytest.raises(IntegrityError):
        add(database, clinic.visit(NINE + DAY, uid=row["uid"]))
    with pytest.raises(IntegrityError):
        add(database, clinic.visit(NINE + DAY, patient_id=999_999))
    with pytest.raises(SlotTaken):
        add(database, clinic.visit(NINE))
