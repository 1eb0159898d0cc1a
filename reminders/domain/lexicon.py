"""The word list of one language: what people write, and what each phrase does in an answer.

Lists live in ``locales/<language>/replies.toml``; ``domain/reply.py`` reads answers with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Any, Self

from reminders.domain.folding import BREAK, join, tokens

TYPO_LENGTH = 5  # letters; shorter words have too many neighbours
Phrase = tuple[str, ...]


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


#: Misreading these costs no visit and changes no consent.
_GENTLE = frozenset({Role.CONFIRM, Role.RESCHEDULE, Role.HELP, Role.THANKS, Role.PADDING})


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

    def words(self, role: str) -> frozenset[str]:
        """All phrases of one role, folded, for reviews and for checking what a template offers."""
        return frozenset(join(phrase) for phrase, found in self.phrases.items() if found == role)


def _vocabulary(phrases: Iterable[Phrase]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase)


def _correctable(phrases: Mapping[Phrase, Role]) -> frozenset[str]:
    """Words that a mistyped one may stand for: long enough, and only where misreading does no harm."""
    words = _vocabulary(phrase for phrase, role in phrases.items() if role in _GENTLE)
    return frozenset(word for word in words if len(word) >= TYPO_LENGTH)


def _alternatives(line: str) -> Iterator[Phrase]:
    """The phrases a line of a word list stands for, as tokens."""
    parts = [part.split("|") if at % 2 else [part] for at, part in enumerate(re.split(r"\{([^{}]*)\}", line))]
    for choice in product(*parts):
        phrase = tuple(word for word in tokens("".join(choice)) if word != BREAK)
        if not phrase:
            raise ValueError(f"{line!r} has nothing to match")
        yield phrase
