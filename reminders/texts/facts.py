"""What a message may tell, and the shape of a finished one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from reminders.clock import aware
from reminders.errors import NaiveTime

#: Every document for a call; the value is the file's name under ``templates/voice``.
Spoken = Literal[
    "who", "reminder", "sure", "times", "confirmed", "cancelled", "moved", "reschedule", "late", "stopped", "over", "not_here",
    "transfer", "call_back", "bye", "voicemail",
]  # fmt: skip

#: Why a question on a call is asked again: the key was not one of the choices, or the words were not understood.
Sorry = Literal["", "key", "speech"]

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")


class Template(StrEnum):
    """Every SMS we write; the value is the file's name under ``templates/sms``."""

    REMINDER = "reminder"
    SEVERAL = "several"
    MOVED = "moved"
    CANCELLED = "cancelled"
    DESK = "desk"
    ANSWER_CONFIRMED = "answer_confirmed"
    ANSWER_ALL_CONFIRMED = "answer_all_confirmed"
    ANSWER_CANCELLED = "answer_cancelled"
    ANSWER_RESCHEDULE = "answer_reschedule"
    ANSWER_HELP = "answer_help"
    ANSWER_UNCLEAR = "answer_unclear"
    ANSWER_AMBIGUOUS = "answer_ambiguous"
    ANSWER_NOTHING = "answer_nothing"
    ANSWER_START = "answer_start"
    ANSWER_TOO_LATE = "answer_too_late"
    ANSWER_WHICH = "answer_which"
    ANSWER_SURE = "answer_sure"
    ANSWER_TIMES = "answer_times"
    ANSWER_MOVED = "answer_moved"
    ANSWER_LATE = "answer_late"
    ANSWER_ALL_CANCELLED = "answer_all_cancelled"


#: What may also be written as an e-mail; the same names under ``templates/email``.
MAILED = (Template.REMINDER, Template.MOVED, Template.CANCELLED, Template.DESK)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a message may tell. There is no service, provider or reason here, so none can leak.

    ``venue_zone`` and ``recipient_zone`` are IANA names; ``text`` is what the desk wrote;
    ``others`` are further visits (patient, start) that one message speaks for. ``choices`` are
    offered under the numbers 1, 2, 3 … (a name or nothing, a time); ``change`` is what choosing one does, ``every`` that the
    number after the last stands for all of them; ``link`` is the address of the visit's page, for e-mails. Naive times raise
    ``NaiveTime``. ``start`` may be absent only for texts about no single visit: help, start, nothing, ambiguous, too late,
    desk and unclear; with neither ``start`` nor ``patient`` the unclear answer names no visit.
    """

    clinic: str
    clinic_phone: str | None
    patient: str
    start: datetime | None
    venue_zone: str
    recipient_zone: str | None = None
    old_start: datetime | None = None
    text: str | None = None
    others: tuple[tuple[str, datetime], ...] = ()
    choices: tuple[tuple[str, datetime], ...] = ()
    change: str = ""
    every: bool = False
    link: str = ""

    def __post_init__(self) -> None:
        for moment in (self.start, self.old_start):
            if moment is not None:
                in_utc(moment)


@dataclass(frozen=True)
class Rendered:
    """A finished text. ``fallback``: the reader's own language was not at hand, ``language`` was used instead.
    ``version``: that of the clinic's own text, ``None`` for the product's."""

    body: str
    language: str
    fallback: bool
    version: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Letter(Rendered):
    """A finished e-mail, in plain text; ``subject`` is one line."""

    subject: str


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC; raises ``NaiveTime`` for a time without an offset."""
    try:
        return aware(moment)
    except ValueError:
        raise NaiveTime(field="start") from None


def clean(text: str) -> str:
    """``text`` on one line, without control characters or marks that reverse the reading order; else untouched."""
    if text.isprintable():
        return text.strip()
    return _HIDDEN.sub("", _BREAKS.sub(" ", text)).strip()


def clean_lines(text: str) -> str:
    """Like ``clean``, but line breaks stay."""
    return "\n".join(clean(line) for line in text.splitlines()).strip()
