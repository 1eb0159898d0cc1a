"""Changes to calls that every part of the voice emulation makes the same way.

Not thread-safe by itself; ``Sandbox`` holds the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from reminders.sandbox.account import Account, new_sid
from reminders.sandbox.agenda import Agenda
from reminders.sandbox.book import Book
from reminders.sandbox.callbacks import Webhook, call_status_form
from reminders.sandbox.rates import call_price
from reminders.sandbox.records import CALL_NEXT, CallStatus, Faults, Line, Program, SandboxCall

Act = Callable[[SandboxCall, datetime], list[Webhook]]


class CallDesk:
    """Keeps the records of calls: what changed, who is told, what it cost."""

    def __init__(self, account: Account, book: Book, agenda: Agenda, faults: Faults) -> None:
        self.account = account
        self.book = book
        self.agenda = agenda
        self._faults = faults

    def change(self, call: SandboxCall, at: datetime, **changes: Any) -> SandboxCall:
        changed = replace(call, updated_at=at, **changes)
        self.book.replace_call(changed)
        return changed

    def move(self, call: SandboxCall, status: CallStatus, at: datetime, **changes: Any) -> SandboxCall:
        """Take the call to ``status``; a step that Twilio knows no way for is a ``ValueError``."""
        if status not in CALL_NEXT[call.status]:
            raise ValueError(f"a call that is {call.status} cannot become {status}")
        return self.change(call, at, status=status, **changes)

    def note(self, call: SandboxCall, line: Line, at: datetime) -> SandboxCall:
        return self.change(call, at, transcript=(*call.transcript, line))

    def tell(self, call: SandboxCall, event: str, at: datetime) -> list[Webhook]:
        """Count ``event`` (initiated, ringing, answered, completed) and call back if the application asked for it."""
        form = call_status_form(self.account.sid, call, event, at)
        self.change(call, at, sequence=call.sequence + 1)
        if not call.status_callback or event not in call.events:
            return []
        return [Webhook(call.status_callback, call.sid, form, notice=True, repeatable=True)]

    def end(self, call: SandboxCall, status: CallStatus, at: datetime) -> list[Webhook]:
        """The final ``status``, with its duration and, for a call that was answered, its price."""
        seconds = int((at - call.answered_at).total_seconds()) if call.answered_at else 0
        call = self.move(call, status, at, ended_at=at, duration=seconds)
        if call.answered_at:
            price = call_price(call.to, max(seconds, 1))
            self.agenda.push(at + self._faults.price_delay, partial(self._charge, call.sid, price))
        return self.tell(call, "completed", at)

    def dial(self, parent: SandboxCall, number: str, status: CallStatus, length: timedelta, at: datetime) -> None:
        """The call to ``number`` that ``parent`` opens: it ends with ``status`` after ``length``, and is charged apart."""
        talked = length if status is CallStatus.COMPLETED else timedelta(0)
        leg = SandboxCall(
            sid=new_sid("CA"), to=number, from_=parent.from_, status=status, created_at=at, updated_at=at,
            program=Program(""), started_at=at, answered_at=at if talked else None, ended_at=at + length,
            duration=int(talked.total_seconds()), parent=parent.sid,
        )  # fmt: skip
        self.book.add_call(leg)
        if talked:
            price = call_price(number, int(talked.total_seconds()))
            self.agenda.push(at + length + self._faults.price_delay, partial(self._charge, leg.sid, price))

    def after(self, wait: timedelta, at: datetime, act: Act, call: SandboxCall) -> None:
        """Do ``act`` later, unless the call has ended or taken another turn by then."""
        epoch = call.program.epoch

        def step(due: datetime) -> list[Webhook]:
            current = self.current(call.sid, epoch)
            return act(current, due) if current else []

        self.agenda.push(at + wait, step)

    def current(self, sid: str, epoch: int) -> SandboxCall | None:
        """The call, unless it has ended or moved on since ``epoch``."""
        call = self.book.call(sid)
        return call if call and not call.final and call.program.epoch == epoch else None

    def open_call(self, sid: str) -> SandboxCall | None:
        """The call, unless it has ended or was forgotten."""
        call = self.book.call(sid)
        return call if call and not call.final else None

    def _charge(self, sid: str, price: Decimal, at: datetime) -> list[Webhook]:
        if call := self.book.call(sid):
            self.change(call, at, price=price)
        return []
