"""The reply words of all languages, each read when somebody first answers in it.

A word list is folded into some thousand phrases: tens of milliseconds and about half a megabyte each. A process that
serves three languages keeps three of them, and of the others only the words for stop, start and help.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from reminders.domain.lexicon import Lexicon
from reminders.texts.catalogues import SOURCE

_LIST = "replies.toml"


class Lexicons:
    """``root`` holds ``locales``. Safe to share between threads: two that miss at once read the same list twice."""

    def __init__(self, root: Path) -> None:
        self._paths = {path.parent.name: path for path in sorted(root.glob(f"locales/*/{_LIST}"))}
        self.languages: Sequence[str] = tuple(self._paths)
        self._full = cache(lambda language: Lexicon.from_mapping(language, self._read(language)))
        self.keywords = cache(self._keywords)

    def of(self, language: str) -> Lexicon:
        """The word list of a language such as ``pt_BR``; that of English where there is none."""
        return self._full(language if language in self._paths else SOURCE)

    def elsewhere(self) -> Iterator[Lexicon]:
        """The same, read only when somebody asks for the first of them: most answers are understood without."""
        yield from self.keywords()

    def _keywords(self) -> tuple[Lexicon, ...]:
        """The words for stop, start and help of every language: they count whatever the patient's card says."""
        return tuple(Lexicon.keywords(language, self._read(language)) for language in self._paths)

    def _read(self, language: str) -> dict[str, Any]:
        return tomllib.loads(self._paths[language].read_text("utf-8"))
