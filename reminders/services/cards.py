"""Changes of patients' cards within an open transaction, so that whoever makes one, other systems hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.domain.actor import SYSTEM
from reminders.domain.crm import OPT_OUTS
from reminders.domain.delivery import Channel
from reminders.errors import Conflict
from reminders.services import numbers
from reminders.store import consents, inbox, links, outbox, patients
from reminders.store import reminders as reminder_store
from reminders.store.engine import Record


class Merged(Conflict):
    """The card was merged into another one, which is used instead."""

    code = "patient_merged"
    sentence = "This card was merged into another one."


def usable(tx: Connection, uid: str, *, lock: bool = False) -> Record:
    """A card that can be booked for and changed; ``Merged`` when another one is used instead."""
    row = patients.get(tx, uid, lock=lock)
    if row.merged_into is not None:
        raise Merged(patient_id=patients.by_number(tx, row.merged_into).uid)
    return row


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
    if any(row.get(name) and row[name] != getattr(patient, name) for name in ("phone", "email")):
        _opted_out_elsewhere(tx, patients.get(tx, patient.uid), now)
    outbox.add(tx, patients.CHANGED, patient.uid, {}, now)


def opt_out(tx: Connection, patient: Record, channel: str, evidence: str, now: datetime) -> None:
    """The patient wants nothing by this channel: keep that under the address, and withdraw what is planned."""
    address = patient.email if channel == Channel.EMAIL else patient.phone
    if address and consents.stop(tx, address, channel, now, evidence, None):
        reminder_store.withdraw_for_phone(tx, address.lower(), channel, now)


def _opted_out_elsewhere(tx: Connection, patient: Record, now: datetime) -> None:
    """A stop belongs to an address; what another system says of the person holds for a new address, too."""
    for link in links.of_local(tx, patient.uid):
        for name, channel in OPT_OUTS.items():
            if link.base_remote.get(name) is True:
                opt_out(tx, patient, channel, "opted out in the patient system", now)
