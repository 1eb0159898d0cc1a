"""What a change of many visits would mean: who would be told what, in which language, and what it would cost.

Nothing is written. Texts are rendered as they would be sent, so that segments and prices are those of the real texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.availability import Interval, is_open
from reminders.domain.changeset import Affected, Blocked, Contact, Refusal
from reminders.domain.clinic import Location, Policy, Provider
from reminders.domain.cost import Money, rate_card
from reminders.domain.delivery import Channel
from reminders.domain.sms import segments
from reminders.errors import OutsideHours, SlotTaken
from reminders.services.catalogue import Catalogue, Snapshot
from reminders.services.replanning import Edit, difference
from reminders.store import appointments, consents, replans
from reminders.store import changesets as store
from reminders.store.changesets import Which
from reminders.store.engine import Record
from reminders.texts import Facts, Template, Texts

_PAGE = 1000
_MINUTE_OF_A_CALL = 1


@dataclass(frozen=True, slots=True)
class _Page:
    """Some visits and what is known about them."""

    tx: Connection
    snapshot: Snapshot
    visits: Sequence[Record]
    stops: set[tuple[str, str]]
    now: datetime

    @property
    def numbers(self) -> list[int]:
        return [visit.id for visit in self.visits]


class Previews:
    """Each method reads through the transaction it is given and yields one ``Affected`` per visit."""

    def __init__(self, clock: Clock, catalogue: Catalogue, texts: Texts) -> None:
        self._clock = clock
        self._catalogue = catalogue
        self._texts = texts

    def cancel(self, tx: Connection, which: Which) -> Iterator[tuple[Affected, datetime]]:
        """The visits cancelled, with the start of each."""
        for page in self._pages(tx, which):
            unsent = store.unsent(tx, page.numbers)
            for visit in page.visits:
                contacts = self._notice(page, visit, Template.CANCELLED, _home(page, visit))
                found = Affected(visit.uid, visit.patient_uid, contacts, unsent.get(visit.id, 0))
                yield found, visit.start_at

    def move(self, tx: Connection, which: Which, to: Provider) -> Iterator[tuple[Affected, datetime]]:
        """The visits seen by somebody else at the same time; refused where that is not possible."""
        for page in self._pages(tx, which):
            taken = self._busy(page, to)
            for visit in page.visits:
                refused = self._fits(page.snapshot, visit, to, taken)
                contacts = () if refused else self._notice(page, visit, Template.MOVED, to.location)
                yield Affected(visit.uid, visit.patient_uid, contacts, refused=refused), visit.start_at

    def edit(self, tx: Connection, which: Which, edit: Edit) -> Iterator[tuple[Affected, datetime]]:
        """The visits whose reminders follow the policy."""
        for page in self._pages(tx, which):
            rows = _by_visit(replans.reminders(tx, page.numbers))
            plans = replans.plans(tx, page.numbers)
            for visit in page.visits:
                plan = plans.get(visit.id, visit.version)
                place = _home(page, visit)
                found = difference(visit, place, rows.get(visit.id, []), plan, edit, page.now)
                channels = [item.channel for item in found.new_contacts]
                said = {one: self._contact(page, visit, one, Template.REMINDER, place) for one in set(channels)}
                contacts = tuple(said[one] for one in channels)  # every step says the same
                yield Affected(visit.uid, visit.patient_uid, contacts, found.taken_back), visit.start_at

    def _pages(self, tx: Connection, which: Which) -> Iterator[_Page]:
        after: tuple[datetime, int] | None = None
        while visits := store.visits(tx, which, after, _PAGE):
            addresses = {one for visit in visits for one in (visit.patient_phone, visit.patient_email) if one}
            stops = consents.in_force(tx, addresses)
            yield _Page(tx, self._catalogue.current(), visits, stops, self._clock.now())
            after = visits[-1].start_at, visits[-1].id

    def _busy(self, page: _Page, to: Provider) -> list[Interval]:
        first, last = page.visits[0].start_at, page.visits[-1].start_at
        longest = page.snapshot.longest_visit
        window = first - longest, last + longest
        return appointments.busy(page.tx, [to.id], *window, longest, page.now)[to.id]

    def _fits(self, snapshot: Snapshot, visit: Record, to: Provider, taken: list[Interval]) -> str | None:
        """Why the visit cannot be moved. Those of one provider never take each other's time."""
        service = snapshot.service_by_id[visit.service_id]
        need, start = service.need, int(visit.start_at.timestamp())
        if to.id not in service.provider_ids or not to.active:
            return Refusal.NOT_OFFERED.value
        if not is_open(to.timetable, start, start + need.duration):
            return OutsideHours.code
        span = start - need.before, start + need.duration + need.after
        return SlotTaken.code if any(span[0] < end and begin < span[1] for begin, end in taken) else None

    def _notice(self, page: _Page, visit: Record, template: Template, place: Location) -> tuple[Contact, ...]:
        """The notice of a change, if the policy wants one."""
        policy = _policy(page, visit)
        if policy is None or template.value not in policy.notices:
            return ()
        channel = Channel.EMAIL if visit.patient_email and not visit.patient_phone else Channel.SMS
        return (self._contact(page, visit, channel, template, place),)

    def _contact(
        self, page: _Page, visit: Record, channel: Channel, template: Template, place: Location
    ) -> Contact:  # fmt: skip
        language, units = self._said(visit, channel, template, place)
        blocked = _blocked(page, visit, channel, is_reminder=template is Template.REMINDER)
        card = rate_card(page.now.date())
        if channel is Channel.EMAIL:
            return Contact(channel, language, units, Money(Decimal(0), card.currency), blocked)
        return Contact(channel, language, units, card.price(channel, visit.patient_phone or "", units), blocked)

    def _said(self, visit: Record, channel: Channel, template: Template, place: Location) -> tuple[str, int]:
        """Language and length. A call is charged by the minute, and ours take less than one."""
        if channel is not Channel.SMS:
            return self._texts.negotiate(visit.patient_language, place.locale)[0], _MINUTE_OF_A_CALL
        facts = Facts(
            clinic=place.name, clinic_phone=place.phone, patient=visit.patient_name, start=visit.start_at,
            venue_zone=place.zone.key,
            recipient_zone=place.zone_of(visit.patient_zone).key if visit.patient_zone else None,
        )  # fmt: skip
        own = self._catalogue.current().texts
        text = self._texts.sms(template, visit.patient_language, place.locale, facts, own)
        return text.language, segments(text.body).count


def _blocked(page: _Page, visit: Record, channel: Channel, *, is_reminder: bool) -> Blocked | None:
    if is_reminder and (visit.paused or visit.patient_paused):
        return Blocked.PAUSED
    by_mail = channel is Channel.EMAIL
    if not (visit.patient_email if by_mail else visit.patient_phone):
        return Blocked.BAD_NUMBER if visit.phone_problem and not by_mail else Blocked.NO_ADDRESS
    if consents.bars(page.stops, visit.patient_phone, visit.patient_email, channel):
        return Blocked.OPTED_OUT
    return Blocked.BAD_NUMBER if visit.phone_problem and not by_mail else None


def _home(page: _Page, visit: Record) -> Location:
    return page.snapshot.location_by_id[visit.location_id]


def _policy(page: _Page, visit: Record) -> Policy | None:
    return page.snapshot.service_by_id[visit.service_id].policy


def _by_visit(rows: Sequence[Record]) -> Mapping[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row.appointment_id, []).append(row)
    return found
