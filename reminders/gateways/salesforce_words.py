"""Salesforce's words for patients (Contact) and visits (Event, or an object of the clinic's own)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from reminders.domain.connector import PeerError, Write
from reminders.domain.crm import PATIENT, VISIT, Setting, System, join_name
from reminders.domain.sync import canonical_text
from reminders.gateways.jsonapi import canonical, e164, moment, pairs, parted

SYSTEM = System(
    "salesforce", "Salesforce",
    (
        Setting("url", "Address of the organisation, such as https://clinic.my.salesforce.com"),
        Setting("client_id", "Consumer key of the connected app", secret=True),
        Setting("client_secret", "Its consumer secret", secret=True),
        Setting("refresh_token", "Refresh token, when the app does not use client credentials", secret=True, default=""),
        Setting("api_version", "Version of the API", default="62.0"),
        Setting("id_field", "Field for our id: text, external id, unique", default="RemindersId__c"),
        Setting("mark_field", "Field for our mark", default="RemindersMark__c"),
        Setting("phone_field", "Field of Contact for the phone number", default="MobilePhone"),
        Setting("language_field", "Field of Contact for the language (BCP 47), if there is one", default=""),
        Setting("no_sms_field", "Field (checkbox) of Contact: no SMS", default="RemindersNoSms__c"),
        Setting("region", "Country of phone numbers without a prefix (ISO 3166-1), such as ES", default=""),
        Setting("visit_object", "Object that holds visits", default="Event"),
        Setting("start_field", "Its field for the start", default="StartDateTime"),
        Setting("end_field", "Its field for the end", default="EndDateTime"),
        Setting("patient_field", "Its field for the contact", default="WhoId"),
        Setting("provider_field", "Its field for the provider", default="OwnerId"),
        Setting("service_field", "Its field for the service", default="Subject"),
        Setting("status_field", "Its field for the status", default="RemindersStatus__c"),
        Setting("confirmed_field", "Its field (checkbox) for the confirmation", default="RemindersConfirmed__c"),
        Setting("reason_field", "Its field for why it was cancelled, if there is one", default=""),
        Setting("statuses", "Other values of the status: VALUE=status, separated by commas", default=""),
        Setting("duplicates", "Create contacts that a duplicate rule warns of", default="ask", choices=("ask", "create")),
        Setting("quota", "Stop when this part (percent) of the day's requests is used up", default="90"),
    ),
    {
        PATIENT: frozenset({"name", "phone", "email", "language", "sms_opt_out", "voice_opt_out", "email_opt_out"}),
        VISIT: frozenset({"start", "end", "patient", "provider", "service", "status", "confirmed", "cancel_reason"}),
    },
    {PATIENT: "{url}/{id}", VISIT: "{url}/{id}"},
)  # fmt: skip
_STATUSES = ("pending", "booked", "arrived", "fulfilled", "noshow", "cancelled")
_NAME = re.compile(r"[A-Za-z]\w*")
#: Ids of contacts begin so, those of leads do not.
_CONTACT = "003"

Row = Mapping[str, Any]


class Words(Protocol):
    """How one kind of thing looks there."""

    @property
    def kind(self) -> str:
        """The object."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that count."""
        ...

    @property
    def only(self) -> str:
        """A condition on the records that are listed; empty: all."""
        ...

    def read(self, row: Row, own: str, /) -> dict[str, Any]:
        """A record as canonical fields; ``own`` is our own user's id there."""
        ...

    def write(self, write: Write, row: Row, own: str, /) -> dict[str, Any]:
        """The fields to send, given the record as it is."""
        ...


class Contacts:
    """Patients."""

    kind, only = "Contact", ""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._region = settings["region"]
        self._words = checked({
            "phone": settings["phone_field"], "email": "Email", "language": settings["language_field"],
            "sms_opt_out": settings["no_sms_field"], "voice_opt_out": "DoNotCall", "email_opt_out": "HasOptedOutOfEmail",
        })  # fmt: skip
        self.names = ("FirstName", "LastName", *self._words.values())

    def read(self, row: Row, _own: str) -> dict[str, Any]:
        fields: dict[str, Any] = {"name": canonical_text(join_name(row.get("FirstName"), row.get("LastName")))}
        for name, word in self._words.items():
            there = row.get(word)
            fields[name] = bool(there) if name.endswith("_opt_out") else canonical_text(there)
        return fields | {"phone": e164(fields["phone"], self._region)}

    def write(self, write: Write, row: Row, _own: str) -> dict[str, Any]:
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields}
        values = {self._words[name]: _value(value) for name, value in wanted.items() if name in self._words}
        if "name" in wanted:
            values["FirstName"], values["LastName"] = parted(wanted["name"], row.get("LastName") or "")
        return values


class Visits:
    """Events, or records of another object."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.kind = settings["visit_object"]
        checked({"object": self.kind})
        self._is_event = self.kind == "Event"
        self.only = "IsChild = false" if self._is_event else ""  # an invited person's copy is not another visit
        self._words = checked({
            "start": settings["start_field"], "end": settings["end_field"], "patient": settings["patient_field"],
            "provider": settings["provider_field"], "service": settings["service_field"], "status": settings["status_field"],
            "confirmed": settings["confirmed_field"], "cancel_reason": settings["reason_field"],
        })  # fmt: skip
        own = pairs(settings["statuses"], "=")
        self._read = dict(zip(_STATUSES, _STATUSES, strict=True)) | own
        self._write = {status: status for status in _STATUSES} | {status: word for word, status in own.items()}
        self.names = (*self._words.values(), *(("IsAllDayEvent",) if self._is_event else ()))

    def read(self, row: Row, own: str) -> dict[str, Any]:
        there = {name: row.get(word) for name, word in self._words.items()}
        fields: dict[str, Any] = {
            "status": self._read.get(there["status"] or "", "booked"), "confirmed": bool(there["confirmed"]),
            "patient": there["patient"] if str(there["patient"]).startswith(_CONTACT) else "",
            "provider": "" if there["provider"] == own else there["provider"] or "",
        }  # fmt: skip
        fields |= {name: canonical_text(there[name]) for name in ("service", "cancel_reason") if name in there}
        if not row.get("IsAllDayEvent"):
            times = {name: canonical(there[name]) for name in ("start", "end")}
            fields |= {name: when for name, when in times.items() if when}
        return fields

    def write(self, write: Write, row: Row, own: str) -> dict[str, Any]:
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields and name in self._words}
        values = {self._words[name]: _value(value) for name, value in wanted.items()}
        if "status" in wanted:
            values[self._words["status"]] = self._write[wanted["status"]]
        if "provider" in wanted:
            values[self._words["provider"]] = wanted["provider"] or own or None
        if wanted.keys() & {"start", "end"}:  # one without the other could end before it begins
            values |= {self._words[name]: _moment(write.fields[name]) for name in ("start", "end")}
            if row.get("IsAllDayEvent"):
                values["IsAllDayEvent"] = False
        return values


def checked(names: Mapping[str, str]) -> dict[str, str]:
    """Names go into queries as they are, so they have to be names. Empty ones are left out."""
    for name, word in names.items():
        if word and not _NAME.fullmatch(word):
            raise PeerError(f"{word!r} is not the name of a field or object ({name}).", permanent=True)
    return {name: word for name, word in names.items() if word}


def _value(value: Any) -> Any:
    """Empty texts are ``null`` there."""
    return None if value == "" else value


def _moment(text: str) -> str:
    return f"{moment(text):%Y-%m-%dT%H:%M:%SZ}"
