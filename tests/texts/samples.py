"""One visit for the tests of texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reminders.settings import data_dir
from reminders.texts import Facts, Spoken, Template

#: Every language that has a catalogue: a new one is tested from its first day.
LANGUAGES = sorted(path.parts[-3] for path in data_dir().glob("locales/*/LC_MESSAGES/messages.po"))
#: What the product promises.
TWENTY = {
    "ar", "de", "en", "es", "fil", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt_BR", "ru", "th", "tr", "uk", "vi",
    "zh_Hans", "zh_Hant",
}  # fmt: skip
CLINIC, PHONE, PATIENT = "Harbour Clinic", "+1 312 555 0100", "Ana Lima"
START = datetime(2030, 5, 11, 19, 30, tzinfo=UTC)


def facts(**more: Any) -> Facts:
    """A visit in Chicago, on Saturday, 11 May 2030 at 14:30 unless told otherwise."""
    known = {
        "clinic": CLINIC,
        "clinic_phone": PHONE,
        "patient": PATIENT,
        "start": START,
        "venue_zone": "America/Chicago",
        "others": (("Luis Lima", START + timedelta(minutes=30)),),
    }
    return Facts(**(known | more))


def facts_for(template: Template, **more: Any) -> Facts:
    """The same, with a numbered list for the texts that have one."""
    if template in (Template.ANSWER_WHICH, Template.ANSWER_TIMES) and more.get("start", START):
        choices = ((PATIENT, START), ("Luis Lima", START + timedelta(minutes=30)))
        more = {"choices": choices, "change": "confirm", "every": True} | more
    return facts(**more)


def facts_spoken(name: Spoken, **more: Any) -> Facts:
    """The same, with free times for the document that offers some."""
    offered = tuple(("", START + timedelta(days=day)) for day in (1, 2, 4))
    return facts(**({"choices": offered} | more if name == "times" else more))


def bare(text: str) -> str:
    """``text`` without the marks that isolate names in Arabic."""
    return text.replace("\u2068", "").replace("\u2069", "")
