"""Assessments of how the phones are answered, and the quotes a clinic got for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Assessment(Row):
    """A scenario that somebody works on; ``version`` is the newest of its versions."""

    __tablename__ = "assessment"

    name: Mapped[str]
    version: Mapped[int]
    headline: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AssessmentVersion(Base):
    """What was asked and what came out; never changed again, so that a decision can be traced to its figures."""

    __tablename__ = "assessment_version"
    __table_args__ = (UniqueConstraint("assessment_id", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    version: Mapped[int]
    scenario: Mapped[dict[str, Any]] = mapped_column(Json)
    result: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    actor: Mapped[str]


class VendorQuote(Row):
    """What a vendor offered this clinic. ``facts`` has everything a person reads; only the name is looked at here."""

    __tablename__ = "vendor_quote"

    name: Mapped[str] = mapped_column(String(200))
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime]
    actor: Mapped[str]
