"""Texts from phones: opt-out keywords, asking the application, and carrying out its answer.

Not thread-safe by itself; ``Sandbox`` holds the lock.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from reminders.sandbox import twiml
from reminders.sandbox.account import Account, new_sid
from reminders.sandbox.agenda import Agenda
from reminders.sandbox.behaviours import is_e164
from reminders.sandbox.book import Book
from reminders.sandbox.callbacks import Answer, Webhook, inbound_form, resolve
from reminders.sandbox.messaging import MAX_BODY, Messaging
from reminders.sandbox.rates import inbound_price, segment_count
from reminders.sandbox.records import MessageStatus, SandboxMessage

_MAX_REDIRECTS = 10

# https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out: only a text that is nothing but the word counts.
STOP_WORDS = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
START_WORDS = frozenset({"START", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})

AUTOMATIC_REPLIES: dict[str, str] = {
    "STOP": "You are unsubscribed and will get no more messages from this number. Reply START to subscribe again.",
    "START": "You are subscribed again. Reply HELP for help, STOP to unsubscribe. Message and data rates may apply.",
    "HELP": "Reply STOP to unsubscribe. Message and data rates may apply.",
}


class Inbox:
    """What a text from a phone sets off."""

    def __init__(self, account: Account, book: Book, agenda: Agenda, messaging: Messaging) -> None:
        self._account = account
        self._book = book
        self._agenda = agenda
        self._messaging = messaging

    def receive(self, phone: str, body: str, at: datetime) -> SandboxMessage:
        """A text from ``phone`` to the account's number; the application hears of it at the next ``advance``."""
        message = SandboxMessage(
            sid=new_sid("SM"),
            to=self._account.number,
            from_=phone,
            body=body,
            direction="inbound",
            status=MessageStatus.RECEIVED,
            created_at=at,
            updated_at=at,
            sent_at=at,
            segments=segment_count(body),
        )
        self._book.add_message(message)
        keyword = self._obey(phone, body, at)
        form = inbound_form(self._account.sid, message, keyword)
        self._agenda.push_request(at, self._ask(self._account.inbound_url, message, form, _MAX_REDIRECTS))
        self._messaging.charge_later(message.sid, inbound_price(message.to, message.segments), at)
        return message

    def _obey(self, phone: str, body: str, at: datetime) -> str | None:
        was_out = self._book.is_opted_out(phone)
        keyword = opt_out_type(body, opted_out=was_out)
        if keyword == "STOP":
            self._book.opt_out(phone)
        elif keyword == "START":
            self._book.opt_in(phone)
        # Whoever is out already is told nothing, except that he is in again.
        if keyword and self._account.automatic_replies and (keyword == "START" or not was_out):
            self._reply_automatically(phone, AUTOMATIC_REPLIES[keyword], at)
        return keyword

    def _reply_automatically(self, phone: str, body: str, at: datetime) -> None:
        self._book.add_message(
            SandboxMessage(
                sid=new_sid("SM"),
                to=phone,
                from_=self._account.number,
                body=body,
                direction="outbound-reply",
                status=MessageStatus.DELIVERED,
                created_at=at,
                updated_at=at,
                sent_at=at,
                segments=segment_count(body),
                automatic=True,
            )
        )
        self._book.add_unread(phone)

    def _ask(self, url: str, message: SandboxMessage, form: dict[str, str], redirects: int) -> Webhook:
        then = partial(self._answered, url, message, form, redirects)
        return Webhook(url, message.sid, form, repeatable=True, then=then)

    def _answered(
        self, url: str, message: SandboxMessage, form: dict[str, str], redirects: int, at: datetime, answer: Answer
    ) -> None:
        if not answer.ok:
            return self._book.alert(at, 11200, message.sid, url)
        try:
            verbs = twiml.read_messages(answer.body)
        except twiml.TwimlError:
            return self._book.alert(at, 12100, message.sid, url)
        for verb in verbs:
            if isinstance(verb, twiml.Message):
                self._send_back(verb, url, message, at)
                continue
            target = resolve(url, verb.url)
            if target is None or redirects == 0:
                return self._book.alert(at, 11100, message.sid, url)
            return self._agenda.push_request(at, self._ask(target, message, form, redirects - 1))
        return None

    def _send_back(self, verb: twiml.Message, url: str, message: SandboxMessage, at: datetime) -> None:
        to = verb.to or message.phone
        if not verb.body or not is_e164(to):
            return self._book.alert(at, 12200, message.sid, url)
        if len(verb.body) > MAX_BODY:
            return self._book.alert(at, 21617, message.sid, url)
        if self._book.is_opted_out(to):
            return self._book.alert(at, 21610, message.sid, url)
        callback = resolve(url, verb.status_callback) if verb.status_callback else None
        self._messaging.reply(to, verb.body, callback, at)
        return None


def opt_out_type(body: str, *, opted_out: bool) -> str | None:
    """STOP, START or HELP when ``body`` is nothing but such a keyword.

    YES asks to be let in again only from a phone that is out; from any other it is an ordinary answer.
    """
    word = body.strip().upper()
    if word in STOP_WORDS:
        return "STOP"
    if word in START_WORDS or (word == "YES" and opted_out):
        return "START"
    return "HELP" if word in HELP_WORDS else None
