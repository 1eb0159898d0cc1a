"""One visit: its facts, its reminders with their texts and costs, its history, and what can be done."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.appointment import OPEN, Change, Status
from reminders.domain.clinic import Provider
from reminders.errors import Invalid, ReminderError
from reminders.services.slots import Search
from reminders.store.engine import Record
from reminders.web.console import words
from reminders.web.console.guard import actor
from reminders.web.console.pages import checked, done, query, render, status_of, version_seen, written
from reminders.web.console.people import send_note
from reminders.web.console.shown import Line, consents, day_bounds, line, read_day
from reminders.web.console.times import Option, by_day
from reminders.web.context import caller, now, snapshot, use_cases
from reminders.web.schemas.visits import Cancel, Reschedule

bp = Blueprint("visit", __name__)

_NEAR = 6
_LOOKED_AT = 40
_WEEK = timedelta(days=7)


@bp.get("/visits/<uid:visit_id>")
def show(visit_id: str) -> ResponseReturnValue:
    return _page(visit_id)


@bp.post("/visits/<uid:visit_id>/change")
def change(visit_id: str) -> ResponseReturnValue:
    """Everything the status machine allows but moving."""
    wanted = _change()
    body = checked(Cancel, reason=written("reason"))
    # Only the form for cancelling carries a version: a patient may confirm while the desk's page is open, and that is no
    # reason to refuse the arrival.
    try:
        use_cases().booking.change(visit_id, wanted, actor(), version=version_seen(), reason=body.reason)
    except ReminderError as problem:
        return _page(visit_id, problem)
    done(words.DONE[wanted])
    return _back(visit_id)


@bp.get("/visits/<uid:visit_id>/move")
def times(visit_id: str) -> ResponseReturnValue:
    """A week of free times for this visit."""
    visit = _movable(visit_id)
    day = read_day(query("week"), visit.day)
    monday = day - timedelta(days=day.weekday())
    provider = snapshot().providers.get(request.args.get("provider", visit.provider_uid or ""))
    first, last = day_bounds(monday, 7, visit.location.zone)
    search = Search(visit.service_uid, first, last, provider.uid if provider else None, visit.location.uid, limit=5000)
    return render(
        "move", visit=visit, provider=provider, providers=_providers(visit), monday=monday,
        days=by_day(monday, use_cases().slots.search(search), visit.location.zone), earlier=monday - _WEEK,
        later=monday + _WEEK, today=now().astimezone(visit.location.zone).date(),
    )  # fmt: skip


@bp.post("/visits/<uid:visit_id>/move")
def move(visit_id: str) -> ResponseReturnValue:
    try:
        start, provider = Option.read(written("option"))
        wanted = checked(Reschedule, start=start, provider_id=provider)
        use_cases().booking.reschedule(
            visit_id, wanted.start, actor(), provider_id=wanted.provider_id, version=version_seen()
        )
    except ReminderError as problem:
        return _page(visit_id, problem)
    done(words.DONE[Change.RESCHEDULE])
    return redirect(url_for(".show", visit_id=visit_id), 303)


@bp.post("/visits/<uid:visit_id>/pause")
def pause(visit_id: str) -> ResponseReturnValue:
    """Hold back the reminders of this visit, or let them go again."""
    paused = bool(written("paused"))
    try:
        use_cases().booking.pause(visit_id, actor(), paused=paused, version=version_seen())
    except ReminderError as problem:
        return _page(visit_id, problem)
    done("The reminders of this visit are paused." if paused else "The reminders of this visit go out again.")
    return redirect(url_for(".show", visit_id=visit_id), 303)


@bp.post("/visits/<uid:visit_id>/note")
def note(visit_id: str) -> ResponseReturnValue:
    """Write to the patient."""
    visit = use_cases().booking.get(visit_id)
    try:
        send_note(visit.patient_uid)
    except ReminderError as problem:
        return _page(visit_id, problem)
    done("The note goes out within seconds.")
    return redirect(url_for(".show", visit_id=visit_id, _anchor="talk"), 303)


def _page(visit_id: str, problem: ReminderError | None = None) -> ResponseReturnValue:
    row = use_cases().booking.get(visit_id)
    visit = line(row)
    entries = use_cases().ledger.of(visit_id)
    card = use_cases().patients.get(visit.patient_uid)
    offers = problem.facts.get("alternatives") if problem else None
    return render(
        "visit", status_of(problem) if problem else 200, visit=visit, entries=entries, problem=problem,
        history=use_cases().booking.history(visit_id), own_key=caller().key_id,
        talk=use_cases().patients.conversation(visit.patient_uid), near=_near(row, visit, offers),
        typed=written("text") if problem else "", card=card, is_open=Status(row.status) in OPEN,
        stopped=[one for one in consents(card) if one.is_stopped],
    )  # fmt: skip


def _near(row: Record, visit: Line, offers: list[dict[str, str]] | None) -> list[Option]:
    """Free times around the present one (or around the one that was taken), as choices of the move form."""
    if Status(row.status) not in OPEN:
        return []
    if offers is not None:
        return [Option.of_offer(offer) for offer in offers]
    slots = use_cases().slots.near(snapshot().service_by_id[row.service_id], row.start_at, _LOOKED_AT)
    here = [Option.of(slot) for slot in slots if slot.provider.location.id == visit.location.id]
    nearest = sorted(here, key=lambda option: abs(option.start - row.start_at))[:_NEAR]
    return sorted(nearest, key=lambda option: option.start)


def _movable(visit_id: str) -> Line:
    visit = line(use_cases().booking.get(visit_id))
    if Change.RESCHEDULE not in visit.changes:
        raise Invalid("This visit can no longer be moved.")
    return visit


def _providers(visit: Line) -> list[Provider]:
    service = snapshot().service(visit.service_uid)
    return [
        one for one in snapshot().providers.values()
        if one.id in service.provider_ids and one.location.id == visit.location.id and one.active
    ]  # fmt: skip


def _change() -> Change:
    try:
        wanted = Change(written("change"))
    except ValueError as problem:
        raise Invalid("There is no such change.", field="change") from problem
    if wanted is Change.RESCHEDULE:
        raise Invalid("Choose a new time to move a visit.", field="change")
    return wanted


def _back(visit_id: str) -> ResponseReturnValue:
    """To the page the button was on."""
    if written("page") not in {"day", "calls"}:
        return redirect(url_for(".show", visit_id=visit_id), 303)
    visit = line(use_cases().booking.get(visit_id))
    if written("page") == "calls":
        return redirect(url_for("console.calls.show", location=visit.location.uid, day=visit.day), 303)
    target = url_for(
        "console.day.show", location=visit.location.uid, day=visit.day, provider=written("provider") or None,
        _anchor=visit_id,
    )  # fmt: skip
    return redirect(target, 303)
