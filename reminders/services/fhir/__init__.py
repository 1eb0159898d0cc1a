"""Use cases behind the FHIR R4 face."""

from __future__ import annotations

from reminders.clock import Clock
from reminders.services.booking import Booking
from reminders.services.catalogue import Catalogue
from reminders.services.fhir.patients import FhirPatients
from reminders.services.fhir.slots import FhirSlots
from reminders.services.fhir.visits import FhirVisits
from reminders.services.lifecycle import Lifecycle
from reminders.store.engine import Database


class Fhir:
    """What other systems read and write."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, booking: Booking
    ) -> None:  # fmt: skip
        self.patients = FhirPatients(database, clock, catalogue)
        self.slots = FhirSlots(database, clock, catalogue)
        self.visits = FhirVisits(database, clock, catalogue, lifecycle, booking)
