"""The requests Twilio makes to an application: their forms, their signature, and sending them.

Field names follow https://www.twilio.com/docs/messaging/guides/webhook-request,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and https://www.twilio.com/docs/voice/twiml.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urldefrag, urljoin, urlsplit

from twilio.request_validator import RequestValidator

from reminders.sandbox.rates import rate_for
from reminders.sandbox.records import MessageStatus, SandboxCall, SandboxMessage

API_VERSION = "2010-04-01"

# Posts a form and returns (status, body). An address that cannot be reached raises OSError, as requests and urllib do.
Post = Callable[[str, dict[str, str], dict[str, str]], tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the application said; ``status`` 0 when it could not be reached."""

    status: int
    body: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request to the application about the message or call ``sid``.

    ``notice`` marks a status callback: its answer means nothing, and it may come late, twice or not at all.
    ``repeatable`` marks what Twilio may post more than once. ``then`` is told the answer.
    """

    url: str
    sid: str
    form: dict[str, str]
    notice: bool = False
    repeatable: bool = False
    then: Callable[[datetime, Answer], None] | None = None


class Courier:
    """Signs webhooks with the account's token and posts them."""

    def __init__(self, post: Post, auth_token: str) -> None:
        self._post = post
        self._validator = RequestValidator(auth_token)

    def deliver(self, webhook: Webhook, *, times: int = 1) -> Answer:
        """Post ``webhook`` and return the first answer; repeats carry the same idempotency token, as Twilio's do."""
        url = urldefrag(webhook.url).url
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": str(uuid.uuid4()),
            "X-Twilio-Signature": self._validator.compute_signature(url, webhook.form),
        }
        first, *_ = [self._attempt(url, webhook.form, headers) for _ in range(times)]
        return first

    def _attempt(self, url: str, form: dict[str, str], headers: dict[str, str]) -> Answer:
        try:
            return Answer(*self._post(url, dict(form), dict(headers)))
        except OSError:
            return Answer(0, "")


def resolve(base: str, url: str) -> str | None:
    """The absolute address that ``url`` means in a document at ``base`` ("" is the document itself); None if it has none."""
    absolute = urljoin(base, url) if url else base
    parts = urlsplit(absolute)
    return absolute if parts.scheme in ("http", "https") and parts.hostname else None


def message_status_form(account_sid: str, message: SandboxMessage) -> dict[str, str]:
    """Form of a status callback for an outgoing message."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": message.status.value,
        "SmsStatus": message.status.value,
        "To": message.to,
        "From": message.from_ or "",
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
    }
    if message.messaging_service_sid:
        form["MessagingServiceSid"] = message.messaging_service_sid
    if message.error_code:
        form["ErrorCode"] = str(message.error_code)
    if message.status in (MessageStatus.DELIVERED, MessageStatus.UNDELIVERED):
        form["RawDlrDoneDate"] = message.updated_at.strftime("%y%m%d%H%M")
    return form


def inbound_form(account_sid: str, message: SandboxMessage, opt_out_type: str | None) -> dict[str, str]:
    """Form that announces a text received from a phone."""
    form = {
        "MessageSid": message.sid,
        "SmsMessageSid": message.sid,
        "SmsSid": message.sid,
        "SmsStatus": message.status.value,
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": message.from_ or "",
        "To": message.to,
        "Body": message.body,
        "NumSegments": str(message.segments),
        "NumMedia": "0",
        **_place("From", message.from_ or ""),
        **_place("To", message.to),
    }
    if opt_out_type:
        form["OptOutType"] = opt_out_type
    return form


def call_form(account_sid: str, call: SandboxCall) -> dict[str, str]:
    """What every request about a call carries; who answered only once machine detection knows."""
    answered_by = {"AnsweredBy": call.answered_by} if call.answered_by else {}
    return answered_by | {
        "CallSid": call.sid,
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "CallStatus": call.status.value,
        "Direction": "outbound-api",
        "From": call.from_,
        "Caller": call.from_,
        "To": call.to,
        "Called": call.to,
        **_place("From", call.from_),
        **_place("Caller", call.from_),
        **_place("To", call.to),
        **_place("Called", call.to),
    }


def call_status_form(account_sid: str, call: SandboxCall, event: str, at: datetime) -> dict[str, str]:
    """Form of a status callback of a call for ``event`` (initiated, ringing, answered, completed)."""
    form = {
        **call_form(account_sid, call),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(call.sequence),
        "Timestamp": format_datetime(at),
    }
    if event == "initiated":
        form["CallStatus"] = "initiated"
    if call.duration is not None:
        form["CallDuration"] = str(call.duration)
        form["Duration"] = str(-(-call.duration // 60))
    return form


def _place(role: str, number: str) -> dict[str, str]:
    # Twilio names the town as well where it knows it; empty values are signed like any other.
    return {f"{role}Country": rate_for(number).country, f"{role}State": "", f"{role}City": "", f"{role}Zip": ""}
