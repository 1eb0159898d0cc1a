"""The calendar servers that ``caldav.py`` compares, each behind a real port: Radicale, Xandikos and the product.

The peers run without a login, ours checks one at every request. A peer would take minutes to be filled one PUT at a time,
so its files are written where it keeps them; the product is filled by PUT.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from benchmarks import environments, servers
from reminders import settings
from reminders.domain.ical import Event, single
from reminders.services.calendars import etag
from reminders.services.davlogins import Scope
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import Calendar, CalendarEntry, Location, Provider
from reminders.wiring.service import build

FIRST = datetime(2031, 1, 6, 8, tzinfo=UTC)
DAV = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
PROPFIND = f"<D:propfind {DAV}><D:prop><D:getetag/><D:getcontenttype/></D:prop></D:propfind>"
SYNC = (
    f"<D:sync-collection {DAV}><D:sync-token>{{token}}</D:sync-token><D:sync-level>1</D:sync-level>"
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
MULTIGET = f"<C:calendar-multiget {DAV}><D:prop><D:getetag/><C:calendar-data/></D:prop>{{hrefs}}</C:calendar-multiget>"
EVENT = re.compile(rb"<(?:\w+:)?href>([^<]*event-[^<]*)<")
MAKE = f"<C:mkcalendar {DAV}><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></C:mkcalendar>"
RADICALE = """[server]
hosts = 127.0.0.1:{port}
[auth]
type = none
[storage]
filesystem_folder = {folder}/radicale
[logging]
level = error
"""


def event(number: int, summary: str = "Check-up") -> str:
    """One of many events, an hour each, none at the same time."""
    start = FIRST + timedelta(hours=number)
    return single(
        Event(f"event-{number}", start, start + timedelta(hours=1), ZoneInfo("UTC"), f"{summary} {number}", FIRST)
    )


@dataclass
class Peer:
    """One server, and how to speak with it."""

    name: str
    port: int
    paths: dict[str, str]
    login: str = ""
    _connection: HTTPConnection | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
        """A request over the connection that is kept; opened again where the server closed it."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.login:
            sent["Authorization"] = self.login
        for attempt in range(2):
            try:
                if self._connection is None:
                    self._connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
                self._connection.request(method, path, body.encode() or None, sent)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (ConnectionError, HTTPException):
                self._connection = None
                if attempt:
                    raise
        raise AssertionError("unreachable")

    def put(self, calendar: str, number: int, summary: str = "Check-up") -> None:
        path = f"{self.paths[calendar]}event-{number}.ics"
        status, said = self.ask("PUT", path, event(number, summary), Content_Type="text/calendar; charset=utf-8")
        if status not in {200, 201, 204}:
            raise servers.ServerError(f"{self.name} answers PUT with {status}: {said[:300]!r}")

    def fill(self, calendar: str, count: int) -> None:
        """Make ``count`` events in an empty calendar."""
        self.put_all(calendar, range(count))

    def put_all(self, calendar: str, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.put(calendar, number)

    def sync(self, calendar: str, token: str = "") -> tuple[list[bytes], str]:
        """Addresses of the events that changed, and the next token."""
        status, said = self.ask("REPORT", self.paths[calendar], SYNC.format(token=token), Content_Type="text/xml")
        found = re.search(rb"sync-token>([^<]+)<", said)
        if status != 207 or found is None:
            raise servers.ServerError(f"{self.name} answers a sync with {status}: {said[:300]!r}")
        return EVENT.findall(said), found[1].decode()

    def first_sync(self, calendar: str) -> int:
        """What a program does that has nothing yet: ask what there is, then for all of it; how many events came."""
        hrefs = "".join(f"<D:href>{href.decode()}</D:href>" for href in self.sync(calendar)[0])
        body = MULTIGET.format(hrefs=hrefs)
        status, said = self.ask("REPORT", self.paths[calendar], body, Content_Type="text/xml")
        if status != 207:
            raise servers.ServerError(f"{self.name} answers a multiget with {status}: {said[:300]!r}")
        return said.count(b"BEGIN:VEVENT")

    def listing(self, calendar: str) -> int:
        status, said = self.ask("PROPFIND", self.paths[calendar], PROPFIND, Depth="1", Content_Type="text/xml")
        if status != 207:
            raise servers.ServerError(f"{self.name} answers PROPFIND with {status}")
        return len(EVENT.findall(said))


@dataclass
class Radicale(Peer):
    """One file for each event; what it keeps beside them it works out when it is next asked."""

    folder: Path = Path()

    def fill(self, calendar: str, count: int) -> None:
        _write(self.folder / "radicale" / "collection-root" / "user" / calendar, count)


@dataclass
class Xandikos(Peer):
    """A git repository for each calendar, one file for each event."""

    folder: Path = Path()

    def fill(self, calendar: str, count: int) -> None:
        place = self.folder / "xandikos" / "user" / "calendars" / calendar
        _write(place, count)
        git = ["git", "-C", str(place), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        for step in (["add", "--all"], ["commit", "--quiet", "--message", f"{count} events"]):
            subprocess.run([*git, *step], check=True, capture_output=True)


def _write(place: Path, count: int) -> None:
    for number in range(count):
        (place / f"event-{number}.ics").write_bytes(event(number).encode())


@contextmanager
def radicale(folder: Path) -> Iterator[Peer]:
    python, port = environments.install("radicale", ["radicale"]), servers.free_port()
    (folder / "radicale.conf").write_text(RADICALE.format(port=port, folder=folder))
    command = [str(python), "-m", "radicale", "--config", str(folder / "radicale.conf")]
    with servers.serve(command, port, folder / "radicale.log", cwd=folder):
        paths = {name: f"/user/{name}/" for name in ("big", "small")}
        peer = Radicale("Radicale", port, paths, _basic("user", "any"), folder=folder)
        peer.ask("PROPFIND", "/", PROPFIND, Depth="0")  # which makes the user's collection
        yield _with_calendars(peer)


@contextmanager
def xandikos(folder: Path) -> Iterator[Peer]:
    python, port = environments.install("xandikos", ["xandikos"]), servers.free_port()
    command = [
        str(python), "-m", "xandikos", "serve", "--defaults", "--autocreate", "-d", str(folder / "xandikos"),
        "--listen-address", "127.0.0.1", "--port", str(port), "--current-user-principal", "/user/",
    ]  # fmt: skip
    (folder / "xandikos").mkdir()
    with servers.serve(command, port, folder / "xandikos.log", cwd=folder):
        paths = {name: f"/user/calendars/{name}/" for name in ("big", "small")}
        yield _with_calendars(Xandikos("Xandikos", port, paths, folder=folder))


def _basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def _with_calendars(peer: Peer) -> Peer:
    for path in peer.paths.values():
        status, said = peer.ask("MKCALENDAR", path, MAKE, Content_Type="text/xml")
        if status not in {200, 201}:
            raise servers.ServerError(f"{peer.name} answers MKCALENDAR with {status}: {said[:300]!r}")
    return peer


@dataclass
class Ours(Peer):
    """A login opens one calendar here, so each calendar has its own."""

    logins: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, bytes]:
        self.login = next(login for base, login in self.logins.items() if path.startswith(base))
        return super().ask(method, path, body, **headers)


def _seed(database: Database, huge: int) -> None:
    made = {"created_at": FIRST}
    with database.write() as tx:
        tx.execute(insert(Location), [made | {
            "id": 1, "uid": "loc_1", "name": "North", "time_zone": "UTC", "country": "GB", "language": "en",
            "currency": "GBP", "observes_holidays": False,
        }])  # fmt: skip
        tx.execute(insert(Provider), [
            made | {"id": n, "uid": f"prv_{n}", "location_id": 1, "name": f"Dr {n}", "languages": [], "active": True}
            for n in (1, 2, 3)
        ])  # fmt: skip
        tx.execute(insert(Calendar), [{"provider_id": 3, "seq": huge, "floor": 0, "props": {}}])
        tx.execute(insert(CalendarEntry), [_entry(number) for number in range(huge)])


def _entry(number: int) -> dict[str, object]:
    text, start = event(number), FIRST + timedelta(hours=number)
    return {
        "provider_id": 3, "href": f"event-{number}.ics", "uid": f"event-{number}", "seq": number + 1, "version": 0,
        "start_at": start, "end_at": start + timedelta(hours=1), "recurring": False, "cancelled": False,
        "etag": etag(text), "body": text, "head": "", "full": "", "initials": "", "modified_at": FIRST,
    }  # fmt: skip


@contextmanager
def product(folder: Path, huge: int) -> Iterator[Peer]:
    """Ours, with one more calendar that holds ``huge`` events already."""
    url, port = f"sqlite:///{folder / 'product.db'}", servers.free_port()
    database = Database(url)
    schema.migrate(database)
    _seed(database, huge)
    database.close()
    environment = {"REMINDERS_DATABASE_URL": url, "REMINDERS_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    service = build(settings.load(environment))
    names = {"big": "prv_1", "small": "prv_2", "huge": "prv_3"}
    logins = {name: service.use_cases.dav_logins.create(uid, name, Scope.WRITE) for name, uid in names.items()}
    service.close()
    command = [str(servers.BIN / "reminders"), "web", "--port", str(port)]
    with servers.serve(command, port, folder / "product.log", environment):
        paths = {name: f"/dav/calendars/{uid}/appointments/" for name, uid in names.items()}
        yield Ours("product", port, paths, logins={
            paths[name]: _basic(row.uid, str(password)) for name, (row, password) in logins.items()
        })  # fmt: skip
