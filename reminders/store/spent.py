"""What messages of every kind cost: reminders, notices of a change, notes from the desk, and answers.

A message belongs to the day of the visit it is about; one that is about no visit, to the day (UTC) it was written.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, not_, or_, select

from reminders.domain.delivery import State
from reminders.store.facts import bounds
from reminders.store.tables import Appointment, InboxItem, Message

Days = tuple[date | None, date | None]

PRICED = Message.price.is_not(None)
GUESSED = and_(Message.price.is_(None), Message.estimated.is_not(None))
#: What the provider refused to take was never billed.
REFUSED = and_(Message.state == State.FAILED, Message.provider_sid.is_(None))
CURRENCY: Any = case(
    (PRICED, func.coalesce(Message.price_currency, Message.estimated_currency)), (GUESSED, Message.estimated_currency)
)
COST: Any = func.coalesce(Message.price, Message.estimated)


def total(tx: Connection, days: Days) -> dict[str, Decimal]:
    """What all messages about the visits of these days, and those of these days about no visit, cost by currency."""
    sums: dict[str, Decimal] = {}
    for query in (_of_visits(days), _of_none(days)):
        for row in tx.execute(query.where(not_(REFUSED), or_(PRICED, GUESSED)).group_by(CURRENCY)):
            sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.amount
    return sums


def answers(tx: Connection, days: Days) -> int:
    """How many answers and wishes of these days (UTC) a person at the desk had to read."""
    query = select(func.count()).select_from(InboxItem).where(*written(days, InboxItem.created_at))
    return tx.execute(query).scalar_one()


def written(days: Days, column: Any) -> list[ColumnElement[bool]]:
    """True for a moment within the days, in UTC."""
    first, last = (None if day is None else datetime.combine(day, time(), UTC) for day in days)
    found = [] if first is None else [column >= first]
    return found if last is None else [*found, column < last + timedelta(days=1)]


def _of_visits(days: Days) -> Any:
    query = select(CURRENCY.label("currency"), func.sum(COST).label("amount")).select_from(Message)
    return query.join(Appointment, Appointment.id == Message.appointment_id).where(*bounds(days))


def _of_none(days: Days) -> Any:
    query = select(CURRENCY.label("currency"), func.sum(COST).label("amount")).select_from(Message)
    return query.where(Message.appointment_id.is_(None), *written(days, Message.created_at))
