"""Canonical fields of patients and visits (``domain/crm.py``) in FHIR's words. Writing starts from the resource as it was
there and replaces only what changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reminders.domain.connector import Write
from reminders.domain.crm import PATIENT, VISIT, Setting, System
from reminders.domain.fhir import appointment as appointments
from reminders.domain.fhir import patient as patients
from reminders.domain.fhir.shapes import codes, objects, target, words
from reminders.domain.sync import canonical_moment, canonical_text
from reminders.errors import Invalid
from reminders.gateways.jsonapi import e164, moment

SYSTEM = System(
    "fhir", "FHIR R4",
    (
        Setting("url", "Address of the server (its base), such as https://emr.example/fhir"),
        Setting("token", "Bearer token, if that is how it is entered", secret=True, default=""),
        Setting("username", "Name, if it is entered with a password", default=""),
        Setting("password", "Password of that name", secret=True, default=""),
        Setting("client_id", "Client of OAuth 2.0 client credentials", default=""),
        Setting("client_secret", "Secret of that client", secret=True, default=""),
        Setting("token_url", "Where that client fetches its tokens", default=""),
        Setting("scope", "Scopes it asks for, such as system/Patient.rs system/Appointment.cruds", default=""),
        Setting("id_system", "System of the identifier that carries our id", default="urn:reminders:id"),
        Setting("region", "Country of phone numbers without a prefix (ISO 3166-1), such as ES", default=""),
        Setting("actor", "What a provider is there", default="Practitioner",
                choices=("Practitioner", "PractitionerRole", "Location", "HealthcareService")),
        Setting("visits", "Only visits that these search parameters find, such as location=Location/1", default=""),
        Setting("moves", "What may change of a visit there: everything; a move is a cancellation and a new visit; the same,"
                " and nothing else but its status; or it is never moved", default="update",
                choices=("update", "replace", "status", "refuse")),
    ),
    {
        PATIENT: frozenset({"name", "phone", "email", "language", "birth_year"}),
        VISIT: frozenset({"start", "end", "patient", "provider", "service", "status", "confirmed", "cancel_reason"}),
    },
)  # fmt: skip
#: Extension of our identifier that holds the marker of our last write.
MARK = "urn:reminders:rev"
TIMES = frozenset({"start", "end", "provider"})
_ACCEPTED = "accepted"


class Patients:
    """``Patient``."""

    kind = "Patient"

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._region = settings["region"]

    def read(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        person = patients.read(resource)
        return {
            "name": canonical_text(person.name), "email": canonical_text(person.email),
            "phone": e164(person.phones[0], self._region) if person.phones else "",
            "language": person.language or "", "birth_year": person.birth_year,
        }  # fmt: skip

    def write(self, write: Write, resource: dict[str, Any]) -> dict[str, Any]:
        made = {"resourceType": self.kind, **resource}
        wanted = {name: write.fields[name] for name in write.changed if name in write.fields}
        if wanted.get("name"):
            made = patients.with_name(made, wanted["name"], parts=True)
        if "phone" in wanted and self.read(made)["phone"] != wanted["phone"]:
            made = patients.with_phone(made, wanted["phone"] or None)
        if "email" in wanted:
            made = patients.with_email(made, wanted["email"] or None)
        if "language" in wanted:
            made = patients.with_language(made, wanted["language"] or None)
        return patients.with_birth_year(made, wanted["birth_year"]) if "birth_year" in wanted else made


class Visits:
    """``Appointment``."""

    kind = "Appointment"

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._actor = settings["actor"]

    def read(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        meeting = appointments.read({**resource, "participant": resource.get("participant") or _NOBODY})
        fields: dict[str, Any] = {
            "patient": meeting.actors.get("Patient", ""), "provider": meeting.actors.get(self._actor, ""),
            "service": _service(resource), "status": appointments.STATUSES.get(meeting.status, _WAITING).value,
            "confirmed": meeting.answer == _ACCEPTED, "cancel_reason": canonical_text(meeting.reason),
        }  # fmt: skip
        if meeting.start is not None and meeting.end is not None:
            fields |= {"start": canonical_moment(meeting.start), "end": canonical_moment(meeting.end)}
        return fields

    def write(self, write: Write, resource: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"resourceType": self.kind, **resource}
        fields, changed = write.fields, write.changed & write.fields.keys()
        if changed & {"status", "cancel_reason"}:
            status = self._status(fields["status"], made)
            made = appointments.with_status(made, status, fields.get("cancel_reason") or None)
        if changed & {"start", "end"}:
            made = appointments.with_times(made, moment(fields["start"]), moment(fields["end"]))
        if "service" in changed:
            made = _with_service(made, fields["service"])
        if "patient" in changed:
            who = appointments.participant({"reference": f"Patient/{fields['patient']}"}, "needs-action")
            made = appointments.with_participant(made, "Patient", who)
        if "provider" in changed and fields["provider"]:
            there = appointments.participant({"reference": f"{self._actor}/{fields['provider']}"})
            made = appointments.with_participant(made, self._actor, there)
        if changed & {"confirmed", "patient"}:
            made = appointments.with_answer(made, self._answer(bool(fields.get("confirmed")), made))
        return made

    def _status(self, wanted: str, resource: Mapping[str, Any]) -> str:
        """A finer word that is there already says the same."""
        known = str(resource.get("status"))
        same = known in appointments.STATUSES and appointments.STATUSES[known].value == wanted
        return known if same else wanted

    def _answer(self, confirmed: bool, resource: Mapping[str, Any]) -> str:
        known = appointments.read(resource).answer
        if confirmed:
            return _ACCEPTED
        return known if known not in (None, _ACCEPTED) else "needs-action"


_NOBODY = [{"status": "needs-action"}]
_WAITING = appointments.STATUSES["pending"]


def _service(resource: Mapping[str, Any]) -> str:
    """``system|code``, a code, or words: what settings map to a service of ours."""
    for one in objects(resource, "serviceType", "Appointment"):
        for system, code in codes(one, "Appointment.serviceType"):
            return f"{system}|{code}" if system else code
        if words(one):
            return canonical_text(words(one))
    return ""


def _with_service(resource: Mapping[str, Any], value: str) -> dict[str, Any]:
    kept = {name: one for name, one in resource.items() if name != "serviceType"}
    if not value:
        return kept
    system, bar, code = value.rpartition("|")
    made = {"coding": [{"system": system, "code": code}]} if bar else {"text": value}
    return kept | {"serviceType": [made]}


# What a resource carries of us


def marked(resource: Mapping[str, Any], system: str, write: Write) -> dict[str, Any]:
    """The resource with our id and the marker of this write; a text made from it before would no longer be true."""
    ours = {
        "use": "secondary",
        "system": system,
        "value": write.uid,
        "extension": [{"url": MARK, "valueString": write.rev}],
    }
    others = [one for one in objects(resource, "identifier", "Resource") if one.get("system") != system]
    made = {**resource, "identifier": [*others, ours]}
    text = made.get("text")
    if isinstance(text, Mapping) and text.get("status") == "generated":
        del made["text"]
    return made


def mark_of(resource: Mapping[str, Any], system: str) -> tuple[str | None, str | None]:
    """(our id, marker of our last write)."""
    for one in objects(resource, "identifier", "Resource"):
        if one.get("system") == system and isinstance(one.get("value"), str):
            marks = [
                each.get("valueString") for each in objects(one, "extension", "identifier") if each.get("url") == MARK
            ]
            return one["value"], marks[0] if marks else None
    return None, None


def is_mistake(resource: Mapping[str, Any]) -> bool:
    """Kept only for the record: it counts as deleted."""
    return resource.get("status") == appointments.MISTAKE


def readable(words_: Patients | Visits, resource: Mapping[str, Any]) -> dict[str, Any] | None:
    """Its fields; ``None`` when it has not the shape of its kind."""
    try:
        return words_.read(resource)
    except Invalid:
        return None


def id_in(location: str) -> str | None:
    """The id that a Location header names."""
    found = target(location)
    return found[1] if found else None
