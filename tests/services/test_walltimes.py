"""Visits keep the time of day that patients were told when the rules of their time zone change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from reminders.domain.appointment import Change
from reminders.gateways.zonerules import SystemZones
from reminders.services.walltimes import EVERY, WallTimes
from reminders.store import holds, walltimes
from reminders.store.engine import Database
from reminders.store.tables import Appointment, AppointmentHistory, HoldKind, InboxItem, ZoneCheck
from tests.factories import MONDAY, TWO_NUDGES, Ids, World, together, uid

NINE = MONDAY + timedelta(days=2, hours=1)  # 9:00 in Madrid, which is at +02:00
HOUR = timedelta(hours=1)


@dataclass
class Decreed:
    """Rules as a government makes them: another release, another offset."""

    version: str = "2030a"
    hours: float | None = None

    def zone(self, name: str) -> tzinfo:
        if name == "Nowhere":
            raise LookupError(name)
        return ZoneInfo(name) if self.hours is None else timezone(timedelta(hours=self.hours))

    def change(self, hours: float, version: str = "2030b") -> None:
        self.hours, self.version = hours, version


class Town:
    """A clinic, and rules that change."""

    def __init__(self, database: Database) -> None:
        self.world, self.rules = World(database), Decreed()
        self.check = self.checker()
        self.ids: Ids = self.world.open(steps=TWO_NUDGES, notices=["moved", "cancelled"])

    def checker(self) -> WallTimes:
        world = self.world
        return WallTimes(world.database, world.clock, world.catalogue, world.lifecycle, self.rules)

    def book(self, start: datetime = NINE) -> str:
        patient = self.world.add_patient()
        return self.world.book(self.ids, start, patient=patient)

    def starts(self, visits: Sequence[str]) -> list[datetime]:
        return [self.world.visit(one).start_at for one in visits]

    def last(self) -> Any:
        return self.world.rows(select(ZoneCheck.__table__).order_by(ZoneCheck.id))[-1]


@pytest.fixture
def town(database: Database) -> Town:
    return Town(database)


def test_the_promise_is_written_down_with_the_visit(town: Town) -> None:
    visit = town.world.visit(town.book())
    assert (visit.time_zone, visit.local_start) == ("Europe/Madrid", "2030-05-08T09:00:00+02:00")
    town.world.move(visit.uid, NINE + HOUR)
    assert town.world.visit(visit.uid).local_start == "2030-05-08T10:00:00+02:00"


def test_as_long_as_rules_stay_nothing_moves(town: Town) -> None:
    visit = town.book()
    assert town.check.run() == 0
    assert (town.last().version, town.last().checked, town.last().moved) == ("2030a", 1, 0)
    assert town.last().ended_at is not None
    assert town.world.visit(visit).version == 1


@pytest.mark.parametrize(("hours", "shift"), [(3, -1), (1, 1), (2.5, -0.5)])
def test_a_whole_day_moves_without_getting_in_its_own_way(town: Town, hours: float, shift: float) -> None:
    before = [NINE + timedelta(minutes=30) * number for number in range(8)]
    visits = [town.book(start) for start in before]
    town.check.run()
    town.rules.change(hours)
    assert town.check.run() == 8
    assert town.starts(visits) == [start + timedelta(hours=shift) for start in before]
    rows = sorted((town.world.visit(one) for one in visits), key=lambda row: row.start_at)
    assert all(row.occupies and row.end_at - row.start_at == timedelta(minutes=30) for row in rows)
    assert all(first.busy_end <= second.busy_start for first, second in pairwise(rows))
    assert {row.local_start for row in rows} == {
        f"2030-05-08T{9 + n // 2:02}:{n % 2 * 30:02}:00+02:00" for n in range(8)
    }
    assert (town.last().moved, town.last().overlapping, town.last().version) == (8, 0, "2030b")
    assert town.check.run() == 0, "once is enough"


def test_reminders_follow_and_nobody_is_told(town: Town) -> None:
    visit = town.book()
    due = [row.due_at for row in town.world.reminders(visit)]
    town.rules.change(3)
    town.check.run()
    rows = town.world.reminders(visit)
    assert [row.due_at for row in rows] == [moment - HOUR for moment in due]
    assert {row.kind for row in rows} == {"reminder"}
    assert {row.state for row in rows} == {"planned"}


def test_what_was_sent_is_not_sent_again(town: Town) -> None:
    visit = town.book()
    town.world.tick(NINE - timedelta(hours=23))
    town.rules.change(1)
    town.check.run()
    assert town.starts([visit]) == [NINE + HOUR]
    assert [row.state for row in town.world.reminders(visit)] == ["sent", "planned"]
    town.world.tick(NINE)
    assert len(town.world.messenger.sent) == 2


def test_the_history_and_the_calendars_know(town: Town) -> None:
    visit = town.book()
    town.world.change(visit, Change.CONFIRM)
    town.rules.change(3)
    town.check.run()
    row = town.world.visit(visit)
    assert (row.version, row.published, row.confirmation) == (3, False, "confirmed")
    history = town.world.rows(select(AppointmentHistory.__table__).order_by(AppointmentHistory.id))[-1]
    assert (history.change, history.actor) == ("zone-rules", "system")
    assert history.facts == {
        "from": NINE.isoformat(), "to": (NINE - HOUR).isoformat(), "time_zone": "Europe/Madrid", "release": "2030b",
    }  # fmt: skip
    assert [one.facts["change"] for one in town.world.outbox("appointment.changed")][-1] == "zone-rules"


def test_what_is_over_or_off_stays(town: Town) -> None:
    past, off, ahead = town.book(NINE), town.book(NINE + HOUR), town.book(NINE + timedelta(days=1))
    town.world.change(off, Change.CANCEL)
    town.world.clock.set(NINE + timedelta(minutes=30))
    town.rules.change(3)
    assert town.check.run() == 1
    assert town.starts([past, off, ahead]) == [NINE, NINE + HOUR, NINE + timedelta(days=1) - HOUR]


def test_a_visit_from_before_such_promises_is_given_one(town: Town) -> None:
    visit = town.book()
    with town.world.database.write() as tx:
        tx.execute(update(Appointment).values(time_zone=None, local_start=None))
    assert town.check.run() == 0
    town.rules.change(3)
    assert town.check.run() == 1
    assert town.starts([visit]) == [NINE - HOUR]


def test_a_zone_that_is_gone_changes_nothing(town: Town) -> None:
    visit = town.book()
    with town.world.database.write() as tx:
        tx.execute(update(Appointment).values(time_zone="Nowhere"))
    town.rules.change(3)
    assert town.check.run() == 0
    assert town.starts([visit]) == [NINE]


def test_time_that_is_taken_is_for_the_desk(town: Town) -> None:
    visit = town.book()
    row = town.world.visit(visit)
    with town.world.database.write() as tx:
        holds.add(tx, [{
            "uid": uid("hld"), "provider_id": row.provider_id, "kind": HoldKind.CALENDAR, "source": "lunch",
            "start_at": NINE - HOUR, "end_at": NINE, "created_at": MONDAY,
        }])  # fmt: skip
    town.rules.change(3)
    assert town.check.run() == 1
    assert town.starts([visit]) == [NINE - HOUR], "that is when the patient comes"
    (item,) = town.world.rows(select(InboxItem.__table__))
    assert (item.reason, item.appointment_id, town.last().overlapping) == ("zone_overlap", row.id, 1)


def test_each_night_and_each_release_is_a_reason_to_look(town: Town) -> None:
    town.book()
    for expected in (1, 1, 2, 3):
        if expected == 2:
            town.world.clock.advance(EVERY)
        if expected == 3:
            town.rules.version = "2030b"
        town.check.run()
        assert town.world.count(ZoneCheck) == expected


@pytest.mark.parametrize("page_size", [1, 2, 4, 5])
def test_a_full_diary_is_read_page_by_page(town: Town, page_size: int) -> None:
    visits = [town.book(NINE + HOUR * number) for number in range(4)]
    provider = town.world.visit(visits[0]).provider_id
    with town.world.database.read() as tx:
        found = list(walltimes.ahead(tx, provider, town.world.clock.now(), page_size))
    assert [row.uid for row in found] == visits


def test_a_process_asks_now_and_then(town: Town) -> None:
    town.book()
    town.check.tick()
    town.rules.change(3)
    assert town.check.tick() == 0
    town.world.clock.advance(timedelta(minutes=11))
    assert town.check.tick() == 1
    assert town.checker().tick() == 0, "another process finds it done"


def test_what_a_dead_process_began_is_finished(town: Town) -> None:
    place = town.world.add_location()
    doctors = [town.world.add_provider(place) for _ in range(3)]
    service = town.world.add_service(doctors, None)
    ids = [Ids(place, doctor, service, None, town.world.add_patient()) for doctor in doctors]
    visits = [town.world.book(one, NINE) for one in ids]
    town.rules.change(3)
    with town.world.database.write() as tx:
        town.check._begin(tx)
    with town.world.database.write() as tx:
        assert town.check._step(tx) == 1  # and then it dies
    assert sorted(town.starts(visits)) == [NINE - HOUR, NINE, NINE]
    assert town.checker().run() == 2
    assert town.starts(visits) == [NINE - HOUR] * 3
    assert (town.last().checked, town.last().moved) == (3, 3)


def test_two_workers_do_it_once(town: Town) -> None:
    visit = town.book()
    town.rules.change(3)
    assert sum(together([town.checker().run, town.checker().run])) == 1
    assert town.starts([visit]) == [NINE - HOUR]


def test_two_workers_begin_one_check(town: Town) -> None:
    town.book()
    together([lambda: town.world.database.run(town.checker()._begin) for _ in range(6)])
    assert town.world.count(ZoneCheck) == 1


def test_the_release_in_use_is_known(tmp_path: Path) -> None:
    (tmp_path / "tzdata.zi").write_text("# version 2031c\n# ddeps\n")
    assert SystemZones((str(tmp_path / "none"), str(tmp_path))).version == "2031c"
    assert SystemZones(()).version[:2] == "20", "without any the package is used"
    (tmp_path / "tzdata.zi").unlink()
    (tmp_path / "UTC").write_bytes(b"")
    assert SystemZones((str(tmp_path),)).version == ""
    assert SystemZones().zone("Europe/Madrid").utcoffset(
        datetime(2030, 5, 8, tzinfo=UTC).replace(tzinfo=None)
    ) == timedelta(hours=2)
    for name in ("Nowhere", "../x", ""):
        with pytest.raises(LookupError):
            SystemZones().zone(name)
