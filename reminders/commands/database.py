"""What a person at a terminal is told of a database that cannot be used, instead of a trace."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy.exc import DBAPIError

from reminders.errors import Conflict
from reminders.store import revision
from reminders.store.engine import Database

#: How the drivers say that a table or a column is missing.
_MISSING = ("no such table", "no such column", "UndefinedTable", "UndefinedColumn")
_BEHIND = "The database is not at the schema of this version: run `reminders migrate` first."


def explanation(problem: BaseException) -> str | None:
    """A sentence for a database that is not there or not up to date; ``None`` for anything else, whose trace is wanted."""
    if not isinstance(problem, DBAPIError):
        return None
    said = f"{type(problem.orig).__name__}: {problem.orig}"
    if any(words in said for words in _MISSING):
        return _BEHIND
    if problem.statement is None:  # no connection came about
        return f"The database at REMINDERS_DATABASE_URL cannot be opened: {str(problem.orig).strip().splitlines()[0]}"
    return None


def refuse_old(url: str) -> None:
    """``Conflict`` when migrations are missing: a process that starts all the same fails at everything it does. One that
    cannot reach its database waits for it, and a newer schema than its own is that of an update under way."""
    with closing(Database(url, pool_size=1)) as database:
        try:
            behind = revision.is_behind(database)
        except DBAPIError:
            return
    if behind:
        raise Conflict(_BEHIND)
