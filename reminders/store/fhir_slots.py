"""Time of providers that other systems block or open through FHIR, next to time that is held for other reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, delete, func, insert, or_, select, tuple_, update

from reminders.domain.fhir.search import Span, Token
from reminders.domain.fhir.slot import BLOCKED
from reminders.errors import NotFound
from reminders.store import fhir
from reminders.store.engine import Record
from reminders.store.holds import in_force
from reminders.store.tables import FhirSlot, Hold, HoldKind

#: What identifiers of slots are kept under.
RESOURCE = "Slot"
#: How the public id of a slot begins that somebody wrote.
PREFIX = "slo"
_SLOT: Any = FhirSlot.__table__
_WRITTEN = select(_SLOT)
_UNAVAILABLE, _TENTATIVE = BLOCKED
#: Everything that is held, as slots: a time that is offered to somebody may still come to nothing.
_STATUS = func.coalesce(_SLOT.c.status, case((Hold.kind == HoldKind.OFFER, _TENTATIVE), else_=_UNAVAILABLE))
_HELD = select(
    _SLOT.c.id, func.coalesce(_SLOT.c.uid, Hold.uid).label("uid"), Hold.provider_id, _STATUS.label("status"),
    Hold.start_at, Hold.end_at, _SLOT.c.comment, _SLOT.c.version, _SLOT.c.updated_at, Hold.id.label("number"),
).select_from(Hold).outerjoin(_SLOT, _SLOT.c.uid == Hold.source)  # fmt: skip


def add(tx: Connection, values: Mapping[str, Any]) -> Record:
    return tx.execute(insert(FhirSlot).values(**values).returning(*_SLOT.c)).one()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(FhirSlot).where(FhirSlot.id == number).values(**values))


def remove(tx: Connection, uid: str) -> None:
    """Forget what was written; nothing when it is none of these."""
    numbers = tx.execute(delete(FhirSlot).where(FhirSlot.uid == uid).returning(FhirSlot.id)).scalars().all()
    for number in numbers:
        fhir.keep(tx, RESOURCE, number, [])


def get(tx: Connection, uid: str, now: datetime, *, lock: bool = False) -> Record:
    """What somebody wrote, or what is held now for another reason; ``NotFound`` when there is neither."""
    query: Select[Any] = _HELD.where(Hold.uid == uid, in_force(now))
    if uid.startswith(PREFIX):
        query = _WRITTEN.where(_SLOT.c.uid == uid)
        query = query.with_for_update(key_share=True) if lock else query
    row = tx.execute(query).first()
    if row is None:
        raise NotFound(f"There is no {RESOURCE} with this id.")
    return row


def written(
    tx: Connection, uids: Sequence[Sequence[str]], tokens: Sequence[Sequence[Token]], most: int
) -> Sequence[Record]:
    """What somebody wrote, by ids and identifiers: each group has to hold, and in a group one value is enough."""
    conditions: list[ColumnElement[bool]] = [_SLOT.c.uid.in_(group) for group in uids]
    conditions += [or_(*(_SLOT.c.id.in_(fhir.carriers(token, RESOURCE)) for token in group)) for group in tokens]
    return tx.execute(_WRITTEN.where(*conditions).order_by(_SLOT.c.id).limit(most)).all()


def blocked(
    tx: Connection, providers: Sequence[int], statuses: Sequence[str], span: Span, now: datetime,
    after: tuple[datetime, int] | None, limit: int,
) -> Sequence[Record]:  # fmt: skip
    """What is held of these providers' time and begins within ``span`` (without a beginning: is not over yet), soonest
    first; ``after`` is (start, ``number``) of the last one of the page before. One row more than ``limit``."""
    conditions = [Hold.provider_id.in_(providers), in_force(now), _STATUS.in_(statuses)]
    conditions.append(Hold.start_at >= span.since if span.since is not None else Hold.end_at > now)
    if span.until is not None:
        conditions.append(Hold.start_at < span.until)
    if after is not None:
        conditions.append(tuple_(Hold.start_at, Hold.id) > after)
    return tx.execute(_HELD.where(*conditions).order_by(Hold.start_at, Hold.id).limit(limit + 1)).all()
