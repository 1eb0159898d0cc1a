"""Whether this installation can do its work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from reminders.clock import Clock
from reminders.store import heartbeats, schema
from reminders.store.engine import Database

#: A worker beats every ten seconds; after this long without one, reminders are not going out.
_SILENCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Condition:
    """``database``: answers and has the right schema. ``worker``: some worker's clock ticks."""

    database: bool
    worker: bool
    last_tick: datetime | None

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
            current = schema.is_current(self._database)
            with self._database.read() as tx:
                tick = heartbeats.last(tx)
        except SQLAlchemyError:
            return Condition(database=False, worker=False, last_tick=None)
        return Condition(current, tick is not None and self._clock.now() - tick < _SILENCE, tick)

    def statements(self) -> int:
        """SQL statements this process has sent."""
        return self._database.statements
