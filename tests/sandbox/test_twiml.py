"""Reading TwiML."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.messaging_response import MessagingResponse
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from reminders.sandbox import twiml

SECOND = timedelta(seconds=1)
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1)


def test_a_voice_document_is_read_in_order() -> None:
    document = VoiceResponse()
    document.say("Hola", language="es-MX", voice="Polly.Mia")
    document.pause(length=3)
    gather = Gather(num_digits=2, action="/keys", timeout=9, finish_on_key="*", input="dtmf speech")
    gather.play("/bell.mp3")
    document.append(gather)
    dial = Dial(action="/after")
    dial.number("+12025550100")
    document.append(dial)
    document.redirect("/next")
    document.hangup()

    assert twiml.read_voice(str(document)) == (
        twiml.Say("Hola", "es-MX", "Polly.Mia"),
        twiml.Pause(3 * SECOND),
        twiml.Gather((twiml.Play("/bell.mp3"),), "/keys", 2, 9 * SECOND, "*", speech=True),
        twiml.Dial("+12025550100", "/after"),
        twiml.Redirect("/next"),
        twiml.Hangup(),
    )


def test_defaults_are_twilios() -> None:
    assert twiml.read_voice("<Response><Say>Hi</Say><Pause/><Gather/></Response>") == (
        twiml.Say("Hi", "en-US", ""),
        twiml.Pause(SECOND),
        twiml.Gather((), "", 0, 5 * SECOND, "#", True, False),
    )


def test_markup_within_speech_is_spoken() -> None:
    document = "<Response><Say>At <say-as interpret-as='time'>9:30</say-as>\n  with <s>Dr. Ruiz</s></Say></Response>"

    assert twiml.read_voice(document) == (twiml.Say("At 9:30 with Dr. Ruiz"),)


@pytest.mark.parametrize(("length", "seconds"), [("x", 1), ("-2", 1), ("²", 1), ("0", 0), ("7", 7)])
def test_odd_numbers_fall_back_to_the_default(length: str, seconds: int) -> None:
    assert twiml.read_voice(f"<Response><Pause length='{length}'/></Response>") == (twiml.Pause(seconds * SECOND),)


def test_messages_keep_their_lines() -> None:
    document = MessagingResponse()
    document.message("first\nsecond", to="+12025550101", action="/done")
    document.message("three").body(" four")

    first, second = twiml.read_messages(str(document))
    assert first == twiml.Message("first\nsecond", "+12025550101", "/done")
    assert second == twiml.Message("four")


@given(XML_TEXT)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    document = MessagingResponse()
    document.message(text)

    [message] = twiml.read_messages(str(document))
    assert isinstance(message, twiml.Message)
    assert message.body == text.strip()


@given(st.text(max_size=200))
def test_any_document_is_read_or_refused(document: str) -> None:
    for read in (twiml.read_voice, twiml.read_messages):
        try:
            assert isinstance(read(document), tuple)
        except twiml.TwimlError:
            continue


@pytest.mark.parametrize(
    "document",
    [
        "text",
        "<Response>",
        "<response/>",
        '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Response><Say>&b;</Say></Response>',
        "<!doctype r><Response/>",
        "<Response><Say>\x00</Say></Response>",
        "<Response>" + " " * twiml.MAX_DOCUMENT + "</Response>",
    ],
)
def test_what_is_not_twiml_is_refused(document: str) -> None:
    with pytest.raises(twiml.TwimlError):
        twiml.read_voice(document)
