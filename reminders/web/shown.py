"""How the clinic's own data is shown by the API."""

from __future__ import annotations

from typing import Any

from reminders.domain.availability import WEEKDAYS
from reminders.services.catalogue import wall
from reminders.store.engine import Record
from reminders.web.context import use_cases
from reminders.web.respond import money


def location(row: Record) -> dict[str, Any]:
    names = (
        "name",
        "time_zone",
        "country",
        "language",
        "currency",
        "phone",
        "observes_holidays",
        "holiday_region",
        "on_remote_move",
        "on_remote_delete",
        "unmarked_after",
    )
    return {"id": row.uid} | {name: getattr(row, name) for name in names}


def policy(row: Record) -> dict[str, Any]:
    mode = row.quiet_hours["mode"]
    shown = {"quiet_hours": {"start": row.quiet_hours["start"], "end": row.quiet_hours["end"]}} if mode == "own" else {}
    source = {"own": "policy", "country": "country", "none": "none"}[mode]
    return {"id": row.uid, "name": row.name, "steps": row.steps, "notices": row.notices, "quiet_hours_from": source,
            **({"quiet_hours": None} if mode == "none" else shown)}  # fmt: skip


def provider(row: Record) -> dict[str, Any]:
    found = use_cases().catalogue.current().provider(row.uid)
    spans = {"hours": found.timetable.hours, "breaks": found.timetable.breaks}
    return {
        "id": row.uid, "name": row.name, "location_id": found.location.uid, "languages": row.languages,
        "active": row.active,
        **{name: [{"weekday": WEEKDAYS[h.weekday], "start": wall(h.start), "end": wall(h.end)} for h in items]
           for name, items in spans.items()},
    }  # fmt: skip


def exception(row: Record) -> dict[str, Any]:
    return {"id": row.uid, "first_day": row.first_day.isoformat(), "last_day": row.last_day.isoformat(),
            "open": row.is_open, "start": wall(row.start_minute), "end": wall(row.end_minute),
            "note": row.note}  # fmt: skip


def service(row: Record) -> dict[str, Any]:
    place = use_cases().catalogue.current()
    found = place.service(row.uid)
    names = ("name", "duration_minutes", "buffer_before_minutes", "buffer_after_minutes", "slot_minutes",
             "min_notice_minutes", "horizon_days", "cancel_cutoff_minutes", "active")  # fmt: skip
    return {"id": row.uid} | {name: getattr(row, name) for name in names} | {
        "value": money(found.value),
        "provider_ids": [place.provider_by_id[number].uid for number in sorted(found.provider_ids)],
        "reminder_policy_id": found.policy.uid if found.policy else None,
    }  # fmt: skip
