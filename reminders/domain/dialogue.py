"""Numbered questions to a phone: what kinds there are, how long an answer counts, and which times are offered."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum

from reminders.domain.delivery import Channel


class Kind(StrEnum):
    """``WHICH`` visit is meant; is the patient ``SURE`` about cancelling; which of several ``TIMES`` is wanted."""

    WHICH = "which"
    SURE = "sure"
    TIMES = "times"


#: How long a number is an answer to the question. Times are held for the patient meanwhile, so they are given back soon.
LASTS: Mapping[Kind, timedelta] = {
    Kind.WHICH: timedelta(hours=12),
    Kind.SURE: timedelta(hours=12),
    Kind.TIMES: timedelta(minutes=30),
}

#: On a call the answer comes at once. Three times in vain take less than this.
_ON_A_CALL = timedelta(minutes=10)


def lasts(kind: Kind, channel: str) -> timedelta:
    """How long a question of this kind may be answered on this channel."""
    return min(_ON_A_CALL, LASTS[kind]) if channel == Channel.VOICE else LASTS[kind]


#: How many times are offered.
OFFERED = 3
#: How many visits one question names; more fit into no message.
MOST_VISITS = 6


def spread(starts: Sequence[int], near: int, part_of_day: Callable[[int], Hashable], count: int = OFFERED) -> list[int]:
    """The ``count`` starts nearest to ``near``, at most one per part of a day as long as there are enough parts: three
    times in a row are no choice for somebody who cannot come that morning. In order of time; epoch seconds."""
    ranked = sorted(starts, key=lambda start: (abs(start - near), start))
    first, rest, seen = list[int](), list[int](), set[Hashable]()
    for start in ranked:
        part = part_of_day(start)
        (rest if part in seen else first).append(start)
        seen.add(part)
    return sorted([*first, *rest][:count])


def short_names(names: Sequence[str]) -> list[str]:
    """First names, where they tell the people apart; else whole names."""
    firsts = {name: (name.split() or [""])[0] for name in names}
    return [firsts[name] if len(set(firsts.values())) == len(firsts) else name for name in names]
