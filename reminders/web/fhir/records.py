"""Patients and appointments: what is kept, and may be written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reminders.domain.appointment import Confirmation, Status
from reminders.domain.fhir import appointment as appointments
from reminders.domain.fhir import patient as patients
from reminders.domain.fhir.clinic import location, practitioner
from reminders.domain.fhir.search import Key, Token, Wanted
from reminders.domain.fhir.shapes import objects, uid_of, versioned
from reminders.domain.fhir.visit import Visit, appointment
from reminders.errors import Invalid, NotFound
from reminders.services.fhir.identity import Identifiers, Known
from reminders.services.fhir.patients import FhirPatients
from reminders.services.fhir.visits import FhirVisits
from reminders.store.engine import Record
from reminders.web.context import actor, snapshot, use_cases
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.searching import (
    APPOINTMENT,
    APPOINTMENT_SORTS,
    PATIENT,
    PATIENT_SORTS,
    Asked,
    Parameters,
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


class Records(Protocol):
    """What is kept of one kind."""

    def get(self, uid: str) -> Known: ...

    def search(self, asked: Wanted) -> list[Known]:
        """One page and one more."""

    def count(self, asked: Wanted) -> int: ...


class Kept(ABC):
    """A kind of which there are many, so that the database looks for them."""

    kind: str
    parameters: Parameters
    sorts: Mapping[str, Key]

    @property
    @abstractmethod
    def records(self) -> Records: ...

    @abstractmethod
    def show(self, known: Known) -> Found: ...

    def included(self, _asked: Asked, _rows: Sequence[Known]) -> Sequence[Found]:
        """What comes along with these."""
        return ()

    def read(self, id_: str) -> Found:
        return self.show(self.records.get(uid_of(id_)))

    def search(self, asked: Asked) -> Page:
        wanted = understood(asked, self.parameters, self.sorts)
        if is_count(asked):
            return Page((), total=self.records.count(wanted))
        rows = self.records.search(wanted)
        following, total = _rest(asked, wanted, rows)
        if following and asked.one("_total") in _COUNTED:
            total = self.records.count(wanted)
        shown = rows[: wanted.limit]
        return Page([self.show(one) for one in shown], following, total, self.included(asked, shown))

    def identifiers(self, resource: Mapping[str, Any]) -> Identifiers:
        return objects(resource, "identifier", self.kind)


class Patients(Kept):
    """``/fhir/Patient``."""

    kind, parameters, sorts = "Patient", PATIENT, PATIENT_SORTS

    @property
    def records(self) -> FhirPatients:
        return use_cases().fhir.patients

    def create(self, resource: Mapping[str, Any], unless: Token | None) -> tuple[Found, bool]:
        known, is_new = self.records.add(patients.read(resource), self.identifiers(resource), unless)
        return self.show(known), is_new

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        person, given = patients.read(resource), self.identifiers(resource)
        return self.show(self.records.change(uid_of(id_), person, given, version))

    def show(self, known: Known) -> Found:
        row, identifiers = known
        updated = row.updated_at or row.created_at
        made = versioned(self.kind, row.uid, row.version, updated)
        if identifiers:
            made["identifier"] = identifiers
        made["name"] = [{"use": "official", "text": row.name}]
        made = patients.with_email(patients.with_phone(made, row.phone), row.email or None)
        made = patients.with_birth_year(patients.with_language(made, _tag(row.language)), row.birth_year)
        return Found(made, row.version, updated)


class Appointments(Kept):
    """``/fhir/Appointment``."""

    kind, parameters, sorts = "Appointment", APPOINTMENT, APPOINTMENT_SORTS

    @property
    def records(self) -> FhirVisits:
        return use_cases().fhir.visits

    def create(self, resource: Mapping[str, Any], unless: Token | None) -> tuple[Found, bool]:
        known, is_new = self.records.book(appointments.read(resource), self.identifiers(resource), actor(), unless)
        return self.show(known), is_new

    def update(self, id_: str, resource: Mapping[str, Any], version: int | None) -> Found:
        meeting, given = appointments.read(resource), self.identifiers(resource)
        return self.show(self.records.change(uid_of(id_), meeting, given, actor(), version))

    def delete(self, id_: str, version: int | None) -> None:
        self.records.remove(uid_of(id_), actor(), version)

    def show(self, known: Known) -> Found:
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

    def included(self, asked: Asked, rows: Sequence[Known]) -> list[Found]:
        """What visits of this page refer to, each once (``_include``)."""
        names = asked.all("_include")
        if not _INCLUDES.keys() >= set(names):
            raise Invalid(f"What is included is one of {', '.join(_INCLUDES)}.", field="_include")
        kinds = {kind for name in names for kind in _INCLUDES[name]}
        return [one for kind, find in _INCLUDED.items() if kind in kinds for one in find([row for row, _ in rows])]


def _patients_of(rows: Sequence[Record]) -> list[Found]:
    kind, uids = Patients(), tuple({row.patient_uid: None for row in rows})
    known = kind.records.search(Wanted(uids=(uids,), limit=len(uids))) if uids else ()
    return [kind.show(one) for one in known]


def _practitioners_of(rows: Sequence[Record]) -> list[Found]:
    numbers = {row.provider_id: None for row in rows if row.provider_id is not None}
    return [Found(practitioner(snapshot().provider_by_id[number])) for number in numbers]


def _locations_of(rows: Sequence[Record]) -> list[Found]:
    numbers = {row.location_id: None for row in rows}
    return [Found(location(snapshot().location_by_id[number])) for number in numbers]


_INCLUDED = {"Patient": _patients_of, "Practitioner": _practitioners_of, "Location": _locations_of}


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


def no_such(kind: str) -> NotFound:
    return NotFound(f"There is no {kind} with this id.")
