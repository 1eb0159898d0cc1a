"""What went out in a month, kept as a running sum so that nobody has to add up its messages."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store.tables import Spending


def spent(tx: Connection, now: datetime, currency: str) -> Decimal:
    """Spent so far in the month of ``now`` (UTC)."""
    query = select(Spending.amount).where(Spending.month == _month(now), Spending.currency == currency)
    return tx.execute(query).scalar() or Decimal(0)


def add(tx: Connection, now: datetime, currency: str, amount: Decimal) -> None:
    """Count ``amount``, which may be negative when a price turns out lower than its estimate."""
    build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    row = build(Spending).values(month=_month(now), currency=currency, amount=amount)
    more = {"amount": Spending.amount + row.excluded.amount}
    tx.execute(row.on_conflict_do_update(index_elements=["month", "currency"], set_=more))


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"
