"""The command line."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from granian import Granian
from granian.constants import Interfaces
from rich.console import Console
from rich.table import Table

from reminders import __version__, demo, rehearsal, settings, simulating
from reminders.accounts import user
from reminders.assessing import assess
from reminders.clock import SystemClock
from reminders.domain.actor import Role
from reminders.domain.cost import rate_card
from reminders.errors import ReminderError
from reminders.importing import import_calendar, import_file, is_calendar
from reminders.passes import sync_command
from reminders.reporting import report, roll_up
from reminders.settings import Settings
from reminders.showing.languages import write_languages
from reminders.store import schema
from reminders.store.engine import Database
from reminders.texts import Texts
from reminders.texts.survey import survey
from reminders.training import train
from reminders.wiring import build
from reminders.wsgi import configure_logging

console = Console()
FORMATS = click.Choice(["table", "json", "csv"])


class Group(click.Group):
    """Turns expected errors into one sentence instead of a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReminderError as problem:
            raise click.ClickException(problem.message) from problem


@click.group(cls=Group)
@click.version_option(__version__)
def main() -> None:
    """Appointment scheduling and reminders that people can trust."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def serve(host: str, port: int) -> None:
    """Web and worker in one process; brings the database up to date first."""
    loaded = settings.load(defaults={"REMINDERS_PUBLIC_URL": _address(host, port)})
    _migrate(loaded)
    settings.export(loaded)
    run_server("reminders.wsgi:serve", host, port, workers=1, threads=8)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Processes")
@click.option(
    "--threads", type=int, help="Threads per process; default 1 on SQLite, 4 on PostgreSQL, which may be waited for"
)
def web(host: str, port: int, workers: int, threads: int | None) -> None:
    """The web application alone, stateless; run as many as you like."""
    usual = 1 if settings.load().is_sqlite else 4
    run_server("reminders.wsgi:web", host, port, workers=workers, threads=threads or usual)


@main.command()
def worker() -> None:
    """Sends what is due; run as many as you like on PostgreSQL."""
    configure_logging()
    service = build(settings.load())
    stop = threading.Event()
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: stop.set())
    service.worker.start()
    stop.wait()
    service.worker.stop()
    service.close()


@main.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    _migrate(settings.load())
    console.print("The database is up to date.")


@main.command("demo")
@click.option("--once", is_flag=True, help="Run a day in fast-forward, print the story, and end")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
def demo_command(once: bool, host: str, port: int) -> None:
    """A small clinic to look at: database, sandbox phones, keys."""
    if once:
        rehearsal.run(console)
        return
    names = {"REMINDERS_DATABASE_URL": "sqlite:///demo.db", "REMINDERS_PUBLIC_URL": _address(host, port)}
    loaded = settings.load(defaults=names)
    demo.prepare(loaded, console, loaded.public_url)
    settings.export(loaded)
    run_server("reminders.wsgi:serve", host, port, workers=1, threads=8)


@main.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--label", default="", help="What the key is for")
def create_key(role: str, label: str) -> None:
    """Make a key and print it; it is not shown again."""
    service = build(settings.load())
    console.print(f"A key for the role {role}. Keep it: it is not shown again.")
    click.echo(service.use_cases.access.create(Role(role), label))
    service.close()


@key.command("revoke")
@click.argument("key_id")
def revoke_key(key_id: str) -> None:
    """End a key at once."""
    with closing(build(settings.load())) as service:
        ended = service.use_cases.access.revoke(key_id)
    if not ended:
        raise click.ClickException("There is no such key in force.")
    console.print("The key no longer works.")


main.add_command(assess)
main.add_command(user)
main.add_command(sync_command)


@main.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", help="TOML file, or name of a shipped mapping; default: the one that fits")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Default: NAME.rejects.csv")
@click.option("--provider", metavar="ID", help="Whose time a calendar file (.ics) takes")
@click.option("--dry-run", is_flag=True, help="Read and check everything, store nothing")
def import_command(
    file: Path, mapping: str | None, rejects: Path | None, provider: str | None, dry_run: bool
) -> None:  # fmt: skip
    """Load past visits from a CSV file (plain or gzip), or busy time from a calendar file (.ics). Safe to run again."""
    loaded = settings.load()
    _migrate(loaded)
    if is_calendar(file):
        with closing(build(loaded)) as service:
            import_calendar(service.use_cases.calendar_files, file, provider, dry_run=dry_run, console=console)
        return
    database = Database(loaded.database_url, pool_size=2)
    import_file(database, file, mapping, rejects, dry_run=dry_run, console=console)
    database.close()


main.add_command(report)
main.add_command(roll_up)
main.add_command(train)


@main.command()
@click.option("--from", "first", required=True, help="First day at each venue, or a time with its offset")
@click.option("--to", "last", required=True, help="Last day, included, or a time with its offset")
@click.option("--location", metavar="ID", help="Only this location")
@click.option("--format", "form", type=FORMATS, default="table", show_default=True)
@click.option("--diff", multiple=True, metavar="[POLICY_ID=]FILE", help="Compare with the policy in a file; twice: two")
@click.option("--all", "everything", is_flag=True, help="List also what would not go out")
def simulate(
    first: str, last: str, location: str | None, form: str, diff: tuple[str, ...], everything: bool
) -> None:  # fmt: skip
    """Every message that would go out, with its text. Sends nothing, changes nothing."""
    with closing(build(settings.load())) as service:
        simulating.simulate(service, simulating.Asked(first, last, location, form, diff, everything), console)


@main.command("languages")
@click.option("--to", default="+1", show_default=True, help="Calling code of the phones whose prices count")
@click.option("--format", "form", type=FORMATS, default="table", show_default=True)
def languages(to: str, form: str) -> None:
    """Every language: how complete it is, who speaks it, how long its texts are and what they cost."""
    found = survey(Texts(settings.data_dir()), settings.data_dir())
    write_languages(found, rate_card(SystemClock().now().date()), to, form, console)


@main.command("check-config")
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
    state = "up to date" if schema.is_current(database) else "needs `reminders migrate`"
    database.close()
    console.print(f"Database: {state}. Messages go to {'the sandbox' if loaded.sandboxed else loaded.twilio_api_url}.")


def configuration_table() -> str:
    """README's table of settings, in Markdown."""
    rows = [
        f"| `{name}` | {f'`{default}`' if default else ''} | {help_} |" for name, default, help_ in settings.table()
    ]
    return "\n".join(["| Variable | Default | Meaning |", "| --- | --- | --- |", *rows])


def run_server(target: str, host: str, port: int, *, workers: int, threads: int) -> None:
    """Run granian until it is told to stop."""
    Granian(
        target, address=host, port=port, interface=Interfaces.WSGI, workers=workers, blocking_threads=threads,
        factory=True, log_enabled=True, log_access=False, respawn_failed_workers=True,
    ).serve()  # fmt: skip


def _address(host: str, port: int) -> str:
    """Where this machine reaches a server that listens there."""
    return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104


def _migrate(loaded: Settings) -> None:
    database = Database(loaded.database_url, pool_size=1)
    schema.migrate(database)
    database.close()
