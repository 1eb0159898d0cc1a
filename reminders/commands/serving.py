"""`reminders serve` and `reminders web`: the processes that answer over HTTP."""

from __future__ import annotations

import click

from reminders import settings
from reminders.commands.database import refuse_old
from reminders.commands.hosting import address_of, run_server
from reminders.store import schema


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(host: str, port: int) -> None:
    """Web and worker in one process; brings the database up to date first."""
    loaded = settings.load(defaults={"REMINDERS_PUBLIC_URL": address_of(host, port)})
    schema.migrate_at(loaded.database_url)
    settings.export(loaded)
    run_server("reminders.wsgi:serve", host, port, workers=1, threads=8)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes")
@click.option(
    "--threads", type=int, help="Threads per process; default 1 on SQLite, 4 on PostgreSQL, which may be waited for"
)
def web(host: str, port: int, workers: int, threads: int | None) -> None:
    """The web application alone, stateless; run as many as you like."""
    loaded = settings.load()
    refuse_old(loaded.database_url)
    usual = 1 if loaded.is_sqlite else 4
    run_server("reminders.wsgi:web", host, port, workers=workers, threads=threads or usual)
