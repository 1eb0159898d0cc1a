"""All tables, one file per area."""

from reminders.store.tables.base import Base
from reminders.store.tables.calendars import Calendar, CalendarEntry, DavCredential, Feed
from reminders.store.tables.changes import ChangeCounter, ChangeEntry
from reminders.store.tables.clinic import (
    CatalogueVersion,
    ClinicText,
    Location,
    Provider,
    ProviderException,
    ProviderHours,
    ReminderPolicy,
    Service,
    ServiceProvider,
)
from reminders.store.tables.fhir import FhirIdentifier, FhirSlot
from reminders.store.tables.holds import Hold, HoldKind
from reminders.store.tables.invitations import Invitation
from reminders.store.tables.measuring import (
    Experiment,
    RollupCost,
    RollupReminder,
    RollupState,
    RollupStratum,
    RollupVisit,
    StaleDay,
)
from reminders.store.tables.people import ApiKey, IdempotencyKey, OptOut, Patient, PatientMerge
from reminders.store.tables.questions import Question
from reminders.store.tables.reminding import (
    ChangeSet,
    Circuit,
    Heartbeat,
    InboxItem,
    Message,
    Reminder,
    SenderPace,
    Spending,
)
from reminders.store.tables.risk import RiskModel
from reminders.store.tables.sourcing import Assessment, AssessmentVersion, VendorQuote
from reminders.store.tables.staff import SignInTry, StaffSession, StaffUser
from reminders.store.tables.sync import (
    BusyEvent,
    SyncConflict,
    SyncConnection,
    SyncInbox,
    SyncLink,
    SyncRun,
    SyncTouch,
)
from reminders.store.tables.visits import Appointment, AppointmentHistory, Outbox, ZoneCheck
from reminders.store.tables.webhooks import Webhook, WebhookDelivery, WebhookEvent, WebhookTry

__all__ = [
    "ApiKey",
    "Appointment",
    "AppointmentHistory",
    "Assessment",
    "AssessmentVersion",
    "Base",
    "BusyEvent",
    "Calendar",
    "CalendarEntry",
    "CatalogueVersion",
    "ChangeCounter",
    "ChangeEntry",
    "ChangeSet",
    "Circuit",
    "ClinicText",
    "DavCredential",
    "Experiment",
    "Feed",
    "FhirIdentifier",
    "FhirSlot",
    "Heartbeat",
    "Hold",
    "HoldKind",
    "IdempotencyKey",
    "InboxItem",
    "Invitation",
    "Location",
    "Message",
    "OptOut",
    "Outbox",
    "Patient",
    "PatientMerge",
    "Provider",
    "ProviderException",
    "ProviderHours",
    "Question",
    "Reminder",
    "ReminderPolicy",
    "RiskModel",
    "RollupCost",
    "RollupReminder",
    "RollupState",
    "RollupStratum",
    "RollupVisit",
    "SenderPace",
    "Service",
    "ServiceProvider",
    "SignInTry",
    "Spending",
    "StaffSession",
    "StaffUser",
    "StaleDay",
    "SyncConflict",
    "SyncConnection",
    "SyncInbox",
    "SyncLink",
    "SyncRun",
    "SyncTouch",
    "VendorQuote",
    "Webhook",
    "WebhookDelivery",
    "WebhookEvent",
    "WebhookTry",
    "ZoneCheck",
]
