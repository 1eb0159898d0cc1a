"""/api/v1/change-sets: changes of many visits, shown first, held when they are many."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.actor import Role
from reminders.domain.changeset import Kind, SetState
from reminders.errors import Forbidden
from reminders.services.changesets import Window
from reminders.store.engine import Record
from reminders.web.auth import ADMINS, DESK, READERS, allow
from reminders.web.context import actor, caller, use_cases
from reminders.web.respond import answer, decode_cursor, moment, once, page
from reminders.web.schemas.changesets import CancelVisits, ChangeSetIn, ChangeSetOut, ChangeSetPage, ChangeSetQuery
from reminders.web.schemas.visits import Nothing

bp = APIBlueprint("changesets", __name__, url_prefix="/api/v1", tag="Change sets")

#: What of a set's facts was asked for; the rest is its own bookkeeping.
_INTERNAL = frozenset({"channel", "visits", "before", "since"})


@bp.post("/change-sets")
@bp.input(ChangeSetIn, arg_name="wanted")
@bp.output(ChangeSetOut, status_code=202)
@allow(*DESK)
def create(wanted: ChangeSetIn) -> Response:
    """Preview a change of many visits.

    Up to ``REMINDERS_BLAST_RADIUS`` patients it is released at once and can still be undone; else it is held.
    """
    body = wanted.root
    window = Window(body.first, body.last, body.provider_id, body.location_id)
    sets = use_cases().change_sets
    if isinstance(body, CancelVisits):
        return answer(show(sets.cancel_visits(window, body.reason, actor(), once())), 202)
    return answer(show(sets.move_provider(window, body.to_provider_id, actor(), once())), 202)


@bp.get("/change-sets")
@bp.input(ChangeSetQuery, location="query", arg_name="wanted")
@bp.output(ChangeSetPage)
@allow(*READERS)
def list_sets(wanted: ChangeSetQuery) -> Response:
    """Change sets, newest first."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().change_sets.listing(after[0] if after else None, wanted.limit, wanted.state)
    return page(rows, wanted.limit, _short, lambda row: [row.id])


@bp.get("/change-sets/<uid:set_id>")
@bp.output(ChangeSetOut)
@allow(*READERS)
def get_set(set_id: str) -> Response:
    """One change set with its preview and how far it is."""
    return answer(show(use_cases().change_sets.get(set_id)))


@bp.post("/change-sets/<uid:set_id>/release")
@bp.input(Nothing, arg_name="_")
@bp.output(ChangeSetOut)
@allow(*DESK)
def release(set_id: str, _: Nothing) -> Response:
    """Carry it out after ``REMINDERS_UNDO_MINUTES``."""
    return _decided(set_id, SetState.RELEASED)


@bp.post("/change-sets/<uid:set_id>/undo")
@bp.input(Nothing, arg_name="_")
@bp.output(ChangeSetOut)
@allow(*DESK)
def undo(set_id: str, _: Nothing) -> Response:
    """Hold a released set again, before a worker has begun."""
    return _decided(set_id, SetState.HELD)


@bp.post("/change-sets/<uid:set_id>/drop")
@bp.input(Nothing, arg_name="_")
@bp.output(ChangeSetOut)
@allow(*DESK)
def drop(set_id: str, _: Nothing) -> Response:
    """Never carry it out."""
    return _decided(set_id, SetState.DROPPED)


def may_decide(kind: str, role: Role) -> bool:
    """Policies belong to admins, so the decision on an edited one does, too."""
    return kind != Kind.EDIT_POLICY or role in ADMINS


def show(row: Record) -> dict[str, Any]:
    asked = {name: value for name, value in row.facts.items() if name not in _INTERNAL}
    return _short(row) | {"asked": asked}


def _decided(set_id: str, state: SetState) -> Response:
    sets = use_cases().change_sets
    if not may_decide(sets.get(set_id).kind, caller().role):
        raise Forbidden(role=caller().role.value)
    decide = {SetState.RELEASED: sets.release, SetState.HELD: sets.undo, SetState.DROPPED: sets.drop}[state]
    return answer(show(decide(set_id, actor())))


def _short(row: Record) -> dict[str, Any]:
    preview = {name: value for name, value in row.preview.items() if name != "left_alone"}
    return {
        "id": row.uid, "kind": row.kind, "state": row.state, "preview": preview, "created_at": moment(row.created_at),
        "created_by": row.actor, "apply_at": moment(row.apply_at), "ended_at": moment(row.ended_at),
        "decided_by": row.ended_by, "done": row.done, "refused": row.refused,
        "left_alone": row.preview.get("left_alone", []),
    }  # fmt: skip
