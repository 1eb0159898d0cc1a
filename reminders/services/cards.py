"""Changes of patients' cards within an open transaction, so that whoever makes one, other systems hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.domain.actor import SYSTEM
from reminders.services import numbers
from reminders.store import inbox, outbox, patients
from reminders.store.engine import Record


def add(tx: Connection, values: Mapping[str, Any], now: datetime) -> int:
    """Store a new card; returns its number."""
    number = patients.add(tx, {**values, "updated_at": now})
    outbox.add(tx, patients.CHANGED, values["uid"], {}, now)
    return number


def edit(tx: Connection, patient: Record, values: Mapping[str, Any], now: datetime) -> None:
    """Change what is given; a new phone takes a flagged number's warning away, and it off the desk's worklist."""
    row = dict(values) | ({"phone_problem": None} if "phone" in values else {})
    patients.change(tx, patient.id, {**row, "updated_at": now})
    if row.get("phone", patient.phone) != patient.phone:
        inbox.settle(tx, patient.id, numbers.REASON, SYSTEM.name, now)
    outbox.add(tx, patients.CHANGED, patient.uid, {}, now)
