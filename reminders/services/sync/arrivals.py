"""Many visits taken in with one transaction: what each would ask of the database, asked once for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import Connection

from reminders.domain.connector import Remote
from reminders.domain.crm import PATIENT
from reminders.domain.sync import Link
from reminders.store import appointments, links


class Arrivals:
    """Whose they are, by the patients' ids there, and at which times those have visits here. Each that is taken in adds
    its own time, so that the next one is compared with it, too."""

    def __init__(self, known: Mapping[str, Link], taken: set[tuple[str, datetime]]) -> None:
        self._known, self._taken = known, taken
        self._there = {link.local_id: there for there, link in known.items() if not link.dead}

    @classmethod
    def of(cls, tx: Connection, connection: int, remotes: Sequence[Remote]) -> Self:
        ids = {str(remote.fields["patient"]) for remote in remotes if remote.fields.get("patient")}
        known = links.by_remotes(tx, connection, PATIENT, sorted(ids))
        starts = [datetime.fromisoformat(remote.fields["start"]) for remote in remotes if remote.fields.get("start")]
        patients = sorted({link.local_id for link in known.values() if link.local_id})
        taken = appointments.between(tx, patients, min(starts), max(starts)) if starts else set()
        return cls(known, taken)

    def patient_here(self, there: str) -> Link | None:
        """The link of a patient there, also one that is dead."""
        return self._known.get(there)

    def patient_there(self, uid: str) -> str | None:
        """What a patient of ours is called there, if a visit of theirs is among these."""
        return self._there.get(uid)

    def is_new(self, patient: str, start: datetime) -> bool:
        """This patient of ours has no visit that begins at this moment."""
        return (patient, start) not in self._taken

    def add(self, patient: str, start: datetime) -> None:
        """A visit of this patient was taken in."""
        self._taken.add((patient, start))
