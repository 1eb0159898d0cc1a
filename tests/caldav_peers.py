"""Real CalDAV servers for tests, each installed once into an environment of its own under ~/.cache and started on a free
port. Without the means to install them, tests that want them are skipped, and say why."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

USER, PASSWORD = "vega", "correct horse"
_CACHE = Path(os.environ.get("REMINDERS_PEERS", Path.home() / ".cache" / "reminders-peers"))
_INSTALL_SECONDS, _START_SECONDS = 600, 60
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


def environment(name: str, *packages: str) -> Path:
    """The environment of this name, with these packages (the one of its name); built now if it is not there."""
    folder = _CACHE / name
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".installed").exists():
            _install(name, folder, packages or (name,))
    return folder


def _install(name: str, folder: Path, packages: Sequence[str]) -> None:
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False, timeout=_INSTALL_SECONDS)
        if done.returncode:
            pytest.skip(f"{name} cannot be installed here: {done.stderr.strip()[-200:]}")
    (folder / ".installed").touch()


@dataclass
class CalDavServer:
    """A running server with one user and one calendar."""

    name: str
    folder: Path
    port: int
    user: str = USER
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def calendar(self) -> str:
        """Address of the user's calendar."""
        return f"{self.root}{self.user}/" + ("visits/" if self.name == "radicale" else "calendars/calendar/")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text("utf-8")[-2000:])

    def stop(self) -> None:
        """Ended at once, as in a power cut."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

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

    def _command(self) -> list[str]:
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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = CalDavServer(name, folder, port)
    server.start()
    try:
        server.make()
        yield server
    finally:
        server.stop()
