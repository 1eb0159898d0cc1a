"""Which reminders to one phone become one message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

#: More visits than this make a text nobody reads; the rest get a message of their own.
MOST = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reminder that goes out now, or could go out now because it is due soon (``is_early``).

    ``audience`` is what a common message needs in common: phone, language and who speaks. ``None`` stands alone.
    """

    number: int
    visit: int | None
    audience: Hashable | None
    start: datetime | None
    due_at: datetime
    is_early: bool


@dataclass(frozen=True, slots=True)
class Group:
    """One message: the reminder that carries it, those it speaks for, and those it makes needless (the same visit)."""

    leader: int
    carried: tuple[int, ...]
    needless: tuple[int, ...]


def combine(candidates: Sequence[Candidate]) -> tuple[list[Group], list[int]]:
    """(messages to send, early ones that wait for their own time). Nothing is in two places, nothing is dropped.

    Early reminders only join others that are due; a visit is named once in a message, by its latest due reminder.
    """
    together: dict[Hashable, list[Candidate]] = {}
    groups: list[Group] = []
    waiting: list[int] = []
    crowd = Counter(one.audience for one in candidates)
    for one in candidates:
        is_alone = crowd[one.audience] == 1 and not one.is_early
        if is_alone or one.audience is None or one.visit is None or one.start is None:
            groups.append(Group(one.number, (), ()))
        else:
            together.setdefault(one.audience, []).append(one)
    for members in together.values():
        due = [one for one in members if not one.is_early]
        known = {one.visit for one in due}
        early = [one for one in members if one.is_early]
        joining = _distinct([one for one in early if one.visit not in known]) if due else []
        joined = {one.number for one in joining}
        waiting += [one.number for one in early if one.number not in joined]
        groups += _messages([*due, *joining])
    return groups, waiting


def _distinct(members: Sequence[Candidate]) -> list[Candidate]:
    """The first of each visit."""
    return list({one.visit: one for one in reversed(members)}.values())


def _messages(members: Sequence[Candidate]) -> list[Group]:
    by_visit: dict[int | None, list[Candidate]] = {}
    for one in sorted(members, key=lambda one: (one.due_at, one.number)):
        by_visit.setdefault(one.visit, []).append(one)
    visits = sorted(by_visit.values(), key=lambda of: (of[-1].start, of[-1].number))
    return [_group(visits[first : first + MOST]) for first in range(0, len(visits), MOST)]


def _group(visits: Sequence[Sequence[Candidate]]) -> Group:
    leader, *carried = (of[-1].number for of in visits)
    return Group(leader, tuple(carried), tuple(one.number for of in visits for one in of[:-1]))
