"""What a rehearsal can only see in several contacts at once: one message for one phone, daily caps, the month's budget.

The same rules as in ``services/attempts.py``, along a stream of contacts in the order of time instead of one claim.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from reminders.domain.combining import Candidate, Group, combine
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import Verdict
from reminders.domain.simulation import Condition, Message
from reminders.domain.thrift import Means, Nudge, given_up
from reminders.services.attempts import BUDGET_CURRENCY, Rules
from reminders.services.cases import Case
from reminders.store import claims, spendings
from reminders.store.engine import Database

CAP_SPAN = timedelta(days=1)
#: What counts towards a daily cap.
_COUNTED = frozenset({"reminder", "moved", "cancelled"})
_COMBINED = Verdict(State.SUPPRESSED, Reason.COMBINED)


@dataclass(frozen=True, slots=True)
class Settled:
    """A contact and what becomes of it at ``at``; its message speaks for ``others``, too."""

    case: Case
    at: datetime
    verdict: Verdict
    others: tuple[Case, ...] = ()

    @property
    def number(self) -> int:
        return int(self.case.row.reminder_id)

    @property
    def audience(self) -> Hashable | None:
        """What a common message needs in common; ``None`` for what goes out alone or not at all."""
        case, row = self.case, self.case.row
        stands_alone = case.kind != "reminder" or case.channel is not Channel.SMS
        if stands_alone or self.verdict.state is not State.CLAIMED or row.appointment_id is None:
            return None
        return row.patient_phone, row.patient_language, case.location.id, row.patient_zone

    def candidate(self, now: datetime) -> Candidate:
        row = self.case.row
        return Candidate(
            self.number, row.appointment_id, self.audience, row.appointment_start_at, self.case.due_at, self.at > now
        )


class Combining:
    """Turns contacts in order of time into messages: what goes to one phone within ``ahead`` is one message, at the time
    of the first. Keeps only what lies within ``ahead``."""

    def __init__(self, found: Iterable[Settled], ahead: timedelta) -> None:
        self._source = iter(found)
        self._ahead = ahead
        self._queue: deque[Settled] = deque()
        self._crowds: defaultdict[Hashable, deque[Settled]] = defaultdict(deque)
        self._joined: set[int] = set()

    def __iter__(self) -> Iterator[Settled]:
        if not self._ahead:
            yield from self._source
            return
        self._read_one()
        while self._queue:
            head = self._queue[0].at
            while self._queue[-1].at <= head + self._ahead and self._read_one():
                pass
            yield from self._messages(self._take(head), head)
            if not self._queue:
                self._read_one()

    def _read_one(self) -> bool:
        one = next(self._source, None)
        if one is None:
            return False
        self._queue.append(one)
        if one.audience is not None:
            self._crowds[one.audience].append(one)
        return True

    def _take(self, at: datetime) -> list[Settled]:
        """Everything that is due at ``at`` and has not been spoken for."""
        due: list[Settled] = []
        while self._queue and self._queue[0].at == at:
            one = self._queue.popleft()
            if one.number in self._joined:
                self._joined.remove(one.number)
            else:
                due.append(one)
        return due

    def _messages(self, due: list[Settled], at: datetime) -> Iterator[Settled]:
        early = self._early(due, at)
        known = {one.number: one for one in (*due, *early)}
        groups, waiting = combine([one.candidate(at) for one in known.values()])
        self._joined |= {one.number for one in early} - set(waiting)
        for group in groups:
            yield from _spoken(group, known, at)

    def _early(self, due: list[Settled], at: datetime) -> list[Settled]:
        early: list[Settled] = []
        for audience in dict.fromkeys(one.audience for one in due if one.audience is not None):
            crowd = self._crowds[audience]
            while crowd and crowd[0].at <= at:
                crowd.popleft()
            early += [one for one in crowd if one.at <= at + self._ahead and one.number not in self._joined]
            if not crowd:
                del self._crowds[audience]
        return early


def _spoken(group: Group, known: dict[int, Settled], at: datetime) -> Iterator[Settled]:
    leader = known[group.leader]
    yield replace(leader, at=at, others=tuple(known[number].case for number in group.carried))
    for number in (*group.carried, *group.needless):
        yield replace(known[number], at=at, verdict=_COMBINED)


class Limits:
    """Daily cap and budget along one rehearsal, on top of what has really been sent. Messages of one moment do not use
    them up for each other, as those of one claim do not."""

    def __init__(self, database: Database, rules: Rules, now: datetime) -> None:
        self._database = database
        self._rules = rules
        self._now = now
        self._spent: dict[str, Decimal] = {}
        self._sent: dict[str, deque[datetime]] = {}
        self._fresh: list[Message] = []

    def gives_up(self, one: Settled) -> Reason | None:
        """Why this reminder is left out, or ``None`` when it goes out."""
        case = one.case
        self._pass(one.at)
        if case.kind != "reminder" or one.others:
            return None
        means = Means(self._used(one.at), self._is_over_cap(case.address or "", one.at))
        if not means.are_short:
            return None
        visit = case.row.appointment_id
        with self._database.read() as tx:
            later = claims.later_nudges(tx, [visit], one.at).get(visit, 0)
        return given_up(Nudge(later, case.condition is Condition.FALLBACK), means)

    def count(self, message: Message) -> None:
        """``message`` goes out."""
        self._fresh.append(message)

    def _pass(self, now: datetime) -> None:
        """What went out before ``now`` has used up its part."""
        if not self._fresh or self._fresh[0].contact.at >= now:
            return
        for message in self._fresh:
            told = message.contact
            if self._rules.budget and message.cost.currency == BUDGET_CURRENCY:
                self._spent[_month(told.at)] = self._spent_in(told.at) + message.cost.amount
            if self._rules.daily_cap and told.kind in _COUNTED and told.to:
                self._times(told.to).append(told.at)
        self._fresh.clear()

    def _used(self, at: datetime) -> Decimal:
        return self._spent_in(at) / self._rules.budget if self._rules.budget else Decimal(0)

    def _spent_in(self, at: datetime) -> Decimal:
        month = _month(at)
        if month not in self._spent:
            with self._database.read() as tx:
                self._spent[month] = spendings.spent(tx, at, BUDGET_CURRENCY)
        return self._spent[month]

    def _is_over_cap(self, address: str, at: datetime) -> bool:
        if not self._rules.daily_cap or not address:
            return False
        times = self._times(address)
        while times and times[0] <= at - CAP_SPAN:
            times.popleft()
        return len(times) >= self._rules.daily_cap

    def _times(self, address: str) -> deque[datetime]:
        if address not in self._sent:
            with self._database.read() as tx:
                self._sent[address] = deque(claims.recent_times(tx, address, self._now - CAP_SPAN))
        return self._sent[address]


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
