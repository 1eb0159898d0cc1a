"""`reminders demo`: a small clinic to look at."""

from __future__ import annotations

import click
from rich.console import Console

from reminders import demo, settings
from reminders.commands import rehearsal
from reminders.commands.hosting import address_of, run_server

console = Console()


@click.command("demo")
@click.option("--once", is_flag=True, help="Run a day in fast-forward, print the story, and end")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def demo_command(once: bool, host: str, port: int) -> None:
    """A small clinic to look at: database, sandbox phones, keys."""
    if once:
        rehearsal.run(console)
        return
    names = {"REMINDERS_DATABASE_URL": "sqlite:///demo.db", "REMINDERS_PUBLIC_URL": address_of(host, port)}
    loaded = settings.load(defaults=names)
    demo.prepare(loaded, console, loaded.public_url)
    settings.export(loaded)
    run_server("reminders.wsgi:serve", host, port, workers=1, threads=8)
