"""Twilio: messages and calls through its SDK, its codes in our words, its webhooks' signatures.

Source of names and numbers: Twilio's API reference for Messages and Calls, and its error dictionary.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from twilio.base.exceptions import TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Report
from reminders.errors import GatewayError

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
API = "https://api.twilio.com"
_TIMEOUT_SECONDS = 10.0

#: Message.status and Call.status in our words. What is not final counts as sent: it is in Twilio's hands.
STATUS: dict[str, State] = {
    "accepted": State.SENT, "scheduled": State.SENT, "queued": State.SENT, "sending": State.SENT, "sent": State.SENT,
    "delivered": State.DELIVERED, "read": State.DELIVERED, "undelivered": State.FAILED, "failed": State.FAILED,
    "initiated": State.SENT, "ringing": State.SENT, "in-progress": State.SENT, "completed": State.DELIVERED,
    "busy": State.FAILED, "no-answer": State.FAILED, "canceled": State.FAILED,
}  # fmt: skip

#: Twilio's own "stop" list knows this recipient.
OPTED_OUT = frozenset({21610})

#: Asking again with the same number cannot help.
PERMANENT = frozenset({
    13224,  # calls to this number are not supported
    13225,  # calls to this number are blocked
    21211,  # not a valid To number
    21214,  # To number cannot be reached
    21215,  # calls to this region are not permitted
    21216,  # calls to this number are not permitted
    21217,  # phone number does not appear to be valid
    21265,  # To number cannot be a short code
    21266,  # To and From are the same number
    21408,  # no permission for this region
    21601,  # phone number cannot send SMS
    21602,  # body is missing
    21604,  # To number is missing
    21612,  # no route from sender to recipient
    21614,  # not a mobile number
    21617,  # body is too long
    21635,  # landline
})  # fmt: skip

#: The number itself is the problem (unknown, or a landline that takes no texts), so the card of the patient should say
#: so. Also delivery errors of callbacks; 30003, a phone that is switched off, is not among them.
BAD_NUMBER = frozenset({13224, 21211, 21214, 21217, 21614, 21635, 30005, 30006})


class _Transport(TwilioHttpClient):
    """The SDK's own HTTP client, pointed at another address when one is configured, with a pool for all senders."""

    def __init__(self, api_url: str, connections: int, timeout: float) -> None:
        super().__init__(timeout=timeout, pool_connections=True)
        self._api_url = api_url
        if urlsplit(api_url).hostname in _LOCAL:
            self.session.trust_env = False  # a proxy for the outside world knows nothing of this machine
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=connections)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        response = super().request(method, url.replace(API, self._api_url, 1), *args, **kwargs)
        if response.status_code == 429:  # here, because the SDK's exception does not carry the headers
            raise GatewayError(
                "The message service takes no more requests now.", provider_code=20429, retry_after=_seconds(response)
            )
        return response


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials, sender and addresses."""

    sid: str
    token: str
    from_number: str
    messaging_service_sid: str
    api_url: str
    public_url: str


class Twilio:
    """Implements ``Messenger`` (domain/ports.py)."""

    def __init__(self, account: Account, connections: int = 32, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._account = account
        transport = _Transport(account.api_url, connections, timeout)
        self._client = Client(account.sid, account.token, http_client=transport)

    def send_sms(self, to: str, body: str, token: str) -> Report:
        sender = (
            {"messaging_service_sid": self._account.messaging_service_sid}
            if self._account.messaging_service_sid
            else {"from_": self._account.from_number}
        )
        with _translating():
            return _report(
                self._client.messages.create(to=to, body=body, status_callback=self._hook("status", token), **sender)
            )

    def place_call(self, to: str, token: str) -> Report:
        if not self._account.from_number:
            raise GatewayError("Calls need TWILIO_FROM_NUMBER.", permanent=True)
        with _translating():
            return _report(
                self._client.calls.create(
                    to=to,
                    from_=self._account.from_number,
                    url=self._hook("voice", token),
                    status_callback=self._hook("status", token),
                    status_callback_event=["completed"],
                    timeout=25,
                )
            )

    def fetch(self, channel: Channel, sid: str) -> Report:
        with _translating():
            resource = self._client.messages(sid) if channel is Channel.SMS else self._client.calls(sid)
            return _report(resource.fetch())

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        """Newest first. Filtered here by time of creation: Twilio's own filter looks at the time of sending, which a
        queued message does not have yet."""
        with _translating():
            resource = self._client.messages if channel is Channel.SMS else self._client.calls
            reports = [_report(item) for item in resource.list(to=to, limit=200)]
        return [report for report in reports if report.created_at is None or report.created_at >= since]

    def _hook(self, kind: str, token: str) -> str:
        return f"{self._account.public_url}/hooks/twilio/{kind}/{token}"


class Signature:
    """Checks ``X-Twilio-Signature``. Anything that cannot be checked is not valid; nothing raises."""

    def __init__(self, token: str) -> None:
        self._validator = RequestValidator(token)

    def is_valid(self, url: str, form: Mapping[str, Any], signature: str) -> bool:
        """``url`` as Twilio called it, ``form`` with all values of each field."""
        try:
            return any(self._matches(spelling, form, signature) for spelling in _spellings(url))
        except (ValueError, TypeError, AttributeError, UnicodeError):
            return False

    def _matches(self, url: str, form: Mapping[str, Any], signature: str) -> bool:
        exact = self._validator.compute_signature(url, form)
        if hmac.compare_digest(exact.encode(), signature.encode()):
            return True
        return bool(self._validator.validate(url, form, signature))  # with and without the port


def _spellings(url: str) -> list[str]:
    """Twilio signs the address as it was configured or as a URL library wrote it: apostrophes may be encoded."""
    return [url, url.replace("'", "%27")] if "'" in url else [url]


def callback_report(form: Mapping[str, str]) -> Report:
    """What a status callback of a message or a call says; ``ValueError`` for a status Twilio does not have."""
    sid = form.get("MessageSid") or form.get("CallSid") or ""
    status = (form.get("MessageStatus") or form.get("CallStatus") or "").lower()
    if not sid or status not in STATUS:
        raise ValueError("not a status callback")
    return Report(
        sid=sid, state=STATUS[status], status=status, to=form.get("To", ""), error_code=_number(form.get("ErrorCode")),
        duration=_number(form.get("CallDuration")),
    )  # fmt: skip


class _translating:  # noqa: N801
    """Turns whatever the SDK raises into a ``GatewayError`` that says what to do next."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, problem: BaseException | None, _trace: Any) -> None:
        if isinstance(problem, TwilioRestException | TwilioServiceException):
            raise _from_answer(problem) from problem
        if isinstance(problem, ValueError | TypeError | AttributeError):  # no JSON, or not that of a message
            raise GatewayError("The message service's answer cannot be read.", sent_unknown=True) from problem
        if isinstance(problem, requests.ConnectTimeout) or _never_connected(problem):
            raise GatewayError("The message service cannot be reached.") from problem
        if isinstance(problem, requests.RequestException):
            raise GatewayError("The message service did not answer.", sent_unknown=True) from problem


def _from_answer(problem: TwilioRestException | TwilioServiceException) -> GatewayError:
    code = problem.code or None
    if problem.status >= 500:
        return GatewayError("The message service failed.", sent_unknown=True, provider_code=code)
    return GatewayError(
        f"The message service refused: error {code or problem.status}.",
        permanent=code in PERMANENT or code in OPTED_OUT,
        opted_out=code in OPTED_OUT,
        provider_code=code,
    )


def _never_connected(problem: BaseException | None) -> bool:
    """True when the connection itself could not be opened, so nothing was sent."""
    if not isinstance(problem, requests.ConnectionError) or not problem.args:
        return False
    return type(getattr(problem.args[0], "reason", None)).__name__ in {"NewConnectionError", "NameResolutionError"}


def _report(item: Any) -> Report:
    if not item.sid:
        raise ValueError("an answer without SID")
    status = str(item.status or "queued")
    return Report(
        sid=item.sid, state=STATUS.get(status, State.SENT), status=status, to=item.to or "",
        body=getattr(item, "body", None), segments=_number(getattr(item, "num_segments", None)),
        price=_price(item.price), currency=str(item.price_unit).upper() if item.price_unit else None,
        error_code=_number(getattr(item, "error_code", None)), duration=_number(getattr(item, "duration", None)),
        created_at=item.date_created,
    )  # fmt: skip


def _seconds(response: Response) -> float | None:
    """``Retry-After`` in seconds; Twilio does not use its other form, a date."""
    try:
        return max(0.0, float((response.headers or {}).get("Retry-After", "")))
    except ValueError:
        return None


def _price(value: Any) -> Decimal | None:
    """Twilio writes what we pay as a negative number, as text, and leaves it out until it knows."""
    try:
        return None if value in (None, "") else abs(Decimal(str(value)))
    except InvalidOperation:
        return None


def _number(value: Any) -> int | None:
    try:
        return None if value in (None, "") else int(value)
    except ValueError:
        return None
