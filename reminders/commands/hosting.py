"""Runs the web server."""

from __future__ import annotations

from granian import Granian
from granian.constants import Interfaces


def run_server(target: str, host: str, port: int, *, workers: int, threads: int) -> None:
    """Run granian until it is told to stop."""
    Granian(
        target, address=host, port=port, interface=Interfaces.WSGI, workers=workers, blocking_threads=threads,
        factory=True, websockets=False, log_enabled=True, log_access=False, respawn_failed_workers=True,
    ).serve()  # fmt: skip


def address_of(host: str, port: int) -> str:
    """Where this machine reaches a server that listens there."""
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104
