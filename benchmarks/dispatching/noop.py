"""S2: dispatch from a large table of pending reminders into nothing, and the claim alone beside plain SQL."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from benchmarks import servers
from benchmarks.dispatching import inside, queues
from benchmarks.dispatching.ground import Ground, moment
from benchmarks.dispatching.inside import Seen
from benchmarks.dispatching.queues import Desk, Plan, Queue
from benchmarks.loadgen import Result
from benchmarks.report import median_rate
from benchmarks.stats import alternate

RATE = 12_000
OF_RAW_CLAIM, OF_RAW_CYCLE = 0.8, 0.2
#: How many times the peer's rate ours must be. Celery's threads are quicker here than its processes, dramatiq's default
#: than one process of 64 threads: each peer has its better way.
TIMES = {
    queues.CELERY_REDIS: 12, queues.CELERY_RABBITMQ: 5, queues.DRAMATIQ_DEFAULT: 2.5, queues.PROCRASTINATE: 20,
}  # fmt: skip
STALL = 15.0


def run(ground: Ground) -> None:
    """One dispatch of ours empties the table, so every repetition fills it again first."""
    effort, sheet = ground.effort, ground.sheet
    pending, claimed = effort.pending, effort.pending // 4
    raw_url = ground.services.product("raw")
    measures: dict[str, Callable[[], Result]] = {
        "product": lambda: _ours(ground, pending),
        "claim": lambda: _claims(ground, pending, claimed).result,
        "raw claim": lambda: inside.raw(raw_url, pending, claimed, "claim").result,
        "raw cycle": lambda: inside.raw(raw_url, pending, claimed, "cycle").result,
    }
    peers = {queue.name: queue for queue in ground.queues(*TIMES)}
    measures |= {name: _measure(ground, queue) for name, queue in peers.items()}
    seen = alternate(measures, effort.repetitions, lambda what: ground.tell(f"S2 no-op dispatch: {what}"))
    what, mine = f"S2 no-op dispatch of {pending:,} pending", seen["product"]
    sheet.at_least(what, median_rate(mine), RATE, "/s")
    sheet.note(
        "  processor time each", f"{statistics.median(one.cpu_seconds / one.count for one in mine) * 1e6:,.0f} µs"
    )
    sheet.ratio("  against raw claim + outcome", mine, "raw cycle", seen["raw cycle"], OF_RAW_CYCLE)
    for name, queue in peers.items():
        sheet.ratio("  against", mine, name, seen[name], TIMES[queue])
    sheet.ratio("S2 the claim alone, 100 at once", seen["claim"], "raw SKIP LOCKED", seen["raw claim"], OF_RAW_CLAIM)
    sheet.exactly("  sent of those pending", sorted({one.count for one in mine}), [pending])


def _ours(ground: Ground, pending: int) -> Result:
    clinic = ground.clinic(pending)
    clinic.settle()
    clinic.due(pending, moment(0))
    return inside.drain(clinic, "dispatch", pending).result


def _claims(ground: Ground, pending: int, count: int) -> Seen:
    clinic = ground.clinic(pending)
    clinic.settle()
    clinic.due(pending, moment(0))
    seen = inside.drain(clinic, "claim", count)
    clinic.withdraw()
    return seen


def _measure(ground: Ground, queue: Queue) -> Callable[[], Result]:
    return lambda: theirs(ground, queue, ground.effort.noop_peers)


def theirs(ground: Ground, queue: Queue, count: int) -> Result:
    """All jobs are waiting when the worker starts; counted from its first job to its last."""
    with ground.desk(queue, "tick") as desk:
        desk.plan(Plan(count))
        with desk.working() as process:
            return _watch(desk, count, process.check)


def _watch(desk: Desk, count: int, check: Callable[[], object]) -> Result:
    began, first, seen, moved = time.perf_counter(), 0, 0, time.perf_counter()
    while seen < count:
        now, ticks = time.perf_counter(), desk.ticks()
        if ticks != seen:
            if not seen:
                began, first = now, ticks
            seen, moved = ticks, now
        elif now - moved > STALL:
            raise servers.ServerError(f"{desk.queue.name}: {seen} of {count} jobs were run")
        check()
        time.sleep(0.005)
    return Result(max(1e-9, time.perf_counter() - began), count - first)
