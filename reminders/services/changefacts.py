"""What the history says of a change, beside who made it and when: before and after, never personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reminders.domain.appointment import Change
from reminders.domain.clinic import Provider
from reminders.store.engine import Record


def _providers(visit: Record, to: Provider | None) -> dict[str, int]:
    """Before and after, by their numbers, when somebody else sees the patient now."""
    changed = to is not None and to.id != visit.provider_id
    return {"from_provider": visit.provider_id, "to_provider": to.id} if to is not None and changed else {}


def facts_of(
    visit: Record, change: Change, start: datetime | None, provider: Provider | None, reason: str | None
) -> dict[str, Any]:
    if change is Change.RESCHEDULE and start is not None:
        return {"from": visit.start_at.isoformat(), "to": start.isoformat(), **_providers(visit, provider)}
    return {"reason": reason} if reason else {}
