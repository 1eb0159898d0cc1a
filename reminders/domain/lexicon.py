"""The word list of one language: what people write, and what each phrase does in an answer.

Lists live in ``locales/<language>/replies.toml``; ``domain/reply.py`` reads answers with them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from itertools import chain, product
from sys import intern
from typing import Any, Self

from reminders.domain.folding import BREAK, is_unspaced, join, tokens

TYPO_LENGTH = 5  # letters; shorter words have too many neighbours
RESPELL = "respell"
Phrase = tuple[str, ...]


class Role(StrEnum):
    """What a phrase of a word list does in a message; the names are the keys of ``replies.toml``.

    ``NEGATION`` is an open "no" ("no", "I can't"): alone it answers "will you come?", next to anything else it may turn
    that around. ``REFUSAL`` is a complete "I am not coming". ``HEDGE`` makes everything unclear, ``QUESTION`` turns the
    message into a question. ``PADDING`` is politeness; ``FILLER`` ("my appointment", "no problem", "doctor") adds nothing
    to a clear answer either, but a bare "no" beside it may mean something else. ``PERHAPS_CANCEL`` sounds like a no but
    is not sure enough to lose a visit for ("nevermind"): alone it makes us ask. ``ZERO`` to ``THREE`` are the words for
    the digits, ``POLITE_YES`` is courtesy that means yes when it is the whole message ("ค่ะ", "dạ"), ``ALL`` ("both") chooses everything from a numbered list.
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
    PERHAPS_CANCEL = "perhaps_cancel"
    HEDGE = "hedge"
    QUESTION = "question"
    PADDING = "padding"
    FILLER = "filler"
    POLITE_YES = "polite_yes"
    ZERO = "zero"
    ONE = "one"
    TWO = "two"
    THREE = "three"
    ALL = "all"


#: Misreading these costs no visit and changes no consent.
_GENTLE = frozenset({Role.CONFIRM, Role.RESCHEDULE, Role.HELP, Role.THANKS, Role.PADDING})
#: Misreading these does no harm either, because nothing happens before we have asked.
_ASKED_ABOUT = frozenset({Role.CANCEL, Role.REFUSAL})
_KEYWORDS = (Role.STOP, Role.START, Role.HELP, Role.PADDING, Role.FILLER, Role.THANKS)


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
        phrases: dict[Phrase, Role] = {}
        fold = cache(_folded)  # the same few words come back in thousands of phrases
        for key, lines in entries.items():
            if key == RESPELL:
                continue
            if not isinstance(lines, list):
                raise ValueError(f"{language}: {key} must be a list of phrases")
            for phrase in (phrase for line in lines for phrase in _alternatives(line, fold)):
                role = phrases.setdefault(phrase, Role(key))
                if role != key:
                    raise ValueError(f"{language}: {join(phrase)!r} is listed as {role} and as {key}")
        return cls._of(language, phrases, dict(line.split(" > ") for line in entries.get(RESPELL, ())))

    @classmethod
    def keywords(cls, language: str, entries: Mapping[str, Any]) -> Self:
        """The part of a word list that decides whether a whole message says stop, start or help in this language. Such
        a message reads the same as with the full list; of any other, something is left over."""
        full = cls.from_mapping(language, entries)
        known = _vocabulary(phrase for phrase, role in full.phrases.items() if role in _KEYWORDS)
        return cls._of(
            language, {phrase: role for phrase, role in full.phrases.items() if known.issuperset(phrase)}, {}
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


def _alternatives(line: str, fold: Callable[[str], Phrase]) -> Iterator[Phrase]:
    """The phrases a line of a word list stands for, as tokens."""
    parts = [part.split("|") if at % 2 else [part] for at, part in enumerate(re.split(r"\{([^{}]*)\}", line))]
    for choice in product(*parts):
        phrase = tuple(chain.from_iterable(map(fold, "".join(choice).split())))
        if not phrase:
            raise ValueError(f"{line!r} has nothing to match")
        yield phrase
