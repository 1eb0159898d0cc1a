"""Visits that are over and of which nobody noted how they ended: marked many at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.appointment import Change
from reminders.domain.clinic import Location
from reminders.errors import Invalid, ReminderError
from reminders.store.appointments import Filter
from reminders.store.engine import Record
from reminders.web.console.guard import actor
from reminders.web.console.pages import done, query, render, status_of, written
from reminders.web.console.shown import chosen_location, line
from reminders.web.context import now, snapshot, use_cases
from reminders.web.respond import decode_cursor, encode_cursor

bp = Blueprint("unmarked", __name__)

_PAGE = 25
#: The choice of a visit in the form; its id follows.
_FIELD = "visit:"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: What a visit can be marked as here; anything else is done on its own page.
MARKS = {Change.FULFIL: "Came", Change.NOSHOW: "No-show"}


@bp.get("/unmarked")
def show() -> ResponseReturnValue:
    location = chosen_location(request.args.get("location") or session.get("location"))
    return render("empty") if location is None else _page(location)


@bp.post("/unmarked")
def mark() -> ResponseReturnValue:
    """Note what was chosen; visits without a choice are left, or get ``rest``. What somebody else changed meanwhile is
    left as it is, and the page says so."""
    location = chosen_location(written("location"))
    shown = [name for name in request.form if name.startswith(_FIELD)][:_PAGE]
    marked, problem = 0, None
    for field in shown:
        wanted = written(field) or written("rest")
        if wanted:
            try:
                use_cases().booking.change(field.removeprefix(_FIELD), _mark(wanted), actor())
                marked += 1
            except ReminderError as found:
                problem = found
    if marked:
        done(f"{marked} {'visit is' if marked == 1 else 'visits are'} marked.")
    if problem is not None and location is not None:
        return _page(location, problem)
    return redirect(url_for(".show", location=written("location") or None), 303)


def _mark(name: str) -> Change:
    found = next((one for one in MARKS if one.value == name), None)
    if found is None:
        raise Invalid("Choose whether the patient came.", field="change")
    return found


def _page(location: Location, problem: ReminderError | None = None) -> ResponseReturnValue:
    after = decode_cursor(query("after") or None, 2)
    wanted = Filter(
        location_id=location.id, unmarked_by=now(), limit=_PAGE,
        after=(_EPOCH + timedelta(microseconds=after[0]), after[1]) if after else None,
    )  # fmt: skip
    rows = use_cases().booking.listing(wanted)
    return render(
        "unmarked", status_of(problem) if problem else 200, location=location, locations=snapshot().locations.values(),
        lines=[line(row) for row in rows[:_PAGE]], marks=MARKS, problem=problem, later=after is not None,
        following=_cursor(rows[_PAGE - 1]) if len(rows) > _PAGE else None,
    )  # fmt: skip


def _cursor(row: Record) -> str:
    return encode_cursor(((row.start_at - _EPOCH) // timedelta(microseconds=1), row.id))
