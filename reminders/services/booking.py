"""Booking, moving and reading visits: the front desk's use cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Actor, Once
from reminders.domain.appointment import Change
from reminders.domain.availability import is_open
from reminders.domain.clinic import Provider, Service
from reminders.errors import Invalid, OutsideHours, SlotTaken
from reminders.services import cards
from reminders.services.catalogue import Catalogue
from reminders.services.lifecycle import Draft, Lifecycle
from reminders.services.slots import Slot, Slots
from reminders.store import appointments, histories, keys
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid

#: A walk-in is written down a little after it began; further back lies the past, which only an import may add.
_WALK_IN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants booked. ``override`` lets the desk step over hours, notice and horizon, never over another
    visit."""

    service_id: str
    provider_id: str
    patient_id: str
    start: datetime
    override: bool = False


class Booking:
    """One public method = one transaction."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, lifecycle: Lifecycle, slots: Slots
    ) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._slots = slots

    def book(self, wanted: Request, actor: Actor, once: Once | None = None) -> Record:
        """Book a visit. A repeat with the same ``once`` returns the visit of the first time."""
        service, provider = self.offer(wanted.service_id, wanted.provider_id)
        uid = new_uid("apt", self._clock.now())

        def work(tx: Connection) -> Record:
            earlier = keys.claim_once(tx, once, uid, self._clock.now()) if once else None
            if earlier is not None:
                return appointments.get(tx, earlier)
            self.check_time(service, provider, wanted.start, override=wanted.override)
            patient = cards.usable(tx, wanted.patient_id)
            return self._lifecycle.book(tx, uid, Draft(service, provider, patient, wanted.start), actor)

        try:
            return self._database.run(work, one_statement=once is None)
        except SlotTaken as problem:
            raise self.with_alternatives(problem, service, wanted.start) from problem

    def change(
        self,
        uid: str,
        change: Change,
        actor: Actor,
        *,
        version: int | None = None,
        reason: str | None = None,
        once: Once | None = None,
    ) -> Record:
        """Confirm, cancel, arrive, fulfil or no-show; returns the visit as it is afterwards."""

        def work(tx: Connection) -> Record:
            if once is None or keys.claim_once(tx, once, uid, self._clock.now()) is None:
                self._lifecycle.change(tx, uid, change, actor, version=version, reason=reason)
            return appointments.get(tx, uid)

        return self._database.run(work)

    def reschedule(
        self,
        uid: str,
        start: datetime,
        actor: Actor,
        *,
        provider_id: str | None = None,
        version: int | None = None,
        override: bool = False,
        once: Once | None = None,
    ) -> Record:
        """Move a visit; it keeps its id and history. The new time must be offered, as for a booking."""
        with self._database.read() as tx:
            visit = appointments.get(tx, uid)
        service, provider = self._target(visit, provider_id)
        if not self._is_repeat(once):
            self.check_time(service, provider, start, override=override or start == visit.start_at)

        def work(tx: Connection) -> Record:
            if once is None or keys.claim_once(tx, once, uid, self._clock.now()) is None:
                self._lifecycle.change(
                    tx, uid, Change.RESCHEDULE, actor, version=version, start=start, provider=provider
                )
            return appointments.get(tx, uid)

        try:
            return self._database.run(work)
        except SlotTaken as problem:
            raise self.with_alternatives(problem, service, start) from problem

    def pause(
        self, uid: str, actor: Actor, *, paused: bool, version: int | None = None, once: Once | None = None
    ) -> Record:
        """Hold back the reminders of one visit, or let them go again; returns the visit as it is afterwards."""

        def work(tx: Connection) -> Record:
            if once is None or keys.claim_once(tx, once, uid, self._clock.now()) is None:
                self._lifecycle.pause(tx, uid, actor, paused=paused, version=version)
            return appointments.get(tx, uid)

        return self._database.run(work)

    def get(self, uid: str) -> Record:
        with self._database.read() as tx:
            return appointments.get(tx, uid)

    def listing(self, wanted: appointments.Filter) -> Sequence[Record]:
        """One page and one row more, by which the caller sees whether there is a next page."""
        with self._database.read() as tx:
            return appointments.listing(tx, replace(wanted, limit=wanted.limit + 1))

    def history(self, uid: str) -> Sequence[Record]:
        with self._database.read() as tx:
            return histories.of_appointment(tx, appointments.get(tx, uid).id)

    def offer(self, service_id: str, provider_id: str) -> tuple[Service, Provider]:
        """Service and provider that go together and take bookings; ``Invalid`` otherwise."""
        snapshot = self._catalogue.current()
        service, provider = snapshot.service(service_id), snapshot.provider(provider_id)
        if provider.id not in service.provider_ids:
            raise Invalid("This provider does not offer this service.", field="provider_id")
        if not (service.active and provider.active):
            raise Invalid("This service or provider takes no more bookings.", field="service_id")
        return service, provider

    def check_time(self, service: Service, provider: Provider, start: datetime, *, override: bool) -> None:
        """``OutsideHours`` when this time is not offered; ``override`` leaves only the past refused."""
        now = self._clock.now()
        if start.second or start.microsecond:
            raise Invalid("Visits begin on a full minute.", field="start")
        if override:
            if start < now - _WALK_IN:
                raise OutsideHours("This time is in the past.")
            return
        if start < now + timedelta(minutes=service.min_notice_minutes):
            raise OutsideHours("This is too soon for this service.", min_notice_minutes=service.min_notice_minutes)
        if start > now + timedelta(days=service.horizon_days):
            raise OutsideHours("This is too far ahead for this service.", horizon_days=service.horizon_days)
        begin = int(start.timestamp())
        if not is_open(provider.timetable, begin, begin + service.need.duration):
            raise OutsideHours()

    def with_alternatives(self, problem: SlotTaken, service: Service, start: datetime) -> SlotTaken:
        """The refusal, with free times nearby."""
        return SlotTaken(problem.message, alternatives=[_offer(slot) for slot in self._slots.near(service, start)])

    def _target(self, visit: Record, provider_id: str | None) -> tuple[Service, Provider]:
        snapshot = self._catalogue.current()
        service = snapshot.service_by_id[visit.service_id]
        if provider_id is not None:
            return self.offer(service.uid, provider_id)
        if visit.provider_id is None:
            raise Invalid("This visit has no provider; name one.", field="provider_id")
        return service, snapshot.provider_by_id[visit.provider_id]

    def _is_repeat(self, once: Once | None) -> bool:
        if once is None:
            return False
        with self._database.read() as tx:
            return keys.is_known(tx, once)


def _offer(slot: Slot) -> dict[str, str]:
    zone = slot.provider.location.zone
    return {
        "start": datetime.fromtimestamp(slot.start, zone).isoformat(),
        "end": datetime.fromtimestamp(slot.end, zone).isoformat(),
        "provider_id": slot.provider.uid,
    }
