"""Whom to call in ten minutes: the visits that stand to lose most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from statistics import median

from reminders.domain.delivery import Channel
from reminders.domain.risk import Reason

MINUTES = 10


class Contact(StrEnum):
    """How a patient stands with our messages; part of the API."""

    REACHABLE = "reachable"
    NO_ADDRESS = "no_address"
    BAD_NUMBER = "bad_number"
    OPTED_OUT = "opted_out"
    PAUSED = "paused"
    FAILED = "message_failed"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known about reaching a patient about a visit. ``used`` are the channels of its reminders, ``stopped`` those
    whose messages the patient does not want; ``paused``: the desk holds the messages back; ``failed``: the last reminder did
    not arrive."""

    phone: str | None
    email: str | None
    bad_number: bool
    used: frozenset[str]
    stopped: frozenset[str]
    paused: bool
    failed: bool

    @property
    def contact(self) -> Contact:
        """Whether messages reach the patient, and if not, why."""
        if not self._addressed:
            return Contact.BAD_NUMBER if self.bad_number else Contact.NO_ADDRESS
        if not self._addressed - self.stopped:
            return Contact.OPTED_OUT
        if self.paused:
            return Contact.PAUSED
        return Contact.FAILED if self.failed else Contact.REACHABLE

    @property
    def may_be_called(self) -> bool:
        """A person may ring up whoever has a phone, unless they asked not to be called. Who wants no texts may be."""
        return self.phone is not None and Channel.VOICE not in self.stopped

    @property
    def _addressed(self) -> frozenset[str]:
        """The channels of the reminders for which there is an address that works."""
        by_phone = {Channel.SMS, Channel.VOICE} if self.phone and not self.bad_number else set()
        return self.used & {*by_phone, *({Channel.EMAIL} if self.email else ())}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A visit somebody could call about. ``value`` is that of its slot, ``None`` when the service has none."""

    key: int
    start: datetime
    risk: float
    reasons: tuple[Reason, ...]
    value: Decimal | None
    confirmed: bool
    contact: Contact

    @property
    def counts(self) -> bool:
        """Who has confirmed and can be reached need not be called."""
        return not self.confirmed or self.contact is not Contact.REACHABLE


@dataclass(frozen=True, slots=True)
class Call:
    """One line of the list. ``at_stake`` is risk × value of the slot, what a no-show may be expected to cost; ``fits``: within
    the time given."""

    candidate: Candidate
    rank: int
    at_stake: Decimal
    fits: bool


def ranked(candidates: Iterable[Candidate], minutes: int, each: Decimal) -> tuple[Call, ...]:
    """Risk × value × (unconfirmed or unreachable), the highest first, and as many as fit into ``minutes`` when a call
    takes ``each``, at least one. A slot without a value counts like the middle one of the others; without any, risk alone
    decides."""
    wanted = [one for one in candidates if one.counts]
    known = [one.value for one in wanted if one.value is not None]
    usual = Decimal(median(known)) if known else Decimal(1)
    stakes = [(_stake(one, usual), one) for one in wanted]
    stakes.sort(key=lambda pair: (-pair[0], pair[1].start, pair[1].key))
    room = fitting(minutes, each)
    return tuple(Call(one, rank, stake, rank <= room) for rank, (stake, one) in enumerate(stakes, 1))


def fitting(minutes: int, each: Decimal) -> int:
    """How many calls of ``each`` minutes fit; there is always time for one."""
    return max(1, int(minutes / each)) if each > 0 else 10**6


def _stake(one: Candidate, usual: Decimal) -> Decimal:
    value = one.value if one.value is not None else usual
    return Decimal(repr(round(one.risk, 6))) * value
