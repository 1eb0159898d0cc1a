"""`reminders import`: past visits from a table, with a progress bar, or busy time from a calendar file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from reminders import settings
from reminders.clock import SystemClock
from reminders.domain.mapping import Mapping
from reminders.services.imports import Importing, ImportResult, fitting_mapping, load_mapping
from reminders.services.sync.calendarfile import CalendarFiles, FileResult
from reminders.settings import data_dir
from reminders.show import write_calendar_import, write_import
from reminders.store import schema
from reminders.store.engine import Database
from reminders.wiring.service import build

_COLUMNS = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TransferSpeedColumn(),
            TimeRemainingColumn())  # fmt: skip


def import_file(
    database: Database, file: Path, mapping: str | None, rejects: Path | None, *, dry_run: bool, console: Console
) -> ImportResult:
    """Load ``file`` and show what became of its rows. ``mapping`` is a TOML file or the name of a shipped one; without
    it the shipped mapping that fits the file's columns is taken."""
    clock = SystemClock()
    chosen = _mapping(file, mapping, clock)
    with Progress(*_COLUMNS, console=console, transient=True) as bar:
        task = bar.add_task(file.name, total=None)
        result = Importing(database, clock).run(
            file, chosen, dry_run=dry_run, rejects=rejects,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    write_import(result, console)
    return result


def is_calendar(file: Path) -> bool:
    """True for iCalendar files, by name or first line."""
    if file.suffix.lower() in {".ics", ".ical", ".icalendar", ".ifb"}:
        return True
    with file.open("rb") as source:
        return b"BEGIN:VCALENDAR" in source.readline(1000).upper()


def import_calendar(
    files: CalendarFiles, file: Path, provider: str | None, *, dry_run: bool, console: Console
) -> FileResult:  # fmt: skip
    """Take in a calendar file as busy time and show what became of its events. Without ``provider`` the only one there is
    is meant; where there are several, nothing is stored."""
    chosen = provider or files.only_provider()
    with file.open("rb") as lines:
        result = files.run(lines, file.name, chosen, dry_run=dry_run)
    write_calendar_import(result, console, named=chosen is not None)
    return result


def _mapping(file: Path, name: str | None, clock: SystemClock) -> Mapping:
    folder = data_dir() / "mappings"
    return load_mapping(name, folder) if name else fitting_mapping(file, folder, clock)


@click.command("import")
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
    schema.migrate_at(loaded.database_url)
    if is_calendar(file):
        with closing(build(loaded)) as service:
            import_calendar(service.use_cases.calendar_files, file, provider, dry_run=dry_run, console=Console())
        return
    database = Database(loaded.database_url, pool_size=2)
    import_file(database, file, mapping, rejects, dry_run=dry_run, console=Console())
    database.close()
