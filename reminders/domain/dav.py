"""What a calendar program asks for, and why it may be refused: the words of RFC 4791 and RFC 4918."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from reminders.errors import Conflict, Forbidden, Stale


class NotAllowed(Forbidden):
    """The calendar does not take this. ``condition`` names the precondition that failed (RFC 4918 section 16)."""

    code = "calendar_refused"
    sentence = "The clinic's calendar does not take this."

    def __init__(self, sentence: str | None = None, condition: str = "R:not-allowed") -> None:
        super().__init__(sentence)
        self.condition = condition


class UidTaken(Conflict):
    """Another resource of the calendar holds this event already; ``href`` is its name."""

    code = "uid_taken"
    sentence = "This event is in the calendar already, at another address."

    def __init__(self, href: str) -> None:
        super().__init__()
        self.href = href


class Unmatched(Stale):
    """A condition of the request (``If-Match``, ``If-None-Match``, ``Overwrite``) does not hold."""

    code = "precondition_failed"
    sentence = "This is not what the calendar holds now; read it again before changing it."


@dataclass(frozen=True, slots=True)
class Conditions:
    """RFC 9110 section 13: ``etags`` of which one must be the present one (``None``: any), whether something must be
    there (``If-Match: *``), and whether nothing may be."""

    etags: frozenset[str] | None = None
    must_exist: bool = False
    must_be_new: bool = False

    def check(self, present: str | None) -> None:
        """``present`` is the ETag of what is there, ``None`` when nothing is; else ``Unmatched``."""
        wrong = (
            (self.must_be_new and present is not None)
            or (self.must_exist and present is None)
            or (self.etags is not None and present not in self.etags)
        )
        if wrong:
            raise Unmatched()


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Sent:
    """An event as a program sent it. ``start`` and ``end`` are those of the first time it happens, ``reach`` goes from
    the first to the last of all, ``blocked`` is when it takes up time, of what repeats before ``until``; all in UTC. ``text`` is kept as it came."""

    text: str
    uid: str
    start: datetime
    end: datetime
    all_day: bool = False
    recurring: bool = False
    cancelled: bool = False
    blocked: tuple[Span, ...] = ()
    reach: Span | None = field(default=None)
    until: datetime | None = None
