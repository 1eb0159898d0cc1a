"""The life of one reminder and of the message that carries it.

Every state has a written list of next states; reports that come late, twice or out of order change nothing.
"""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """How a patient is reached."""

    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"


class State(StrEnum):
    """Where a reminder stands; the names are part of the API."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    MISSED = "missed"
    SUPPRESSED = "suppressed"
    WITHDRAWN = "withdrawn"
    UNCERTAIN = "uncertain"


class Reason(StrEnum):
    """Why a reminder is in its state; one sentence each in ``services/ledger.py``."""

    DUE = "due"
    SHIFTED = "shifted_quiet_hours"
    BOOKED_TOO_LATE = "booked_too_late"
    NO_ALLOWED_TIME = "no_allowed_time"
    CONFIRMED = "already_confirmed"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    NOT_OPEN = "visit_not_open"
    MOVED = "visit_moved"
    CANCELLED = "visit_cancelled"
    DONE = "visit_over"
    REACHED = "already_reached"
    TOO_LATE = "deadline_passed"
    REFUSED = "refused_by_provider"
    UNDELIVERED = "undelivered"
    NOT_ANSWERED = "not_answered"
    RETRYING = "retrying"
    LEASE_EXPIRED = "lease_expired"
    ADOPTED = "found_at_provider"
    NOT_FOUND = "not_found_at_provider"
    IMPORTED = "imported"
    SUPERSEDED = "superseded"
    NO_TEXT = "no_text"
    PAUSED = "paused"
    COMBINED = "combined"
    DAILY_CAP = "daily_cap"
    OVER_BUDGET = "over_budget"
    CALL_AGAIN = "call_again"
    ACCOUNT_CLOSED = "account_closed"
    NO_CHANNEL = "no_channel"
    UNCONFIRMED = "answer_lost"
    HELD_OUT = "held_out"
    VOICEMAIL = "voicemail"


#: What may follow what. Final states have nothing after them. ``uncertain`` begins when the attempt is written, before
#: the provider is asked, and ends when the outcome is known; a crash in between therefore leaves the row uncertain.
#: A planned or claimed row may still become sent: a late callback can prove that an attempt given up as lost went out.
NEXT: dict[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.CLAIMED, State.SENT, State.SUPPRESSED, State.MISSED, State.WITHDRAWN}),
    State.CLAIMED: frozenset(
        {State.PLANNED, State.UNCERTAIN, State.SENT, State.SUPPRESSED, State.MISSED, State.WITHDRAWN}
    ),
    State.UNCERTAIN: frozenset(
        {State.PLANNED, State.SENT, State.DELIVERED, State.FAILED, State.MISSED, State.WITHDRAWN}
    ),
    State.SENT: frozenset({State.DELIVERED, State.FAILED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.MISSED: frozenset(),
    State.SUPPRESSED: frozenset(),
    State.WITHDRAWN: frozenset(),
}

#: What may follow besides on a call: nobody took it, so it is placed again.
ON_A_CALL: dict[State, frozenset[State]] = {State.SENT: frozenset({State.PLANNED})}

#: Not yet handed to anybody: a change of the visit may still withdraw these.
UNSENT = frozenset({State.PLANNED, State.CLAIMED})

#: States in which a message certainly left for the patient.
CONTACTED = frozenset({State.SENT, State.DELIVERED})


def may_move(current: State, new: State) -> bool:
    """True when ``new`` may follow ``current``."""
    return new in NEXT[current]


def move(current: State, new: State) -> State:
    """The state after a report of ``new``: the old one when the report is late, repeated or out of order."""
    return new if may_move(current, new) else current


def sources(new: State, *, on_a_call: bool = False) -> frozenset[State]:
    """Every state from which ``new`` may be reached; the WHERE clause of a safe update."""
    before = {state for state, following in NEXT.items() if new in following}
    return frozenset(before | {state for state, following in ON_A_CALL.items() if on_a_call and new in following})
