"""Calendars under many hands at once: nothing is missed, nothing is given twice, on both kinds of database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from reminders.domain.appointment import Change
from reminders.domain.dav import Conditions, Sent, UidTaken, Unmatched
from reminders.errors import SlotTaken
from reminders.services.caldav import Caldav, Stored
from reminders.services.calendars import Calendars
from reminders.services.davlogins import DavLogins, Login, Scope
from reminders.store import calendars
from reminders.store.engine import Database
from tests.factories import Ids, World, together

NINE = datetime(2030, 5, 8, 7, 0, tzinfo=UTC)
HALF = timedelta(minutes=30)
ANY = Conditions()


class Clinic:
    """A clinic with one provider, whose calendar one device may write."""

    def __init__(self, database: Database) -> None:
        self.world = World(database)
        self.ids: Ids = self.world.open()
        world = self.world
        self.board = Calendars(database, world.clock, world.catalogue)
        self.caldav = Caldav(database, world.clock, world.catalogue, self.board, world.booking, world.lifecycle)
        logins = DavLogins(database, world.clock, world.catalogue)
        row, password = logins.create(self.ids.provider, "Phone", Scope.WRITE)
        self._sign_in = partial(logins.check, row.uid, str(password), "test")

    @property
    def login(self) -> Login:
        """Devices sign in with every request."""
        return self._sign_in()

    def sync(self, after: int = 0) -> tuple[list[str], int]:
        """Names of what changed after a count, and the count now."""
        login = self.login
        state = self.caldav.state(login)
        rows = self.caldav.changes(login, after, None, body=False)
        return [row.href for row in rows], max([state["seq"], *[row.seq for row in rows]])

    def sent(self, uid: str, start: datetime, text: str = "BEGIN:VCALENDAR") -> Sent:
        return Sent(text, uid, start, start + HALF, blocked=((start, start + HALF),), reach=(start, start + HALF))


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def kinds(done: list[Any]) -> list[str]:
    return sorted(type(one).__name__ for one in done)


def test_every_booking_is_told_of_exactly_once(clinic: Clinic) -> None:
    """Devices sync while bookings go on; in the end each has heard of each, and never twice."""
    names, token = clinic.sync()
    heard, booked = list(names), []
    for day in range(6):
        starts = [NINE + timedelta(days=day, hours=hour) for hour in range(4)]
        works: list[Any] = [partial(clinic.world.book, clinic.ids, start) for start in starts]
        done = together([*works, partial(clinic.sync, token), clinic.sync])
        booked += [f"{uid}.ics" for uid in done[:4]]
        part, token = done[4]
        heard += part
    part, _ = clinic.sync(token)
    heard += part
    assert sorted(heard) == sorted(booked)


def test_many_read_at_once_what_nobody_has_read_yet(clinic: Clinic) -> None:
    booked = [f"{clinic.world.book(clinic.ids, NINE + timedelta(hours=hour))}.ics" for hour in range(8)]
    found = together([clinic.sync] * 6)
    assert not [one for one in found if isinstance(one, Exception)]
    assert sorted(clinic.sync()[0]) == sorted(booked)
    assert clinic.sync()[1] == len(booked)


def test_one_slot_is_given_to_one_of_many(clinic: Clinic) -> None:
    """Twelve visits are moved to one time at once: one gets it, the others are refused and stay where they were."""
    moved = [clinic.world.book(clinic.ids, NINE + HALF * number) for number in range(12)]
    clinic.sync()
    goal = NINE + timedelta(days=1)
    done = together([
        partial(clinic.caldav.put, clinic.login, f"{uid}.ics", clinic.sent(uid, goal), ANY) for uid in moved
    ])  # fmt: skip
    assert kinds(done) == ["SlotTaken"] * 11 + ["Stored"]
    starts = [clinic.world.visit(uid).start_at for uid in moved]
    assert starts.count(goal) == 1
    assert sum(start < goal for start in starts) == 11


def test_one_address_is_given_to_one_of_many(clinic: Clinic) -> None:
    new = Conditions(must_be_new=True)
    done = together([
        partial(clinic.caldav.put, clinic.login, "own.ics", clinic.sent(f"own-{number}", NINE + HALF * number), new)
        for number in range(8)
    ])  # fmt: skip
    assert kinds(done) == ["Stored"] + ["Unmatched"] * 7
    assert len(clinic.sync()[0]) == 1


def test_one_event_is_kept_at_one_address(clinic: Clinic) -> None:
    done = together([
        partial(clinic.caldav.put, clinic.login, f"own-{number}.ics", clinic.sent("own", NINE), ANY) for number in range(8)
    ])  # fmt: skip
    assert kinds(done) == ["Stored"] + ["UidTaken"] * 7
    assert isinstance(next(one for one in done if isinstance(one, UidTaken)).href, str)


def test_a_visit_and_an_own_event_want_the_same_time(clinic: Clinic) -> None:
    for day in range(4):
        start = NINE + timedelta(days=day)
        own = partial(clinic.caldav.put, clinic.login, f"own-{day}.ics", clinic.sent(f"own-{day}", start), ANY)
        done = together([own, partial(clinic.world.book, clinic.ids, start)])
        assert [isinstance(one, SlotTaken) for one in done].count(True) == 1, done


def test_a_refusal_leaves_no_trace(clinic: Clinic) -> None:
    clinic.world.book(clinic.ids, NINE)
    _, before = clinic.sync()
    with pytest.raises(SlotTaken):
        clinic.caldav.put(clinic.login, "own.ics", clinic.sent("own", NINE), ANY)
    with pytest.raises(Unmatched):
        clinic.caldav.put(clinic.login, "own.ics", clinic.sent("own", NINE + HALF), Conditions(must_exist=True))
    assert clinic.sync(before) == ([], before)


def test_reading_what_has_not_changed_writes_nothing(clinic: Clinic) -> None:
    clinic.world.book(clinic.ids, NINE)
    _, token = clinic.sync()
    before = clinic.world.database.statements
    assert clinic.sync(token) == ([], token)
    assert clinic.world.database.statements - before <= 3


def test_one_change_costs_the_same_among_few_and_many(clinic: Clinic) -> None:
    """Counted in statements, which do not depend on how fast a machine is."""
    costs = []
    for many in (1, 40):
        visits = [clinic.world.book(clinic.ids, NINE + timedelta(days=many) + HALF * number) for number in range(many)]
        _, token = clinic.sync()
        clinic.world.change(visits[0], Change.CONFIRM)
        before = clinic.world.database.statements
        assert clinic.sync(token)[0] == [f"{visits[0]}.ics"]
        costs.append(clinic.world.database.statements - before)
    assert costs[0] == costs[1]


def test_old_visits_get_into_no_calendar(clinic: Clinic) -> None:
    clinic.world.book(clinic.ids, NINE)
    clinic.world.clock.advance(calendars.REACH + timedelta(days=3))
    assert clinic.sync()[0] == []


def test_stored_says_whether_what_was_sent_is_there(clinic: Clinic) -> None:
    stored = clinic.caldav.put(clinic.login, "own.ics", clinic.sent("own", NINE), ANY)
    (row,) = clinic.caldav.by_href(clinic.login, ["own.ics"])
    assert stored == Stored(is_new=True, etag=row.etag)
    assert row.body == "BEGIN:VCALENDAR"
