"""Time that other systems block or open through FHIR: a hold, or an exception of the provider's week."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.availability import LONGEST_BLOCK, is_open
from reminders.domain.clinic import Provider
from reminders.domain.fhir.search import Span, Token
from reminders.domain.fhir.slot import BUSY, FREE, Stretch, opening
from reminders.errors import Conflict, Invalid, Stale
from reminders.services.catalogue import Catalogue
from reminders.services.fhir.identity import Identifiers, Known, once, own
from reminders.store import appointments, clinic, fhir, holds
from reminders.store import fhir_slots as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.store.tables import HoldKind, ProviderException

_TWO = 2  # enough to see that there are several


class NotTheirs(Conflict):
    """A slot that follows from hours, visits, calendars or offers, and that nobody wrote."""

    code = "slot_not_written"
    sentence = "This slot was not written here: book an Appointment, or block the time with a Slot of your own."


class FhirSlots:
    """One public method = one transaction."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def get(self, uid: str) -> Known:
        """One that somebody wrote, or time that is held for another reason."""
        with self._database.read() as tx:
            return self._known(tx, [store.get(tx, uid, self._clock.now())])[0]

    def written(self, uids: Sequence[Sequence[str]], tokens: Sequence[Sequence[Token]], most: int) -> list[Known]:
        with self._database.read() as tx:
            return self._known(tx, store.written(tx, uids, tokens, most))

    def blocked(
        self, providers: Sequence[int], statuses: Sequence[str], span: Span, after: tuple[datetime, int] | None, limit: int
    ) -> list[Known]:  # fmt: skip
        """One page and one more of all time that is held, soonest first."""
        with self._database.read() as tx:
            return self._known(tx, store.blocked(tx, providers, statuses, span, self._clock.now(), after, limit))

    def taken(self, row: Record) -> bool:
        """Whether somebody is booked, or anything is held, in the time of a slot."""
        longest = self._catalogue.current().longest_visit
        with self._database.read() as tx:
            found = appointments.busy(
                tx, [row.provider_id], row.start_at, row.end_at, longest, self._clock.now()
            )  # fmt: skip
        return bool(found[row.provider_id])

    def add(self, stretch: Stretch, identifiers: Identifiers, unless: Token | None = None) -> tuple[Known, bool]:
        """Block or open time, unless a slot has the identifier ``unless``; returns it and whether it is new. ``SlotTaken``
        where a visit is."""
        values = self._values(stretch)

        def find(tx: Connection) -> Sequence[Record]:
            return store.written(tx, (), ((unless,),), _TWO) if unless else []

        def make(tx: Connection) -> Record:
            now = self._clock.now()
            row = store.add(tx, {**values, "uid": new_uid(store.PREFIX, now), "version": 1, "updated_at": now})
            self._take_effect(tx, row)
            fhir.keep(tx, store.RESOURCE, row.id, own(identifiers))
            return row

        row, is_new = once(self._database, find, make)
        self._catalogue.refresh()
        return self.get(row.uid), is_new

    def change(self, uid: str, stretch: Stretch, identifiers: Identifiers, version: int | None = None) -> Known:
        """Make the time what the resource says: longer, elsewhere, somebody else's, blocked instead of open."""

        def work(tx: Connection) -> None:
            row = self._theirs(tx, uid, version)
            values = self._values(stretch, row)
            changed = {name: value for name, value in values.items() if getattr(row, name) != value}
            if fhir.keep(tx, store.RESOURCE, row.id, own(identifiers)) or changed:
                store.change(tx, row.id, changed | {"version": row.version + 1, "updated_at": self._clock.now()})
            if changed:
                self._undo(tx, row)
                self._take_effect(tx, store.get(tx, uid, self._clock.now()))

        self._database.run(work)
        self._catalogue.refresh()
        return self.get(uid)

    def remove(self, uid: str, version: int | None = None) -> None:
        """Time that was blocked is free again, and what was opened is closed; visits stay where they are."""

        def work(tx: Connection) -> None:
            self._undo(tx, self._theirs(tx, uid, version))
            store.remove(tx, uid)

        self._database.run(work)
        self._catalogue.refresh()

    def _theirs(self, tx: Connection, uid: str, version: int | None) -> Record:
        row = store.get(tx, uid, self._clock.now(), lock=True)
        if row.version is None:
            raise NotTheirs()
        if version is not None and row.version != version:
            raise Stale(current_version=row.version)
        return row

    def _values(self, stretch: Stretch, row: Record | None = None) -> dict[str, object]:
        """What is kept; ``row``: how it was so far."""
        provider = self._catalogue.current().providers.get(stretch.provider_uid)
        if provider is None:
            raise Invalid("There is no such Schedule.", field="Slot.schedule")
        was_free = row is not None and row.status == FREE
        status = FREE if stretch.status == BUSY and was_free else stretch.status
        if status == BUSY:
            raise Invalid("Time is busy because somebody is booked; block it as busy-unavailable.", field="Slot.status")
        if status == FREE and not was_free:
            _check_closed(provider, stretch)
        if status == FREE:
            opening(stretch, provider.location.zone)
        elif stretch.end - stretch.start > LONGEST_BLOCK:
            raise Invalid(f"A slot blocks at most {LONGEST_BLOCK.days} days; enter longer absences as days off.",
                          field="Slot.end")  # fmt: skip
        return {"provider_id": provider.id, "status": status, "start_at": stretch.start, "end_at": stretch.end,
                "comment": stretch.comment}  # fmt: skip

    def _take_effect(self, tx: Connection, row: Record) -> None:
        now = self._clock.now()
        if row.status != FREE:
            holds.add(tx, [{
                "uid": new_uid("hld", now), "provider_id": row.provider_id, "kind": HoldKind.CALENDAR, "source": row.uid,
                "start_at": row.start_at, "end_at": row.end_at, "created_at": now,
            }])  # fmt: skip
            return
        provider = self._catalogue.current().provider_by_id[row.provider_id]
        day = opening(Stretch(provider.uid, row.start_at, row.end_at, row.status), provider.location.zone)
        clinic.add(tx, ProviderException, {
            "uid": row.uid, "provider_id": provider.id, "first_day": day.first, "last_day": day.last, "is_open": True,
            "start_minute": day.start, "end_minute": day.end, "note": row.comment,
        })  # fmt: skip

    def _undo(self, tx: Connection, row: Record) -> None:
        if row.status == FREE:
            clinic.remove_exception(tx, row.provider_id, row.uid)
        else:
            holds.release(tx, row.uid)

    def _known(self, tx: Connection, rows: Sequence[Record]) -> list[Known]:
        kept = fhir.identifiers(tx, store.RESOURCE, [row.id for row in rows if row.id is not None])
        return [(row, kept[row.id]) for row in rows]


def _check_closed(provider: Provider, stretch: Stretch) -> None:
    if is_open(provider.timetable, int(stretch.start.timestamp()), int(stretch.end.timestamp())):
        raise Invalid(
            "The provider sees patients at this time already; to let blocked time go, delete its slot.",
            field="Slot.status",
        )
