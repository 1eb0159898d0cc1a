"""Time of a provider that is taken by something other than a visit."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Row


class HoldKind(StrEnum):
    """Why time is held. ``BUSY`` is a fact from elsewhere (an imported calendar) and may lie over visits; the others
    are refused where a visit is, an ``OFFER`` also where anything else is held."""

    OFFER = "offer"
    CALENDAR = "calendar"
    BUSY = "busy"


class Hold(Row):
    """[start_at, end_at) in which nobody can be booked with the provider, until ``expires_at`` if there is one.

    ``source`` names what it belongs to (an offer, a calendar's event, a connection), so that it can be found again.
    The database itself keeps visits off it: ``store/guards.py``.
    """

    __tablename__ = "hold"
    __table_args__ = (
        Index("ix_hold_provider_id_end_at", "provider_id", "end_at"),
        Index("ix_hold_source", "source"),
    )

    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))
    kind: Mapped[str]
    source: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
