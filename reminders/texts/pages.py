"""The words of the pages for staff. They have catalogues of their own, so that a page may be in fewer languages than a
text to a patient."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from reminders.texts.catalogues import SOURCE, read_catalogue
from reminders.texts.tags import Tag, read_tag

_CATALOGUE = "LC_MESSAGES/pages.po"


class PageTexts:
    """The languages the pages are in: English, in which they are written, and every one with a ``pages.po``."""

    def __init__(self, root: Path) -> None:
        found = (path.parts[-3] for path in root.glob(f"locales/*/{_CATALOGUE}"))
        self.languages = tuple(sorted({SOURCE, *found}))
        self._root = root
        # Two threads that miss a cache together compute the same value twice, which does no harm.
        self.catalogue = cache(self._catalogue)

    def choose(self, wanted: Iterable[str | None]) -> str:
        """The first of ``wanted`` (tags such as ``zh-CN``, in order of preference) that the pages are in, else
        English. A reader of Traditional Chinese is not served Simplified Chinese."""
        has = {_key(read_tag(language)): language for language in self.languages}
        asked = (_key(read_tag(tag)) for tag in wanted)
        return next((has[key] for key in asked if key is not None and key in has), SOURCE)

    def _catalogue(self, language: str) -> NullTranslations:
        path = self._root / "locales" / language / _CATALOGUE
        return read_catalogue(path) if path.is_file() else NullTranslations()


def _key(tag: Tag | None) -> tuple[str, str] | None:
    """Language and script: what decides whether a page can be read."""
    return None if tag is None else (tag.language, tag.script)
