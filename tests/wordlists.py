"""The word lists of answers, each read when a test first asks for it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reminders.domain.lexicon import Lexicon

LOCALES = Path(__file__).resolve().parents[1] / "locales"


def raw_list(language: str) -> dict[str, Any]:
    return tomllib.loads((LOCALES / language / "replies.toml").read_text(encoding="utf-8"))


class _Lists(Mapping[str, Lexicon]):
    def __init__(self) -> None:
        self._names = sorted(path.parent.name for path in LOCALES.glob("*/replies.toml"))
        self._read: dict[str, Lexicon] = {}

    def __getitem__(self, language: str) -> Lexicon:
        if language not in self._names:
            raise KeyError(language)
        if language not in self._read:
            self._read[language] = Lexicon.from_mapping(language, raw_list(language))
        return self._read[language]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


LEXICONS: Mapping[str, Lexicon] = _Lists()
