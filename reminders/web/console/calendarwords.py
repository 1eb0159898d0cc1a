"""What the pages about calendars and connected systems say."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reminders.web.console import words

KINDS = {
    "caldav": "Calendar, both ways", "ics": "Calendar feed, read only", "imap": "Mailbox of answers to invitations",
    "espocrm": "EspoCRM", "fhir": "FHIR R4", "gnuhealth": "GNU Health", "hubspot": "HubSpot", "salesforce": "Salesforce",
}  # fmt: skip

#: Label and tone of each state.
STATES = {
    "ok": ("Running", "good"), "failing": ("Failing, tried again later", "open"), "paused": ("Paused", "off"),
    "held": ("Stopped: many changes at once", "bad"), "needs_login": ("Stopped: needs a password", "bad"),
}  # fmt: skip

REASONS = {
    "no_answer": "The other side does not answer.", "address_refused": "The address is not one that may be asked.",
    "not_a_calendar": "What is at the address is not a calendar.",
    "feed_empty": "The feed is suddenly empty; what it said before is kept.",
    "internal": "Something went wrong on our side.", "login_refused": "User name or password are refused.",
    "secret_unreadable": "The stored password cannot be read, because REMINDERS_SECRET_KEY has changed.",
    "mass_removal": "Half of everything would be removed. Going on lets that happen.",
    "mass_move": "Half of everything would be moved. Going on lets that happen.",
    "mass_arrival": "Visits of many patients are new at once. Going on takes them in, and reminds the patients.",
    "first_import": "The first import waits: look at what it would do, then let it begin.",
    "lease_lost": "Another process took over.",
    "stopped": "The process ended; the next one goes on.",
}  # fmt: skip

#: What a first import would do with records there, and with ours.
PREVIEW = {
    "there": "Records there", "linked": "Linked already", "matched": "Recognised as ours", "new": "Taken in as new",
    "ambiguous": "Several of ours could be it: a person decides", "refused": "Against our rules: in the conflict list",
    "ignored": "Left there: over, called off, or none of ours", "ours": "Of ours, written there",
}  # fmt: skip
ENTITIES = {"patient": "Patients", "visit": "Visits"}
REFUSALS = {
    "patient_unknown": "their patient is not linked", "provider_unknown": "the provider is not mapped",
    "service_unknown": "the service is not mapped", "name_missing": "without a name", "invalid": "an impossible value",
}  # fmt: skip

FIELDS = {
    "start": "Begins", "end": "Ends", "status": "Status", "summary": "Title", "location": "Place", "*": "All of it",
    "name": "Name", "phone": "Phone", "email": "E-mail", "language": "Language", "digest": "Content",
}  # fmt: skip

CAUSES = {
    "both_changed": "Changed on both sides.", "refused_here": "Changed there, and refused by our rules.",
    "refused_there": "Changed here, and refused there.", "deleted_there": "Deleted there.",
    "deleted_here": "Deleted here, and changed there.", "not_kept": "Sent again and again, and never kept there.",
    "left_there": "Changed there, where it is only shown; it stays until ours changes.",
    "ambiguous": "Several of ours could be meant.",
}  # fmt: skip

#: Webhooks and their deliveries.
HOOKS = {"active": ("Told of changes", "good"), "paused": ("Paused", "off"), "disabled": ("Stopped", "bad")}
WHY_STOPPED = {
    "gone": "The address said that it is gone.", "given_up": "It failed for days. Going on tries again.",
}  # fmt: skip
DELIVERIES = {"pending": ("Waiting", "open"), "delivered": ("Delivered", "good"), "failed": ("Failed", "bad")}

PRIVACY = {"busy": "Only when time is taken", "initials": "Initials", "full": "Patient and service"}
ON_DELETE = {
    "ask": "Ask the desk", "restore": "Put it back there", "cancel": "Cancel it and tell the patient",
}  # fmt: skip
SCOPES = {"write": "Read and change", "read": "Read only"}


def kind(name: str) -> str:
    return KINDS.get(name, name)


def value(field: str, found: Any, zone: ZoneInfo) -> str:
    """One side's value of a field, as people read it."""
    if found is None:
        return "nothing"
    if field in ("start", "end") and isinstance(found, str):
        try:
            return words.moment(datetime.fromisoformat(found), zone)
        except ValueError:
            return found
    return str(found)
