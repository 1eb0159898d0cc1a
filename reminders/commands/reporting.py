"""Commands with figures for managers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from functools import wraps

import click
from rich.console import Console

from reminders import settings
from reminders.clock import SystemClock
from reminders.services.rollups import Rollups
from reminders.show import write_report
from reminders.showing.risk import write_risk
from reminders.store.engine import Database
from reminders.wiring.service import build

console = Console()
FORMATS = click.Choice(["table", "json", "csv"])


@click.group()
def report() -> None:
    """Figures for managers."""


def _ranged(command: Callable[..., None]) -> Callable[..., None]:
    """The options every report has."""

    @click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First local day")
    @click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last local day")
    @click.option("--by", help="Group by this")
    @click.option("--format", "form", type=FORMATS, default="table", show_default=True)
    @wraps(command)
    def wrapper(first: datetime | None, last: datetime | None, by: str | None, form: str) -> None:
        command(first.date() if first else None, last.date() if last else None, by, form)

    return wrapper


@report.command("no-shows")
@_ranged
def no_shows(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """No-show rate with its 95 % interval."""
    with closing(build(settings.load())) as service:
        write_report(service.use_cases.reports.no_shows(first, last, by), form, Console())


@report.command("costs")
@_ranged
def costs(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """Messages, segments and money; charged and estimated are kept apart."""
    with closing(build(settings.load())) as service:
        write_report(service.use_cases.reports.reminder_costs(first, last, by), form, Console())


@report.command("attendance")
@_ranged
def attendance(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """Visits by what became of them: late cancellations, moved visits and refilled slots, too."""
    with closing(build(settings.load())) as service:
        write_report(service.use_cases.attendance.report(first, last, by), form, Console())


@report.command("savings")
@_ranged
def savings(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """What reminders changed and what that is worth, each with its interval."""
    with closing(build(settings.load())) as service:
        write_report(service.use_cases.savings.report(first, last, by), form, Console())


@report.command("spending")
@_ranged
def spending(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """All messages in money: notices and answers, too; with the forecast and the budget as JSON."""
    with closing(build(settings.load())) as service:
        write_report(service.use_cases.spending.report(first, last, by), form, Console())


@report.command("risk")
@_ranged
def risk(first: date | None, last: date | None, by: str | None, form: str) -> None:
    """How good the predicted risks were, by language and age band; as JSON with calibration and the model."""
    with closing(build(settings.load())) as service:
        found = service.use_cases.risks.report(first, last, by)
    if form == "table":
        write_risk(found, Console())
    else:
        write_report(found, form, Console())


@click.command("roll-up")
def roll_up() -> None:
    """Add up the days that are over; a worker does it by itself."""
    loaded = settings.load()
    with closing(Database(loaded.database_url, pool_size=2)) as database:
        Console().print(f"{Rollups(database, SystemClock()).run():,} days added up.")
