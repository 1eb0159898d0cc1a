"""S3: kill -9 in the middle of sending, start again, and count at the provider what was lost and what came twice."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import timedelta

from benchmarks.dispatching import arrivals, queues
from benchmarks.dispatching.arrivals import Arrivals
from benchmarks.dispatching.burst import LATENCY, SENDERS
from benchmarks.dispatching.clinic import Clinic
from benchmarks.dispatching.ground import SOON, Ground, moment
from benchmarks.dispatching.processes import Process
from benchmarks.dispatching.queues import Plan, Queue
from benchmarks.dispatching.worker import working
from benchmarks.stubtwilio import Stub

#: Short ones, so that twenty crashes fit into an afternoon; the default is a minute each.
LEASE, GRACE = 5, 5
PATIENT = timedelta(minutes=30)
_MARGIN = 5
PEERS = (queues.CELERY_REDIS, queues.CELERY_RABBITMQ, queues.DRAMATIQ, queues.PROCRASTINATE, queues.APSCHEDULER)


@dataclass(frozen=True)
class Crash:
    """One trial. ``before`` went out until the kill, ``repaired`` seconds after the new worker's first beat the last
    one was sent."""

    before: int
    lost: int
    repeated: int
    repaired: float


def run(ground: Ground) -> None:
    chance = random.Random()  # no seed: at a fixed phase a queue may look safe by luck
    sheet, effort = ground.sheet, ground.effort
    trials = []
    for n in range(effort.crashes):
        ground.tell(f"S3 kill -9: product ({n + 1} of {effort.crashes})")
        trials.append(_ours(ground, chance))
    judged = f"S3 kill -9 of {effort.crash:,}, {effort.crashes} times"
    sheet.exactly(f"{judged}: lost", sum(one.lost for one in trials), 0)
    sheet.exactly("  repeated", sum(one.repeated for one in trials), 0)
    sheet.at_most(
        "  last one sent after the worker is back", max(one.repaired for one in trials), LEASE + GRACE + _MARGIN, "s"
    )
    sheet.note("  sent before the kill", ", ".join(str(one.before) for one in trials))
    for queue in ground.queues(*PEERS):
        _judge_peer(ground, queue, chance)


def _judge_peer(ground: Ground, queue: Queue, chance: random.Random) -> None:
    effort, seen = ground.effort, []
    for n in range(effort.peer_crashes):
        ground.tell(f"S3 kill -9: {queue.name} ({n + 1} of {effort.peer_crashes})")
        seen.append(_theirs(ground, queue, chance))
    patience = f"not sent {effort.peer_patience:.0f} s after"
    lost, again = (", ".join(str(value) for value in values) for values in zip(*seen, strict=True))
    ground.sheet.note(f"  {queue.name}", "", f"{patience}: {lost}; repeated: {again}")


def _ours(ground: Ground, chance: random.Random) -> Crash:
    count = ground.effort.crash
    clinic, stub = ground.clinic(count), ground.twilio(LATENCY)
    settings = {"REMINDERS_LEASE_SECONDS": str(LEASE), "REMINDERS_GRACE_SECONDS": str(GRACE)}
    with working(clinic, stub, ground.folder, SENDERS, settings=settings) as process:
        due = moment(SOON)
        clinic.due(count, due, patience=PATIENT)
        _kill_at_random(stub, process, count, chance)
    before = stub.count()
    with working(clinic, stub, ground.folder, SENDERS, settings=settings) as process:
        back = time.time()
        _until_settled(clinic, process, LEASE + GRACE + 60)
    seen = Arrivals(stub.messages())
    last = seen.messages[-1].at if seen.messages else back
    return Crash(before, count - seen.sent, seen.repeated, max(0.0, last - back))


def _until_settled(clinic: Clinic, process: Process, stall: float) -> None:
    """Until every reminder has come to its end, or nothing changed for a long time."""
    still, moved = clinic.open(), time.monotonic()
    while still and time.monotonic() - moved < stall:
        process.check()
        time.sleep(0.5)
        if (now := clinic.open()) != still:
            still, moved = now, time.monotonic()


def _kill_at_random(stub: Stub, process: Process, count: int, chance: random.Random) -> None:
    """After the first arrival, at any moment of the time that the rest should take."""
    arrivals.wait(stub, 1, 30, process.check)
    time.sleep(chance.uniform(0.02, 0.95) * count * LATENCY / SENDERS)
    process.kill()


def _theirs(ground: Ground, queue: Queue, chance: random.Random) -> tuple[int, int]:
    """(how many never came, how many came again)."""
    count, stub = ground.effort.crash, ground.twilio(LATENCY)
    at_once = 10 if queue is queues.APSCHEDULER else SENDERS
    with ground.desk(queue, "bare") as desk:
        desk.plan(Plan(count))
        with desk.working() as process:
            arrivals.wait(stub, 1, 30, process.check)
            time.sleep(chance.uniform(0.05, 0.9) * count * LATENCY / at_once)
            process.kill()
        with desk.working() as process:
            seen = arrivals.wait(stub, 2 * count, ground.effort.peer_patience, process.check)
    return count - seen.sent, seen.repeated
