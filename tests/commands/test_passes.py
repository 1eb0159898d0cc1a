"""`reminders sync`: a line for each connection, and below it what went wrong."""

from __future__ import annotations

import io

from rich.console import Console

from reminders.commands.passes import sync
from reminders.domain.connector import LoginRefused
from tests.crm_house import Practice, practice


def printed(here: Practice, wanted: str | None, *, now: bool = False) -> tuple[bool, list[list[str]], str]:
    """Whether all went well, the cells of each line of the table, and what stands below."""
    out = io.StringIO()
    good = sync(here.house.service, Console(file=out, width=200), wanted, now=now, full=False)
    lines = out.getvalue().splitlines()
    cells = [[one.strip() for one in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return good, cells, lines[-1]


def test_what_a_pass_did_and_why_one_does_not_run(sqlite_database_url: str) -> None:
    with practice(sqlite_database_url, connected=False) as here:
        assert printed(here, None, now=True)[2] == "There are no connections."
        here.connect(start=False)
        good, cells, last = printed(here, here.connection)
        assert (good, cells[-1][:2]) == (True, ["In memory", "held"])
        assert last == "In memory: Look at the preview of the first import, then let it begin."
        here.preview()
        here.change(paused=False)
        good, cells, last = printed(here, here.connection)
        assert (good, cells[-1]) == (True, ["In memory", "ok", "0", "0", "1", "0", "0"])
        assert last.startswith("└")
        here.crm.failures = [LoginRefused()]
        good, cells, last = printed(here, None, now=True)
        assert (good, cells[-1][1], last) == (False, "login_refused", f"In memory: {LoginRefused.sentence}")
        assert printed(here, "con_none")[::2] == (False, "There is no such connection.")
        assert printed(here, None)[2] == "0 passes were due."
