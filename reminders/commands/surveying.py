"""`reminders languages`: what each language has."""

from __future__ import annotations

import click
from rich.console import Console

from reminders import settings
from reminders.clock import SystemClock
from reminders.domain.cost import rate_card
from reminders.showing.languages import write_languages
from reminders.texts import Texts
from reminders.texts.survey import survey

console = Console()
FORMATS = click.Choice(["table", "json", "csv"])


@click.command("languages")
@click.option("--to", default="+1", show_default=True, help="Calling code of the phones whose prices count")
@click.option("--format", "form", type=FORMATS, default="table", show_default=True)
def languages(to: str, form: str) -> None:
    """Every language: how complete it is, who speaks it, how long its texts are and what they cost."""
    found = survey(Texts(settings.data_dir()), settings.data_dir())
    write_languages(found, rate_card(SystemClock().now().date()), to, form, console)
