"""The call list: whom to ring up in the ten minutes before the phones start ringing themselves."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, request, session
from flask.typing import ResponseReturnValue

from reminders.domain.calling import MINUTES
from reminders.domain.clinic import Location
from reminders.services.risk import LONGEST, MOST_VISITS
from reminders.store.appointments import Filter
from reminders.texts import language_name
from reminders.web.console.pages import query, render
from reminders.web.console.shown import Line, chosen_location, day_bounds, line, read_day
from reminders.web.context import now, snapshot, use_cases

bp = Blueprint("calls", __name__)


@bp.get("/calls")
def show() -> ResponseReturnValue:
    location = chosen_location(request.args.get("location") or session.get("location"))
    if location is None:
        return render("empty")
    today = now().astimezone(location.zone).date()
    found = use_cases().risks.call_list(location.uid, _day(today), _minutes())
    visits = _visits(location, found.day) if found.lines else {}
    lines = [(one.call, visits[one.row.uid]) for one in found.lines[:_MOST] if one.row.uid in visits]
    return render(
        "calls", location=location, locations=snapshot().locations.values(), found=found, today=today, lines=lines,
        most=_MOST, longest=LONGEST, language_name=language_name, tomorrow=today + timedelta(days=1),
    )  # fmt: skip


#: So many people are listed; nobody calls more of them in a morning.
_MOST = 40


def _visits(location: Location, day: date | None) -> dict[str, Line]:
    """The visits of the day by id, as all pages show them."""
    if day is None:
        return {}
    first, last = day_bounds(day, 1, location.zone)
    wanted = Filter(first=first, last=last, location_id=location.id, limit=MOST_VISITS)
    return {row.uid: line(row) for row in use_cases().booking.listing(wanted)}


def _day(today: date) -> date | None:
    """The day asked for; without one, the list chooses."""
    return read_day(query("day"), today) if query("day") else None


def _minutes() -> int:
    text = query("minutes")
    return min(max(int(text), 1), LONGEST) if text.isdecimal() and len(text) < 5 else MINUTES
