"""The inbox: replies nobody could read with certainty, and wishes only a person can fulfil."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.appointment import Change
from reminders.errors import Invalid, ReminderError
from reminders.store.engine import Record
from reminders.web.console import words
from reminders.web.console.guard import actor
from reminders.web.console.pages import done, query, render, status_of, version_seen, written
from reminders.web.console.people import send_note, upcoming
from reminders.web.console.shown import Line, desk_zone
from reminders.web.context import use_cases
from reminders.web.respond import decode_cursor, encode_cursor

bp = Blueprint("inbox", __name__)

#: Items on a page; each person on it costs one query for the visits ahead.
_PAGE = 15
_VISITS = 4


@bp.get("/inbox")
def show() -> ResponseReturnValue:
    return _page()


@bp.post("/inbox/<uid:item_id>/done")
def finish(item_id: str) -> ResponseReturnValue:
    use_cases().desk.finish(item_id, actor())
    done("Dealt with.")
    return redirect(url_for(".show"), 303)


@bp.post("/inbox/<uid:item_id>/reply")
def reply(item_id: str) -> ResponseReturnValue:
    """Answer the patient; the item is dealt with unless the box says otherwise."""
    try:
        send_note(written("patient"))
    except ReminderError as problem:
        return _page(item_id, problem)
    if written("finish"):
        use_cases().desk.finish(item_id, actor())
    done("The answer goes out within seconds.")
    return redirect(url_for(".show"), 303)


@bp.post("/inbox/<uid:item_id>/decide")
def decide(item_id: str) -> ResponseReturnValue:
    """Confirm or cancel the visit the reply was about."""
    wanted = Change(written("change")) if written("change") in {Change.CONFIRM, Change.CANCEL} else None
    if wanted is None:
        raise Invalid("There is no such change.", field="change")
    try:
        use_cases().booking.change(written("visit"), wanted, actor(), version=version_seen())
    except ReminderError as problem:
        return _page(item_id, problem)
    use_cases().desk.finish(item_id, actor())
    done(words.DONE[wanted])
    return redirect(url_for(".show"), 303)


def _page(item_id: str | None = None, problem: ReminderError | None = None) -> ResponseReturnValue:
    finished = bool(request.args.get("done"))
    after = decode_cursor(query("after") or None, 1)
    rows = use_cases().desk.inbox(after[0] if after else 0, _PAGE, done=finished)
    items = rows[:_PAGE]
    return render(
        "inbox", status_of(problem) if problem else 200, items=items, finished=finished, visits=_visits(items),
        following=encode_cursor([rows[_PAGE - 1].id]) if len(rows) > _PAGE else None, problem=problem,
        at_fault=item_id, typed=written("text") if problem else "", zone=desk_zone(session.get("location")),
    )  # fmt: skip


def _visits(items: Sequence[Record]) -> dict[str, list[Line]]:
    """What lies ahead of each person who wrote."""
    people = {item.patient_uid for item in items if item.patient_uid}
    return {uid: upcoming(uid, _VISITS) for uid in sorted(people)}
