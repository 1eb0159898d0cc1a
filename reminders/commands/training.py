"""`reminders train`: learns from the clinic's own past visits who is likely to miss one."""

from __future__ import annotations

from contextlib import closing

import click
from rich.console import Console

from reminders import settings
from reminders.clock import SystemClock
from reminders.gateways.learning import logistic_regression
from reminders.services.training import Training
from reminders.showing.training import write_models, write_training
from reminders.store.engine import Database


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show how good a model would be; store nothing")
@click.option("--list", "listed", is_flag=True, help="Show the models that were trained")
@click.option("--use", "version", type=int, help="Use this version from now on; 0: the rule")
def train(dry_run: bool, listed: bool, version: int | None) -> None:
    """Learn who is likely to miss a visit; needs the optional part: pip install 'reminders[risk]'."""
    console = Console()  # as wide as the terminal is now
    with closing(Database(settings.load().database_url, pool_size=2)) as database:
        training = Training(database, SystemClock(), logistic_regression)
        if version is not None:
            training.use(version)
            console.print(f"Version {version} is now in use." if version else "The rule is now in use.")
        elif listed:
            write_models(training.models(), console)
        else:
            write_training(training.train(keep=not dry_run), console)
