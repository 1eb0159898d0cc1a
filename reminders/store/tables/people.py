"""Patients, what they allow, and the keys of those who work with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class Patient(Row):
    """``phone`` is E.164 or null; ``language`` null means the location's. ``source``/``external_id`` name the record
    in the system it was imported from. ``paused``: the desk wants no reminders for this patient. ``merged_into``: the
    same person's card that is used instead. ``updated_at``: the last change of what other systems are shown."""

    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_patient_phone", "phone"),
        Index("ix_patient_email", "email"),
        Index("ix_patient_updated_at_id", "updated_at", "id"),
    )

    name: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    birth_year: Mapped[int | None]
    phone_problem: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(server_default=false())
    source: Mapped[str | None]
    external_id: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime | None]
    merged_into: Mapped[int | None] = mapped_column(BigInteger, index=True)


class PatientMerge(Row):
    """Two cards that were one person's. ``moved`` names, by table, the rows that changed hands, and what of the card that
    is kept was filled in, so that it can be undone."""

    __tablename__ = "patient_merge"

    kept_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    gone_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    moved: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[datetime]
    actor: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None]


class OptOut(Base):
    """ "Stop" said for one phone and channel, with the evidence. ``ended_at`` is set by START."""

    __tablename__ = "opt_out"
    __table_args__ = (Index("ix_opt_out_phone", "phone"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    phone: Mapped[str]
    channel: Mapped[str]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    evidence: Mapped[str]
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))


class ApiKey(Row):
    """Only the SHA-256 of a key is kept; the key itself has 256 random bits, so a slow hash would add nothing."""

    __tablename__ = "api_key"

    role: Mapped[str]
    label: Mapped[str]
    hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A POST that was carried out: written in the same transaction as its effect, so a repeat finds the result."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("actor", "key"), Index("ix_idempotency_key_created_at", "created_at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    actor: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    resource_uid: Mapped[str]
    created_at: Mapped[datetime]
