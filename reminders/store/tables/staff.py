"""People who sign in with a password, their sessions, and the passwords that did not fit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Row


class StaffUser(Row):
    """``password_hash`` is Argon2id's own text, parameters and salt included. ``language`` is what the pages speak;
    empty: as the browser asks."""

    __tablename__ = "staff_user"

    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str]
    language: Mapped[str | None]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class StaffSession(Row):
    """Only SHA-256 of the tokens is kept. The former token counts for a moment after it was replaced."""

    __tablename__ = "staff_session"

    user_id: Mapped[int] = mapped_column(ForeignKey("staff_user.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    former_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime]


class SignInTry(Base):
    """A password that was tried and has not been right yet; ``subject`` is the digest of a name or of an address."""

    __tablename__ = "sign_in_try"
    __table_args__ = (Index(None, "subject", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subject: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
