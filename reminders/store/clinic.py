"""Queries on the clinic's own data: locations, providers, services and policies. Every change counts up the catalogue
version, so that each process knows when to read it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import (
    Base,
    CatalogueVersion,
    ClinicText,
    Experiment,
    Location,
    Provider,
    ProviderException,
    ProviderHours,
    ReminderPolicy,
    Service,
    ServiceProvider,
)

_VERSION = Prepared(select(CatalogueVersion.version))

Table = type[Location] | type[Provider] | type[ProviderException] | type[ReminderPolicy] | type[Service]


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything the catalogue is made of, as stored."""

    version: int
    experiments: Sequence[Record]
    locations: Sequence[Record]
    providers: Sequence[Record]
    hours: Sequence[Record]
    exceptions: Sequence[Record]
    policies: Sequence[Record]
    services: Sequence[Record]
    offers: Sequence[Record]
    texts: Sequence[Record]


def load(tx: Connection) -> Rows:
    """Read the whole catalogue; the version comes first, so a change in between is noticed next time. What refers to
    others comes before them, so that whatever is referred to is there."""
    seen = version(tx)
    read = {table: _all(tx, table) for table in reversed(_CATALOGUE)}
    trials = tx.execute(select(Experiment.__table__).where(Experiment.ended_at.is_(None))).all()
    return Rows(seen, trials, *(read[table] for table in _CATALOGUE))


def version(tx: Connection) -> int:
    return int(_VERSION.first(tx, {})[0])  # type: ignore[index]  # the first migration put it there


def touch(tx: Connection, expected: int | None = None) -> bool:
    """Say that the catalogue changed; False when it is no longer the ``expected`` version, and then nothing is said."""
    counted = update(CatalogueVersion).values(version=CatalogueVersion.version + 1)
    if expected is not None:
        counted = counted.where(CatalogueVersion.version == expected)
    return tx.execute(counted).rowcount == 1


def add(tx: Connection, table: Table, values: Mapping[str, Any]) -> int:
    touch(tx)
    return tx.execute(insert(table).returning(table.id), dict(values)).scalar_one()


def change(tx: Connection, table: Table, number: int, values: Mapping[str, Any]) -> None:
    touch(tx)
    tx.execute(update(table).where(table.id == number).values(**values))


def get(tx: Connection, table: Table, uid: str) -> Record:
    """One row by its public id; ``NotFound`` when there is none."""
    row = tx.execute(select(table.__table__).where(table.uid == uid)).first()
    if row is None:
        raise NotFound()
    return row


def listing(tx: Connection, table: Table, after: int, limit: int) -> Sequence[Record]:
    return tx.execute(select(table.__table__).where(table.id > after).order_by(table.id).limit(limit)).all()


def remove_exception(tx: Connection, provider_id: int, uid: str) -> bool:
    """Delete one exception of a provider; False when it is not there."""
    touch(tx)
    condition = (ProviderException.provider_id == provider_id, ProviderException.uid == uid)
    return tx.execute(delete(ProviderException).where(*condition)).rowcount == 1


def exceptions_of(tx: Connection, provider_id: int) -> Sequence[Record]:
    table = ProviderException.__table__
    query = select(table).where(table.c.provider_id == provider_id)
    return tx.execute(query.order_by(table.c.first_day, table.c.id)).all()


def set_hours(tx: Connection, provider_id: int, rows: Iterable[Mapping[str, Any]], *, breaks: bool) -> None:
    """Replace the weekly hours (or breaks) of a provider."""
    touch(tx)
    same = (ProviderHours.provider_id == provider_id, ProviderHours.is_break == breaks)
    tx.execute(delete(ProviderHours).where(*same))
    values = [dict(row) | {"provider_id": provider_id, "is_break": breaks} for row in rows]
    if values:
        tx.execute(insert(ProviderHours), values)


def set_offers(tx: Connection, service_id: int, provider_ids: Iterable[int]) -> None:
    """Say who offers a service."""
    pairs = [{"service_id": service_id, "provider_id": provider} for provider in provider_ids]
    _replace_offers(tx, ServiceProvider.service_id == service_id, pairs)


def offers(tx: Connection, provider_id: int) -> dict[int, bool]:
    """What a provider offers: numbers of services, and whether they are active."""
    query = select(Service.id, Service.active).join(ServiceProvider, ServiceProvider.service_id == Service.id)
    return {row.id: row.active for row in tx.execute(query.where(ServiceProvider.provider_id == provider_id))}


def set_services(tx: Connection, provider_id: int, service_ids: Iterable[int]) -> None:
    """Say what a provider offers."""
    pairs = [{"service_id": service, "provider_id": provider_id} for service in service_ids]
    _replace_offers(tx, ServiceProvider.provider_id == provider_id, pairs)


def _replace_offers(tx: Connection, old: ColumnElement[bool], pairs: Sequence[Mapping[str, int]]) -> None:
    touch(tx)
    tx.execute(delete(ServiceProvider).where(old))
    if pairs:
        tx.execute(insert(ServiceProvider), pairs)


def numbers(tx: Connection, table: Table, uids: Sequence[str]) -> dict[str, int]:
    """Internal numbers of public ids; unknown ids are missing from the answer."""
    rows = tx.execute(select(table.uid, table.id).where(table.uid.in_(uids)))
    return {row.uid: row.id for row in rows}


_CATALOGUE: tuple[type[Base], ...] = (
    Location, Provider, ProviderHours, ProviderException, ReminderPolicy, Service, ServiceProvider, ClinicText,
)  # fmt: skip


def _all(tx: Connection, table: type[Base]) -> Sequence[Record]:
    columns = table.__table__
    return tx.execute(select(columns).order_by(*columns.primary_key)).all()
