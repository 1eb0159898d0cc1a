"""From what happened to what is to be sent: one event, and one delivery for each webhook that asked for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.webhook import PATIENT_CHANGED, event_of, is_wanted
from reminders.errors import NotFound
from reminders.services.catalogue import Catalogue
from reminders.store import appointments, patients, webhooks
from reminders.store.engine import Record
from reminders.store.ids import new_uid


class Telling:
    """Writes down what is to be sent, in the transaction of whoever learns of a change. Events say what changed and name
    ids and states; who somebody is has to be asked for with a key."""

    def __init__(self, clock: Clock, catalogue: Catalogue) -> None:
        self._clock, self._catalogue = clock, catalogue

    def visit_changed(self, tx: Connection, row: Record) -> None:
        """``row`` of the outbox: its key is the visit, its facts say what happened."""
        kind = event_of(str(row.facts.get("change", "")))
        listeners = self._listeners(tx, kind)
        if not listeners:
            return
        try:
            visit = appointments.get(tx, row.key)
        except NotFound:
            return
        self.tell(tx, kind, self._visit(visit), listeners)

    def patient_changed(self, tx: Connection, row: Record) -> None:
        """``row`` of the outbox: its key is the patient."""
        listeners = self._listeners(tx, PATIENT_CHANGED)
        if not listeners:
            return
        try:
            card = patients.get(tx, row.key)
        except NotFound:
            return
        self.tell(tx, PATIENT_CHANGED, {"id": card.uid, "version": card.version}, listeners)

    def tell(self, tx: Connection, kind: str, data: Mapping[str, Any], listeners: Sequence[int]) -> list[str]:
        """One event for these webhooks; returns the ids of its deliveries, in their order."""
        now = self._clock.now()
        body = json.dumps(
            {"type": kind, "timestamp": now.isoformat(), "data": dict(data)}, ensure_ascii=False, separators=(",", ":")
        )
        event = webhooks.add_event(tx, {"uid": new_uid("msg", now), "type": kind, "body": body, "created_at": now})
        rows = [_delivery(number, event, now) for number in listeners]
        webhooks.add_deliveries(tx, rows)
        return [row["uid"] for row in rows]

    def _listeners(self, tx: Connection, kind: str) -> list[int]:
        return [hook.id for hook in webhooks.listening(tx) if is_wanted(kind, hook.events)]

    def _visit(self, visit: Record) -> dict[str, Any]:
        snapshot = self._catalogue.current()
        location, service = snapshot.location_by_id[visit.location_id], snapshot.service_by_id[visit.service_id]
        provider = snapshot.provider_by_id.get(visit.provider_id)
        return {
            "id": visit.uid, "status": visit.status, "confirmation": visit.confirmation,
            "start": visit.start_at.astimezone(location.zone).isoformat(),
            "end": visit.end_at.astimezone(location.zone).isoformat(), "version": visit.version,
            "patient_id": visit.patient_uid, "provider_id": provider.uid if provider else None,
            "service_id": service.uid, "location_id": location.uid,
        }  # fmt: skip


def _delivery(webhook: int, event: int, now: datetime) -> dict[str, Any]:
    return {"uid": new_uid("dlv", now), "webhook_id": webhook, "event_id": event, "state": "pending", "tries": 0,
            "next_at": now, "created_at": now}  # fmt: skip
