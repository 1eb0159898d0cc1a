"""What goes wrong on purpose, and that nothing does unless asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from reminders.sandbox import Faults
from tests.sandbox.support import ACCOUNT, INBOUND_URL, NUMBER, PHONE, STATUS_URL, World, make_world


def test_all_faults_are_off_by_default() -> None:
    assert Faults() == Faults(
        drop_after_accept=0,
        too_many_requests=0,
        duplicate_callbacks=False,
        reorder_callbacks=False,
        lose_callbacks=False,
    )
    assert not Faults().price_delay


def test_a_dropped_create_is_kept_and_can_be_found(world: World) -> None:
    world.sandbox.faults.drop_after_accept = 1
    with pytest.raises(TwilioRestException) as lost:
        world.send("only once")
    assert lost.value.status == 500

    assert [message.body for message in world.sdk.messages.list(to=PHONE)] == ["only once"]
    assert world.send("next").status == "queued"
    world.pass_time()
    assert {message.status for message in world.sdk.messages.list()} == {"delivered"}


def test_a_dropped_call_is_kept_too(world: World) -> None:
    world.sandbox.faults.drop_after_accept = 1
    with pytest.raises(TwilioRestException):
        world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml="<Response/>")

    assert len(world.sdk.calls.list(to=PHONE)) == 1


def test_a_refused_create_uses_no_drop_up(world: World) -> None:
    world.sandbox.faults.drop_after_accept = 1
    with pytest.raises(TwilioRestException) as refused:
        world.send(to="nobody")

    assert refused.value.code == 21211
    assert world.sandbox.faults.drop_after_accept == 1


def test_too_many_requests_say_when_to_come_back(world: World) -> None:
    world.sandbox.faults.too_many_requests = 2
    world.sandbox.faults.retry_after = 7
    for _ in range(2):
        with pytest.raises(TwilioRestException) as refused:
            world.send()
        assert (refused.value.status, refused.value.code) == (429, 20429)
        assert world.http.headers["Retry-After"] == "7"

    assert world.sdk.messages.list() == []
    assert world.send().status == "queued"


def test_duplicates_are_the_same_request_twice(world: World) -> None:
    world.sandbox.faults.duplicate_callbacks = True
    world.application.answer(INBOUND_URL, "<Response><Message>thanks</Message></Response>")
    world.send(status_callback=STATUS_URL)
    world.pass_time()
    assert world.application.statuses() == ["sent", "sent", "delivered", "delivered"]
    first, second = world.application.requests[:2]
    assert (first.form, first.headers) == (second.form, second.headers)

    world.sandbox.reply(PHONE, "1")
    world.pass_time()
    assert len(world.application.to(INBOUND_URL)) == 2
    assert [message.body for message in world.sdk.messages.list(to=PHONE)][:-1] == ["thanks"]


def test_calls_are_asked_for_their_document_once(world: World) -> None:
    world.sandbox.faults.duplicate_callbacks = True
    url = "https://clinic.example/voice"
    world.application.answer(url, "<Response><Say>Hello</Say></Response>")
    world.sdk.calls.create(to=PHONE, from_=NUMBER, url=url, status_callback=STATUS_URL)
    world.pass_time()

    assert len(world.application.to(url)) == 1
    assert world.application.statuses("CallStatus") == ["in-progress", "completed", "completed"]


def test_reordered_callbacks_arrive_last_first(world: World) -> None:
    world.sandbox.faults.reorder_callbacks = True
    world.send(status_callback=STATUS_URL)
    world.sandbox.advance(world.clock.advance(world.sandbox.account.patience))

    assert world.application.statuses() == ["delivered", "sent"]
    assert all(request.signed for request in world.application.requests)


def test_lost_callbacks_never_arrive_but_the_state_moves(world: World) -> None:
    world.sandbox.faults.lose_callbacks = True
    sid = world.send(status_callback=STATUS_URL).sid
    world.pass_time()

    assert world.application.requests == []
    assert world.sdk.messages(sid).fetch().status == "delivered"


def test_a_suspended_account_can_only_be_looked_at(world: World) -> None:
    sid = world.send().sid
    world.sandbox.faults.suspended = True
    attempts: list[Callable[[], object]] = [
        world.send,
        lambda: world.sdk.calls.create(to=PHONE, from_=NUMBER, twiml="<Response/>"),
        lambda: world.sdk.messages(sid).fetch(),
    ]
    for attempt in attempts:
        with pytest.raises(TwilioRestException) as refused:
            attempt()
        assert (refused.value.status, refused.value.code) == (403, 20403)
    assert world.sdk.api.v2010.accounts(ACCOUNT).fetch().status == "suspended"

    world.sandbox.faults.suspended = False
    assert [message.sid for message in world.sdk.messages.list()] == [sid]
    assert world.sdk.api.v2010.accounts(ACCOUNT).fetch().status == "active"


def test_a_suspended_account_still_needs_its_secret(world: World) -> None:
    world.sandbox.faults.suspended = True
    with pytest.raises(TwilioRestException) as refused:
        Client(ACCOUNT, "wrong", http_client=world.http).api.v2010.accounts(ACCOUNT).fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)


def test_faults_can_be_given_from_the_start() -> None:
    world = make_world(faults=Faults(too_many_requests=1))
    with pytest.raises(TwilioRestException):
        world.send()
