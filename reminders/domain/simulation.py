"""A rehearsal: what would go out within a span of time, what would not and why, and what two plans differ in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from heapq import heappop, heappush
from typing import TypeVar

from reminders.domain.cost import Money
from reminders.domain.delivery import Reason, State
from reminders.errors import Invalid, NaiveTime

T = TypeVar("T")

LONGEST = timedelta(days=366)
_YEARS = range(1900, 2200)


class Condition(StrEnum):
    """What a message depends on that nobody can know yet: a rehearsal supposes that no patient answers."""

    UNLESS_CONFIRMED = "unless_confirmed"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Contact:
    """One attempt to reach one patient, whatever becomes of it.

    ``at`` is when it is dealt with, ``due_at`` when it was planned for; both differ when quiet hours or a worker that
    was down put it off. Zones are IANA names. ``visit`` is ``None`` for a note that belongs to no visit. ``holiday``
    and ``visit_on_holiday``: that day is a public holiday at the venue.
    """

    at: datetime
    due_at: datetime
    kind: str
    step: int
    channel: str
    visit: str | None
    start: datetime | None
    patient: str
    to: str | None
    location: str
    venue_zone: str
    recipient_zone: str
    condition: Condition | None
    holiday: bool
    visit_on_holiday: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What would go out. ``segments`` only for SMS; ``cost`` is the estimate of the rate card. ``is_fallback``: the patient's own language was not at hand."""

    contact: Contact
    language: str
    is_fallback: bool
    text: str
    segments: int | None
    cost: Money


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What would not go out, and why."""

    contact: Contact
    state: State
    reason: Reason


Outcome = Message | LeftOut


class Difference(StrEnum):
    """How two plans for one visit differ in one message."""

    ONLY_A = "only_a"
    ONLY_B = "only_b"
    OTHER_TIME = "other_time"
    OTHER_CONDITION = "other_condition"


@dataclass(frozen=True, slots=True)
class Differing:
    """A message that two plans do not have in common; one that only one of them has is ``None`` on the other side."""

    difference: Difference
    a: Message | None
    b: Message | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One visit under two plans: everything of it within the window, and what differs."""

    a: Sequence[Outcome]
    b: Sequence[Outcome]
    differing: Sequence[Differing]


@dataclass(frozen=True, slots=True)
class Window:
    """From ``first`` to ``last``. Days are whole days of the calendar of each venue, the last one included; moments are
    exact, and nothing of the last one itself is included."""

    first: date | datetime
    last: date | datetime

    @classmethod
    def read(cls, first: str, last: str) -> Window:
        """Both in ISO 8601: a day (``2030-05-06``) or a time with its offset (``2030-05-06T09:00:00+02:00``).

        ``Invalid`` when one is neither, when there is nothing between them, or more than ``LONGEST``.
        """
        window = cls(_day_or_moment(first, "from"), _day_or_moment(last, "to"))
        start, end = window.bounds(UTC)
        if start >= end:
            raise Invalid("The window ends before it begins.", field="from")
        if end - start > LONGEST:
            raise Invalid(f"A window covers at most {LONGEST.days} days.", field="to")
        return window

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Begin and end in UTC, the end not included, for a venue in ``zone``."""
        return _begin(self.first, zone), _end(self.last, zone)


@dataclass(slots=True)
class Tally:
    """Sums over what would go out, and why the rest would not. Amounts of different currencies are never added up."""

    messages: int = 0
    segments: int = 0
    cost: dict[str, Decimal] = field(default_factory=dict)
    channels: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    left_out: Counter[Reason] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        if isinstance(outcome, LeftOut):
            self.left_out[outcome.reason] += 1
            return
        self.messages += 1
        self.segments += outcome.segments or 0
        self.channels[outcome.contact.channel] += 1
        self.languages[outcome.language] += 1
        self.cost[outcome.cost.currency] = self.cost.get(outcome.cost.currency, Decimal(0)) + outcome.cost.amount


def in_order(found: Iterable[tuple[datetime, datetime, T]]) -> Iterator[T]:
    """Items by the time they happen. ``found`` is (not before, happens at, item), sorted by the first, and nothing
    happens before its time: so only what was put off has to be kept in memory."""
    waiting: list[tuple[datetime, int, T]] = []
    for number, (earliest, at, item) in enumerate(found):
        heappush(waiting, (at, number, item))
        while waiting and waiting[0][0] <= earliest:
            yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def compare(a: Sequence[Message], b: Sequence[Message]) -> list[Differing]:
    """What two plans for one visit differ in, by time.

    Steps have no names, so messages of the same channel are matched by time: first those at the very same time, then
    those nearest to each other; what is left is in one plan only.
    """
    kinds = dict.fromkeys((one.contact.channel, one.contact.kind) for one in (*a, *b))
    found = [item for kind in kinds for item in _compare_alike(_alike(a, kind), _alike(b, kind))]
    return sorted(found, key=lambda item: min(one.contact.at for one in (item.a, item.b) if one is not None))


def _alike(messages: Sequence[Message], kind: tuple[str, str]) -> list[Message]:
    return [one for one in messages if (one.contact.channel, one.contact.kind) == kind]


def _compare_alike(a: list[Message], b: list[Message]) -> Iterator[Differing]:
    left, right = set(range(len(a))), set(range(len(b)))
    distances = sorted((abs(a[i].contact.at - b[j].contact.at), i, j) for i in left for j in right)
    for distance, i, j in distances:
        if i not in left or j not in right:
            continue
        left.remove(i)
        right.remove(j)
        if distance:
            yield Differing(Difference.OTHER_TIME, a[i], b[j])
        elif a[i].contact.condition is not b[j].contact.condition:
            yield Differing(Difference.OTHER_CONDITION, a[i], b[j])
    yield from (Differing(Difference.ONLY_A, a[i], None) for i in left)
    yield from (Differing(Difference.ONLY_B, None, b[j]) for j in right)


def _day_or_moment(text: str, name: str) -> date | datetime:
    """``name`` is what the caller calls it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = _moment(text, name)
    if found.year not in _YEARS:
        raise Invalid(f"{name}: the year must lie between {_YEARS.start} and {_YEARS.stop - 1}.", field=name)
    return found


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(
            f"{name} must be a day or a time in ISO 8601, for example 2030-05-06 or 2030-05-06T09:00:00+02:00.",
            field=name,
        ) from None
    if moment.utcoffset() is None:
        raise NaiveTime(f"{name}: times need a UTC offset, for example 2030-05-06T09:00:00+02:00.", field=name)
    return moment.astimezone(UTC)


def _begin(bound: date | datetime, zone: tzinfo) -> datetime:
    """A day begins at its first midnight; where the clocks skip that, at the moment they skip it."""
    return bound if isinstance(bound, datetime) else datetime.combine(bound, time(), zone).astimezone(UTC)


def _end(bound: date | datetime, zone: tzinfo) -> datetime:
    return bound if isinstance(bound, datetime) else _begin(bound + timedelta(days=1), zone)
