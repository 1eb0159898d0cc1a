"""Lists: filters and paging with the SDK's own pager."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioException

from reminders.sandbox.listing import MessageFilter, PageRequest
from tests.sandbox.support import NUMBER, OTHER_PHONE, PHONE, START, STATUS_URL, World, make_world

AFTERNOON = datetime(2025, 3, 30, 14, 0, tzinfo=UTC)


def test_the_newest_comes_first(world: World) -> None:
    sids = [world.send(str(number)).sid for number in range(3)]

    assert [message.sid for message in world.sdk.messages.list()] == sids[::-1]


@pytest.mark.parametrize("page_size", [1, 2, 3, 7, 50])
def test_the_sdks_pager_finds_everything_once(world: World, page_size: int) -> None:
    sids = [world.send(str(number)).sid for number in range(7)]

    assert [message.sid for message in world.sdk.messages.list(page_size=page_size)] == sids[::-1]
    assert [message.sid for message in world.sdk.messages.list(page_size=page_size, limit=4)] == sids[:2:-1]


def test_pages_can_be_turned_back(world: World) -> None:
    sids = [world.send(str(number)).sid for number in range(5)][::-1]
    first = world.sdk.messages.page(page_size=2)
    assert [message.sid for message in first] == sids[:2]
    second = first.next_page()
    assert second is not None
    assert [message.sid for message in second] == sids[2:4]
    back = second.previous_page()
    assert back is not None
    assert [message.sid for message in back] == sids[:2]
    assert back.previous_page_url is None


def test_new_messages_do_not_disturb_whoever_turns_the_pages(world: World) -> None:
    sids = [world.send(str(number)).sid for number in range(4)][::-1]
    page = world.sdk.messages.page(page_size=2)
    seen = [message.sid for message in page]
    world.send("in between")
    following = page.next_page()
    assert following is not None

    assert seen + [message.sid for message in following] == sids


@given(count=st.integers(0, 12), size=st.integers(1, 5))
def test_pages_hold_every_record_once(count: int, size: int) -> None:
    world = make_world()
    sids = [world.send(str(number)).sid for number in range(count)][::-1]
    seen: list[str] = []
    token, number = "", 0
    while True:
        page = world.sandbox.messages(MessageFilter(), PageRequest(size=size, number=number, token=token))
        seen += [message.sid for message in page.items]
        if page.next_token is None:
            break
        token, number = page.next_token, number + 1

    assert seen == sids


def test_filters_by_recipient_and_sender(world: World) -> None:
    mine, other = world.send().sid, world.send(to=OTHER_PHONE).sid
    answer = world.sandbox.reply(PHONE, "1").sid

    assert [message.sid for message in world.sdk.messages.list(to=PHONE)] == [mine]
    assert [message.sid for message in world.sdk.messages.list(from_=PHONE)] == [answer]
    assert [message.sid for message in world.sdk.messages.list(to=NUMBER)] == [answer]
    assert [message.sid for message in world.sdk.messages.list(from_=NUMBER)] == [other, mine]
    assert world.sdk.messages.list(to=PHONE, from_=OTHER_PHONE) == []
    assert world.sdk.messages.list(to="+12025550111") == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"date_sent": date(2025, 3, 30)}, ["night", "noon"]),
        ({"date_sent": "2025-03-30"}, ["night", "noon"]),
        ({"date_sent": "2025-03-31"}, ["next day"]),
        ({"date_sent_before": "2025-03-30"}, ["night", "noon"]),
        ({"date_sent_after": "2025-03-31"}, ["next day"]),
        ({"date_sent_before": AFTERNOON}, ["night", "noon"]),
        ({"date_sent_after": AFTERNOON}, ["next day"]),
        ({"date_sent_after": START + timedelta(seconds=2), "date_sent_before": AFTERNOON}, ["night", "noon"]),
        ({"date_sent_after": START + timedelta(seconds=3), "date_sent_before": AFTERNOON}, ["noon"]),
        ({"date_sent": START + timedelta(seconds=2)}, ["night"]),
    ],
)
def test_filters_by_the_moment_of_sending(world: World, wanted: dict[str, Any], found: list[str]) -> None:
    for hours, body in ((0, "night"), (12, "noon"), (12, "next day")):
        world.clock.advance(timedelta(hours=hours))
        world.send(body)
        world.pass_time(timedelta(seconds=3))
    # The SDK writes a date as midnight; Twilio's own form for a whole day is the bare date.
    if isinstance(wanted.get("date_sent"), date) and not isinstance(wanted["date_sent"], datetime):
        wanted = {"date_sent": wanted["date_sent"].isoformat()}

    assert [message.body for message in world.sdk.messages.list(**wanted)] == found[::-1]


def test_a_message_that_was_not_sent_yet_is_in_no_stretch_of_time(world: World) -> None:
    world.send()

    assert len(world.sdk.messages.list()) == 1
    assert world.sdk.messages.list(date_sent_after="2000-01-01") == []


def test_an_unreadable_date_is_refused(world: World) -> None:
    with pytest.raises(TwilioException):
        world.sdk.messages.list(date_sent="yesterday")


def test_the_oldest_are_forgotten() -> None:
    world = make_world(keep=3)
    sids = [world.send(str(number), to=to).sid for number, to in enumerate([OTHER_PHONE, PHONE, PHONE, PHONE, PHONE])]
    world.pass_time()

    assert [message.sid for message in world.sdk.messages.list()] == sids[:1:-1]
    assert world.sdk.messages.list(to=OTHER_PHONE) == []
    assert [phone.number for phone in world.sandbox.phones()] == [PHONE]
    assert {message.status for message in world.sdk.messages.list()} == {"delivered"}


@pytest.mark.parametrize("age", [0, 1, 2, 3])
def test_what_is_forgotten_on_its_way_is_simply_gone(age: int) -> None:
    world = make_world(keep=1)
    world.send(status_callback=STATUS_URL)
    first = world.sdk.calls.create(to=PHONE, from_=NUMBER, url="https://clinic.example/voice").sid
    world.pass_time(timedelta(seconds=age))
    told = len(world.application.to(STATUS_URL))
    kept = world.send(to=OTHER_PHONE).sid
    second = world.sdk.calls.create(to=OTHER_PHONE, from_=NUMBER, twiml="<Response/>").sid
    world.pass_time()

    assert [message.sid for message in world.sdk.messages.list()] == [kept]
    assert [call.sid for call in world.sdk.calls.list()] == [second]
    assert [call.sid for call in world.sdk.calls.list(to=PHONE)] == []
    assert first != second
    assert len(world.application.to(STATUS_URL)) == told
    assert world.sandbox.conversation(PHONE) == []


def test_calls_are_listed_and_filtered(world: World) -> None:
    place = world.sdk.calls.create
    first = place(to=PHONE, from_=NUMBER, twiml="<Response/>").sid
    second = place(to="+12025550197", from_=NUMBER, twiml="<Response/>").sid
    world.pass_time()

    assert [call.sid for call in world.sdk.calls.list(page_size=1)] == [second, first]
    assert [call.sid for call in world.sdk.calls.list(status="busy")] == [second]
    assert [call.sid for call in world.sdk.calls.list(to=PHONE)] == [first]
    assert world.sdk.calls.list(start_time_after=START + timedelta(hours=1)) == []
    assert len(world.sdk.calls.list(start_time_after=START, start_time_before=START + timedelta(hours=1))) == 2
