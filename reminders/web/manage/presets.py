"""The words of the worked scenarios. Who starts from one gets it in the language of the pages; from then on it is theirs."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

#: Fields that people read. What refers to an option says its name, and is put into the same words.
_WORDS = ("name", "note", "source")
_REFERENCES = ("baseline", "option")


def spoken(scenario: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    """A scenario in the words that ``say`` finds for its own."""
    return {name: _said(name, value, say) for name, value in scenario.items()}


def extract(file: BinaryIO, *_unused: object, **_options: object) -> Iterator[tuple[int, None, str, list[str]]]:
    """For Babel (``babel-pages.cfg``): every text of a scenario that people read."""
    for text in dict.fromkeys(_texts(tomllib.load(file))):
        yield 1, None, text, []


def _said(name: str, value: Any, say: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return spoken(value, say)
    if isinstance(value, list):
        return [spoken(one, say) if isinstance(one, Mapping) else one for one in value]
    return say(value) if value and name in _WORDS + _REFERENCES else value


def _texts(found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from _texts(value)
        elif isinstance(value, list):
            for one in value:
                yield from _texts(one) if isinstance(one, Mapping) else ()
        elif value and name in _WORDS:
            yield value
