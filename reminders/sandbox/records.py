"""What the emulator remembers of a message, a call and a phone, in Twilio's own words.

Records are frozen: a change replaces the record, so whoever holds one holds a consistent snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from reminders.sandbox.twiml import Gather, Verb


class MessageStatus(StrEnum):
    """``status`` of a Message resource."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    RECEIVED = "received"


class CallStatus(StrEnum):
    """``status`` of a Call resource."""

    QUEUED = "queued"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    CANCELED = "canceled"


# Allowed next states; a state without any is final.
MESSAGE_NEXT: dict[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.ACCEPTED: frozenset({MessageStatus.SENDING, MessageStatus.FAILED}),
    MessageStatus.QUEUED: frozenset({MessageStatus.SENDING, MessageStatus.FAILED}),
    MessageStatus.SENDING: frozenset({MessageStatus.SENT}),
    MessageStatus.SENT: frozenset({MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}),
    MessageStatus.DELIVERED: frozenset(),
    MessageStatus.UNDELIVERED: frozenset(),
    MessageStatus.FAILED: frozenset(),
    MessageStatus.RECEIVED: frozenset(),
}
CALL_NEXT: dict[CallStatus, frozenset[CallStatus]] = {
    CallStatus.QUEUED: frozenset({CallStatus.RINGING, CallStatus.CANCELED, CallStatus.FAILED}),
    CallStatus.RINGING: frozenset(
        {CallStatus.IN_PROGRESS, CallStatus.BUSY, CallStatus.NO_ANSWER, CallStatus.FAILED, CallStatus.CANCELED}
    ),
    CallStatus.IN_PROGRESS: frozenset({CallStatus.COMPLETED}),
    CallStatus.COMPLETED: frozenset(),
    CallStatus.BUSY: frozenset(),
    CallStatus.NO_ANSWER: frozenset(),
    CallStatus.FAILED: frozenset(),
    CallStatus.CANCELED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxMessage:
    """One Message resource. ``price`` is the amount charged (positive, USD), known only after the final status."""

    sid: str
    to: str
    from_: str | None
    body: str
    direction: str
    status: MessageStatus
    created_at: datetime
    updated_at: datetime
    segments: int
    sent_at: datetime | None = None
    status_callback: str | None = None
    messaging_service_sid: str | None = None
    smart_encoded: bool = False
    price: Decimal | None = None
    error_code: int | None = None
    automatic: bool = False  # Twilio's own answer to STOP, START or HELP: free, and in no list of the API

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"

    @property
    def phone(self) -> str:
        """The person's number, whichever way the message went."""
        return (self.from_ or "") if self.inbound else self.to

    @property
    def final(self) -> bool:
        return not MESSAGE_NEXT[self.status]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened during a call: ``kind`` is say, play, dial, digits, speech or note."""

    kind: str
    text: str
    language: str = ""
    voice: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """Where a call is in its TwiML: the ``rest`` of the document at ``url`` and the keypad question being asked.

    ``epoch`` grows with every turn, so that a timer set for an earlier turn is recognised as stale. ``documents`` counts
    how many were fetched.
    """

    url: str
    rest: tuple[Verb, ...] = ()
    waiting: Gather | None = None
    keys: str = ""
    epoch: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxCall:
    """One Call resource with what was said on it. ``duration`` counts seconds from the answer to the end.
    ``parent`` is the call that dialled this one."""

    sid: str
    to: str
    from_: str
    status: CallStatus
    created_at: datetime
    updated_at: datetime
    program: Program
    twiml: str | None = None
    ring_for: timedelta = timedelta(seconds=60)
    status_callback: str | None = None
    events: frozenset[str] = frozenset({"completed"})
    detects_machines: bool = False
    answered_by: str | None = None
    sequence: int = 0
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    duration: int | None = None
    price: Decimal | None = None
    parent: str | None = None
    transcript: tuple[Line, ...] = ()

    @property
    def phone(self) -> str:
        return self.to

    @property
    def final(self) -> bool:
        return not CALL_NEXT[self.status]

    @property
    def expects_digits(self) -> bool:
        """Whether a key pressed now would be heard."""
        waiting = self.program.waiting
        return self.status is CallStatus.IN_PROGRESS and waiting is not None and waiting.dtmf

    @property
    def expects_speech(self) -> bool:
        """Whether words said now would be heard."""
        waiting = self.program.waiting
        return self.status is CallStatus.IN_PROGRESS and waiting is not None and waiting.speech


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One phone as the list of phones shows it; ``last`` is the newest text on it, ``last_at`` the newest activity."""

    number: str
    unread: int
    last: str
    last_at: datetime | None
    opted_out: bool
    behaviour: str
    in_call: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """A webhook that could not be used, as Twilio's debugger would show it."""

    at: datetime
    code: int
    sid: str
    url: str


@dataclass(slots=True, kw_only=True)
class Faults:
    """What goes wrong on purpose; all off by default. Counters say how many of the next requests are hit.

    ``drop_after_accept``: a create is stored, but the answer is lost (seen as a 500). ``too_many_requests``: refused with
    429 and ``Retry-After: retry_after`` (seconds). ``duplicate_callbacks``: every status callback and inbound message is
    posted twice. ``reorder_callbacks``: the status callbacks of one ``advance`` go out last first. ``lose_callbacks``:
    status callbacks are not posted at all. ``price_delay``: the price becomes known so much later than the final status.
    ``suspended``: as for an account without funds, everything is refused except to look at the account itself.
    """

    drop_after_accept: int = 0
    too_many_requests: int = 0
    retry_after: int = 1
    duplicate_callbacks: bool = False
    reorder_callbacks: bool = False
    lose_callbacks: bool = False
    price_delay: timedelta = timedelta(0)
    suspended: bool = False
