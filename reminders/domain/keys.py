"""A table of settings written by a person (TOML), read word by word: a misspelt key is an error, never ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from reminders.errors import Invalid

T = TypeVar("T")

_KINDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table"}


class Keys:
    """A TOML table whose keys are taken one by one, so that what nobody asked for can be refused."""

    def __init__(self, table: dict[str, Any], error: type[Invalid] = Invalid, path: str = "") -> None:
        self._left = dict(table)
        self._error = error
        self._path = path

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of ``key``; required unless there is a ``default``."""
        value = self._left.pop(key, default)
        if value is None:
            raise self.refused(key, "is missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.refused(key, f"must be {_KINDS.get(kind, kind.__name__)}")
        return value

    def texts(self, key: str, *, empty: bool = False) -> tuple[str, ...]:
        """One text or a list of them, none of them empty unless ``empty``; nothing when the key is absent."""
        value = self._left.pop(key, [])
        texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else (None,)
        if not all(isinstance(text, str) and (text or empty) for text in texts):
            raise self.refused(key, "must be a text or a list of texts")
        return texts

    def optional(self, key: str) -> Any:
        return self._left.pop(key, None)

    def table(self, key: str) -> Keys:
        """A table inside; empty when the key is absent."""
        return Keys(self.take(key, dict, {}), self._error, f"{self._path}{key}.")

    def pairs(self) -> Iterator[tuple[str, Any]]:
        while self._left:
            yield self._left.popitem()

    def refused(self, key: str, why: str) -> Invalid:
        return self._error(f"{self._path}{key} {why}.", field=f"{self._path}{key}")

    def nothing_left(self) -> None:
        for key in self._left:
            raise self.refused(key, "is not a key of a mapping")
