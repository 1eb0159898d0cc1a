"""Codes in, plain words out: everything the pages say about a status, a change or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from reminders.domain.appointment import Change, Confirmation, Status
from reminders.domain.cost import Money
from reminders.services.health import Refusal

#: (status, confirmation) -> (label, tone). A tone is a class of console.css; the label alone must say it all.
_STANDING = {
    (Status.BOOKED, Confirmation.CONFIRMED): ("Confirmed", "good"),
    (Status.BOOKED, Confirmation.UNCONFIRMED): ("Not confirmed", "open"),
    (Status.BOOKED, Confirmation.DECLINED): ("Declined", "bad"),
    (Status.CANCELLED, Confirmation.DECLINED): ("Cancelled by patient", "off"),
}
_STATUS = {
    Status.PENDING: ("Pending", "open"),
    Status.BOOKED: ("Booked", "open"),
    Status.ARRIVED: ("Arrived", "here"),
    Status.FULFILLED: ("Done", "past"),
    Status.NOSHOW: ("No-show", "bad"),
    Status.CANCELLED: ("Cancelled", "off"),
}

BUTTONS = {
    Change.CONFIRM: "Confirm", Change.CANCEL: "Cancel visit", Change.RESCHEDULE: "Move", Change.ARRIVE: "Arrived",
    Change.FULFIL: "Done", Change.NOSHOW: "No-show",
}  # fmt: skip

#: A change of many visits: what it is, and (label, tone) of where it stands.
CHANGE_SETS = {
    "cancel_visits": "Cancel visits", "move_provider": "Move visits to a colleague",
    "edit_policy": "New reminder policy for booked visits",
}  # fmt: skip
SET_STATES = {
    "held": ("Waits for a decision", "open"), "released": ("Released", "here"), "applying": ("At work", "here"),
    "applied": ("Done", "good"), "dropped": ("Dropped", "off"),
}  # fmt: skip
BLOCKED = {
    "no_address": "no phone number", "bad_number": "the number does not work", "opted_out": "asked us to stop",
    "paused": "reminders are paused",
}  # fmt: skip
#: Why messages do not reach a patient.
CONTACTS = {
    "no_address": "No message can reach this patient.", "bad_number": "Messages to this number do not arrive; a call may.",
    "opted_out": "Wants no messages; a call from a person is something else.",
    "paused": "The desk has paused the reminders.", "message_failed": "The last reminder did not arrive.",
}  # fmt: skip
LEFT_ALONE = {
    "visit_moved": "was moved meanwhile", "visit_cancelled": "was cancelled meanwhile",
    "visit_over": "has begun or is over", "slot_taken": "the colleague is not free",
    "slot_not_offered": "the colleague does not work then",
    "service_not_offered": "the colleague does not offer this service",
}  # fmt: skip

#: What the page says after a change.
DONE = {
    Change.CONFIRM: "The visit is confirmed.",
    Change.CANCEL: "The visit is cancelled and its reminders are taken back.",
    Change.RESCHEDULE: "The visit is moved and its reminders are planned anew.",
    Change.ARRIVE: "The patient is here.",
    Change.FULFIL: "The visit is done.",
    Change.NOSHOW: "Written down as a no-show.",
}

INBOX_REASONS = {
    "not_understood": "This reply could not be read with certainty.",
    "wants_another_time": "Asks for another time.",
    "no_open_visit": "Wants something about a visit, but none is ahead for this number.",
    "wants_call_back": "Asked on a call to speak with the clinic. Please call back.",
    "wrong_person": "Whoever answered the call said that the patient is not there. Is the number right?",
    "late_cancel": "Wants to cancel, but too late for the service to let patients do it themselves. Nothing was changed.",
    "visit_changed_meanwhile": "Answered about a visit that had changed in the meantime.",
    "deleted_in_calendar": "Deleted in the provider's calendar. Cancel the visit, or resume its reminders to put it back.",
    "moved_in_calendar": "The provider wants to move it, in the calendar. Nothing has changed yet.",
    "comment_by_mail": "Answered an invitation by e-mail, and wrote something that a person should read.",
    "connection_trouble": "A connection to a calendar or another system needs a person: its page says why.",
    "webhook_disabled": "A webhook was disabled, because its receiver is gone or took nothing for days. Whoever looks after "
    "it finds the reason at /api/v1/webhooks, and catches up through /api/v1/changes.",
    "sync_conflict": "This visit was changed here and in a connected calendar or system. Its reminders wait until "
    "somebody decides.",
    "zone_overlap": "Under new time zone rules this visit falls into time that is taken. Please find another time.",
    "number_problem": "Messages to this number do not arrive. Saving the right one on the card settles this.",
}

MESSAGE_KINDS = {
    "reminder": "Reminder", "moved": "Notice of the new time", "cancelled": "Notice of the cancellation",
    "desk": "Note from the desk", "answer": "Automatic answer", "reply": "Patient",
}  # fmt: skip
TEXTS = {
    "reminder": "Reminder", "several": "Reminder of several visits", "moved": "Notice of the new time",
    "cancelled": "Notice of the cancellation", "desk": "Note from the desk",
    "answer_confirmed": "Answer: confirmed", "answer_all_confirmed": "Answer: all confirmed",
    "answer_cancelled": "Answer: cancelled", "answer_reschedule": "Answer: another time", "answer_help": "Answer: help",
    "answer_unclear": "Answer: not understood",
    "answer_ambiguous": "Answer: several visits", "answer_nothing": "Answer: no visit ahead",
    "answer_start": "Answer: texts again", "answer_too_late": "Answer: too late",
}  # fmt: skip
CHANNELS = {"sms": "SMS", "voice": "call", "email": "e-mail", "all": "all messages"}
CHANNEL_NAMES = {"sms": "SMS", "voice": "Calls", "email": "E-mail"}
STOPS = {"sms": "no SMS", "voice": "no calls", "email": "no e-mails", "all": "no messages at all"}
STARTS = {"all": "all messages", "sms": "SMS", "voice": "calls", "email": "e-mails"}

PAGE_PROBLEMS = {
    404: "There is nothing at this address. It may have been mistyped, or the thing it named is gone.",
    405: "This address only takes forms. Please go back to the day.",
    413: "This form is too large.",
    500: "Something went wrong on our side. Nothing you did is lost that was already confirmed; please try again.",
}

_HISTORY = {
    "book": "Booked", "confirm": "Confirmed", "cancel": "Cancelled", "reschedule": "Moved", "arrive": "Patient arrived",
    "fulfil": "Visit done", "no-show": "Patient did not come", "replan": "Reminders planned anew", "pause": "Reminders paused",
    "resume": "Reminders resumed", "pause-patient": "All messages to the patient paused",
    "resume-patient": "Messages to the patient resumed",
    "zone-rules": "Kept at the same time of day under new time zone rules",
}  # fmt: skip
_THROUGH = {
    "console": "in the console",
    "api": "through the API",
    "sms": "by SMS",
    "voice": "by phone call",
    "email": "by e-mail",
    "caldav": "in a calendar program",
    "sync": "in a connected system",
}

_FIELDS = {
    "name": "Name", "phone": "Phone", "email": "Email", "language": "Language", "time_zone": "Time zone",
    "birth_year": "Year of birth", "text": "Text", "reason": "Reason", "start": "Time", "provider_id": "Provider",
    "service_id": "Service", "patient_id": "Patient", "from": "First day", "to": "Last day",
    "to_provider_id": "Colleague", "url": "Address", "username": "User name", "password": "Password", "label": "Name", "evidence": "What was said",
}  # fmt: skip
_COMPLAINTS = {
    "missing": "is missing", "string_too_short": "is too short", "string_too_long": "is too long",
    "string_pattern_mismatch": "does not look right", "control_characters": "has characters that cannot be used",
    "int_type": "must be a number", "int_parsing": "must be a number", "greater_than_equal": "is out of range",
    "less_than_equal": "is out of range", "out_of_range": "is out of range",
}  # fmt: skip


def standing(status: str, confirmation: str) -> tuple[str, str]:
    """Label and tone of a visit's status and confirmation together."""
    both = Status(status), Confirmation(confirmation)
    return _STANDING.get(both) or _STATUS[both[0]]


def complaint(field: str, kind: str) -> str:
    """One sentence on a field that does not fit."""
    return f"{_FIELDS.get(field, field)} {_COMPLAINTS.get(kind, 'does not look right')}."


def history(change: str, facts: Mapping[str, Any], zone: ZoneInfo) -> str:
    """What happened to a visit."""
    said = _HISTORY.get(change, change)
    if change == "book" and facts.get("start"):
        return f"{said} for {_iso(facts['start'], zone)}"
    if change == "reschedule" and facts.get("from"):
        return f"{said} from {_iso(facts['from'], zone)} to {_iso(facts['to'], zone)}"
    return said


def by(actor: str, channel: str, own_key: str) -> str:
    """Who did it and how."""
    thing = {"usr_": "account", "dav_": "device", "con_": "connection"}.get(actor[:4], "key")
    known = {"patient": "the patient", "system": "the system", own_key: f"your {thing}"}
    who = known.get(actor, f"{thing} …{actor[-6:]}")
    return f"{who} {_THROUGH.get(channel, '')}".strip()


def evidence(text: str, own_key: str) -> str:
    """How we know of a stop or a start."""
    source, _, said = text.partition(": ")
    if source.startswith("desk "):
        return f"written down by {by(source.removeprefix('desk '), '', own_key)}: {said}"
    known = {"sms": f"by SMS “{said}”", "voice": f"on a call, {said}", "provider": f"learned from the provider, {said}"}
    return known.get(source, text)


def long_day(day: date) -> str:
    """Such as "Monday 6 May 2030"."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    """Such as "Mon 6 May"."""
    return f"{day:%a} {day.day} {day:%b}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Such as "Mon 6 May 2030, 09:00" on the clock of ``zone``."""
    local = at.astimezone(zone)
    return f"{short_day(local)} {local:%Y, %H:%M}"


def price(cost: Money | None, *, actual: bool) -> str:
    """An amount, and whether the provider or our rate card says so."""
    return "" if cost is None else f"{cost} {'charged' if actual else 'estimated'}"


@lru_cache(4096)
def phone(number: str) -> str:
    """An E.164 number in groups, as its country writes it; anything else as it is."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number


def bcp47(language: str | None) -> str:
    """A language tag as HTML wants it."""
    return (language or "").replace("_", "-")


def _iso(text: str, zone: ZoneInfo) -> str:
    return moment(datetime.fromisoformat(text), zone)


def refusal(refused: Refusal) -> str:
    """What it means for the desk that a provider refuses the account."""
    what = "E-mails" if refused.provider == "mail" else "Text messages and calls"
    code = f" (error {refused.error_code})" if refused.error_code else ""
    return (
        f"{what} cannot be sent: the provider has refused our account since {refused.since:%Y-%m-%d %H:%M} UTC{code}. "
        "Tell whoever looks after the account. Reminders wait and go out by themselves once it works again; those whose "
        "time runs out are marked as missed."
    )
