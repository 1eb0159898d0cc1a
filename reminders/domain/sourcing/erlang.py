"""How many people have to answer so that callers need not wait (A. K. Erlang 1917: the waiting system M/M/c).

Traffic is offered in erlangs: calls per second times seconds per call. Callers are assumed to wait and never to hang up,
so the numbers err on the safe side. Nothing here is money, so floats are exact enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, sqrt

#: Beyond this many erlangs (no clinic) nobody waits who is staffed for; the exact recursion would take long.
_LARGE = 1000.0


@dataclass(frozen=True, slots=True)
class Goal:
    """``answered`` (a share) of the calls within ``seconds``; nobody busier than ``occupancy`` (a share) on average."""

    answered: float = 0.8
    seconds: float = 20.0
    occupancy: float = 0.85


@dataclass(frozen=True, slots=True)
class Queue:
    """An hour of a queue: people answering, share of callers who wait, share answered in time, mean wait in seconds of
    all callers (average speed of answer), and how busy each person is."""

    agents: int
    waiting: float
    answered: float
    wait_seconds: float
    occupancy: float


def erlang_b(agents: int, load: float) -> float:
    """Share of callers who would find all ``agents`` busy if none could wait; ``load`` in erlangs.

    By the recursion B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)), which never leaves 0 to 1, unlike factorials.
    """
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(agents: int, load: float) -> float:
    """Share of callers who have to wait; 1 when there are not more agents than erlangs and the queue never ends."""
    if load <= 0:
        return 0.0
    if agents <= load:
        return 1.0
    blocked = erlang_b(agents, load)
    return blocked / (1 - load / agents * (1 - blocked))


def queue(agents: int, calls_per_hour: float, handle_seconds: float, within: float) -> Queue:
    """What callers meet when ``agents`` answer; ``within`` seconds counts as in time. With too few of them the wait is
    endless (infinity)."""
    load = calls_per_hour * handle_seconds / 3600
    waiting = erlang_c(agents, load)
    spare = agents - load
    if spare <= 0:
        return Queue(agents, waiting, 0.0, float("inf"), 1.0)
    late = waiting * exp(-spare * within / handle_seconds)
    return Queue(agents, waiting, 1 - late, waiting * handle_seconds / spare, load / agents)


def needed(calls_per_hour: float, handle_seconds: float, goal: Goal) -> Queue:
    """The fewest people with whom the goal is met, and what callers meet then."""
    load = calls_per_hour * handle_seconds / 3600
    agents = fewest(calls_per_hour, handle_seconds, goal)
    if load <= 0:
        return Queue(0, 0.0, 1.0, 0.0, 0.0)
    if load > _LARGE:
        return Queue(agents, 0.0, 1.0, 0.0, load / agents)
    return queue(agents, calls_per_hour, handle_seconds, goal.seconds)


def fewest(calls_per_hour: float, handle_seconds: float, goal: Goal) -> int:
    """How many people meet the goal. Beyond 1000 erlangs, three roots of the load are added to it instead
    (square-root staffing, Halfin and Whitt 1981), which leaves next to nobody waiting."""
    load = calls_per_hour * handle_seconds / 3600
    if load <= 0:
        return 0
    agents = max(int(load) + 1, ceil(load / goal.occupancy))
    if load > _LARGE:
        return max(agents, ceil(load + 3 * sqrt(load)))
    blocked, wanted, within = 1.0, goal.answered, goal.seconds
    for number in range(1, agents + 1):  # erlang_b and queue, written out: a simulation spends its time here
        blocked = load * blocked / (number + load * blocked)
    while 1 - blocked / (1 - load / agents * (1 - blocked)) * exp(-(agents - load) * within / handle_seconds) < wanted:
        agents += 1
        blocked = load * blocked / (agents + load * blocked)
    return agents


@dataclass(frozen=True, slots=True)
class Roster:
    """``seats``: the most people answering in one hour. ``paid``: full-time people to employ, absences included.
    ``answered`` and ``wait_seconds`` are means over all calls of the day."""

    seats: int
    paid: float
    answered: float
    wait_seconds: float
    occupancy: float


def roster(hourly_calls: Sequence[float], handle_seconds: float, goal: Goal, absence: float, shifts: float) -> Roster:
    """Who has to be there over a day with these ``hourly_calls``.

    ``absence`` (shrinkage) is the share of paid time in which nobody can answer: leave, illness, breaks, training.
    ``shifts`` is how many hours of answering one full-time person is paid for per working day of the clinic.
    """
    hours = [needed(calls, handle_seconds, goal) for calls in hourly_calls]
    calls = sum(hourly_calls)
    if calls <= 0:
        return Roster(0, 0.0, 1.0, 0.0, 0.0)
    pairs = list(zip(hourly_calls, hours, strict=True))
    return Roster(
        seats=max(hour.agents for hour in hours),
        paid=full_time([hour.agents for hour in hours], absence, shifts),
        answered=sum(weight * hour.answered for weight, hour in pairs) / calls,
        wait_seconds=sum(weight * hour.wait_seconds for weight, hour in pairs) / calls,
        occupancy=calls * handle_seconds / 3600 / sum(hour.agents for hour in hours),
    )


def full_time(present: Sequence[int], absence: float, shifts: float) -> float:
    """People to employ so that so many are ``present`` hour by hour; ``absence`` and ``shifts`` as in ``roster``."""
    return sum(present) / (1 - absence) / shifts
