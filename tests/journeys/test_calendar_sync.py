"""A provider's own calendar on a real server: bookings appear there, what is changed there comes back under our rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.caldav_peers import PASSWORD, USER, CalDavServer, serving
from tests.gateways.test_caldav import ics
from tests.house import MONDAY, Local, book, booking, clinic, local

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"
NOON = "2030-05-07T12:00:00+02:00"


@pytest.fixture(scope="module", params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with serving(request.param, folder) as running:
        yield running


class Diary:
    """A clinic whose one provider keeps a calendar on a server."""

    def __init__(self, house: Local, server: CalDavServer, **more: Any) -> None:
        self.house, self.server = house, server
        self.ids = clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        self.connection = self.connect(**more)["id"]

    def connect(self, **more: Any) -> Any:
        body = {
            "kind": "caldav", "provider_id": self.ids["provider"], "url": self.server.calendar, "username": USER,
            "password": PASSWORD, "label": "Dr Vega's phone",
        }  # fmt: skip
        return self.house.post("calendar-connections", body | more, role="admin")

    def sync(self, **body: Any) -> Any:
        """What a pass says it did."""
        return self.house.post(f"calendar-connections/{self.connection}/sync", body)

    def settled(self) -> Any:
        """Pass after pass until nothing happens any more."""
        for _ in range(6):
            done = self.sync()
            assert done["error"] is None, done
            if not (done["pulled"] or done["pushed"] or done["removed"]):
                return done
        raise AssertionError(done)

    def book(self, start: str = TEN) -> Any:
        visit = book(self.house, self.ids, start)
        self.house.tick(seconds=1)
        self.settled()
        return visit

    def visit(self, visit: Any) -> Any:
        return self.house.get(f"appointments/{visit['id']}")

    def file(self, visit: Any) -> str:
        """The event as the server has it."""
        return self.server.get(f"{visit['id']}.ics").replace("\r\n ", "")

    def edit(self, visit: Any, before: str, after: str) -> None:
        """Somebody changes the event in a calendar program."""
        text = self.file(visit)
        assert before in text
        self.server.put(f"{visit['id']}.ics", text.replace(before, after))

    def conflicts(self, **query: Any) -> list[Any]:
        items: list[Any] = self.house.get("sync-conflicts", **query)["items"]
        return items

    def state(self) -> tuple[str, str | None]:
        found = self.house.get(f"calendar-connections/{self.connection}")
        return found["state"], found["state_reason"]

    def busy(self, start: str) -> bool:
        """True when this time cannot be booked."""
        day = start[:10]
        slots = self.house.get("slots", service_id=self.ids["service"], first=f"{day}T00:00:00+02:00",
                               last=f"{day}T23:59:00+02:00")["items"]  # fmt: skip
        return start not in [slot["start"] for slot in slots]


@pytest.fixture
def house(sqlite_database_url: str) -> Iterator[Local]:
    with local(sqlite_database_url, private_networks="127.0.0.0/8") as house:
        yield house


@pytest.fixture
def diary(house: Local, server: CalDavServer) -> Diary:
    for name in server.names():
        server.delete(name)
    return Diary(house, server)


def test_a_booking_appears_and_moves_along(diary: Diary) -> None:
    visit = diary.book()
    text = diary.file(visit)
    assert "DTSTART;TZID=Europe/Madrid:20300507T100000" in text
    assert "DTEND;TZID=Europe/Madrid:20300507T103000" in text
    assert "SUMMARY:Ana Ruiz\\, Check-up" in text
    diary.house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    diary.house.tick(seconds=1)
    diary.settled()
    assert "DTSTART;TZID=Europe/Madrid:20300507T110000" in diary.file(visit)
    assert "SEQUENCE:1" in diary.file(visit)
    diary.house.post(f"appointments/{visit['id']}/cancel", {})
    diary.house.tick(seconds=1)
    diary.settled()
    assert "STATUS:CANCELLED" in diary.file(visit)
    assert "TRANSP:TRANSPARENT" in diary.file(visit)


def test_the_worker_does_it_by_itself(diary: Diary) -> None:
    visit = book(diary.house, diary.ids, TEN)
    diary.house.tick(minutes=5)
    assert f"{visit['id']}.ics" in diary.server.names()


def test_a_move_made_in_the_calendar_is_a_move(diary: Diary) -> None:
    visit = diary.book()
    diary.edit(visit, "T100000", "T110000")
    diary.edit(visit, "T103000", "T113000")
    diary.settled()
    assert diary.visit(visit)["start"] == ELEVEN
    assert diary.conflicts() == []
    notices = [one for one in diary.house.reminders(visit) if one["kind"] == "moved"]
    assert len(notices) == 1
    history = diary.house.get(f"appointments/{visit['id']}/history")["items"]
    assert history[-1]["channel"] == "sync"


def test_a_move_onto_another_visit_is_refused_and_put_back(diary: Diary) -> None:
    first, second = diary.book(TEN), diary.book(ELEVEN)
    diary.edit(first, "T100000", "T110000")
    diary.edit(first, "T103000", "T113000")
    diary.settled()
    assert diary.visit(first)["start"] == TEN
    assert diary.visit(second)["start"] == ELEVEN
    assert "T100000" in diary.file(first)
    found = {item["field"]: item for item in diary.conflicts(attention=True)}
    assert found["start"]["cause"] == "refused_here"
    assert found["start"]["note"] == "slot_taken"
    assert found["start"]["about"] == first["id"]


def asked_first(diary: Diary) -> Any:
    """A visit moved in the calendar of a provider whose desk wants to be asked."""
    diary.house.patch(f"locations/{diary.ids['location']}", {"on_remote_move": "ask"}, role="admin")
    visit = diary.book()
    diary.edit(visit, "T100000", "T110000")
    diary.edit(visit, "T103000", "T113000")
    diary.settled()
    return visit


def test_a_location_may_want_to_be_asked_first(diary: Diary) -> None:
    visit = asked_first(diary)
    assert (diary.visit(visit)["start"], diary.visit(visit)["paused"]) == (TEN, True)
    assert "T100000" in diary.file(visit), "the event goes back while the desk thinks"
    (item,) = diary.house.get("inbox")["items"]
    assert (item["reason"], item["proposed_start"]) == ("moved_in_calendar", "2030-05-07T09:00:00+00:00")
    assert [one for one in diary.house.reminders(visit) if one["kind"] == "moved"] == []


@pytest.mark.parametrize(("choice", "start", "told"), [("theirs", ELEVEN, 1), ("ours", TEN, 0)])
def test_the_desk_decides_about_a_move(diary: Diary, choice: str, start: str, told: int) -> None:
    visit = asked_first(diary)
    found = {item["field"]: item for item in diary.conflicts(attention=True)}
    assert {item["note"] for item in found.values()} == {"desk_decides"}
    diary.house.post(f"sync-conflicts/{found['start']['id']}/resolve", {"choice": choice})
    diary.settled()
    assert (diary.visit(visit)["start"], diary.visit(visit)["paused"]) == (start, False)
    assert f"T{start[11:13]}0000" in diary.file(visit)
    assert diary.conflicts(attention=True) == []
    assert diary.house.get("inbox")["items"] == []
    assert len([one for one in diary.house.reminders(visit) if one["kind"] == "moved"]) == told


def test_start_and_end_of_a_move_on_both_sides_are_decided_together(diary: Diary) -> None:
    visit = diary.book()
    diary.edit(visit, "T100000", "T110000")
    diary.edit(visit, "T103000", "T113000")
    diary.house.post(f"appointments/{visit['id']}/reschedule", {"start": NOON})
    diary.settled()
    assert (diary.visit(visit)["start"], diary.visit(visit)["paused"]) == (NOON, True)
    found = {item["field"]: item for item in diary.conflicts(attention=True)}
    assert {(name, item["cause"]) for name, item in found.items()} == {
        ("start", "both_changed"),
        ("end", "both_changed"),
    }
    diary.house.post(f"sync-conflicts/{found['end']['id']}/resolve", {"choice": "theirs"})
    diary.settled()
    assert (diary.visit(visit)["start"], diary.visit(visit)["paused"]) == (ELEVEN, False)
    assert {item["live"] for item in diary.conflicts()} == {"theirs"}
    assert diary.conflicts(attention=True) == []
    diary.house.post(f"sync-conflicts/{found['start']['id']}/resolve", {"choice": "ours"})
    assert diary.visit(visit)["start"] == NOON
    assert {item["live"] for item in diary.conflicts()} == {"ours"}


def test_what_is_written_into_the_title_stays(diary: Diary) -> None:
    visit = diary.book()
    diary.edit(visit, "SUMMARY:Ana Ruiz\\, Check-up", "SUMMARY:Ana - bring X-rays")
    diary.settled()
    diary.house.post(f"appointments/{visit['id']}/reschedule", {"start": ELEVEN})
    diary.house.tick(seconds=1)
    diary.settled()
    assert "SUMMARY:Ana - bring X-rays" in diary.file(visit)
    assert "T110000" in diary.file(visit)


def test_a_deletion_is_asked_about_and_holds_the_reminders(diary: Diary) -> None:
    visit = diary.book()
    diary.server.delete(f"{visit['id']}.ics")
    diary.sync()
    assert diary.conflicts() == []  # many programs move by deleting and creating
    diary.house.clock.advance(timedelta(minutes=3))
    diary.settled()
    assert diary.visit(visit)["status"] == "booked"
    assert diary.visit(visit)["paused"]
    (found,) = diary.conflicts(attention=True)
    assert (found["cause"], found["field"], found["live"]) == ("deleted_there", "*", "undecided")
    assert [item["reason"] for item in diary.house.get("inbox")["items"]] == ["sync_conflict"]
    diary.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "ours"})
    diary.settled()
    assert not diary.visit(visit)["paused"]
    assert f"{visit['id']}.ics" in diary.server.names()
    assert diary.house.get("inbox")["items"] == []


def test_a_deletion_may_be_taken_as_a_cancellation(diary: Diary) -> None:
    visit = diary.book()
    diary.server.delete(f"{visit['id']}.ics")
    diary.sync()
    diary.house.clock.advance(timedelta(minutes=3))
    diary.settled()
    (found,) = diary.conflicts(attention=True)
    diary.house.post(f"sync-conflicts/{found['id']}/resolve", {"choice": "theirs"})
    diary.settled()
    assert diary.visit(visit)["status"] == "cancelled"
    assert f"{visit['id']}.ics" not in diary.server.names()


def test_a_policy_may_cancel_at_once(house: Local, server: CalDavServer) -> None:
    diary = Diary(house, server, on_remote_delete="cancel")
    visit = diary.book("2030-05-08T10:00:00+02:00")
    server.delete(f"{visit['id']}.ics")
    diary.sync()
    house.clock.advance(timedelta(minutes=3))
    diary.settled()
    assert diary.visit(visit)["status"] == "cancelled"


def test_other_events_take_time(diary: Diary) -> None:
    diary.server.put("lunch.ics", ics("lunch", "20300507T130000"))
    diary.server.put("free.ics", ics("free", "20300507T140000", "Free", "TRANSP:TRANSPARENT"))
    weekly = ics("weekly", "20300507T150000", "Team", "RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Madrid:20300514T150000")
    diary.server.put("weekly.ics", weekly)
    diary.server.put(
        "day.ics",
        ics("day")
        .replace("DTSTART;TZID=Europe/Madrid:20300507T090000", "DTSTART;VALUE=DATE:20300509")
        .replace("DURATION:PT30M", "DURATION:P1D"),
    )
    diary.settled()
    assert diary.busy("2030-05-07T13:00:00+02:00")
    assert not diary.busy("2030-05-07T14:00:00+02:00")
    assert diary.busy("2030-05-07T15:00:00+02:00")
    assert not diary.busy("2030-05-14T15:00:00+02:00")
    assert diary.busy("2030-05-21T15:00:00+02:00")
    assert diary.busy("2030-05-09T09:00:00+02:00")
    taken = diary.house.api("POST", "appointments", booking(diary.ids, "2030-05-07T13:00:00+02:00"))
    assert taken.status == 409
    diary.server.put("lunch.ics", ics("lunch", "20300507T160000"))
    diary.server.delete("weekly.ics")
    diary.sync()
    diary.house.clock.advance(timedelta(minutes=3))
    diary.settled()
    assert not diary.busy("2030-05-07T13:00:00+02:00")
    assert diary.busy("2030-05-07T16:00:00+02:00")
    assert not diary.busy("2030-05-21T15:00:00+02:00")


def test_a_wrong_password_stops_at_once_and_says_so_once(tmp_path: Path, house: Local) -> None:
    with serving("radicale", tmp_path) as server:
        diary = Diary(house, server, password="wrong")
        assert diary.sync()["error"] == "login_refused"
        assert diary.state() == ("needs_login", "login_refused")
        for _ in range(3):
            house.tick(hours=12)
        runs = house.get(f"calendar-connections/{diary.connection}/runs")["items"]
        assert len(runs) == 1
        assert [item["reason"] for item in house.get("inbox")["items"]] == ["connection_trouble"]
        check = house.post(f"calendar-connections/{diary.connection}/test")
        assert (check["ok"], check["reason"]) == (False, "login_refused")
        house.patch(f"calendar-connections/{diary.connection}", {"password": PASSWORD}, role="admin")
        assert house.post(f"calendar-connections/{diary.connection}/test")["ok"]
        diary.settled()
        assert diary.state() == ("ok", None)


def test_a_server_that_goes_down_in_the_middle_loses_nothing(tmp_path: Path, house: Local) -> None:
    with serving("radicale", tmp_path) as server:
        diary = Diary(house, server)
        first = diary.book()
        server.stop()
        second = book(house, diary.ids, ELEVEN)
        house.post(f"appointments/{first['id']}/reschedule", {"start": "2030-05-07T12:00:00+02:00"})
        house.tick(minutes=5)
        assert diary.state() == ("failing", "no_answer")
        server.start()
        house.tick(hours=1)
        assert diary.state() == ("ok", None)
        assert "T120000" in diary.file(first)
        assert "T110000" in diary.file(second)
        assert diary.conflicts() == []


def test_an_emptied_calendar_is_not_believed(diary: Diary) -> None:
    starts = [f"2030-05-07T{hour}:{minute}:00+02:00" for hour in (10, 11, 12) for minute in ("00", "30")]
    visits = [book(diary.house, diary.ids, start) for start in starts]
    diary.house.tick(seconds=1)
    diary.settled()
    for visit in visits:
        diary.server.delete(f"{visit['id']}.ics")
    assert diary.sync()["error"] == "mass_removal"
    assert diary.state() == ("held", "mass_removal")
    assert diary.conflicts() == []
    diary.house.patch(f"calendar-connections/{diary.connection}", {"paused": False}, role="admin")
    diary.sync()
    diary.house.clock.advance(timedelta(minutes=3))
    diary.settled()
    assert len(diary.conflicts(attention=True)) == 6


def test_many_events(diary: Diary) -> None:
    for number in range(120):
        moment = MONDAY + timedelta(hours=number)
        diary.server.put(f"e{number}.ics", ics(f"e{number}", f"{moment:%Y%m%dT%H%M%S}"))
    done = diary.sync()
    assert (done["error"], done["pulled"]) == (None, 120)
    assert diary.sync()["pulled"] == 0
    diary.server.put("e7.ics", ics("e7", "20300508T160000", "Moved"))
    assert diary.sync()["pulled"] == 1


def test_secrets_do_not_leave_the_service(diary: Diary) -> None:
    shown = diary.house.api("GET", f"calendar-connections/{diary.connection}", role="admin").text
    assert PASSWORD not in shown
    row = diary.house.service.use_cases.calendar_connections.get(diary.connection)
    assert PASSWORD not in str(row)


def test_a_connection_is_paused_found_and_removed(diary: Diary) -> None:
    diary.server.put("lunch.ics", ics("lunch", "20300507T130000"))
    diary.settled()
    diary.house.patch(f"calendar-connections/{diary.connection}", {"paused": True, "label": "Old"}, role="admin")
    before = len(diary.house.get(f"calendar-connections/{diary.connection}/runs")["items"])
    diary.house.tick(hours=1)
    assert len(diary.house.get(f"calendar-connections/{diary.connection}/runs")["items"]) == before
    listed = diary.house.get("calendar-connections")["items"]
    assert [(one["label"], one["state"]) for one in listed] == [("Old", "paused")]
    wanted = {"address": diary.server.root, "username": USER, "password": PASSWORD}
    found = diary.house.post("calendar-connections/discover", wanted, role="admin")
    assert diary.server.calendar in [one["url"] for one in found["items"]]
    assert diary.house.api("DELETE", f"calendar-connections/{diary.connection}", role="admin").status == 204
    assert not diary.busy("2030-05-07T13:00:00+02:00")
