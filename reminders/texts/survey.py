"""How far each language is and what its texts cost to send: the figures of ``reminders languages``."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from reminders.domain.sms import segments
from reminders.texts.catalogues import SOURCE
from reminders.texts.facts import Facts, Template
from reminders.texts.rendering import Texts
from reminders.texts.tags import language_name
from reminders.texts.voices import speaking

#: The words of the desk are the desk's, and a list to choose from is as long as what it offers.
_NO_USUAL_LENGTH = {"desk", "answer_which", "answer_times"}
#: What the product writes by itself.
STANDARD = tuple(template for template in Template if template not in _NO_USUAL_LENGTH)
#: Averages are taken over visits all through a year, since names of days and months differ in length and in letters.
_DAYS = [datetime(2030, 1, 1, 14, 30, tzinfo=UTC) + timedelta(days=15 * step) for step in range(25)]


@dataclass(frozen=True, slots=True)
class Standing:
    """One language. ``translated`` of ``messages`` are checked and whole; ``lengths``: average segments by template."""

    language: str
    name: str
    translated: int
    messages: int
    voice: str
    lengths: dict[Template, Decimal]

    @property
    def complete(self) -> Decimal:
        """The share that is translated, in per cent, rounded down: 100 means that nothing is missing."""
        return Decimal(self.translated * 100 // self.messages)

    @property
    def average(self) -> Decimal:
        """Segments of one standard text."""
        return sum(self.lengths.values(), Decimal(0)) / len(self.lengths)


def survey(texts: Texts, root: Path) -> Iterator[Standing]:
    """Every language with a catalogue under ``root``, in the order of their names."""
    with (root / "locales" / "messages.pot").open("rb") as file:
        wanted = {message.id for message in read_po(file) if message.id}
    for language in sorted(texts.languages(), key=language_name):
        voice = speaking(language)
        yield Standing(
            language, language_name(language), len(wanted) if language == SOURCE else _translated(root, language, wanted), len(wanted),
            voice.name if voice else "", {template: _length(texts, template, language) for template in STANDARD},
        )  # fmt: skip


def _translated(root: Path, language: str, wanted: Container[object]) -> int:
    with (root / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        found = read_po(file, locale=language)
    return sum(1 for message in found if message.id in wanted and _whole(message, found))


def _whole(message: Message, found: Catalog) -> bool:
    written = [message.string] if isinstance(message.string, str) else message.string or ()
    return all(written) and not message.fuzzy and not list(message.check(found))


def _length(texts: Texts, template: Template, language: str) -> Decimal:
    counts = [segments(texts.sms(template, language, None, _facts(start)).body).count for start in _DAYS]
    return Decimal(sum(counts)) / len(counts)


def _facts(start: datetime) -> Facts:
    return Facts(
        clinic="Harbour Clinic", clinic_phone="+1 202 555 0100", patient="Ana Lima", start=start,
        old_start=start - timedelta(days=3), venue_zone="UTC", others=(("Luis Lima", start + timedelta(minutes=30)),),
    )  # fmt: skip
