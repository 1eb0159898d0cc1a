"""What the routes work with: the use cases, and who is calling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app, g

from reminders.clock import Clock
from reminders.domain.actor import Actor
from reminders.gateways.twilio import Signature
from reminders.services.access import Access, Caller
from reminders.services.assessments import Assessments
from reminders.services.attendance import Attendances
from reminders.services.attending import Attending
from reminders.services.booking import Booking
from reminders.services.caldav import Caldav
from reminders.services.calls import Calls
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.changes import ChangeLog
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
from reminders.services.outcomes import Outcomes
from reminders.services.patients import Patients
from reminders.services.replies import Replies
from reminders.services.reports import Reports
from reminders.services.risk import Risks
from reminders.services.savings import Savings
from reminders.services.slots import Slots
from reminders.services.spending import Spendings
from reminders.services.staff import Staff
from reminders.services.sync.calendarfile import CalendarFiles
from reminders.services.sync.connections import Connections
from reminders.services.sync.crms import CrmConnections
from reminders.services.sync.disputes import Disputes
from reminders.services.sync.external import External
from reminders.services.sync.preview import ImportPreviews
from reminders.services.sync.running import Syncing
from reminders.services.visitpages import VisitPages
from reminders.services.webhooks.subscriptions import Webhooks
from reminders.services.wording import Wording
from reminders.settings import Settings
from reminders.texts import PageTexts

EXTENSION = "reminders"


@dataclass(frozen=True, slots=True)
class UseCases:
    """Everything the web can ask for; built once by ``wiring/service.py``."""

    settings: Settings
    clock: Clock
    access: Access
    attendance: Attendances
    attending: Attending
    visit_pages: VisitPages
    assessments: Assessments
    booking: Booking
    caldav: Caldav
    calendar_connections: Connections
    calendar_files: CalendarFiles
    calls: Calls
    catalogue: Catalogue
    change_sets: ChangeSets
    changes: ChangeLog
    clinic: Clinic
    crm_connections: CrmConnections
    dav_logins: DavLogins
    desk: Desk
    evidence: Evidence
    disputes: Disputes
    experiments: Experiments
    external: External
    feeds: Feeds
    fhir: Fhir
    health: Health
    ledger: Ledger
    merging: Merging
    outcomes: Outcomes
    pages: PageTexts
    import_previews: ImportPreviews
    patients: Patients
    replies: Replies
    reports: Reports
    risks: Risks
    savings: Savings
    slots: Slots
    staff: Staff
    spending: Spendings
    signature: Signature
    syncing: Syncing
    webhooks: Webhooks
    wording: Wording


def use_cases() -> UseCases:
    return cast(UseCases, current_app.extensions[EXTENSION])


def now() -> datetime:
    return use_cases().clock.now()


def caller() -> Caller:
    """Who is calling; set by ``web/auth.py`` before any route that needs a key."""
    return cast(Caller, g.caller)


def actor() -> Actor:
    """The caller as history names it."""
    return Actor(caller().key_id, "api")


def snapshot() -> Snapshot:
    """The catalogue at the version seen when the key was checked."""
    return use_cases().catalogue.refresh(caller().catalogue_version)
