"""Reads what a patient answered to a reminder.

The reminder asks "will you come? 1 = confirm, 2 = cancel, 3 = another time". An answer counts only when the *whole*
message is understood: politeness is folded away, but any word left over, a question, a "but" or two different wishes
make it unclear, and a person at the desk reads it. A wrong confirmation costs an empty chair; a wrong cancellation costs
a patient the visit, so nothing is ever cancelled on a guess.

No language is built in. Words come from a ``Lexicon`` per language; built in are only what all languages share: digits,
a few emoji, question marks and the opt-out keywords that carriers fix for every language.

The bare English word "cancel" is read as cancelling the visit, but Twilio's default opt-out list also contains it. When
Twilio took the message as an opt-out, its webhook carries ``OptOutType=STOP``: the caller looks at that flag first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from typing import Any, Self

from reminders.domain.folding import BREAK, QUESTION, is_decoration, join, one_edit_apart, tokens, unstretched

MAX_LENGTH = 60  # characters; a longer answer tells a story, and stories are for people
_MAX_RAW = 1600  # the longest message Twilio delivers
_TYPO_LENGTH = 5  # shorter words have too many neighbours


class Intent(StrEnum):
    """What the patient wants. ``UNCLEAR`` means: nothing may change, the desk reads it."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    THANKS = "thanks"
    UNCLEAR = "unclear"


class Role(StrEnum):
    """What a phrase of a word list does in a message; the names are the keys of ``replies.toml``.

    ``NEGATION`` is an open "no" ("no", "I can't"): alone it answers "will you come?", next to anything else it may turn
    that around. ``REFUSAL`` is a complete "I am not coming". ``HEDGE`` makes everything unclear, ``QUESTION`` turns the
    message into a question. ``PADDING`` is politeness; ``FILLER`` ("my appointment", "no problem", "doctor") adds nothing
    to a clear answer either, but a bare "no" beside it may mean something else.
    """

    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    STOP = "stop"
    START = "start"
    HELP = "help"
    THANKS = "thanks"
    NEGATION = "negation"
    REFUSAL = "refusal"
    HEDGE = "hedge"
    QUESTION = "question"
    PADDING = "padding"
    FILLER = "filler"


_MEANING: dict[frozenset[Role], Intent] = {
    **{frozenset({Role(intent)}): intent for intent in Intent if intent is not Intent.UNCLEAR},
    frozenset({Role.NEGATION}): Intent.CANCEL,
    frozenset({Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.NEGATION, Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.CANCEL, Role.REFUSAL}): Intent.CANCEL,
    frozenset({Role.RESCHEDULE, Role.REFUSAL}): Intent.RESCHEDULE,
}
_IGNORABLE = frozenset({Role.PADDING, Role.FILLER, Role.QUESTION})
# A guess (a corrected typo, a mix of languages) may lead here; it never costs a visit and never changes consent.
_HARMLESS = frozenset({Intent.CONFIRM, Intent.RESCHEDULE, Intent.HELP, Intent.THANKS})
_MAY_ASK = frozenset({Intent.RESCHEDULE, Intent.HELP})  # "can I change it?" is a request; "yes?" is no answer

_DIGITS = {"1": Intent.CONFIRM, "2": Intent.CANCEL, "3": Intent.RESCHEDULE}
_SIGNS = {
    **dict.fromkeys("👍👌🆗✅✔✓☑", Role.CONFIRM),
    **dict.fromkeys("👎❌✖❎🙅🚫⛔🤷🤔😕", Role.HEDGE),
    "🙏": Role.THANKS,
    QUESTION: Role.QUESTION,
}
# CTIA and Twilio: one keyword alone, whatever the language of the conversation.
_CARRIER = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "end", "quit", "revoke", "optout"), Intent.STOP),
    **dict.fromkeys(("start", "unstop"), Intent.START),
    **dict.fromkeys(("help", "info"), Intent.HELP),
}

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word list of one language, folded once. ``phrases`` gives the role of each run of tokens."""

    language: str
    phrases: Mapping[Phrase, Role]
    longest: int
    vocabulary: frozenset[str]
    correctable: frozenset[str]

    @classmethod
    def from_mapping(cls, language: str, entries: Mapping[str, Any]) -> Self:
        """Build from a parsed ``replies.toml``: lists of phrases by role; ``{a|b|}`` in a phrase stands for alternatives.

        Raises ``ValueError`` for an unknown key, something else than a list, an empty phrase, or one phrase in two roles.
        """
        phrases: dict[Phrase, Role] = {}
        for key, lines in entries.items():
            if not isinstance(lines, list):
                raise ValueError(f"{language}: {key} must be a list of phrases")
            for phrase in (phrase for line in lines for phrase in _alternatives(line)):
                role = phrases.setdefault(phrase, Role(key))
                if role != key:
                    raise ValueError(f"{language}: {join(phrase)!r} is listed as {role} and as {key}")
        return cls(language, phrases, max(map(len, phrases), default=0), _vocabulary(phrases), _correctable(phrases))

    def words(self, role: Role | Intent) -> frozenset[str]:
        """All phrases of one role, folded, for reviews and for checking what a template offers."""
        return frozenset(join(phrase) for phrase, found in self.phrases.items() if found == role)


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer understood. ``language``: whose word list matched (None for digits, emoji and carrier keywords);
    ``matched``: the folded words that decided, empty when unclear."""

    intent: Intent
    language: str | None
    matched: str


def _vocabulary(phrases: Iterable[Phrase]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)


def _correctable(phrases: Mapping[Phrase, Role]) -> frozenset[str]:
    """Words that a mistyped one may stand for: long enough, and only where misreading does no harm."""
    polite = {Role.PADDING, *map(Role, _HARMLESS)}
    words = _vocabulary(phrase for phrase, role in phrases.items() if role in polite)
    return frozenset(word for word in words if len(word) >= _TYPO_LENGTH)


_UNCLEAR = Reading(Intent.UNCLEAR, None, "")


def read(text: str, own: Lexicon, *fallbacks: Lexicon) -> Reading:
    """Read ``text`` in the patient's ``own`` language first, then in ``fallbacks``. Never raises."""
    if len(text) > _MAX_RAW:
        return _UNCLEAR
    words = [BREAK if word not in _SIGNS and is_decoration(word) else word for word in tokens(text)]
    plain = join(words)
    keyword = _CARRIER.get(plain.replace(" ", ""))
    if keyword:
        return Reading(keyword, None, plain)
    if len(plain) > MAX_LENGTH:
        return _UNCLEAR
    first = _scan(words, (own,))
    if (first.complete and first.answered) or Role.HEDGE in first.roles:
        return first.reading()
    for fallback in fallbacks:
        scan = _scan(words, (fallback,))
        if scan.complete and scan.answered:
            return first.checked(scan.reading())
    return first.checked(_guess(words, (own, *fallbacks)))


def _guess(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Reading:
    """Languages mixed in one message, or one word mistyped; believed only where a mistake does no harm."""
    mixed = _scan(words, lexicons)
    scans = [mixed] if mixed.complete else [_scan(spelling, lexicons) for spelling in _corrected(words, lexicons)]
    readings = {reading.intent: reading for reading in (scan.reading() for scan in scans)}
    readings.pop(Intent.UNCLEAR, None)
    return readings.popitem()[1] if len(readings) == 1 and readings.keys() <= _HARMLESS else _UNCLEAR


def _corrected(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> Iterator[list[str]]:
    """The message with its only unknown word replaced by each harmless word one typing slip away.

    The first letter must be right ("visto" is not "listo"), and a word that is as close to a refusal stays unknown.
    """
    known = frozenset[str]().union(*(lexicon.vocabulary for lexicon in lexicons))
    correctable = frozenset[str]().union(*(lexicon.correctable for lexicon in lexicons))
    unknown = [at for at, word in enumerate(words) if word.isalpha() and unstretched(word, (known,)) not in known]
    if len(unknown) != 1 or len(words[unknown[0]]) < _TYPO_LENGTH:
        return
    at = unknown[0]
    near = [word for word in known if word[0] == words[at][0] and one_edit_apart(word, words[at])]
    if correctable.issuperset(near):
        for word in sorted(near):
            yield [*words[:at], word, *words[at + 1 :]]


@dataclass(slots=True)
class _Scan:
    """What the phrases of a message do: for each role the first phrase and its language."""

    roles: dict[Role, tuple[str, str | None]] = field(default_factory=dict)
    digits: list[str] = field(default_factory=list)
    complete: bool = True

    @property
    def wishes(self) -> frozenset[Role]:
        """The roles that answer something. "Thanks" is an answer only when there is no other."""
        said = frozenset(self.roles) - _IGNORABLE
        return said - {Role.THANKS} if self.digits or said > {Role.THANKS} else said

    @property
    def answered(self) -> bool:
        return bool(self.wishes or self.digits)

    def checked(self, reading: Reading) -> Reading:
        """``reading`` if what this scan did understand points the same way, otherwise unclear."""
        meanings = {_MEANING.get(frozenset({role}), Intent.UNCLEAR) for role in self.wishes - {Role.THANKS}}
        return reading if meanings <= {reading.intent} else _UNCLEAR

    def reading(self) -> Reading:
        intent = self._intent()
        if intent is Intent.UNCLEAR:
            return _UNCLEAR
        if self.digits:
            return Reading(intent, None, self.digits[0])
        matched, language = next(found for role, found in self.roles.items() if role in self.wishes)
        return Reading(intent, language, matched)

    def _intent(self) -> Intent:
        meanings = [_DIGITS[digit] for digit in self.digits]
        if self.wishes:
            meanings.append(_MEANING.get(self.wishes, Intent.UNCLEAR))
        if not self.complete or len(self.digits) > 1 or len(set(meanings)) != 1:
            return Intent.UNCLEAR
        return Intent.UNCLEAR if self._doubtful(meanings[0]) else meanings[0]

    def _doubtful(self, intent: Intent) -> bool:
        if Role.QUESTION in self.roles and intent not in _MAY_ASK:
            return True
        bare = Role.NEGATION in self.roles or intent in (Intent.STOP, Intent.START)
        return bare and Role.FILLER in self.roles


def _scan(words: Sequence[str], lexicons: tuple[Lexicon, ...]) -> _Scan:
    """Cover ``words`` from the left with the longest known phrases; an earlier lexicon goes first."""
    vocabularies = [lexicon.vocabulary for lexicon in lexicons]
    words = [unstretched(word, vocabularies) for word in words]
    scan, at = _Scan(), 0
    while at < len(words):
        at += _phrase(scan, words, at, lexicons) or _single(scan, words[at])
    return scan


def _phrase(scan: _Scan, words: list[str], at: int, lexicons: tuple[Lexicon, ...]) -> int:
    """Record the longest phrase that starts at ``at``; how many words it covers, 0 if there is none."""
    for lexicon in lexicons:
        for length in range(min(lexicon.longest, len(words) - at), 0, -1):
            phrase = tuple(words[at : at + length])
            role = lexicon.phrases.get(phrase)
            if role:
                scan.roles.setdefault(role, (join(phrase), lexicon.language))
                return length
    return 0


def _single(scan: _Scan, word: str) -> int:
    """Record what needs no word list: a digit, a meaningful emoji, a mark. Everything else is left over."""
    role = _SIGNS.get(word)
    if role:
        scan.roles.setdefault(role, (word, None))
    elif word in _DIGITS:
        scan.digits.append(word)
    elif word != BREAK:
        scan.complete = False
    return 1


def _alternatives(line: str) -> Iterator[Phrase]:
    """The phrases a line of a word list stands for, as tokens."""
    parts = [part.split("|") if at % 2 else [part] for at, part in enumerate(re.split(r"\{([^{}]*)\}", line))]
    for choice in product(*parts):
        phrase = tuple(word for word in tokens("".join(choice)) if word != BREAK)
        if not phrase:
            raise ValueError(f"{line!r} has nothing to match")
        yield phrase
