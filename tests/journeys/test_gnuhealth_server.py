"""A real GNU Health, connected: patients and visits both ways, outcomes, cancellations, many visits, a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.services.sync.parts import Tally
from tests.gnuhealth_peer import Hospital, Server, serving
from tests.house import Local, book, clinic, local

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"
NOON_UTC, HALF_PAST_NOON_UTC = "2030-05-07T10:00:00+00:00", "2030-05-07T10:30:00+00:00"
#: So many visits go through the power cut; a thousand take a minute or two, most of it in the server.
MANY = int(os.environ.get("REMINDERS_TEST_MANY", "120"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("gnuhealth")) as running:
        yield running


@dataclass
class Practice:
    """A clinic here, and its hospital there."""

    house: Local
    ids: dict[str, Any]
    there: Hospital
    connection: str

    def call(self, action: str) -> Any:
        return self.house.post(f"crm-connections/{self.connection}/{action}", role="admin")

    def settle(self) -> int:
        """At most six passes, then nothing more happens; how many were needed."""
        for number in range(7):
            self.house.tick(seconds=1)
            self.house.clock.advance(timedelta(minutes=3))
            done = self.call("sync")
            assert done["error"] is None, done
            if not (done["pulled"] or done["pushed"] or done["removed"]):
                return number
        raise AssertionError(done)

    def pause(self, *, paused: bool) -> None:
        self.house.patch(f"crm-connections/{self.connection}", {"paused": paused}, role="admin")

    def visits(self) -> list[Any]:
        """All visits here."""
        found: list[Any] = []
        page = self.house.get("appointments", limit=200)
        while True:
            found += page["items"]
            if not page.get("next_cursor"):
                return found
            page = self.house.get("appointments", limit=200, cursor=page["next_cursor"])


@contextmanager
def practice(server: Server, name: str, database_url: str) -> Iterator[Practice]:
    with local(database_url, private_networks="127.0.0.0/8") as house:
        ids = clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        there = server.hospital(name)
        made = house.post("crm-connections", {
            "kind": "gnuhealth", "settings": there.settings, "providers": {ids["provider"]: str(there.staff)},
            "default_service": ids["service"],
        }, role="admin")  # fmt: skip
        yield Practice(house, ids, there, made["id"])


def begin(here: Practice) -> None:
    here.call("preview")
    here.pause(paused=False)


def test_patients_and_visits_both_ways(server: Server, sqlite_database_url: str) -> None:
    with practice(server, "both", sqlite_database_url) as here:
        ours = book(here.house, here.ids, TEN)
        luis = here.there.patient("Luis", "Gil", "600 000 011")
        (theirs,) = here.there.appointments((luis, NOON_UTC, HALF_PAST_NOON_UTC))
        said = here.house.post(f"crm-connections/{here.connection}/test")
        assert said["ok"] is True, said
        assert f"1 patients, 1 appointments; health professionals: {here.there.staff}" in said["detail"]
        begin(here)
        here.settle()

        shown = here.there.visit(ours["id"])
        assert (shown["state"], shown["healthprof"]) == ("confirmed", here.there.staff)
        assert shown["appointment_date"].startswith("2030-05-07T08:00:00")
        assert shown["appointment_date_end"].startswith("2030-05-07T08:30:00")
        (ana,) = here.there.rows(
            "gnuhealth.patient", [["id", "=", shown["patient"]]], "party.name", "party.lastname", "party.mobile"
        )
        assert ana["party."] | {"id": 0} == {"id": 0, "name": "Ana", "lastname": "Ruiz", "mobile": "+34600000010"}
        (card,) = here.house.get("patients", q="Luis")["items"]
        assert (card["name"], card["phone"]) == ("Luis Gil", "+34600000011")
        (visit,) = here.house.get("appointments", patient_id=card["id"])["items"]
        assert (visit["start"], visit["status"]) == ("2030-05-07T12:00:00+02:00", "booked")

        # what is confirmed and moved here shows there; a cancellation there cancels here, and the patient is told
        here.house.post(f"appointments/{ours['id']}/confirm", {})
        here.house.post(f"appointments/{ours['id']}/reschedule", {"start": ELEVEN})
        here.there.change(theirs, state="user_cancelled")
        here.settle()
        moved = here.there.visit(ours["id"])
        assert moved["appointment_date"].startswith("2030-05-07T09:00:00")
        assert moved["name"] == shown["name"]
        assert here.house.get(f"appointments/{visit['id']}")["status"] == "cancelled"
        assert "cancelled" in [row["kind"] for row in here.house.reminders(visit)]
        assert here.house.get("sync-conflicts", attention=True)["items"] == []

        # nobody came: recorded here, it appears there
        here.house.tick(days=1, hours=6)
        here.house.post(f"appointments/{ours['id']}/no-show", {})
        here.settle()
        assert here.there.visit(ours["id"])["state"] == "no_show"
        assert here.settle() == 0


def test_our_rules_decide_about_moves_there(server: Server, sqlite_database_url: str) -> None:
    with practice(server, "rules", sqlite_database_url) as here:
        begin(here)
        ours = book(here.house, here.ids, TEN)
        luis = here.house.post("patients", {"name": "Luis Gil", "phone": "600 000 011"})
        book(here.house, {**here.ids, "patient": luis["id"]}, ELEVEN)
        here.settle()
        number = here.there.visit(ours["id"])["id"]
        here.there.change(
            number, appointment_date="2030-05-07T09:00:00+00:00", appointment_date_end="2030-05-07T09:30:00+00:00"
        )
        here.settle()
        assert here.house.get(f"appointments/{ours['id']}")["start"] == TEN
        assert here.there.visit(ours["id"])["appointment_date"].startswith("2030-05-07T08:00:00")
        (found, *_) = here.house.get("sync-conflicts", attention=True)["items"]
        assert (found["field"], found["note"]) in (("start", "slot_taken"), ("end", "slot_taken"))
        here.there.admin.write("gnuhealth.appointment.delete", [number])
        here.settle()
        here.settle()  # what was deleted rests for a while before that counts
        assert [one["field"] for one in here.house.get("sync-conflicts", attention=True)["items"]].count("*") == 1
        assert here.house.get(f"appointments/{ours['id']}")["status"] == "booked"


def test_many_visits_through_a_power_cut(server: Server, sqlite_database_url: str) -> None:
    """The server dies while they are taken in, and again while ours are written there; in the end every one is on both
    sides once, and one more change costs one."""
    with practice(server, "many", sqlite_database_url) as here:
        patients = [here.there.patient("Number", f"Patient{number}") for number in range(10)]
        first = datetime.fromisoformat("2030-05-08T00:00:00+00:00")
        starts = [first + timedelta(minutes=30 * number) for number in range(MANY)]
        made: list[int] = []
        for place in range(0, MANY, 100):
            made += here.there.appointments(*(
                (patients[number % 10], starts[number].isoformat(), (starts[number] + timedelta(minutes=30)).isoformat())
                for number in range(place, min(MANY, place + 100))
            ))  # fmt: skip
        begin(here)
        assert _cut_off(here, lambda tally: tally.pulled >= MANY // 2) == "no_answer"
        server.start()
        here.settle()
        linked = here.visits()
        assert len(linked) == len({visit["start"] for visit in linked}) == MANY

        times = [
            f"2030-06-0{day}T{hour:02}:{half}:00+02:00"
            for day in (3, 4, 5, 6)
            for hour in range(9, 17)
            for half in ("00", "30")
        ]
        ours = [book(here.house, here.ids, time) for time in times]
        here.pause(paused=True)
        for _ in range(4 + MANY // 50):  # what is new is noted, a part of it at a time, and not yet sent
            here.house.tick(seconds=1)
        here.pause(paused=False)
        assert _cut_off(here, lambda tally: tally.pushed >= 1) == "no_answer"
        server.start()
        here.settle()
        rows = here.there.rows("gnuhealth.appointment", [["comments", "like", "%[reminders %"]], "comments")
        assert len(rows) == len({row["comments"].split()[1] for row in rows}) == len(ours)

        here.there.change(made[MANY // 2], state="center_cancelled")
        before = here.there.rows("gnuhealth.appointment", [["state", "=", "confirmed"]], "id")
        here.settle()
        assert len(before) == MANY + len(ours) - 1
        assert [visit["start"] for visit in here.visits() if visit["status"] == "cancelled"] == [
            _local(starts[MANY // 2])
        ]


def _local(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo("Europe/Madrid")).isoformat()


def _cut_off(here: Practice, when: Any) -> str | None:
    """A pass during which the server is killed; how the pass ended."""
    here.house.clock.advance(timedelta(minutes=3))

    def watch(tally: Tally) -> None:
        if when(tally):
            here.there.server.stop()

    return here.house.service.syncing.now(here.connection, watch=watch).error
