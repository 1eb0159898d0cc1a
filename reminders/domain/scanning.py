"""What the phrases of one answer do, and what they mean together.

Part of ``domain/reply.py``, which decides whose words count and what is too uncertain to act on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reminders.domain.folding import BREAK, HOUR, QUESTION, is_decoration, is_unspaced, join, tokens, unstretched
from reminders.domain.hours import Hour
from reminders.domain.lexicon import Lexicon, Role
from reminders.domain.reading import DAYS, UNCLEAR, Intent, Reading

IGNORABLE = frozenset({Role.PADDING, Role.FILLER, Role.PUNCTUAL, Role.QUESTION, Role.POLITE_YES, Role.HOUR}) | DAYS
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
    HOUR: Role.HOUR,
}


def words_of(text: str) -> list[str]:
    """The folded words of an answer; emoji that mean nothing only separate them."""
    return [BREAK if word not in SIGNS and is_decoration(word) else word for word in tokens(text)]


@dataclass(slots=True)
class Scan:
    """What the phrases of a message do: for each role the first phrase and its language."""

    roles: dict[Role, tuple[str, str | None]] = field(default_factory=dict)
    numbers: list[str] = field(default_factory=list)
    hours: list[Hour] = field(default_factory=list)
    unknown: int = 0
    #: A "no" that runs into the words after it may turn them around ("no cancel it"); "no, cancel it" may not.
    runs_on: bool = False
    #: A "no" of one word, or in a script without words: "no Monday" is not "I can't on Monday".
    short: bool = False
    #: A "no" of one word right before a reason may deny it ("no emergency"); "no sorry I'm ill" and "can't, I'm ill" do not.
    denied: bool = False
    last: Role | None = None

    @property
    def complete(self) -> bool:
        """Every word is understood, and every number is one that the reminder offers."""
        return not self.unknown and all(number in _DIGITS for number in self.numbers)

    @property
    def days(self) -> frozenset[Role]:
        return frozenset(self.roles) & DAYS

    @property
    def says_no(self) -> bool:
        return bool(self.roles.keys() & _NOES)

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
        days = self.days
        if self.digits:
            return Reading(intent, None, self.digits[0], days=days, hours=frozenset(self.hours))
        wishes = self.wishes | {Role.POLITE_YES}
        matched, language = next(found for role, found in self.roles.items() if role in wishes)
        bare = Role.NEGATION in wishes and not wishes & {Role.REFUSAL, Role.CANCEL}
        return Reading(
            intent, language, matched, bare, days, implied=intent is Intent.CANCEL and Role.CANCEL not in wishes,
            refused=bool(wishes & _NOES), instead=intent is Intent.RESCHEDULE and Role.RESCHEDULE not in wishes,
            hours=frozenset(self.hours),
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
        if not self.runs_on or (noes == {Role.NEGATION, Role.REASON} and not self.denied):
            return Intent.CANCEL
        return Intent.UNCLEAR if self.denied else Intent.PERHAPS_CANCEL

    def _doubtful(self, intent: Intent) -> bool:
        if Role.QUESTION in self.roles and intent not in _MAY_ASK:
            return True
        if intent in (Intent.STOP, Intent.START):
            return bool(self.roles.keys() & (DAYS | {Role.FILLER, Role.HOUR}))
        if Role.PUNCTUAL in self.roles and self.roles.keys() & _NOES:  # "I won't be there on time"
            return True
        if Role.NEGATION not in self.roles or intent is Intent.PERHAPS_CANCEL or self._no_and_more:
            return False
        return bool(self.roles.keys() & {Role.FILLER, Role.HOUR}) or (self.short and bool(self.roles.keys() & DAYS))

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


def without_asides(words: Sequence[str], lexicon: Lexicon) -> tuple[list[str], Scan]:
    """``words`` without the days, times and courtesy that stand between others, and these."""
    rest: list[str] = []
    found, at = Scan(), 0
    while at < len(words):
        one = Scan()
        length = _phrase(one, list(words), at, (lexicon,)) or _single(one, words[at])
        if one.roles and one.roles.keys() <= DAYS | {Role.PADDING, Role.HOUR}:
            found.roles |= one.roles
            found.hours += one.hours
        else:
            rest += words[at : at + length]
        at += length
    return rest, found


def _phrase(found: Scan, words: list[str], at: int, lexicons: tuple[Lexicon, ...]) -> int:
    """Record the longest phrase that starts at ``at``; how many words it covers, 0 if there is none."""
    for lexicon in lexicons:
        for length in range(min(lexicon.longest, len(words) - at), 0, -1):
            phrase = tuple(words[at : at + length])
            role = lexicon.phrases.get(phrase) or _with_number(found, phrase, lexicon)
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
                found.denied |= role is Role.REASON and found.last is Role.NEGATION and found.short
                found.last = role
                return length
    return 0


def _with_number(found: Scan, phrase: tuple[str, ...], lexicon: Lexicon) -> Role | None:
    """The role of a phrase with one bare number in the place of an hour, as in "at 9". Without spaces between the words
    a number is as likely a choice ("2でお願いします")."""
    numbers = [word for word in phrase if word.isdecimal()]
    if len(numbers) != 1 or any(map(is_unspaced, phrase)):
        return None
    role = lexicon.phrases.get(tuple(HOUR if word.isdecimal() else word for word in phrase))
    found.hours += [Hour.of_number(numbers[0])] if role else []
    return role


def _single(found: Scan, word: str) -> int:
    """Record what needs no word list: a digit, a meaningful emoji, a mark. Everything else is left over."""
    found.last = role = SIGNS.get(word)
    if role:
        found.roles.setdefault(role, (word, None))
    elif word.isdecimal():
        found.numbers.append(word)
    elif word != BREAK:
        found.unknown += 1
    return 1
