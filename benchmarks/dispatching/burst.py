"""S1: thousands of reminders due at one instant, a provider that takes 100 ms, one process that sends."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import servers, stubtwilio
from benchmarks.dispatching import arrivals, queues
from benchmarks.dispatching.arrivals import Arrivals
from benchmarks.dispatching.ground import SOON, Ground, moment
from benchmarks.dispatching.processes import Process
from benchmarks.dispatching.queues import Plan, Queue
from benchmarks.dispatching.worker import working
from benchmarks.loadgen import Result
from benchmarks.report import median_rate
from benchmarks.stats import alternate
from benchmarks.stubtwilio import Stub

LATENCY = 0.1
SENDERS, SENDERS_TLS = 64, 128
IDEAL = Result(1.0, round(SENDERS / LATENCY))
OF_IDEAL = 0.9
TLS_RATE = 1000
STALL = 10.0
#: How many times the peer's rate ours must be; no entry: shown only.
TIMES = {
    queues.CELERY_DEFAULT: 25, queues.CELERY_REDIS: 1.5, queues.CELERY_RABBITMQ: 1.5, queues.DRAMATIQ: 1.1,
    queues.PROCRASTINATE: 1.5, queues.APSCHEDULER: 5.5,
}  # fmt: skip
WITH_SDK = (*TIMES, queues.APSCHEDULER_64)
BARE = (queues.CELERY_REDIS, queues.DRAMATIQ, queues.PROCRASTINATE)
SLOW = (queues.CELERY_DEFAULT, queues.APSCHEDULER)


def run(ground: Ground) -> None:
    """Everybody in turn, then what only we do."""
    ours = Ours(ground)
    measures: dict[str, Callable[[], Result]] = {"product": ours.burst}
    peers = {queue.name: queue for queue in ground.queues(*WITH_SDK)}
    bare = {f"{queue.name}, bare HTTP": queue for queue in ground.queues(*BARE)}
    measures |= {name: _measure(ground, queue, "sdk") for name, queue in peers.items()}
    measures |= {name: _measure(ground, queue, "bare") for name, queue in bare.items()}
    seen = alternate(measures, ground.effort.repetitions, lambda what: ground.tell(f"S1 burst: {what}"))
    sheet, mine = ground.sheet, seen["product"]
    what = f"S1 burst of {ground.effort.burst:,}, {LATENCY * 1000:.0f} ms, {SENDERS} senders"
    sheet.ratio(what, mine, f"ideal, {SENDERS} at once", [IDEAL], OF_IDEAL)
    for name, queue in (peers | bare).items():
        sheet.ratio("  against", mine, name, seen[name], TIMES.get(queue) if name in peers else None)
    dropped(ground)
    over_tls(ground, ours)
    all_once = Counter({(ours.count, 0): len(ours.counts)})
    sheet.exactly("  sent, repeated: times", dict(Counter(ours.counts)), dict(all_once))


class Ours:
    """The product's worker, burst after burst. ``counts`` has (sent, repeated) of each."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self.count = ground.effort.burst
        self.counts: list[tuple[int, int]] = []

    def burst(self, senders: int = SENDERS, stub: Stub | None = None, trust: Path | None = None) -> Result:
        """The rate from the due time until the last was answered."""
        clinic = self._ground.clinic(self.count)
        stub = stub or self._ground.twilio(LATENCY)
        stub.reset()
        with working(clinic, stub, self._ground.folder, senders, trust) as process:
            due = moment(SOON + self.count / 20_000)
            clinic.due(self.count, due)
            if moment(0) >= due:
                raise servers.ServerError("the reminders were due before they were stored")
            seen = arrivals.wait(stub, self.count, STALL + SOON, process.check)
        self.counts.append((seen.sent, seen.repeated))
        return seen.rate(due.timestamp(), LATENCY)


def _measure(ground: Ground, queue: Queue, job: str) -> Callable[[], Result]:
    count = ground.effort.slow_burst if queue in SLOW else ground.effort.burst
    return lambda: theirs(ground, queue, count, job).rate(None, LATENCY)


def theirs(ground: Ground, queue: Queue, count: int, job: str) -> Arrivals:
    """A peer, planned ahead and started before the due time. Its rate counts from its first request: in its favour."""
    stub = ground.twilio(LATENCY)

    def look(process: Process, due: float) -> Arrivals:
        return arrivals.wait(stub, count, STALL + due - time.time(), process.check)

    # Celery's worker reads everything that has an ETA into its memory first; give it the time
    return ground.watch(queue, job, Plan(count), 4 + count / 300, look)


def dropped(ground: Ground) -> None:
    """The job scheduler with its own defaults: what is a second late is not run at all."""
    count = ground.effort.dropped
    for queue in ground.queues(queues.APSCHEDULER_DEFAULT):
        ground.tell(f"S1 burst: {queue.name}")
        sent = theirs(ground, queue, count, "sdk").sent
        ground.sheet.note(f"  {queue.name}, of {count} due", "", f"{sent} sent, {count - sent} dropped")


def over_tls(ground: Ground, ours: Ours) -> None:
    """128 senders over TLS, beside bare threads that do nothing but send."""
    certificate = stubtwilio.certificate(ground.folder)
    with stubtwilio.running(ground.folder, tls=certificate, latency=LATENCY) as stub:
        measures = {
            "product over TLS": lambda: ours.burst(SENDERS_TLS, stub, certificate[0]),
            "bare threads over TLS": lambda: _bare(ground, stub, certificate[0]),
        }
        seen = alternate(measures, ground.effort.repetitions, lambda what: ground.tell(f"S1 burst: {what}"))
    mine = seen["product over TLS"]
    ground.sheet.at_least(f"S1 burst over TLS, {SENDERS_TLS} senders", median_rate(mine), TLS_RATE, "/s")
    ground.sheet.ratio("  against", mine, f"{SENDERS_TLS} bare threads", seen["bare threads over TLS"])


def _bare(ground: Ground, stub: Stub, trust: Path) -> Result:
    """http.client in 128 threads and nothing else, in a process of its own."""
    stub.reset()
    command = [sys.executable, "-m", "benchmarks.dispatching.barethreads", stub.url, str(trust)]
    sizes = [str(SENDERS_TLS), str(ground.effort.burst)]
    done = subprocess.run([*command, *sizes], cwd=servers.CHECKOUT, capture_output=True, text=True, check=True)
    return Result(float(json.loads(done.stdout)["seconds"]), ground.effort.burst)
