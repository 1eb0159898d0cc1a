"""S4: nothing runs for a minute while thousands fall due; then one worker starts and catches up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from benchmarks.dispatching import arrivals, queues
from benchmarks.dispatching.arrivals import Arrivals
from benchmarks.dispatching.burst import LATENCY, SENDERS, STALL, Ours
from benchmarks.dispatching.ground import SOON, Ground, moment, until
from benchmarks.dispatching.queues import Plan
from benchmarks.dispatching.worker import working

OF_BURST = 0.9
#: One in so many has a deadline within the outage: it must be marked as missed, not sent late and not forgotten.
TIGHT_EVERY = 10
_PATIENCE = timedelta(minutes=30)
#: How far out of order an arrival may be: a batch claimed at once, and what is under way.
ORDER = 100 + SENDERS


def run(ground: Ground) -> None:
    sheet, effort = ground.sheet, ground.effort
    ground.tell("S4 outage: a burst for comparison")
    burst = Ours(ground).burst()
    ground.tell(f"S4 outage: {effort.backlog:,} fall due within {effort.outage:.0f} s and nobody is there")
    first = moment(SOON)
    step = timedelta(seconds=effort.outage / effort.backlog)
    seen, states = _ours(ground, first, step)
    tight = effort.backlog // TIGHT_EVERY
    expected = effort.backlog - tight
    what = f"S4 {effort.outage:.0f} s outage with {effort.backlog:,} due"
    sheet.exactly(f"{what}: sent, repeated", (seen.sent, seen.repeated), (expected, 0))
    sheet.exactly("  marked as missed, still open", states, (tight, 0))
    due_order = sorted(range(effort.backlog), key=lambda n: first + step * n)
    sheet.at_most("  places out of order, at most", disorder(seen, due_order), ORDER, "")
    sheet.ratio("  catching up", [seen.rate(None, LATENCY)], "our burst", [burst], OF_BURST)
    _theirs(ground)


def _ours(ground: Ground, first: datetime, step: timedelta) -> tuple[Arrivals, tuple[int, int]]:
    """(what arrived, (missed, open))."""
    count = ground.effort.backlog
    clinic, stub = ground.clinic(count), ground.twilio(LATENCY)
    clinic.due(count, first, step, _PATIENCE)
    clinic.tighten(TIGHT_EVERY, timedelta(seconds=1))
    until(first + step * count + timedelta(seconds=1.5))
    with working(clinic, stub, ground.folder, SENDERS) as process:
        seen = arrivals.wait(stub, count - count // TIGHT_EVERY, STALL, process.check)
        time.sleep(1)
    states = clinic.states()
    return Arrivals(stub.messages()) if stub.count() != len(seen.messages) else seen, (states["missed"], clinic.open())


def disorder(seen: Arrivals, due_order: Sequence[int]) -> int:
    """By how many places any reminder arrived earlier or later than its due time would have it, among those sent."""
    sent = [arrivals.number(one.to) for one in seen.messages]
    rank = {n: place for place, n in enumerate(n for n in due_order if n in set(sent))}
    return max((abs(rank[n] - place) for place, n in enumerate(sent)), default=0)


def _theirs(ground: Ground) -> None:
    """The job scheduler with its own defaults, after five seconds."""
    count = ground.effort.dropped
    for queue in ground.queues(queues.APSCHEDULER_DEFAULT):
        ground.tell(f"S4 outage: {queue.name}")
        stub = ground.twilio(LATENCY)
        with ground.desk(queue, "bare") as desk:
            desk.plan(Plan(count, time.time() + count / 200, 0.0))
            time.sleep(count / 200 + 5)
            with desk.working() as process:
                sent = arrivals.wait(stub, count, 5, process.check).sent
        ground.sheet.note(f"  {queue.name}, {count} due 5 s before", "", f"{sent} sent, {count - sent} dropped")
