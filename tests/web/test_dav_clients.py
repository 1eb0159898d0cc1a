"""Real calendar programs against our server, each from an environment of its own: vdirsyncer, the ``caldav`` client, and
caldav-server-tester beside the columns it found for other servers. They are never installed next to the product: what
they bring along would change its HTTP library on disk."""

from __future__ import annotations

import ast
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks import environments, servers
from tests.house import House, book, booking
from tests.seeded import Seed
from tests.shared_data import needs_shared, shared

WEDNESDAY = "2030-05-08T09:00:00+02:00"
#: What the tester asks of servers that let programs make calendars; here the clinic makes them, one per provider.
CALENDARS_ARE_GIVEN = {
    "create-calendar", "create-calendar.set-displayname", "create-calendar.stable-url",
    "create-calendar.with-supported-component-types", "delete-calendar", "delete-calendar.free-namespace",
    "synchronous-write.create-calendar", "synchronous-write.delete-calendar", "save.duplicate-uid.cross-calendar",
    "url.encode-at.literal.collection",
}  # fmt: skip
OWN = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Phone//EN
BEGIN:VEVENT
UID:own
DTSTAMP:20300501T000000Z
DTSTART:20300508T120000Z
DTEND:20300508T130000Z
SUMMARY:Dentist
END:VEVENT
END:VCALENDAR
"""


def environment(name: str, *packages: str) -> Path:
    """The folder of programs of an environment with these packages; the test is skipped where they cannot be had."""
    try:
        return environments.install(f"peer-{name}", packages or [name]).parent
    except servers.ServerError as problem:
        pytest.skip(f"{name} cannot be installed here: {problem}")


@pytest.fixture
def house(seeded_sqlite: Seed) -> Iterator[House]:
    with seeded_sqlite.running() as house:
        yield house


@pytest.fixture
def login(house: House) -> dict[str, Any]:
    made: dict[str, Any] = house.post("dav-credentials", {"provider_id": house.ids["provider"], "label": "Program"})
    return made


# vdirsyncer


@dataclass
class Vdirsyncer:
    """A folder of events on a disk, kept in step with the calendar."""

    program: Path
    folder: Path

    @property
    def events(self) -> Path:
        return self.folder / "events" / "appointments"

    def configure(self, login: dict[str, Any]) -> None:
        self.events.mkdir(parents=True)
        (self.folder / "config").write_text(
            f"""[general]
status_path = "{self.folder}/status"
[pair clinic]
a = "disk"
b = "server"
collections = ["appointments"]
[storage disk]
type = "filesystem"
path = "{self.folder}/events"
fileext = ".ics"
[storage server]
type = "caldav"
url = "{login["url"]}"
username = "{login["username"]}"
password = "{login["password"]}"
"""
        )
        assert self("discover", "clinic").returncode == 0

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.program), "-c", str(self.folder / "config"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    def sync(self) -> str:
        done = self("sync")
        assert done.returncode == 0, done.stderr
        return done.stderr

    def names(self) -> set[str]:
        return {path.name for path in self.events.glob("*.ics")}


@pytest.fixture
def disk(login: dict[str, Any], tmp_path: Path) -> Vdirsyncer:
    found = Vdirsyncer(environment("vdirsyncer") / "vdirsyncer", tmp_path)
    found.configure(login)
    return found


def test_vdirsyncer_keeps_a_folder_in_step(house: House, disk: Vdirsyncer) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    disk.sync()
    (path,) = disk.events.glob("*.ics")
    assert "SUMMARY:Ana Ruiz\\, Check-up" in path.read_text()
    path.write_text(
        path.read_text().replace("20300508T09", "20300509T11").replace("END:VEVENT", "X-NOTE:mine\nEND:VEVENT")
    )
    (disk.events / "own.ics").write_text(OWN)
    disk.sync()
    assert house.get(f"appointments/{visit['id']}")["start"] == "2030-05-09T11:00:00+02:00"
    assert house.api("POST", "appointments", booking(house.ids, "2030-05-08T14:30:00+02:00")).code == "slot_taken"
    disk.sync()
    assert "X-NOTE:mine" in path.read_text()
    assert "Copying" not in disk.sync()
    house.post(f"appointments/{visit['id']}/reschedule", {"start": WEDNESDAY})
    disk.sync()
    assert "20300508T090000" in path.read_text()
    (disk.events / "own.ics").unlink()
    disk.sync()
    assert house.api("POST", "appointments", booking(house.ids, "2030-05-08T14:30:00+02:00")).status == 201
    assert len(disk.names()) == 1


def test_vdirsyncer_is_told_of_a_refusal_and_loses_nothing(house: House, disk: Vdirsyncer) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    disk.sync()
    (path,) = disk.events.glob("*.ics")
    path.write_text(path.read_text().replace("20300508T09", "20300512T09"))  # a Sunday
    done = disk("sync")
    assert (done.returncode, "403" in done.stderr) == (1, True), done.stderr
    assert "20300512T09" in path.read_text()
    assert house.get(f"appointments/{visit['id']}")["version"] == visit["version"]


# The caldav client

CLIENT = """
import caldav, json, sys
from datetime import datetime, timezone
url, name, password = sys.argv[1:]
said = {}
with caldav.DAVClient(url=url, username=name, password=password) as client:
    (calendar,) = client.principal().calendars()
    said["name"] = calendar.get_display_name()
    token = calendar.objects_by_sync_token(load_objects=True)
    said["events"] = sorted(str(one.icalendar_component["SUMMARY"]) for one in token)
    (visit,) = calendar.search(start=datetime(2030, 5, 8, tzinfo=timezone.utc), end=datetime(2030, 5, 9, tzinfo=timezone.utc), event=True)
    part = visit.icalendar_component
    for key in ("DTSTART", "DTEND"):
        value = part.pop(key).dt
        part.add(key.lower(), value.replace(hour=value.hour + 2))
    visit.save()
    own = calendar.save_event(OWN)
    said["changed"] = len(list(calendar.objects_by_sync_token(sync_token=token.sync_token, load_objects=False)))
    busy = calendar.freebusy_request(datetime(2030, 5, 8, tzinfo=timezone.utc), datetime(2030, 5, 9, tzinfo=timezone.utc))
    said["busy"] = busy.data.count("FREEBUSY:")
    try:
        calendar.save_event(OWN.replace("UID:own", "UID:other").replace("T12", "T09").replace("T13", "T10"))
    except caldav.lib.error.DAVError as problem:
        said["refused"] = type(problem).__name__
    own.delete()
    said["left"] = len(calendar.events())
print(json.dumps(said))
"""


def test_the_caldav_client(house: House, login: dict[str, Any]) -> None:
    visit = book(house, house.ids, WEDNESDAY)
    python = environment("caldav") / "python"
    program = CLIENT.replace("OWN", repr(OWN))
    command = [str(python), "-c", program, login["url"], login["username"], login["password"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said | {"refused": ""} == {
        "name": "Dr Vega", "events": ["Ana Ruiz, Check-up"], "changed": 2, "busy": 2, "left": 1, "refused": "",
    }  # fmt: skip
    assert said["refused"]
    assert datetime.fromisoformat(house.get(f"appointments/{visit['id']}")["start"]).hour == 11


# The tester


def columns() -> dict[str, list[str]]:
    """What the tester found for other servers: feature to its levels."""
    lines = (shared("caldav") / "feature_matrix_radicale_xandikos_davical.txt").read_text("utf-8").splitlines()
    return {words[0]: words[1:] for words in map(str.split, lines[1:])}


@needs_shared
def test_the_tester_finds_as_much_as_in_other_servers(house: House, login: dict[str, Any]) -> None:
    """Everything that is whole in Radicale is whole here, but for what has to do with making calendars; some is whole
    here alone. ``docs/calendar-programs.md`` says what is left out, and why."""
    program = environment("caldav-server-tester", "caldav", "caldav-server-tester", "vobject") / "caldav-server-tester"
    command = [
        str(program), "--caldav-url", login["url"], "--caldav-username", login["username"], "--caldav-password",
        login["password"], "--caldav-calendar", "Dr Vega", "--format", "hints",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = ast.literal_eval(done.stdout[done.stdout.index("{") :])
    ours = {name for name, level in found.items() if level.get("support") == "full"}
    others = columns()
    radicale = {name for name, levels in others.items() if levels[0] == "full"}
    assert len(radicale) == 88
    print(f"caldav-server-tester: {len(ours)} of {len(others)} full here, {len(radicale)} in Radicale")
    assert radicale - ours <= CALENDARS_ARE_GIVEN
    assert len(ours) >= len(radicale - CALENDARS_ARE_GIVEN)
    assert ours - radicale >= {"sync-token.limit", "sync-token.limit.initial-sync"}
