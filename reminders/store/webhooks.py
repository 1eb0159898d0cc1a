"""Whom we tell of changes: their addresses, whose turn it is, what is to be sent, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, literal_column, or_, select, update

from reminders.errors import NotFound
from reminders.store.engine import Record
from reminders.store.tables import Webhook, WebhookDelivery, WebhookEvent, WebhookTry

_HOOK: Any = Webhook.__table__
_EVENT: Any = WebhookEvent.__table__
_DELIVERY: Any = WebhookDelivery.__table__
_TRY: Any = WebhookTry.__table__
#: Written out, so that the partial index is used.
_PENDING = _DELIVERY.c.state == literal_column("'pending'")
_LISTED = select(_DELIVERY, _EVENT.c.uid.label("event_uid"), _EVENT.c.type, _EVENT.c.body).join_from(_DELIVERY, _EVENT)
_MOST_FORGOTTEN = 1000


def add(tx: Connection, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(Webhook).returning(Webhook.id), dict(values)).scalar_one())


def get(tx: Connection, uid: str, *, lock: bool = False) -> Record:
    """``NotFound`` when there is none."""
    query = select(_HOOK).where(_HOOK.c.uid == uid)
    row = tx.execute(query.with_for_update(key_share=True) if lock else query).first()
    if row is None:
        raise NotFound("There is no webhook with this id.")
    return row


def find(tx: Connection, number: int) -> Record | None:
    """One by its number, held until the commit, if it is still there."""
    query = select(_HOOK).where(_HOOK.c.id == number)
    return tx.execute(query.with_for_update(key_share=True)).first()


def count(tx: Connection) -> int:
    return int(tx.execute(select(func.count()).select_from(_HOOK)).scalar_one())


def listing(tx: Connection, after: int, limit: int) -> Sequence[Record]:
    return tx.execute(select(_HOOK).where(_HOOK.c.id > after).order_by(_HOOK.c.id).limit(limit)).all()


def change(tx: Connection, number: int, values: Mapping[str, Any]) -> None:
    tx.execute(update(Webhook).where(Webhook.id == number).values(**values))


def remove(tx: Connection, uid: str) -> None:
    """Forget a webhook with its log; events that nobody else is told of go later, with age. Waits for those who are about
    to add to its log."""
    number = get(tx, uid).id
    tx.execute(select(_HOOK.c.id).where(_HOOK.c.id == number).with_for_update())
    mine = select(_DELIVERY.c.id).where(_DELIVERY.c.webhook_id == number)
    tx.execute(delete(WebhookTry).where(WebhookTry.delivery_id.in_(mine)))
    tx.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == number))
    tx.execute(delete(Webhook).where(Webhook.id == number))


# What is to be told


def listening(tx: Connection) -> Sequence[Record]:
    """Number and wishes of everybody for whom events are kept; none of them can be removed before the commit."""
    query = select(_HOOK.c.id, _HOOK.c.events).where(_HOOK.c.state.in_(("active", "paused"))).order_by(_HOOK.c.id)
    return tx.execute(query.with_for_update(read=True, key_share=True)).all()


def add_event(tx: Connection, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(WebhookEvent).returning(WebhookEvent.id), dict(values)).scalar_one())


def add_deliveries(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    tx.execute(insert(WebhookDelivery), [dict(row) for row in rows])


# Whose turn it is


def any_due(tx: Connection, now: datetime) -> bool:
    return tx.execute(select(_HOOK.c.id).where(*_due(now)).limit(1)).first() is not None


def claim(tx: Connection, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[Record]:
    """Take the leases of webhooks for which something is due, those first that have waited longest."""
    query = select(_HOOK).where(*_due(now)).order_by(_HOOK.c.next_at, _HOOK.c.id).limit(limit)
    rows = tx.execute(query.with_for_update(skip_locked=True, key_share=True)).all()
    for row in rows:
        change(tx, row.id, {"lease_owner": owner, "lease_until": until})
    return rows


def release(tx: Connection, number: int, owner: str) -> None:
    """End the lease; nothing happens when another worker has it by now."""
    statement = update(Webhook).where(Webhook.id == number, Webhook.lease_owner == owner)
    tx.execute(statement.values(lease_owner=None, lease_until=None))


def due(tx: Connection, number: int, now: datetime, limit: int) -> Sequence[Record]:
    """What is to be sent there now, in the order in which it became due; nothing once it is paused or disabled."""
    active = exists().where(_HOOK.c.id == number, _HOOK.c.state == "active")
    query = _LISTED.where(_DELIVERY.c.webhook_id == number, _PENDING, _DELIVERY.c.next_at <= now, active)
    return tx.execute(query.order_by(_DELIVERY.c.next_at, _DELIVERY.c.id).limit(limit)).all()


def tried(
    tx: Connection, delivery: Record, attempt: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:  # fmt: skip
    """Write down one try and what follows from it; False when somebody else has done so in the meantime, or replayed it."""
    mine = (_DELIVERY.c.id == delivery.id, _PENDING, _DELIVERY.c.tries == delivery.tries)
    known = tx.execute(update(_DELIVERY).where(*mine).values(**values)).rowcount
    if tx.execute(select(_DELIVERY.c.id).where(_DELIVERY.c.id == delivery.id)).first() is not None:
        tx.execute(insert(WebhookTry), {"delivery_id": delivery.id, **attempt})
    return bool(known)


# The log


def delivery(tx: Connection, webhook: int, uid: str) -> Record:
    """``NotFound`` when there is none."""
    row = tx.execute(_LISTED.where(_DELIVERY.c.webhook_id == webhook, _DELIVERY.c.uid == uid)).first()
    if row is None:
        raise NotFound("There is no delivery with this id; they are kept for 30 days.")
    return row


def deliveries(
    tx: Connection, webhook: int, state: str | None, before: int | None, limit: int
) -> Sequence[Record]:  # fmt: skip
    """Newest first."""
    query = _LISTED.where(_DELIVERY.c.webhook_id == webhook)
    if state is not None:
        query = query.where(_DELIVERY.c.state == state)
    if before is not None:
        query = query.where(_DELIVERY.c.id < before)
    return tx.execute(query.order_by(_DELIVERY.c.id.desc()).limit(limit)).all()


def tries(tx: Connection, numbers: Sequence[int]) -> Sequence[Record]:
    """Every try of these deliveries, oldest first."""
    return tx.execute(select(_TRY).where(_TRY.c.delivery_id.in_(numbers)).order_by(_TRY.c.id)).all()


def again(tx: Connection, number: int, now: datetime) -> None:
    """Send it once more, with every try that a new one has."""
    values = {"state": "pending", "tries": 0, "next_at": now, "ended_at": None}
    tx.execute(update(_DELIVERY).where(_DELIVERY.c.id == number).values(**values))


def waiting(tx: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """How many deliveries are pending, by webhook."""
    query = select(_DELIVERY.c.webhook_id, func.count()).where(_DELIVERY.c.webhook_id.in_(numbers), _PENDING)
    return {row[0]: row[1] for row in tx.execute(query.group_by(_DELIVERY.c.webhook_id))}


def forget_before(tx: Connection, moment: datetime) -> int:
    """Forget events of before ``moment`` with their deliveries and tries, a bounded number; returns how many."""
    old = tx.execute(
        select(_EVENT.c.id).where(_EVENT.c.created_at < moment).order_by(_EVENT.c.created_at).limit(_MOST_FORGOTTEN)
    )
    numbers = [row.id for row in old]
    if numbers:
        mine = select(_DELIVERY.c.id).where(_DELIVERY.c.event_id.in_(numbers))
        tx.execute(delete(WebhookTry).where(WebhookTry.delivery_id.in_(mine)))
        tx.execute(delete(WebhookDelivery).where(WebhookDelivery.event_id.in_(numbers)))
        tx.execute(delete(WebhookEvent).where(WebhookEvent.id.in_(numbers)))
    return len(numbers)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(_HOOK.c.lease_until.is_(None), _HOOK.c.lease_until <= now)
    pending = exists().where(_DELIVERY.c.webhook_id == _HOOK.c.id, _PENDING, _DELIVERY.c.next_at <= now)
    return (_HOOK.c.state == "active", _HOOK.c.next_at <= now, free, pending)
