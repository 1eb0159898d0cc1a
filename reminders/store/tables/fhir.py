"""Identifiers that other systems gave to our patients and visits (FHIR R4 ``identifier``)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from reminders.store.tables.base import Base, Id, Json


class FhirIdentifier(Base):
    """``resource`` and ``number`` say whose it is, ``place`` where in the list. ``body`` is the identifier as it came:
    its use, type and extensions belong to whoever wrote it. Within a ``system`` a value names one patient or visit."""

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
