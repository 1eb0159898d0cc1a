"""What the phrases of one answer do, and what they mean together.

Part of ``domain/reply.py``, which decides whose words count and what is too uncertain to act on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from reminders.domain.folding import BREAK, QUESTION, is_decoration, is_unspaced, join, tokens, unstretched
from reminders.domain.lexicon import WEEKDAYS, Lexicon, Role


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
IGNORABLE = frozenset({Role.PADDING, Role.FILLER, Role.PUNCTUAL, Role.QUESTION, Role.POLITE_YES}) | DAYS
_MAY_ASK = frozenset({Intent.RESCHEDULE, Intent.HELP})  # "can I change it?" is a request; "yes?" is no answer

_MEANING = {
    **{Role(intent): intent for intent in Intent if intent not in (Intent.UNCLEAR, Intent.QUESTION)},
    **dict.fromkeys((Role.NEGATION, Role.REFUSAL), Intent.CANCEL),
}
#: What a "no" may be made of.
_NOES = frozenset({Role.NEGATION, Role.REFUSAL, Role.CANCEL, Role.PERHAPS_CANCEL, Role.REASON})

_NUMBERS = {Role.ZERO: "0", Role.ONE: "1", Role.TWO: "2", Role.THREE: "3"}
_DIGITS = {"1": Intent.CONFIRM, "2": Intent.CANCEL, "3": Intent.RESCHEDULE}
SIGNS = {
    **dict.fromkeys("👍👌🆗✅✔✓☑💯🤝", Role.CONFIRM),
    **dict.fromkeys("👎❌✖❎🙅🚫⛔🤷🤔😕", Role.HEDGE),
    "🙏": Role.THANKS,
    QUESTION: Role.QUESTION,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer understood. ``language``: whose word list matched (None for digits, emoji and carrier keywords);
    ``matched``: the folded words that decided, empty when unclear; ``bare``: only a "no", which says nothing of what is
    not wanted; ``implied``: not coming was said ("I can't come"), but not to cancel; ``days``: the days it names, which the
    caller compares with the visit's (``about``); ``refused``: a no stands beside the wish for another time; ``instead``: the
    wish is no more than a day ("can I come on Friday?")."""

    intent: Intent
    language: str | None
    matched: str
    bare: bool = False
    days: frozenset[Role] = frozenset()
    implied: bool = False
    refused: bool = False
    instead: bool = False

    @property
    def by_number(self) -> bool:
        """A digit decided, not a word."""
        return self.matched.isdecimal()


UNCLEAR = Reading(Intent.UNCLEAR, None, "")


def about(reading: Reading, visit: date, today: date) -> Reading:
    """``reading`` as an answer about a visit on that day, both days at the venue. Whoever names another day may have a
    mistake in the calendar or another wish: a yes or no is asked about then. A wish for another time is one for that day,
    unless it may be the day that does not suit either. ``days`` of the result are those that are wished for."""
    others = reading.days - days_of(visit, today)
    if reading.intent is Intent.RESCHEDULE:
        unsure = (others and reading.refused and not reading.instead) or (reading.instead and not others)
        return UNCLEAR if unsure else replace(reading, days=others)
    if others and reading.intent in (Intent.CONFIRM, Intent.CANCEL):
        return replace(reading, intent=Intent.PERHAPS_CANCEL, implied=False)
    return reading


def days_of(day: date, today: date) -> frozenset[Role]:
    """The words that name ``day`` as seen from ``today``."""
    near = {today: Role.TODAY, today + timedelta(days=1): Role.TOMORROW}.get(day)
    return frozenset({WEEKDAYS[day.weekday()], near} if near else {WEEKDAYS[day.weekday()]})


def words_of(text: str) -> list[str]:
    """The folded words of an answer; emoji that mean nothing only separate them."""
    return [BREAK if word not in SIGNS and is_decoration(word) else word for word in tokens(text)]


@dataclass(slots=True)
class Scan:
    """What the phrases of a message do: for each role the first phrase and its language."""

    roles: dict[Role, tuple[str, str | None]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    unknown: int = 0
    #: A "no" that runs into the words after it may turn them around ("no cancel it"); "no, cancel it" may not.
    runs_on: bool = False
    #: A "no" of one word, or in a script without words: "no Monday" is not "I can't on Monday".
    short: bool = False

    @property
    def complete(self) -> bool:
        """Every word is understood, and every number is one that the reminder offers."""
        return not self.unknown and all(number in _DIGITS for number in self.numbers)

    @property
    def digits(self) -> list[str]:
        return [number for number in self.numbers if number in _DIGITS]

    @property
    def wishes(self) -> frozenset[Role]:
        """The roles that answer something. "Thanks" is an answer only when there is no other."""
        if self.roles.keys() == {Role.POLITE_YES} and not self.digits:
            return frozenset({Role.CONFIRM})
        said = frozenset(self.roles) - IGNORABLE
        return said - {Role.THANKS} if self.digits or said > {Role.THANKS} else said

    @property
    def answered(self) -> bool:
        return bool(self.wishes or self.digits)

    @property
    def in_one_language(self) -> bool:
        """Everything is understood, and what decides is said in one language; only courtesy comes from another."""
        return (
            self.complete and len({language for role, (_, language) in self.roles.items() if role in self.wishes}) == 1
        )

    def checked(self, reading: Reading) -> Reading:
        """``reading`` if what this scan did understand points the same way, otherwise unclear."""
        meanings = {_MEANING.get(role, Intent.UNCLEAR) for role in self.wishes - {Role.THANKS}}
        return reading if meanings <= {reading.intent} else UNCLEAR

    @property
    def _asks_for_a_day(self) -> bool:
        """ "Shall I come on Friday?" is no yes; to a visit on another day it is the wish for that day."""
        return not self.digits and Role.QUESTION in self.roles and bool(self.roles.keys() & DAYS)

    def reading(self) -> Reading:
        intent = self._intent()
        if intent is Intent.UNCLEAR:
            return UNCLEAR
        days = frozenset(self.roles) & DAYS
        if self.digits:
            return Reading(intent, None, self.digits[0], days=days)
        wishes = self.wishes | {Role.POLITE_YES}
        matched, language = next(found for role, found in self.roles.items() if role in wishes)
        bare = Role.NEGATION in wishes and not wishes & {Role.REFUSAL, Role.CANCEL}
        return Reading(
            intent, language, matched, bare, days, implied=intent is Intent.CANCEL and Role.CANCEL not in wishes,
            refused=bool(wishes & _NOES), instead=intent is Intent.RESCHEDULE and Role.RESCHEDULE not in wishes,
        )  # fmt: skip

    def _intent(self) -> Intent:
        meanings = [_DIGITS[digit] for digit in self.digits]
        if self.wishes:
            meanings.append(self._meaning(self.wishes))
        if not self.complete or len(self.digits) > 1 or len(set(meanings)) != 1:
            return Intent.UNCLEAR
        if meanings[0] is Intent.CONFIRM and self._asks_for_a_day:
            return Intent.RESCHEDULE
        return Intent.UNCLEAR if self._doubtful(meanings[0]) else meanings[0]

    def _meaning(self, wishes: frozenset[Role]) -> Intent:
        """One wish, or several ways to say no at once, or "I cannot" and the wish for another time."""
        noes, others = wishes & _NOES, wishes - _NOES
        if len(wishes) == 1 and Role.INSTEAD not in wishes:
            return _MEANING.get(next(iter(wishes)), Intent.UNCLEAR)
        if Role.INSTEAD in wishes and not self.roles.keys() & (DAYS | {Role.RESCHEDULE}):
            return Intent.UNCLEAR
        if others == {Role.CONFIRM, Role.INSTEAD}:  # "I can come on Friday instead"
            return Intent.UNCLEAR if noes else Intent.RESCHEDULE
        if others and others <= {Role.RESCHEDULE, Role.INSTEAD}:
            unsure = noes & {Role.CANCEL, Role.PERHAPS_CANCEL} or (self.runs_on and self.short)
            return Intent.UNCLEAR if unsure else Intent.RESCHEDULE
        return Intent.UNCLEAR if others else self._no(noes)

    def _no(self, noes: frozenset[Role]) -> Intent:
        """Several ways to say no. Only a complete one is certain beside a "no" that may turn it around."""
        if Role.REFUSAL in noes or noes == {Role.CANCEL, Role.REASON}:
            return Intent.CANCEL
        if Role.NEGATION not in noes:
            return Intent.PERHAPS_CANCEL
        if not self.runs_on:
            return Intent.CANCEL
        return Intent.UNCLEAR if Role.REASON in noes else Intent.PERHAPS_CANCEL

    def _doubtful(self, intent: Intent) -> bool:
        if Role.QUESTION in self.roles and intent not in _MAY_ASK:
            return True
        if intent in (Intent.STOP, Intent.START):
            return bool(self.roles.keys() & (DAYS | {Role.FILLER}))
        if Role.PUNCTUAL in self.roles and self.roles.keys() & _NOES:  # "I won't be there on time"
            return True
        if Role.NEGATION not in self.roles or intent is Intent.PERHAPS_CANCEL or self._no_and_more:
            return False
        return Role.FILLER in self.roles or (self.short and bool(self.roles.keys() & DAYS))

    @property
    def _no_and_more(self) -> bool:
        """ "No I can't come tomorrow", "no, please cancel my appointment": what stands beside belongs to the second part."""
        return Role.REFUSAL in self.roles or (Role.CANCEL in self.roles and not self.runs_on)


def scan(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Scan:
    """Cover ``words`` from the left with the longest known phrases; an earlier lexicon goes first."""
    vocabularies = [lexicon.vocabulary for lexicon in lexicons]
    words = [unstretched(word, vocabularies) for word in words]
    found, at = Scan(), 0
    while at < len(words):
        at += _phrase(found, words, at, lexicons) or _single(found, words[at])
    return found


def _phrase(found: Scan, words: list[str], at: int, lexicons: tuple[Lexicon, ...]) -> int:
    """Record the longest phrase that starts at ``at``; how many words it covers, 0 if there is none."""
    for lexicon in lexicons:
        for length in range(min(lexicon.longest, len(words) - at), 0, -1):
            phrase = tuple(words[at : at + length])
            role = lexicon.phrases.get(phrase)
            if role in _NUMBERS:
                found.numbers.append(_NUMBERS[role])
            elif role:
                found.roles.setdefault(role, (join(phrase), lexicon.language))
            if role is Role.NEGATION:
                found.runs_on |= bool(found.roles.keys() & (_NOES - {role})) or words[at + length :][:1] not in (
                    [],
                    [BREAK],
                )
                found.short |= length == 1 or is_unspaced("".join(phrase))
            if role:
                return length
    return 0


def _single(found: Scan, word: str) -> int:
    """Record what needs no word list: a digit, a meaningful emoji, a mark. Everything else is left over."""
    role = SIGNS.get(word)
    if role:
        found.roles.setdefault(role, (word, None))
    elif word.isdecimal():
        found.numbers.append(word)
    elif word != BREAK:
        found.unknown += 1
    return 1
