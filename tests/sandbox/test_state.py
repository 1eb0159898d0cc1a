"""The emulator as a whole: rules that hold whatever happens, and several threads at once."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from twilio.base.exceptions import TwilioRestException

from reminders.sandbox.listing import CallFilter, MessageFilter, PageRequest
from reminders.sandbox.records import (
    CALL_NEXT,
    MESSAGE_NEXT,
    CallStatus,
    MessageStatus,
    SandboxCall,
    SandboxMessage,
)
from tests.sandbox.support import ACCOUNT, INBOUND_URL, NUMBER, PHONE, STATUS_URL, TOKEN, VOICE_URL, World, make_world

PHONES = st.sampled_from([PHONE, "+12025550191", "+12025550193", "+12025550197", "+12025550198", "+447700900123"])
EVERYTHING = PageRequest(size=1000)
GATHER = "<Response><Gather numDigits='1'><Say>1 or 2</Say></Gather><Say>Bye</Say></Response>"


class Life(RuleBasedStateMachine):
    """Anything people and programs can do, in any order, with any time between."""

    calls: Bundle[str] = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.world = make_world()
        answer = "<Response><Message>thanks</Message></Response>"
        self.world.application.answer(INBOUND_URL, answer)
        self.world.application.answers[VOICE_URL] = lambda form: (200, "<Response/>" if "Digits" in form else GATHER)
        self.seen: dict[str, Any] = {}

    @rule(phone=PHONES, service=st.booleans())
    def send(self, phone: str, service: bool) -> None:
        sender = {"messaging_service_sid": "MG" + "0" * 32} if service else {"from_": NUMBER}
        refused = self.world.sandbox.phone(phone).opted_out and not service
        with pytest.raises(TwilioRestException, match="unsubscribed") if refused else nullcontext():
            self.world.sdk.messages.create(to=phone, body="x", status_callback=STATUS_URL, **sender)

    @rule(phone=PHONES, body=st.sampled_from(["1", "STOP", "START", "HELP", "yes", "sí"]))
    def reply(self, phone: str, body: str) -> None:
        self.world.sandbox.reply(phone, body)

    @rule(target=calls, phone=PHONES)
    def place_call(self, phone: str) -> str:
        sid: str = self.world.sdk.calls.create(to=phone, from_=NUMBER, url=VOICE_URL, timeout=20).sid
        return sid

    @rule(sid=calls, key=st.sampled_from("12#"))
    def press(self, sid: str, key: str) -> None:
        if self.world.sandbox.call(sid).expects_digits:
            self.world.sandbox.press(sid, key)

    @rule(sid=calls)
    def hang_up(self, sid: str) -> None:
        self.world.sandbox.hang_up(sid)

    @rule(sid=calls, status=st.sampled_from(["canceled", "completed"]))
    def stop(self, sid: str, status: str) -> None:
        if not self.world.sandbox.call(sid).final:
            self.world.sdk.calls(sid).update(status=status)

    @rule(seconds=st.floats(0, 100))
    def pass_time(self, seconds: float) -> None:
        self.world.sandbox.advance(self.world.clock.advance(timedelta(seconds=seconds)))

    @invariant()
    def states_only_move_forward(self) -> None:
        sandbox = self.world.sandbox
        records: list[SandboxMessage | SandboxCall] = [
            *sandbox.messages(MessageFilter(), EVERYTHING).items,
            *sandbox.calls(CallFilter(), EVERYTHING).items,
        ]
        for record in records:
            before = self.seen.get(record.sid)
            if before is not None:
                assert record.status in reachable(before.status)
                assert before.price in (None, record.price)
            if record.price is not None:
                assert record.final
            self.seen[record.sid] = record

    @invariant()
    def every_request_is_signed(self) -> None:
        assert all(request.signed for request in self.world.application.requests)
        self.world.application.requests.clear()

    def teardown(self) -> None:
        self.world.sandbox.advance(self.world.clock.advance(timedelta(hours=1)))
        assert self.world.sandbox.next_due is None
        assert all(message.final for message in self.world.sandbox.messages(MessageFilter(), EVERYTHING).items)
        assert all(call.final for call in self.world.sandbox.calls(CallFilter(), EVERYTHING).items)
        super().teardown()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def reachable(status: MessageStatus | CallStatus) -> set[Any]:
    """Every state to which allowed steps lead from ``status``, itself included."""
    table: Any = MESSAGE_NEXT if isinstance(status, MessageStatus) else CALL_NEXT
    found, unvisited = {status}, [status]
    while unvisited:
        new = table[unvisited.pop()] - found
        found |= new
        unvisited.extend(new)
    return found


@pytest.mark.parametrize(("states", "table"), [(MessageStatus, MESSAGE_NEXT), (CallStatus, CALL_NEXT)])
def test_every_state_has_a_written_list_of_next_states(states: Any, table: Any) -> None:
    assert set(table) == set(states)


def test_several_threads_lose_and_repeat_nothing(world: World) -> None:
    done = threading.Event()
    failed: list[BaseException] = []

    def guarded(work: Any) -> threading.Thread:
        def run() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)

        return threading.Thread(target=run)

    def write() -> None:
        for number in range(50):
            world.send(str(number), status_callback=STATUS_URL)

    def tick() -> None:
        while not done.is_set():
            world.sandbox.advance(world.clock.advance(timedelta(milliseconds=100)))

    writers, tickers = [guarded(write) for _ in range(4)], [guarded(tick) for _ in range(2)]
    for thread in writers + tickers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in tickers:
        thread.join()
    world.pass_time()

    told: dict[str, list[str]] = defaultdict(list)
    for request in world.application.to(STATUS_URL):
        told[request.form["MessageSid"]].append(request.form["MessageStatus"])
    assert failed == []
    assert len(told) == 200
    assert {tuple(statuses) for statuses in told.values()} == {("sent", "delivered")}


def test_a_second_advance_leaves_the_first_alone(world: World) -> None:
    inner: list[int] = []

    def answer(form: dict[str, str]) -> tuple[int, str]:
        inner.append(world.sandbox.advance(datetime.max.replace(tzinfo=world.clock.now().tzinfo)))
        return 204, ""

    world.application.answers[STATUS_URL] = answer
    world.send(status_callback=STATUS_URL)
    world.pass_time()

    assert inner == [0, 0]


def test_secrets_do_not_show_in_a_dump(world: World) -> None:
    assert TOKEN not in repr(world.sandbox.account)
    assert ACCOUNT in repr(world.sandbox.account)


def test_the_account_needs_a_real_number() -> None:
    world = make_world()
    with pytest.raises(ValueError, match=r"E\.164"):
        type(world.sandbox)(world.clock, ACCOUNT, TOKEN, "clinic", INBOUND_URL, world.application)
