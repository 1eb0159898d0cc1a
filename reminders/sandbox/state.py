"""The emulated Twilio as one object: its state, its time, and the requests it makes to the application.

Nothing happens by itself. ``advance(now)`` performs every step that is due and makes the requests that follow from it;
between two calls there are no threads, no sleeping and no work. Requests are made without holding the lock, so the
application may call the API while it answers.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from reminders.clock import Clock, aware
from reminders.sandbox.account import Account
from reminders.sandbox.agenda import Agenda
from reminders.sandbox.behaviours import BEHAVIOURS, is_e164
from reminders.sandbox.book import Book
from reminders.sandbox.call_desk import CallDesk
from reminders.sandbox.callbacks import Courier, Post, Webhook
from reminders.sandbox.inbox import Inbox
from reminders.sandbox.listing import CallFilter, MessageFilter, Page, PageRequest, cut
from reminders.sandbox.messaging import MessageRequest, Messaging
from reminders.sandbox.playback import Playback
from reminders.sandbox.records import Alert, CallStatus, Faults, Phone, SandboxCall, SandboxMessage
from reminders.sandbox.refusals import TwilioError
from reminders.sandbox.voice import CallRequest, Voice


class Sandbox:
    """A local Twilio account with one number. Safe to use from several threads.

    ``latency`` passes between one status of a message or call and the next. ``patience`` is how long a keypad question
    waits at least. ``keep`` bounds the messages, and separately the calls, that are remembered. ``automatic_replies``:
    Twilio answers STOP, START and HELP itself. ``faults`` may be changed at any time.
    """

    def __init__(
        self,
        clock: Clock,
        account_sid: str,
        auth_token: str,
        number: str,
        inbound_url: str,
        post: Post,
        latency: timedelta = timedelta(seconds=1),
        *,
        patience: timedelta = timedelta(seconds=60),
        keep: int = 50_000,
        automatic_replies: bool = True,
        faults: Faults | None = None,
    ) -> None:
        if not is_e164(number):
            raise ValueError("the sandbox's number must be in E.164 format")
        self.faults = faults or Faults()
        self.account = Account(
            sid=account_sid,
            auth_token=auth_token,
            number=number,
            inbound_url=inbound_url,
            latency=latency,
            patience=patience,
            automatic_replies=automatic_replies,
            created_at=aware(clock.now()),
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._advancing = False
        self._agenda = Agenda()
        self._book = Book(keep)
        self._courier = Courier(post, auth_token)
        self._messaging = Messaging(self.account, self._book, self._agenda, self.faults)
        self._inbox = Inbox(self.account, self._book, self._agenda, self._messaging)
        desk = CallDesk(self.account, self._book, self._agenda, self.faults)
        self._playback = Playback(desk)
        self._voice = Voice(desk, self._playback)

    # Time

    def advance(self, now: datetime) -> int:
        """Perform every step due by ``now`` (aware), in order of time, and make its requests; returns how many steps.

        While one thread is at it, ``advance`` of another returns 0 at once, so that callbacks keep their order.
        """
        now = aware(now)
        with self._lock:
            if self._advancing:
                return 0
            self._advancing = True
        try:
            return self._work_off(now)
        finally:
            with self._lock:
                self._advancing = False

    @property
    def next_due(self) -> datetime | None:
        """When the next step is due, or None when nothing is under way."""
        with self._lock:
            return self._agenda.next_due

    def _work_off(self, now: datetime) -> int:
        done = 0
        held: list[tuple[datetime, Webhook]] = []
        while True:
            with self._lock:
                entry = self._agenda.pop(now)
                if entry is None:
                    break
                due, step = entry
                webhooks = step(due)
            done += 1
            for webhook in webhooks:
                if webhook.notice and self.faults.reorder_callbacks:
                    held.append((due, webhook))
                else:
                    self._deliver(webhook, due)
        for due, webhook in reversed(held):
            self._deliver(webhook, due)
        return done

    def _deliver(self, webhook: Webhook, at: datetime) -> None:
        if webhook.notice and self.faults.lose_callbacks:
            return
        twice = webhook.repeatable and self.faults.duplicate_callbacks
        answer = self._courier.deliver(webhook, times=2 if twice else 1)
        with self._lock:
            if webhook.then:
                webhook.then(at, answer)
            elif not answer.ok:
                self._book.alert(at, 11200, webhook.sid, webhook.url)

    # What the REST API does

    def create_message(self, request: MessageRequest) -> SandboxMessage:
        """Accept a text; raises ``TwilioError``."""
        with self._lock:
            return self._messaging.create(request, self._now())

    def create_call(self, request: CallRequest) -> SandboxCall:
        """Accept a call; raises ``TwilioError``."""
        with self._lock:
            return self._voice.create(request, self._now())

    def stop_call(self, sid: str, status: CallStatus) -> SandboxCall:
        """Cancel or complete a call; raises ``TwilioError``, also when there is no such call."""
        with self._lock:
            return self._voice.stop(self._known_call(sid), status, self._now())

    def message(self, sid: str) -> SandboxMessage:
        """The Message resource ``sid``; raises ``TwilioError`` when there is none."""
        with self._lock:
            message = self._book.message(sid)
        if message is None or message.automatic:
            raise TwilioError(20404, sid)
        return message

    def call(self, sid: str) -> SandboxCall:
        """The Call resource ``sid``; raises ``TwilioError`` when there is none."""
        with self._lock:
            return self._known_call(sid)

    def messages(self, wanted: MessageFilter, page: PageRequest) -> Page[SandboxMessage]:
        """One page of Message resources, newest first."""
        with self._lock:
            found = [
                message for message in self._book.newest_messages(wanted.phone(self.account.number)) if wanted(message)
            ]
        return cut(found, page)

    def calls(self, wanted: CallFilter, page: PageRequest) -> Page[SandboxCall]:
        """One page of Call resources, newest first."""
        with self._lock:
            found = [call for call in self._book.newest_calls(wanted.to or None) if wanted(call)]
        return cut(found, page)

    def take_fault(self, name: Literal["drop_after_accept", "too_many_requests"]) -> bool:
        """Use up one of the counted ``faults``; False when none is left."""
        with self._lock:
            left: int = getattr(self.faults, name)
            if left > 0:
                setattr(self.faults, name, left - 1)
            return left > 0

    # What the people with the phones do

    def reply(self, phone: str, body: str) -> SandboxMessage:
        """A text from ``phone`` to the account's number; the application hears of it at the next ``advance``."""
        if not is_e164(phone) or phone == self.account.number:
            raise ValueError("a phone has a number in E.164 format, other than the account's own")
        if not body.strip():
            raise ValueError("a text has some text")
        with self._lock:
            return self._inbox.receive(phone, body, self._now())

    def press(self, call_sid: str, digits: str) -> SandboxCall:
        """Press keys during a call; raises ``ValueError`` when the call does not ask for any."""
        if not digits or set(digits) - set("0123456789*#"):
            raise ValueError("digits are 0 to 9, * and #")
        with self._lock:
            return self._playback.press(self._known_call(call_sid), digits, self._now())

    def say(self, call_sid: str, words: str, confidence: float = 0.9) -> SandboxCall:
        """Say something during a call; raises ``ValueError`` when the call does not listen for words. ``confidence`` is
        what speech recognition would report, from 0 to 1."""
        if not words.strip():
            raise ValueError("nothing was said")
        with self._lock:
            return self._playback.hear(self._known_call(call_sid), words.strip(), confidence, self._now())

    def hang_up(self, call_sid: str) -> SandboxCall:
        """The person ends the call, or declines it while it rings."""
        with self._lock:
            return self._voice.hang_up(self._known_call(call_sid), self._now())

    def set_behaviour(self, phone: str, name: str) -> None:
        """Let ``phone`` behave like one of ``BEHAVIOURS`` from now on."""
        if name not in BEHAVIOURS:
            raise ValueError("no such behaviour")
        with self._lock:
            self._book.set_behaviour(phone, name)

    def phones(self, contains: str = "", limit: int = 200) -> list[Phone]:
        """Phones that were written to or called, the one with the newest activity first."""
        with self._lock:
            return self._book.phones(contains, limit)

    def phone(self, number: str) -> Phone:
        with self._lock:
            return self._book.phone(number)

    def mark_read(self, number: str) -> None:
        with self._lock:
            self._book.mark_read(number)

    def conversation(self, number: str, limit: int = 100) -> list[SandboxMessage | SandboxCall]:
        """The newest ``limit`` texts and calls of one phone, oldest first."""
        with self._lock:
            texts = islice(self._book.newest_messages(number), limit)
            calls = islice(self._book.newest_calls(number), limit)
            entries: list[SandboxMessage | SandboxCall] = [*texts, *calls]
        entries.reverse()  # sorting is stable: what came at the same moment keeps its order
        return sorted(entries, key=lambda entry: entry.created_at)[-limit:]

    def alerts(self, limit: int = 20) -> list[Alert]:
        """Answers of the application that could not be used, newest first."""
        with self._lock:
            return list(self._book.alerts)[::-1][:limit]

    def _known_call(self, sid: str) -> SandboxCall:
        call = self._book.call(sid)
        if call is None:
            raise TwilioError(20404, sid)
        return call

    def _now(self) -> datetime:
        return aware(self._clock.now())
