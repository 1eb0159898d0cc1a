"""What a call says: well-formed TwiML, escaped, in a voice for the language."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.texts import Spoken, Texts, clean
from tests.shared_data import needs_shared, shared
from tests.texts.samples import CLINIC, LANGUAGES, PATIENT, PHONE, facts

NAMES: tuple[Spoken, ...] = get_args(Spoken)
ACTION, REPLAY = "https://clinic.example/voice?a=1&b=<2>", "https://clinic.example/again?n=1&m=2"
NAMING_THE_VISIT = {"reminder", "voicemail", "confirmed", "cancelled"}
every_document = pytest.mark.parametrize("name", NAMES)


def spoken(document: str) -> list[str]:
    return ["".join(say.itertext()) for say in ET.fromstring(document).iter("Say")]


@every_document
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("action", "replay"), [(ACTION, REPLAY), (ACTION, None), (None, REPLAY), (None, None)])
def test_every_document_is_whole_in_every_language(
    texts: Texts, name: Spoken, language: str, action: str | None, replay: str | None
) -> None:
    rendered = texts.voice(name, language, None, facts(), action=action, replay=replay)
    root = ET.fromstring(rendered.body)
    words = " ".join(spoken(rendered.body))
    assert rendered.body.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    assert (root.tag, rendered.language, rendered.fallback) == ("Response", language, False)
    assert not any(mark in words for mark in ("%(", "{", "None"))
    assert all(say.get("language") and say.get("voice") for say in root.iter("Say"))
    assert root[-1].tag in {"Hangup", "Redirect"}
    if name in NAMING_THE_VISIT:
        assert PATIENT in words
        assert ("14:30" in words) or ("2:30" in words)


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
        check(ET.fromstring(texts.voice(name, language, None, facts(), action=action, replay=replay).body))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reminder_says_who_calls_for_whom_then_when_then_the_keys(texts: Texts, language: str) -> None:
    document = texts.voice("reminder", language, None, facts(), action=ACTION, replay=REPLAY).body
    root = ET.fromstring(document)
    gather = root[0]
    assert gather.tag == "Gather"
    assert (gather.get("input"), gather.get("numDigits"), gather.get("action")) == ("dtmf", "1", ACTION)
    who, when, answers, others = ("".join(say.itertext()) for say in gather.iter("Say"))
    assert CLINIC in who
    assert PATIENT in who
    assert "30" in when
    assert [digit for digit in answers if digit.isdigit()] == ["1", "2", "3"]
    assert [digit for digit in others if digit.isdigit()] == ["9"]
    assert (root[1].tag, root[1].text) == ("Redirect", REPLAY)


@pytest.mark.parametrize("name", ["reminder", "unclear"])
def test_silence_ends_the_call_when_there_is_nowhere_to_go_on(texts: Texts, name: Spoken) -> None:
    root = ET.fromstring(texts.voice(name, "en", None, facts(), action=ACTION, replay=None).body)
    assert [element.tag for element in root] == ["Gather", "Say", "Say", "Hangup"]


@every_document
def test_without_an_action_nothing_is_asked(texts: Texts, name: Spoken) -> None:
    root = ET.fromstring(texts.voice(name, "en", None, facts(), action=None, replay=REPLAY).body)
    assert root.find("Gather") is None
    assert root[-1].tag == "Hangup"


def test_a_machine_hears_the_time_and_the_clinics_number(texts: Texts) -> None:
    document = texts.voice("voicemail", "en", None, facts(), action=None, replay=None).body
    assert spoken(document) == [
        "Hello. This is Harbour Clinic, with a message for Ana Lima.",
        "The appointment is on Saturday, May 11 at 2:30\u202fPM",
        f"Our phone number is {PHONE}.",
        "Goodbye.",
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
        ("zh-TW", "fr-CA", "fr-CA", "Polly.Gabrielle-Neural"),
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
    visit = facts(patient=name, clinic=clinic)
    document = texts.voice(which, language, None, visit, action=f"/{clean(url)}", replay=None).body
    words = spoken(document)
    if which in NAMING_THE_VISIT | {"reschedule"}:
        assert any(clean(name) in said for said in words)
    if which in {"reminder", "voicemail"}:
        assert any(clean(clinic) in said for said in words)
