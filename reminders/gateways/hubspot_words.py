"""HubSpot's words for patients (contacts) and visits (meetings or appointments): names and values of properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from reminders.domain.connector import Write
from reminders.domain.crm import PATIENT, VISIT, Setting, System, join_name
from reminders.domain.sync import canonical_text
from reminders.gateways.jsonapi import canonical, e164, moment, pairs, parted

SYSTEM = System(
    "hubspot", "HubSpot",
    (
        Setting("token", "Access token of the private app", secret=True),
        Setting("client_secret", "Its client secret, by which webhooks are verified", secret=True, default=""),
        Setting("webhook_url", "Address of webhooks as HubSpot knows it, if it is another than ours", default=""),
        Setting("visits", "Object that holds visits", default="meetings", choices=("meetings", "appointments")),
        Setting("id_property", "Property with unique values for our id", default="reminders_id"),
        Setting("mark_property", "Property for our mark", default="reminders_mark"),
        Setting("confirmed_property", "Property (checkbox) of visits: confirmed", default="reminders_confirmed"),
        Setting("no_sms_property", "Property (checkbox) of contacts: no SMS", default="reminders_no_sms"),
        Setting("no_calls_property", "Property (checkbox) of contacts: no calls", default="reminders_no_calls"),
        Setting("no_email_property", "Property (checkbox) of contacts: no e-mail", default="reminders_no_email"),
        Setting("reason_property", "Property of visits: why it was cancelled, if there is one", default=""),
        Setting("phone_property", "Property of contacts for the phone number", default="phone"),
        Setting("region", "Country of phone numbers without a prefix (ISO 3166-1), such as ES", default=""),
        Setting("statuses", "Other values of the status: VALUE=status, separated by commas", default=""),
        Setting("url", "Address of the API", default="https://api.hubapi.com"),
    ),
    {
        PATIENT: frozenset({"name", "phone", "email", "language", "sms_opt_out", "voice_opt_out", "email_opt_out"}),
        VISIT: frozenset({"start", "end", "patient", "provider", "service", "status", "confirmed", "cancel_reason"}),
    },
)  # fmt: skip
_STATUSES = {
    "pending": "SCHEDULED", "booked": "SCHEDULED", "arrived": "SCHEDULED", "fulfilled": "COMPLETED",
    "cancelled": "CANCELED", "noshow": "NO_SHOW",
}  # fmt: skip
_READ = {
    "SCHEDULED": "booked", "RESCHEDULED": "booked", "COMPLETED": "fulfilled", "CANCELED": "cancelled", "NO_SHOW": "noshow",
}  # fmt: skip
_MEETING = {
    "start": "hs_meeting_start_time", "end": "hs_meeting_end_time", "status": "hs_meeting_outcome",
    "service": "hs_meeting_title", "provider": "hubspot_owner_id",
}  # fmt: skip
_APPOINTMENT = {
    "start": "hs_appointment_start", "end": "hs_appointment_end", "status": "hs_appointment_status",
    "service": "hs_appointment_name", "provider": "hubspot_owner_id",
}  # fmt: skip

Properties = Mapping[str, str | None]


class Words(Protocol):
    """How one kind of thing looks there."""

    @property
    def kind(self) -> str:
        """The object type in addresses."""
        ...

    @property
    def changed(self) -> str:
        """The property that says when a record changed."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that count."""
        ...

    def read(self, properties: Properties, status: str, /) -> dict[str, Any]:
        """Those of these properties that are there, as canonical fields, given the status that we wrote last."""
        ...

    def write(self, write: Write, properties: Properties, /) -> dict[str, str]:
        """The properties to send, given those that are there."""
        ...


class Contacts:
    """Patients."""

    kind, changed = "contacts", "lastmodifieddate"

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._region, self._phone = settings["region"], settings["phone_property"]
        self._outs = {
            "sms_opt_out": settings["no_sms_property"], "voice_opt_out": settings["no_calls_property"],
            "email_opt_out": settings["no_email_property"],
        }  # fmt: skip
        self.names = (
            "firstname",
            "lastname",
            self._phone,
            "email",
            "hs_language",
            "hs_email_optout",
            *self._outs.values(),
        )

    def read(self, properties: Properties, _status: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if "firstname" in properties or "lastname" in properties:
            fields["name"] = canonical_text(join_name(properties.get("firstname"), properties.get("lastname")))
        if self._phone in properties:
            fields["phone"] = e164(properties[self._phone], self._region)
        if "email" in properties:
            fields["email"] = canonical_text(properties["email"])
        if "hs_language" in properties:
            fields["language"] = _tag(properties["hs_language"])
        for name, word in self._outs.items():
            if word in properties:
                fields[name] = properties[word] == "true"
        if fields.get("email_opt_out") is False:  # their own unsubscribe link counts, too; it can only be read
            fields["email_opt_out"] = properties.get("hs_email_optout") == "true"
        return fields

    def write(self, write: Write, properties: Properties) -> dict[str, str]:
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields}
        values: dict[str, str] = {}
        if "name" in wanted:
            values["firstname"], values["lastname"] = parted(wanted["name"], properties.get("lastname") or "")
        if "language" in wanted:
            values["hs_language"] = wanted["language"].lower()
        for name, word in (("phone", self._phone), ("email", "email")):
            if name in wanted:
                values[word] = wanted[name]
        return values | {word: _text(wanted[name]) for name, word in self._outs.items() if name in wanted}


class Visits:
    """Meetings or appointments."""

    changed = "hs_lastmodifieddate"

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.kind = settings["visits"]
        self._words = dict(_MEETING if self.kind == "meetings" else _APPOINTMENT)
        self._confirmed, self._reason = settings["confirmed_property"], settings["reason_property"]
        if self._reason:
            self._words["cancel_reason"] = self._reason
        own = pairs(settings["statuses"], "=")
        self._read = _READ | own
        self._write = _STATUSES | {status: word for word, status in own.items()}
        self.names = (*self._words.values(), self._confirmed)

    def read(self, properties: Properties, status: str) -> dict[str, Any]:
        there = {name: properties[word] or "" for name, word in self._words.items() if word in properties}
        fields: dict[str, Any] = {
            name: canonical_text(there[name]) for name in ("service", "provider", "cancel_reason") if name in there
        }
        for name in ("start", "end"):
            when = canonical(there.get(name))
            if when:
                fields[name] = when
        if "status" in there:
            word = there["status"] or "SCHEDULED"
            fields["status"] = status if self._write.get(status) == word else self._read.get(word, "booked")
        if self._confirmed in properties:
            fields["confirmed"] = properties[self._confirmed] == "true"
        return fields

    def write(self, write: Write, _properties: Properties) -> dict[str, str]:
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields}
        values = {
            self._words[name]: wanted[name] for name in ("service", "provider", "cancel_reason")
            if name in wanted and name in self._words
        }  # fmt: skip
        values |= {self._words[name]: _moment(wanted[name]) for name in ("start", "end") if name in wanted}
        if "start" in wanted and self.kind == "meetings":
            values["hs_timestamp"] = _moment(wanted["start"])  # where it stands in the contact's history
        if "status" in wanted:
            values[self._words["status"]] = self._write[wanted["status"]]
        if "confirmed" in wanted:
            values[self._confirmed] = _text(wanted["confirmed"])
        return values


def _text(value: bool) -> str:
    return "true" if value else "false"


def _moment(text: str) -> str:
    return f"{moment(text):%Y-%m-%dT%H:%M:%SZ}"


def _tag(text: str | None) -> str:
    """HubSpot writes languages in small letters (``pt-br``)."""
    language, mark, region = (text or "").partition("-")
    return f"{language}{mark}{region.upper()}"
