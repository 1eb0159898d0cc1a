"""Who works where, when, and what is offered."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Location(Row):
    __tablename__ = "location"

    name: Mapped[str]
    time_zone: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    holiday_region: Mapped[str | None]
    observes_holidays: Mapped[bool]
    language: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    phone: Mapped[str | None]
    on_remote_move: Mapped[str] = mapped_column(server_default="apply")
    on_remote_delete: Mapped[str] = mapped_column(server_default="ask")
    unmarked_after: Mapped[str] = mapped_column(server_default="ask")
    created_at: Mapped[datetime]


class ReminderPolicy(Row):
    """``steps`` and ``quiet_hours`` are kept as the API writes them; ``domain/plan.py`` gives them meaning.

    ``quiet_hours`` is {"mode": "country"}, {"mode": "none"} or {"mode": "own", "start": "20:00", "end": "08:00"}.
    """

    __tablename__ = "reminder_policy"

    name: Mapped[str]
    steps: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    quiet_hours: Mapped[dict[str, Any]] = mapped_column(Json)
    notices: Mapped[list[str]] = mapped_column(Json)
    created_at: Mapped[datetime]


class Provider(Row):
    __tablename__ = "provider"

    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    name: Mapped[str]
    languages: Mapped[list[str]] = mapped_column(Json)
    active: Mapped[bool]
    created_at: Mapped[datetime]


class ProviderHours(Base):
    """One weekly span, open or a break; minutes after local midnight."""

    __tablename__ = "provider_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"), index=True)
    weekday: Mapped[int]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    is_break: Mapped[bool]


class ProviderException(Row):
    """Days that differ from the week: leave, illness, an extra Saturday."""

    __tablename__ = "provider_exception"

    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"), index=True)
    first_day: Mapped[date]
    last_day: Mapped[date]
    is_open: Mapped[bool]
    start_minute: Mapped[int]
    end_minute: Mapped[int]
    note: Mapped[str | None]


class Service(Row):
    """``longest_minutes`` is the longest a visit with its buffers has ever been under this service: how far back a
    search has to look for visits that reach into its window."""

    __tablename__ = "service"

    name: Mapped[str]
    duration_minutes: Mapped[int]
    buffer_before_minutes: Mapped[int]
    buffer_after_minutes: Mapped[int]
    longest_minutes: Mapped[int]
    slot_minutes: Mapped[int]
    min_notice_minutes: Mapped[int]
    horizon_days: Mapped[int]
    cancel_cutoff_minutes: Mapped[int] = mapped_column(server_default="0")
    value_amount: Mapped[Decimal | None]
    value_currency: Mapped[str | None] = mapped_column(String(3))
    reminder_policy_id: Mapped[int | None] = mapped_column(ForeignKey("reminder_policy.id"))
    active: Mapped[bool]
    created_at: Mapped[datetime]


class ServiceProvider(Base):
    __tablename__ = "service_provider"
    __table_args__ = (UniqueConstraint("service_id", "provider_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))


class ClinicText(Base):
    """One version of a text of the clinic's own; the highest version is in force, without a body the product's text is.
    ``source`` is the fingerprint of the text it was made from."""

    __tablename__ = "clinic_text"
    __table_args__ = (UniqueConstraint("channel", "template", "language", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(8))
    template: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    body: Mapped[str | None]
    source: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class CatalogueVersion(Base):
    """One row, counted up by every change of the tables above, so that each process may keep them in memory."""

    __tablename__ = "catalogue_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]
