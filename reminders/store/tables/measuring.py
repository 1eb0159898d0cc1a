"""What the reports are made of: trials, and sums of past days."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Experiment(Row):
    """A trial within a policy. ``branches`` are [{"name", "share", "steps"}], as the API writes them; nothing but
    ``ended_at`` ever changes."""

    __tablename__ = "experiment"
    __table_args__ = (
        Index("uq_experiment_running", "policy_id", unique=True, postgresql_where=text("ended_at IS NULL"),
              sqlite_where=text("ended_at IS NULL")),
    )  # fmt: skip

    policy_id: Mapped[int] = mapped_column(ForeignKey("reminder_policy.id"))
    name: Mapped[str]
    service_ids: Mapped[list[int]] = mapped_column(Json)
    guarded_ids: Mapped[list[int]] = mapped_column(Json)
    branches: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    difference: Mapped[float]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RollupState(Base):
    """One row once the first night is over: every day from ``since`` to ``through`` is added up, unless it is marked. The
    marked ones up to ``settled`` were added up before, with their months and years."""

    __tablename__ = "rollup_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[date]
    through: Mapped[date]
    settled: Mapped[date | None]


class StaleDay(Base):
    """One change of a past day since it was added up (``store/staleness.py``), or a day that is still to be added up."""

    __tablename__ = "stale_day"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    day: Mapped[date] = mapped_column(index=True)


class RollupVisit(Base):
    """Visits of a day, month or year (``level`` d, m or y; ``start`` its first day) in one group, by what became of
    them."""

    __tablename__ = "rollup_visit"

    grouping: Mapped[str] = mapped_column(String(16), primary_key=True)
    level: Mapped[str] = mapped_column(String(1), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fulfilled: Mapped[int]
    arrived: Mapped[int]
    noshow: Mapped[int]
    cancelled: Mapped[int]
    unmarked: Mapped[int]
    upcoming: Mapped[int]
    late_cancelled: Mapped[int]
    refilled: Mapped[int]
    noshow_refilled: Mapped[int]
    moved: Mapped[int]
    assumed: Mapped[int] = mapped_column(server_default="0")


class RollupStratum(Base):
    """Visits whose outcome is known, of one service on one weekday: ``cells`` are the counts of all strata of a day, month
    or year, packed (``domain/strata.py``)."""

    __tablename__ = "rollup_stratum"
    __table_args__ = ({"sqlite_with_rowid": False},)

    level: Mapped[str] = mapped_column(String(1), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    weekday: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    cells: Mapped[bytes]


class RollupCost(Base):
    """Messages about the visits of a day, month or year in one group and currency (``""``: none known), and the
    reminders of the group by state, which stand in the rows without a currency."""

    __tablename__ = "rollup_cost"

    grouping: Mapped[str] = mapped_column(String(16), primary_key=True)
    level: Mapped[str] = mapped_column(String(1), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    messages: Mapped[int]
    segments: Mapped[int]
    actual_messages: Mapped[int]
    estimated_messages: Mapped[int]
    actual: Mapped[Decimal]
    estimated: Mapped[Decimal]
    both_price: Mapped[Decimal]
    both_estimated: Mapped[Decimal]
    reminders: Mapped[int]
    confirmed: Mapped[int]
    kept: Mapped[int]


class RollupReminder(Base):
    """Reminders of the visits of a day, month or year in one group, by what became of them."""

    __tablename__ = "rollup_reminder"

    grouping: Mapped[str] = mapped_column(String(16), primary_key=True)
    level: Mapped[str] = mapped_column(String(1), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int]
