"""The layer that turns facts into words: what a patient reads in an SMS or hears on the phone, in their language."""

from reminders.texts.catalogues import SOURCE
from reminders.texts.facts import MAILED, Facts, Letter, Rendered, Sorry, Spoken, Template, clean, clean_lines
from reminders.texts.own import problems
from reminders.texts.pages import PageTexts
from reminders.texts.rendering import Texts
from reminders.texts.tags import language_name

__all__ = [
    "MAILED", "SOURCE", "Facts", "Letter", "PageTexts", "Rendered", "Sorry", "Spoken", "Template", "Texts", "clean",
    "clean_lines", "language_name", "problems",
]  # fmt: skip
