"""Everything that is said and understood, read once per process."""

from __future__ import annotations

from functools import cache

from reminders.settings import data_dir
from reminders.texts import PageTexts, Texts
from reminders.texts.lexicons import Lexicons


@cache
def words() -> Texts:
    """What patients are told; a language is read when somebody is first told something in it, or by ``preload``."""
    return Texts(data_dir())


@cache
def lexicons() -> Lexicons:
    """What patients answer with; each language is read when somebody first answers in it."""
    return Lexicons(data_dir())


@cache
def page_words() -> PageTexts:
    """The words of the pages for staff; a catalogue is read when it is first used."""
    return PageTexts(data_dir())
