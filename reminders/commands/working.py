"""`reminders worker`: a process that sends and serves nobody."""

from __future__ import annotations

import signal
import threading

import click

from reminders import settings
from reminders.commands.database import refuse_old
from reminders.logs import configure_logging
from reminders.wiring.working import build_worker


@click.command()
def worker() -> None:
    """Sends what is due; run as many as you like on PostgreSQL."""
    configure_logging()
    loaded = settings.load()
    refuse_old(loaded.database_url)
    working = build_worker(loaded)
    stop = threading.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: stop.set())
    working.worker.start()
    stop.wait()
    working.worker.stop()
    working.close()
