"""A provider's calendar for phones and calendar programs: what they read, and what becomes of what they write.

Visits belong to the booking rules (``services/davvisits.py``): a program asks to move one, and may be refused. What it
puts there itself blocks time (``store/holds.py``). Reading first brings the calendar up to date; writing is one
transaction that counts the calendar first, so that writers queue up, and leaves nothing behind when it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.availability import LONGEST_BLOCK, Interval, merge
from reminders.domain.dav import Conditions, NotAllowed, Sent, UidTaken, Unmatched
from reminders.errors import NotFound
from reminders.services.booking import Booking
from reminders.services.calendars import Calendars, etag
from reminders.services.catalogue import Catalogue
from reminders.services.davlogins import Login
from reminders.services.davvisits import DavVisits
from reminders.services.lifecycle import Lifecycle
from reminders.store import appointments, calendars, holds
from reminders.store import caldav as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.store.tables import HoldKind

_MOST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What a PUT came to. ``etag`` only when exactly what was sent is what is there (RFC 4791 section 5.3.4)."""

    is_new: bool
    etag: str | None


class Caldav:
    """Reading and writing one provider's calendar, as one device."""

    def __init__(
        self, database: Database, clock: Clock, catalogue: Catalogue, board: Calendars, booking: Booking,
        lifecycle: Lifecycle,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._board = board
        self._visits = DavVisits(database, clock, catalogue, board, booking, lifecycle)

    def state(self, login: Login) -> Mapping[str, Any]:
        """Count of changes, oldest count still known, and kept properties."""
        with self._reading(login) as tx:
            return store.state(tx, login.provider)

    def everything(self, login: Login, *, body: bool) -> Sequence[Record]:
        with self._database.read() as tx:
            return store.everything(tx, login.provider, body=body)

    def by_href(self, login: Login, hrefs: Sequence[str], *, body: bool = True) -> Sequence[Record]:
        with self._reading(login) as tx:
            return store.by_href(tx, login.provider, hrefs, body=body)

    def between(self, login: Login, since: datetime, until: datetime) -> Sequence[Record]:
        with self._reading(login) as tx:
            return store.between(tx, login.provider, since, until)

    def changes(self, login: Login, after: int, most: int | None, *, body: bool) -> Sequence[Record]:
        """What changed after a count, in order; one more than ``most``, by which the caller sees that there is more."""
        with self._database.read() as tx:
            return store.changes(tx, login.provider, after, most + 1 if most else _MOST, body=body)

    def get(self, login: Login, href: str) -> Record:
        """One entry; ``NotFound`` when there is none."""
        if login.entry is not None and login.entry.href == href:
            return login.entry
        found = self.by_href(login, [href])
        if not found:
            raise NotFound("There is no event at this address.")
        return found[0]

    def busy(self, login: Login, since: datetime, until: datetime) -> list[Interval]:
        """When the provider cannot be booked, in epoch seconds."""
        longest = self._catalogue.current().longest_visit
        with self._database.read() as tx:
            taken = appointments.busy(tx, [login.provider], since, until, longest, self._clock.now())
        return merge(taken[login.provider])

    def put(self, login: Login, href: str, sent: Sent, conditions: Conditions) -> Stored:
        """Store what a program sent: ask to move the visit that it is, or block the time."""
        _may_write(login)
        with self._reading(login) as tx:
            entry = store.one(tx, login.provider, href)
            same = store.by_uid(tx, login.provider, sent.uid)
        conditions.check(_present(entry))
        visit = next((one for one in (entry, *same) if one is not None and one.appointment_id is not None), None)
        if visit is None:
            return self._put_own(login, href, sent, conditions)
        if visit.uid != sent.uid or (visit.href != href and not visit.deleted):
            raise UidTaken(visit.href)
        self._visits.put(login, visit, sent)
        return Stored(visit.deleted, None)

    def delete(self, login: Login, href: str, conditions: Conditions) -> None:
        """Take an entry out; of a visit, the location's rule says what that means."""
        _may_write(login)
        entry = self._there(login, href)
        conditions.check(entry.etag)
        if entry.appointment_id is not None:
            self._visits.delete(login, entry)
            return

        def work(tx: Connection) -> None:
            seq = calendars.count(tx, login.provider, 1) + 1
            found = store.one(tx, login.provider, href)
            conditions.check(_present(found))
            if found is not None and not found.deleted:
                holds.release(tx, source(login.provider, found.uid))
                self._bury(tx, found, seq)

        self._database.run(work)

    def move(self, login: Login, href: str, to: str, *, overwrite: bool, conditions: Conditions) -> bool:
        """Give an entry another address in the same calendar; True when nothing was there before."""
        _may_write(login)
        conditions.check(self._there(login, href).etag)

        def work(tx: Connection) -> bool:
            seq = calendars.count(tx, login.provider, 2) + 1
            entry, target = store.one(tx, login.provider, href), store.one(tx, login.provider, to)
            if entry is None or entry.deleted:
                raise NotFound()
            is_new = target is None or target.deleted
            if not is_new:
                self._overwrite(tx, login, target, overwrite=overwrite)
            kept = {name: getattr(entry, name) for name in _KEPT}
            self._bury(tx, entry, seq, appointment_id=None)
            if target is not None:
                calendars.remove(tx, target.id)
            calendars.add(tx, [kept | {"href": to, "seq": seq + 1}])
            return is_new

        return self._database.run(work)

    def patch(self, login: Login, place: str, values: Mapping[str, str | None]) -> None:
        """Keep properties of a place in the calendar ("" is the calendar itself); ``None`` lets one go."""
        _may_write(login)

        def work(tx: Connection) -> None:
            calendars.count(tx, login.provider, 1)
            props = dict(store.state(tx, login.provider)["props"])
            mine = {**props.get(place, {}), **values}
            props[place] = {name: value for name, value in mine.items() if value is not None}
            if sum(len(str(value)) for value in props.values()) > _MOST_PROPS:
                raise NotAllowed("There are too many properties.", "D:quota-not-exceeded")
            store.set_props(tx, login.provider, props)

        self._database.run(work)

    def _reading(self, login: Login) -> AbstractContextManager[Connection]:
        return self._board.reading([login.provider], is_current=login.is_current)

    def _put_own(self, login: Login, href: str, sent: Sent, conditions: Conditions) -> Stored:
        _check_length(sent)

        def work(tx: Connection) -> Stored:
            seq = calendars.count(tx, login.provider, 1) + 1
            entry = store.one(tx, login.provider, href)
            conditions.check(_present(entry))
            _check_uid(tx, login.provider, href, sent, entry)
            holds.replace(tx, source(login.provider, sent.uid), held(login.provider, sent, self._clock.now()))
            values = self._values(login.provider, href, sent) | {"seq": seq}
            is_new = entry is None or entry.deleted
            if entry is None or entry.deleted:
                calendars.add(tx, [values])
            else:
                calendars.change(tx, entry.id, values)
            return Stored(is_new, values["etag"])

        return self._database.run(work)

    def _values(self, provider: int, href: str, sent: Sent) -> dict[str, Any]:
        first, last = sent.reach or (sent.start, sent.end)
        return {
            "provider_id": provider, "href": href, "uid": sent.uid, "appointment_id": None, "deleted": False,
            "stale": False, "version": 0, "start_at": first, "end_at": last, "recurring": sent.recurring,
            "expanded_to": sent.until,
            "cancelled": sent.cancelled, "etag": etag(sent.text), "body": sent.text, "client": None, "head": "",
            "full": "", "initials": "", "modified_at": self._clock.now(),
        }  # fmt: skip

    def _there(self, login: Login, href: str) -> Record:
        with self._reading(login) as tx:
            entry = store.one(tx, login.provider, href)
        if entry is None or entry.deleted:
            raise NotFound("There is no event at this address.")
        return entry

    def _overwrite(self, tx: Connection, login: Login, target: Record, *, overwrite: bool) -> None:
        if not overwrite:
            raise Unmatched()
        if target.appointment_id is not None:
            raise NotAllowed("A visit is not replaced by another event.")
        holds.release(tx, source(login.provider, target.uid))

    def _bury(self, tx: Connection, entry: Record, seq: int, **more: Any) -> None:
        calendars.change(tx, entry.id, calendars.GONE | {"seq": seq, "modified_at": self._clock.now()} | more)


_MOST_PROPS = 100_000
_KEPT = ("provider_id", "uid", "appointment_id", "deleted", "stale", "version", "start_at", "end_at", "recurring",
         "expanded_to", "cancelled", "etag", "body", "client", "head", "full", "initials", "modified_at")  # fmt: skip


def held(provider: int, sent: Sent, now: datetime) -> list[dict[str, Any]]:
    """What repeats was agreed elsewhere, and does not push visits aside; a single event has to find its place."""
    kind = HoldKind.BUSY if sent.recurring else HoldKind.CALENDAR
    same = {"provider_id": provider, "kind": kind, "source": source(provider, sent.uid), "created_at": now}
    return [
        same | {"uid": new_uid("hld", now), "start_at": start, "end_at": end}
        for start, end in sent.blocked
        if start < end
    ]


def source(provider: int, uid: str) -> str:
    """What the time that an event blocks is held for."""
    return f"calendar/{provider}/{uid}"


def _present(entry: Record | None) -> str | None:
    return None if entry is None or entry.deleted else entry.etag


def _may_write(login: Login) -> None:
    if not login.can_write:
        raise NotAllowed("This device may only read the calendar.", "D:need-privileges")


def _check_length(sent: Sent) -> None:
    if any(end - start > LONGEST_BLOCK for start, end in sent.blocked):
        raise NotAllowed(f"An event blocks at most {LONGEST_BLOCK.days} days; enter longer absences as days off.")


def _check_uid(tx: Connection, provider: int, href: str, sent: Sent, entry: Record | None) -> None:
    """One event, one resource, for as long as it is there (RFC 4791 section 5.3.2.1)."""
    for other in store.by_uid(tx, provider, sent.uid):
        if not other.deleted and other.href != href:
            raise UidTaken(other.href)
    if entry is not None and not entry.deleted and entry.uid != sent.uid:
        raise NotAllowed("The event at this address has another UID.", "C:valid-calendar-object-resource")
