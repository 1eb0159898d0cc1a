"""Servers of other people for tests, each installed once into an environment of its own under ~/.cache and started on a
free port. Without the means to install them, tests that want them are skipped, and say why."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_CACHE = Path(os.environ.get("REMINDERS_PEERS", Path.home() / ".cache" / "reminders-peers"))
_INSTALL_SECONDS, _START_SECONDS = 600, 60


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class PeerServer:
    """A process that listens on ``port`` and keeps its files and log in ``folder``; ``command`` says what to run."""

    folder: Path
    port: int = field(default_factory=free_port, kw_only=True)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False, kw_only=True)

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self.stop()  # never two of them
        command = self.command()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
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
