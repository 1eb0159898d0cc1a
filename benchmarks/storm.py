"""One run of reminders through everything that goes wrong: workers killed at random, a provider that hangs up, refuses
and repeats itself, a database that restarts in the middle. And the count afterwards, made at the provider's side."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import case, func, select

from benchmarks import due, servers, stubtwilio
from benchmarks.due import Due
from benchmarks.nursery import Nursery, nursery
from benchmarks.product import CLI
from benchmarks.stubtwilio import Stub
from benchmarks.tally import OPEN, Outcome, Row
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import Message, Reminder

_BEFORE_THE_FIRST = 1.5
_TICK, _LOOK = 0.02, 0.5
_MOST_FALLEN = 50
WORKER = "benchmarks.ready:main"


@dataclass(frozen=True)
class Storm:
    """What is done to the product. Times are seconds. ``faults`` are fields of the stand-in's behaviour; ``limit``
    bounds the wait for quiet after the last reminder fell due. ``senders`` is the number of threads per worker. ``freeze``
    is the share of victims that are not killed but stopped for longer than their leases and then let go."""

    reminders: int
    spread: float
    workers: int
    seed: int
    faults: Mapping[str, Any] = field(default_factory=dict)
    kill_every: float = 1.0
    freeze: float = 0.0
    restart_database: bool = True
    lease: int = 3
    grace: int = 1
    senders: int = 16
    patience: float = 900.0
    tight_every: int = 10
    tight: float = 10.0
    limit: float = 240.0


class Target:
    """A fresh database of one kind, with the schema in place."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack) -> None:
        self._server = stack.enter_context(servers.postgresql()) if kind == "postgresql" else None
        if self._server is None:
            self.url = f"sqlite:///{folder / 'storm.db'}"
        else:
            self.url = servers.create_database(self._server, "storm", driver="psycopg")
        database = Database(self.url, pool_size=1)
        schema.migrate(database)
        database.close()

    @property
    def can_restart(self) -> bool:
        return self._server is not None

    def restart(self) -> None:
        """What an administrator does: every connection is cut, and for a moment there is nothing to connect to."""
        server = self._server
        if server is None:
            return
        control = [str(server.bin_path / "pg_ctl"), "-D", str(server.pgdata)]
        restart = [*control, "-w", "-m", "fast", "-l", str(server.log), "restart"]
        subprocess.run(restart, check=True, stdout=subprocess.DEVNULL, user=server.system_user)
        before = server.get_postmaster_info()
        server._postmaster_info = type(before).read_from_pgdata(server.pgdata)  # else it would not be stopped


def rage(
    storm: Storm,
    kind: str,
    folder: Path,
    tell: Callable[[str, int], None] = lambda _text, _count: None,
    entry: str = WORKER,
) -> Outcome:
    """Run it on ``sqlite`` or ``postgresql``. ``entry`` (``module:function``) is what the workers run, with the argument
    ``worker``; ``tell`` is given what is happening and how many messages the provider has."""
    with ExitStack() as stack:
        tell("starting", 0)
        target = Target(kind, folder, stack)
        behaviour = {"callbacks": True, "latency": 0.1, "seed": storm.seed} | dict(storm.faults)
        stub = stack.enter_context(stubtwilio.running(folder, **behaviour))
        port = servers.free_port()
        env = _environment(storm, target.url, port) | stub.settings()
        command = [str(CLI), "web", "--port", str(port)]
        workers = stack.enter_context(nursery(entry, env, folder / "workers.log"))
        if behaviour["callbacks"]:
            stack.enter_context(servers.serve(command, port, folder / "web.log", env, folder))
        pids = [workers.start("worker") for _ in range(storm.workers)]
        begin = datetime.now(UTC) + timedelta(seconds=_BEFORE_THE_FIRST)
        some = due.spread(
            storm.reminders, begin, timedelta(seconds=storm.spread), timedelta(seconds=storm.patience),
            storm.tight_every, timedelta(seconds=storm.tight),
        )  # fmt: skip
        due.store(target.url, some)
        return _Run(storm, target, stub, workers, pids, some, tell).finish(begin.timestamp())


class _Run:
    """The time between the first reminder and quiet."""

    def __init__(
        self, storm: Storm, target: Target, stub: Stub, workers: Nursery, pids: list[int], some: list[Due],
        tell: Callable[[str, int], None],
    ) -> None:  # fmt: skip
        self._storm, self._target, self._stub, self._workers = storm, target, stub, workers
        self._pids, self._due, self._tell = pids, some, tell
        self._random = random.Random(storm.seed)
        self._kills = self._freezes = self._fallen = 0
        self._frozen: dict[int, float] = {}
        self._database = Database(target.url, pool_size=1)

    def finish(self, begin: float) -> Outcome:
        storm, end = self._storm, begin + self._storm.spread
        with self._restarting(begin + storm.spread * self._random.uniform(0.4, 0.6)):
            for moment in self._moments(begin):
                self._until(moment, "storm")
                self._strike()
            self._until(end, "storm")
        quiet = self._wait_for_quiet(end + storm.limit)
        if (killed := self._workers.stop()) > 0:
            raise servers.ServerError(f"{killed} workers did not end when asked to")
        rows = self._rows()
        self._database.close()
        return Outcome(
            self._due, self._stub.messages(), rows, self._kills, self._freezes, self._fallen,
            None if quiet is None else quiet - end, self._stub.state(),
        )  # fmt: skip

    def _moments(self, begin: float) -> Iterator[float]:
        """When a worker dies: once in every interval, anywhere in it."""
        every = self._storm.kill_every
        if every > 0:
            for number in range(int(self._storm.spread / every)):
                yield begin + (number + self._random.random()) * every

    def _strike(self) -> None:
        """Kill one of the workers, or let it freeze; not one that is frozen already."""
        pid = self._random.choice(self._pids)
        freezes = self._random.random() < self._storm.freeze
        if pid in self._frozen:
            return
        if freezes:
            self._freezes += self._workers.freeze(pid)
            self._frozen[pid] = time.time() + self._storm.lease + self._storm.grace + 1.5
            return
        self._kills += self._workers.kill(pid)
        self._pids[self._pids.index(pid)] = self._workers.start("worker")

    def _thaw(self, now: float) -> None:
        for pid in [pid for pid, until in self._frozen.items() if until <= now]:
            self._workers.thaw(pid)
            del self._frozen[pid]

    def _until(self, moment: float, doing: str) -> None:
        """Wait, and do what a supervisor does: start again whoever ended by himself."""
        look = time.time()
        while (now := time.time()) < moment:
            if now >= look:
                look = now + _LOOK
                self._tell(doing, self._stub.count())
                self._revive()
                self._thaw(now)
            time.sleep(min(_TICK, max(0.0, moment - now)))

    def _revive(self) -> None:
        for pid in self._workers.ended():
            self._fallen += 1
            self._pids[self._pids.index(pid)] = self._workers.start("worker")
        if self._fallen > _MOST_FALLEN:
            raise servers.ServerError(f"workers end by themselves, again and again:\n{self._workers.tail()}")

    @contextmanager
    def _restarting(self, moment: float) -> Iterator[None]:
        """The database restarts beside everything else."""

        def restart() -> None:
            time.sleep(max(0.0, moment - time.time()))
            self._target.restart()

        thread = threading.Thread(target=restart if self._storm.restart_database else lambda: None)
        thread.start()
        try:
            yield
        finally:
            thread.join()

    def _wait_for_quiet(self, last: float) -> float | None:
        """The moment from which on nothing was left to do, once it has lasted longer than anything that could still
        come of a lease; None when it never was so before ``last``."""
        calm = self._storm.lease + self._storm.grace + 2.0
        since, seen = time.time(), -1
        while (now := time.time()) < last:
            left, count = self._left(), self._stub.count()
            if left or self._frozen or count != seen:
                since, seen = now, count
            elif now - since > calm:
                return since
            self._until(now + _LOOK, f"waiting for {left} reminders" if left else "making sure")
        return None

    def _left(self) -> int:
        with self._database.read() as tx:
            query = select(func.count()).select_from(Reminder).where(Reminder.state.in_(sorted(OPEN)))
            return int(tx.execute(query).scalar_one()) + int(self._stub.state()["callbacks"]["pending"])

    def _rows(self) -> dict[str, Row]:
        unsure = func.sum(case((Message.state == "uncertain", 1), else_=0))
        query = (
            select(Reminder.uid, Reminder.state, Reminder.reason, func.max(Message.provider_sid), unsure)
            .join_from(Reminder, Message, Message.reminder_id == Reminder.id, isouter=True)
            .group_by(Reminder.uid, Reminder.state, Reminder.reason)
        )
        with self._database.read() as tx:
            return {uid: Row(*values) for uid, *values in tx.execute(query)}


def _environment(storm: Storm, url: str, port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REMINDERS_", "TWILIO_"))}
    return kept | {
        "REMINDERS_DATABASE_URL": url,
        "REMINDERS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "REMINDERS_SECRET_KEY": "only-for-measurements",
        "REMINDERS_SENDERS": str(storm.senders),
        "REMINDERS_LEASE_SECONDS": str(storm.lease),
        "REMINDERS_GRACE_SECONDS": str(storm.grace),
        "TWILIO_MESSAGES_PER_SECOND": "100000",
        "TWILIO_CALLS_PER_SECOND": "100000",
    }
