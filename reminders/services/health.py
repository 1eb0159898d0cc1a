"""Whether this installation can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from reminders.clock import Clock
from reminders.services.circuit import MAIL
from reminders.store import circuits, heartbeats, revision
from reminders.store.engine import Database

#: A worker beats every ten seconds; after this long without one, reminders are not going out.
_SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A provider that refuses our account as a whole. ``provider`` is ``messages`` or ``mail``; the account itself is not
    named, since probes need no key. ``error_code`` is the provider's own; it is asked again at ``retry_at``."""

    provider: str
    since: datetime
    retry_at: datetime
    error_code: int | None


@dataclass(frozen=True, slots=True)
class Condition:
    """``database``: answers and has the right schema. ``worker``: some worker's clock ticks. ``refused`` is no reason to
    take the service away from the desk, so it does not make it less ready."""

    database: bool
    worker: bool
    last_tick: datetime | None
    refused: tuple[Refusal, ...] = ()

    @property
    def ready(self) -> bool:
        return self.database and self.worker


class Health:
    """Asks the database rather than assuming."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def check(self) -> Condition:
        try:
            current = revision.is_current(self._database)
            with self._database.read() as tx:
                tick, refused = heartbeats.last(tx), _refused(tx)
        except SQLAlchemyError:
            return Condition(database=False, worker=False, last_tick=None)
        return Condition(current, tick is not None and self._clock.now() - tick < _SILENCE, tick, refused)

    def refused(self) -> tuple[Refusal, ...]:
        """Providers through which nothing can be sent at present."""
        with self._database.read() as tx:
            return _refused(tx)

    def statements(self) -> int:
        """SQL statements this process has sent."""
        return self._database.statements


def _refused(tx: Connection) -> tuple[Refusal, ...]:
    return tuple(
        Refusal("mail" if row.account == MAIL else "messages", row.opened_at, row.retry_at, row.error_code)
        for row in circuits.all_open(tx)
    )
