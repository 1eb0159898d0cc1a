"""The table of voices: every language has one, and each entry is one that Twilio could know."""

from __future__ import annotations

import json
import re

import pytest

from reminders.texts.tags import read_tag
from reminders.texts.voices import VOICES, speaking, speech
from tests.shared_data import needs_shared, shared
from tests.texts.samples import LANGUAGES, TWENTY


@pytest.mark.parametrize("language", sorted(TWENTY | set(LANGUAGES)))
def test_every_language_has_a_voice(language: str) -> None:
    assert speaking(language) is not None


@pytest.mark.parametrize("locale", sorted(VOICES))
def test_an_entry_speaks_and_hears_the_language_it_stands_for(locale: str) -> None:
    voice, tag = VOICES[locale], read_tag(locale)
    assert tag is not None
    ours = {"cmn", "yue"} if tag.language == "zh" else {tag.language}
    assert voice.language.split("-")[0] in ours
    assert voice.hears.split("-")[0] in ours
    vendor, _, name = voice.name.partition(".")
    if vendor == "Google":
        assert re.fullmatch(rf"{voice.language}-(Standard|Wavenet)-[A-Z]", name)
    else:
        assert (vendor, bool(re.fullmatch(r"[A-Z][a-z]+-Neural", name))) == ("Polly", True)


def test_chinese_is_read_aloud_as_its_readers_speak() -> None:
    spoken = {locale: speaking(locale) for locale in ("zh_Hans_SG", "zh_Hant_TW", "zh_Hant_HK", "zh_Hant")}
    assert {locale: voice and voice.language for locale, voice in spoken.items()} == {
        "zh_Hans_SG": "cmn-CN", "zh_Hant_TW": "cmn-TW", "zh_Hant_HK": "yue-CN", "zh_Hant": "cmn-TW",
    }  # fmt: skip


def test_a_language_without_a_voice_is_named_at_least() -> None:
    assert speech("sv_SE") == 'language="sv-SE"'


@needs_shared
def test_the_table_fills_attributes_that_twiml_has() -> None:
    known = json.loads(shared("twilio", "twiml_allowed_from_twilio_python_9.13.json").read_text())["voice"]
    assert {"language", "voice"} <= set(known["Say"]["attributes"])
    assert "language" in known["Gather"]["attributes"]
