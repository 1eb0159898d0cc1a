"""The calendar server beside Radicale and Xandikos, each behind a real port, asked by the same client over one connection.

PUT, GET, PROPFIND of depth 1 and the first sync on a calendar of 3,000 events; then syncs of one change in a calendar of
1,000, and ours also in one of 30,000. The peers run without a login, ours checks one at every request. The product
commits every PUT to disk (SQLite, ``synchronous=FULL``). ``python -m benchmarks.caldav [--quick]``.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert

from benchmarks import environments, report, servers
from benchmarks.stats import alternate
from reminders import settings
from reminders.domain.ical import Event, single
from reminders.services.calendars import etag
from reminders.services.davlogins import Scope
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import Calendar, CalendarEntry, Location, Provider
from reminders.wiring import build

TIMES_RADICALE = 1.5
SHARE_OF_RADICALE_SYNC = 10.0
#: Two measurements of the same thing differ by this much here.
NOISE = 1.25
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


@contextmanager
def radicale(folder: Path) -> Iterator[Peer]:
    python, port = environments.install("radicale", ["radicale"]), servers.free_port()
    (folder / "radicale.conf").write_text(RADICALE.format(port=port, folder=folder))
    command = [str(python), "-m", "radicale", "--config", str(folder / "radicale.conf")]
    with servers.serve(command, port, folder / "radicale.log", cwd=folder):
        peer = Peer("Radicale", port, {name: f"/user/{name}/" for name in ("big", "small")}, _basic("user", "any"))
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
        yield _with_calendars(Peer("Xandikos", port, {name: f"/user/calendars/{name}/" for name in ("big", "small")}))


def _basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def _with_calendars(peer: Peer) -> Peer:
    for path in peer.paths.values():
        status, said = peer.ask("MKCALENDAR", path, MAKE, Content_Type="text/xml")
        if status not in {200, 201}:
            raise servers.ServerError(f"{peer.name} answers MKCALENDAR with {status}: {said[:300]!r}")
    return peer


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


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Effort:
    """How many events the calendars hold, how many requests are timed, how often."""

    big: int
    small: int
    huge: int
    requests: int
    repetitions: int


THOROUGH = Effort(big=3_000, small=1_000, huge=30_000, requests=100, repetitions=3)
QUICK = Effort(big=300, small=100, huge=3_000, requests=30, repetitions=3)


def fill(peer: Peer, effort: Effort) -> None:
    for name, count in (("big", effort.big), ("small", effort.small)):
        for number in range(count):
            peer.put(name, number)


def round_of(peer: Peer, effort: Effort, turn: int) -> dict[str, float]:
    """Every measurement once: seconds for one request of each kind."""
    base, count = effort.big + turn * effort.requests, effort.requests
    seen = {
        "PUT": seconds(lambda: [peer.put("big", base + number) for number in range(count)]) / count,
        "GET": seconds(lambda: [
            peer.ask("GET", f"{peer.paths['big']}event-{number}.ics") for number in range(count)
        ]) / count,
        "PROPFIND depth 1": seconds(lambda: peer.listing("big")),
        "first sync": seconds(lambda: peer.first_sync("big")),
    }  # fmt: skip
    return seen | {f"sync of 1 change, {name}": one_change(peer, name, turn) for name in peer.paths if name != "big"}


def one_change(peer: Peer, calendar: str, turn: int) -> float:
    """The median of ten syncs, each after one change."""
    taken, token = [], peer.sync(calendar)[1]
    for again in range(10):
        peer.put(calendar, 7, f"Changed {turn}.{again}")
        known = token
        began = time.perf_counter()
        changed, token = peer.sync(calendar, known)
        taken.append(time.perf_counter() - began)
        if len(changed) != 1:
            raise servers.ServerError(f"{peer.name} tells of {len(changed)} changes, not of one")
    return statistics.median(taken)


def sheet(seen: dict[str, list[dict[str, float]]], effort: Effort, counts: dict[str, tuple[int, int]]) -> report.Sheet:
    """``seen``: per party, what each turn took."""
    made = report.Sheet(f"Calendar server, {effort.big:,} events")

    def median(party: str, name: str) -> float:
        return statistics.median(turn[name] for turn in seen[party])

    for name in ("PUT", "GET", "PROPFIND depth 1", "first sync"):
        ours = median("product", name)
        for other, target in (("Radicale", TIMES_RADICALE), ("Xandikos", None)):
            made.quotient(name, _ms(ours), f"{other} {_ms(median(other, name))}", median(other, name) / ours, target)
    name = "sync of 1 change, small"
    ours = median("product", name)
    for other, target in (("Radicale", SHARE_OF_RADICALE_SYNC), ("Xandikos", 1.0)):
        label = f"sync of 1 change in {effort.small:,}"
        made.quotient(label, _ms(ours), f"{other} {_ms(median(other, name))}", median(other, name) / ours, target)
    huge = median("product", "sync of 1 change, huge")
    made.quotient(
        f"the same in {effort.huge:,}", _ms(huge), f"in {effort.small:,}: {_ms(ours)}", ours / huge, 1 / NOISE
    )
    for party, found in counts.items():
        made.exactly(f"{party}: events listed and synced", found, (_held(effort), _held(effort)))
    return made


def _held(effort: Effort) -> int:
    return effort.big + effort.requests * effort.repetitions


def _ms(value: float) -> str:
    return f"{value * 1000:,.2f} ms"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benchmarks.caldav", description=__doc__.splitlines()[0] if __doc__ else None)
    made.add_argument("--quick", action="store_true", help="a tenth of the events")
    return made


def run(folder: Path, effort: Effort, tell: Callable[[str], None]) -> report.Sheet:
    with ExitStack() as stack:
        makers = (product(folder, effort.huge), radicale(folder), xandikos(folder))
        parties = [stack.enter_context(maker) for maker in makers]
        for peer in parties:
            tell(f"filling {peer.name}")
            fill(peer, effort)
        turns = dict.fromkeys((peer.name for peer in parties), 0)

        def take(peer: Peer) -> dict[str, float]:
            turns[peer.name] += 1
            return round_of(peer, effort, turns[peer.name] - 1)

        seen = alternate({peer.name: partial(take, peer) for peer in parties}, effort.repetitions, tell)
        counts = {peer.name: (peer.listing("big"), peer.first_sync("big")) for peer in parties}
    return sheet(seen, effort, counts)


def main() -> int:
    options = parser().parse_args()
    servers.stop_on_signals()
    console = report.terminal()
    with servers.workdir() as folder:
        return run(folder, QUICK if options.quick else THOROUGH, lambda text: console.log(text)).close(console)


if __name__ == "__main__":
    raise SystemExit(main())
