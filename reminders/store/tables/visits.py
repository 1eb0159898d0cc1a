"""Visits and everything that happened to them.

The guard against double booking is part of the database itself (``store/guards.py``, put in place by the first
migration): an exclusion constraint on PostgreSQL, triggers on SQLite, both over half-open ranges with buffers.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Appointment(Row):
    """``busy_start``/``busy_end`` are ``start_at``/``end_at`` with buffers; ``occupies`` follows the status.

    ``local_day`` and ``lead_days`` are facts of the venue's calendar, stored so that reports can group without
    knowing time zones. ``time_zone`` and ``local_start`` (RFC 3339, with the offset in force when it was written) are the
    wall time that was promised: it stays when the zone's rules change (``services/walltimes.py``). ``paused``: the desk wants no reminders for this visit. ``published``: the provider's calendar
    shows it as it is (``store/calendars.py``). A visit imported from the past may have no provider and no time of day (``timed`` false).
    """

    __tablename__ = "appointment"
    __table_args__ = (
        Index("ix_appointment_provider_busy", "provider_id", "busy_start", postgresql_where=text("occupies"),
              sqlite_where=text("occupies = 1")),
        Index("ix_appointment_start_at_id", "start_at", "id"),
        Index("ix_appointment_patient_id_start_at_status", "patient_id", "start_at", "status"),
        Index("ix_appointment_local_day", "local_day"),
        Index("ix_appointment_open", "start_at", "id", postgresql_where=text("status IN ('pending', 'booked')"),
              sqlite_where=text("status IN ('pending', 'booked')")),
        Index("ix_appointment_unpublished", "provider_id", "start_at", postgresql_where=text("NOT published"),
              sqlite_where=text("published = 0")),
        Index("ix_appointment_noshow", "local_day", "patient_id", postgresql_where=text("status = 'noshow'"),
              sqlite_where=text("status = 'noshow'")),
        Index("ix_appointment_updated_at_id", "updated_at", "id"),
        UniqueConstraint("source", "external_id"),
    )  # fmt: skip

    location_id: Mapped[int] = mapped_column(ForeignKey("location.id"))
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id"))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    status: Mapped[str]
    confirmation: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    busy_start: Mapped[datetime]
    busy_end: Mapped[datetime]
    occupies: Mapped[bool]
    timed: Mapped[bool]
    time_zone: Mapped[str | None]
    local_start: Mapped[str | None]
    local_day: Mapped[date]
    booked_at: Mapped[datetime]
    lead_days: Mapped[int]
    cancel_reason: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(server_default=false())
    published: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int]
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    updated_at: Mapped[datetime]


class AppointmentHistory(Base):
    """Who changed what, when and from which channel. ``facts`` holds before and after, never personal data."""

    __tablename__ = "appointment_history"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), index=True)
    at: Mapped[datetime]
    change: Mapped[str]
    actor: Mapped[str]
    channel: Mapped[str]
    version: Mapped[int]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)


class Outbox(Base):
    """Effects that leave the database: written with the change, carried out after it is committed."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_not_before", "not_before", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    topic: Mapped[str]
    key: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    not_before: Mapped[datetime]
    attempts: Mapped[int]
    last_error: Mapped[str | None]


class ZoneCheck(Base):
    """One look at every visit ahead for whether its moment still is the wall time that was promised. ``version`` is that of
    the time zone database; ``after`` the last provider that was looked at, until ``ended_at``. ``overlapping``: visits
    whose time somebody else has now."""

    __tablename__ = "zone_check"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    version: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    after: Mapped[int] = mapped_column(Id)
    checked: Mapped[int]
    moved: Mapped[int]
    overlapping: Mapped[int]
