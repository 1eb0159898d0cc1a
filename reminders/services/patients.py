"""Patients' cards: contact, language, and what they allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.errors import Invalid, Stale
from reminders.services.catalogue import Catalogue
from reminders.services.phones import e164
from reminders.store import consents, keys, messages, patients
from reminders.store import reminders as reminder_store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid


@dataclass(frozen=True, slots=True)
class Card:
    """A patient with the stops in force for the phone: "sms", "voice" or "all"."""

    patient: Record
    opted_out: tuple[str, ...]


class Patients:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def add(self, values: dict[str, Any], country: str | None, once: Once | None = None) -> Card:
        """Store a patient; a phone in national form is read in ``country``, else in the clinic's."""
        now = self._clock.now()
        row = self._checked(values, country) | {"uid": new_uid("pat", now), "version": 1, "created_at": now}
        with self._database.write() as tx:
            earlier = keys.claim_once(tx, once, row["uid"], now) if once else None
            if earlier is None:
                patients.add(tx, row)
        return self.get(earlier or row["uid"])

    def change(self, uid: str, values: dict[str, Any], country: str | None, version: int | None = None) -> Card:
        """Change what is given; a new phone takes a flagged number's warning away."""
        row = self._checked(values, country)
        if "phone" in row:
            row["phone_problem"] = None
        with self._database.write() as tx:
            patient = patients.get(tx, uid, lock=True)
            if version is not None and patient.version != version:
                raise Stale(current_version=patient.version)
            if row:
                patients.change(tx, patient.id, row)
        return self.get(uid)

    def get(self, uid: str) -> Card:
        with self._database.read() as tx:
            patient = patients.get(tx, uid)
            stops = consents.in_force(tx, [patient.phone] if patient.phone else [])
        return Card(patient, tuple(sorted(channel for _, channel in stops)))

    def listing(self, after: int, limit: int, text: str | None, phone: str | None) -> Sequence[Card]:
        """One page and one row more."""
        number = e164(phone, self._country()) if phone else None
        with self._database.read() as tx:
            rows = patients.listing(tx, after, limit + 1, text, number)
            stops = consents.in_force(tx, {row.phone for row in rows if row.phone})
        return [Card(row, tuple(sorted(channel for phone_, channel in stops if phone_ == row.phone))) for row in rows]

    def conversation(self, uid: str) -> Sequence[Record]:
        """Everything said to and by the patient, newest first."""
        with self._database.read() as tx:
            return messages.conversation(tx, patients.get(tx, uid).id)

    def stop(self, uid: str, channel: str, actor: Actor) -> Card:
        """The patient told the desk to stop: withdraws what is planned and keeps who wrote it down."""
        now = self._clock.now()
        with self._database.write() as tx:
            phone = _phone(patients.get(tx, uid))
            consents.stop(tx, phone, channel, now, f"desk: {actor.name}", None)
            reminder_store.withdraw_for_phone(tx, phone, None if channel == consents.ALL else channel, now)
        return self.get(uid)

    def allow(self, uid: str) -> Card:
        """The patient told the desk to start again."""
        with self._database.write() as tx:
            phone, now = _phone(patients.get(tx, uid)), self._clock.now()
            consents.start(tx, phone, None, now)
            reminder_store.resume_for_phone(tx, phone, None, now)
        return self.get(uid)

    def _checked(self, values: dict[str, Any], country: str | None) -> dict[str, Any]:
        row = dict(values)
        if row.get("phone"):
            row["phone"] = e164(row["phone"], country or self._country())
        if row.get("time_zone"):
            known_zone(row["time_zone"])
        return row

    def _country(self) -> str:
        locations = list(self._catalogue.current().location_by_id.values())
        return locations[0].country if locations else "US"


def known_zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``; ``Invalid`` when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise Invalid("This is not an IANA time zone, such as Europe/Madrid.", field="time_zone") from problem


def _phone(patient: Record) -> str:
    if not patient.phone:
        raise Invalid("This patient has no phone number.", field="phone")
    return str(patient.phone)
