"""`reminders sync`: passes over connections to other systems, now."""

from __future__ import annotations

from contextlib import closing
from functools import partial

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table

from reminders import settings
from reminders.errors import Conflict
from reminders.services.sync.parts import Tally
from reminders.wiring.service import Service, build

_COLUMNS = ("Connection", "State", "Seen", "Taken", "Written", "Gone there", "Conflicts")


def sync(service: Service, console: Console, wanted: str | None, *, now: bool, full: bool) -> bool:
    """Run what is due, with ``now`` everything that is not paused, or the one connection ``wanted``; prints a line for
    each, what went wrong below, and returns whether all went well."""
    if not now and wanted is None:
        console.print(f"{service.syncing.run()} passes were due.")
        return True
    connections = service.syncing.connections()
    rows = [row for row in connections if (wanted is None and row.state != "paused") or row.uid == wanted]
    table, said, good = Table(*_COLUMNS), list[str](), bool(rows) or wanted is None
    for row in rows:
        try:
            with console.status(row.label) as status:
                done = service.syncing.now(row.uid, full=full, watch=partial(_shown, status, row.label))
        except Conflict as problem:
            table.add_row(row.label, "held" if row.state == "held" else "waits")
            said.append(f"{row.label}: {problem.message}")
            continue
        tally = done.tally
        counts = (tally.seen, tally.pulled, tally.pushed, tally.removed, tally.conflicts)
        table.add_row(row.label, done.error or "ok", *map(str, counts))
        about = done.sentence or _remarked(tally)
        said += [f"{row.label}: {about}"] if about else []
        good = good and done.error is None
    console.print(table if rows else "There is no such connection." if wanted else "There are no connections.")
    for sentence in said:
        console.print(sentence, markup=False)
    return good


def _remarked(tally: Tally) -> str:
    """Events that could not be read, or only by guessing, by code."""
    return ", ".join(f"{code}: {count}" for code, count in sorted(tally.remarks.items()))


def _shown(status: Status, label: str, tally: Tally) -> None:
    status.update(f"{label}: {tally.seen:,} seen, {tally.pulled:,} taken, {tally.pushed:,} written")


@click.command("sync")
@click.argument("connection", required=False)
@click.option("--now", is_flag=True, help="Every connection that is not paused, due or not")
@click.option("--full", is_flag=True, help="Compare everything, not only what changed")
def sync_command(connection: str | None, now: bool, full: bool) -> None:
    """Bring connected calendars and systems up to date. The worker does so by itself."""
    with closing(build(settings.load())) as service:
        if not sync(service, Console(), connection, now=now, full=full):
            raise click.ClickException("Not everything went well.")
