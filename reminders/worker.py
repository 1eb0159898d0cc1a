"""The worker: APScheduler is its clock, everything else is rows in the database.

Each job only asks "what is due?"; there is never one job per reminder, so nothing is lost when a process dies and a
clock that stood still catches up with its first tick.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import DBAPIError

from reminders.clock import Clock, stopwatch
from reminders.services.catalogue import Catalogue
from reminders.services.checking import Checking
from reminders.services.circuit import Circuit
from reminders.services.effects import Effects
from reminders.services.reconciling import Reconciling
from reminders.services.sending import Sending
from reminders.store import heartbeats, keys, webhooks
from reminders.store.engine import Database

log = structlog.get_logger()

TICK_SECONDS = 1.0
#: How often a worker writes down that it is alive; /readyz turns red when none did for a minute.
BEAT = timedelta(seconds=10)
_KEEP_KEYS = timedelta(days=2)
_KEEP_BEATS = timedelta(days=1)
_KEEP_EVENTS = timedelta(days=30)


class Worker:
    """One process's share of the work. Any number of them may run on one database.

    ``ending`` is set when the process is to end: whatever takes long looks at it between two steps.
    """

    def __init__(
        self, name: str, database: Database, clock: Clock, catalogue: Catalogue, sending: Sending,
        reconciling: Reconciling, circuit: Circuit, checking: Checking, effects: Effects,
        extras: Sequence[Callable[[], object]] = (), slow: Sequence[Callable[[], object]] = (),
        couriers: Sequence[Callable[[], object]] = (), ending: threading.Event | None = None,
    ) -> None:  # fmt: skip
        self._name = name
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._sending = sending
        self._sweeps: list[tuple[str, Callable[[], object]]] = [
            ("heartbeat", self._beat),
            ("catalogue", self._catalogue.refresh),
            ("effects", effects.run),
            *[(getattr(extra, "__qualname__", "extra"), extra) for extra in extras],
        ]
        self._questions: list[tuple[str, Callable[[], object]]] = [
            ("circuit", circuit.probe),
            ("reconciling", reconciling.run),
            ("checking", checking.run),
        ]
        self._slow = [(getattr(job, "__qualname__", "slow"), job) for job in slow]
        self._couriers = [(getattr(job, "__qualname__", "courier"), job) for job in couriers]
        self._beat_at: datetime | None = None
        self._missed: dict[str, int] = {}
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._ending = ending or threading.Event()
        self._wakes = threading.Event()
        self._sender = threading.Thread(target=self._send_until_stopped, name="sending", daemon=True)
        self._listener = threading.Thread(target=self._listen_until_stopped, name="listening", daemon=True)

    def start(self) -> None:
        """Send and tick until ``stop``; a tick that takes longer than its interval is followed by one, not by many."""
        self._database.on_planned(self.wake)
        self._sender.start()
        self._listener.start()
        for job in (self.sweep, self.inquire, self.linger, self.deliver):
            self._scheduler.add_job(job, "interval", seconds=TICK_SECONDS, max_instances=1, coalesce=True,
                                    misfire_grace_time=None)  # fmt: skip
        self._scheduler.add_job(self.tidy, "interval", hours=1, max_instances=1, coalesce=True, misfire_grace_time=None)
        self._scheduler.start()

    def stop(self) -> None:
        """Finish the step that is under way, then return."""
        self._ending.set()
        self._sending.stop()
        self._wakes.set()
        self._scheduler.shutdown(wait=True)
        self._sender.join()
        self._listener.join()

    def wake(self) -> None:
        """Something may have become due: do not sleep on."""
        self._wakes.set()

    def tick(self) -> None:
        """Do everything that is due once: for tests, rehearsals and the demonstration."""
        self._guarded("catalogue", self._catalogue.refresh)
        self._guarded("sending", self._sending.run_due)
        for jobs in (self.inquire, self.sweep, self.linger, self.deliver):
            jobs()

    def sweep(self) -> None:
        """What nobody outside is needed for. One job that fails does not keep the others from running."""
        self._each(self._sweeps)

    def inquire(self) -> None:
        """What the provider is asked: apart from the sweep, so that one that answers slowly holds up no sign of life."""
        self._each(self._questions)

    def linger(self) -> None:
        """What waits for other people's servers."""
        self._each(self._slow)

    def deliver(self) -> None:
        """What others are told of changes here: apart from ``linger``, whose first import of a big system takes long."""
        self._each(self._couriers)

    def _each(self, jobs: Sequence[tuple[str, Callable[[], object]]]) -> None:
        for name, job in jobs:
            if not self._ending.is_set():
                self._guarded(name, job)

    def _send_until_stopped(self) -> None:
        """Sending has a thread of its own, which sleeps until the next reminder is due or something new was planned: a
        clock that ticks once a second would be late by half of one on average, and slow sweeps would hold it up."""
        while not self._ending.is_set():
            self._wakes.clear()
            if not self._guarded("sending", self._sending.run_due):
                self._ending.wait(TICK_SECONDS)  # whatever is wrong, asking again at once mends nothing
                continue
            self._wakes.wait(min(TICK_SECONDS, self._sending.idle_for().total_seconds()))

    def _listen_until_stopped(self) -> None:
        """Other processes' plans wake this one, too; again from the beginning when the connection was lost."""
        while not self._ending.is_set():
            self._guarded("listening", lambda: self._database.listen(self.wake, self._ending), lasts=True)
            self._ending.wait(TICK_SECONDS)
            if self._database.is_sqlite:
                return

    def tidy(self) -> None:
        """Forget what nobody needs any more."""
        now = self._clock.now()
        with self._database.write() as tx:
            keys.forget_before(tx, now - _KEEP_KEYS)
            heartbeats.forget_before(tx, now - _KEEP_BEATS)
            webhooks.forget_before(tx, now - _KEEP_EVENTS)

    def _guarded(self, name: str, job: Callable[[], object], *, lasts: bool = False) -> bool:
        """Run a job, whatever becomes of it; False when it failed. A database that stays away is told of once a job, and
        again when it is back."""
        began = stopwatch()
        try:
            job()
        except DBAPIError as problem:
            if name not in self._missed:
                log.warning("worker.database", job=name, error=type(problem.orig).__name__)
            self._missed[name] = self._missed.get(name, 0) + 1
        except Exception as problem:  # the edge: log what it was, never what it said
            log.error("worker.failed", job=name, error=type(problem).__name__, where=_where(problem))
        else:
            if missed := self._missed.pop(name, 0):
                log.info("worker.database_back", job=name, failures=missed)
            return True
        finally:
            taken = stopwatch() - began
            if taken > 10 * TICK_SECONDS and not lasts:
                log.warning("worker.slow", job=name, seconds=round(taken, 1))
        return False

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
