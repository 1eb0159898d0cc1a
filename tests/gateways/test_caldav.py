"""CalDAV as a client, against real servers: the contract of connectors, discovery, and what can go wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reminders.clock import ManualClock
from reminders.domain.connector import CursorGone, LoginRefused, PeerError
from reminders.gateways.caldav import EVENT, CalDav, Login
from reminders.gateways.caldav_discovery import discover
from reminders.gateways.outward import Outward, networks
from tests.caldav_peers import PASSWORD, USER, CalDavServer, serving
from tests.factories import MONDAY
from tests.gateways.connector_contract import ConnectorContract, Peering

MADRID = ZoneInfo("Europe/Madrid")
LOOPBACK = networks("127.0.0.0/8")


@pytest.fixture(scope="module", params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CalDavServer]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with serving(request.param, folder) as running:
        yield running


@pytest.fixture
def outward() -> Iterator[Outward]:
    outward = Outward(ManualClock(MONDAY), LOOPBACK)
    yield outward
    outward.close()


def ics(uid: str, start: str = "20300507T090000", summary: str = "Lunch", *more: str) -> str:
    """An event as a phone writes it."""
    lines = [
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Phone//EN", "BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20300501T000000Z",
        f"DTSTART;TZID=Europe/Madrid:{start}", "DURATION:PT30M", f"SUMMARY:{summary}", *more, "END:VEVENT", "END:VCALENDAR",
    ]  # fmt: skip
    return "\r\n".join([*lines, ""])


class Calendar(Peering):
    """A calendar with the phones of its owner."""

    entity, some_field = EVENT, "summary"

    def __init__(self, server: CalDavServer, outward: Outward) -> None:
        self.server = server
        self.connector = CalDav(outward, ManualClock(MONDAY), server.calendar, Login(USER, PASSWORD), MADRID)
        self._numbers = itertools.count(1)

    def sample(self, number: int) -> dict[str, Any]:
        return {
            "start": f"2030-05-{6 + number:02d}T08:00:00+00:00", "end": f"2030-05-{6 + number:02d}T08:30:00+00:00",
            "status": "cancelled" if number == 2 else "confirmed", "summary": f"Visit {number}; ünd, mehr",
            "location": f"Room {number}",
        }  # fmt: skip

    def make(self, fields: Mapping[str, Any]) -> str:
        name = f"person-{next(self._numbers)}.ics"
        self.server.put(name, ics(name))
        return name

    def edit(self, remote_id: str, fields: Mapping[str, Any]) -> None:
        text = self.server.get(remote_id)
        kept = [line for line in text.splitlines() if not line.startswith("SUMMARY")]
        summary = str(fields["summary"]).replace(";", "\\;").replace(",", "\\,")
        place = kept.index("END:VEVENT")
        self.server.put(remote_id, "\r\n".join([*kept[:place], f"SUMMARY:{summary}", *kept[place:], ""]))

    def remove(self, remote_id: str) -> None:
        self.server.delete(remote_id)


@pytest.fixture
def calendar(server: CalDavServer, outward: Outward) -> Calendar:
    """An empty calendar."""
    for name in server.names():
        server.delete(name)
    return Calendar(server, outward)


class TestContract(ConnectorContract):
    @pytest.fixture
    def peering(self, calendar: Calendar) -> Peering:
        return calendar


def test_calendars_are_found_from_the_servers_address(server: CalDavServer, outward: Outward) -> None:
    for address in (server.root, server.calendar):
        found = discover(outward, address, Login(USER, PASSWORD))
        assert server.calendar in [one.url for one in found]


def test_the_calendar_says_its_name(calendar: Calendar) -> None:
    assert calendar.connector.check()


def test_an_address_without_a_calendar_is_refused(server: CalDavServer, outward: Outward) -> None:
    nowhere = CalDav(outward, ManualClock(MONDAY), f"{server.root}{USER}/nothing/", Login(USER, PASSWORD), MADRID)
    with pytest.raises(PeerError):
        nowhere.check()
    with pytest.raises(PeerError):
        nowhere.changes(EVENT, None)


def test_a_token_of_another_time_starts_over(calendar: Calendar) -> None:
    calendar.create(1)
    try:
        page = calendar.connector.changes(EVENT, '{"token": "http://example.org/ns/sync/none"}')
    except CursorGone:
        return
    assert page.full or page.cursor


def test_properties_of_other_programs_survive(calendar: Calendar, server: CalDavServer) -> None:
    name = calendar.create(1).remote_id
    text = server.get(name).replace("END:VEVENT", "X-PHONE-COLOUR:green\r\nEND:VEVENT")
    server.put(name, text)
    calendar.update(name, 3, "start", "end")
    after = server.get(name)
    assert "X-PHONE-COLOUR:green" in after
    assert after.count("X-REMINDERS-REV") == 1
    assert "SEQUENCE:1" in after


def test_no_invitations_are_caused(calendar: Calendar, server: CalDavServer) -> None:
    name = calendar.create(1).remote_id
    text = server.get(name)
    assert "METHOD" not in text
    assert "ATTENDEE" not in text
    assert "ORGANIZER" not in text
    assert "DTEND" in text


def test_a_wrong_password_is_said_to_be_one(tmp_path: Path, outward: Outward) -> None:
    with serving("radicale", tmp_path) as server:
        stranger = CalDav(outward, ManualClock(MONDAY), server.calendar, Login(USER, "wrong"), MADRID)
        with pytest.raises(LoginRefused):
            stranger.check()
        with pytest.raises(LoginRefused):
            discover(outward, server.root, Login(USER, "wrong"))


def test_a_server_that_is_down_is_no_answer(tmp_path: Path, outward: Outward) -> None:
    with serving("radicale", tmp_path) as server:
        calendar = Calendar(server, outward)
        server.stop()
        with pytest.raises(PeerError) as caught:
            calendar.create(1)
        assert not caught.value.account
        server.start()
        assert calendar.create(1).remote_id
