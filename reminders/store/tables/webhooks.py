"""Whom we tell of changes, and what became of telling them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Webhook(Row):
    """An address that is told of events. ``secret`` signs, encrypted; until ``old_until`` so does ``old_secret``.

    ``state``: active, paused (by a person; what happens meanwhile is kept for it) or disabled (``state_reason``: gone,
    given_up; nothing is kept). ``next_at``: it is left alone until then; ``failures`` in a row. ``lease_owner`` works on it
    until ``lease_until``.
    """

    __tablename__ = "webhook"

    url: Mapped[str]
    label: Mapped[str]
    events: Mapped[list[Any]] = mapped_column(Json)
    secret: Mapped[str] = mapped_column(Text)
    old_secret: Mapped[str | None] = mapped_column(Text)
    old_until: Mapped[datetime | None]
    state: Mapped[str]
    state_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(server_default=text("0"))
    next_at: Mapped[datetime]
    last_ok_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class WebhookEvent(Row):
    """One thing that happened, as it is sent: the same bytes and the same id (``uid``) to everybody and at every try.
    Ids and states only, nothing that says who somebody is."""

    __tablename__ = "webhook_event"
    __table_args__ = (Index("ix_webhook_event_created_at", "created_at"),)

    type: Mapped[str]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class WebhookDelivery(Row):
    """One event for one webhook: pending (next tried at ``next_at``), delivered, or failed for good."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_webhook_delivery_pending", "webhook_id", "next_at", postgresql_where=text("state = 'pending'"),
              sqlite_where=text("state = 'pending'")),
        Index("ix_webhook_delivery_event_id", "event_id"),
    )  # fmt: skip

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_event.id"))
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class WebhookTry(Base):
    """One try: the status that came back, or why none did. Nothing of what was answered is kept."""

    __tablename__ = "webhook_try"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_delivery.id"), index=True)
    at: Mapped[datetime]
    status: Mapped[int | None]
    error: Mapped[str | None]
    milliseconds: Mapped[int]
