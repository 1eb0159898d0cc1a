"""Phone numbers that do not work: a warning on the patient's card, and one item in the desk's worklist."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from reminders.store import inbox, patients
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: Why the desk finds the patient in its inbox.
REASON = "number_problem"


def flag(tx: Connection, message: Record, problem: str, now: datetime) -> None:
    """What became of ``message`` shows that its number does not work. A note without a patient flags nobody.

    The card keeps the latest ``problem``; the desk gets one item for each patient as long as nobody has dealt with it.
    """
    if message.patient_id is None:
        return
    patients.change(tx, message.patient_id, {"phone_problem": problem})
    inbox.add_once(tx, {
        "uid": new_uid("inb", now), "message_id": message.id, "patient_id": message.patient_id,
        "appointment_id": message.appointment_id, "reason": REASON, "created_at": now,
    })  # fmt: skip
