"""`reminders demo --once`: a week in a clinic in fast-forward, told on the terminal and checked at its end.

Everything runs as in earnest: an own SQLite database, the API over HTTP on a free port of this machine, the worker, and
the sandbox as Twilio, called through its SDK and calling back with signed requests. Only the clock is moved by hand.
Every line is what the running service answered or what stood on a phone; a promise that was not kept is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from reminders.demo import script
from reminders.demo.checks import Check, check
from reminders.demo.house import House, Unexpected, running
from reminders.demo.narrator import Narrator
from reminders.demo.opening import migrated
from reminders.demo.story import Story
from reminders.settings import load
from reminders.show import write_report


def run(console: Console) -> None:
    """Tell the story, print the two reports and the check list; ``Unexpected`` when something did not hold."""
    with TemporaryDirectory(prefix="reminders-") as folder:
        url = f"sqlite:///{Path(folder, 'rehearsal.db').as_posix()}"
        migrated(load({"REMINDERS_DATABASE_URL": url}))
        with running(url, script.START) as house:
            _tell(house, console)


def _tell(house: House, console: Console) -> None:
    narrator = Narrator(console)
    narrator.say("A week in a clinic, on a clock that is moved by hand.")
    story = Story(house, narrator)
    story.tell()
    narrator.chapter("The ledger: what happened to the reminders of a visit, and why")
    story.read_ledgers()
    narrator.chapter("The reports")
    reports = house.service.use_cases.reports
    write_report(reports.no_shows(by="location"), "table", console)
    write_report(reports.reminder_costs(by="channel"), "table", console)
    narrator.chapter("Check list")
    judge(check(house), narrator)


def judge(checks: Sequence[Check], narrator: Narrator) -> None:
    """Print the check list; ``Unexpected`` names what did not hold."""
    for one in checks:
        narrator.promise(one.promise, one.found, kept=one.kept)
    broken = [one.promise for one in checks if not one.kept]
    if broken:
        raise Unexpected(f"This did not hold: {'; '.join(broken)}.")
