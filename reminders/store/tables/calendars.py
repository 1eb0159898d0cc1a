"""Calendars that go out: feeds, logins of calendar programs, and what each provider's calendar holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Feed(Row):
    """An address at which a calendar can be read. Exactly one of provider, location and patient is set.

    Only the SHA-256 of the token in the address is kept. ``state`` says what the answer was last made of, ``etag`` and
    ``changed_at`` what it then was and since when: an unchanged feed is answered from these alone.
    """

    __tablename__ = "feed"

    token_hash: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str]
    privacy: Mapped[str]
    provider_id: Mapped[int | None] = mapped_column(ForeignKey("provider.id"))
    location_id: Mapped[int | None] = mapped_column(ForeignKey("location.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    state: Mapped[str | None]
    etag: Mapped[str | None]
    changed_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    agent: Mapped[str | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class DavCredential(Row):
    """The login of one device or program to one provider's calendar; ``scope`` is read or write. Its password has 256
    random bits, so a plain SHA-256 of it is kept."""

    __tablename__ = "dav_credential"

    hash: Mapped[str] = mapped_column(unique=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))
    label: Mapped[str]
    scope: Mapped[str]
    used_at: Mapped[datetime | None]
    agent: Mapped[str | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Calendar(Base):
    """One provider's calendar. ``seq`` counts its changes (RFC 6578); tokens older than ``floor`` are no longer known.
    ``props`` are properties that programs keep there (RFC 4918: dead properties), as XML by name."""

    __tablename__ = "calendar"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"), unique=True)
    seq: Mapped[int] = mapped_column(Id)
    floor: Mapped[int] = mapped_column(Id)
    props: Mapped[dict[str, Any]] = mapped_column(Json)


class CalendarEntry(Base):
    """One resource of a calendar: a visit as last rendered, or an event that a program put there (no appointment).

    ``seq`` is the calendar's count at its last change; a ``deleted`` one stays so that programs learn of it. ``body`` is
    what they get; ``client`` what one last sent. ``head`` with one of ``full`` and ``initials`` is the visit in a feed.
    ``stale``: the visit went to another provider. ``version`` is the visit's that was rendered. ``expanded_to``: until
    when an event that repeats takes up time, so far.
    """

    __tablename__ = "calendar_entry"
    __table_args__ = (
        UniqueConstraint("provider_id", "href"),
        Index("ix_calendar_entry_provider_id_seq", "provider_id", "seq"),
        Index("ix_calendar_entry_provider_id_start_at", "provider_id", "start_at"),
        Index("ix_calendar_entry_provider_id_uid", "provider_id", "uid"),
        Index("ix_calendar_entry_stale", "provider_id", postgresql_where=text("stale"), sqlite_where=text("stale = 1")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))
    href: Mapped[str]
    uid: Mapped[str]
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"), unique=True)
    seq: Mapped[int] = mapped_column(Id)
    deleted: Mapped[bool] = mapped_column(server_default=false())
    stale: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    recurring: Mapped[bool]
    expanded_to: Mapped[datetime | None]
    cancelled: Mapped[bool]
    etag: Mapped[str]
    body: Mapped[str]
    client: Mapped[str | None]
    head: Mapped[str]
    full: Mapped[str]
    initials: Mapped[str]
    modified_at: Mapped[datetime]
