"""S6: from the moment a reminder is due until its request arrives, a hundred a second, provider instant."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks import servers
from benchmarks.dispatching import arrivals, queues
from benchmarks.dispatching.ground import SOON, Ground, moment
from benchmarks.dispatching.processes import Process
from benchmarks.dispatching.queues import Plan, Queue
from benchmarks.dispatching.worker import working
from benchmarks.loadgen import Result
from benchmarks.report import Sheet, median_ms
from benchmarks.stats import alternate

A_SECOND = 100
STEP = 1 / A_SECOND
P50_MS, P99_MS = 20, 100
#: How many times shorter our median must be.
TIMES = {queues.DRAMATIQ: 10, queues.PROCRASTINATE: 50}
PEERS = (queues.CELERY_REDIS, *TIMES)
STALL = 10.0


def run(ground: Ground) -> None:
    measures: dict[str, Callable[[], Result]] = {"product": lambda: _ours(ground)}
    peers = {queue.name: queue for queue in ground.queues(*PEERS)}
    measures |= {name: _measure(ground, queue) for name, queue in peers.items()}
    seen = alternate(measures, ground.effort.repetitions, lambda what: ground.tell(f"S6 latency: {what}"))
    sheet, mine = ground.sheet, seen["product"]
    for share, limit in ((0.5, P50_MS), (0.99, P99_MS)):
        name = f"S6 due to sent at {A_SECOND}/s, p{share * 100:.0f}"
        sheet.at_most(name, median_ms(mine, share), limit, "ms")
    for name, queue in peers.items():
        _shorter(sheet, median_ms(mine, 0.5), name, seen[name], TIMES.get(queue))


def _shorter(sheet: Sheet, ours: float, name: str, theirs: list[Result], target: float | None) -> None:
    their50, their99 = (median_ms(theirs, share) for share in (0.5, 0.99))
    sheet.quotient("  against", f"p50 {ours:,.1f} ms", f"{name} p50 {their50:,.1f} p99 {their99:,.0f} ms",
                   their50 / ours, target)  # fmt: skip


def _measure(ground: Ground, queue: Queue) -> Callable[[], Result]:
    return lambda: _theirs(ground, queue)


def _ours(ground: Ground) -> Result:
    count = round(ground.effort.latency * A_SECOND)
    clinic, stub = ground.clinic(count), ground.twilio(0.0)
    with working(clinic, stub, ground.folder) as process:
        first = moment(SOON)
        clinic.due(count, first, timedelta(seconds=STEP))
        seen = arrivals.wait(stub, count, STALL, process.check)
    if (seen.sent, seen.repeated) != (count, 0):
        raise servers.ServerError(f"{count} were due, {seen.sent} went out, {seen.repeated} of them again")
    return seen.latencies(lambda to: first.timestamp() + arrivals.number(to) * STEP)


def _theirs(ground: Ground, queue: Queue) -> Result:
    count, stub = round(ground.effort.latency * A_SECOND), ground.twilio(0.0)

    def look(process: Process, due: float) -> Result:
        seen = arrivals.wait(stub, count, STALL + due - time.time(), process.check)
        return seen.latencies(lambda to: due + arrivals.number(to) * STEP)

    return ground.watch(queue, "bare", Plan(count, step=STEP), 4 + count / 200, look)
