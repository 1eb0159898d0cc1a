"""What every process of the product is made of, whatever it does with it."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, replace
from datetime import timedelta

import requests

from reminders.clock import Clock, SystemClock
from reminders.connecting import SYSTEMS, Connecting, Ground, Systems, answer_address, connecting, visit_links
from reminders.domain.delivery import Channel
from reminders.domain.ports import Mailer, Messenger
from reminders.gateways.holiday import public_holidays
from reminders.gateways.letter import Sender
from reminders.gateways.smtp import Server, Smtp
from reminders.gateways.twilio import Account, Twilio
from reminders.gateways.twilio_codes import BAD_NUMBER
from reminders.sandbox.state import Sandbox
from reminders.services.catalogue import Catalogue
from reminders.services.crew import Threads
from reminders.services.lifecycle import Lifecycle
from reminders.services.outcomes import Outcomes
from reminders.services.sending import Gateways, Pace, Rules
from reminders.settings import Settings
from reminders.store.engine import Database

#: The sandbox's account: a name for documentation, a secret made at each start, a number reserved for fiction.
_SANDBOX_SID = "AC" + "0" * 31 + "1"
_SANDBOX_NUMBER = "+15005550006"
_SANDBOX_PER_SECOND = 200.0


@dataclass(frozen=True, slots=True)
class Parts:
    """Of one process. ``crew`` waits for the provider, ``joined`` is everything around connections."""

    settings: Settings
    ground: Ground
    gateways: Gateways
    rules: Rules
    outcomes: Outcomes
    joined: Connecting
    crew: Threads
    sandbox: Sandbox | None

    def close(self) -> None:
        """Let go of threads, connections and files; what is under way comes to its end."""
        self.crew.close()
        self.joined.couriers.close()
        if self.gateways.mailer is not None:
            self.gateways.mailer.close()
        self.ground.database.close()


def lay_out(
    settings: Settings, clock: Clock | None = None, messenger: Messenger | None = None, mailer: Mailer | None = None,
    systems: Systems = SYSTEMS,
) -> Parts:  # fmt: skip
    """Make them. ``clock``, ``messenger``, ``mailer`` and ``systems`` are for tests and the demonstration."""
    clock = clock or SystemClock()
    settings, sandbox = _with_sandbox(settings, clock)
    database = Database(settings.database_url, pool_size=settings.senders + 8)
    catalogue = Catalogue(database, clock, public_holidays)
    messenger = messenger or Twilio(_account(settings), settings.senders, proxy=settings.proxy)
    gateways = Gateways(messenger, mailer or _mailer(settings, clock), settings.twilio_account_sid)
    rules = rules_of(settings, gateways.mailer)
    ground = Ground(database, clock, catalogue, Lifecycle(clock, catalogue))
    return Parts(
        settings, ground, gateways, rules, Outcomes(database, clock, catalogue, BAD_NUMBER, rules.grace),
        connecting(settings, ground, owner(), systems), Threads(settings.senders, "sender"), sandbox,
    )  # fmt: skip


def owner() -> str:
    """This process, as leases name it."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


def rules_of(settings: Settings, mailer: Mailer | None) -> Rules:
    """What the installation asks of sending."""
    channels = {Channel.SMS, Channel.VOICE} | ({Channel.EMAIL} if mailer is not None else set())
    return Rules(
        lease=timedelta(seconds=settings.lease_seconds), grace=timedelta(seconds=settings.grace_seconds),
        combine=timedelta(minutes=settings.combine_minutes), daily_cap=settings.daily_cap,
        budget=settings.monthly_budget, channels=frozenset(channels),
        mailbox=settings.mail_sender[1] if mailer is not None and settings.smtp_url else "",
        answers=answer_address(settings), links=visit_links(settings),
    )  # fmt: skip


def pace_of(settings: Settings) -> Pace:
    """Twilio's limits for its own senders; the sandbox takes more."""
    sender = settings.twilio_messaging_service_sid or settings.twilio_from_number
    if settings.twilio_account_sid == _SANDBOX_SID:
        return Pace(sender, _SANDBOX_PER_SECOND, _SANDBOX_PER_SECOND)
    return Pace(sender, float(settings.messages_per_second), float(settings.calls_per_second))


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


def _mailer(settings: Settings, clock: Clock) -> Smtp | None:
    """The clinic's mail server, if one is set up."""
    if not settings.smtp_url:
        return None
    name, address = settings.mail_sender
    return Smtp(Server.from_url(settings.smtp_url), Sender(address, name, settings.mail_unsubscribe), clock)
