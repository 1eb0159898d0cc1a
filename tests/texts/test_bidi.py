"""Names and numbers inside text of the other reading direction (Unicode Standard Annex 9)."""

from __future__ import annotations

import re
from unicodedata import bidirectional

import pytest

from reminders.texts import MAILED, Template, Texts
from reminders.texts.bidi import isolated
from tests.texts.golden import listed
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, START, facts

OMAR = "عمر"


def direction(line: str) -> str:
    """The paragraph direction by rules P2 and P3: that of the first strong letter outside isolates."""
    outside = re.sub("\u2068[^\u2069]*\u2069", "", line)
    return next((bidirectional(letter) for letter in outside if bidirectional(letter) in {"L", "R", "AL"}), "L")


@pytest.mark.parametrize("template", [template for template in Template if template is not Template.DESK])
def test_an_arabic_text_reads_from_the_right_whatever_the_clinic_is_called(texts: Texts, template: Template) -> None:
    body = texts.sms(template, "ar", None, facts(old_start=START, **listed(template, PATIENT, START))).body
    for line in body.splitlines():
        assert direction(line) == "AL", line
    for name in (CLINIC, PATIENT, PHONE):
        assert body.count(name) == body.count(f"\u2068{name}\u2069")


@pytest.mark.parametrize("template", MAILED)
def test_so_do_subject_and_letter(texts: Texts, template: Template) -> None:
    letter = texts.email(template, "ar", None, facts(text="نص", old_start=START))
    assert {
        direction(line) for line in (letter.subject, *letter.body.splitlines()) if re.search(r"[^\W\d_]", line)
    } <= {"AL", "L"}
    assert direction(letter.subject) == "AL"
    assert f"\u2068{PHONE}\u2069" in letter.body


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "ar"])
def test_an_arabic_name_does_not_turn_another_text_around(texts: Texts, language: str) -> None:
    body = texts.sms(Template.REMINDER, language, None, facts(clinic=OMAR, patient=OMAR)).body
    assert body.count(OMAR) == body.count(f"\u2068{OMAR}\u2069") == 2
    assert direction(body) == "L"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voice_needs_no_marks_and_other_texts_pay_for_none(texts: Texts, language: str) -> None:
    document = texts.voice("who", language, None, facts(patient=OMAR), action="/").body
    assert not re.search("[\u2066-\u2069]", document)
    if language != "ar":
        assert "\u2068" not in texts.sms(Template.REMINDER, language, None, facts()).body


@pytest.mark.parametrize(
    ("text", "right_to_left", "marked"),
    [
        ("Ana", False, False),
        ("Ana", True, True),
        ("דן", False, True),
        ("Zoë", False, False),
        ("王", False, False),
        ("", True, False),
    ],
)
def test_only_what_stands_against_the_text_is_marked(text: str, right_to_left: bool, marked: bool) -> None:
    assert isolated(text, right_to_left) == (f"\u2068{text}\u2069" if marked else text)
