"""Calls, at the use case itself: whose call it is, and what each key does in each state of the visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from reminders.domain.appointment import Change
from reminders.errors import NotFound
from reminders.services.calls import Calls
from reminders.store.engine import Database
from reminders.store.tables import InboxItem, OptOut
from tests.factories import MONDAY, World, step, texts

PHONE = "+34600000010"
START = MONDAY + timedelta(days=2, hours=1)
ACTION = "/hooks/twilio/voice/token"


class Line:
    """A patient on the phone, being reminded of a visit."""

    def __init__(self, database: Database) -> None:
        self.world = World(database)
        ids = self.world.open(steps=[step("-P1D", "voice"), step("-PT2H", "voice")], patient={"phone": PHONE})
        self.visit = self.world.book(ids, START)
        self.world.tick(START - timedelta(days=1))
        (self.call,) = self.world.messenger.sent
        self.calls = Calls(database, self.world.clock, self.world.catalogue, self.world.lifecycle, texts())

    def hears(self) -> str:
        return self.calls.script(self.call.token, self.call.sid, ACTION)

    def presses(self, key: str, **changes: Any) -> str:
        return self.calls.pressed(changes.get("token", self.call.token), changes.get("sid", self.call.sid), key, ACTION)

    @property
    def state(self) -> tuple[str, str]:
        row = self.world.visit(self.visit)
        return row.status, row.confirmation


@pytest.fixture
def line(database: Database) -> Line:
    return Line(database)


def test_the_question(line: Line) -> None:
    words = line.hears()
    assert f'action="{ACTION}"' in words
    assert "Ana Ruiz" in words
    assert 'numDigits="1"' in words


@pytest.mark.parametrize(
    ("key", "state", "asks"),
    [("1", ("booked", "confirmed"), False), ("2", ("cancelled", "declined"), False), ("3", ("booked", "unconfirmed"), False),
     ("9", ("booked", "unconfirmed"), False), ("*", ("booked", "unconfirmed"), True), ("0", ("booked", "unconfirmed"), True),
     ("11", ("booked", "unconfirmed"), True)],
)  # fmt: skip
def test_keys(line: Line, key: str, state: tuple[str, str], asks: bool) -> None:
    assert ("<Gather" in line.presses(key)) is asks
    assert line.state == state


@pytest.mark.parametrize("change", [Change.CANCEL, Change.ARRIVE, Change.FULFIL, Change.NOSHOW])
@pytest.mark.parametrize("key", ["1", "2", "3", "*", "0"])
def test_no_key_changes_a_visit_that_is_over(line: Line, change: Change, key: str) -> None:
    line.world.change(line.visit, change)
    before = line.state
    assert "<Gather" not in line.presses(key)
    assert "<Gather" not in line.hears()
    assert line.state == before
    assert line.world.count(InboxItem) == 0


def test_no_key_changes_a_visit_that_has_begun(line: Line) -> None:
    line.world.clock.set(START)
    assert "<Gather" not in line.presses("2")
    assert line.state == ("booked", "unconfirmed")


def test_a_repeated_key_is_heard_once(line: Line) -> None:
    for _ in range(3):
        line.presses("3")
        line.presses("1")
        line.presses("9")
    assert line.world.visit(line.visit).version == 2
    assert line.world.count(InboxItem) == 1
    assert line.world.count(OptOut) == 1


def test_9_takes_back_the_calls_that_are_planned(line: Line) -> None:
    line.presses("9")
    assert line.world.states(line.visit)[1] == ("suppressed", "opted_out")
    (stop,) = line.world.rows(select(OptOut.__table__))
    assert (stop.phone, stop.channel, stop.evidence) == (PHONE, "voice", "voice: key 9")


@pytest.mark.parametrize("changes", [{"token": "unknown"}, {"sid": "CA-another"}, {"sid": ""}])
def test_a_call_that_is_not_ours(line: Line, changes: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        line.presses("2", **changes)
    assert line.state == ("booked", "unconfirmed")


def test_the_provider_asks_before_it_has_answered_us(line: Line) -> None:
    """The call rings while our request is still under way: its SID is not known yet."""
    with line.world.database.write() as tx:
        tx.exec_driver_sql("UPDATE message SET provider_sid = NULL")
    assert "<Gather" in line.calls.script(line.call.token, "CA-whatever", ACTION)
