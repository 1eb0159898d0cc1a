"""The composition root: turns settings into a running service. The only module that knows every part."""

from __future__ import annotations

import os
import secrets
import socket
import tomllib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import requests
from flask import Blueprint, Flask

from reminders.clock import Clock, SystemClock
from reminders.domain.ports import Messenger
from reminders.domain.reply import Lexicon
from reminders.gateways.holiday import public_holidays
from reminders.gateways.twilio import BAD_NUMBER, Account, Signature, Twilio
from reminders.sandbox import create_blueprint
from reminders.sandbox.state import Sandbox
from reminders.services.access import Access
from reminders.services.booking import Booking
from reminders.services.calls import Calls
from reminders.services.catalogue import Catalogue
from reminders.services.clinic import Clinic
from reminders.services.desk import Desk
from reminders.services.effects import Effects, Prices
from reminders.services.health import Health
from reminders.services.ledger import Ledger
from reminders.services.lifecycle import Lifecycle
from reminders.services.outcomes import Outcomes
from reminders.services.patients import Patients
from reminders.services.reconciling import Reconciling
from reminders.services.replies import Replies
from reminders.services.reports import Reports
from reminders.services.sending import Pace, Sending
from reminders.services.slots import Slots
from reminders.settings import Settings, data_dir
from reminders.store.engine import Database
from reminders.texts import Texts
from reminders.web.app import create_app
from reminders.web.context import UseCases
from reminders.worker import Worker

#: The sandbox's account: a name for documentation, a secret made at each start, a number reserved for fiction.
_SANDBOX_SID = "AC" + "0" * 31 + "1"
_SANDBOX_NUMBER = "+15005550006"
_SANDBOX_PER_SECOND = 200.0


@dataclass(frozen=True, slots=True)
class Service:
    """All parts of one process."""

    settings: Settings
    database: Database
    use_cases: UseCases
    worker: Worker
    executor: Executor
    sandbox: Sandbox | None
    sending: Sending
    catalogue: Catalogue

    def app(self) -> Flask:
        """The web application; with the sandbox's pages and API when there are no credentials."""
        extras: list[Blueprint] = [create_blueprint(self.sandbox)] if self.sandbox else []
        return create_app(self.use_cases, extras)

    def close(self) -> None:
        self.executor.shutdown(wait=True)
        self.database.close()


def build(settings: Settings, clock: Clock | None = None, messenger: Messenger | None = None) -> Service:
    """Wire everything. ``clock`` and ``messenger`` are for tests and the demonstration."""
    clock = clock or SystemClock()
    settings, sandbox = _with_sandbox(settings, clock)
    database = Database(settings.database_url, pool_size=settings.senders + 8)
    catalogue = Catalogue(database, clock, public_holidays)
    texts = words()
    account = _account(settings)
    messenger = messenger or Twilio(account, settings.senders)
    lifecycle = Lifecycle(clock, catalogue)
    slots = Slots(database, clock, catalogue)
    outcomes = Outcomes(database, clock, catalogue, BAD_NUMBER)
    executor = ThreadPoolExecutor(settings.senders, thread_name_prefix="sender")
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    sending = Sending(database, clock, catalogue, texts, messenger, outcomes, executor, _pace(settings), owner)
    effects = Effects(database, clock, {"message.price": Prices(database, messenger, outcomes).fetch})
    worker = Worker(
        owner, database, clock, catalogue, sending, Reconciling(database, clock, messenger, outcomes), effects,
        [_advance(sandbox, clock)] if sandbox else [],
    )  # fmt: skip
    use_cases = UseCases(
        settings=settings, clock=clock, access=Access(database, clock),
        booking=Booking(database, clock, catalogue, lifecycle, slots),
        calls=Calls(database, clock, catalogue, lifecycle, texts), catalogue=catalogue,
        clinic=Clinic(database, clock, catalogue), desk=Desk(database, clock), health=Health(database, clock),
        ledger=Ledger(database, clock, catalogue), outcomes=outcomes, patients=Patients(database, clock, catalogue),
        replies=Replies(database, clock, catalogue, lifecycle, texts, lexicons()), reports=Reports(database, clock),
        slots=slots, signature=Signature(settings.twilio_auth_token),
    )  # fmt: skip
    return Service(settings, database, use_cases, worker, executor, sandbox, sending, catalogue)


@cache
def words() -> Texts:
    """Everything that is said, read once per process."""
    texts = Texts(data_dir())
    texts.preload()
    return texts


@cache
def lexicons() -> Mapping[str, Lexicon]:
    """The reply words of every language that has them, read once per process."""
    files = sorted((data_dir() / "locales").glob("*/replies.toml"))
    return {
        path.parent.name: Lexicon.from_mapping(path.parent.name, tomllib.loads(path.read_text("utf-8")))
        for path in files
    }


def _with_sandbox(settings: Settings, clock: Clock) -> tuple[Settings, Sandbox | None]:
    """Without credentials the product gets those of a local Twilio and talks to it as to the real one."""
    if not settings.sandboxed:
        return settings, None
    token = secrets.token_hex(16)
    settings = replace(
        settings, twilio_account_sid=_SANDBOX_SID, twilio_auth_token=token, twilio_from_number=_SANDBOX_NUMBER,
        twilio_api_url=f"{settings.public_url}/sandbox",
    )  # fmt: skip
    sandbox = Sandbox(
        clock=clock, account_sid=_SANDBOX_SID, auth_token=token, number=_SANDBOX_NUMBER,
        inbound_url=f"{settings.public_url}/hooks/twilio/sms", post=post_form, latency=timedelta(seconds=1),
    )  # fmt: skip
    return settings, sandbox


def post_form(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """How the sandbox calls us back: over HTTP, as Twilio does, but never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(url, data=form, headers=headers, timeout=10)
        return response.status_code, response.text


def _account(settings: Settings) -> Account:
    return Account(
        sid=settings.twilio_account_sid, token=settings.twilio_auth_token, from_number=settings.twilio_from_number,
        messaging_service_sid=settings.twilio_messaging_service_sid, api_url=settings.twilio_api_url,
        public_url=settings.public_url,
    )  # fmt: skip


def _pace(settings: Settings) -> Pace:
    """Twilio's limits for its own senders; the sandbox takes more."""
    batch = min(100, 2 * settings.senders)
    sender = settings.twilio_messaging_service_sid or settings.twilio_from_number
    if settings.twilio_account_sid == _SANDBOX_SID:
        return Pace(sender, _SANDBOX_PER_SECOND, _SANDBOX_PER_SECOND, batch)
    return Pace(sender, float(settings.messages_per_second), float(settings.calls_per_second), batch)


def _advance(sandbox: Sandbox, clock: Clock) -> Callable[[], object]:
    def advance() -> object:
        return sandbox.advance(clock.now())

    return advance
