"""Numbered questions that wait for an answer by text, or on a call."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Json, Row


class Question(Row):
    """What a phone was asked in answer to its text, or while a call went on (``channel``). ``facts`` names visits and times by their public ids, never people;
    ``change`` is what would be done. After ``expires_at`` a number is no answer any more; ``closed_at``: it was answered,
    or something else was said. Times on offer are held as ``question:`` and its uid."""

    __tablename__ = "question"
    __table_args__ = (Index("ix_question_phone", "phone", "id"),)

    phone: Mapped[str]
    channel: Mapped[str] = mapped_column(String(8), server_default="sms")
    kind: Mapped[str]
    change: Mapped[str | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
