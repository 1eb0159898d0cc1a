"""The word list of one language: what people write, and what each phrase does in an answer.

Lists live in ``locales/<language>/replies.toml``; ``domain/reply.py`` reads answers with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import chain, product
from sys import intern
from typing import Any, Self

from reminders.domain.folding import BREAK, HOUR, is_unspaced, join, tokens

_BRACES = re.compile(r"\{([^{}]*)\}")

TYPO_LENGTH = 5  # letters; shorter words have too many neighbours
RESPELL = "respell"
Phrase = tuple[str, ...]


class Role(StrEnum):
    """What a phrase of a word list does in a message; the names are the keys of ``replies.toml``.

    ``NEGATION`` is an open "no" ("no", "I can't"): alone it answers "will you come?", next to anything else it may turn
    that around. ``REFUSAL`` is a complete "I am not coming". ``HEDGE`` makes everything unclear, ``QUESTION`` turns the
    message into a question. ``PADDING`` is politeness; ``FILLER`` ("my appointment", "no problem", "doctor") adds nothing
    to a clear answer either, but a bare "no" beside it may mean something else, and so may any no beside ``PUNCTUAL`` ("on
    time"). ``PERHAPS_CANCEL`` sounds like a no but is not sure enough to lose a visit for ("nevermind"): alone it makes us
    ask. ``REASON`` says why ("I'm ill"): beside a clear answer it takes nothing away, alone a person reads it. ``TODAY`` to
    ``SUNDAY`` name a day; an answer that names another day than the visit's is asked about. ``HOUR`` are the words around
    a time of day, which ◷ stands for ("at ◷"); one that is not the visit's is for a person. ``INSTEAD`` ("can I come",
    "rather") is the wish for another time only where another day is named. ``ZERO`` to ``THREE`` are the words for the
    digits, ``FIRST`` to ``THIRD`` and ``LAST`` ("the second one") choose a line of a numbered list and mean nothing else,
    ``ALL`` chooses everything from a list, ``BOTH`` from a list of two. ``POLITE_YES`` is courtesy that means yes when it is
    the whole message ("ค่ะ", "dạ").
    """

    CONFIRM = "confirm"
    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    INSTEAD = "instead"
    STOP = "stop"
    START = "start"
    HELP = "help"
    THANKS = "thanks"
    NEGATION = "negation"
    REFUSAL = "refusal"
    PERHAPS_CANCEL = "perhaps_cancel"
    REASON = "reason"
    HEDGE = "hedge"
    QUESTION = "question"
    PADDING = "padding"
    FILLER = "filler"
    PUNCTUAL = "punctual"
    POLITE_YES = "polite_yes"
    ZERO = "zero"
    ONE = "one"
    TWO = "two"
    THREE = "three"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    LAST = "last"
    BOTH = "both"
    ALL = "all"
    TODAY = "today"
    TOMORROW = "tomorrow"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    HOUR = "hour"


#: The days of a week, Monday first.
WEEKDAYS = (
    Role.MONDAY, Role.TUESDAY, Role.WEDNESDAY, Role.THURSDAY, Role.FRIDAY, Role.SATURDAY, Role.SUNDAY,
)  # fmt: skip

#: Misreading these costs no visit and changes no consent.
_GENTLE = frozenset({Role.CONFIRM, Role.RESCHEDULE, Role.HELP, Role.THANKS, Role.PADDING})
#: Misreading these does no harm either, because nothing happens before we have asked.
_ASKED_ABOUT = frozenset({Role.CANCEL, Role.REFUSAL})
_KEYWORDS = (Role.STOP, Role.START, Role.HELP, Role.PADDING, Role.FILLER, Role.POLITE_YES, Role.THANKS)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The word list of one language, folded once. ``phrases`` gives the role of each run of tokens; ``correctable`` are
    the words that a mistyped one may stand for without harm, ``askable`` those that it may stand for if we ask back."""

    language: str
    phrases: Mapping[Phrase, Role]
    longest: int
    vocabulary: frozenset[str]
    correctable: frozenset[str]
    askable: frozenset[str]
    respell: Mapping[str, str]

    @classmethod
    def from_mapping(cls, language: str, entries: Mapping[str, Any]) -> Self:
        """Build from a parsed ``replies.toml``: lists of phrases by role; ``{a|b|}`` in a phrase stands for alternatives.
        The list ``respell`` holds words whose accents decide, "dừng > ngừng": the first is read as the second.

        Raises ``ValueError`` for an unknown key, something else than a list, an empty phrase, or one phrase in two roles.
        """
        phrases = _phrases(language, entries, entries.keys() - {RESPELL})
        return cls._of(language, phrases, dict(line.split(" > ") for line in entries.get(RESPELL, ())))

    @classmethod
    def keywords(cls, language: str, entries: Mapping[str, Any]) -> Self:
        """The part of a word list that decides whether a whole message says stop, start or help in this language. Such
        a message reads the same as with the full list; of any other, something is left over."""
        phrases = _phrases(language, entries, entries.keys() & set(_KEYWORDS))
        known = _vocabulary(phrases)
        return cls._of(
            language, phrases | _phrases(language, entries, entries.keys() - {RESPELL, *_KEYWORDS}, known), {}
        )

    @classmethod
    def _of(cls, language: str, phrases: Mapping[Phrase, Role], respell: Mapping[str, str]) -> Self:
        longest = max(map(len, phrases), default=0)
        gentle, asked = _long_words(phrases, _GENTLE), _long_words(phrases, _ASKED_ABOUT)
        return cls(language, phrases, longest, _vocabulary(phrases), gentle, asked, respell)

    def respelled(self, text: str) -> str:
        """``text`` before folding, with the words exchanged that folding would make another word of."""
        if not self.respell or text.isascii():
            return text
        parts = re.split(r"(\w+)", unicodedata.normalize("NFC", text))
        return "".join(self.respell.get(part.casefold(), part) for part in parts)

    def words(self, role: str) -> frozenset[str]:
        """All phrases of one role, folded, for reviews and for checking what a template offers."""
        return frozenset(join(phrase) for phrase, found in self.phrases.items() if found == role)


def _phrases(
    language: str, entries: Mapping[str, Any], keys: Collection[str], known: frozenset[str] | None = None
) -> dict[Phrase, Role]:
    """The phrases under ``keys``, in the order of the list; with ``known``, those made of known words alone."""
    phrases: dict[Phrase, Role] = {}
    fold = cache(_folded)  # the same few words come back in thousands of phrases
    for key in (key for key in entries if key in keys):
        if not isinstance(entries[key], list):
            raise ValueError(f"{language}: {key} must be a list of phrases")
        for phrase in (phrase for line in entries[key] for phrase in _alternatives(line, fold, known)):
            role = phrases.setdefault(phrase, Role(key))
            if role != key:
                raise ValueError(f"{language}: {join(phrase)!r} is listed as {role} and as {key}")
    return phrases


def _vocabulary(phrases: Iterable[Phrase]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)


def _long_words(phrases: Mapping[Phrase, Role], roles: frozenset[Role]) -> frozenset[str]:
    """The words of these roles that are long enough to be recognised when mistyped."""
    words = _vocabulary(phrase for phrase, role in phrases.items() if role in roles)
    return frozenset(word for word in words if len(word) >= TYPO_LENGTH)


def _folded(word: str) -> Phrase:
    if is_unspaced(word):  # character by character, from memory: these lists have the most and the longest phrases
        return tuple(chain.from_iterable(map(_character, word)))
    return _character(word)


@lru_cache(maxsize=8192)
def _character(word: str) -> Phrase:
    return tuple(intern(token) for token in tokens(word) if token != BREAK)


def _alternatives(line: str, fold: Callable[[str], Phrase], known: frozenset[str] | None = None) -> Iterator[Phrase]:
    """The phrases a line of a word list stands for, as tokens; with ``known``, those made of known words alone."""
    parts: Sequence[list[str]] = [part.split("|") if at % 2 else [part] for at, part in enumerate(_BRACES.split(line))]
    if known is not None:
        parts = _possible(parts, fold, known)
    for choice in product(*parts):
        phrase = tuple(chain.from_iterable(map(fold, "".join(choice).split())))
        if phrase in ((), (HOUR,)):  # a number alone is no time of day
            raise ValueError(f"{line!r} has nothing to match")
        if known is None or known.issuperset(phrase):
            yield phrase


def _possible(parts: Sequence[list[str]], fold: Callable[[str], Phrase], known: frozenset[str]) -> Sequence[list[str]]:
    """``parts`` without the choices that bring in an unknown word, so that few of the thousands are written out. The
    outermost words of a choice may go on in its neighbour ("cancelar{la|lo}") and are not judged here. Looks at what is
    not to be chosen first: where that is unknown, nothing is possible."""

    def fits(choice: str) -> bool:
        return all(known.issuperset(fold(word)) for word in _whole_words(choice))

    if not all(map(fits, chain.from_iterable(parts[::2]))):
        return [[]]
    return [part if at % 2 == 0 else list(filter(fits, part)) for at, part in enumerate(parts)]


def _whole_words(choice: str) -> list[str]:
    return choice.split() if is_unspaced(choice.replace(" ", "")) else f"_{choice}_".split()[1:-1]
