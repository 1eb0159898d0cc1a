"""One claim on its way to becoming messages, and how its rows look to the rules of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.domain.clinic import Location, Policy
from reminders.domain.combining import Candidate
from reminders.domain.cost import RateCard
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.dispatch import Situation
from reminders.domain.plan import Step
from reminders.domain.ports import Attachment
from reminders.errors import Invalid
from reminders.services import situations
from reminders.services.catalogue import Snapshot
from reminders.services.planning import Lot
from reminders.services.situations import Due
from reminders.store import claims
from reminders.store.engine import Record
from reminders.texts import Facts, Rendered


@dataclass(frozen=True, slots=True)
class Job:
    """One message whose attempt is written and whose provider has to be asked. ``reminders`` are all it speaks for, the
    one that carries it first; ``reminder_uid`` is the public id of that one, the same at every attempt."""

    reminders: tuple[int, ...]
    token: str
    uid: str
    reminder_uid: str
    channel: Channel
    to: str
    body: str
    subject: str
    segments: int
    attempts: int
    not_after: datetime
    attachment: Attachment | None = None


@dataclass(slots=True)
class Batch:
    """One claim on its way: what is decided so far. ``visits``: for e-mail, the visits as calendars know them."""

    tx: Connection
    now: datetime
    channel: Channel
    snapshot: Snapshot
    lease_until: datetime
    card: RateCard
    rows: dict[int, Record] = field(default_factory=dict)
    early: set[int] = field(default_factory=set)
    settled: dict[int, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    visits: dict[int, Record] = field(default_factory=dict)

    def settle(self, number: int, state: State, reason: Reason | str, **values: Any) -> None:
        """Write down what becomes of a claimed reminder that is not sent by a message of its own."""
        row = self.rows[number]
        kept = {"due_at": row.due_at, "carried_by": None, "lease_until": None, "attempts": row.attempts - 1}
        self.settled[number] = {
            "id": number, "state": state, "reason": reason, "updated_at": self.now, **kept, **values,
        }  # fmt: skip


def visit_facts(
    location: Location, patient: str, patient_zone: str | None, start: datetime | None, text: str | None = None,
    others: Sequence[tuple[str, datetime]] = (),
) -> Facts:  # fmt: skip
    """The facts a text may use about a visit, and about ``others`` (patient, start) that it speaks for as well."""
    return Facts(
        clinic=location.name, clinic_phone=location.phone, patient=patient,
        start=start, venue_zone=location.zone.key,
        recipient_zone=location.zone_of(patient_zone).key if patient_zone else None, text=text, others=tuple(others),
    )  # fmt: skip


def situation(batch: Batch, row: Record, stops: set[tuple[str, str]]) -> Situation:
    due = Due(
        row.kind, batch.channel, row.not_after, row.status, row.confirmation, row.start_at, row.patient_phone,
        row.patient_email, row.patient_zone, bool(row.visit_paused), row.patient_paused,
    )  # fmt: skip
    return situations.situation(due, batch.now, venue(batch, row), policy_of(batch, row), step_of(batch, row), stops)


def candidate(batch: Batch, number: int) -> Candidate:
    row = batch.rows[number]
    common = (row.patient_phone, row.patient_language, row.location_id, row.patient_zone)
    return Candidate(
        number, row.appointment_id, common if row.kind == "reminder" else None, row.start_at, row.due_at,
        number in batch.early,
    )  # fmt: skip


def message_row(batch: Batch, row: Record, job: Job, text: Rendered) -> dict[str, Any]:
    text_of = "several" if len(job.reminders) > 1 else row.kind
    price = batch.card.price(job.channel, job.to, job.segments)
    return {
        "uid": job.uid, "direction": "out", "channel": job.channel, "kind": row.kind, "reminder_id": row.id,
        "appointment_id": row.appointment_id, "patient_id": row.patient_id, "phone": job.to, "body": job.body,
        "language": text.language, "wanted_language": wanted_language(batch, row, text), "token": job.token, "state": State.UNCERTAIN,
        "segments": job.segments if job.channel is Channel.SMS else None, "estimated": price.amount,
        "estimated_currency": price.currency, "created_at": batch.now, "checks": 0,
        "template": text_of, "text_version": text.version,
    }  # fmt: skip


def wanted_language(batch: Batch, row: Record, text: Rendered) -> str | None:
    """The language that was asked for, when the text had to be written in another."""
    return (row.patient_language or venue(batch, row).locale) if text.fallback else None


def addresses(batch: Batch) -> set[str]:
    """Where stops of these patients may be kept: who wants nothing at all said so under a phone number."""
    found = {row.patient_phone for row in batch.rows.values()}
    if batch.channel is Channel.EMAIL:
        found |= {row.patient_email for row in batch.rows.values()}
    return {address for address in found if address}


def address_of(row: Record, channel: Channel) -> str:
    return (row.patient_email if channel is Channel.EMAIL else row.patient_phone) or ""


def venue(batch: Batch, row: Record) -> Location:
    """The visit's venue; for a note without a visit that of the patient's latest, else the clinic's first location."""
    places = batch.snapshot.location_by_id
    number = row.location_id or claims.homes(batch.tx, [row.patient_id]).get(row.patient_id)
    place = places[number] if number else next(iter(places.values()), None)
    if place is None:
        raise Invalid("There is no location yet that could speak.")
    return place


def policy_of(batch: Batch, row: Record) -> Policy | None:
    service = batch.snapshot.service_by_id.get(row.service_id)
    return service.policy if service else None


def step_of(batch: Batch, row: Record) -> Step | None:
    return Lot.of(row).step(policy_of(batch, row), row.step) if row.kind == "reminder" else None
