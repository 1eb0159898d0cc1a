"""Invitations to visits that went out by mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id


class Invitation(Base):
    """The reply address of one visit: only the SHA-256 of its token is kept. ``answered_at`` is the DTSTAMP of the last
    answer (RFC 5545 section 3.8.7.2), ``answer`` what it said; what is older is dropped."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), index=True)
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]
