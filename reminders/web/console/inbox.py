"""The inbox: replies nobody could read with certainty, and wishes only a person can fulfil."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.appointment import Change
from reminders.domain.sync import Live
from reminders.errors import Invalid, ReminderError
from reminders.store.engine import Record
from reminders.web.console import calendarwords, words
from reminders.web.console.guard import actor
from reminders.web.console.pages import done, query, render, status_of, version_seen, written
from reminders.web.console.people import send_note, upcoming
from reminders.web.console.shown import Line, desk_zone
from reminders.web.context import now, use_cases
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


@bp.post("/inbox/<uid:item_id>/wish")
def wish(item_id: str) -> ResponseReturnValue:
    """Move the visit to the time that was wished for, or leave it where it is."""
    try:
        item = use_cases().desk.item(item_id)
        _grant(item, granted=bool(written("grant")))
    except ReminderError as problem:
        return _page(item_id, problem)
    use_cases().desk.finish(item_id, actor())
    done(words.DONE[Change.RESCHEDULE] if written("grant") else "The visit stays where it is.")
    return redirect(url_for(".show"), 303)


def _grant(item: Record, *, granted: bool) -> None:
    """A wish that came from a connected calendar is decided as the conflict that it is."""
    if item.proposed_at is None or item.appointment_uid is None or item.done_at is not None:
        raise Invalid("There is no wish to decide about.", field="grant")
    found = use_cases().disputes.listing(None, attention=True, after=None, limit=50, local_id=item.appointment_uid)
    starts = [one for one in found if one.field == "start" and one.note == "desk_decides"]
    if starts:
        use_cases().disputes.resolve(starts[0].uid, Live.THEIRS if granted else Live.OURS, actor())
    elif granted:
        use_cases().booking.reschedule(item.appointment_uid, item.proposed_at, actor(), version=version_seen())


def _page(item_id: str | None = None, problem: ReminderError | None = None) -> ResponseReturnValue:
    finished = bool(request.args.get("done"))
    after = decode_cursor(query("after") or None, 1)
    rows = use_cases().desk.inbox(after[0] if after else 0, _PAGE, done=finished)
    items = rows[:_PAGE]
    return render(
        "inbox", status_of(problem) if problem else 200, items=items, finished=finished, visits=_visits(items),
        following=encode_cursor([rows[_PAGE - 1].id]) if len(rows) > _PAGE else None, problem=problem,
        at_fault=item_id, typed=written("text") if problem else "", zone=desk_zone(session.get("location")),
        troubled=use_cases().syncing.troubled(), now=now(), say=calendarwords,
    )  # fmt: skip


def _visits(items: Sequence[Record]) -> dict[str, list[Line]]:
    """What lies ahead of each person who wrote."""
    people = {item.patient_uid for item in items if item.patient_uid}
    return {uid: upcoming(uid, _VISITS) for uid in sorted(people)}
