"""What other systems write through FHIR R4 and nothing else of ours has a place for: identifiers, and slots."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json, Row


class FhirIdentifier(Base):
    """``resource`` and ``number`` say whose it is, ``place`` where in the list. ``body`` is the identifier as it came:
    its use, type and extensions belong to whoever wrote it. Within a ``system`` a value names one patient, visit or slot."""

    __tablename__ = "fhir_identifier"
    __table_args__ = (
        Index("ix_fhir_identifier_resource_number", "resource", "number", "place"),
        Index("ix_fhir_identifier_value", "value"),
        Index("uq_fhir_identifier_resource_system_value", "resource", "system", "value", unique=True,
              postgresql_where=text("system <> ''"), sqlite_where=text("system <> ''")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    resource: Mapped[str]
    number: Mapped[int] = mapped_column(Id)
    place: Mapped[int]
    system: Mapped[str]
    value: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(Json)


class FhirSlot(Row):
    """Time of a provider that another system blocks or opens: [start_at, end_at). What it does is a ``hold`` whose
    ``source``, or a ``provider_exception`` whose ``uid``, is the one of this row."""

    __tablename__ = "fhir_slot"

    provider_id: Mapped[int] = mapped_column(ForeignKey("provider.id"))
    status: Mapped[str]
    start_at: Mapped[datetime]
    end_at: Mapped[datetime]
    comment: Mapped[str | None]
    version: Mapped[int]
    updated_at: Mapped[datetime]
