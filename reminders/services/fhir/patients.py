"""Patients as other systems read and write them through FHIR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.fhir.patient import Person
from reminders.domain.fhir.search import Token, Wanted
from reminders.errors import Invalid, Stale
from reminders.services import cards
from reminders.services.catalogue import Catalogue
from reminders.services.fhir.identity import Identifiers, Known, once, own, wanted, with_identifiers
from reminders.services.phones import e164
from reminders.store import fhir, patients
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

PATIENT = "Patient"
_MOST_LANGUAGE, _MOST_EMAIL = 40, 254


class FhirPatients:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def get(self, uid: str) -> Known:
        with self._database.read() as tx:
            return with_identifiers(tx, PATIENT, [patients.get(tx, uid)])[0]

    def search(self, asked: Wanted) -> list[Known]:
        """One page and one more."""
        with self._database.read() as tx:
            return with_identifiers(tx, PATIENT, fhir.patients(tx, asked))

    def count(self, asked: Wanted) -> int:
        with self._database.read() as tx:
            return fhir.count_patients(tx, asked)

    def add(self, person: Person, identifiers: Identifiers, unless: Token | None = None) -> tuple[Known, bool]:
        """Store a patient, unless one has the identifier ``unless``; returns the card and whether it is new."""
        values, condition = self._values(person), wanted(unless)
        if values["name"] is None:
            raise Invalid("A patient has a name.", field="Patient.name")

        def make(tx: Connection) -> Record:
            now = self._clock.now()
            row = {**values, "uid": new_uid("pat", now), "version": 1, "created_at": now, "paused": person.inactive}
            number = cards.add(tx, row, now)
            fhir.keep(tx, PATIENT, number, own(identifiers))
            return patients.by_number(tx, number)

        def find(tx: Connection) -> Sequence[Record]:
            return fhir.patients(tx, condition) if condition else []

        row, is_new = once(self._database, find, make)
        return self.get(row.uid), is_new

    def change(self, uid: str, person: Person, identifiers: Identifiers, version: int | None = None) -> Known:
        """Make the card say what the resource says. Somebody who died or whose record is closed is written to no more;
        the other way round only the desk decides."""
        values, now = self._values(person), self._clock.now()
        if values["name"] is None:
            raise Invalid("A patient has a name.", field="Patient.name")
        with self._database.write() as tx:
            card = cards.usable(tx, uid, lock=True)
            if version is not None and card.version != version:
                raise Stale(current_version=card.version)
            changed = {name: value for name, value in values.items() if getattr(card, name) != value}
            if person.inactive and not card.paused:
                changed["paused"] = True
            if fhir.keep(tx, PATIENT, card.id, own(identifiers)) or changed:
                cards.edit(tx, card, changed, now)
        return self.get(uid)

    def _values(self, person: Person) -> dict[str, Any]:
        email = person.email if person.email and "@" in person.email and len(person.email) <= _MOST_EMAIL else None
        if person.email and not email:
            raise Invalid("This is not an e-mail address.", field="Patient.telecom")
        return {
            "name": person.name, "phone": self._phone(person.phones), "email": email,
            "language": person.language[:_MOST_LANGUAGE] if person.language else None, "birth_year": person.birth_year,
        }  # fmt: skip

    def _phone(self, written: Sequence[str]) -> str | None:
        """The first that can be a number in the clinic's country; ``Invalid`` when none of them can."""
        country = self._country()
        for text in written:
            try:
                return e164(text, country)
            except Invalid:
                continue
        if written:
            raise Invalid("None of these is a phone number.", field="Patient.telecom")
        return None

    def _country(self) -> str:
        places = list(self._catalogue.current().location_by_id.values())
        return places[0].country if places else "US"
