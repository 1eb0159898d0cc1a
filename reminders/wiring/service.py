"""The web application with a worker beside it: what most installations run, and what commands take their use cases from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from argon2 import PasswordHasher
from flask import Blueprint, Flask

from reminders.clock import Clock
from reminders.connecting import SYSTEMS, Systems
from reminders.domain.changeset import Gate
from reminders.domain.ports import Mailer, Messenger
from reminders.domain.worth import Prices
from reminders.gateways.twilio import Signature
from reminders.sandbox.blueprint import create_blueprint
from reminders.sandbox.state import Sandbox
from reminders.services.access import Access
from reminders.services.answering import Answering
from reminders.services.assessments import Assessments
from reminders.services.attendance import Attendances
from reminders.services.booking import Booking
from reminders.services.caldav import Caldav
from reminders.services.calendars import Calendars
from reminders.services.calls import Calls
from reminders.services.catalogue import Catalogue
from reminders.services.changeset_previews import Previews
from reminders.services.changesets import ChangeSets
from reminders.services.clinic import Clinic
from reminders.services.davlogins import DavLogins
from reminders.services.desk import Desk
from reminders.services.evidence import Evidence
from reminders.services.experiments import Experiments
from reminders.services.feeds import Feeds
from reminders.services.fhir import Fhir
from reminders.services.health import Health
from reminders.services.ledger import Ledger
from reminders.services.merging import Merging
from reminders.services.patients import Patients
from reminders.services.replies import Replies
from reminders.services.reports import Reports
from reminders.services.risk import Risks
from reminders.services.savings import Savings
from reminders.services.sending import Sending
from reminders.services.slots import Slots
from reminders.services.spending import Spendings
from reminders.services.staff import Staff
from reminders.services.sync.running import Syncing
from reminders.services.visitpages import VisitPages
from reminders.services.wording import Wording
from reminders.settings import Settings, data_dir
from reminders.store.engine import Database
from reminders.web.app import create_app
from reminders.web.context import UseCases
from reminders.wiring.parts import Parts, lay_out
from reminders.wiring.speech import lexicons, page_words, words
from reminders.wiring.working import Working, working
from reminders.worker import Worker


@dataclass(frozen=True, slots=True)
class Service:
    """All there is in one process: its parts, the worker over them, and the use cases that the web application calls."""

    parts: Parts
    work: Working
    use_cases: UseCases

    def app(self) -> Flask:
        """The web application; with the sandbox's pages and API when there are no credentials."""
        extras: list[Blueprint] = [create_blueprint(self.sandbox)] if self.sandbox else []
        return create_app(self.use_cases, extras)

    def close(self) -> None:
        self.parts.close()

    @property
    def settings(self) -> Settings:
        return self.parts.settings

    @property
    def database(self) -> Database:
        return self.parts.ground.database

    @property
    def catalogue(self) -> Catalogue:
        return self.parts.ground.catalogue

    @property
    def ending(self) -> Event:
        """Set when the process is to end."""
        return self.parts.ground.ending

    @property
    def sandbox(self) -> Sandbox | None:
        return self.parts.sandbox

    @property
    def mailer(self) -> Mailer | None:
        return self.parts.gateways.mailer

    @property
    def syncing(self) -> Syncing:
        return self.parts.joined.syncing

    @property
    def worker(self) -> Worker:
        return self.work.worker

    @property
    def sending(self) -> Sending:
        return self.work.sending


def build(
    settings: Settings, clock: Clock | None = None, messenger: Messenger | None = None, mailer: Mailer | None = None,
    systems: Systems = SYSTEMS, hasher: PasswordHasher | None = None,
) -> Service:  # fmt: skip
    """Wire everything. All but ``settings`` is for tests and the demonstration; without a ``hasher`` passwords are hashed
    as RFC 9106 recommends."""
    words().preload()
    parts = lay_out(settings, clock, messenger, mailer, systems)
    return Service(parts, working(parts), _use_cases(parts, hasher or PasswordHasher()))


def _use_cases(parts: Parts, hasher: PasswordHasher) -> UseCases:
    settings, ground, joined = parts.settings, parts.ground, parts.joined
    database, clock, catalogue, lifecycle = ground.database, ground.clock, ground.catalogue, ground.lifecycle
    texts, slots = words(), Slots(database, clock, catalogue)
    previews = Previews(clock, catalogue, texts)
    reports, savings = Reports(database, clock), Savings(database, clock, catalogue, _prices(settings))
    board, booking = Calendars(database, clock, catalogue), Booking(database, clock, catalogue, lifecycle, slots)
    store = (database, clock)
    known = (database, clock, catalogue)
    return UseCases(
        settings=settings, clock=clock, catalogue=catalogue,
        # visits, and who comes
        booking=booking, slots=slots, desk=Desk(*store), ledger=Ledger(*known), patients=Patients(*known),
        merging=Merging(*store), clinic=Clinic(*known), visit_pages=VisitPages(*known, texts, joined.consequences),
        change_sets=ChangeSets(*known, lifecycle, previews, _gate(settings)),
        # what is said and answered
        calls=Calls(*known, lifecycle, texts, lexicons(), slots), outcomes=parts.outcomes, pages=page_words(),
        replies=Replies(*known, lifecycle, texts, lexicons(), slots), evidence=Evidence(*store),
        signature=Signature(settings.twilio_auth_token), wording=Wording(*known, texts, lexicons()),
        # who may do what, and how all is
        access=Access(*store), staff=Staff(*store, hasher), health=Health(*store),
        # numbers
        assessments=Assessments(*store, Answering(*store, savings.report), data_dir() / "assessments"),
        attendance=Attendances(*store), experiments=Experiments(*known), reports=reports,
        risks=Risks(*known, _prices(settings)), savings=savings,
        spending=Spendings(*store, reports, savings, settings.monthly_budget),
        # calendars and other systems
        attending=joined.attending, caldav=Caldav(*known, board, booking, lifecycle), calendar_connections=joined.calendars,
        calendar_files=joined.files, changes=joined.changes, crm_connections=joined.crms, dav_logins=DavLogins(*known),
        disputes=joined.disputes, external=joined.external, feeds=Feeds(*known, board, settings.public_url),
        fhir=Fhir(*known, lifecycle, booking), import_previews=joined.previews, syncing=joined.syncing,
        webhooks=joined.webhooks,
    )  # fmt: skip


def _prices(settings: Settings) -> Prices:
    return Prices(settings.staff_hour_cost, settings.staff_minutes, settings.rates)


def _gate(settings: Settings) -> Gate:
    return Gate(settings.blast_radius, timedelta(minutes=settings.undo_minutes))
