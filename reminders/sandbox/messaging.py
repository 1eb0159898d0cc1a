"""Texts to phones: what is accepted, and how an accepted message moves.

Not thread-safe by itself; ``Sandbox`` holds the lock. Nothing here touches the network: steps return the requests to
be made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from reminders.sandbox.account import Account, is_messaging_service, new_sid
from reminders.sandbox.agenda import Agenda
from reminders.sandbox.behaviours import REFUSED_TEXTS, is_e164
from reminders.sandbox.book import Book
from reminders.sandbox.callbacks import Webhook, message_status_form
from reminders.sandbox.rates import outbound_price, segment_count
from reminders.sandbox.records import MESSAGE_NEXT, Faults, MessageStatus, SandboxMessage
from reminders.sandbox.refusals import TwilioError

MAX_BODY = 1600  # characters, Twilio's limit for one message
_UNDELIVERED = frozenset({30003, 30005, 30006})  # seen by the carrier, so the text was sent first; others fail before


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRequest:
    """What a create asks for; "" stands for a parameter that was not sent."""

    to: str = ""
    from_: str = ""
    messaging_service_sid: str = ""
    body: str = ""
    status_callback: str = ""
    smart_encoded: bool = False


class Messaging:
    """The life of every text that the account sends."""

    def __init__(self, account: Account, book: Book, agenda: Agenda, faults: Faults) -> None:
        self._account = account
        self._book = book
        self._agenda = agenda
        self._faults = faults

    def create(self, request: MessageRequest, at: datetime) -> SandboxMessage:
        """Accept a message as the API does; raises ``TwilioError`` for what Twilio refuses on the spot."""
        self._check(request)
        via_service = bool(request.messaging_service_sid)
        return self._accept(
            SandboxMessage(
                sid=new_sid("SM"),
                to=request.to,
                # A service picks its sender later; until then neither the sender nor the segments are known.
                from_=None if via_service else request.from_,
                segments=0 if via_service else segment_count(request.body, smart=request.smart_encoded),
                status=MessageStatus.ACCEPTED if via_service else MessageStatus.QUEUED,
                body=request.body,
                direction="outbound-api",
                created_at=at,
                updated_at=at,
                status_callback=request.status_callback or None,
                messaging_service_sid=request.messaging_service_sid or None,
                smart_encoded=request.smart_encoded,
            ),
            at,
        )

    def reply(self, to: str, body: str, status_callback: str | None, at: datetime) -> SandboxMessage:
        """Send a text that an application's TwiML asked for."""
        return self._accept(
            SandboxMessage(
                sid=new_sid("SM"),
                to=to,
                from_=self._account.number,
                body=body,
                direction="outbound-reply",
                status=MessageStatus.QUEUED,
                created_at=at,
                updated_at=at,
                segments=segment_count(body),
                status_callback=status_callback,
            ),
            at,
        )

    def _check(self, request: MessageRequest) -> None:
        if not request.to:
            raise TwilioError(21604)
        self._check_sender(request)
        if not request.body.strip():
            raise TwilioError(21602)
        if len(request.body) > MAX_BODY:
            raise TwilioError(21617)
        if not is_e164(request.to):
            raise TwilioError(21211, request.to)
        if code := REFUSED_TEXTS.get(request.to):
            raise TwilioError(code, request.to)
        # Behind a service the opt-out is found only later, and shows as a failed message.
        if not request.messaging_service_sid and self._book.is_opted_out(request.to):
            raise TwilioError(21610)

    def _check_sender(self, request: MessageRequest) -> None:
        if request.messaging_service_sid:
            if not is_messaging_service(request.messaging_service_sid):
                raise TwilioError(21701, request.messaging_service_sid)
        elif not request.from_:
            raise TwilioError(21603)
        elif not is_e164(request.from_):
            raise TwilioError(21212, request.from_)
        elif request.from_ == request.to:
            raise TwilioError(21266, request.to)
        elif request.from_ != self._account.number:
            raise TwilioError(21659, request.from_)

    def _accept(self, message: SandboxMessage, at: datetime) -> SandboxMessage:
        self._book.add_message(message)
        self._agenda.push(at + self._account.latency, partial(self._sending, message.sid))
        return message

    def _sending(self, sid: str, at: datetime) -> list[Webhook]:
        message = self._book.message(sid)
        if message is None:
            return []
        code = 21610 if self._book.is_opted_out(message.to) else self._book.behaviour(message.to).sms_error
        sender = message.from_ or self._account.number
        count = message.segments or segment_count(message.body, smart=message.smart_encoded)
        if code is not None and code not in _UNDELIVERED:
            return self._move(message, MessageStatus.FAILED, at, from_=sender, segments=count, error_code=code)
        self._agenda.push(at + self._account.latency, partial(self._sent, sid))
        # Twilio tells of every later status, not of this one.
        self._move(message, MessageStatus.SENDING, at, from_=sender, segments=count)
        return []

    def _sent(self, sid: str, at: datetime) -> list[Webhook]:
        message = self._book.message(sid)
        if message is None:
            return []
        self._agenda.push(at + self._account.latency, partial(self._arrive, sid))
        return self._move(message, MessageStatus.SENT, at, sent_at=at)

    def _arrive(self, sid: str, at: datetime) -> list[Webhook]:
        message = self._book.message(sid)
        if message is None:
            return []
        self.charge_later(sid, outbound_price(message.to, message.segments), at)
        if code := self._book.behaviour(message.to).sms_error:
            return self._move(message, MessageStatus.UNDELIVERED, at, error_code=code)
        self._book.add_unread(message.to)
        return self._move(message, MessageStatus.DELIVERED, at)

    def charge_later(self, sid: str, price: Decimal, at: datetime) -> None:
        """Let the price of message ``sid`` become known; Twilio fills it in some time after the final status."""
        self._agenda.push(at + self._faults.price_delay, partial(self._charge, sid, price))

    def _charge(self, sid: str, price: Decimal, at: datetime) -> list[Webhook]:
        if message := self._book.message(sid):
            self._book.replace_message(replace(message, price=price, updated_at=at))
        return []

    def _move(self, message: SandboxMessage, status: MessageStatus, at: datetime, **changes: Any) -> list[Webhook]:
        if status not in MESSAGE_NEXT[message.status]:
            raise ValueError(f"a message that is {message.status} cannot become {status}")
        moved = replace(message, status=status, updated_at=at, **changes)
        self._book.replace_message(moved)
        if not moved.status_callback:
            return []
        form = message_status_form(self._account.sid, moved)
        return [Webhook(moved.status_callback, moved.sid, form, notice=True, repeatable=True)]
