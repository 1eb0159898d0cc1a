"""Visits whose reminders fall due at chosen moments, written straight into a migrated database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from reminders.store.engine import Database
from reminders.store.tables import (
    Appointment,
    CatalogueVersion,
    Location,
    Patient,
    Provider,
    Reminder,
    ReminderPolicy,
    Service,
    ServiceProvider,
)

PROVIDERS = 50
_VISIT = timedelta(minutes=30)
#: Area codes of North America; in each, 555-0100 to 555-0199 are kept free for fiction.
_AREAS = tuple(code for code in range(201, 990) if code % 100 != 11)
MOST = len(_AREAS) * 100


@dataclass(frozen=True, slots=True)
class Due:
    """One reminder, told from all others by its phone. ``tight`` ones have so little time that missing them is right
    when the provider is in trouble; being late is not."""

    uid: str
    phone: str
    at: datetime
    not_after: datetime
    tight: bool = False


def spread(
    count: int, begin: datetime, over: timedelta, patience: timedelta, tight_every: int = 0, tight: timedelta = _VISIT
) -> list[Due]:
    """``count`` reminders falling due evenly from ``begin`` on; each may be sent for ``patience`` after that, every
    ``tight_every``-th only for ``tight``."""
    if count > MOST:
        raise ValueError(f"there are only {MOST} phone numbers")
    some = []
    for n in range(count):
        at, hurried = begin + over * (n / count), bool(tight_every) and n % tight_every == tight_every - 1
        last = at + (tight if hurried else patience)
        some.append(Due(f"rem_{n:08}", f"+1{_AREAS[n // 100]}55501{n % 100:02}", at, last, hurried))
    return some


def store(url: str, some: Sequence[Due]) -> None:
    """One clinic without quiet hours, and for each reminder a patient and a visit a day after the last is due."""
    database, now = Database(url, pool_size=1), datetime.now(UTC)
    with database.write() as tx:
        place, service, providers = _clinic(tx, now)
        _many(tx, Patient, [
            {"uid": f"pat_{n:08}", "name": f"Patient {n}", "phone": one.phone, "language": "en", "version": 1,
             "created_at": now} for n, one in enumerate(some)
        ])  # fmt: skip
        patients = list(tx.execute(select(Patient.id).order_by(Patient.uid)).scalars())
        first = (max(one.not_after for one in some) + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        same = {"location_id": place, "service_id": service, "status": "booked", "confirmation": "unconfirmed",
                "occupies": True, "timed": True, "booked_at": now, "lead_days": 1, "version": 1,
                "updated_at": now}  # fmt: skip
        _many(tx, Appointment, [
            same | _times(first + _VISIT * (n // PROVIDERS))
            | {"uid": f"apt_{n:08}", "provider_id": providers[n % PROVIDERS], "patient_id": patient}
            for n, patient in enumerate(patients)
        ])  # fmt: skip
        visits = list(tx.execute(select(Appointment.id).order_by(Appointment.uid)).scalars())
        plan = {"kind": "reminder", "plan": 1, "step": 0, "channel": "sms", "state": "planned", "reason": "due",
                "attempts": 0, "updated_at": now}  # fmt: skip
        _many(tx, Reminder, [
            plan | {"uid": one.uid, "appointment_id": visit, "patient_id": patient, "due_at": one.at,
                    "not_after": one.not_after}
            for one, visit, patient in zip(some, visits, patients, strict=True)
        ])  # fmt: skip
    if not database.is_sqlite:
        with database.raw() as connection:
            connection.exec_driver_sql("ANALYZE")
    database.close()


def _clinic(tx: Connection, now: datetime) -> tuple[int, int, list[int]]:
    """(location, service, providers) by number."""
    policy = _one(tx, ReminderPolicy, uid="pol_1", name="One text", notices=[], quiet_hours={"mode": "none"},
                  steps=[{"offset": "-P1D", "channels": ["sms"]}], created_at=now)  # fmt: skip
    place = _one(tx, Location, uid="loc_1", name="Venue", time_zone="UTC", country="US", observes_holidays=False,
                 language="en", currency="USD", phone="+12125550100", created_at=now)  # fmt: skip
    service = _one(tx, Service, uid="srv_1", name="Visit", duration_minutes=30, buffer_before_minutes=0,
                   buffer_after_minutes=0, longest_minutes=30, slot_minutes=30, min_notice_minutes=0,
                   horizon_days=90, reminder_policy_id=policy, active=True, created_at=now)  # fmt: skip
    providers = [
        _one(tx, Provider, uid=f"pro_{n}", location_id=place, name=f"Provider {n}", languages=["en"], active=True,
             created_at=now) for n in range(PROVIDERS)
    ]  # fmt: skip
    tx.execute(insert(ServiceProvider), [{"service_id": service, "provider_id": one} for one in providers])
    tx.execute(update(CatalogueVersion).values(version=CatalogueVersion.version + 1))
    return place, service, providers


def _times(start: datetime) -> dict[str, Any]:
    end = start + _VISIT
    return {"start_at": start, "end_at": end, "busy_start": start, "busy_end": end, "local_day": start.date()}


def _one(tx: Connection, table: Any, **values: Any) -> int:
    return int(tx.execute(insert(table).returning(table.id), values).scalar_one())


def _many(tx: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(table).inline(), rows)
