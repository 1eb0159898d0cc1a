"""The worker: APScheduler is its clock, everything else is rows in the database.

Each job only asks "what is due?"; there is never one job per reminder, so nothing is lost when a process dies and a
clock that stood still catches up with its first tick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from reminders.clock import Clock, stopwatch
from reminders.services.catalogue import Catalogue
from reminders.services.effects import Effects
from reminders.services.reconciling import Reconciling
from reminders.services.sending import Sending
from reminders.store import heartbeats, keys
from reminders.store.engine import Database

log = structlog.get_logger()

TICK_SECONDS = 1.0
#: How often a worker writes down that it is alive; /readyz turns red when none did for a minute.
BEAT = timedelta(seconds=10)
_KEEP_KEYS = timedelta(days=2)
_KEEP_BEATS = timedelta(days=1)


class Worker:
    """One process's share of the work. Any number of them may run on one database."""

    def __init__(
        self, name: str, database: Database, clock: Clock, catalogue: Catalogue, sending: Sending,
        reconciling: Reconciling, effects: Effects, extras: Sequence[Callable[[], object]] = (),
    ) -> None:  # fmt: skip
        self._name = name
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._jobs: list[tuple[str, Callable[[], object]]] = [
            ("heartbeat", self._beat),
            ("catalogue", self._catalogue.refresh),
            ("sending", sending.run_due),
            ("reconciling", reconciling.run),
            ("effects", effects.run),
            *[(getattr(extra, "__qualname__", "extra"), extra) for extra in extras],
        ]
        self._beat_at: datetime | None = None
        self._scheduler = BackgroundScheduler(timezone="UTC")

    def start(self) -> None:
        """Tick until ``stop``; a tick that takes longer than its interval is followed by one, not by many."""
        self._scheduler.add_job(self.tick, "interval", seconds=TICK_SECONDS, max_instances=1, coalesce=True,
                                misfire_grace_time=None)  # fmt: skip
        self._scheduler.add_job(self.tidy, "interval", hours=1, max_instances=1, coalesce=True, misfire_grace_time=None)
        self._scheduler.start()

    def stop(self) -> None:
        """Finish the tick that runs, then return."""
        self._scheduler.shutdown(wait=True)

    def tick(self) -> None:
        """Do what is due. One job that fails does not keep the others from running."""
        for name, job in self._jobs:
            self._guarded(name, job)

    def tidy(self) -> None:
        """Forget what nobody needs any more."""
        now = self._clock.now()
        with self._database.write() as tx:
            keys.forget_before(tx, now - _KEEP_KEYS)
            heartbeats.forget_before(tx, now - _KEEP_BEATS)

    def _guarded(self, name: str, job: Callable[[], object]) -> None:
        began = stopwatch()
        try:
            job()
        except DBAPIError as problem:
            log.warning("worker.database", job=name, error=type(problem.orig).__name__)
        except Exception as problem:  # the edge: log what it was, never what it said
            log.error("worker.failed", job=name, error=type(problem).__name__, where=_where(problem))
        finally:
            taken = stopwatch() - began
            if taken > 10 * TICK_SECONDS:
                log.warning("worker.slow", job=name, seconds=round(taken, 1))

    def _beat(self) -> None:
        now = self._clock.now()
        if self._beat_at is not None and abs(now - self._beat_at) < BEAT:  # a clock may be set back
            return
        with self._database.write() as tx:
            heartbeats.beat(tx, self._name, now)
        self._beat_at = now


def _where(problem: BaseException) -> str:
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
