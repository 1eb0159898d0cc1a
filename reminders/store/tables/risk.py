"""What was learnt about missed visits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Json


class RiskModel(Base):
    """A trained model: numbers only, so that it can be read anywhere and runs nothing. ``facts`` are base, intercept,
    weights and usual values, ``metrics`` what it was worth on visits it had not seen. ``since`` and ``through`` are the days of the
    visits it learnt from. At most one is in use; without one, the rule is."""

    __tablename__ = "risk_model"
    __table_args__ = (
        Index("uq_risk_model_in_use", "in_use", unique=True, postgresql_where=text("in_use"),
              sqlite_where=text("in_use = 1")),
    )  # fmt: skip

    version: Mapped[int] = mapped_column(primary_key=True)
    trained_at: Mapped[datetime]
    since: Mapped[date]
    through: Mapped[date]
    visits: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    metrics: Mapped[dict[str, Any]] = mapped_column(Json)
    in_use: Mapped[bool]
