"""The day list: who comes when, and what their reminders say."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from flask import Blueprint, request, session
from flask.typing import ResponseReturnValue

from reminders.domain.clinic import Location, Provider
from reminders.store.appointments import Filter
from reminders.web.console.pages import query, render
from reminders.web.console.shown import Line, chosen_location, day_bounds, line, read_day
from reminders.web.context import now, snapshot, use_cases

bp = Blueprint("day", __name__)

_MOST = 500


@bp.get("/")
def show() -> ResponseReturnValue:
    location = chosen_location(request.args.get("location") or session.get("location"))
    if location is None:
        return render("empty")
    if request.args.get("location"):
        session["location"] = location.uid
    today = now().astimezone(location.zone).date()
    day = read_day(query("day"), today)
    provider = snapshot().providers.get(query("provider"))
    lines, sentences, complete = _visits(location, provider, day)
    return render(
        "day", location=location, locations=snapshot().locations.values(), provider=provider, day=day, today=today,
        providers=[one for one in snapshot().providers.values() if one.location.id == location.id],
        before=day - timedelta(days=1), after=day + timedelta(days=1), lines=lines, sentences=sentences,
        complete=complete, counts=Counter((one.label, one.tone) for one in lines), next_uid=_next(lines, day == today),
    )  # fmt: skip


def _visits(location: Location, provider: Provider | None, day: date) -> tuple[list[Line], dict[str, str], bool]:
    """The visits of a local day with the sentence on their reminders, and whether these are all."""
    first, last = day_bounds(day, 1, location.zone)
    wanted = Filter(
        first=first, last=last, location_id=location.id, provider_id=provider.id if provider else None, limit=_MOST
    )
    rows = use_cases().booking.listing(wanted)
    shown = rows[:_MOST]
    return [line(row) for row in shown], use_cases().ledger.summaries(shown), len(rows) <= _MOST


def _next(lines: list[Line], is_today: bool) -> str | None:
    """The first visit of today that is still ahead."""
    return next((one.uid for one in lines if is_today and one.start > now()), None)
