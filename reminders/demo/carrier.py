"""A stand-in for the telephone network of the past: takes messages at once and keeps what became of them.

The sandbox plays the present, over HTTP and with a page of phones. The weeks before the demonstration begins need
neither, only messages that were sent, delivered or not, and charged; prices and the habits of phones are the sandbox's.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reminders.clock import Clock
from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Report
from reminders.sandbox.account import new_sid
from reminders.sandbox.behaviours import BEHAVIOURS, Behaviour, usual_behaviour
from reminders.sandbox.rates import CURRENCY, call_price, outbound_price, segment_count
from reminders.sandbox.records import CallStatus

#: How long a reminder call lasts when somebody takes it, in seconds.
CALL_SECONDS = 32


@dataclass(frozen=True, slots=True)
class Handed:
    """One message or call that was handed over. ``token`` is what the application's addresses for it hold."""

    sid: str
    channel: Channel
    to: str
    body: str
    token: str
    at: datetime

    @property
    def phone(self) -> Behaviour:
        return BEHAVIOURS[usual_behaviour(self.to)]

    @property
    def arrives(self) -> bool:
        """Whether the text is delivered, or somebody takes the call."""
        if self.channel is Channel.VOICE:
            return self.phone.answer is CallStatus.IN_PROGRESS
        return self.phone.sms_error is None

    def report(self) -> Report:
        """What the network says in the end."""
        state = State.DELIVERED if self.arrives else State.FAILED
        error = self.phone.sms_error if self.channel is Channel.SMS else None
        return Report(
            sid=self.sid, state=state, status=state.value, to=self.to, body=self.body or None, segments=self._segments,
            price=self._price(), currency=CURRENCY, error_code=error, created_at=self.at,
        )  # fmt: skip

    @property
    def _segments(self) -> int | None:
        return segment_count(self.body) if self.channel is Channel.SMS else None

    def _price(self) -> Decimal | None:
        """A call that nobody takes is never charged."""
        if self.channel is Channel.SMS:
            return outbound_price(self.to, self._segments or 0)
        return call_price(self.to, CALL_SECONDS) if self.arrives else None


class Carrier:
    """Implements ``Messenger`` (domain/ports.py). Nothing is delivered until whoever drives the clock says so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._handed: dict[str, Handed] = {}
        self._fresh: list[Handed] = []

    def send_sms(self, to: str, body: str, token: str) -> Report:
        return self._accept(Handed(new_sid("SM"), Channel.SMS, to, body, token, self._clock.now()))

    def place_call(self, to: str, token: str) -> Report:
        return self._accept(Handed(new_sid("CA"), Channel.VOICE, to, "", token, self._clock.now()))

    def check_account(self) -> None:
        """Always in order."""

    def fetch(self, channel: Channel, sid: str) -> Report:  # noqa: ARG002 - ids of both channels differ anyway
        return self._handed[sid].report()

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        with self._lock:
            known = list(self._handed.values())
        return [one.report() for one in known if (one.channel, one.to) == (channel, to) and one.at >= since]

    def take(self) -> list[Handed]:
        """What was handed over since the last time, in an order that does not depend on threads."""
        with self._lock:
            fresh, self._fresh = self._fresh, []
        return sorted(fresh, key=lambda one: (one.at, one.to, one.channel, one.body))

    def _accept(self, handed: Handed) -> Report:
        with self._lock:
            self._handed[handed.sid] = handed
            self._fresh.append(handed)
        return Report(sid=handed.sid, state=State.SENT, status="queued", to=handed.to, created_at=handed.at)
