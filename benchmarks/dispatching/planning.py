"""S5: a hundred thousand reminders planned for later: how fast, how large, and what a waiting worker costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import brokers
from benchmarks.dispatching import inside, queues
from benchmarks.dispatching.ground import Ground
from benchmarks.dispatching.processes import idle_cost, settled
from benchmarks.dispatching.queues import Plan, Queue
from benchmarks.dispatching.worker import working
from benchmarks.loadgen import Result
from benchmarks.report import median_rate
from benchmarks.stats import alternate

RATE, IDLE_MB, IDLE_CPU, STORED_MB = 50_000, 100, 1.0, 25
PER = 100_000
TIMES = {queues.CELERY_REDIS: 25, queues.PROCRASTINATE: 5, queues.APSCHEDULER: 50}
TOMORROW = timedelta(days=1).total_seconds()


@dataclass
class Costs:
    """What an idle worker costs: the last trial's megabytes, share of one processor, and megabytes of its store; and the
    seconds of processor time until it rests, which are spent once."""

    memory: float = 0.0
    cpu: float = 0.0
    start: float = 0.0
    stored: float | None = None


def run(ground: Ground) -> None:
    ours, apart = Costs(), list[float]()
    measures: dict[str, Callable[[], Result]] = {"product": lambda: _ours(ground, ours, apart)}
    peers = {queue.name: (queue, Costs()) for queue in ground.queues(*TIMES)}
    measures |= {name: _measure(ground, queue, costs) for name, (queue, costs) in peers.items()}
    seen = alternate(measures, ground.effort.repetitions, lambda what: ground.tell(f"S5 planning ahead: {what}"))
    sheet, mine = ground.sheet, seen["product"]
    sheet.at_least(f"S5 plan {ground.effort.planned:,} reminders ahead, store", median_rate(mine), RATE, "/s")
    sheet.note("  the calculation before it", f"{statistics.median(apart):,.0f}/s")
    for name, (queue, costs) in peers.items():
        sheet.ratio("  against", mine, name, seen[name], TIMES[queue])
        sheet.note(
            f"  idle, {ground.effort.peer_planned:,} planned", "",
            f"{name}: {costs.memory:.0f} MB, {costs.cpu:.1f} % CPU{_stored(costs)}",
        )  # fmt: skip
    sheet.at_most("  idle worker, memory", ours.memory, IDLE_MB, "MB")
    sheet.at_most("  idle worker, processor", ours.cpu, IDLE_CPU, "%")
    sheet.note("  its start, processor time", f"{ours.start:.1f} s")
    sheet.at_most(f"  stored, per {PER:,}", ours.stored or 0.0, STORED_MB, "MB")


def _stored(costs: Costs) -> str:
    return "" if costs.stored is None else f", store {costs.stored:.0f} MB"


def _ours(ground: Ground, costs: Costs, apart: list[float]) -> Result:
    """Into tables that hold the visits and nothing else; a clinic of its own each time."""
    count = ground.effort.planned
    clinic = ground.fresh_clinic(count)
    before = clinic.bytes()
    seen = inside.drain(clinic, "plan", count)
    costs.stored = (clinic.bytes() - before) / 1e6 * PER / seen.count
    apart.append(seen.count / seen.planning)
    clinic.analyse()
    with working(clinic, ground.twilio(0.0), ground.folder) as process:
        costs.start = settled(process)
        costs.memory, share = idle_cost(process, ground.effort.idle)
        costs.cpu = share * 100
    return seen.result


def _measure(ground: Ground, queue: Queue, costs: Costs) -> Callable[[], Result]:
    return lambda: _theirs(ground, queue, costs)


def _theirs(ground: Ground, queue: Queue, costs: Costs) -> Result:
    count = ground.effort.peer_planned
    with ground.desk(queue, "bare") as desk:
        seconds = desk.plan(Plan(count, time.time() + TOMORROW))
        with desk.working() as process:
            costs.memory, share = idle_cost(process, ground.effort.idle)
            costs.cpu = share * 100
        if queue.service == "redis":
            costs.stored = brokers.used_memory(desk.url) / 1e6
    return Result(seconds, count)
