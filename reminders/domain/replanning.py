"""What an edited policy means for the reminders a visit already has: a pure comparison of what is with what should be.

A step is recognised by its offset, for that is what it means to a patient ("one day before"); its position in the list
is only where it is written down. What has been sent, or is being sent, stays and is not sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reminders.domain.delivery import UNSENT, Channel, Reason, State
from reminders.domain.plan import Planned, Step

#: Steps that the policy no longer has keep their reminders under numbers from here on, so that no number of the policy
#: means two things on one visit.
RETIRED = 1000

#: A step that was moved is still the same nudge when its lead time changed by less than this factor: whoever was
#: reminded a day before is not reminded again because the policy now says twenty hours.
_SAME_WITHIN = 2.0
_NO_LEAD = timedelta(seconds=1)

#: States of a reminder that has been handed to somebody, or whose time was used by a message that spoke for it.
_BEGUN = frozenset({State.CLAIMED, State.UNCERTAIN, State.SENT, State.DELIVERED, State.FAILED})
_SPOKEN_FOR = frozenset({Reason.COMBINED, Reason.REACHED})


@dataclass(frozen=True, slots=True)
class Existing:
    """One reminder that the visit has; ``number`` is its row."""

    number: int
    step: int
    channel: Channel
    state: State
    reason: Reason
    due_at: datetime
    not_after: datetime

    @property
    def begun(self) -> bool:
        return self.state in _BEGUN or self.reason in _SPOKEN_FOR

    @property
    def stopped(self) -> bool:
        """Left out because the patient said stop: comes back with a start, so its time has to be kept right."""
        return self.state is State.SUPPRESSED and self.reason is Reason.OPTED_OUT


@dataclass(slots=True)
class Difference:
    """What has to be written, by row number, and what is new.

    ``changed`` goes out at another time, ``retimed`` would if the patient allowed it again; ``withdrawn`` no longer goes
    out, ``ended`` would not even then.
    """

    renumbered: dict[int, int] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    changed: dict[int, Planned] = field(default_factory=dict)
    retimed: dict[int, Planned] = field(default_factory=dict)
    added: list[Planned] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(
            self.renumbered or self.withdrawn or self.ended or self.changed or self.retimed or self.added
        )  # fmt: skip

    @property
    def new_contacts(self) -> list[Planned]:
        """What will go out that would not have gone out, or not then."""
        return [item for item in (*self.changed.values(), *self.added) if item.state is State.PLANNED]

    @property
    def taken_back(self) -> int:
        return len(self.withdrawn) + len(self.changed)


@dataclass(frozen=True, slots=True)
class Pairing:
    """Where the steps of the old list are in the new one. ``same`` holds those that are still the same nudge."""

    to: Mapping[int, int]
    same: frozenset[int]


def pair(before: Sequence[Step], after: Sequence[Step]) -> Pairing:
    """Equal offsets first; of what is left, the nearest lead times, each step once."""
    to: dict[int, int] = {}
    for old, step in enumerate(before):
        equal = (new for new, other in enumerate(after) if other.offset == step.offset and new not in to.values())
        new = next(equal, None)
        if new is not None:
            to[old] = new
    same = set(to)
    left = [
        (_ratio(step, other), old, new)
        for old, step in enumerate(before) if old not in to
        for new, other in enumerate(after) if new not in to.values()
    ]  # fmt: skip
    for ratio, old, new in sorted(left):
        if old not in to and new not in to.values():
            to[old] = new
            same |= {old} if ratio < _SAME_WITHIN else set()
    return Pairing(to, frozenset(same))


def compare(
    existing: Sequence[Existing], before: Sequence[Step], after: Sequence[Step], planned: Sequence[Planned]
) -> Difference:
    """What to do so that the reminders of a visit follow ``after``, of which ``planned`` is the plan as of now.

    ``existing`` are the reminders of the visit's present plan; their step numbers are those of ``before``, or retired.
    """
    work = _Comparison(existing, pair(before, after), len(before), after)
    work.follow(planned)
    work.clear(planned)
    return work.finish()


class _Comparison:
    """Rows by their new place, and rows that lose theirs."""

    def __init__(
        self, existing: Sequence[Existing], pairing: Pairing, steps: int, after: Sequence[Step]
    ) -> None:  # fmt: skip
        self.difference = Difference()
        self.at: dict[tuple[int, Channel], Existing] = {}
        self.retired: list[Existing] = []
        self._after = after
        self._same = pairing.same
        # a step that has begun and is no longer the same nudge takes all its rows with it: the new one is another step
        over = {row.step for row in existing if row.begun and row.step < steps} - pairing.same
        for row in existing:
            place = pairing.to.get(row.step) if row.step < steps and row.step not in over else None
            if place is None:
                self._retire(row)
            else:
                self.at[place, row.channel] = row
        self._begun = {place for (place, _), row in self.at.items() if row.begun}

    def follow(self, planned: Sequence[Planned]) -> None:
        """Bring the steps that have not begun to their new times."""
        for item in planned:
            row = self.at.get((item.step, item.channel))
            if item.step in self._begun:
                continue
            if row is None:
                self._add(item)
            elif row.state is State.PLANNED or row.stopped:
                self._change(row, item)
            elif item.state is State.PLANNED:  # left out for a reason that no longer holds
                self._retire(self.at.pop((item.step, item.channel)))
                self.difference.added.append(item)

    def clear(self, planned: Sequence[Planned]) -> None:
        """Take back what the new list has no channel or no time for; what follows a first contact already made stays as
        long as its step still names the channel."""
        wanted = {(item.step, item.channel) for item in planned}
        for (place, channel), row in list(self.at.items()):
            named = channel in self._after[place].channels
            kept = named if place in self._begun else (place, channel) in wanted
            if not kept and (row.state in UNSENT or row.stopped):
                self._retire(self.at.pop((place, channel)))

    def finish(self) -> Difference:
        """Number every row by its new place; those that retire come after all that did before."""
        for (place, _), row in self.at.items():
            if row.step != place:
                self.difference.renumbered[row.number] = place
        free = max([RETIRED - 1, *(row.step for row in self.retired)]) + 1
        leaving = sorted((row for row in self.retired if row.step < RETIRED), key=lambda row: row.number)
        self.difference.renumbered |= {row.number: place for place, row in enumerate(leaving, free)}
        return self.difference

    def _retire(self, row: Existing) -> None:
        self.retired.append(row)
        if row.state in UNSENT:
            self.difference.withdrawn.append(row.number)
        elif row.stopped:
            self.difference.ended.append(row.number)

    def _add(self, item: Planned) -> None:
        """A step whose time had passed before it was thought of was never promised: there is nothing to say of it."""
        if item.state is State.PLANNED or item.reason is Reason.NO_ALLOWED_TIME:
            self.difference.added.append(item)

    def _change(self, row: Existing, item: Planned) -> None:
        """A reminder that was promised is not lost because its new time has passed: it keeps the old one. Where the new
        step is another nudge, the old one is taken back in its favour."""
        if item.state is State.SUPPRESSED and item.reason is not Reason.NO_ALLOWED_TIME:
            return
        if row.step not in self._same:
            self._retire(self.at.pop((item.step, item.channel)))
            self._add(item)
            return
        if (row.due_at, row.not_after) == (item.due_at, item.not_after) and item.state is State.PLANNED:
            return
        target = self.difference.retimed if row.stopped else self.difference.changed
        target[row.number] = item


def _ratio(step: Step, other: Step) -> float:
    one, two = (max(abs(item.offset.approximate), _NO_LEAD) for item in (step, other))
    return max(one / two, two / one)
