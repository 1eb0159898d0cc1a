"""What messages of every kind cost: reminders, notices of a change, notes from the desk, and answers.

A message belongs to the day of the visit it is about; one that is about no visit, to the day (UTC) it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, false, func, literal_column, not_, or_, select, true

from reminders.domain.delivery import State
from reminders.store.engine import Record
from reminders.store.facts import Span, within
from reminders.store.tables import Appointment, InboxItem, Message, Reminder

PRICED = Message.price.is_not(None)
GUESSED = and_(Message.price.is_(None), Message.estimated.is_not(None))
#: What the provider refused to take was never billed.
REFUSED = and_(Message.state == State.FAILED, Message.provider_sid.is_(None))
CURRENCY: Any = case(
    (PRICED, func.coalesce(Message.price_currency, Message.estimated_currency)), (GUESSED, Message.estimated_currency)
)


def answers(tx: Connection, span: Span) -> int:
    """How many answers and wishes of these days (UTC) a person at the desk had to read."""
    query = select(func.count()).select_from(InboxItem).where(written([span], InboxItem.created_at))
    return tx.execute(query).scalar_one()


def bills(tx: Connection, spans: Sequence[Span]) -> list[Record]:
    """(kind, channel, currency, counts and sums) of all messages about the visits of these days, and of those written on
    these days about no visit. A key may come twice."""
    if not spans:
        return []
    about, none = _bills()
    days = within(spans), written(spans, Message.created_at)
    return [row for query, when in zip((about, none), days, strict=True) for row in tx.execute(query.where(when))]


def planned(tx: Connection, start: datetime, end: datetime) -> dict[str, int]:
    """Reminders that are still to go out in [start, end), by channel."""
    due: tuple[ColumnElement[bool], ...] = (
        Reminder.due_at >= start,
        Reminder.due_at < end,
        literal_column("reminder.state = 'planned'"),
    )
    query = select(Reminder.channel, func.count().label("number")).where(*due, Reminder.kind == "reminder")
    return {row.channel: row.number for row in tx.execute(query.group_by(Reminder.channel))}


@cache
def _bills() -> tuple[Any, Any]:
    """About visits, and about none."""
    both = and_(PRICED, Message.estimated.is_not(None), Message.price_currency == Message.estimated_currency)
    query = select(
        Message.kind,
        Message.channel,
        CURRENCY.label("currency"),
        func.count().label("messages"),
        func.sum(Message.segments).label("segments"),
        func.count(case((PRICED, 1))).label("actual_messages"),
        func.count(case((GUESSED, 1))).label("estimated_messages"),
        func.sum(case((PRICED, Message.price))).label("actual"),
        func.sum(case((GUESSED, Message.estimated))).label("estimated"),
        func.sum(case((both, Message.price))).label("both_price"),
        func.sum(case((both, Message.estimated))).label("both_estimated"),
    ).select_from(Message)
    query = query.where(not_(REFUSED)).group_by(Message.kind, Message.channel, CURRENCY)
    about = query.join(Appointment, Appointment.id == Message.appointment_id)
    return about, query.where(Message.appointment_id.is_(None))


def written(spans: Sequence[Span], column: Any) -> ColumnElement[bool]:
    """True for a moment on one of the days, in UTC."""
    return or_(false(), *(and_(true(), *_moments(span, column)) for span in spans))


def _moments(span: Span, column: Any) -> list[ColumnElement[bool]]:
    first, last = span
    found = [] if first is None else [column >= datetime.combine(first, time(), UTC)]
    if last is None or last == date.max:
        return found
    return [*found, column < datetime.combine(last, time(), UTC) + timedelta(days=1)]
