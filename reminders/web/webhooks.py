"""/api/v1/webhooks: who is told of changes."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.actor import Role
from reminders.domain.webhook import Verdict
from reminders.services.webhooks.subscriptions import Wish
from reminders.store.engine import Record
from reminders.web.auth import allow
from reminders.web.context import now, use_cases
from reminders.web.respond import answer, decode_cursor, moment, page
from reminders.web.schemas.base import Query
from reminders.web.schemas.visits import Nothing
from reminders.web.schemas.webhooks import (
    DeliveryDetailOut,
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    TestOut,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhookPage,
    WebhookSecretOut,
)

bp = APIBlueprint("webhooks", __name__, url_prefix="/api/v1", tag="Webhooks")
_ROLES = (Role.ADMIN, Role.INTEGRATION)


@bp.post("/webhooks")
@bp.input(WebhookIn, arg_name="wanted")
@bp.output(WebhookSecretOut, status_code=201)
@allow(*_ROLES)
def create(wanted: WebhookIn) -> Response:
    """Be told of changes. The answer holds the secret that signs them, and is the only one that does."""
    row, secret = use_cases().webhooks.add(Wish(wanted.url, wanted.label, wanted.events))
    return answer(_webhook(row) | {"secret": secret}, 201)


@bp.get("/webhooks")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(WebhookPage)
@allow(*_ROLES)
def list_webhooks(wanted: Query) -> Response:
    """Webhooks and how they fare."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().webhooks.listing(after[0] if after else 0, wanted.limit)
    waiting = use_cases().webhooks.waiting([row.id for row in rows])
    return page(rows, wanted.limit, lambda row: _shown(row, waiting), lambda row: [row.id])


@bp.get("/webhooks/<uid:webhook_id>")
@bp.output(WebhookOut)
@allow(*_ROLES)
def get(webhook_id: str) -> Response:
    """One webhook."""
    return answer(_webhook(use_cases().webhooks.get(webhook_id)))


@bp.patch("/webhooks/<uid:webhook_id>")
@bp.input(WebhookChange, arg_name="wanted")
@bp.output(WebhookOut)
@allow(*_ROLES)
def change(webhook_id: str, wanted: WebhookChange) -> Response:
    """Another address or choice of events; pause or go on."""
    wish = Wish(wanted.url, wanted.label, wanted.events, wanted.paused)
    return answer(_webhook(use_cases().webhooks.change(webhook_id, wish)))


@bp.delete("/webhooks/<uid:webhook_id>")
@bp.output({}, status_code=204)
@allow(*_ROLES)
def remove(webhook_id: str) -> Response:
    """No longer be told, and forget the log."""
    use_cases().webhooks.remove(webhook_id)
    return Response(status=204)


@bp.post("/webhooks/<uid:webhook_id>/rotate")
@bp.input(Nothing, arg_name="_")
@bp.output(WebhookSecretOut)
@allow(*_ROLES)
def rotate(webhook_id: str, _: Nothing) -> Response:
    """A new secret. For 24 hours every delivery is signed with the old one, too."""
    row, secret = use_cases().webhooks.rotate(webhook_id)
    return answer(_webhook(row) | {"secret": secret})


@bp.post("/webhooks/<uid:webhook_id>/test")
@bp.input(Nothing, arg_name="_")
@bp.output(TestOut)
@allow(*_ROLES)
def test(webhook_id: str, _: Nothing) -> Response:
    """Send an event of type `webhook.test` now, and say what came back."""
    delivery, sent = use_cases().webhooks.test(webhook_id)
    return answer({
        "ok": sent.verdict is Verdict.DELIVERED, "status": sent.posted.status, "error": sent.posted.error,
        "milliseconds": sent.milliseconds, "delivery_id": delivery.uid,
    })  # fmt: skip


@bp.get("/webhooks/<uid:webhook_id>/deliveries")
@bp.input(DeliveryQuery, location="query", arg_name="wanted")
@bp.output(DeliveryPage)
@allow(*_ROLES)
def deliveries(webhook_id: str, wanted: DeliveryQuery) -> Response:
    """The log of the last 30 days, newest first."""
    before = decode_cursor(wanted.cursor, 1)
    rows = use_cases().webhooks.deliveries(webhook_id, wanted.state, before[0] if before else None, wanted.limit)
    return page(rows, wanted.limit, _delivery, lambda row: [row.id])


@bp.get("/webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>")
@bp.output(DeliveryDetailOut)
@allow(*_ROLES)
def delivery(webhook_id: str, delivery_id: str) -> Response:
    """One delivery: what is sent, and each try."""
    row, tries = use_cases().webhooks.delivery(webhook_id, delivery_id)
    log = [
        {"at": moment(one.at), "status": one.status, "error": one.error, "milliseconds": one.milliseconds}
        for one in tries
    ]
    return answer(_delivery(row) | {"body": row.body, "log": log})


@bp.post("/webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>/replay")
@bp.input(Nothing, arg_name="_")
@bp.output(DeliveryOut)
@allow(*_ROLES)
def replay(webhook_id: str, delivery_id: str, _: Nothing) -> Response:
    """Send it again, under the same id and with the same body."""
    return answer(_delivery(use_cases().webhooks.replay(webhook_id, delivery_id)))


def _webhook(row: Record) -> dict[str, Any]:
    return _shown(row, use_cases().webhooks.waiting([row.id]))


def _shown(row: Record, waiting: dict[int, int]) -> dict[str, Any]:
    overlapping = row.old_until is not None and row.old_until > now()
    return {
        "id": row.uid, "url": row.url, "label": row.label, "events": row.events, "state": row.state,
        "state_reason": row.state_reason, "failures": row.failures, "last_error": row.last_error,
        "last_ok_at": moment(row.last_ok_at), "waiting": waiting.get(row.id, 0),
        "old_secret_until": moment(row.old_until) if overlapping else None, "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
    }  # fmt: skip


def _delivery(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "event_id": row.event_uid, "type": row.type, "state": row.state, "tries": row.tries,
        "next_at": moment(row.next_at) if row.state == "pending" else None, "created_at": moment(row.created_at),
        "ended_at": moment(row.ended_at),
    }  # fmt: skip
