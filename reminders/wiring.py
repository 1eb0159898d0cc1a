"""The composition root: turns settings into a running service. The only module that knows every part."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from threading import Event

import requests
from argon2 import PasswordHasher
from flask import Blueprint, Flask

from reminders.clock import Clock, SystemClock
from reminders.connecting import SYSTEMS, Connecting, Ground, Systems, answer_address, connecting, upkeep, visit_links
from reminders.domain.changeset import Gate
from reminders.domain.delivery import Channel
from reminders.domain.ports import Mailer, Messenger
from reminders.domain.worth import Prices
from reminders.gateways.holiday import public_holidays
from reminders.gateways.letter import Sender
from reminders.gateways.smtp import Server, Smtp
from reminders.gateways.twilio import Account, Signature, Twilio
from reminders.gateways.twilio_codes import BAD_NUMBER
from reminders.sandbox import create_blueprint
from reminders.sandbox.state import Sandbox
from reminders.services.access import Access
from reminders.services.answering import Answering
from reminders.services.assessments import Assessments
from reminders.services.attempts import Attempts
from reminders.services.attendance import Attendances
from reminders.services.booking import Booking
from reminders.services.caldav import Caldav
from reminders.services.calendars import Calendars
from reminders.services.calls import Calls
from reminders.services.catalogue import Catalogue
from reminders.services.changeset_previews import Previews
from reminders.services.changeset_work import ChangeSetWork
from reminders.services.changesets import ChangeSets
from reminders.services.checking import Checking
from reminders.services.circuit import Circuit
from reminders.services.clinic import Clinic
from reminders.services.crew import Threads
from reminders.services.davlogins import DavLogins
from reminders.services.desk import Desk
from reminders.services.effects import Effects
from reminders.services.evidence import Evidence
from reminders.services.experiments import Experiments
from reminders.services.feeds import Feeds
from reminders.services.fhir import Fhir
from reminders.services.health import Health
from reminders.services.ledger import Ledger
from reminders.services.lifecycle import Lifecycle
from reminders.services.merging import Merging
from reminders.services.outcomes import Outcomes
from reminders.services.patients import Patients
from reminders.services.reconciling import Reconciling
from reminders.services.replies import Replies
from reminders.services.reports import Reports
from reminders.services.risk import Risks
from reminders.services.rollups import Rollups
from reminders.services.savings import Savings
from reminders.services.sending import Gateways, Pace, Rules, Sending
from reminders.services.slots import Slots
from reminders.services.spending import Spendings
from reminders.services.staff import Staff
from reminders.services.sync.running import Syncing
from reminders.services.trying import Trying
from reminders.services.unmarked import UnmarkedVisits
from reminders.services.visitpages import VisitPages
from reminders.services.wording import TRY_OUT, Wording
from reminders.settings import Settings, data_dir
from reminders.store.engine import Database
from reminders.texts import PageTexts, Texts
from reminders.texts.lexicons import Lexicons
from reminders.web.app import create_app
from reminders.web.context import UseCases
from reminders.worker import Worker

#: The sandbox's account: a name for documentation, a secret made at each start, a number reserved for fiction.
_SANDBOX_SID = "AC" + "0" * 31 + "1"
_SANDBOX_NUMBER = "+15005550006"
_SANDBOX_PER_SECOND = 200.0


@dataclass(frozen=True, slots=True)
class Service:
    """All parts of one process. ``ending`` is set when it is to end."""

    settings: Settings
    database: Database
    use_cases: UseCases
    worker: Worker
    crew: Threads
    sandbox: Sandbox | None
    sending: Sending
    catalogue: Catalogue
    mailer: Mailer | None
    syncing: Syncing
    couriers: Threads
    ending: Event

    def app(self) -> Flask:
        """The web application; with the sandbox's pages and API when there are no credentials."""
        extras: list[Blueprint] = [create_blueprint(self.sandbox)] if self.sandbox else []
        return create_app(self.use_cases, extras)

    def close(self) -> None:
        self.crew.close()
        self.couriers.close()
        if self.mailer is not None:
            self.mailer.close()
        self.database.close()


def build(
    settings: Settings, clock: Clock | None = None, messenger: Messenger | None = None, mailer: Mailer | None = None,
    systems: Systems = SYSTEMS, hasher: PasswordHasher | None = None,
) -> Service:  # fmt: skip
    """Wire everything. All but ``settings`` is for tests and the demonstration; without a ``hasher`` passwords are hashed
    as RFC 9106 recommends."""
    clock = clock or SystemClock()
    settings, sandbox = _with_sandbox(settings, clock)
    database = Database(settings.database_url, pool_size=settings.senders + 8)
    catalogue = Catalogue(database, clock, public_holidays)
    messenger = messenger or Twilio(_account(settings), settings.senders, proxy=settings.proxy)
    gateways = Gateways(messenger, mailer or _mailer(settings, clock), settings.twilio_account_sid)
    lifecycle, rules = Lifecycle(clock, catalogue), rules_of(settings, gateways.mailer)
    outcomes = Outcomes(database, clock, catalogue, BAD_NUMBER, rules.grace)
    ground = Ground(database, clock, catalogue, lifecycle)
    parts = _Parts(ground, outcomes, connecting(settings, ground, _owner(), systems))
    crew = Threads(settings.senders, "sender")
    sending, worker = _worker(settings, parts, gateways, rules, crew, sandbox)
    return Service(
        settings, database, _use_cases(settings, parts, hasher or PasswordHasher()), worker, crew, sandbox, sending, catalogue, gateways.mailer,
        parts.joined.syncing, parts.joined.couriers, ground.ending,
    )  # fmt: skip


def _owner() -> str:
    """This process, as leases name it."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


@dataclass(frozen=True, slots=True)
class _Parts:
    """What both the web and the worker are made of."""

    ground: Ground
    outcomes: Outcomes
    joined: Connecting


def _worker(
    settings: Settings, parts: _Parts, gateways: Gateways, rules: Rules, crew: Threads, sandbox: Sandbox | None
) -> tuple[Sending, Worker]:
    ground, ending = parts.ground, parts.ground.ending
    database, clock, catalogue, owner = ground.database, ground.clock, ground.catalogue, _owner()
    mail_check = gateways.mailer.check_account if gateways.mailer else _nothing
    checks = {gateways.account: gateways.messenger.check_account, gateways.mail_account: mail_check}
    circuit = Circuit(database, clock, checks)
    attempts = Attempts(database, clock, catalogue, words(), _pace(settings), rules, owner)
    sending = Sending(
        database, clock, attempts, gateways, parts.outcomes, circuit, crew, rules, capacity=2 * settings.senders
    )
    asked = (database, clock, gateways.messenger, parts.outcomes)
    reconciling = Reconciling(*asked, rules.grace, rules.lease, crew.each, ending)
    checking = Checking(*asked, crew.each, ending)
    extras: list[Callable[[], object]] = [ChangeSetWork(database, clock, catalogue, ground.lifecycle).run]
    extras += [_advance(sandbox, clock)] if sandbox else []
    handlers = {TRY_OUT: Trying(database, gateways.messenger).send, **parts.joined.waking.handlers()}
    effects = Effects(database, clock, handlers)
    unmarked, rollups = UnmarkedVisits(database, clock, catalogue, ground.lifecycle), Rollups(database, clock, ending)
    slow = [*upkeep(parts.joined, ground), unmarked.tick, rollups.tick]
    worker = Worker(owner, database, clock, catalogue, sending, reconciling, circuit, checking, effects, extras, slow, [parts.joined.delivering.run], ending)  # fmt: skip
    return sending, worker


def _use_cases(settings: Settings, parts: _Parts, hasher: PasswordHasher) -> UseCases:
    ground = parts.ground
    database, clock, catalogue, lifecycle = ground.database, ground.clock, ground.catalogue, ground.lifecycle
    texts, slots = words(), Slots(database, clock, catalogue)
    previews = Previews(clock, catalogue, texts)
    reports, savings = Reports(database, clock), Savings(database, clock, catalogue, _prices(settings))
    board, booking = Calendars(database, clock, catalogue), Booking(database, clock, catalogue, lifecycle, slots)
    return UseCases(
        settings=settings, clock=clock, access=Access(database, clock), attendance=Attendances(database, clock),
        assessments=Assessments(database, clock, Answering(database, clock, savings.report), data_dir() / "assessments"),
        booking=booking, changes=parts.joined.changes, external=parts.joined.external, fhir=Fhir(database, clock, catalogue, lifecycle, booking), attending=parts.joined.attending, calendar_connections=parts.joined.calendars, crm_connections=parts.joined.crms, import_previews=parts.joined.previews, calendar_files=parts.joined.files,
        calls=Calls(database, clock, catalogue, lifecycle, texts, lexicons(), slots), catalogue=catalogue,
        change_sets=ChangeSets(database, clock, catalogue, lifecycle, previews, _gate(settings)),
        evidence=Evidence(database, clock), pages=page_words(), staff=Staff(database, clock, hasher),
        caldav=Caldav(database, clock, catalogue, board, booking, lifecycle),
        clinic=Clinic(database, clock, catalogue), dav_logins=DavLogins(database, clock, catalogue), desk=Desk(database, clock), disputes=parts.joined.disputes, feeds=Feeds(database, clock, catalogue, board, settings.public_url), health=Health(database, clock),
        ledger=Ledger(database, clock, catalogue), merging=Merging(database, clock), outcomes=parts.outcomes,
        patients=Patients(database, clock, catalogue), replies=Replies(database, clock, catalogue, lifecycle, texts, lexicons(), slots), reports=reports,
        risks=Risks(database, clock, catalogue, _prices(settings)), savings=savings, slots=slots, signature=Signature(settings.twilio_auth_token),
        syncing=parts.joined.syncing, webhooks=parts.joined.webhooks, visit_pages=VisitPages(database, clock, catalogue, texts, parts.joined.consequences), wording=Wording(database, clock, catalogue, texts, lexicons()),
        experiments=Experiments(database, clock, catalogue), spending=Spendings(database, clock, reports, savings, settings.monthly_budget),
    )  # fmt: skip


@cache
def words() -> Texts:
    """Everything that is said, read once per process."""
    texts = Texts(data_dir())
    texts.preload()
    return texts


@cache
def lexicons() -> Lexicons:
    """What patients answer with; each language is read when somebody first answers in it."""
    return Lexicons(data_dir())


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


def _nothing() -> None:
    """Without a mail server there is nobody to ask."""


def _prices(settings: Settings) -> Prices:
    return Prices(settings.staff_hour_cost, settings.staff_minutes, settings.rates)


def _gate(settings: Settings) -> Gate:
    return Gate(settings.blast_radius, timedelta(minutes=settings.undo_minutes))


def _pace(settings: Settings) -> Pace:
    """Twilio's limits for its own senders; the sandbox takes more."""
    sender = settings.twilio_messaging_service_sid or settings.twilio_from_number
    if settings.twilio_account_sid == _SANDBOX_SID:
        return Pace(sender, _SANDBOX_PER_SECOND, _SANDBOX_PER_SECOND)
    return Pace(sender, float(settings.messages_per_second), float(settings.calls_per_second))


def _advance(sandbox: Sandbox, clock: Clock) -> Callable[[], object]:
    return lambda: sandbox.advance(clock.now())


@cache
def page_words() -> PageTexts:
    """The words of the pages for staff; a catalogue is read when it is first used."""
    return PageTexts(data_dir())
