"""Calls: what is accepted, ringing, being taken or not, and ending. Not thread-safe; ``Sandbox`` holds the lock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from reminders.sandbox.account import new_sid
from reminders.sandbox.behaviours import REFUSED_CALLS, is_e164
from reminders.sandbox.call_desk import CallDesk
from reminders.sandbox.callbacks import Webhook
from reminders.sandbox.playback import Playback
from reminders.sandbox.records import CallStatus, Program, SandboxCall
from reminders.sandbox.refusals import TwilioError

#: How long a machine or a fax talks before its end is heard.
_GREETING = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """What a create asks for; "" stands for a parameter that was not sent."""

    to: str = ""
    from_: str = ""
    url: str = ""
    twiml: str = ""
    status_callback: str = ""
    events: tuple[str, ...] = ()
    machine_detection: str = ""
    ring_for: timedelta = timedelta(seconds=60)


class Voice:
    """The life of every call of the account."""

    def __init__(self, desk: CallDesk, playback: Playback) -> None:
        self._desk = desk
        self._playback = playback

    def create(self, request: CallRequest, at: datetime) -> SandboxCall:
        """Accept a call as the API does; raises ``TwilioError`` for what Twilio refuses on the spot."""
        self._check(request)
        call = SandboxCall(
            sid=new_sid("CA"),
            to=request.to,
            from_=request.from_,
            status=CallStatus.QUEUED,
            created_at=at,
            updated_at=at,
            program=Program(request.url),
            twiml=request.twiml or None,
            ring_for=request.ring_for,
            detects_machines=request.machine_detection in ("Enable", "DetectMessageEnd"),
            status_callback=request.status_callback or None,
            events=frozenset(request.events) or frozenset({"completed"}),
        )
        self._desk.book.add_call(call)
        self._desk.agenda.push(at + self._desk.account.latency, partial(self._initiate, call.sid))
        return call

    def _check(self, request: CallRequest) -> None:
        if not request.to:
            raise TwilioError(21201)
        if not request.from_:
            raise TwilioError(21213)
        if not request.url and not request.twiml:
            raise TwilioError(21205)
        if not is_e164(request.to):
            raise TwilioError(21211, request.to)
        if request.from_ != self._desk.account.number:
            raise TwilioError(21210, request.from_)
        if code := REFUSED_CALLS.get(request.to):
            raise TwilioError(code, request.to)

    def stop(self, call: SandboxCall, status: CallStatus, at: datetime) -> SandboxCall:
        """What the API does with ``Status``: canceled stops a call not yet answered, completed any call."""
        if call.final:
            raise TwilioError(21220)
        if call.status is not CallStatus.IN_PROGRESS:
            return self._end_later(call, CallStatus.CANCELED, at)
        if status is CallStatus.COMPLETED:
            return self._end_later(call, CallStatus.COMPLETED, at)
        return call

    def hang_up(self, call: SandboxCall, at: datetime) -> SandboxCall:
        """The person ends the call, or does not take it."""
        if call.status is CallStatus.RINGING:
            return self._end_later(call, CallStatus.BUSY, at)
        return self._end_later(call, CallStatus.COMPLETED, at) if call.status is CallStatus.IN_PROGRESS else call

    def _end_later(self, call: SandboxCall, status: CallStatus, at: datetime) -> SandboxCall:
        # The status is final at once; only the callback waits for the next advance.
        for webhook in self._desk.end(call, status, at):
            self._desk.agenda.push_request(at, webhook)
        return self._desk.book.call(call.sid) or call

    def _initiate(self, sid: str, at: datetime) -> list[Webhook]:
        call = self._desk.open_call(sid)
        if call is None:
            return []
        self._desk.agenda.push(at + self._desk.account.latency, partial(self._ring, sid))
        return self._desk.tell(call, "initiated", at)

    def _ring(self, sid: str, at: datetime) -> list[Webhook]:
        call = self._desk.open_call(sid)
        if call is None:
            return []
        outcome = self._desk.book.behaviour(call.to).answer
        wait = call.ring_for if outcome is CallStatus.NO_ANSWER else self._desk.account.latency
        self._desk.agenda.push(at + wait, partial(self._pick_up, sid, outcome))
        return self._desk.tell(self._desk.move(call, CallStatus.RINGING, at, started_at=at), "ringing", at)

    def _pick_up(self, sid: str, outcome: CallStatus, at: datetime) -> list[Webhook]:
        call = self._desk.open_call(sid)
        if call is None:
            return []
        if outcome is not CallStatus.IN_PROGRESS:
            return self._desk.end(call, outcome, at)
        told = self._desk.tell(self._desk.move(call, outcome, at, answered_at=at), "answered", at)
        if call.detects_machines and self._desk.book.behaviour(call.to).answered_by != "human":
            self._desk.agenda.push(at + _GREETING, partial(self._begin, sid))
            return told
        return [*told, *self._begin(sid, at)]

    def _begin(self, sid: str, at: datetime) -> list[Webhook]:
        """Read the application's document; with machine detection once it is known who answered. The emulator knows
        a person at once, a machine after its greeting."""
        call = self._desk.open_call(sid)
        if call is None:
            return []
        if call.detects_machines:
            call = self._desk.change(call, at, answered_by=self._desk.book.behaviour(call.to).answered_by)
        return self._playback.start(call, at)
