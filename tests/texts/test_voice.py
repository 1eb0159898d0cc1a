"""What a call says: well-formed TwiML, escaped, in a voice for the language."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.texts import Sorry, Spoken, Texts, clean
from reminders.texts.voices import hearing
from tests.shared_data import needs_shared, shared
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, facts, facts_spoken

NAMES: tuple[Spoken, ...] = get_args(Spoken)
ACTION, REPLAY = "https://clinic.example/voice?a=1&b=<2>", "https://clinic.example/again?n=1&m=2"
ASKING = {"who", "reminder", "sure", "times"}
NAMING_THE_PATIENT = {"who", "confirmed", "cancelled", "moved", "reschedule"}
NAMING_THE_TIME = {"reminder", "sure", "times", "confirmed", "cancelled", "moved"}
every_document = pytest.mark.parametrize("name", NAMES)


def spoken(document: str) -> list[str]:
    return ["".join(say.itertext()) for say in ET.fromstring(document).iter("Say")]


@every_document
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("action", "replay"), [(ACTION, REPLAY), (ACTION, None), (None, REPLAY), (None, None)])
def test_every_document_is_whole_in_every_language(
    texts: Texts, name: Spoken, language: str, action: str | None, replay: str | None
) -> None:
    rendered = texts.voice(name, language, None, facts_spoken(name), action=action, replay=replay)
    root = ET.fromstring(rendered.body)
    words = " ".join(spoken(rendered.body))
    assert rendered.body.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert (root.tag, rendered.language, rendered.fallback) == ("Response", language, False)
    assert not any(mark in words for mark in ("%(", "{", "None"))
    assert all(say.get("language") and say.get("voice") for say in root.iter("Say"))
    assert root[-1].tag in {"Hangup", "Redirect", "Dial"}
    assert (PATIENT in words) is (name in NAMING_THE_PATIENT)
    assert ("30" in words.replace(PHONE, "")) is (name in NAMING_THE_TIME)


@every_document
@pytest.mark.parametrize("language", LANGUAGES)
@needs_shared
def test_only_verbs_and_attributes_of_twiml_are_used(texts: Texts, name: Spoken, language: str) -> None:
    known = json.loads(shared("twilio", "twiml_allowed_from_twilio_python_9.13.json").read_text())["voice"]

    def check(element: ET.Element) -> None:
        # The SDK calls say-as' attribute by a Python name; SSML 1.1, section 3.1.9, calls it interpret-as.
        allowed = {"interpret-as"} if element.tag == "say-as" else set(known[element.tag]["attributes"])
        assert set(element.attrib) <= allowed
        for child in element:
            assert child.tag in known[element.tag]["children"]
            check(child)

    for action, replay in ((ACTION, REPLAY), (None, None)):
        check(ET.fromstring(texts.voice(name, language, None, facts_spoken(name), action=action, replay=replay).body))


def digits(words: str) -> list[str]:
    return [char for char in words if char.isdigit()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_call_says_who_calls_for_whom_and_asks_before_it_tells_anything(texts: Texts, language: str) -> None:
    root = ET.fromstring(texts.voice("who", language, None, facts(), action=ACTION, replay=REPLAY).body)
    gather = root[0]
    assert gather.tag == "Gather"
    assert (gather.get("input"), gather.get("numDigits"), gather.get("action")) == ("dtmf speech", "1", ACTION)
    who, answers, desk, others = ("".join(say.itertext()) for say in gather.iter("Say"))
    assert CLINIC in who
    assert PATIENT in who
    assert (digits(answers), digits(desk), digits(others)) == (["1", "2"], ["0"], ["9"])
    assert (root[1].tag, root[1].text) == ("Redirect", REPLAY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_says_when_then_the_keys(texts: Texts, language: str) -> None:
    gather = ET.fromstring(texts.voice("reminder", language, None, facts(), action=ACTION).body)[0]
    when, answers, desk, others = ("".join(say.itertext()) for say in gather.iter("Say"))
    assert "30" in when
    assert (digits(answers), digits(desk), digits(others)) == (["1", "2", "3"], ["0"], ["9"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_free_times_are_said_each_with_its_key(texts: Texts, language: str) -> None:
    gather = ET.fromstring(texts.voice("times", language, None, facts_spoken("times"), action=ACTION).body)[0]
    opening, *times, none_of_these, others = ("".join(say.itertext()) for say in gather.iter("Say"))
    assert [digits(words)[-1] for words in times] == ["1", "2", "3"]
    assert all("30" in words for words in times)
    assert (digits(opening), digits(none_of_these), digits(others)) == ([], ["0"], ["9"])


@pytest.mark.parametrize(("sorry", "first"), [("key", "not one of"), ("speech", "not understand"), ("", "This is")])
def test_what_was_not_understood_is_asked_again(texts: Texts, sorry: Sorry, first: str) -> None:
    assert first in spoken(texts.voice("who", "en", None, facts(), action=ACTION, sorry=sorry).body)[0]


@pytest.mark.parametrize(
    ("wanted", "default", "hears"),
    [("en", None, "en-US"), ("es", "es-ES", "es-ES"), ("zh-Hans", None, "cmn-Hans-CN"), ("pt", "en-US", "pt-BR")],
)
def test_speech_is_heard_in_the_readers_language(texts: Texts, wanted: str, default: str | None, hears: str) -> None:
    gather = ET.fromstring(texts.voice("who", wanted, default, facts(), action=ACTION).body)[0]
    assert gather.get("language") == hears


def test_a_language_that_is_not_understood_is_asked_for_keys_only() -> None:
    assert hearing("eu") == 'input="dtmf"'


def test_the_dialled_number_has_no_spaces(texts: Texts) -> None:
    document = texts.voice("transfer", "en", None, facts(clinic_phone="+1 (202) 555-0100"), action=ACTION).body
    (dial,) = ET.fromstring(document).iter("Dial")
    assert ("".join(dial.itertext()), dial.get("action")) == ("+12025550100", ACTION)


@pytest.mark.parametrize("name", sorted(ASKING))
def test_silence_ends_the_call_when_there_is_nowhere_to_go_on(texts: Texts, name: Spoken) -> None:
    root = ET.fromstring(texts.voice(name, "en", None, facts_spoken(name), action=ACTION).body)
    assert [element.tag for element in root] == ["Gather", "Say", "Say", "Hangup"]


@every_document
def test_without_an_action_nothing_is_asked(texts: Texts, name: Spoken) -> None:
    root = ET.fromstring(texts.voice(name, "en", None, facts_spoken(name), action=None, replay=REPLAY).body)
    assert root.find("Gather") is None
    assert root[-1].tag in {"Hangup", "Dial"}


def test_a_machine_hears_no_detail_and_no_key(texts: Texts) -> None:
    document = texts.voice("voicemail", "en", None, facts(), action=None, replay=None).body
    assert spoken(document) == [
        "Hello. This is Harbour Clinic. Please call us back.",
        f"Our phone number is {PHONE}.",
    ]
    silent = texts.voice("voicemail", "en", None, facts(clinic_phone=None), action=None, replay=None).body
    assert "phone" not in silent


@pytest.mark.parametrize(
    ("wanted", "default", "language", "voice"),
    [
        ("en", None, "en-US", "Polly.Joanna-Neural"),
        ("en", "en-GB", "en-GB", "Polly.Amy-Neural"),
        ("en-CA", None, "en-US", "Polly.Joanna-Neural"),
        ("es", "en-US", "es-US", "Polly.Lupe-Neural"),
        ("es-ES", None, "es-ES", "Polly.Lucia-Neural"),
        ("pt", "en-US", "pt-BR", "Polly.Camila-Neural"),
        ("zh-SG", None, "cmn-CN", "Polly.Zhiyu-Neural"),
        ("zh-TW", "fr-CA", "cmn-TW", "Google.cmn-TW-Wavenet-A"),
        ("zh-HK", "en", "yue-CN", "Polly.Hiujin-Neural"),
        ("sv", "fr-CA", "fr-CA", "Polly.Gabrielle-Neural"),
    ],
)
def test_the_voice_has_the_readers_accent(
    texts: Texts, wanted: str, default: str | None, language: str, voice: str
) -> None:
    document = texts.voice("stopped", wanted, default, facts(), action=None, replay=None).body
    assert {(say.get("language"), say.get("voice")) for say in ET.fromstring(document).iter("Say")} == {
        (language, voice)
    }


@given(st.text(), st.text(), st.sampled_from(NAMES), st.sampled_from(LANGUAGES), st.text(st.characters(codec="ascii")))
def test_any_name_is_escaped(texts: Texts, name: str, clinic: str, which: Spoken, language: str, url: str) -> None:
    visit = facts_spoken(which, patient=name, clinic=clinic)
    document = texts.voice(which, language, None, visit, action=f"/{clean(url)}", replay=None).body
    words = spoken(document)
    if which in NAMING_THE_PATIENT:
        assert any(clean(name) in said for said in words)
    if which in {"who", "voicemail"}:
        assert any(clean(clinic) in said for said in words)
