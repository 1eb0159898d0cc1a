"""What the pages about calendars and connected systems say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reminders.domain.sync import Live
from reminders.services.sync.kinds import FIRST_IMPORT, is_about_to_begin
from reminders.store.engine import Record
from reminders.web.console import words

KINDS = {
    "caldav": "Calendar, both ways", "ics": "Calendar feed, read only", "imap": "Mailbox of answers to invitations",
    "espocrm": "EspoCRM", "fhir": "FHIR R4", "gnuhealth": "GNU Health", "hubspot": "HubSpot", "salesforce": "Salesforce",
}  # fmt: skip

#: Label and tone of each state.
_STATES = {
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

#: What a pass could not read, or only by guessing.
REMARKS = {
    "unreadable": "not readable", "no_start": "without a start", "unfinished": "cut off", "too_large": "too long",
    "recurs_too_often": "repeating too often", "zone_guessed": "in an unknown time zone, taken for the location's",
    "end_guessed": "without a readable end, taken for half an hour or a day",
    "date_left_out": "with an unreadable date in its series, left out",
    "part_left_out": "with an unreadable part of its series, left out",
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
    "birth_year": "Year of birth", "sms_opt_out": "No SMS", "voice_opt_out": "No calls", "email_opt_out": "No e-mails",
    "patient": "Patient", "provider": "Provider", "service": "Service", "confirmed": "Confirmed",
    "cancel_reason": "Why it was cancelled",
}  # fmt: skip

CAUSES = {
    "both_changed": "Changed on both sides.", "refused_here": "Changed there, and refused by our rules.",
    "refused_there": "Changed here, and refused there.", "deleted_there": "Deleted there.",
    "deleted_here": "Deleted here, and changed there.", "not_kept": "Sent again and again, and never kept there.",
    "left_there": "Changed there, where it is only shown; it stays until ours changes.",
    "ambiguous": "Several of ours could be meant.",
}  # fmt: skip

#: Rules against which something was, here or there.
NOTES = {
    **REFUSALS, "slot_taken": "the time is taken", "slot_not_offered": "the provider does not work then, or it is too soon "
    "or too far ahead", "status_conflict": "the visit does not take this step", "too_early": "the visit has not begun",
    "patient_fixed": "a visit stays with its patient", "service_fixed": "what is to be done does not change",
    "length_fixed": "how long a visit lasts is set by its service",
    "phone_verified": "the patient has answered from the number we have",
    "opt_out_stays": "only the patient takes it back", "confirmed_stays": "only the patient takes it back",
    "desk_decides": "the desk is asked first", "left_out": "it cannot be a value of ours",
    "duplicate_there": "a record there looks like this one",
}  # fmt: skip
THINGS = {"patient": "A patient", "visit": "A visit", "event": "An event", "busy": "An event"}
CHOICES = {Live.OURS: "Ours holds", Live.THEIRS: "Theirs holds"}

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


def state(connection: Record, now: datetime) -> tuple[str, str]:
    """Label and tone of where a connection stands."""
    if connection.state_reason == FIRST_IMPORT:
        return "Waits for its first import", "open"
    if is_about_to_begin(connection, now):
        return "Begins soon", "open"
    return _STATES.get(connection.state, (connection.state, "off"))


def field(name: str) -> str:
    return FIELDS.get(name, name)


def cause(conflict: Record) -> str:
    """Why something stands in the conflict list, with the rule that refused it."""
    said = CAUSES.get(conflict.cause, conflict.cause)
    why = NOTES.get(conflict.note, conflict.note) if conflict.note != conflict.cause else ""
    return f"{said.removesuffix('.')}: {why}." if why else said


def tried(times: int) -> str:
    return {0: "not tried yet", 1: "tried once"}.get(times, f"tried {times} times")


def kind(name: str) -> str:
    return KINDS.get(name, name)


def remarks(found: Mapping[str, int] | None) -> str:
    """How many events could not be read, or only by guessing; empty when all could."""
    said = "; ".join(f"{count} {REMARKS.get(code, code)}" for code, count in sorted((found or {}).items()))
    return f"Events: {said}." if said else ""


def value(field: str, found: Any, zone: ZoneInfo) -> str:
    """One side's value of a field, as people read it."""
    if found is None or found == "":
        return "nothing"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if field in ("start", "end") and isinstance(found, str):
        try:
            return words.moment(datetime.fromisoformat(found), zone)
        except ValueError:
            return found
    return str(found)
