"""Writes past visits, with their patients, history and reminders, in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.appointment import Confirmation
from reminders.domain.delivery import Reason, State
from reminders.domain.imports import Visit
from reminders.domain.mapping import Mapping
from reminders.errors import Conflict, Invalid
from reminders.services.phones import e164
from reminders.store import changes, clinic
from reminders.store import imports as store
from reminders.store.ids import new_uid
from reminders.store.tables import (
    Appointment,
    AppointmentHistory,
    Location,
    Patient,
    Provider,
    Reminder,
    Service,
)

Columns = dict[str, Sequence[Any]]

_BAD_PHONE = "not a phone number"


class PlaceDiffers(Conflict):
    """A location of this name exists in another time zone, so the days of the visits would be wrong."""

    code = "location_differs"
    sentence = "The location of this name is in another time zone than the mapping says."


class VisitLoader:
    """Remembers the locations, services and providers of one run by name, and makes those that are not there.

    What it makes is inactive: nobody can book a service or provider known only from the past until somebody says so.
    """

    def __init__(self, mapping: Mapping, clock: Clock) -> None:
        self.source = mapping.source
        self._mapping = mapping
        self._clock = clock
        self._locations: dict[str, int | None] = {}
        self._services: dict[str, int] = {}
        self._providers: dict[tuple[str, int], int] = {}

    def places(self, tx: Connection, visits: Sequence[Visit]) -> None:
        """Look up the locations of these visits; ``PlaceDiffers`` when one is not what the mapping says."""
        for name in {self._location_of(visit) for visit in visits} - {
            n for n, found in self._locations.items() if found
        }:
            found = store.location_named(tx, name)
            if found is not None and found.time_zone != self._mapping.place.zone.key:
                raise PlaceDiffers(
                    f"The location {name} is in {found.time_zone}; the mapping says {self._mapping.place.zone.key}."
                )
            self._locations[name] = None if found is None else int(found.id)

    def insert(self, tx: Connection, visits: Sequence[Visit]) -> None:
        """Store visits none of which is there yet."""
        if not visits:
            return
        self.places(tx, visits)
        now = self._clock.now()
        made: list[tuple[str, str]] = []
        patients = self._patients(tx, visits, now, made)
        numbers = store.reserve(tx, Appointment, len(visits))
        self._add_visits(tx, visits, numbers, [patients[visit.patient_id] for visit in visits], now, made)
        facts = [visit.account().facts() for visit in visits]
        self._add_history(tx, numbers, facts, now)
        reminded = [pair for pair in zip(numbers, visits, strict=True) if pair[1].reminder]
        self._add_reminders(tx, reminded, patients, now)
        changes.note_new(tx, made, now)

    def _patients(
        self, tx: Connection, visits: Sequence[Visit], now: datetime, made: list[tuple[str, str]]
    ) -> dict[str, int]:
        """Internal numbers by external id. What a patient is called is taken from the first row that names them."""
        first = {visit.patient_id: visit for visit in reversed(visits)}
        known = store.patient_numbers(tx, self.source, first)
        new = [visit for visit in reversed(first.values()) if visit.patient_id not in known]
        numbers = store.reserve(tx, Patient, len(new))
        phones = [self._phone(visit.phone) for visit in new]
        columns: Columns = {
            "id": numbers, "uid": store.uids("pat", now, len(new)),
            "name": [visit.name or f"#{visit.patient_id}" for visit in new], "phone": [phone for phone, _ in phones],
            "phone_problem": [problem for _, problem in phones], "email": [visit.email or None for visit in new],
            "language": [visit.language or None for visit in new], "birth_year": [visit.birth_year for visit in new],
            "external_id": [visit.patient_id for visit in new],
        }  # fmt: skip
        store.add(tx, Patient, columns, {"source": self.source, "version": 1, "created_at": now, "updated_at": now})
        made += [(changes.PATIENTS, uid) for uid in columns["uid"]]
        return known | dict(zip(columns["external_id"], numbers, strict=True))

    def _phone(self, text: str) -> tuple[str | None, str | None]:
        """(E.164, problem): a visit that took place is not lost over a mistyped number."""
        try:
            return (e164(text, self._mapping.place.country), None) if text else (None, None)
        except Invalid:
            return None, _BAD_PHONE

    def _add_visits(
        self, tx: Connection, visits: Sequence[Visit], numbers: Sequence[int], patients: Sequence[int], now: datetime,
        made: list[tuple[str, str]],
    ) -> None:  # fmt: skip
        places = [self._location(tx, self._location_of(visit), now) for visit in visits]
        starts, ends = [visit.start_at for visit in visits], [visit.end_at for visit in visits]
        columns: Columns = {
            "id": numbers, "uid": store.uids("apt", now, len(visits)), "location_id": places,
            "provider_id": [self._provider(tx, visit.provider, place, now) for visit, place in zip(visits, places, strict=True)],
            "service_id": [self._service(tx, visit.service or self._mapping.offer.name, now) for visit in visits],
            "patient_id": patients, "status": [visit.status.value for visit in visits], "start_at": starts,
            "end_at": ends, "busy_start": starts, "busy_end": ends, "timed": [visit.timed for visit in visits],
            "local_day": [visit.local_day for visit in visits], "booked_at": [visit.booked_at for visit in visits],
            "lead_days": [visit.lead_days for visit in visits],
            "external_id": [visit.external_id for visit in visits],
        }  # fmt: skip
        constants = {"confirmation": Confirmation.UNCONFIRMED.value, "occupies": False, "version": 1,
                     "source": self.source, "updated_at": now}  # fmt: skip
        store.add(tx, Appointment, columns, constants)
        made += [(changes.VISITS, uid) for uid in columns["uid"]]

    def _add_history(self, tx: Connection, numbers: Sequence[int], facts: Sequence[Any], now: datetime) -> None:
        constants = {"at": now, "change": store.CHANGE, "actor": store.CHANGE, "channel": store.CHANGE, "version": 1}
        store.add(tx, AppointmentHistory, {"appointment_id": numbers, "facts": facts}, constants)

    def _add_reminders(
        self, tx: Connection, visits: Sequence[tuple[int, Visit]], patients: dict[str, int], now: datetime
    ) -> None:
        """Reminders of unknown text, time and cost: the start of the visit stands in for the time."""
        starts = [visit.start_at for _, visit in visits]
        columns: Columns = {
            "uid": store.uids("rem", now, len(visits)), "appointment_id": [number for number, _ in visits],
            "patient_id": [patients[visit.patient_id] for _, visit in visits], "due_at": starts, "not_after": starts,
            "channel": [str(visit.reminder) for _, visit in visits],
        }  # fmt: skip
        constants = {"kind": "reminder", "plan": 1, "step": 0, "state": State.SENT.value,
                     "reason": Reason.IMPORTED.value, "attempts": 0, "updated_at": now}  # fmt: skip
        store.add(tx, Reminder, columns, constants)

    def _location_of(self, visit: Visit) -> str:
        return visit.location or self._mapping.place.name

    def _location(self, tx: Connection, name: str, now: datetime) -> int:
        number = self._locations[name]
        if number is None:
            place = self._mapping.place
            number = self._locations[name] = clinic.add(tx, Location, {
                "uid": new_uid("loc", now), "name": name, "time_zone": place.zone.key, "country": place.country,
                "observes_holidays": True, "language": place.language, "currency": place.currency,
                "created_at": now,
            })  # fmt: skip
        return number

    def _service(self, tx: Connection, name: str, now: datetime) -> int:
        if name not in self._services:
            minutes = self._mapping.offer.duration_minutes
            self._services[name] = store.service_named(tx, name) or clinic.add(tx, Service, {
                "uid": new_uid("svc", now), "name": name, "duration_minutes": minutes,
                "buffer_before_minutes": 0, "buffer_after_minutes": 0, "longest_minutes": minutes, "slot_minutes": minutes,
                "min_notice_minutes": 0, "horizon_days": 0, "active": False, "created_at": now,
            })  # fmt: skip
        return self._services[name]

    def _provider(self, tx: Connection, name: str, location_id: int, now: datetime) -> int | None:
        if not name:
            return None
        key = (name, location_id)
        if key not in self._providers:
            self._providers[key] = store.provider_named(tx, name, location_id) or clinic.add(tx, Provider, {
                "uid": new_uid("prv", now), "name": name, "location_id": location_id, "languages": [],
                "active": False, "created_at": now,
            })  # fmt: skip
        return self._providers[key]
