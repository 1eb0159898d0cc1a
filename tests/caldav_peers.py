"""Real CalDAV servers for tests."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from tests.peers import PeerServer, environment

USER, PASSWORD = "vega", "correct horse"
_RADICALE = """[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {folder}/collections
"""


@dataclass
class CalDavServer(PeerServer):
    """A running server with one user and one calendar."""

    name: str
    user: str = USER

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def calendar(self) -> str:
        """Address of the user's calendar."""
        return f"{self.root}{self.user}/" + ("visits/" if self.name == "radicale" else "calendars/calendar/")

    def make(self) -> None:
        """Create the calendar."""
        if self.name == "radicale":
            self.request("MKCALENDAR", self.calendar)

    def put(self, name: str, text: str) -> None:
        """Somebody's phone writes an event."""
        self.request("PUT", self.calendar + name, text, {"Content-Type": "text/calendar; charset=utf-8"})

    def get(self, name: str) -> str:
        return self.request("GET", self.calendar + name)

    def delete(self, name: str) -> None:
        """Somebody's phone deletes an event."""
        self.request("DELETE", self.calendar + name)

    def names(self) -> list[str]:
        """Names of all events."""
        body = '<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
        found = self.request("PROPFIND", self.calendar, body, {"Depth": "1", "Content-Type": "application/xml"})
        parts = [
            part.split("<")[0] for part in found.replace("D:href", "href").replace("ns0:href", "href").split("href>")
        ]
        return sorted(part.rpartition("/")[2] for part in parts if part.endswith(".ics"))

    def request(self, method: str, url: str, body: str = "", headers: dict[str, str] | None = None) -> str:
        login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        asked = Request(
            url, body.encode() or None, {"Authorization": f"Basic {login}", **(headers or {})}, method=method
        )
        with urlopen(asked, timeout=30) as answer:
            found: bytes = answer.read()
            return found.decode()

    def command(self) -> list[str]:
        binary = environment(self.name) / "bin"
        if self.name == "radicale":
            (self.folder / "users").write_text(f"{USER}:{PASSWORD}\n")
            (self.folder / "config").write_text(_RADICALE.format(port=self.port, folder=self.folder))
            return [str(binary / "python"), "-m", "radicale", "--config", str(self.folder / "config")]
        return [
            str(binary / "python"), "-m", "xandikos", "serve", "--defaults", "--autocreate", "-d", str(self.folder),
            "--listen-address", "127.0.0.1", "--port", str(self.port), "--current-user-principal", f"/{USER}/",
        ]  # fmt: skip


@contextmanager
def serving(name: str, folder: Path) -> Iterator[CalDavServer]:
    """A server of this kind with an empty calendar, until the block ends."""
    environment(name)
    server = CalDavServer(folder, name)
    server.start()
    try:
        server.make()
        yield server
    finally:
        server.stop()
