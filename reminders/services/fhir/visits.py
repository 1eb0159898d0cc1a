"""Visits as other systems book, move and cancel them through FHIR: the same rules as for everybody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor, patient
from reminders.domain.appointment import OPEN, Change, Confirmation, Status
from reminders.domain.clinic import Provider, Service
from reminders.domain.fhir.appointment import MISTAKE, STATUSES, Meeting, next_steps
from reminders.domain.fhir.clinic import SlotKey
from reminders.domain.fhir.search import Token, Wanted
from reminders.domain.fhir.shapes import SERVICE_SYSTEM, uid_of
from reminders.errors import Invalid, NotFound, SlotTaken, Stale
from reminders.services import cards
from reminders.services.booking import Booking
from reminders.services.catalogue import Catalogue
from reminders.services.fhir.identity import Identifiers, Known, once, own, wanted, with_identifiers
from reminders.services.lifecycle import Draft, Lifecycle
from reminders.store import appointments, fhir
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

APPOINTMENT = "Appointment"
_PARTICIPANT, _START, _END = "Appointment.participant", "Appointment.start", "Appointment.end"


@dataclass(frozen=True, slots=True)
class _Move:
    service: Service
    provider: Provider
    start: datetime


class FhirVisits:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, booking: Booking
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._booking = booking

    def get(self, uid: str) -> Known:
        with self._database.read() as tx:
            return with_identifiers(tx, APPOINTMENT, [appointments.get(tx, uid)])[0]

    def search(self, asked: Wanted) -> list[Known]:
        """One page and one more."""
        with self._database.read() as tx:
            return with_identifiers(tx, APPOINTMENT, fhir.visits(tx, asked))

    def count(self, asked: Wanted) -> int:
        with self._database.read() as tx:
            return fhir.count_visits(tx, asked)

    def book(
        self, meeting: Meeting, identifiers: Identifiers, actor: Actor, unless: Token | None = None
    ) -> tuple[Known, bool]:
        """Book a visit, unless one has the identifier ``unless``; returns it and whether it is new."""
        condition = wanted(unless)

        def find(tx: Connection) -> Sequence[Record]:
            return fhir.visits(tx, condition) if condition else []

        def make(tx: Connection) -> Record:
            draft = self._draft(tx, meeting)
            uid = new_uid("apt", self._clock.now())
            visit = self._lifecycle.book(tx, uid, draft, actor)
            if meeting.confirmation is Confirmation.CONFIRMED:
                self._lifecycle.change(tx, uid, Change.CONFIRM, actor)
            fhir.keep(tx, APPOINTMENT, visit.id, own(identifiers))
            return visit

        try:
            row, is_new = once(self._database, find, make)
        except SlotTaken as problem:
            move = self._asked(meeting)
            raise self._booking.with_alternatives(problem, move.service, move.start) from problem
        return self.get(row.uid), is_new

    def change(
        self, uid: str, meeting: Meeting, identifiers: Identifiers, actor: Actor, version: int | None = None
    ) -> Known:  # fmt: skip
        """Make the visit what the resource says: move it, and do what brings it into the status. All of it or nothing."""

        def work(tx: Connection) -> None:
            visit = appointments.get(tx, uid, lock=True)
            if version is not None and visit.version != version:
                raise Stale(current_version=visit.version)
            self._carry_out(tx, visit, meeting, actor)
            if fhir.keep(tx, APPOINTMENT, visit.id, own(identifiers)):
                counted = appointments.get(tx, uid).version + 1
                appointments.change(tx, visit.id, {"version": counted, "updated_at": self._clock.now()})

        try:
            self._database.run(work)
        except SlotTaken as problem:
            visit = self.get(uid)[0]
            service = self._catalogue.current().service_by_id[visit.service_id]
            raise self._booking.with_alternatives(problem, service, meeting.start or visit.start_at) from problem
        return self.get(uid)

    def remove(self, uid: str, actor: Actor, version: int | None = None) -> None:
        """It was a mistake: the visit is cancelled and says so. Nothing is lost."""

        def work(tx: Connection) -> None:
            self._lifecycle.change(tx, uid, Change.CANCEL, actor, version=version, reason=MISTAKE)

        self._database.run(work)

    def _carry_out(self, tx: Connection, visit: Record, meeting: Meeting, actor: Actor) -> None:
        self._same_patient(visit, meeting)
        move = self._move(visit, meeting)
        steps = next_steps(
            Status(visit.status), Confirmation(visit.confirmation), meeting, moved=move is not None
        )  # fmt: skip
        if Change.CANCEL in steps:
            move = None  # where it would have been no longer matters
        if move is not None:
            self._booking.check_time(move.service, move.provider, move.start, override=move.start == visit.start_at)
            self._lifecycle.change(
                tx, visit.uid, Change.RESCHEDULE, actor, start=move.start, provider=move.provider
            )  # fmt: skip
        for step in steps:
            declined = step is Change.CANCEL and STATUSES[meeting.status] in OPEN
            reason = MISTAKE if meeting.status == MISTAKE else meeting.reason
            by = patient("fhir") if declined else actor
            self._lifecycle.change(tx, visit.uid, step, by, reason=reason if step is Change.CANCEL else None)

    def _draft(self, tx: Connection, meeting: Meeting) -> Draft:
        """What is to be booked; ``Invalid`` names what is missing."""
        if STATUSES.get(meeting.status) not in OPEN:
            raise Invalid("A new visit is proposed, pending or booked.", field="Appointment.status")
        if "Patient" not in meeting.actors:
            raise Invalid("A visit has a patient.", field=_PARTICIPANT)
        move = self._asked(meeting)
        self._fits(meeting, move.start, move.service)
        self._booking.check_time(move.service, move.provider, move.start, override=False)
        try:
            card = cards.usable(tx, uid_of(meeting.actors["Patient"]))
        except NotFound as problem:
            raise Invalid("There is no such patient.", field=_PARTICIPANT) from problem
        return Draft(move.service, move.provider, card, move.start)

    def _asked(self, meeting: Meeting) -> _Move:
        """Service, provider and time: said by participants and codes, or by a slot."""
        slot = next((key for id_ in meeting.slots if (key := SlotKey.parse(id_))), None)
        provider_uid = uid_of(meeting.actors.get("Practitioner", "")) or (slot.provider_uid if slot else "")
        if not provider_uid:
            raise Invalid("Name a Practitioner, or a Slot.", field=_PARTICIPANT)
        start = meeting.start or (slot.start if slot else None)
        if start is None:
            raise Invalid("When is it to begin?", field=_START)
        provider = self._catalogue.current().providers.get(provider_uid)
        if provider is None:
            raise Invalid("There is no such Practitioner.", field=_PARTICIPANT)
        service_uid = self._service(meeting, provider, start, slot)
        return _Move(*self._booking.offer(service_uid, provider_uid), start)

    def _service(self, meeting: Meeting, provider: Provider, start: datetime, slot: SlotKey | None) -> str:
        snapshot = self._catalogue.current()
        named = self._named_service(meeting)
        if named or slot:
            uid = named or (slot.service_uid if slot else "")
            if uid not in snapshot.services:
                raise Invalid("There is no such service.", field="Appointment.serviceType")
            return uid
        length = meeting.end - start if meeting.end else None
        offered = [one for one in snapshot.services.values() if one.active and provider.id in one.provider_ids]
        fitting = [one for one in offered if length in (None, one.duration)] or offered
        if len(fitting) != 1:
            raise Invalid("Say what is to be done, in serviceType.", field="Appointment.serviceType")
        return fitting[0].uid

    def _named_service(self, meeting: Meeting) -> str | None:
        codes = [code for system, code in meeting.services if system == SERVICE_SYSTEM]
        found = meeting.actors.get("HealthcareService") or next(iter(codes), None)
        return uid_of(found) if found else None

    def _move(self, visit: Record, meeting: Meeting) -> _Move | None:
        """Where the visit is to go, ``None`` when it stays. ``Invalid`` for what a visit cannot change."""
        snapshot = self._catalogue.current()
        service, named = snapshot.service_by_id[visit.service_id], self._named_service(meeting)
        if named and named != service.uid:
            raise Invalid("What is to be done does not change; book another visit.", field="Appointment.serviceType")
        start = meeting.start or visit.start_at
        there = uid_of(meeting.actors.get("Practitioner", ""))
        now = snapshot.provider_by_id.get(visit.provider_id)
        if start == visit.start_at and (not there or (now is not None and there == now.uid)):
            if meeting.end is not None and meeting.end != visit.end_at:
                raise Invalid("How long a visit lasts is set by its service.", field=_END)
            return None
        self._fits(meeting, start, service)
        if not there and now is None:
            raise Invalid("Name a Practitioner.", field=_PARTICIPANT)
        if there and there not in snapshot.providers:
            raise Invalid("There is no such Practitioner.", field=_PARTICIPANT)
        provider = now if now is not None and there in ("", now.uid) else self._booking.offer(service.uid, there)[1]
        return _Move(service, provider, start)

    def _fits(self, meeting: Meeting, start: datetime, service: Service) -> None:
        if meeting.end is not None and meeting.end != start + service.duration:
            raise Invalid(
                "How long a visit lasts is set by its service.", field=_END, minutes=service.duration_minutes
            )  # fmt: skip

    def _same_patient(self, visit: Record, meeting: Meeting) -> None:
        given = meeting.actors.get("Patient")
        if given is not None and uid_of(given) != visit.patient_uid:
            raise Invalid("A visit stays with its patient; book another one.", field=_PARTICIPANT)
        if meeting.status not in STATUSES:
            raise Invalid("There is no waiting list here.", field="Appointment.status")
