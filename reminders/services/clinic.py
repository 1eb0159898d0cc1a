"""The clinic's own data: locations, providers with their weeks, services and reminder policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.actor import Once
from reminders.errors import Invalid, NotFound, Stale
from reminders.services.catalogue import Catalogue
from reminders.services.patients import known_zone
from reminders.services.phones import e164
from reminders.store import calendars, fhir_slots, keys
from reminders.store import clinic as store
from reminders.store.engine import Database, Record
from reminders.store.ids import new_uid
from reminders.store.tables import Appointment, Location, Provider, ProviderException, ReminderPolicy, Service

Span = dict[str, int]

_LENGTHS = ("duration_minutes", "buffer_before_minutes", "buffer_after_minutes")

_PREFIX = {Location: "loc", Provider: "prv", ReminderPolicy: "pol", Service: "svc", ProviderException: "exc"}


class Clinic:
    """One public method = one transaction; each ends by refreshing this process's catalogue. Policies are edited in
    ``services/changesets.py``, because visits already booked have to follow."""

    def __init__(self, database: Database, clock: Clock, catalogue: Catalogue) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue

    def add_location(self, values: dict[str, Any], once: Once | None = None) -> Record:
        with self._database.write() as tx:
            uid, _ = self._add(tx, Location, _checked_location(values, values["country"]), once)
        return self._read(Location, uid)

    def change_location(self, uid: str, values: dict[str, Any]) -> Record:
        with self._database.write() as tx:
            row = store.get(tx, Location, uid)
            if values:
                store.change(tx, Location, row.id, _checked_location(values, values.get("country", row.country)))
                self._show_anew(tx, Appointment.location_id, row.id)
        return self._read(Location, uid)

    def add_policy(self, values: dict[str, Any], once: Once | None = None) -> Record:
        with self._database.write() as tx:
            uid, _ = self._add(tx, ReminderPolicy, values, once)
        return self._read(ReminderPolicy, uid)

    def add_provider(
        self, values: dict[str, Any], hours: Sequence[Span], breaks: Sequence[Span], once: Once | None = None
    ) -> Record:
        """``values["location_id"]`` is public; hours and breaks are in minutes after midnight."""
        with self._database.write() as tx:
            location = _number(tx, Location, values["location_id"], "location_id")
            uid, is_new = self._add(tx, Provider, values | {"location_id": location, "active": True}, once)
            if is_new:
                number = store.get(tx, Provider, uid).id
                store.set_hours(tx, number, hours, breaks=False)
                store.set_hours(tx, number, breaks, breaks=True)
        return self._read(Provider, uid)

    def change_provider(
        self, uid: str, values: dict[str, Any], hours: Sequence[Span] | None, breaks: Sequence[Span] | None
    ) -> Record:
        """Visits already booked stay where they are when hours change."""
        with self._database.write() as tx:
            number = store.get(tx, Provider, uid).id
            if "location_id" in values:
                values = values | {"location_id": _number(tx, Location, values["location_id"], "location_id")}
            if values:
                store.change(tx, Provider, number, values)
            for spans, breaks_too in ((hours, False), (breaks, True)):
                if spans is not None:
                    store.set_hours(tx, number, spans, breaks=breaks_too)
        return self._read(Provider, uid)

    def add_exception(self, provider_uid: str, values: dict[str, Any], once: Once | None = None) -> Record:
        """Leave, illness, or an extra day."""
        with self._database.write() as tx:
            number = store.get(tx, Provider, provider_uid).id
            uid, _ = self._add(tx, ProviderException, values | {"provider_id": number}, once, dated=False)
        return self._read(ProviderException, uid)

    def exceptions(self, provider_uid: str) -> Sequence[Record]:
        with self._database.read() as tx:
            return store.exceptions_of(tx, store.get(tx, Provider, provider_uid).id)

    def remove_exception(self, provider_uid: str, uid: str) -> None:
        """What another system opened through FHIR is no slot of theirs any more, either."""
        with self._database.write() as tx:
            if not store.remove_exception(tx, store.get(tx, Provider, provider_uid).id, uid):
                raise NotFound()
            fhir_slots.remove(tx, uid)
        self._catalogue.refresh()

    def add_service(self, values: dict[str, Any], provider_uids: Sequence[str], once: Once | None = None) -> Record:
        with self._database.write() as tx:
            providers = _numbers(tx, provider_uids)
            values = _with_policy(tx, values) | {"active": True, "longest_minutes": _length(values)}
            uid, is_new = self._add(tx, Service, values, once)
            if is_new:
                store.set_offers(tx, store.get(tx, Service, uid).id, providers)
        return self._read(Service, uid)

    def change_service(self, uid: str, values: dict[str, Any], provider_uids: Sequence[str] | None) -> Record:
        """Everything but its reminder policy, which booked visits follow (``ChangeSets.switch_policy``)."""
        with self._database.write() as tx:
            row = store.get(tx, Service, uid)
            if values:
                length = max(row.longest_minutes, _length({name: getattr(row, name) for name in _LENGTHS} | values))
                store.change(tx, Service, row.id, values | {"longest_minutes": length})
                self._show_anew(tx, Appointment.service_id, row.id)
            if provider_uids is not None:
                store.set_offers(tx, row.id, _numbers(tx, provider_uids))
        return self._read(Service, uid)

    def change_offers(
        self, provider_uid: str, service_uids: Sequence[str] | None, *, active: bool, version: int | None = None
    ) -> None:
        """Whether a provider may be booked, and for which active services (``None``: as it was). ``version``: only when
        the catalogue is still the one that was read, else ``Stale``."""
        with self._database.write() as tx:
            current = store.version(tx)
            if version is not None and version != current:
                raise Stale(current_version=current)
            provider = store.get(tx, Provider, provider_uid)
            offers = store.offers(tx, provider.id)
            wanted = offers if service_uids is None else _with_inactive(tx, offers, service_uids)
            if (active, set(wanted)) == (provider.active, set(offers)):
                return
            if not store.touch(tx, current):
                raise Stale()
            store.change(tx, Provider, provider.id, {"active": active})
            store.set_services(tx, provider.id, wanted)
        self._catalogue.refresh()

    def get(self, table: store.Table, uid: str) -> Record:
        with self._database.read() as tx:
            return store.get(tx, table, uid)

    def listing(self, table: store.Table, after: int, limit: int) -> Sequence[Record]:
        """One page and one row more."""
        with self._database.read() as tx:
            return store.listing(tx, table, after, limit + 1)

    def _add(
        self, tx: Connection, table: store.Table, values: dict[str, Any], once: Once | None, *, dated: bool = True
    ) -> tuple[str, bool]:
        """The public id and whether the row is new; a repeat finds that of the first time."""
        now = self._clock.now()
        uid = new_uid(_PREFIX[table], now)
        earlier = keys.claim_once(tx, once, uid, now) if once else None
        if earlier is None:
            store.add(tx, table, values | {"uid": uid} | ({"created_at": now} if dated else {}))
        return earlier or uid, earlier is None

    def _show_anew(self, tx: Connection, column: Any, number: int) -> None:
        """Calendars show the names of services and places."""
        calendars.unpublish(tx, column, number, self._clock.now() - calendars.REACH)

    def _read(self, table: store.Table, uid: str) -> Record:
        self._catalogue.refresh()
        return self.get(table, uid)


def _length(values: dict[str, Any]) -> int:
    """Minutes of a visit with its buffers."""
    return sum(values[name] for name in _LENGTHS)


def _checked_location(values: dict[str, Any], country: str) -> dict[str, Any]:
    if values.get("time_zone"):
        known_zone(values["time_zone"])
    if values.get("phone"):
        values = values | {"phone": e164(values["phone"], country)}
    return values


def _with_policy(tx: Connection, values: dict[str, Any]) -> dict[str, Any]:
    uid = values.get("reminder_policy_id")
    return values | {"reminder_policy_id": _number(tx, ReminderPolicy, uid, "reminder_policy_id")} if uid else values


def _number(tx: Connection, table: store.Table, uid: str, field: str) -> int:
    found = store.numbers(tx, table, [uid])
    if uid not in found:
        raise Invalid("There is nothing with this id.", field=field)
    return found[uid]


def _numbers(tx: Connection, uids: Sequence[str]) -> list[int]:
    found = store.numbers(tx, Provider, uids)
    missing = [uid for uid in uids if uid not in found]
    if missing:
        raise Invalid("There is no provider with this id.", field="provider_ids", unknown=missing[:5])
    return [found[uid] for uid in dict.fromkeys(uids)]


def _with_inactive(tx: Connection, offers: Mapping[int, bool], service_uids: Sequence[str]) -> set[int]:
    """Numbers of the services named, and of those offered before that nobody can see any more."""
    found = store.numbers(tx, Service, service_uids)
    missing = [uid for uid in service_uids if uid not in found]
    if missing:
        raise Invalid("There is no service with this id.", field="service_ids", unknown=missing[:5])
    return {*found.values(), *(number for number, active in offers.items() if not active)}
