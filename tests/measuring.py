"""Visits, reminders and messages written straight into a database, for tests of the reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

from sqlalchemy import Connection, insert

from reminders.store.engine import Database
from reminders.store.tables import Appointment, Location, Message, Patient, Provider, Reminder, Service

MADE = datetime(2030, 1, 1, tzinfo=UTC)


class Clinic:
    """One location with a provider, a service and a patient; each call adds one row and returns its number."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._numbers = count(1)
        self._tx: Connection | None = None
        self.location = self.add_location("Centre", "de")
        self.provider = self._add(
            Provider, location_id=self.location, name="Dr. Weber", languages=[], active=True, created_at=MADE
        )
        self.service = self.add_service("Check-up")
        self.patient = self.add_patient()

    def add_service(self, name: str) -> int:
        return self._add(
            Service, name=name, duration_minutes=30, buffer_before_minutes=0, buffer_after_minutes=0,
            longest_minutes=30, slot_minutes=30, min_notice_minutes=0, horizon_days=90, active=True, created_at=MADE,
        )  # fmt: skip

    def add_location(self, name: str, language: str) -> int:
        return self._add(
            Location, name=name, time_zone="Europe/Berlin", country="DE", observes_holidays=True, language=language,
            currency="EUR", created_at=MADE,
        )  # fmt: skip

    def add_patient(self, language: str | None = None, **values: Any) -> int:
        usual = {"name": "A patient", "language": language, "version": 1, "created_at": MADE}
        return self._add(Patient, **(usual | values))

    def visit(self, status: str = "fulfilled", day: date = date(2030, 5, 6), **values: Any) -> int:
        start = values.pop("start_at", datetime.combine(day, time(9), UTC))
        end = start + timedelta(minutes=30)
        usual = {
            "location_id": self.location, "provider_id": self.provider, "service_id": self.service,
            "patient_id": self.patient, "confirmation": "unconfirmed", "occupies": False, "timed": True,
            "booked_at": MADE, "lead_days": 3, "version": 1, "updated_at": MADE,
        }  # fmt: skip
        times = {"start_at": start, "end_at": end, "busy_start": start, "busy_end": end, "local_day": day}
        return self._add(Appointment, **(usual | times | {"status": status} | values))

    def reminder(self, visit: int, state: str = "delivered", **values: Any) -> int:
        usual = {
            "appointment_id": visit, "patient_id": self.patient, "kind": "reminder", "plan": 1, "step": 0,
            "channel": "sms", "due_at": MADE, "not_after": MADE, "state": state, "reason": "due", "attempts": 1,
            "updated_at": MADE,
        }  # fmt: skip
        return self._add(Reminder, **(usual | values))

    def message(
        self,
        reminder: int | None,
        price: str | None = None,
        estimated: str | None = "0.10",
        currency: str = "EUR",
        **values: Any,
    ) -> int:
        amounts = {
            "price": Decimal(price) if price else None, "price_currency": currency if price else None,
            "estimated": Decimal(estimated) if estimated else None, "estimated_currency": currency if estimated else None,
        }  # fmt: skip
        usual = {
            "direction": "out", "channel": "sms", "kind": "reminder", "reminder_id": reminder, "phone": "+447700900123",
            "body": "…", "state": "delivered", "provider_sid": f"SM{next(self._numbers)}", "segments": 1,
            "created_at": MADE,
        }  # fmt: skip
        return self._add(Message, **(usual | amounts | values))

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Rows that are added inside are one transaction: much quicker than one each."""
        with self._database.write() as self._tx:
            yield
        self._tx = None

    def _add(self, table: Any, **values: Any) -> int:
        values["uid"] = f"{table.__tablename__}_{next(self._numbers)}"
        if self._tx is not None:
            return _insert(self._tx, table, values)
        with self._database.write() as tx:
            return _insert(tx, table, values)


def _insert(tx: Connection, table: Any, values: dict[str, Any]) -> int:
    return int(tx.execute(insert(table).returning(table.id), values).scalar_one())


def fill(clinic: Clinic, number: int, lot: Random, days: Sequence[date] | None = None) -> list[int]:
    """Visits over two years, or on ``days``, with reminders, messages and answers."""
    with clinic.at_once():
        return _filled(clinic, number, lot, days or [_some_day(lot) for _ in range(number)])


def _some_day(lot: Random) -> date:
    """More of them in one month than in others."""
    return date(2029, 1, 1) + timedelta(days=lot.choice([lot.randrange(700), lot.randrange(480, 516)]))


def _filled(clinic: Clinic, number: int, lot: Random, days: Sequence[date]) -> list[int]:
    patients = [clinic.add_patient(lot.choice([None, "es", "fr"])) for _ in range(12)]
    made = []
    for place in range(number):
        day = days[place % len(days)]
        status = lot.choice(["fulfilled", "fulfilled", "arrived", "noshow", "cancelled", "booked"])
        visit = clinic.visit(
            status, day, patient_id=lot.choice(patients), lead_days=lot.choice([-1, 0, 3, 40]),
            provider_id=lot.choice([None, clinic.provider]), timed=lot.random() < 0.9,
            booked_at=datetime(2029, 1, 1, tzinfo=UTC) + timedelta(days=lot.randrange(300)),
        )  # fmt: skip
        made.append(visit)
        for step in range(lot.randrange(3)):
            state = lot.choice(["delivered", "sent", "failed", "suppressed", "planned"])
            reminder = clinic.reminder(visit, state, step=step, channel=lot.choice(["sms", "voice"]))
            clinic.message(
                reminder, price=lot.choice([None, "0.08"]), currency=lot.choice(["EUR", "USD"]), appointment_id=visit,
                kind=lot.choice(["reminder", "answer"]),
            )  # fmt: skip
    return made
