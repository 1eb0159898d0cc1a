"""Held time and visits keep off each other, in the database itself and on both kinds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reminders.errors import SlotTaken
from reminders.store import appointments, holds
from reminders.store.engine import Database
from reminders.store.tables import HoldKind
from tests.factories import MONDAY, Ground, add_visit, ground, together, uid

NINE = datetime(2030, 5, 7, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def clinic(database: Database) -> Ground:
    return ground(database)


def held(clinic: Ground, start: datetime = NINE, minutes: int = 30, **changes: Any) -> dict[str, Any]:
    return {
        "uid": uid("hld"), "provider_id": clinic.providers[0], "kind": HoldKind.CALENDAR, "source": "test",
        "start_at": start, "end_at": start + minutes * MINUTE, "created_at": MONDAY,
    } | changes  # fmt: skip


def hold(database: Database, *rows: dict[str, Any]) -> None:
    database.run(lambda tx: holds.add(tx, rows))


def book(database: Database, values: dict[str, Any]) -> int:
    return database.run(lambda tx: add_visit(tx, values))


@pytest.mark.parametrize("kind", list(HoldKind))
def test_nobody_is_booked_into_held_time(database, clinic, kind):
    hold(database, held(clinic, kind=kind))
    for start, minutes in ((NINE, 30), (NINE - 10 * MINUTE, 11), (NINE + 29 * MINUTE, 5)):
        with pytest.raises(SlotTaken):
            book(database, clinic.visit(start, minutes))
    book(database, clinic.visit(NINE - 30 * MINUTE))
    book(database, clinic.visit(NINE + 30 * MINUTE))
    book(database, clinic.visit(NINE, provider_id=clinic.providers[1]))


def test_a_visit_is_not_moved_into_held_time_but_may_change_under_it(database, clinic):
    number = book(database, clinic.visit(NINE))
    hold(database, held(clinic, kind=HoldKind.BUSY), held(clinic, NINE + 60 * MINUTE))
    same = {"busy_start": NINE, "busy_end": NINE + 30 * MINUTE, "occupies": True, "status": "arrived"}
    database.run(lambda tx: appointments.change(tx, number, same))
    later = {"busy_start": NINE + 60 * MINUTE, "busy_end": NINE + 90 * MINUTE, "occupies": True, "updated_at": MONDAY}
    with pytest.raises(SlotTaken):
        database.run(lambda tx: appointments.change(tx, number, later))


def test_only_facts_from_elsewhere_may_lie_over_visits(database, clinic):
    book(database, clinic.visit(NINE))
    hold(database, held(clinic, kind=HoldKind.BUSY))
    for kind in (HoldKind.CALENDAR, HoldKind.OFFER):
        with pytest.raises(SlotTaken):
            hold(database, held(clinic, NINE + 29 * MINUTE, kind=kind))
    hold(database, held(clinic, NINE + 30 * MINUTE))


def test_what_is_offered_is_offered_once(database, clinic):
    offer = {"kind": HoldKind.OFFER, "expires_at": MONDAY + 10 * MINUTE}
    hold(database, held(clinic, **offer))
    with pytest.raises(SlotTaken):
        hold(database, held(clinic, **offer))
    hold(database, held(clinic))  # a person blocks their own time, whatever else is held
    with pytest.raises(SlotTaken):
        hold(database, held(clinic, created_at=MONDAY + 11 * MINUTE, **offer | {"expires_at": None}))


def test_what_has_expired_is_in_nobodys_way(database, clinic):
    over = MONDAY + 10 * MINUTE
    hold(database, held(clinic, kind=HoldKind.OFFER, expires_at=over))
    with pytest.raises(SlotTaken):
        book(database, clinic.visit(NINE, updated_at=over - MINUTE))
    with database.read() as tx:
        busy = [appointments.busy(tx, clinic.providers, NINE, NINE + 60 * MINUTE, 30 * MINUTE, now)
                for now in (None, over - MINUTE, over)]  # fmt: skip
        found = [len(holds.touching(tx, clinic.providers[0], NINE, NINE + MINUTE, now)) for now in (MONDAY, over)]
    nine = int(NINE.timestamp())
    assert [one[clinic.providers[0]] for one in busy] == [[(nine, nine + 1800)]] * 2 + [[]]
    assert found == [1, 0]
    book(database, clinic.visit(NINE, updated_at=over))
    assert database.run(lambda tx: holds.forget_expired(tx, over)) == 1


def test_a_source_lets_go_of_what_it_held(database, clinic):
    hold(database, held(clinic), held(clinic, NINE + 60 * MINUTE), held(clinic, NINE, source="other"))
    new = held(clinic, NINE + 120 * MINUTE)
    database.run(lambda tx: holds.replace(tx, "test", [new]))
    with database.read() as tx:
        assert [row.uid for row in holds.of_source(tx, "test")] == [new["uid"]]
        assert len(holds.of_source(tx, "other")) == 1


def test_a_hold_and_a_visit_at_the_same_moment(database, clinic):
    """Exactly one of them gets the time, however many try at once."""
    for hour in range(5):
        start = NINE + timedelta(hours=hour)
        works = [lambda s=start: book(database, clinic.visit(s)), lambda s=start: hold(database, held(clinic, s))] * 3
        done = together(works)
        refused = [one for one in done if isinstance(one, Exception)]
        assert all(isinstance(one, SlotTaken) for one in refused), refused
        with database.read() as tx:
            kept = holds.touching(tx, clinic.providers[0], start, start + MINUTE, MONDAY)
        visits = sum(isinstance(one, int) for one in done)
        assert (visits, bool(kept)) in {(1, False), (0, True)}
