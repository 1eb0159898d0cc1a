"""The reply words of all languages, each read when somebody first answers in it.

A word list is folded into some thousand phrases: up to some hundred milliseconds and one or two megabytes each. A process
that serves three languages keeps three of them, and of the others only the words for stop, start and help.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from reminders.domain.lexicon import Lexicon
from reminders.texts.catalogues import SOURCE

_LIST = "replies.toml"
_KEYWORDS = "keywords"

T = TypeVar("T")


class _Missing(Exception):
    """A list that has not been read yet is wanted where nobody may wait for it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Lexicons:
    """``root`` holds ``locales``. Safe to share between threads: two that miss at once read the same list twice."""

    def __init__(self, root: Path) -> None:
        self._paths = {path.parent.name: path for path in sorted(root.glob(f"locales/*/{_LIST}"))}
        self.languages: Sequence[str] = tuple(self._paths)
        self._full: dict[str, Lexicon] = {}
        self._keywords: tuple[Lexicon, ...] | None = None

    def of(self, language: str) -> Lexicon:
        """The word list of a language such as ``pt_BR``; that of English where there is none. Read now, if need be."""
        name = self._name(language)
        if name not in self._full:
            self._full[name] = Lexicon.from_mapping(name, self.entries(name))
        return self._full[name]

    def keywords(self) -> tuple[Lexicon, ...]:
        """The words for stop, start and help of every language: they count whatever the patient's card says."""
        if self._keywords is None:
            self._keywords = tuple(Lexicon.keywords(name, self.entries(name)) for name in self._paths)
        return self._keywords

    def at_hand(self, language: str) -> Lexicon:
        """``of``, within the work of ``with_words``."""
        name = self._name(language)
        if name not in self._full:
            raise _Missing(name)
        return self._full[name]

    def elsewhere(self) -> Iterator[Lexicon]:
        """``keywords``, within the work of ``with_words``; wanted only when somebody asks for the first of them, since
        most answers are understood without."""
        if self._keywords is None:
            raise _Missing(_KEYWORDS)
        yield from self._keywords

    def with_words(self, work: Callable[[], T]) -> T:
        """``work``, a whole transaction. Where it wants a list that this process has not read yet, it is broken off, the
        list is read, and the work begins again: no transaction is open while a list is read."""
        while True:
            try:
                return work()
            except _Missing as missing:
                wanted = missing.name
            if wanted == _KEYWORDS:
                self.keywords()
            else:
                self.of(wanted)

    def warm(self, languages: Iterable[str]) -> None:
        """Read what is likely to be wanted before somebody waits for it: English, ``languages``, and the keywords of all."""
        for language in dict.fromkeys((SOURCE, *languages)):
            self.of(language)
        self.keywords()

    def entries(self, name: str) -> dict[str, Any]:
        """The word list of a language as it stands in its file."""
        return tomllib.loads(self._paths[name].read_text("utf-8"))

    def _name(self, language: str) -> str:
        return language if language in self._paths else SOURCE
