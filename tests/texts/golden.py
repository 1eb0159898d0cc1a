"""Every text in every language for three awkward visits, as a page to read: tests/texts/golden/<language>.txt.

``python -m tests.texts.golden`` writes the pages anew; then read what changed, as a reviewer of that language would.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from reminders.settings import data_dir
from reminders.texts import MAILED, Facts, Spoken, Template, Texts
from tests.texts.samples import CLINIC, LANGUAGES, PHONE

PAGES = Path(__file__).parent / "golden"
NOTE = "07:45 → 3B"  # what the desk writes is not translated

CHICAGO, MADRID, SYDNEY = (ZoneInfo(name) for name in ("America/Chicago", "Europe/Madrid", "Australia/Sydney"))
#: name of the visit: patient, old start, start, the patient's own zone.
VISITS = {
    "midnight, for a reader in another zone": (
        "Ana Lima", datetime(2030, 5, 7, 0, 0, tzinfo=CHICAGO), datetime(2030, 5, 8, 0, 0, tzinfo=CHICAGO), "Asia/Kolkata",
    ),
    "the hour that the clocks repeat": (
        "عمر الفاروق", datetime(2030, 10, 25, 14, 30, tzinfo=MADRID), datetime(2030, 10, 27, 2, 30, tzinfo=MADRID, fold=1), None,
    ),
    "the turn of the year": (
        "王小明", datetime(2031, 1, 1, 9, 0, tzinfo=SYDNEY), datetime(2030, 12, 31, 23, 45, tzinfo=SYDNEY), "Australia/Sydney",
    ),
}  # fmt: skip


#: Texts with a numbered list to choose from.
LISTS = {template for template in Template if template in {"answer_which", "answer_times"}}


def listed(template: Template, patient: str, start: datetime) -> dict[str, Any]:
    """Further facts of the texts that let the patient choose."""
    later = start + timedelta(minutes=30)
    choices = (("", start), ("", later)) if template == "answer_times" else ((patient, start), ("Luis Lima", later))
    return {"choices": choices, "change": "cancel", "every": True} if template in LISTS else {}


def page(texts: Texts, language: str) -> str:
    """All texts in one language, visit by visit. The marks that isolate names are shown as ⟦ and ⟧."""
    lines = [line for name in VISITS for line in _visit(texts, language, name)]
    return "\n".join(lines).replace("\u2068", "⟦").replace("\u2069", "⟧") + "\n"


def _visit(texts: Texts, language: str, name: str) -> Iterator[str]:
    yield f"##### {name}"
    facts = _facts(name)
    for template in Template:
        told = replace(facts, **listed(template, *VISITS[name][:3:2]))
        yield from ("", f"=== sms/{template}", texts.sms(template, language, None, told).body)
    for template in MAILED:
        letter = texts.email(template, language, None, facts)
        yield from ("", f"=== email/{template}", letter.subject, letter.body)
    for spoken in get_args(Spoken):
        told = replace(facts, choices=(("", facts.start), ("", facts.old_start))) if spoken == "times" else facts
        document = ET.fromstring(texts.voice(spoken, language, None, told, action="/", replay=None).body)
        yield from ("", f"=== voice/{spoken}", *("".join(say.itertext()) for say in document.iter("Say")))
    yield ""


def _facts(name: str) -> Facts:
    patient, old, start, zone = VISITS[name]
    return Facts(
        clinic=CLINIC, clinic_phone=PHONE, patient=patient, start=start, old_start=old, text=NOTE,
        venue_zone=start.tzinfo.key, recipient_zone=zone,  # type: ignore[union-attr]
        others=(("Luis Lima", start + timedelta(minutes=30)),),
    )  # fmt: skip


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    shelf = Texts(data_dir())
    for one in LANGUAGES:
        (PAGES / f"{one}.txt").write_text(page(shelf, one), "utf-8")
