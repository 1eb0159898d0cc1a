"""What the scenarios of one run share: databases, the stand-in for Twilio, the peers that take part, the sheet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from benchmarks import stubtwilio
from benchmarks.brokers import Missing
from benchmarks.dispatching.clinic import Clinic
from benchmarks.dispatching.processes import Process
from benchmarks.dispatching.queues import Desk, Plan, Queue, TooSlow, chosen, open_desk
from benchmarks.dispatching.services import Services
from benchmarks.report import Sheet
from benchmarks.stubtwilio import Stub

#: Seconds between asking for a reminder "soon" and its due time: enough to store it and to start what sends it.
SOON = 2.0
#: How many times the usual time a peer gets to plan, when it was too slow before.
LEADS = (1, 3, 9)
T = TypeVar("T")


@dataclass(frozen=True)
class Effort:
    """How much of everything: see the scenarios. Times are seconds."""

    repetitions: int
    burst: int
    slow_burst: int
    dropped: int
    pending: int
    noop_peers: int
    crashes: int
    peer_crashes: int
    crash: int
    outage: float
    backlog: int
    planned: int
    peer_planned: int
    idle: float
    latency: float
    peer_patience: float
    snapshot: int


QUICK = Effort(
    repetitions=1, burst=3000, slow_burst=120, dropped=500, pending=200_000, noop_peers=3000, crashes=3,
    peer_crashes=1, crash=2000, outage=10, backlog=5000, planned=100_000, peer_planned=5000, idle=10, latency=10,
    peer_patience=20, snapshot=200_000,
)  # fmt: skip
THOROUGH = Effort(
    repetitions=3, burst=3000, slow_burst=300, dropped=500, pending=1_000_000, noop_peers=20_000, crashes=20,
    peer_crashes=3, crash=2000, outage=60, backlog=5000, planned=100_000, peer_planned=100_000, idle=40, latency=30,
    peer_patience=75, snapshot=200_000,
)  # fmt: skip


class Ground:
    """One run on one kind of database. Clinics are seeded when a scenario first wants one of that size."""

    def __init__(
        self, kind: str, effort: Effort, peers: Sequence[str], folder: Path, stack: ExitStack, tell: Callable[[str], None]
    ) -> None:  # fmt: skip
        self.kind, self.effort, self.folder, self.tell = kind, effort, folder, tell
        self.services = Services(kind, folder, stack)
        self.sheet = Sheet(f"Sending on {kind}")
        self._peers, self._stack = peers, stack
        self._clinics: list[Clinic] = []
        self._absent: set[str] = set()

    @cached_property
    def stub(self) -> Stub:
        """The stand-in, over plain HTTP."""
        return self._stack.enter_context(stubtwilio.running(self.folder))

    def twilio(self, latency: float, **faults: float) -> Stub:
        """The stand-in with an empty memory and this latency."""
        self.stub.faults(latency=latency, **faults)
        self.stub.reset()
        return self.stub

    def clinic(self, visits: int) -> Clinic:
        """A clinic with at least so many visits and nothing open. Never one much too large: what a scenario asks of a
        small clinic must not be made slow by a big one."""
        for one in self._clinics:
            if visits <= one.visits <= 10 * visits:
                one.withdraw()
                return one
        made = self.fresh_clinic(visits)
        self._clinics.append(made)
        return made

    def fresh_clinic(self, visits: int) -> Clinic:
        """A clinic of its own, for one who looks at sizes."""
        self.tell(f"seeding {visits:,} visits")
        made = Clinic(self.services.product("product"), visits)
        self._stack.callback(made.close)
        return made

    def queues(self, *some: Queue) -> list[Queue]:
        """Those that were asked for and can be had. One that cannot leaves a line on the sheet, once."""
        return [queue for queue in chosen(some, self._peers) if self._has(queue)]

    def _has(self, queue: Queue) -> bool:
        try:
            self.services.fresh(queue.service)
        except Missing as problem:
            if queue.service not in self._absent:
                self._absent.add(queue.service)
                self.sheet.note(f"{queue.peer} on {queue.service}", "", f"not measured: {problem}")
            return False
        return True

    def watch(
        self, queue: Queue, job: str, wanted: Plan, lead: float, look: Callable[[Process, float], T]
    ) -> T:  # fmt: skip
        """What ``look`` sees of a peer whose worker is up and has everything planned when the first falls due, which is
        ``look``'s second argument. On a slow machine again with more time."""
        for longer in LEADS:
            self.stub.reset()
            with (
                suppress(TooSlow),
                self.desk(queue, job) as desk,
                desk.working_before(wanted, lead * longer) as (process, due),
            ):
                return look(process, due)
        raise TooSlow(f"{queue.name} cannot plan {wanted.count:,} reminders in {lead * LEADS[-1]:.0f} s")

    @contextmanager
    def desk(self, queue: Queue, job: str) -> Iterator[Desk]:
        """A queue with an empty store, sending to our stand-in."""
        yield open_desk(queue, self.services, self.folder, job, self.stub.url.removeprefix("http://"))


def moment(seconds_from_now: float) -> datetime:
    """A due time; whole microseconds, as databases keep them."""
    return datetime.now(UTC) + timedelta(seconds=seconds_from_now)


def until(at: datetime) -> None:
    """Sleep until that moment."""
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
