"""A reminder call: what is asked in which order, what a key or a word means there, and how the call ended.

First comes who is on the line; nothing about the visit is said before somebody has answered that. Then the visit. A key
is certain. Words are not: speech recognition mishears, so a cancellation that was spoken is asked about once more.
"""

from __future__ import annotations

from enum import StrEnum

from reminders.domain.reply import Intent


class Step(StrEnum):
    """What was asked last; part of the address that gets the answer. ``DIALLED``: how putting through went."""

    WHO = "who"
    VISIT = "visit"
    SURE = "sure"
    TIMES = "times"
    DIALLED = "dialled"


class Choice(StrEnum):
    """What the person on the line wants. ``FIRST`` to ``THIRD``: that one of the times on offer; ``CALL_ME``: none of them;
    ``OTHER_DAY``: times on the day that was named."""

    HERE = "here"
    NOT_HERE = "not_here"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    ASK_CANCEL = "ask_cancel"
    MOVE = "move"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    CALL_ME = "call_me"
    OTHER_DAY = "other_day"
    DESK = "desk"
    AGAIN = "again"
    STOP = "stop"
    UNKNOWN = "unknown"


class AnsweredBy(StrEnum):
    """Who or what took the call, as the provider's machine detection heard it."""

    HUMAN = "human"
    MACHINE = "machine"
    FAX = "fax"
    UNKNOWN = "unknown"


#: Nobody listens who could answer.
MACHINES = frozenset({AnsweredBy.MACHINE, AnsweredBy.FAX})


class Outcome(StrEnum):
    """How a call ended; part of the API."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    MOVED = "moved"
    ANOTHER_TIME = "another_time"
    PUT_THROUGH = "put_through"
    CALL_BACK = "call_back"
    STOPPED = "stopped"
    WRONG_PERSON = "wrong_person"
    NOTHING_OPEN = "nothing_open"
    VOICEMAIL = "voicemail"
    NO_CHOICE = "no_choice"
    NOT_ANSWERED = "not_answered"


_ALWAYS = {"0": Choice.DESK, "9": Choice.STOP, "*": Choice.AGAIN}
_KEYS: dict[Step, dict[str, Choice]] = {
    Step.WHO: {"1": Choice.HERE, "2": Choice.NOT_HERE},
    Step.VISIT: {"1": Choice.CONFIRM, "2": Choice.CANCEL, "3": Choice.MOVE},
    Step.SURE: {"1": Choice.CONFIRM, "2": Choice.CANCEL},
    Step.TIMES: {"1": Choice.FIRST, "2": Choice.SECOND, "3": Choice.THIRD, "0": Choice.CALL_ME},
}
_WORDS: dict[Step, dict[Intent, Choice]] = {
    Step.WHO: {Intent.CONFIRM: Choice.HERE, Intent.CANCEL: Choice.NOT_HERE},
    Step.VISIT: {
        Intent.CONFIRM: Choice.CONFIRM,
        Intent.CANCEL: Choice.ASK_CANCEL,
        Intent.PERHAPS_CANCEL: Choice.ASK_CANCEL,
        Intent.RESCHEDULE: Choice.MOVE,
    },
    # "No" to "do you want to cancel?" and "cancel it" read alike, so here only a yes counts.
    Step.SURE: {Intent.CONFIRM: Choice.CANCEL},
    # A yes does not say to which time.
    Step.TIMES: {
        Intent.CANCEL: Choice.ASK_CANCEL,
        Intent.PERHAPS_CANCEL: Choice.CALL_ME,  # "none of them"
        Intent.RESCHEDULE: Choice.CALL_ME,
    },
}
_WORDS_ALWAYS = {Intent.HELP: Choice.DESK, Intent.STOP: Choice.STOP}

#: Which of the times on offer is meant, counted from 0.
PLACES = {Choice.FIRST: 0, Choice.SECOND: 1, Choice.THIRD: 2}

#: After so many answers in a row that nobody could understand, a person takes over.
MOST_TRIES = 3


def by_key(step: Step, key: str) -> Choice:
    """What a key means at this point of the call."""
    return _KEYS.get(step, {}).get(key) or _ALWAYS.get(key, Choice.UNKNOWN)


def by_words(step: Step, intent: Intent, *, bare: bool = False) -> Choice:
    """What words mean at this point of the call, once they were read like a text message. ``bare``: only a "no", which
    to times on offer means none of them."""
    if bare and step is Step.TIMES:
        return Choice.CALL_ME
    return _WORDS_ALWAYS.get(intent) or _WORDS.get(step, {}).get(intent, Choice.UNKNOWN)
