"""`reminders migrate` and `reminders check-config`: what has to be right before anything runs."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from reminders import settings
from reminders.store import revision, schema
from reminders.store.engine import Database

console = Console()


@click.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    schema.migrate_at(settings.load().database_url)
    console.print("The database is up to date.")


@click.command("check-config")
@click.option("--markdown", is_flag=True, help="Print the table of README")
def check_config(markdown: bool) -> None:
    """Check the environment and show what is in force."""
    if markdown:
        click.echo(configuration_table())
        return
    loaded = settings.load()
    table = Table("Variable", "Value")
    for name, value in settings.shown(loaded):
        table.add_row(name, value)
    console.print(table)
    database = Database(loaded.database_url, pool_size=1)
    state = "up to date" if revision.is_current(database) else "needs `reminders migrate`"
    database.close()
    console.print(f"Database: {state}. Messages go to {'the sandbox' if loaded.sandboxed else loaded.twilio_api_url}.")


def configuration_table() -> str:
    """README's table of settings, in Markdown."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {help_} |" for name, default, help_ in settings.table()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])
