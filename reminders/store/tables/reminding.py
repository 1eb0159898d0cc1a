"""Reminders, the messages that carry them, the answers to them and what the desk has to look at."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Reminder(Row):
    """One contact that was planned: a policy step, a notice of a change, or a note the desk wrote.

    ``plan`` is the visit's version it was planned for. ``lease_until`` is set while a worker holds the row.
    ``body`` is set only for what the desk wrote itself; every other text is made when it is sent. ``carried_by`` is the
    number of the reminder whose message also speaks for this one, when several go to one phone at once (no foreign key:
    SQLite cannot add one to a table that is there already).
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("appointment_id", "plan", "kind", "step", "channel"),
        Index("ix_reminder_due", "channel", "due_at", "id", postgresql_where=text("state = 'planned'"),
              sqlite_where=text("state = 'planned'")),
        Index("ix_reminder_lease", "lease_until", postgresql_where=text("state IN ('claimed', 'uncertain')"),
              sqlite_where=text("state IN ('claimed', 'uncertain')")),
        Index("ix_reminder_patient_id", "patient_id"),
        Index("ix_reminder_carried_by", "carried_by", postgresql_where=text("carried_by IS NOT NULL"),
              sqlite_where=text("carried_by IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 85}},
    )  # fmt: skip

    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    kind: Mapped[str]
    plan: Mapped[int]
    step: Mapped[int]
    channel: Mapped[str]
    due_at: Mapped[datetime]
    not_after: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str]
    attempts: Mapped[int]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    body: Mapped[str | None]
    carried_by: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]


class Message(Row):
    """One SMS, call or e-mail, in either direction. An outgoing row is written before the provider is asked to send it.

    ``phone`` is where it goes or came from: a number in E.164, for e-mail an address. ``token`` is the secret in the
    callback address. ``estimated`` and ``price`` never mix: the first comes from the rate card, the second from the
    provider. ``check_at`` is when to ask the provider for what it has not told yet (outcome, price), null when nothing
    is missing; ``checks`` counts how often it was asked. Of a call: ``duration`` in seconds, ``answered_by`` as the
    provider's machine detection heard it, ``outcome`` (``domain/call.py``). ``template`` is the text it was
    made from, ``text_version`` the version if that was the clinic's own.
    ``wanted_language`` is what was asked for when ``language`` had to do instead.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_reminder_id", "reminder_id"),
        Index("ix_message_phone_created_at", "phone", "created_at"),
        Index("ix_message_created_at", "created_at"),
        Index("ix_message_appointment_id", "appointment_id"),
        Index(
            "ix_message_about_none",
            "created_at",
            postgresql_where=text("appointment_id IS NULL"),
            sqlite_where=text("appointment_id IS NULL"),
        ),
        Index(
            "ix_message_check_at",
            "check_at",
            postgresql_where=text("check_at IS NOT NULL"),
            sqlite_where=text("check_at IS NOT NULL"),
        ),
    )

    direction: Mapped[str] = mapped_column(String(8))
    channel: Mapped[str]
    kind: Mapped[str]
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey("reminder.id"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    phone: Mapped[str]
    body: Mapped[str]
    language: Mapped[str | None]
    wanted_language: Mapped[str | None]
    token: Mapped[str | None] = mapped_column(unique=True)
    provider_sid: Mapped[str | None] = mapped_column(unique=True)
    state: Mapped[str]
    error_code: Mapped[int | None]
    segments: Mapped[int | None]
    estimated: Mapped[Decimal | None]
    estimated_currency: Mapped[str | None] = mapped_column(String(3))
    price: Mapped[Decimal | None]
    price_currency: Mapped[str | None] = mapped_column(String(3))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]
    checks: Mapped[int] = mapped_column(server_default="0")
    duration: Mapped[int | None]
    answered_by: Mapped[str | None] = mapped_column(String(8))
    outcome: Mapped[str | None] = mapped_column(String(20))
    template: Mapped[str | None] = mapped_column(String(40))
    text_version: Mapped[int | None]


class InboxItem(Row):
    """Something a person has to read: a reply nobody could interpret, or a wish only the desk can fulfil. ``proposed_at``:
    the time somebody wishes the visit to begin at."""

    __tablename__ = "inbox_item"
    __table_args__ = (Index("ix_inbox_item_open", "id", postgresql_where=text("done_at IS NULL"),
                            sqlite_where=text("done_at IS NULL")),)  # fmt: skip

    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    reason: Mapped[str]
    proposed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]


class SenderPace(Base):
    """Until when the allowance of a sender is used up, shared by all workers (generic cell rate algorithm)."""

    __tablename__ = "sender_pace"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sender: Mapped[str] = mapped_column(unique=True)
    free_at: Mapped[datetime]


class Circuit(Base):
    """An account at the provider that refuses everything (credentials, suspended, no funds): no worker sends through it
    until ``retry_at``, when one of them asks whether it answers again. No row: all is well."""

    __tablename__ = "circuit"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(unique=True)
    opened_at: Mapped[datetime]
    retry_at: Mapped[datetime]
    error_code: Mapped[int | None]
    failures: Mapped[int]


class Spending(Base):
    """What went out in one month (UTC, ``2026-11``), in one currency: price where known, else estimate."""

    __tablename__ = "spending"
    __table_args__ = (UniqueConstraint("month", "currency"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    month: Mapped[str] = mapped_column(String(7))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal]


class ChangeSet(Row):
    """A change that would message many patients at once, held until somebody releases or drops it.

    ``facts`` is what was asked for, ``preview`` what it would do, as shown. ``apply_at`` is set by a release: until then
    it can still be undone. ``done`` and ``refused`` count the visits dealt with.
    """

    __tablename__ = "change_set"
    __table_args__ = (Index("ix_change_set_apply_at", "apply_at", postgresql_where=text("apply_at IS NOT NULL"),
                            sqlite_where=text("apply_at IS NOT NULL")),)  # fmt: skip

    kind: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    preview: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str]
    actor: Mapped[str]
    created_at: Mapped[datetime]
    apply_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    done: Mapped[int]
    refused: Mapped[int]


class Heartbeat(Base):
    """When the clock of a worker last ticked."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    worker: Mapped[str] = mapped_column(unique=True)
    at: Mapped[datetime]
