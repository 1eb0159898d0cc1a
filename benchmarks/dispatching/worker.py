"""`reminders worker`, started as an operator starts it, against the stand-in for Twilio."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import servers
from benchmarks.dispatching import processes
from benchmarks.dispatching.clinic import Clinic
from benchmarks.dispatching.processes import Process
from benchmarks.product import CLI
from benchmarks.stubtwilio import Stub

#: Twilio's limits are out of the way: what is looked for are our own.
UNPACED = {"TWILIO_MESSAGES_PER_SECOND": "1000000", "REMINDERS_SECRET_KEY": "only-for-measurements"}
_START_SECONDS = 60


@contextmanager
def working(
    clinic: Clinic,
    stub: Stub,
    folder: Path,
    senders: int = 64,
    trust: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """A worker whose clock ticks, until the block ends. ``trust`` is a certificate to believe in."""
    began = datetime.now(UTC)
    environment = (
        processes.clean_environment()
        | {"REMINDERS_DATABASE_URL": clinic.url, "REMINDERS_SENDERS": str(senders)}
        | UNPACED
        | stub.settings()
        | ({"SSL_CERT_FILE": str(trust), "REQUESTS_CA_BUNDLE": str(trust)} if trust else {})
        | dict(settings or {})
    )
    with processes.running([str(CLI), "worker"], environment, folder / "worker.log") as process:
        _wait_for_a_beat(clinic, process, began)
        yield process


def _wait_for_a_beat(clinic: Clinic, process: Process, began: datetime) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        beat = clinic.last_beat()
        if beat is not None and beat >= began:
            return
        process.check()
        time.sleep(0.1)
    raise servers.ServerError("the worker's clock does not tick")
