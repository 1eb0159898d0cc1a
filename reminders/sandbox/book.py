"""Everything the emulator remembers, bounded: the oldest messages and calls are forgotten first.

Not thread-safe by itself; ``Sandbox`` holds the lock.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from reminders.sandbox.behaviours import BEHAVIOURS, Behaviour, usual_behaviour
from reminders.sandbox.records import Alert, Phone, SandboxCall, SandboxMessage


@dataclass(slots=True)
class _Handset:
    """Ids of what is on one phone, oldest first."""

    messages: deque[str] = field(default_factory=deque)
    calls: deque[str] = field(default_factory=deque)
    unread: int = 0
    last_at: datetime | None = None


class Book:
    """Messages, calls, phones and the opt-out list. ``keep`` bounds messages and calls separately."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._messages: dict[str, SandboxMessage] = {}
        self._calls: dict[str, SandboxCall] = {}
        self._handsets: OrderedDict[str, _Handset] = OrderedDict()
        self._behaviours: dict[str, str] = {}
        self._opted_out: set[str] = set()
        self.alerts: deque[Alert] = deque(maxlen=200)

    # Messages and calls

    def message(self, sid: str) -> SandboxMessage | None:
        return self._messages.get(sid)

    def call(self, sid: str) -> SandboxCall | None:
        return self._calls.get(sid)

    def add_message(self, message: SandboxMessage) -> None:
        self._messages[message.sid] = message
        self._touch(message.phone, message.created_at).messages.append(message.sid)
        if len(self._messages) > self._keep:
            oldest = self._messages.pop(next(iter(self._messages)))
            self._forget(oldest.phone, self._handsets[oldest.phone].messages)

    def add_call(self, call: SandboxCall) -> None:
        self._calls[call.sid] = call
        self._touch(call.phone, call.created_at).calls.append(call.sid)
        if len(self._calls) > self._keep:
            oldest = self._calls.pop(next(iter(self._calls)))
            self._forget(oldest.phone, self._handsets[oldest.phone].calls)

    def replace_message(self, message: SandboxMessage) -> None:
        self._messages[message.sid] = message

    def replace_call(self, call: SandboxCall) -> None:
        self._calls[call.sid] = call

    def newest_messages(self, phone: str | None = None) -> Iterator[SandboxMessage]:
        """Newest first; those of one ``phone``, or all."""
        if phone is None:
            return reversed(self._messages.values())
        handset = self._handsets.get(phone)
        return (self._messages[sid] for sid in reversed(handset.messages)) if handset else iter(())

    def newest_calls(self, phone: str | None = None) -> Iterator[SandboxCall]:
        """Newest first; those of one ``phone``, or all."""
        if phone is None:
            return reversed(self._calls.values())
        handset = self._handsets.get(phone)
        return (self._calls[sid] for sid in reversed(handset.calls)) if handset else iter(())

    # Phones

    def phone(self, number: str) -> Phone:
        handset = self._handsets.get(number) or _Handset()
        newest = next(self.newest_messages(number), None)
        call = next(self.newest_calls(number), None)
        return Phone(
            number=number,
            unread=handset.unread,
            last=newest.body if newest else "",
            last_at=handset.last_at,
            opted_out=self.is_opted_out(number),
            behaviour=self.behaviour_name(number),
            in_call=call is not None and not call.final,
        )

    def phones(self, contains: str, limit: int) -> list[Phone]:
        """Phones whose number contains ``contains``, the one with the newest activity first, at most ``limit``."""
        numbers = (number for number in reversed(self._handsets) if contains in number)
        return [self.phone(number) for number in islice(numbers, limit)]

    def add_unread(self, number: str) -> None:
        if handset := self._handsets.get(number):
            handset.unread += 1

    def mark_read(self, number: str) -> None:
        if handset := self._handsets.get(number):
            handset.unread = 0

    def behaviour_name(self, number: str) -> str:
        return self._behaviours.get(number) or usual_behaviour(number)

    def behaviour(self, number: str) -> Behaviour:
        return BEHAVIOURS[self.behaviour_name(number)]

    def set_behaviour(self, number: str, name: str) -> None:
        self._behaviours[number] = name

    def alert(self, at: datetime, code: int, sid: str, url: str) -> None:
        """Note that the application's answer at ``url`` about ``sid`` was of no use."""
        self.alerts.append(Alert(at, code, sid, url))

    # Opt-outs. Twilio keeps them per pair of phone and sender; this account has one sender.

    def opt_out(self, phone: str) -> None:
        self._opted_out.add(phone)

    def opt_in(self, phone: str) -> None:
        self._opted_out.discard(phone)

    def is_opted_out(self, phone: str) -> bool:
        return phone in self._opted_out

    def _touch(self, number: str, at: datetime) -> _Handset:
        handset = self._handsets.setdefault(number, _Handset())
        handset.last_at = at
        self._handsets.move_to_end(number)
        return handset

    def _forget(self, number: str, sids: deque[str]) -> None:
        sids.popleft()
        handset = self._handsets[number]
        if not handset.messages and not handset.calls:
            del self._handsets[number]
