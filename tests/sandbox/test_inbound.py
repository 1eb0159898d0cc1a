"""Texts from phones: the webhook, the application's answer, and STOP, START and HELP."""

from __future__ import annotations

import json

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.twiml.messaging_response import MessagingResponse

from reminders.sandbox.inbox import AUTOMATIC_REPLIES, opt_out_type
from tests.sandbox.support import ACCOUNT, INBOUND_URL, NUMBER, PHONE, STATUS_URL, World, make_world
from tests.shared_data import needs_shared, shared


def bodies(world: World, phone: str = PHONE) -> list[str]:
    return [entry.body for entry in world.sandbox.conversation(phone) if hasattr(entry, "body")]


def test_a_reply_reaches_the_application_signed(world: World) -> None:
    sid = world.sandbox.reply(PHONE, "sí, iré ✓").sid
    assert world.application.requests == []
    world.pass_time()

    [request] = world.application.to(INBOUND_URL)
    assert request.signed
    assert request.form["MessageSid"] == request.form["SmsMessageSid"] == request.form["SmsSid"] == sid
    assert {name: request.form[name] for name in ("AccountSid", "From", "To", "Body", "NumSegments", "NumMedia")} == {
        "AccountSid": ACCOUNT,
        "From": PHONE,
        "To": NUMBER,
        "Body": "sí, iré ✓",
        "NumSegments": "1",
        "NumMedia": "0",
    }
    assert "OptOutType" not in request.form


@needs_shared
def test_the_webhook_has_the_fields_of_a_real_one(world: World) -> None:
    sample = json.loads(shared("twilio", "inbound_optout_sample.json").read_text())
    world.sandbox.reply(PHONE, "stop")
    world.pass_time()
    form = world.application.requests[0].form

    only_with_a_service = {"MessagingServiceSid", "AddOns"}
    assert set(sample) - {"_source"} - only_with_a_service <= set(form)
    for name in (
        "OptOutType",
        "SmsStatus",
        "NumMedia",
        "NumSegments",
        "ApiVersion",
        "FromCountry",
        "ToCountry",
        "Body",
    ):
        assert form[name] == sample[name]


def test_the_inbound_message_is_a_resource_with_a_price(world: World) -> None:
    sid = world.sandbox.reply(PHONE, "1").sid
    world.pass_time()
    message = world.sdk.messages(sid).fetch()

    assert (message.direction, message.status, message.price) == ("inbound", "received", "-0.00750")


def test_the_answer_becomes_texts_on_the_phone(world: World) -> None:
    answer = MessagingResponse()
    answer.message("Gracias, María. <1>")
    answer.message("明天见", action="/hooks/twilio/status/token-1")
    world.application.answer(INBOUND_URL, str(answer))
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert bodies(world) == ["1", "Gracias, María. <1>", "明天见"]
    sent = world.sdk.messages.list(to=PHONE)
    assert [message.direction for message in sent] == ["outbound-reply"] * 2
    assert {message.status for message in sent} == {"delivered"}
    assert {message.price for message in sent} == {"-0.00790"}
    assert [request.form["MessageStatus"] for request in world.application.to(STATUS_URL)] == ["sent", "delivered"]


@pytest.mark.parametrize(
    "body", ["", "   ", "<Response/>", '<?xml version="1.0" encoding="UTF-8"?><Response></Response>']
)
def test_an_empty_answer_sends_nothing(world: World, body: str) -> None:
    world.application.answer(INBOUND_URL, body)
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert bodies(world) == ["1"]
    assert world.sandbox.alerts() == []


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, "<Response><Message>no</Message></Response>", 11200),
        (200, "thank you", 12100),
        (200, "<Response><Message>no</Response>", 12100),
        (200, "<html/>", 12100),
        (200, '<!DOCTYPE x [<!ENTITY a "b">]><Response><Message>&a;</Message></Response>', 12100),
        (200, "<Response><Message>" + "x" * 70_000 + "</Message></Response>", 12100),
        (200, "<Response><Message/></Response>", 12200),
        (200, "<Response><Message>" + "x" * 1601 + "</Message></Response>", 21617),
        (200, "<Response><Redirect>ftp://clinic.example/</Redirect></Response>", 11100),
    ],
)
def test_an_answer_that_cannot_be_used_is_noted_and_sends_nothing(
    world: World, status: int, body: str, code: int
) -> None:
    world.application.answer(INBOUND_URL, body, status)
    sid = world.sandbox.reply(PHONE, "1").sid
    world.pass_time()

    assert bodies(world) == ["1"]
    assert [(alert.code, alert.sid) for alert in world.sandbox.alerts()] == [(code, sid)]


def test_an_application_that_is_down_is_noted(world: World) -> None:
    def down(form: dict[str, str]) -> tuple[int, str]:
        raise ConnectionError

    world.application.answers[INBOUND_URL] = down
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert [alert.code for alert in world.sandbox.alerts()] == [11200]


def test_a_redirect_is_followed_with_the_same_form(world: World) -> None:
    target = "https://clinic.example/hooks/other"
    world.application.answer(INBOUND_URL, "<Response><Redirect>/hooks/other</Redirect></Response>")
    world.application.answer(target, "<Response><Message>here</Message></Response>")
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert bodies(world) == ["1", "here"]
    assert world.application.to(target)[0].form == world.application.to(INBOUND_URL)[0].form
    assert world.application.to(target)[0].signed


def test_an_endless_redirect_ends(world: World) -> None:
    world.application.answer(INBOUND_URL, f"<Response><Redirect>{INBOUND_URL}</Redirect></Response>")
    world.sandbox.reply(PHONE, "1")
    world.pass_time()

    assert len(world.application.requests) < 20
    assert world.sandbox.next_due is None


def test_after_stop_texts_are_refused_until_start(world: World) -> None:
    world.sandbox.reply(PHONE, " Stop ")
    with pytest.raises(TwilioRestException) as refused:
        world.send()
    assert (refused.value.status, refused.value.code) == (400, 21610)
    assert world.send(to="+12025550101").status == "queued"

    world.sandbox.reply(PHONE, "START")
    assert world.send().status == "queued"
    world.pass_time()
    assert [request.form["OptOutType"] for request in world.application.to(INBOUND_URL)] == ["STOP", "START"]


def test_after_stop_the_applications_answer_is_not_sent(world: World) -> None:
    world.application.answer(INBOUND_URL, "<Response><Message>Sorry to see you go</Message></Response>")
    world.sandbox.reply(PHONE, "STOP")
    world.pass_time()

    assert bodies(world) == ["STOP", AUTOMATIC_REPLIES["STOP"]]
    assert [alert.code for alert in world.sandbox.alerts()] == [21610]


def test_behind_a_messaging_service_the_opt_out_shows_later(world: World) -> None:
    world.sandbox.reply(PHONE, "STOP")
    sid = world.sdk.messages.create(
        to=PHONE, messaging_service_sid="MG" + "a" * 32, body="x", status_callback=STATUS_URL
    ).sid
    world.pass_time()
    message = world.sdk.messages(sid).fetch()

    assert (message.status, message.error_code, message.price) == ("failed", 21610, None)
    assert world.application.to(STATUS_URL)[0].form["ErrorCode"] == "21610"


def test_automatic_answers_are_free_in_no_list_and_not_repeated(world: World) -> None:
    for word in ("STOP", "STOP", "HELP"):
        world.sandbox.reply(PHONE, word)
    world.pass_time()

    assert bodies(world) == ["STOP", AUTOMATIC_REPLIES["STOP"], "STOP", "HELP"]
    assert world.sdk.messages.list(to=PHONE) == []
    [automatic] = [entry for entry in world.sandbox.conversation(PHONE) if getattr(entry, "automatic", False)]
    assert world.browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}/Messages/{automatic.sid}.json").status_code == 401
    with pytest.raises(TwilioRestException):
        world.sdk.messages(automatic.sid).fetch()


def test_automatic_answers_can_be_off() -> None:
    world = make_world(automatic_replies=False)
    world.sandbox.reply(PHONE, "HELP")

    assert bodies(world) == ["HELP"]


@needs_shared
def test_every_default_keyword_of_twilio_stops() -> None:
    words = json.loads(shared("replies", "optout_keywords.json").read_text())["twilio_default_long_code"]["optout"]

    assert [word for word in words if opt_out_type(word.lower(), opted_out=False) != "STOP"] == []


@pytest.mark.parametrize(
    ("body", "opted_out", "kind"),
    [
        ("start", True, "START"),
        ("Unstop", True, "START"),
        ("yes", True, "START"),
        ("yes", False, None),
        ("info", False, "HELP"),
        ("STOP please", False, None),
        ("1", False, None),
        ("", False, None),
    ],
)
def test_only_the_bare_word_is_a_keyword(body: str, opted_out: bool, kind: str | None) -> None:
    assert opt_out_type(body, opted_out=opted_out) == kind


@pytest.mark.parametrize(("phone", "body"), [("12025550100", "x"), (NUMBER, "x"), (PHONE, ""), (PHONE, " \n")])
def test_impossible_texts_are_refused(world: World, phone: str, body: str) -> None:
    with pytest.raises(ValueError, match="a "):
        world.sandbox.reply(phone, body)
