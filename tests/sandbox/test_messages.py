"""Texts through Twilio's own SDK: what is accepted, how it moves, what it costs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from reminders.domain.sms import segments
from reminders.sandbox import Faults
from reminders.sandbox.rates import outbound_price
from tests.sandbox.support import (
    ACCOUNT,
    NUMBER,
    OTHER_PHONE,
    PHONE,
    START,
    STATUS_URL,
    TOKEN,
    SandboxHttpClient,
    World,
    make_world,
)
from tests.shared_data import needs_shared, shared

SERVICE = "MG" + "a" * 32


def test_a_new_message_is_queued_and_has_no_price(world: World) -> None:
    message = world.send("Hola, ¿puede venir?")

    assert re.fullmatch(r"SM[0-9a-f]{32}", message.sid)
    assert (message.status, message.price, message.price_unit, message.date_sent) == ("queued", None, "USD", None)
    assert (message.to, message.from_, message.body) == (PHONE, NUMBER, "Hola, ¿puede venir?")
    assert (message.direction, message.account_sid, message.error_code) == ("outbound-api", ACCOUNT, None)
    assert message.date_created == START
    assert message.num_segments == "1"


def test_dates_are_rfc_2822_and_addresses_are_relative_to_twilios_host(world: World) -> None:
    sid = world.send().sid
    raw = world.browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json", auth=(ACCOUNT, TOKEN)).json

    assert raw is not None
    assert raw["date_created"] == "Sun, 30 Mar 2025 00:59:30 +0000"
    assert raw["uri"] == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json"
    assert raw["num_segments"] == "1"


def test_a_message_is_delivered_and_then_priced_per_segment(world: World) -> None:
    sid = world.send("Su cita es mañana. " * 12).sid
    world.pass_time()
    message = world.sdk.messages(sid).fetch()

    assert message.status == "delivered"
    assert message.num_segments == "2"
    assert message.price == "-0.01580"
    assert message.date_sent == START + timedelta(seconds=2)


def test_statuses_come_back_in_order_and_signed(world: World) -> None:
    sid = world.send(status_callback=STATUS_URL).sid
    world.pass_time()

    assert world.application.statuses() == ["sent", "delivered"]
    last = world.application.requests[-1]
    assert last.signed
    assert last.form == {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": "delivered",
        "SmsStatus": "delivered",
        "To": PHONE,
        "From": NUMBER,
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "RawDlrDoneDate": "2503300059",
    }


def test_nothing_moves_before_its_time(world: World) -> None:
    sid = world.send().sid

    assert world.sandbox.advance(START + timedelta(seconds=0.9)) == 0
    assert world.sandbox.next_due == START + timedelta(seconds=1)
    seen = []
    for _ in range(3):
        world.pass_time(timedelta(seconds=1))
        seen.append(world.sdk.messages(sid).fetch().status)
    assert seen == ["sending", "sent", "delivered"]
    assert world.sandbox.next_due is None


def test_one_late_advance_catches_up_with_everything(world: World) -> None:
    world.send(status_callback=STATUS_URL)
    world.sandbox.advance(world.clock.advance(timedelta(days=1)))

    assert world.application.statuses() == ["sent", "delivered"]
    assert world.sdk.messages.list()[0].date_sent == START + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("phone", "status", "code", "price"),
    [
        ("+12025550191", "failed", 30001, None),
        ("+12025550193", "undelivered", 30003, "-0.00790"),
        ("+447700900195", "undelivered", 30005, "-0.04630"),
        ("+33639980196", "undelivered", 30006, "-0.07980"),
    ],
)
def test_special_numbers_do_not_get_their_texts(
    world: World, phone: str, status: str, code: int, price: str | None
) -> None:
    sid = world.send(to=phone, status_callback=STATUS_URL).sid
    world.pass_time()
    message = world.sdk.messages(sid).fetch()

    assert (message.status, message.error_code, message.price) == (status, code, price)
    assert message.error_message
    assert world.application.requests[-1].form["ErrorCode"] == str(code)
    assert world.application.requests[-1].form["MessageStatus"] == status


def test_any_phone_can_be_switched_off(world: World) -> None:
    world.sandbox.set_behaviour(PHONE, "switched-off")
    sid = world.send().sid
    world.pass_time()

    assert world.sdk.messages(sid).fetch().error_code == 30003


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"to": "", "from_": NUMBER, "body": "x"}, 21604),
        ({"to": PHONE, "from_": NUMBER}, 21602),
        ({"to": PHONE, "from_": NUMBER, "body": " "}, 21602),
        ({"to": PHONE, "body": "x"}, 21603),
        ({"to": PHONE, "from_": "clinic", "body": "x"}, 21212),
        ({"to": PHONE, "from_": "+12025550199", "body": "x"}, 21659),
        ({"to": NUMBER, "from_": NUMBER, "body": "x"}, 21266),
        ({"to": "0202 5550100", "from_": NUMBER, "body": "x"}, 21211),
        ({"to": "+0202555010", "from_": NUMBER, "body": "x"}, 21211),
        ({"to": "+15005550001", "from_": NUMBER, "body": "x"}, 21211),
        ({"to": "+15005550003", "from_": NUMBER, "body": "x"}, 21408),
        ({"to": "+15005550004", "from_": NUMBER, "body": "x"}, 21610),
        ({"to": "+15005550009", "from_": NUMBER, "body": "x"}, 21614),
        ({"to": PHONE, "from_": NUMBER, "body": "x" * 1601}, 21617),
        ({"to": PHONE, "messaging_service_sid": "MG1", "body": "x"}, 21701),
    ],
)
def test_what_twilio_refuses_is_refused(world: World, request_: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        world.sdk.messages.create(**request_)

    assert (refused.value.status, refused.value.code) == (400, code)
    assert world.sdk.messages.list() == []


def test_a_refusal_has_twilios_json(world: World) -> None:
    answer = world.browser.post(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}/Messages.json", auth=(ACCOUNT, TOKEN))

    assert answer.status_code == 400
    assert answer.json == {
        "code": 21604,
        "message": "A 'To' phone number is required.",
        "more_info": "https://www.twilio.com/docs/errors/21604",
        "status": 400,
    }


@pytest.mark.parametrize(("user", "password"), [(ACCOUNT, "wrong"), ("AC" + "6" * 32, TOKEN), ("", "")])
def test_wrong_credentials_are_401(world: World, user: str, password: str) -> None:
    answer = world.browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}.json", auth=(user, password))

    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["code"] == 20003


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Bearer abc", "Digest x=y"])
def test_unreadable_credentials_are_401(world: World, header: str) -> None:
    answer = world.browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}.json", headers={"Authorization": header})

    assert answer.status_code == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]


def test_no_credentials_are_401_even_where_there_is_nothing(world: World) -> None:
    assert world.browser.get("/sandbox/2010-04-01/Whatever.json").status_code == 401


def test_the_sdk_sees_wrong_credentials_as_its_own_exception(world: World) -> None:
    stranger = Client(ACCOUNT, "wrong", http_client=SandboxHttpClient(world.browser))
    with pytest.raises(TwilioRestException) as refused:
        stranger.messages.create(to=PHONE, from_=NUMBER, body="x")

    assert (refused.value.status, refused.value.code) == (401, 20003)


@pytest.mark.parametrize("path", ["Messages/SM" + "0" * 32, "Calls/CA" + "0" * 32, "Recordings"])
def test_unknown_resources_are_404(world: World, path: str) -> None:
    answer = world.browser.get(f"/sandbox/2010-04-01/Accounts/{ACCOUNT}/{path}.json", auth=(ACCOUNT, TOKEN))

    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["code"] == 20404


def test_the_account_can_be_fetched(world: World) -> None:
    account = world.sdk.api.v2010.accounts(ACCOUNT).fetch()

    assert (account.sid, account.status, account.type) == (ACCOUNT, "active", "Full")
    assert account.date_created == START


def test_a_messaging_service_accepts_first_and_picks_its_sender_later(world: World) -> None:
    message = world.sdk.messages.create(to=PHONE, messaging_service_sid=SERVICE, body="x", status_callback=STATUS_URL)
    assert (message.status, message.from_, message.num_segments) == ("accepted", None, "0")

    world.pass_time()
    message = world.sdk.messages(message.sid).fetch()
    assert (message.status, message.from_, message.num_segments) == ("delivered", NUMBER, "1")
    assert world.application.requests[-1].form["MessagingServiceSid"] == SERVICE


def test_smart_encoding_saves_segments(world: World) -> None:
    text = "“Bring your card” – " * 7

    assert world.send(text).num_segments == "3"
    assert world.send(text, smart_encoded=True).num_segments == "1"


def test_the_price_may_come_later_than_the_final_status() -> None:
    world = make_world(faults=Faults(price_delay=timedelta(minutes=5)))
    sid = world.send(to=OTHER_PHONE).sid
    world.pass_time(timedelta(seconds=60))
    assert (world.sdk.messages(sid).fetch().status, world.sdk.messages(sid).fetch().price) == ("delivered", None)

    world.pass_time(timedelta(minutes=5))
    assert world.sdk.messages(sid).fetch().price == f"-{outbound_price(OTHER_PHONE, 1):.5f}"


def test_naive_times_are_refused(world: World) -> None:
    with pytest.raises(ValueError, match="naive"):
        world.sandbox.advance(datetime(2025, 1, 1))  # noqa: DTZ001


def test_times_in_any_zone_mean_the_same(world: World) -> None:
    world.send(status_callback=STATUS_URL)
    world.sandbox.advance(datetime(2025, 3, 30, 3, 0, tzinfo=UTC).astimezone(tz=None))

    assert world.application.statuses() == ["sent", "delivered"]


@needs_shared
def test_what_is_estimated_is_what_is_billed(world: World) -> None:
    """Every vector that Twilio would take as one message, plain and smart: segments and price as our estimate says."""
    vectors = json.loads(shared("sms", "segment_vectors.json").read_text(encoding="utf-8"))
    taken = [one for one in vectors if one["body"].strip() and len(one["body"]) <= 1600]
    assert len(taken) > len(vectors) // 2
    sids = {world.send(one["body"], to=OTHER_PHONE, smart_encoded=one["smart"]).sid: one for one in taken}
    world.pass_time(timedelta(seconds=30))
    for sid, one in sids.items():
        estimated = segments(one["body"], smart=one["smart"]).count
        billed = world.sdk.messages(sid).fetch()
        assert int(billed.num_segments) == estimated == one["segments"], one["origin"]
        assert billed.price == f"-{outbound_price(OTHER_PHONE, estimated):.5f}"
