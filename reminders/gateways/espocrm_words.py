"""EspoCRM's words for patients (Contact) and visits (Meeting)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reminders.domain.connector import Write
from reminders.domain.crm import PATIENT, VISIT, Setting, System, join_name
from reminders.domain.sync import canonical_text
from reminders.gateways.jsonapi import canonical, e164, moment, pairs, parted

SYSTEM = System(
    "espocrm", "EspoCRM",
    (
        Setting("url", "Address of the site, without api/v1"),
        Setting("api_key", "Key of the API user", secret=True),
        Setting("secret_key", "Its secret key, when it authenticates by HMAC", secret=True, default=""),
        Setting("webhooks", "Webhooks: ID:SECRET KEY, separated by commas", secret=True, default=""),
        Setting("region", "Country of phone numbers without a prefix (ISO 3166-1), such as ES", default=""),
        Setting("id_field", "Field of Contact and Meeting for our id", default="cRemindersId"),
        Setting("mark_field", "Field of Contact and Meeting for our mark", default="cRemindersMark"),
        Setting("language_field", "Field of Contact for the language (BCP 47), if there is one", default=""),
        Setting("service_field", "Field of Meeting for the service", default="name"),
        Setting("reason_field", "Field of Meeting for why it was cancelled, if there is one", default=""),
        Setting("statuses", "Own statuses of Meeting: WORD=status, separated by commas", default=""),
        Setting("assigned_user", "ID of the user for visits of providers who are no users there", default=""),
        Setting("duplicates", "Create contacts that look like others there", default="ask", choices=("ask", "create")),
    ),
    {
        PATIENT: frozenset({"name", "phone", "email", "language", "sms_opt_out", "voice_opt_out", "email_opt_out"}),
        VISIT: frozenset({"start", "end", "patient", "provider", "service", "status", "confirmed", "cancel_reason"}),
    },
    {PATIENT: "{url}/#Contact/view/{id}", VISIT: "{url}/#Meeting/view/{id}"},
)  # fmt: skip
#: The three statuses of a new EspoCRM; what has no word of its own there takes the nearest.
_STATUSES = {
    "pending": "Planned", "booked": "Planned", "arrived": "Planned", "fulfilled": "Held", "cancelled": "Not Held",
    "noshow": "Not Held",
}  # fmt: skip
_NAME = ("firstName", "middleName", "lastName")
_TIMES = ("dateStart", "dateEnd", "dateStartDate", "dateEndDate")


class Contacts:
    """Patients."""

    kind = "Contact"
    shared: Mapping[str, str] = {
        "phoneNumber": "phoneNumberIsOptedOut", "emailAddress": "emailAddressIsOptedOut",
    }  # fmt: skip
    beside: tuple[str, ...] = ()

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._region, self._language = settings["region"], settings["language_field"]
        self._words = {
            "phone": "phoneNumber", "sms_opt_out": "phoneNumberIsOptedOut", "email": "emailAddress",
            "email_opt_out": "emailAddressIsOptedOut", "voice_opt_out": "doNotCall", "language": self._language,
        }  # fmt: skip
        extra = (self._language,) if self._language else ()
        self.select = (
            *_NAME, "phoneNumber", "phoneNumberIsOptedOut", "emailAddress", "emailAddressIsOptedOut", "doNotCall", *extra,
        )  # fmt: skip

    def read(self, record: Mapping[str, Any], _status: str) -> dict[str, Any]:
        given = join_name(record.get("firstName"), record.get("middleName"))
        fields: dict[str, Any] = {
            "name": canonical_text(join_name(given, record.get("lastName"))),
            "phone": e164(record.get("phoneNumber"), self._region),
            "email": canonical_text(record.get("emailAddress")), "voice_opt_out": bool(record.get("doNotCall")),
        }  # fmt: skip
        if fields["phone"]:  # an opt-out is kept with the number or address, so without one there is none
            fields["sms_opt_out"] = bool(record.get("phoneNumberIsOptedOut"))
        if fields["email"]:
            fields["email_opt_out"] = bool(record.get("emailAddressIsOptedOut"))
        if self._language:
            fields["language"] = canonical_text(record.get(self._language))
        return fields

    def write(self, write: Write, record: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields}
        if "name" in wanted:
            given, family = parted(wanted["name"], record.get("lastName") or "")
            values |= {"firstName": given, "lastName": family}
            if record.get("middleName"):
                values["middleName"] = None
        values |= {word: wanted[name] for name, word in self._words.items() if word and name in wanted}
        for number, out in (("phone", "sms_opt_out"), ("email", "email_opt_out")):
            word = self._words[out]
            if number in wanted and out in write.fields:  # else a new number takes over what was said about the old one
                values[word] = write.fields[out]
            if write.create and not values.get(word):
                values.pop(word, None)  # somebody else with this number may have opted out
        return values


class Meetings:
    """Visits."""

    kind = "Meeting"
    shared: Mapping[str, str] = {}
    beside = ("contactsColumns",)

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._service, self._reason = settings["service_field"], settings["reason_field"]
        self.assignee: str | None = settings["assigned_user"] or None
        own = pairs(settings["statuses"], "=")
        self._read = {"Planned": "booked", "Held": "fulfilled", "Not Held": "cancelled"} | own
        self._write = _STATUSES | {status: word for word, status in own.items()}
        extra = tuple(name for name in (self._service, self._reason) if name and name != "name")
        self.select = (
            "name", *_TIMES, "status", "parentType", "parentId", "contactsIds", "assignedUserId", *extra,
        )  # fmt: skip

    def read(self, record: Mapping[str, Any], status: str) -> dict[str, Any]:
        patient = _patient(record)
        fields: dict[str, Any] = {"status": self._status(record, status), "patient": patient}
        start, end = canonical(record.get("dateStart")), canonical(record.get("dateEnd"))
        if start and end and not record.get("dateStartDate"):
            fields |= {"start": start, "end": end}
        assignee = record.get("assignedUserId") or ""
        fields["provider"] = "" if assignee == self.assignee else assignee
        columns = record.get("contactsColumns")
        if patient and isinstance(columns, Mapping):
            fields["confirmed"] = (columns.get(patient) or {}).get("status") == "Accepted"
        for name, word in (("service", self._service), ("cancel_reason", self._reason)):
            if word:
                fields[name] = canonical_text(record.get(word))
        return fields

    def write(self, write: Write, record: Mapping[str, Any]) -> dict[str, Any]:
        fields, changed = write.fields, write.changed
        values: dict[str, Any] = {"name": "Visit"} if write.create else {}
        if changed & {"start", "end"}:
            values |= {"dateStart": _time(fields["start"]), "dateEnd": _time(fields["end"])}
            if record.get("dateStartDate"):
                values |= {"dateStartDate": None, "dateEndDate": None}
        if "status" in changed:
            values["status"] = self._write[fields["status"]]
        if "provider" in changed or write.create:
            values["assignedUserId"] = fields.get("provider") or self.assignee or None
        for name, word in (("service", self._service), ("cancel_reason", self._reason)):
            if word and name in changed and (fields[name] or word != "name"):
                values[word] = fields[name]
        if changed & {"patient", "confirmed"}:
            values |= _attending(fields, record)
        return values

    def _status(self, record: Mapping[str, Any], ours: str) -> str:
        """Several statuses share a word there: ours counts while the word is still the one we wrote. Else "not held",
        said after the visit should have begun, means that nobody came."""
        word = record.get("status") or "Planned"
        if self._write.get(ours) == word:
            return ours
        status = self._read.get(word, "booked")
        if word == "Not Held" and _is_late(record):
            return "noshow"
        return status


def _patient(record: Mapping[str, Any]) -> str:
    """The contact that the meeting belongs to, else the only one that attends."""
    if record.get("parentType") == "Contact" and record.get("parentId"):
        return str(record["parentId"])
    attending = record.get("contactsIds") or []
    return str(attending[0]) if len(attending) == 1 else ""


def _attending(fields: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """The patient attends, with the answer given; whoever else attends stays."""
    patient, before = fields["patient"], _patient(record)
    ids = [one for one in record.get("contactsIds") or [] if one not in (before, patient)] + [patient]
    columns = {key: value for key, value in (record.get("contactsColumns") or {}).items() if key in ids}
    said = (columns.get(patient) or {}).get("status")
    if "confirmed" in fields:
        said = "Accepted" if fields["confirmed"] else ("None" if said in (None, "Accepted") else said)
        columns[patient] = {"status": said}
    belongs = {"parentType": "Contact", "parentId": patient}
    others = record.get("parentType") not in (None, "", "Contact")
    return {"contactsIds": ids, "contactsColumns": columns, **({} if others else belongs)}


def _is_late(record: Mapping[str, Any]) -> bool:
    start, changed = record.get("dateStart") or "", record.get("modifiedAt") or ""
    return bool(start and changed) and moment(changed) >= moment(start)


def _time(text: str) -> str:
    """UTC, as EspoCRM writes it."""
    return f"{moment(text):%Y-%m-%d %H:%M:%S}"
