"""The messages behind an amount: what the reports on money counted, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, null, select, tuple_

from reminders.store.engine import Record
from reminders.store.facts import within
from reminders.store.spent import CURRENCY, REFUSED, written
from reminders.store.tables import Appointment, Location, Message, Patient, Reminder


@dataclass(frozen=True, slots=True)
class Billed:
    """Which messages: those about the visits of these days, or with ``about_visits`` false those of these days (UTC) about
    no visit. ``reminders``: only what a policy's reminders cost, by channel and ``step`` of the reminder; ``currency`` may be
    empty for messages without a price; ``after`` the (day, number) of the last row of the page before."""

    first: date | None = None
    last: date | None = None
    about_visits: bool = True
    reminders: bool = False
    kind: str | None = None
    channel: str | None = None
    currency: str | None = None
    language: str | None = None
    location: str | None = None
    step: int | None = None
    after: tuple[date, int] | None = None
    limit: int = 100


def messages(tx: Connection, wanted: Billed) -> Sequence[Record]:
    """In order of day and number, without names, numbers and texts."""
    query = select(
        Message.id, Message.uid, Message.created_at, Message.kind, Message.channel, Message.state, Message.segments,
        Message.price, Message.estimated, CURRENCY.label("currency"),
        (Appointment.local_day if wanted.about_visits else null()).label("day"),
        (Appointment.uid if wanted.about_visits else null()).label("visit"),
    ).select_from(Message)  # fmt: skip
    query = (_about_visits if wanted.about_visits else _about_none)(query, wanted)
    if wanted.kind is not None:
        query = query.where(Message.kind == wanted.kind)
    if wanted.currency is not None:
        query = query.where(func.coalesce(CURRENCY, "") == wanted.currency)
    return tx.execute(query.where(~REFUSED).limit(wanted.limit)).all()


def _about_visits(query: Any, wanted: Billed) -> Any:
    """A reminder's message belongs to the visit of the reminder, any other to the one it names."""
    if wanted.reminders:
        query = query.join(Reminder, Reminder.id == Message.reminder_id)
        query = query.where(Reminder.kind == "reminder", Message.direction == "out")
    owner = Reminder.appointment_id if wanted.reminders else Message.appointment_id
    query = query.join(Appointment, Appointment.id == owner).where(within([(wanted.first, wanted.last)]))
    if wanted.language is not None or wanted.location is not None:
        query = query.join(Location, Location.id == Appointment.location_id)
        query = query.join(Patient, Patient.id == Appointment.patient_id)
    query = query.where(*_narrowed(wanted)).order_by(Appointment.local_day, Message.id)
    if wanted.after is None:
        return query
    day, number = wanted.after
    place = tuple_(literal(day, Appointment.local_day.type), number)
    return query.where(tuple_(Appointment.local_day, Message.id) > place)


def _about_none(query: Any, wanted: Billed) -> Any:
    query = query.where(Message.appointment_id.is_(None), written([(wanted.first, wanted.last)], Message.created_at))
    if wanted.channel is not None:
        query = query.where(Message.channel == wanted.channel)
    if wanted.after is not None:
        query = query.where(Message.id > wanted.after[1])
    return query.order_by(Message.id)


def _narrowed(wanted: Billed) -> list[ColumnElement[bool]]:
    same: dict[Any, Any] = {
        Reminder.channel if wanted.reminders else Message.channel: wanted.channel, Reminder.step: wanted.step if wanted.reminders else None,
        func.coalesce(Patient.language, Location.language): wanted.language, Location.uid: wanted.location,
    }  # fmt: skip
    return [column == value for column, value in same.items() if value is not None]
