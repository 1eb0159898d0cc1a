"""Queries for planning the reminders of a visit anew because its policy was edited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from reminders.domain.appointment import OPEN, Change
from reminders.domain.delivery import Reason, State
from reminders.domain.plan import Planned
from reminders.domain.replanning import Difference
from reminders.store.engine import Record
from reminders.store.tables import Appointment, AppointmentHistory, Reminder, Service

#: The word in a visit's history; the visit itself, and so its version, stays as it is.
REPLAN = "replan"
#: Changes of a visit that make a plan; ``Reminder.plan`` is the version of the last of them.
_PLANNING = ("book", Change.RESCHEDULE.value)
#: Added first where numbers change places, because a unique key is checked row by row.
_OUT_OF_THE_WAY = 1_000_000


def plans(tx: Connection, numbers: Collection[int]) -> dict[int, int]:
    """The plan of each visit: its version when it was booked or last moved."""
    made = (AppointmentHistory.appointment_id.in_(numbers), AppointmentHistory.change.in_(_PLANNING))
    query = select(AppointmentHistory.appointment_id, func.max(AppointmentHistory.version)).where(*made)
    rows = tx.execute(query.group_by(AppointmentHistory.appointment_id))
    return {int(number): int(version) for number, version in rows}


def reminders(tx: Connection, numbers: Collection[int], *, lock: bool = False) -> Sequence[Record]:
    """Every reminder (notices and notes aside) of these visits; ``lock`` holds them until the commit."""
    columns = (Reminder.id, Reminder.appointment_id, Reminder.plan, Reminder.step, Reminder.channel, Reminder.state,
               Reminder.reason, Reminder.due_at, Reminder.not_after)  # fmt: skip
    query = select(*columns).where(Reminder.appointment_id.in_(numbers), Reminder.kind == "reminder")
    return tx.execute((query.with_for_update(key_share=True) if lock else query).order_by(Reminder.id)).all()


def last_planning(tx: Connection, number: int) -> Record | None:
    """When and why the reminders of a visit were last planned."""
    table = AppointmentHistory.__table__
    query = select(table).where(table.c.appointment_id == number, table.c.change.in_((*_PLANNING, REPLAN)))
    return tx.execute(query.order_by(table.c.id.desc()).limit(1)).first()


def planned_between(
    tx: Connection, policy_id: int, since: datetime, until: datetime, service_id: int | None = None
) -> Sequence[str]:
    """Open visits of a policy, or of one of its services, that were booked or moved in this time."""
    services = select(Service.id).where(Service.reminder_policy_id == policy_id)
    if service_id is not None:
        services = services.where(Service.id == service_id)
    query = (
        select(Appointment.uid)
        .join_from(Appointment, AppointmentHistory, AppointmentHistory.appointment_id == Appointment.id)
        .where(
            Appointment.service_id.in_(services), Appointment.status.in_(OPEN), Appointment.start_at > since,
            AppointmentHistory.change.in_(_PLANNING), AppointmentHistory.at.between(since, until),
        )
    )  # fmt: skip
    return list(tx.execute(query.distinct()).scalars())


def carry_out(tx: Connection, difference: Difference, now: datetime) -> None:
    """Write a difference; what is new is added by the caller, who knows the visit. The rows must be locked."""
    over: dict[str, Any] = {"reason": Reason.SUPERSEDED, "updated_at": now}
    _update(tx, difference.withdrawn, over | {"state": State.WITHDRAWN})
    _update(tx, difference.ended, over)
    for number, item in difference.changed.items():
        _update(tx, [number], _times(item) | {"state": item.state, "reason": item.reason, "updated_at": now})
    for number, item in difference.retimed.items():
        _update(tx, [number], _times(item) | {"updated_at": now})
    _renumber(tx, difference.renumbered)


def _times(item: Planned) -> dict[str, Any]:
    return {"due_at": item.due_at, "not_after": item.not_after}


def _renumber(tx: Connection, places: dict[int, int]) -> None:
    if places:
        _update(tx, list(places), {"step": Reminder.step + _OUT_OF_THE_WAY})
    for number, place in places.items():
        _update(tx, [number], {"step": place})


def _update(tx: Connection, numbers: Sequence[int], values: dict[str, Any]) -> None:
    if numbers:
        tx.execute(update(Reminder).where(Reminder.id.in_(numbers)).values(**values))
