"""Changes of many visits: somebody is ill, a policy was edited. What they mean, and whether they go ahead."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.changeset import Kind
from reminders.domain.clinic import Provider
from reminders.errors import Forbidden, Invalid, ReminderError
from reminders.services.changesets import ChangeSets, Window
from reminders.store.engine import Record
from reminders.web.changesets import may_decide
from reminders.web.console.guard import actor
from reminders.web.console.pages import checked, complaints, done, once, query, render, status_of, written
from reminders.web.console.people import languages
from reminders.web.console.shown import Line, chosen_location, day_bounds, desk_zone, line, read_day
from reminders.web.context import caller, now, snapshot, use_cases
from reminders.web.respond import decode_cursor, encode_cursor
from reminders.web.schemas.changesets import CancelVisits, MoveProvider

bp = Blueprint("changesets", __name__)

_PAGE = 25
#: People and visits shown by name.
_NAMED = 30
_SAID = {
    "release": "Released. It can still be undone until the time below.",
    "undo": "Undone. Nothing was changed; it waits again.",
    "drop": "Dropped. Nothing was changed.",
}


@bp.get("/changes")
def listing() -> ResponseReturnValue:
    return _list()


@bp.post("/changes")
def create() -> ResponseReturnValue:
    """Ask for a change; nothing happens before its page was shown."""
    try:
        found = _asked()
    except ReminderError as problem:
        return _list(problem)
    return redirect(url_for(".show", set_id=found.uid), 303)


@bp.get("/changes/<uid:set_id>")
def show(set_id: str) -> ResponseReturnValue:
    return _page(set_id)


@bp.post("/changes/<uid:set_id>/decide")
def decide(set_id: str) -> ResponseReturnValue:
    """Release it, hold it again, or drop it."""
    sets, decision = use_cases().change_sets, written("decision")
    if decision not in _SAID:
        raise Invalid("There is no such decision.", field="decision")
    if not may_decide(sets.get(set_id).kind, caller().role):
        return _page(set_id, Forbidden("Only a key of the role admin decides about reminder policies."))
    try:
        {"release": sets.release, "undo": sets.undo, "drop": sets.drop}[decision](set_id, actor())
    except ReminderError as problem:
        return _page(set_id, problem)
    done(_SAID[decision])
    return redirect(url_for(".show", set_id=set_id), 303)


def _asked() -> Record:
    provider = snapshot().provider(written("provider"))
    zone = provider.location.zone
    today = now().astimezone(zone).date()
    first, last = (read_day(written(name), today) for name in ("first", "last"))
    begin, end = day_bounds(first, max((last - first).days + 1, 0), zone)
    fields: dict[str, Any] = {"provider_id": provider.uid, "from": begin.isoformat(), "to": end.isoformat()}
    sets: ChangeSets = use_cases().change_sets
    if written("to"):
        to = checked(MoveProvider, kind=Kind.MOVE_PROVIDER.value, to_provider_id=written("to"), **fields)
        return sets.move_provider(Window(to.first, to.last, provider.uid), to.to_provider_id, actor(), once())
    wish = checked(CancelVisits, kind=Kind.CANCEL_VISITS.value, reason=written("reason"), **fields)
    return sets.cancel_visits(Window(wish.first, wish.last, provider.uid), wish.reason, actor(), once())


def _list(problem: ReminderError | None = None) -> ResponseReturnValue:
    after = decode_cursor(query("after") or None, 1)
    rows = use_cases().change_sets.listing(after[0] if after else None, _PAGE)
    location = chosen_location(session.get("location"))
    today = now().astimezone(_zone()).date()
    providers: list[Provider] = [
        one for one in snapshot().providers.values() if one.active and (not location or one.location.id == location.id)
    ]
    return render(
        "changesets", status_of(problem) if problem else 200, sets=rows[:_PAGE], problem=problem, zone=_zone(),
        following=encode_cursor([rows[_PAGE - 1].id]) if len(rows) > _PAGE else None, providers=providers,
        today=today, typed=request.form if problem else {}, faults=complaints(problem) if problem else {},
    )  # fmt: skip


def _page(set_id: str, problem: ReminderError | None = None) -> ResponseReturnValue:
    found = use_cases().change_sets.get(set_id)
    return render(
        "changeset", status_of(problem) if problem else 200, found=found, preview=found.preview, problem=problem,
        zone=_zone(), asked=_names(found), may_decide=may_decide(found.kind, caller().role), visits=_visits(found),
        languages=languages(),
        people=[use_cases().patients.get(uid).patient for uid in found.preview["unreachable_patient_ids"][:_NAMED]],
    )  # fmt: skip


def _visits(found: Record) -> dict[str, Line]:
    """The first of the visits that are left alone, by id."""
    items = [*found.preview["refusals"][:_NAMED], *found.preview.get("left_alone", [])[:_NAMED]]
    return {item["appointment_id"]: line(use_cases().booking.get(item["appointment_id"])) for item in items}


def _names(found: Record) -> dict[str, str]:
    """What was asked for, with names instead of ids."""
    facts, place = found.facts, snapshot()
    provider, to = (place.providers.get(facts.get(name) or "") for name in ("provider_id", "to_provider_id"))
    policy = place.policies.get(facts.get("policy_id") or "")
    said = {"Provider": provider and provider.name, "Colleague": to and to.name, "Policy": policy and policy.name,
            "Reason": facts.get("reason")}  # fmt: skip
    return {label: value for label, value in said.items() if value}


def _zone() -> ZoneInfo:
    return desk_zone(session.get("location"))
