"""What an answer was read as, and what it means for a visit on a certain day.

Part of ``domain/reply.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from reminders.domain.hours import Hour
from reminders.domain.lexicon import WEEKDAYS, Role


class Intent(StrEnum):
    """What the patient wants. ``UNCLEAR`` and ``QUESTION`` mean: nothing may change, the desk reads it.
    ``PERHAPS_CANCEL`` means: nothing may change before the patient has said it again."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    PERHAPS_CANCEL = "perhaps_cancel"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    QUESTION = "question"
    THANKS = "thanks"
    UNCLEAR = "unclear"


DAYS = frozenset({Role.TODAY, Role.TOMORROW, *WEEKDAYS})


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer understood. ``language``: whose word list matched (None for digits, emoji and carrier keywords);
    ``matched``: the folded words that decided, empty when unclear; ``bare``: only a "no", which says nothing of what is
    not wanted; ``implied``: not coming was said ("I can't come"), but not to cancel; ``days`` and ``hours``: what it
    names, which the caller compares with the visit's (``about``); ``refused``: a no stands beside the wish for another time; ``instead``: the
    wish is no more than a day ("can I come on Friday?")."""

    intent: Intent
    language: str | None
    matched: str
    bare: bool = False
    days: frozenset[Role] = frozenset()
    implied: bool = False
    refused: bool = False
    instead: bool = False
    hours: frozenset[Hour] = frozenset()

    @property
    def by_number(self) -> bool:
        """A digit decided, not a word."""
        return self.matched.isdecimal()


UNCLEAR = Reading(Intent.UNCLEAR, None, "")


def about(reading: Reading, start: datetime, today: date) -> Reading:
    """``reading`` as an answer about the visit that begins then, both at the venue. Whoever names another day may have a
    mistake in the calendar or another wish: a yes or no is asked about then. A wish for another time is one for that day,
    unless it may be the day that does not suit either. ``days`` of the result are those that are wished for. Who names
    another hour may be late or wish for it: a person reads it. "I can't at 9:30" may go on in the mind with another hour."""
    if not all(hour.is_of(start) for hour in reading.hours):
        return UNCLEAR
    others = reading.days - days_of(start.date(), today)
    if reading.intent is Intent.RESCHEDULE:
        unsure = (others and reading.refused and not reading.instead) or (reading.instead and not others)
        return UNCLEAR if unsure else replace(reading, days=others)
    if (others and reading.intent in (Intent.CONFIRM, Intent.CANCEL)) or (reading.hours and reading.implied):
        return replace(reading, intent=Intent.PERHAPS_CANCEL, implied=False)
    return reading


def days_of(day: date, today: date) -> frozenset[Role]:
    """The words that name ``day`` as seen from ``today``."""
    near = {today: Role.TODAY, today + timedelta(days=1): Role.TOMORROW}.get(day)
    return frozenset({WEEKDAYS[day.weekday()], near} if near else {WEEKDAYS[day.weekday()]})
