"""Calls through Twilio's own SDK: ringing, speaking, keys, ends and bills."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.twiml.voice_response import Gather, VoiceResponse

from reminders.sandbox.playback import APPLICATION_ERROR, speaking_time
from tests.sandbox.support import NUMBER, PHONE, START, STATUS_URL, VOICE_URL, World

EVENTS = ["initiated", "ringing", "answered", "completed"]
KEYS_URL = "https://clinic.example/hooks/twilio/voice/keys?step=2"


def question(action: str = "/hooks/twilio/voice/keys?step=2", **options: Any) -> str:
    document = VoiceResponse()
    gather = Gather(num_digits=options.pop("num_digits", 1), action=action, **options)
    gather.say("Buenos días. Pulse 1 para confirmar.", language="es-MX", voice="Polly.Mia")
    gather.pause(length=1)
    document.append(gather)
    document.say("No answer was heard.")
    return str(document)


def spoken(text: str, *after: str) -> str:
    return f"<Response><Say>{text}</Say>{''.join(after)}</Response>"


def place(world: World, to: str = PHONE, **options: Any) -> Any:
    options = {"url": VOICE_URL} | options if "twiml" not in options else options
    return world.sdk.calls.create(
        to=to, from_=NUMBER, status_callback=STATUS_URL, status_callback_event=EVENTS, **options
    )


def said(world: World, sid: str) -> list[str]:
    return [line.text for line in world.sandbox.call(sid).transcript]


def test_a_call_rings_is_answered_and_ends(world: World) -> None:
    world.application.answer(VOICE_URL, spoken("Good morning."))
    call = place(world)
    assert re.fullmatch(r"CA[0-9a-f]{32}", call.sid)
    assert (call.status, call.price, call.duration, call.start_time) == ("queued", None, None, None)

    world.pass_time(timedelta(seconds=2))
    assert world.sdk.calls(call.sid).fetch().status == "ringing"
    world.pass_time(timedelta(seconds=1))
    assert world.sdk.calls(call.sid).fetch().status == "in-progress"
    world.pass_time()

    call = world.sdk.calls(call.sid).fetch()
    assert (call.status, call.duration, call.price, call.price_unit) == ("completed", "1", "-0.01400", "USD")
    assert call.end_time == START + timedelta(seconds=4)
    assert said(world, call.sid) == ["Good morning."]


def test_the_application_is_told_of_every_step_it_asked_for(world: World) -> None:
    world.application.answer(VOICE_URL, spoken("Good morning."))
    sid = place(world).sid
    world.pass_time()

    told = [request.form for request in world.application.to(STATUS_URL)]
    assert [form["CallStatus"] for form in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in told] == ["0", "1", "2", "3"]
    assert {form["CallSid"] for form in told} == {sid}
    assert (told[-1]["CallDuration"], told[-1]["Duration"], told[-1]["CallbackSource"]) == (
        "1",
        "1",
        "call-progress-events",
    )
    assert told[-1]["Timestamp"] == "Sun, 30 Mar 2025 00:59:34 +0000"
    assert all(request.signed for request in world.application.requests)


def test_by_default_only_the_end_is_told(world: World) -> None:
    world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml=spoken("Hi"), status_callback=STATUS_URL)
    world.pass_time()

    assert world.application.statuses("CallStatus") == ["completed"]


def test_the_document_is_asked_for_when_the_call_is_answered(world: World) -> None:
    sid = place(world).sid
    world.pass_time()

    [request] = world.application.to(VOICE_URL)
    assert request.signed
    wanted = {"CallSid": sid, "From": NUMBER, "To": PHONE, "CallStatus": "in-progress", "Direction": "outbound-api"}
    assert wanted.items() <= request.form.items()


def test_a_digit_reaches_the_action_and_its_answer_is_heard(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    world.application.answer(KEYS_URL, spoken("Gracias.", "<Hangup/>", "<Say>never</Say>"))
    sid = place(world).sid
    world.pass_time()
    call = world.sandbox.call(sid)
    assert call.expects_digits
    assert (call.transcript[0].language, call.transcript[0].voice) == ("es-MX", "Polly.Mia")

    world.sandbox.press(sid, "1")
    assert world.application.to(KEYS_URL) == []
    world.pass_time()

    [request] = world.application.to(KEYS_URL)
    assert request.signed
    assert (request.form["Digits"], request.form["CallSid"]) == ("1", sid)
    assert said(world, sid) == ["Buenos días. Pulse 1 para confirmar.", "1", "Gracias."]
    assert world.sdk.calls(sid).fetch().status == "completed"


@pytest.mark.parametrize("action", [KEYS_URL, "/hooks/twilio/voice/keys?step=2", "keys?step=2"])
def test_the_action_may_be_absolute_or_relative(world: World, action: str) -> None:
    base = "https://clinic.example/hooks/twilio/voice/start"
    world.application.answer(base, question(action))
    sid = place(world, url=base).sid
    world.pass_time()
    world.sandbox.press(sid, "2")
    world.pass_time()

    assert [request.form["Digits"] for request in world.application.to(KEYS_URL)] == ["2"]


def test_without_an_action_the_same_address_gets_the_digits(world: World) -> None:
    world.application.answers[VOICE_URL] = lambda form: (
        200,
        spoken(f"You chose {form['Digits']}.") if "Digits" in form else question(""),
    )
    sid = place(world).sid
    world.pass_time()
    world.sandbox.press(sid, "2")
    world.pass_time()

    assert said(world, sid)[-1] == "You chose 2."


@pytest.mark.parametrize(
    ("options", "presses", "digits"),
    [
        ({"num_digits": 4}, ["1", "2", "3", "4"], "1234"),
        ({"num_digits": 4}, ["1234567"], "1234"),
        ({"num_digits": 4}, ["12#"], "12"),
        ({"num_digits": 4, "finish_on_key": "*"}, ["1*"], "1"),
        ({"num_digits": 2, "finish_on_key": ""}, ["#1"], "#1"),
        ({"num_digits": 4}, ["12"], "12"),
    ],
)
def test_digits_end_by_count_by_key_or_by_waiting(
    world: World, options: dict[str, Any], presses: list[str], digits: str
) -> None:
    world.application.answer(VOICE_URL, question(**options))
    sid = place(world).sid
    world.pass_time()
    for press in presses:
        world.sandbox.press(sid, press)
    world.pass_time(timedelta(seconds=8))

    assert [request.form["Digits"] for request in world.application.to(KEYS_URL)] == [digits]


def test_nobody_pressing_falls_through_to_what_follows(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time(timedelta(seconds=90))

    assert said(world, sid)[-1] == "No answer was heard."
    assert world.application.to(KEYS_URL) == []
    assert world.sdk.calls(sid).fetch().status == "completed"


def test_the_question_waits_for_somebody_at_a_web_page(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time(timedelta(seconds=60))
    assert world.sandbox.call(sid).expects_digits
    world.pass_time(timedelta(seconds=10))
    assert not world.sandbox.call(sid).expects_digits


def test_every_key_starts_the_wait_for_the_next_anew(world: World) -> None:
    world.application.answer(VOICE_URL, question(num_digits=3))
    sid = place(world).sid
    world.pass_time()
    world.sandbox.press(sid, "1")
    world.pass_time(timedelta(seconds=4))
    world.sandbox.press(sid, "2")
    world.pass_time(timedelta(seconds=4))
    assert world.application.to(KEYS_URL) == []
    world.pass_time(timedelta(seconds=1))

    assert [request.form["Digits"] for request in world.application.to(KEYS_URL)] == ["12"]


def test_an_empty_answer_is_sent_only_where_asked_for(world: World) -> None:
    world.application.answer(VOICE_URL, question(action_on_empty_result=True))
    place(world)
    world.pass_time(timedelta(seconds=90))

    assert [request.form["Digits"] for request in world.application.to(KEYS_URL)] == [""]


def test_a_key_pressed_too_late_is_not_heard(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    with pytest.raises(ValueError, match="does not ask"):
        world.sandbox.press(sid, "1")
    world.pass_time(timedelta(seconds=90))
    with pytest.raises(ValueError, match="does not ask"):
        world.sandbox.press(sid, "1")


@pytest.mark.parametrize("digits", ["", "a", "1 2", "１"])
def test_only_keys_can_be_pressed(world: World, digits: str) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time()
    with pytest.raises(ValueError, match="digits are"):
        world.sandbox.press(sid, digits)


def test_a_double_click_sends_the_digit_once(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time()
    world.sandbox.press(sid, "1")
    world.sandbox.press(sid, "1")
    world.pass_time()

    assert [request.form["Digits"] for request in world.application.to(KEYS_URL)] == ["1"]


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("+12025550197", "busy"),
        ("+12025550198", "no-answer"),
        ("+12025550199", "failed"),
        ("+12025550193", "no-answer"),
    ],
)
def test_special_numbers_are_not_reached(world: World, to: str, status: str) -> None:
    sid = place(world, to, timeout=20).sid
    world.pass_time(timedelta(seconds=30))
    call = world.sdk.calls(sid).fetch()

    assert (call.status, call.price, call.duration) == (status, None, "0")
    assert world.application.to(VOICE_URL) == []
    assert world.application.requests[-1].form["CallStatus"] == status
    assert world.application.requests[-1].form["CallDuration"] == "0"


def test_nobody_answers_for_as_long_as_asked(world: World) -> None:
    sid = place(world, "+12025550198", timeout=20).sid
    world.pass_time(timedelta(seconds=21))
    assert world.sdk.calls(sid).fetch().status == "ringing"
    world.pass_time(timedelta(seconds=1))
    assert world.sdk.calls(sid).fetch().status == "no-answer"


@pytest.mark.parametrize(
    ("seconds", "wish", "status"),
    [
        (0, "canceled", "canceled"),
        (2, "canceled", "canceled"),
        (2, "completed", "canceled"),
        (4, "completed", "completed"),
    ],
)
def test_a_call_can_be_stopped(world: World, seconds: int, wish: str, status: str) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time(timedelta(seconds=seconds))
    assert world.sdk.calls(sid).update(status=wish).status == status
    world.pass_time(timedelta(seconds=100))

    assert world.sdk.calls(sid).fetch().status == status
    assert world.application.statuses("CallStatus").count(status) == 1
    with pytest.raises(TwilioRestException) as refused:
        world.sdk.calls(sid).update(status="completed")
    assert (refused.value.status, refused.value.code) == (400, 21220)


def test_canceling_does_not_touch_a_call_in_progress(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time(timedelta(seconds=4))

    assert world.sdk.calls(sid).update(status="canceled").status == "in-progress"


def test_the_person_can_hang_up_or_decline(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    first, second = place(world).sid, place(world).sid
    world.pass_time(timedelta(seconds=2))
    world.sandbox.hang_up(first)
    world.pass_time(timedelta(seconds=4))
    world.sandbox.hang_up(second)
    world.pass_time(timedelta(seconds=1))

    assert [world.sdk.calls(sid).fetch().status for sid in (first, second)] == ["busy", "completed"]
    assert world.sandbox.hang_up(first).status == "busy"


def test_redirect_pause_play_and_dial_are_followed(world: World) -> None:
    after_dial = "https://clinic.example/after"
    document = (
        "<Response><Pause length='2'/><Play>https://clinic.example/bell.mp3</Play><Redirect>next</Redirect></Response>"
    )
    world.application.answer(VOICE_URL, document)
    world.application.answer(
        "https://clinic.example/hooks/twilio/voice/next",
        f"<Response><Dial action='{after_dial}'><Number>{NUMBER}</Number></Dial><Say>never</Say></Response>",
    )
    world.application.answer(after_dial, spoken("Bye"))
    sid = place(world).sid
    world.pass_time(timedelta(seconds=60))

    assert said(world, sid) == ["https://clinic.example/bell.mp3", NUMBER, "Bye"]
    assert world.application.to(after_dial)[0].form["DialCallStatus"] == "completed"
    assert int(world.sdk.calls(sid).fetch().duration) == 2 + 5 + 30 + 1


def test_an_endless_redirect_ends_the_call(world: World) -> None:
    world.application.answer(VOICE_URL, f"<Response><Redirect>{VOICE_URL}</Redirect></Response>")
    sid = place(world).sid
    world.pass_time(timedelta(seconds=10))

    assert world.sdk.calls(sid).fetch().status == "completed"
    assert len(world.application.to(VOICE_URL)) == 50


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, "", 11200),
        (403, "<Response/>", 11200),
        (200, "<Response><Say>", 12100),
        (200, "<Html/>", 12100),
        (200, "<!DOCTYPE x><Response/>", 12100),
    ],
)
def test_an_application_error_is_spoken_and_noted(world: World, status: int, body: str, code: int) -> None:
    world.application.answer(VOICE_URL, body, status)
    sid = place(world).sid
    world.pass_time()

    assert said(world, sid) == [APPLICATION_ERROR]
    assert world.sdk.calls(sid).fetch().status == "completed"
    assert [alert.code for alert in world.sandbox.alerts()] == [code]


def test_a_relative_action_needs_an_address(world: World) -> None:
    sid = place(world, twiml=question("/keys")).sid
    world.pass_time()
    world.sandbox.press(sid, "1")
    world.pass_time()

    assert said(world, sid)[-1] == APPLICATION_ERROR
    assert [alert.code for alert in world.sandbox.alerts()] == [11100]


def test_an_unknown_verb_is_skipped_and_noted(world: World) -> None:
    sid = place(world, twiml=spoken("one", "<Sing>la</Sing>", "<Say>two</Say>")).sid
    world.pass_time()

    assert said(world, sid) == ["one", "two"]
    assert [alert.code for alert in world.sandbox.alerts()] == [12200]


@pytest.mark.parametrize(("seconds", "price"), [(0, "-0.01400"), (60, "-0.01400"), (61, "-0.02800")])
def test_a_minute_begun_is_billed(world: World, seconds: int, price: str) -> None:
    sid = place(world, twiml=f"<Response><Pause length='{seconds}'/></Response>").sid
    world.pass_time(timedelta(seconds=70))
    call = world.sdk.calls(sid).fetch()

    assert (call.duration, call.price) == (str(seconds), price)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"to": "", "from_": NUMBER, "twiml": "<Response/>"}, 21201),
        ({"to": PHONE, "from_": "", "twiml": "<Response/>"}, 21213),
        ({"to": PHONE, "from_": NUMBER}, 21205),
        ({"to": "555", "from_": NUMBER, "twiml": "<Response/>"}, 21211),
        ({"to": PHONE, "from_": "+12025550177", "twiml": "<Response/>"}, 21210),
        ({"to": "+15005550003", "from_": NUMBER, "twiml": "<Response/>"}, 21215),
    ],
)
def test_what_twilio_refuses_is_refused(world: World, request_: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        world.sdk.calls.create(**request_)

    assert (refused.value.status, refused.value.code) == (400, code)


def test_a_call_can_only_be_stopped(world: World) -> None:
    sid = place(world).sid
    for wish in ("ringing", "nonsense"):
        with pytest.raises(TwilioRestException) as refused:
            world.sdk.calls(sid).update(status=wish)
        assert refused.value.code == 20001


def test_speech_takes_its_time() -> None:
    assert [speaking_time(text).total_seconds() for text in ("", "a", "a" * 14, "a" * 15)] == [0, 1, 1, 2]


def listening(action: str = KEYS_URL, **options: Any) -> str:
    return question(action, input="dtmf speech", language="es-ES", **options)


def test_words_reach_the_action(world: World) -> None:
    world.application.answer(VOICE_URL, listening())
    world.application.answer(KEYS_URL, spoken("Gracias."))
    sid = place(world).sid
    world.pass_time()
    assert world.sandbox.call(sid).expects_speech
    world.sandbox.say(sid, " Sí, claro ", confidence=0.75)
    world.pass_time()

    [request] = world.application.to(KEYS_URL)
    assert request.signed
    assert (request.form["SpeechResult"], request.form["Confidence"]) == ("Sí, claro", "0.75000000")
    assert "Digits" not in request.form
    heard = [line for line in world.sandbox.call(sid).transcript if line.kind == "speech"]
    assert [(line.text, line.language) for line in heard] == [("Sí, claro", "es-ES")]


def test_keys_count_too_where_words_are_heard(world: World) -> None:
    world.application.answer(VOICE_URL, listening())
    sid = place(world).sid
    world.pass_time()
    world.sandbox.press(sid, "1")
    world.pass_time()

    [request] = world.application.to(KEYS_URL)
    assert (request.form["Digits"], "SpeechResult" in request.form) == ("1", False)


def test_words_are_not_heard_by_a_question_for_keys(world: World) -> None:
    world.application.answer(VOICE_URL, question())
    sid = place(world).sid
    world.pass_time()
    with pytest.raises(ValueError, match="does not listen"):
        world.sandbox.say(sid, "sí")
    with pytest.raises(ValueError, match="nothing was said"):
        world.sandbox.say(sid, " ")


@pytest.mark.parametrize(
    ("ending", "asks", "answered_by"),
    [
        ("0100", "DetectMessageEnd", "human"),
        ("0194", "DetectMessageEnd", "machine_end_beep"),
        ("0194", "Enable", "machine_end_beep"),
        ("0192", "DetectMessageEnd", "fax"),
        ("0194", None, None),
    ],
)
def test_machine_detection(world: World, ending: str, asks: str | None, answered_by: str | None) -> None:
    phone = f"+1202555{ending}"
    world.application.answer(VOICE_URL, spoken("Good morning."))
    sid = place(world, to=phone, **({"machine_detection": asks} if asks else {})).sid
    world.pass_time()

    [request] = world.application.to(VOICE_URL)
    assert request.form.get("AnsweredBy") == answered_by
    assert world.sdk.calls(sid).fetch().answered_by == answered_by
    assert world.application.to(STATUS_URL)[-1].form.get("AnsweredBy") == answered_by
    greeting = 5 if answered_by not in (None, "human") else 0
    assert world.sandbox.call(sid).duration == greeting + 1


@pytest.mark.parametrize(
    ("ending", "status", "seconds"),
    [("0100", "completed", 30), ("0197", "busy", 0), ("0198", "no-answer", 20), ("0199", "failed", 0)],
)
def test_the_dialled_phone_behaves_as_its_number_says(world: World, ending: str, status: str, seconds: int) -> None:
    dial = f'<Response><Dial timeout="20" action="{KEYS_URL.replace("&", "&amp;")}"><Number>+1202555{ending}</Number></Dial></Response>'
    world.application.answer(VOICE_URL, dial)
    world.application.answer(KEYS_URL, "<Response><Hangup/></Response>")
    sid = place(world).sid
    world.pass_time(timedelta(minutes=2))

    [request] = world.application.to(KEYS_URL)
    assert request.form["DialCallStatus"] == status
    assert request.form.get("DialCallDuration") == ("30" if status == "completed" else None)
    assert world.sandbox.call(sid).duration == seconds
