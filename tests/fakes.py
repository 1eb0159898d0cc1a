"""Stand-ins for the outside world, one per port. They are shipped with the tests so that nobody has to patch anything."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from reminders.clock import Clock
from reminders.domain.delivery import Channel, State
from reminders.domain.ports import Attachment, Mailer, Messenger, Report
from reminders.domain.sms import segments
from reminders.errors import GatewayError

_count = itertools.count(1)


class WorkerDied(BaseException):
    """The process is gone in the middle of a request: nothing after this line runs."""


class Fate(Enum):
    """What becomes of one request, apart from a ``GatewayError`` of your choice, which means: refused."""

    ACCEPTED = "carried out, answered"
    ANSWER_LOST = "carried out, but the answer never arrives"
    REQUEST_LOST = "not carried out, and nobody says so"
    DIED_AFTER = "carried out, and the worker dies before it hears of it"
    DIED_BEFORE = "the worker dies before the request leaves"


Outcome = Fate | GatewayError


@dataclass
class Sent:
    """One message or call that the provider carried out, with what it knows about it."""

    channel: Channel
    token: str
    report: Report

    @property
    def sid(self) -> str:
        return self.report.sid

    @property
    def to(self) -> str:
        return self.report.to

    @property
    def body(self) -> str:
        return self.report.body or ""


class FakeMessenger(Messenger):
    """A provider in memory.

    ``script`` says what happens to the next requests, in order; after that everything is accepted. ``sent`` is the
    provider's own list: what really went out to phones. ``requests`` counts what we asked for, refused or not. While
    there is an ``account_problem``, every request is refused with it.
    """

    def __init__(self, clock: Clock) -> None:
        self.sent: list[Sent] = []
        self.requests = 0
        self.finds = 0
        self.fetches = 0
        self.state = State.SENT
        self.find_problems: deque[GatewayError] = deque()
        self.fetch_problems: deque[GatewayError] = deque()
        self.account_problem: GatewayError | None = None
        self.account_checks = 0
        self.before_answer: Callable[[Sent], None] | None = None
        self.before_refusal: Callable[[], None] | None = None
        self.before_found: Callable[[list[Report]], None] | None = None
        self._clock = clock
        self._script: deque[Outcome] = deque()
        self._lock = threading.Lock()

    def script(self, *outcomes: Outcome) -> None:
        """What happens to the next requests."""
        self._script.extend(outcomes)

    def forget_script(self) -> None:
        """From now on everything is accepted."""
        self._script.clear()

    def send_sms(self, to: str, body: str, token: str) -> Report:
        return self._request(Channel.SMS, to, body, token)

    def place_call(self, to: str, token: str) -> Report:
        return self._request(Channel.VOICE, to, None, token)

    def check_account(self) -> None:
        self.account_checks += 1
        if self.account_problem is not None:
            raise self.account_problem

    def fetch(self, channel: Channel, sid: str) -> Report:
        self.fetches += 1
        if self.fetch_problems:
            raise self.fetch_problems.popleft()
        return self.by_sid(sid).report

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        self.finds += 1
        if self.find_problems:
            raise self.find_problems.popleft()
        found = [
            sent.report for sent in reversed(self.sent)
            if sent.channel is channel and sent.to == to and (sent.report.created_at or since) >= since
        ]  # fmt: skip
        if self.before_found is not None:
            self.before_found(found)
        return found

    def by_sid(self, sid: str) -> Sent:
        return next(sent for sent in self.sent if sent.sid == sid)

    def learn(self, sent: Sent, state: State, **facts: Any) -> Report:
        """The provider comes to know more about a message; returns what it would report."""
        sent.report = replace(sent.report, state=state, status=state.value, **facts)
        return sent.report

    def price(self, sent: Sent, amount: str, currency: str = "USD") -> None:
        """The provider has billed a message."""
        sent.report = replace(sent.report, price=Decimal(amount), currency=currency)

    def _request(self, channel: Channel, to: str, body: str | None, token: str) -> Report:
        with self._lock:
            self.requests += 1
            outcome = self.account_problem or (self._script.popleft() if self._script else Fate.ACCEPTED)
            if outcome is Fate.DIED_BEFORE:
                raise WorkerDied
            if outcome is Fate.REQUEST_LOST:
                raise GatewayError(sent_unknown=True)
            sent = None if isinstance(outcome, GatewayError) else self._carry_out(channel, to, body, token)
        return self._answer(outcome, sent)

    def _answer(self, outcome: Outcome, sent: Sent | None) -> Report:
        if isinstance(outcome, GatewayError) or sent is None:
            if self.before_refusal is not None:
                self.before_refusal()
            raise outcome if isinstance(outcome, GatewayError) else GatewayError()
        if self.before_answer is not None:
            self.before_answer(sent)
        if outcome is Fate.ANSWER_LOST:
            raise GatewayError(sent_unknown=True)
        if outcome is Fate.DIED_AFTER:
            raise WorkerDied
        return sent.report

    def _carry_out(self, channel: Channel, to: str, body: str | None, token: str) -> Sent:
        kind = "SM" if channel is Channel.SMS else "CA"
        report = Report(
            sid=f"{kind}{next(_count):032x}", state=self.state, status="queued", to=to, body=body,
            segments=segments(body).count if body is not None else None, created_at=self._clock.now(),
        )  # fmt: skip
        sent = Sent(channel, token, report)
        self.sent.append(sent)
        return sent


@dataclass(frozen=True)
class Letter:
    """One e-mail that the server took."""

    to: str
    subject: str
    body: str
    message_id: str
    attachment: Attachment | None = None


class FakeMailer(Mailer):
    """A mail server in memory. ``script`` says what happens to the next e-mails, in order, as for ``FakeMessenger``."""

    def __init__(self) -> None:
        self.sent: list[Letter] = []
        self.requests = 0
        self.account_problem: GatewayError | None = None
        self.account_checks = 0
        self.closed = False
        self._script: deque[Outcome] = deque()
        self._lock = threading.Lock()

    def script(self, *outcomes: Outcome) -> None:
        self._script.extend(outcomes)

    def check_account(self) -> None:
        self.account_checks += 1
        if self.account_problem is not None:
            raise self.account_problem

    def close(self) -> None:
        self.closed = True

    def send(
        self, to: str, subject: str, body: str, message_id: str, attachment: Attachment | None = None
    ) -> Report:  # fmt: skip
        with self._lock:
            self.requests += 1
            outcome = self.account_problem or (self._script.popleft() if self._script else Fate.ACCEPTED)
            if outcome is Fate.DIED_BEFORE:
                raise WorkerDied
            if isinstance(outcome, GatewayError):
                raise outcome
            if "@" not in to:
                raise GatewayError(permanent=True, provider_code=553)
            if outcome is not Fate.REQUEST_LOST:
                self.sent.append(Letter(to, subject, body, message_id, attachment))
        if outcome is Fate.DIED_AFTER:
            raise WorkerDied
        if outcome is not Fate.ACCEPTED:
            raise GatewayError(sent_unknown=True)
        return Report(sid=message_id, state=State.SENT, status="accepted", to=to, body=body)


class InlineExecutor(Executor):
    """Runs everything at once in the calling thread, so that tests are told in order."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as problem:
            future.set_exception(problem)
        return future


def no_holidays(country: str, region: str | None, years: Iterable[int]) -> frozenset[date]:
    """A calendar without public holidays."""
    return frozenset()


def refused(code: int = 30001, **facts: Any) -> GatewayError:
    """The provider says no; by default for now only."""
    return GatewayError(provider_code=code, **facts)


def later(seconds: float) -> GatewayError:
    """Too many requests: come back after so many seconds."""
    return GatewayError(provider_code=20429, retry_after=seconds)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
