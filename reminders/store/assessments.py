"""Queries on assessments, their versions, and the clinic's own quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.tables import Assessment, AssessmentVersion, VendorQuote

_VERSION = (
    select(
        Assessment.id, Assessment.uid, Assessment.name, Assessment.version.label("versions"), AssessmentVersion.version,
        AssessmentVersion.scenario, AssessmentVersion.result, AssessmentVersion.created_at, AssessmentVersion.actor,
    ).join_from(Assessment, AssessmentVersion)
)  # fmt: skip


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    """A new assessment, without versions; its internal number."""
    return int(tx.execute(insert(Assessment).values(**values).returning(Assessment.id)).scalar_one())


def add_version(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(AssessmentVersion), dict(values))


def lock(tx: Connection, uid: str) -> Record:
    """An assessment held until the commit, so that its versions are numbered without gaps; ``NotFound``."""
    query = select(Assessment.id, Assessment.version).where(Assessment.uid == uid)
    row = tx.execute(query.with_for_update(key_share=True)).first()
    if row is None:
        raise NotFound("There is no assessment with this id.")
    return row


def renew(tx: Connection, number: int, name: str, version: int, headline: str | None, now: datetime) -> None:
    """Say which version is the newest, and what it comes to."""
    values = {"name": name, "version": version, "headline": headline, "updated_at": now}
    tx.execute(update(Assessment).where(Assessment.id == number).values(**values))


def get(tx: Connection, uid: str, version: int | None = None) -> Record:
    """One version, the newest unless another is named; ``NotFound``."""
    wanted = Assessment.version if version is None else version
    row = tx.execute(_VERSION.where(Assessment.uid == uid, AssessmentVersion.version == wanted)).first()
    if row is None:
        raise NotFound("There is no such assessment, or no such version of it.")
    return row


def listing(tx: Connection, before: int | None, limit: int) -> Sequence[Record]:
    """Newest first, one more than ``limit`` when there are more; ``before`` is the number of the last one seen. ``reason``
    is what the newest version comes to, with the facts of the sentence; ``None`` where nothing is compared."""
    newest = (AssessmentVersion.assessment_id == Assessment.id) & (AssessmentVersion.version == Assessment.version)
    reason = AssessmentVersion.result[("recommendation", "headline")].label("reason")
    query = select(Assessment.__table__, reason).join(AssessmentVersion, newest)
    query = query.order_by(Assessment.id.desc()).limit(limit + 1)
    return tx.execute(query if before is None else query.where(Assessment.id < before)).all()


def add_quote(tx: Connection, values: Mapping[str, Any]) -> None:
    tx.execute(insert(VendorQuote), dict(values))


def quote(tx: Connection, uid: str) -> Record:
    """One quote; ``NotFound``."""
    row = tx.execute(select(VendorQuote.__table__).where(VendorQuote.uid == uid)).first()
    if row is None:
        raise NotFound("There is no vendor with this id.")
    return row


def quotes(tx: Connection) -> Sequence[Record]:
    """All of them, oldest first: a clinic has a handful."""
    return tx.execute(select(VendorQuote.__table__).order_by(VendorQuote.id)).all()
