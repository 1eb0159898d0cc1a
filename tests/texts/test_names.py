"""Whatever a patient is called: every text is written, and none shows a place that was not filled."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.texts import MAILED, Spoken, Template, Texts, clean
from tests.texts.golden import listed
from tests.texts.samples import LANGUAGES, START, facts

#: Names of all scripts, and such as look like the language of templates.
names = st.one_of(
    st.text(), st.sampled_from(["%(when)s", "{{ clinic }}", "{% if %}", "%s", "\ue000", "\ue001", "None", "عمر", "王"])
)
UNFILLED = re.compile(r"%\(|%s|\{\{|\{%|[\ue000\ue001]|\bNone\b|Undefined")


def unfilled(written: str, name: str) -> list[str]:
    """Places of the text itself; what the name brings along does not count."""
    shown = clean(name)
    return UNFILLED.findall(written.replace(shown, "\0") if shown else written)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=10, deadline=None)
@given(name=names)
def test_every_text_is_filled_for_any_name(texts: Texts, language: str, name: str) -> None:
    visit = facts(patient=name, text="-", old_start=START, recipient_zone="Asia/Tokyo")
    written = [
        texts.sms(template, language, None, replace(visit, **listed(template, name, START))).body
        for template in Template
    ]
    for template in MAILED:
        letter = texts.email(template, language, None, visit)
        written += [letter.subject, letter.body]
    for document in get_args(Spoken):
        told = replace(visit, choices=(("", START),)) if document == "times" else visit
        root = ET.fromstring(texts.voice(document, language, None, told, action="/", replay=None).body)
        written += ["".join(say.itertext()) for say in root.iter("Say")]
    assert [found for text in written for found in unfilled(text, name)] == []


def test_a_place_that_was_not_filled_is_found() -> None:
    assert unfilled("Ana has an appointment on %(when)s", "Ana") == ["%("]
    assert unfilled("%(when)s has an appointment", "%(when)s") == []
