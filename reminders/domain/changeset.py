"""A change that concerns many patients at once: its kinds, its states, and what it would mean, as numbers.

What is counted here is shown to a person before anything happens; nothing in it names a patient but by public id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from reminders.domain.cost import Money
from reminders.domain.delivery import Channel

#: How many ids a preview or a list of refusals names; the numbers beside them count all.
MOST_NAMED = 200


class Kind(StrEnum):
    """What is to be done to every visit of the set."""

    CANCEL_VISITS = "cancel_visits"
    MOVE_PROVIDER = "move_provider"
    EDIT_POLICY = "edit_policy"


class SetState(StrEnum):
    """Where a set stands; the names are part of the API."""

    HELD = "held"
    RELEASED = "released"
    APPLYING = "applying"
    APPLIED = "applied"
    DROPPED = "dropped"


#: What may follow what. A set is held until somebody decides; once a worker has begun, there is no way back.
NEXT: dict[SetState, frozenset[SetState]] = {
    SetState.HELD: frozenset({SetState.RELEASED, SetState.DROPPED}),
    SetState.RELEASED: frozenset({SetState.HELD, SetState.APPLYING}),
    SetState.APPLYING: frozenset({SetState.APPLIED}),
    SetState.APPLIED: frozenset(),
    SetState.DROPPED: frozenset(),
}


class Blocked(StrEnum):
    """Why a message would not reach its patient."""

    NO_ADDRESS = "no_address"
    BAD_NUMBER = "bad_number"
    OPTED_OUT = "opted_out"
    PAUSED = "paused"


class Refusal(StrEnum):
    """Why one visit is left alone; a refusal of the visit itself is named by the code of its error."""

    MOVED = "visit_moved"
    CANCELLED = "visit_cancelled"
    OVER = "visit_over"
    NOT_OFFERED = "service_not_offered"


def sources(new: SetState) -> frozenset[SetState]:
    """Every state from which ``new`` may be reached; the WHERE clause of a safe update."""
    return frozenset(state for state, following in NEXT.items() if new in following)


@dataclass(frozen=True, slots=True)
class Gate:
    """``radius`` is the most patients a change may concern and still go on by itself; ``undo`` how long it waits."""

    radius: int
    undo: timedelta

    def holds(self, patients: int) -> bool:
        return patients > self.radius


@dataclass(frozen=True, slots=True)
class Contact:
    """One message that the change would cause. ``units`` are SMS segments, or begun minutes of a call."""

    channel: Channel
    language: str
    units: int
    price: Money
    blocked: Blocked | None = None


@dataclass(frozen=True, slots=True)
class Affected:
    """One visit with what would be said about it; ``taken_back`` reminders would no longer go out. ``refused`` is the
    code of why the change is not possible for this visit."""

    visit: str
    patient: str
    contacts: tuple[Contact, ...] = ()
    taken_back: int = 0
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a set would do. ``silent`` are patients to whom nothing would be said at all, because no policy asks for it;
    ``unreachable`` those to whom it would be said in vain, by reason."""

    visits: int
    patients: int
    silent: int
    messages: Counter[tuple[str, str]]
    segments: int
    cost: tuple[Money, ...]
    taken_back: int
    unreachable: Mapping[str, Blocked]
    refused: tuple[tuple[str, str], ...]

    def facts(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {
            "visits": self.visits, "patients": self.patients, "patients_without_message": self.silent,
            "messages": sum(self.messages.values()), "by_channel": _summed(self.messages, 0),
            "by_language": _summed(self.messages, 1), "segments": self.segments,
            "cost": [{"amount": str(money.amount), "currency": money.currency} for money in self.cost],
            "taken_back": self.taken_back, "unreachable": len(self.unreachable),
            "unreachable_by_reason": dict(sorted(Counter(why.value for why in self.unreachable.values()).items())),
            "unreachable_patient_ids": list(self.unreachable)[:MOST_NAMED],
            "refused": len(self.refused), "refusals": [refusal(*one) for one in self.refused[:MOST_NAMED]],
        }  # fmt: skip


@dataclass(slots=True)
class _Person:
    said: int = 0
    blocked: Blocked | None = None


@dataclass(slots=True)
class _Sums:
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    segments: int = 0
    cost: dict[str, Decimal] = field(default_factory=dict)

    def add(self, contact: Contact) -> None:
        self.messages[contact.channel.value, contact.language] += 1
        self.segments += contact.units if contact.channel is Channel.SMS else 0
        self.cost[contact.price.currency] = self.cost.get(contact.price.currency, Decimal(0)) + contact.price.amount


def tally(found: Iterable[Affected]) -> Preview:
    """The sum over all visits. A patient whom one message reaches is not unreachable because of another."""
    people: dict[str, _Person] = {}
    sums, visits, taken_back, refused = _Sums(), 0, 0, []
    for one in found:
        if one.refused is not None:
            refused.append((one.visit, one.refused))
            continue
        visits, taken_back = visits + 1, taken_back + one.taken_back
        person = people.setdefault(one.patient, _Person())
        for contact in one.contacts:
            if contact.blocked is None:
                person.said += 1
                sums.add(contact)
            else:
                person.blocked = person.blocked or contact.blocked
    in_vain = {uid: who.blocked for uid, who in people.items() if not who.said and who.blocked is not None}
    silent = sum(1 for who in people.values() if not who.said and who.blocked is None)
    cost = tuple(Money(amount, currency) for currency, amount in sorted(sums.cost.items()))
    return Preview(visits, len(people), silent, sums.messages, sums.segments, cost, taken_back, in_vain, tuple(refused))


def refusal(visit: str, code: str) -> dict[str, str]:
    """A visit that was left alone, and why."""
    return {"appointment_id": visit, "code": code}


def _summed(messages: Counter[tuple[str, str]], place: int) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for key, count in messages.items():
        sums[key[place]] += count
    return dict(sorted(sums.items()))
