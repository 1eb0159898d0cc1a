"""Twilio: messages and calls, and its webhooks' signatures.

Creating a message or call is the hot path and goes through our own transport, which knows whether a request left.
Lists, single records and signatures are the SDK's work, over the same transport. Codes: ``twilio_codes.py``.
"""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from reminders.domain.call import AnsweredBy
from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Report
from reminders.errors import GatewayError
from reminders.gateways.http import Transport, basic
from reminders.gateways.twilio_codes import ANSWERED_BY, STATUS, TEST_CREDENTIALS, refusal
from reminders.gateways.wire import Answer

API = "https://api.twilio.com"
_VERSION = "/2010-04-01"
_FORM = "application/x-www-form-urlencoded"
_TIMEOUT_SECONDS = 10.0
_RING_SECONDS = 25


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
    """Implements ``Messenger`` (domain/ports.py).

    ``connections``: how many are kept open, best as many as threads that send. ``timeout``: seconds until an answer
    begins. ``proxy`` and ``ca_file``: see ``Transport``.
    """

    def __init__(
        self, account: Account, connections: int = 32, timeout: float = _TIMEOUT_SECONDS, *, proxy: str = "",
        ca_file: str | None = None,
    ) -> None:  # fmt: skip
        self._account = account
        self._transport = Transport(
            account.api_url, connections=connections, timeout=timeout, proxy=proxy, ca_file=ca_file
        )
        credentials = {"Authorization": basic(account.sid, account.token), "Accept": "application/json"}
        own = f"{_VERSION}/Accounts/{account.sid}"
        writing = credentials | {"User-Agent": "reminders", "Content-Type": _FORM}
        self._messages = self._transport.opening("POST", f"{own}/Messages.json", writing)
        self._calls = self._transport.opening("POST", f"{own}/Calls.json", writing)
        self._own = self._transport.opening("GET", f"{own}.json", credentials | {"User-Agent": "reminders"})
        service, number = account.messaging_service_sid, account.from_number
        self._sender = urlencode({"MessagingServiceSid": service} if service else {"From": number})
        self._status_hook = quote_plus(f"{account.public_url}/hooks/twilio/status/")
        self._voice_hook = quote_plus(f"{account.public_url}/hooks/twilio/voice/")
        self._client = Client(
            account.sid, account.token, http_client=_SdkClient(self._transport, credentials),
            environment={"TWILIO_ACCOUNT_SID": account.sid},  # or it would read the process's own
        )  # fmt: skip

    def send_sms(self, to: str, body: str, token: str) -> Report:
        hook = self._status_hook + quote_plus(token)
        return self._create(
            self._messages,
            f"To={quote_plus(to)}&{self._sender}&Body={quote_plus(body, errors='replace')}&StatusCallback={hook}",
        )

    def place_call(self, to: str, token: str) -> Report:
        if not self._account.from_number:
            raise GatewayError("Calls need TWILIO_FROM_NUMBER.", permanent=True)
        end = quote_plus(token)
        return self._create(
            self._calls,
            f"To={quote_plus(to)}&From={quote_plus(self._account.from_number)}&Url={self._voice_hook}{end}"
            f"&StatusCallback={self._status_hook}{end}&StatusCallbackEvent=completed&Timeout={_RING_SECONDS}"
            # A person waits for a second or two; a machine is spoken to after its greeting.
            "&MachineDetection=DetectMessageEnd",
        )

    def check_account(self) -> None:
        try:
            answer = _accepted(self._transport.send(self._own + b"\r\n", repeatable=True), writing=False)
        except GatewayError as problem:
            if problem.provider_code == TEST_CREDENTIALS:  # they may send, but not look at the account
                return
            raise
        with _reading(writing=False):
            status = str(json.loads(answer.body)["status"])
        if status != "active":
            raise GatewayError("The message service says that the account is not active.", account=True)

    def fetch(self, channel: Channel, sid: str) -> Report:
        with _reading(writing=False):
            if channel is Channel.SMS:
                return _report(vars(self._client.messages(sid).fetch()))
            report = _report(vars(self._client.calls(sid).fetch()))
            return self._with_legs(report) if report.price else report

    def _with_legs(self, report: Report) -> Report:
        """A number that was dialled on a call is a call of its own, with its own price; no price before all have one."""
        legs = [_report(vars(leg)) for leg in self._client.calls.list(parent_call_sid=report.sid, limit=20)]
        if any(leg.price is None and leg.state is not State.FAILED for leg in legs):
            return replace(report, price=None)
        return replace(report, price=sum((leg.price or Decimal(0) for leg in legs), report.price or Decimal(0)))

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        """Newest first. Filtered here by time of creation: Twilio's own filter looks at the time of sending, which a
        queued message does not have yet."""
        with _reading(writing=False):
            resource = self._client.messages if channel is Channel.SMS else self._client.calls
            reports = [_report(vars(item)) for item in resource.list(to=to, limit=200)]
        return [report for report in reports if report.created_at is None or report.created_at >= since]

    def close(self) -> None:
        """Close the connections that are kept."""
        self._transport.close()

    def _create(self, opening: bytes, form: str) -> Report:
        answer = _accepted(self._transport.post(opening, form.encode("ascii")), writing=True)
        with _reading(writing=True):
            return _report(json.loads(answer.body))


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
        duration=_number(form.get("CallDuration")), answered_by=answered_by(form.get("AnsweredBy")),
    )  # fmt: skip


def answered_by(value: Any) -> AnsweredBy | None:
    """Who took a call, in our words; ``None`` when machine detection said nothing."""
    return ANSWERED_BY.get(str(value).lower()) if value else None


class _SdkClient(HttpClient):
    """The SDK's interface for HTTP over our transport. What Twilio refuses becomes a ``GatewayError`` here: the SDK's
    own exceptions carry no headers, and pages of lists not even the code."""

    def __init__(self, transport: Transport, credentials: dict[str, str]) -> None:
        super().__init__(logging.getLogger(__name__), False)
        self._transport = transport
        self._credentials = credentials

    def request(
        self, method: str, uri: str, params: Mapping[str, Any] | None = None, data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, **_: Any,
    ) -> Response:  # fmt: skip
        """Credentials, timeouts and redirects (none) are the transport's business, whatever the SDK says of them."""
        if not uri.startswith(f"{API}/"):
            raise ValueError("an address outside Twilio's REST API")
        target = uri.removeprefix(API) + (f"?{urlencode(params, doseq=True)}" if params else "")
        opening = self._transport.opening(method, target, dict(headers or {}) | self._credentials)
        reading = method == "GET"
        answer = (
            self._transport.send(opening + b"\r\n", repeatable=True)
            if reading
            else self._transport.post(opening, urlencode(data or {}, doseq=True).encode("ascii"))
        )
        _accepted(answer, writing=not reading)
        return Response(answer.status, answer.body.decode("utf-8"), answer.headers)


class _reading:  # noqa: N801
    """An answer that cannot be read leaves open what was done."""

    def __init__(self, *, writing: bool) -> None:
        self._writing = writing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: Any, problem: BaseException | None, _trace: Any) -> None:
        if isinstance(
            problem, TwilioException | ValueError | TypeError | AttributeError | LookupError | RecursionError
        ):
            raise GatewayError(
                "The message service's answer cannot be read.", sent_unknown=self._writing
            ) from problem  # fmt: skip


def _accepted(answer: Answer, *, writing: bool) -> Answer:
    if not 200 <= answer.status < 300:
        raise refusal(answer, writing=writing)
    return answer


def _report(facts: Mapping[str, Any]) -> Report:
    """A Message or Call, as JSON has it or as the SDK's record does."""
    if not isinstance(facts["sid"], str) or not facts["sid"]:
        raise ValueError("an answer without SID")
    status, unit = str(facts.get("status") or "queued"), facts.get("price_unit")
    return Report(
        sid=facts["sid"], state=STATUS.get(status, State.SENT), status=status, to=facts.get("to") or "",
        body=facts.get("body"), segments=_number(facts.get("num_segments")), price=_price(facts.get("price")),
        currency=str(unit).upper() if unit else None, error_code=_number(facts.get("error_code")),
        duration=_number(facts.get("duration")), answered_by=answered_by(facts.get("answered_by")),
        created_at=_moment(facts.get("date_created")),
    )  # fmt: skip


def _moment(value: Any) -> datetime | None:
    """RFC 2822, as Twilio writes times; the SDK has read it already."""
    if value is None or isinstance(value, datetime):
        return value
    try:
        moment = parsedate_to_datetime(str(value))
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _price(value: Any) -> Decimal | None:
    """Twilio writes what we pay as a negative number, as text, and leaves it out until it knows."""
    try:
        price = abs(Decimal(str(value)))
    except InvalidOperation:
        return None
    return price if price.is_finite() else None


def _number(value: Any) -> int | None:
    try:
        return None if value in (None, "") else int(value)
    except (ValueError, TypeError, OverflowError):
        return None
