"""Draws ``exchange.svg``: two phones, with the very words that the product's templates render.

    .venv/bin/python docs/images/exchange.py

The picture is made from the catalogues alone, so the same texts always give the same bytes; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from textwrap import wrap

from reminders.settings import data_dir
from reminders.texts import Facts, Template, Texts

TARGET = Path(__file__).with_name("exchange.svg")
FACTS = Facts(
    clinic="Harbour Clinic",
    clinic_phone="+1 312 555 0100",
    patient="Ana Lima",
    start=datetime(2030, 5, 11, 19, 30, tzinfo=UTC),
    venue_zone="America/Chicago",
)

# Pixels. The letters of a line are chosen so that the widest fallback font still fits its bubble.
_LETTERS, _LINE, _PAD = 36, 20, 12
_PHONE, _BUBBLE, _GAP = 340, 290, 28
_TOP = 56


@dataclass(frozen=True)
class Bubble:
    """One text. ``mine``: written by the patient."""

    text: str
    mine: bool = False

    @property
    def lines(self) -> list[str]:
        return [line for part in self.text.splitlines() for line in wrap(part, _LETTERS)]

    @property
    def height(self) -> int:
        return len(self.lines) * _LINE + 2 * _PAD

    @property
    def width(self) -> int:
        return 48 if self.mine else _BUBBLE


@dataclass(frozen=True)
class Phone:
    """A conversation on one phone; ``language`` is the reader's tag."""

    title: str
    language: str
    bubbles: tuple[Bubble, ...]


def phones(texts: Texts) -> tuple[Phone, ...]:
    """What the picture shows."""
    return (
        _phone(texts, "A patient who reads English", "en-US", "1", Template.ANSWER_CONFIRMED),
        _phone(texts, "A patient who reads Spanish", "es-US", "3", Template.ANSWER_RESCHEDULE),
    )


def picture(shown: Iterable[Phone]) -> str:
    """The SVG, with a title and a description for those who cannot see it."""
    drawn = list(shown)
    height = _TOP + max(sum(bubble.height + _PAD for bubble in phone.bubbles) for phone in drawn) + _PAD
    width = _GAP + len(drawn) * (_PHONE + _GAP)
    body = "\n".join(line for place, phone in enumerate(drawn) for line in _draw(phone, place, height))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + _GAP}" role="img" '
        'aria-labelledby="title words" font-family="Helvetica, Arial, sans-serif" font-size="14">\n'
        '<title id="title">A reminder by SMS, the answer, and what the clinic writes back</title>\n'
        f'<desc id="words">{escape(_told(drawn))}</desc>\n'
        f'<rect width="{width}" height="{height + _GAP}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _phone(texts: Texts, title: str, language: str, reply: str, answer: Template) -> Phone:
    said = [texts.sms(template, language, "en-US", FACTS).body for template in (Template.REMINDER, answer)]
    return Phone(title, language, (Bubble(said[0]), Bubble(reply, mine=True), Bubble(said[1])))


def _told(drawn: Iterable[Phone]) -> str:
    return " ".join(
        f"{phone.title}. "
        + " ".join(f"{'Patient' if bubble.mine else 'Clinic'}: {bubble.text}" for bubble in phone.bubbles)
        for phone in drawn
    ).replace("\n", " ")


def _draw(phone: Phone, place: int, height: int) -> Iterator[str]:
    left = _GAP + place * (_PHONE + _GAP)
    yield (f'<rect x="{left}" y="14" width="{_PHONE}" height="{height}" rx="22" fill="#f3f4f6" stroke="#9ca3af" '
           'stroke-width="2"/>')  # fmt: skip
    yield f'<text x="{left + _PHONE // 2}" y="40" text-anchor="middle" fill="#374151">{escape(phone.title)}</text>'
    top = _TOP
    for bubble in phone.bubbles:
        yield from _bubble(bubble, left, top, phone.language)
        top += bubble.height + _PAD


def _bubble(bubble: Bubble, left: int, top: int, language: str) -> Iterator[str]:
    x = left + (_PHONE - bubble.width - _PAD if bubble.mine else _PAD)
    fill, ink = ("#1d4ed8", "#ffffff") if bubble.mine else ("#ffffff", "#111827")
    yield f'<rect x="{x}" y="{top}" width="{bubble.width}" height="{bubble.height}" rx="12" fill="{fill}"/>'
    yield f'<text fill="{ink}" xml:lang="{language}">'
    for number, line in enumerate(bubble.lines):
        y = top + _PAD + number * _LINE + 15
        yield f'<tspan x="{x + _PAD + (8 if bubble.mine else 0)}" y="{y}">{escape(line, quote=False)}</tspan>'
    yield "</text>"


if __name__ == "__main__":
    TARGET.write_text(picture(phones(Texts(data_dir()))), encoding="utf-8")
