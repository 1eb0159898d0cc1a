"""What follows from when a visit begins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reminders.clock import aware
from reminders.domain.clinic import Location, Service
from reminders.domain.walltime import written


def times(service: Service, location: Location, start: datetime, booked_at: datetime) -> dict[str, Any]:
    """The columns of a visit that begins at ``start``; ``ValueError`` for a time without its zone."""
    start = aware(start)
    before, after = service.buffers
    end = start + service.duration
    local = start.astimezone(location.zone)
    day = local.date()
    return {
        "start_at": start, "end_at": end, "busy_start": start - before, "busy_end": end + after, "local_day": day,
        "lead_days": max(0, (day - booked_at.astimezone(location.zone).date()).days),
        "time_zone": location.zone.key, "local_start": written(local, location.zone),
    }  # fmt: skip
