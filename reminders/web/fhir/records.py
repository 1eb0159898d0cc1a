"""Patients and appointments: what is kept, and may be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reminders.domain.appointment import Confirmation, Status
from reminders.domain.fhir import appointment as appointments
from reminders.domain.fhir import patient as patients
from reminders.domain.fhir.clinic import location, practitioner
from reminders.domain.fhir.search import Key, Token, Wanted
from reminders.domain.fhir.shapes import objects, uid_of, versioned
from reminders.domain.fhir.visit import Visit, appointment
from reminders.errors import Invalid, NotFound
from reminders.services.fhir.identity import Known
from reminders.web.context import actor, snapshot, use_cases
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.searching import (
    APPOINTMENT,
    APPOINTMENT_SORTS,
    PATIENT,
    PATIENT_SORTS,
    Asked,
    cursor,
    understood,
)

_COLUMNS = {Key.NUMBER: "id", Key.UPDATED: "updated_at", Key.DATE: "start_at", Key.NAME: "name"}
_INCLUDES = {
    "Appointment:patient": ("Patient",), "Appointment:practitioner": ("Practitioner",),
    "Appointment:location": ("Location",), "Appointment:actor": ("Patient", "Practitioner", "Location"),
}  # fmt: skip
#: Totals of lists with several pages are counted only on request.
_COUNTED = frozenset({"accurate", "estimate"})


class Patients:
    """``/fhir/Patient``."""

    kind = "Patient"

    def read(self, id_: str) -> Found:
        return shown_patient(use_cases().fhir.patients.get(uid_of(id_)))

    def search(self, asked: Asked) -> Page:
        work, wanted = use_cases().fhir.patients, understood(asked, PATIENT, PATIENT_SORTS)
        if is_count(asked):
            return Page((), total=work.count(wanted))
        rows = work.search(wanted)
        following, total = _rest(asked, wanted, rows)
        if following and asked.one("_total") in _COUNTED:
            total = work.count(wanted)
        return Page([shown_patient(one) for one in rows[: wanted.limit]], following, total)

    def create(self, resource: Mapping[str, Any], unless: Token | None) -> tuple[Found, bool]:
        person, given = patients.read(resource), objects(resource, "identifier", self.kind)
        known, is_new = use_cases().fhir.patients.add(person, given, unless)
        return shown_patient(known), is_new

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        person, given = patients.read(resource), objects(resource, "identifier", self.kind)
        return shown_patient(use_cases().fhir.patients.change(uid_of(id_), person, given, version))


class Appointments:
    """``/fhir/Appointment``."""

    kind = "Appointment"

    def read(self, id_: str) -> Found:
        return shown_visit(use_cases().fhir.visits.get(uid_of(id_)))

    def search(self, asked: Asked) -> Page:
        work, wanted = use_cases().fhir.visits, understood(asked, APPOINTMENT, APPOINTMENT_SORTS)
        if is_count(asked):
            return Page((), total=work.count(wanted))
        rows = work.search(wanted)
        following, total = _rest(asked, wanted, rows)
        if following and asked.one("_total") in _COUNTED:
            total = work.count(wanted)
        rows = rows[: wanted.limit]
        return Page([shown_visit(one) for one in rows], following, total, _included(asked, rows))

    def create(self, resource: Mapping[str, Any], unless: Token | None) -> tuple[Found, bool]:
        meeting, given = appointments.read(resource), objects(resource, "identifier", self.kind)
        known, is_new = use_cases().fhir.visits.book(meeting, given, actor(), unless)
        return shown_visit(known), is_new

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        meeting, given = appointments.read(resource), objects(resource, "identifier", self.kind)
        return shown_visit(use_cases().fhir.visits.change(uid_of(id_), meeting, given, actor(), version))

    def delete(self, id_: str, version: int | None) -> None:
        use_cases().fhir.visits.remove(uid_of(id_), actor(), version)


def shown_patient(known: Known) -> Found:
    """A card as a resource."""
    row, identifiers = known
    updated = row.updated_at or row.created_at
    made = versioned("Patient", row.uid, row.version, updated)
    if identifiers:
        made["identifier"] = identifiers
    made["name"] = [{"use": "official", "text": row.name}]
    made = patients.with_email(patients.with_phone(made, row.phone), row.email or None)
    made = patients.with_birth_year(patients.with_language(made, _tag(row.language)), row.birth_year)
    return Found(made, row.version, updated)


def shown_visit(known: Known) -> Found:
    """A visit as a resource."""
    row, identifiers = known
    place = snapshot()
    visit = Visit(
        uid=row.uid, version=row.version, updated_at=row.updated_at, status=Status(row.status),
        confirmation=Confirmation(row.confirmation), reason=row.cancel_reason, start=row.start_at, end=row.end_at,
        booked_at=row.booked_at, patient_uid=row.patient_uid, patient_name=row.patient_name,
        provider=place.provider_by_id.get(row.provider_id), location=place.location_by_id[row.location_id],
        service=place.service_by_id[row.service_id], identifiers=identifiers,
    )  # fmt: skip
    return Found(appointment(visit), row.version, row.updated_at)


def is_count(asked: Asked) -> bool:
    """Only the number is wanted."""
    return asked.one("_summary") == "count" or asked.count == 0


def _tag(language: str | None) -> str | None:
    return language.replace("_", "-") if language else None


def _rest(asked: Asked, wanted: Wanted, rows: Sequence[Known]) -> tuple[str | None, int | None]:
    """The cursor of the next page, and the total when this page is all there is."""
    if len(rows) <= wanted.limit:
        return None, len(rows) if asked.one("_after") is None else None
    last = rows[wanted.limit - 1][0]
    return cursor(getattr(last, _COLUMNS[wanted.sort]), last.id), None


def _included(asked: Asked, rows: Sequence[Known]) -> list[Found]:
    """What visits of this page refer to, each once (``_include``)."""
    kinds: set[str] = set()
    for name in asked.all("_include"):
        if name not in _INCLUDES:
            raise Invalid(f"What is included is one of {', '.join(_INCLUDES)}.", field="_include")
        kinds.update(_INCLUDES[name])
    found: list[Found] = []
    place = snapshot()
    uids = tuple({row.patient_uid: None for row, _ in rows})
    if "Patient" in kinds and uids:
        cards = use_cases().fhir.patients.search(Wanted(uids=(uids,), limit=len(uids)))
        found += [shown_patient(one) for one in cards]
    if "Practitioner" in kinds:
        numbers = {row.provider_id: None for row, _ in rows if row.provider_id is not None}
        found += [Found(practitioner(place.provider_by_id[number])) for number in numbers]
    if "Location" in kinds:
        found += [
            Found(location(place.location_by_id[number])) for number in {row.location_id: None for row, _ in rows}
        ]
    return found


def no_such(kind: str) -> NotFound:
    return NotFound(f"There is no {kind} with this id.")
