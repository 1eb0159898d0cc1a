"""/api/v1/calendar-connections and /api/v1/sync-conflicts: other people's calendars, and what could not be agreed on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from reminders.domain.sync import Live
from reminders.services.attending import MOST_BYTES
from reminders.services.sync.connections import Wanted
from reminders.store.engine import Record
from reminders.web.auth import ADMINS, DESK, READERS, allow
from reminders.web.context import actor, snapshot, use_cases
from reminders.web.respond import answer, decode_cursor, moment, page
from reminders.web.schemas.base import Query
from reminders.web.schemas.connections import (
    CalendarConnectionChange,
    CalendarConnectionIn,
    CalendarConnectionOut,
    CalendarConnectionPage,
    CheckOut,
    ConflictOut,
    ConflictPage,
    ConflictQuery,
    DiscoverIn,
    FoundPage,
    MailOut,
    ResolveIn,
    RunPage,
    SyncIn,
    SyncOut,
    UploadOut,
    UploadQuery,
)
from reminders.web.schemas.visits import Nothing

bp = APIBlueprint("connections", __name__, url_prefix="/api/v1", tag="Calendars")

_LARGEST_FILE = 5 * 1024 * 1024
_MAILS = frozenset({"message/rfc822", "application/octet-stream"})
_CALENDARS = frozenset({"text/calendar", "application/octet-stream"})
_RUN = ("full", "seen", "pulled", "pushed", "removed", "conflicts", "error")
_CONFLICT = (
    "entity",
    "field",
    "ours",
    "theirs",
    "theirs_by",
    "live",
    "cause",
    "note",
    "attention",
    "closed_by",
    "choice",
)


@bp.post("/calendar-connections")
@bp.input(CalendarConnectionIn, arg_name="wanted")
@bp.output(CalendarConnectionOut, status_code=201)
@allow(*ADMINS)
def create(wanted: CalendarConnectionIn) -> Response:
    """Keep a provider's calendar elsewhere in step. The first pass begins within seconds."""
    config = {
        "url": wanted.url, "username": wanted.username or "", "visits": wanted.visits, "busy": wanted.busy,
        "privacy": wanted.privacy.value,
    }  # fmt: skip
    row = use_cases().calendar_connections.create(
        Wanted(
            wanted.kind, wanted.label or wanted.url, wanted.provider_id, None, config, wanted.password,
            wanted.on_remote_delete,
        )
    )  # fmt: skip
    return answer(_connection(row), 201)


@bp.post("/calendar-connections/discover")
@bp.input(DiscoverIn, arg_name="wanted")
@bp.output(FoundPage)
@allow(*ADMINS)
def discover(wanted: DiscoverIn) -> Response:
    """Which calendars there are behind an address. Stores nothing."""
    found = use_cases().calendar_connections.discover(wanted.address, wanted.username or "", wanted.password or "")
    return answer({"items": [{"url": one.url, "name": one.name} for one in found], "next_cursor": None})


@bp.get("/calendar-connections")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(CalendarConnectionPage)
@allow(*READERS)
def list_connections(wanted: Query) -> Response:
    """Connections and their health."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().calendar_connections.listing(after[0] if after else 0, wanted.limit)
    return page(rows, wanted.limit, _connection, lambda row: [row.id])


@bp.get("/calendar-connections/<uid:connection_id>")
@bp.output(CalendarConnectionOut)
@allow(*READERS)
def get(connection_id: str) -> Response:
    """One connection with its last pass."""
    row = use_cases().calendar_connections.get(connection_id)
    runs = use_cases().calendar_connections.runs(connection_id, 1)
    return answer(_connection(row) | {"last_run": run_out(runs[0]) if runs else None})


@bp.patch("/calendar-connections/<uid:connection_id>")
@bp.input(CalendarConnectionChange, arg_name="wanted")
@bp.output(CalendarConnectionOut)
@allow(*ADMINS)
def change(connection_id: str, wanted: CalendarConnectionChange) -> Response:
    """Rename, pause or go on, give a new password, change what deletions do."""
    row = use_cases().calendar_connections.change(
        connection_id, label=wanted.label, secret=wanted.password, paused=wanted.paused,
        on_remote_delete=wanted.on_remote_delete,
    )  # fmt: skip
    return answer(_connection(row))


@bp.delete("/calendar-connections/<uid:connection_id>")
@bp.output({}, status_code=204)
@allow(*ADMINS)
def remove(connection_id: str) -> Response:
    """Forget a connection. What was written there stays there."""
    use_cases().calendar_connections.remove(connection_id)
    return Response(status=204)


@bp.post("/calendar-connections/<uid:connection_id>/test")
@bp.input(Nothing, arg_name="_")
@bp.output(CheckOut)
@allow(*DESK)
def test(connection_id: str, _: Nothing) -> Response:
    """Try address and password; changes nothing."""
    return answer(asdict(use_cases().calendar_connections.test(connection_id)))


@bp.post("/calendar-connections/<uid:connection_id>/sync")
@bp.input(SyncIn, arg_name="wanted")
@bp.output(SyncOut)
@allow(*DESK)
def sync(connection_id: str, wanted: SyncIn) -> Response:
    """A pass now, instead of waiting for the next one."""
    use_cases().calendar_connections.get(connection_id)
    done = use_cases().syncing.now(connection_id, full=wanted.full)
    return answer({"error": done.error, "detail": done.sentence, **asdict(done.tally)})


@bp.get("/calendar-connections/<uid:connection_id>/runs")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(RunPage)
@allow(*READERS)
def runs(connection_id: str, wanted: Query) -> Response:
    """The last passes, newest first."""
    rows = use_cases().calendar_connections.runs(connection_id, wanted.limit)
    return answer({"items": [run_out(row) for row in rows], "next_cursor": None})


@bp.post("/calendar-files")
@bp.input(UploadQuery, location="query", arg_name="wanted")
@bp.output(UploadOut)
@allow(*DESK)
def upload(wanted: UploadQuery) -> Response:
    """Take in a calendar file (text/calendar, at most 5 MB) as busy time of a provider."""
    request.max_content_length = _LARGEST_FILE
    if request.mimetype not in _CALENDARS:
        raise UnsupportedMediaType()
    lines = request.get_data().splitlines(keepends=True)
    done = use_cases().calendar_files.run(lines, wanted.name, wanted.provider_id, dry_run=wanted.dry_run)
    rejects, doubts = [
        [{"line": one.line, "uid": one.uid, "code": one.code, "detail": one.sentence} for one in said]
        for said in (done.rejects, done.doubts)
    ]  # fmt: skip
    return answer({
        "events": done.events, "stored": done.stored, "unchanged": done.unchanged, "removed": done.removed,
        "others": dict(done.others), "rejected": len(rejects), "rejects": rejects[:100], "doubtful": len(doubts),
        "doubts": doubts[:100], "dry_run": done.dry_run,
    })  # fmt: skip


@bp.post("/calendar-replies")
@bp.output(MailOut)
@allow(*DESK)
def mail() -> Response:
    """One mail as it came (message/rfc822, at most 256 KB) that may answer an invitation."""
    request.max_content_length = MOST_BYTES
    if request.mimetype not in _MAILS:
        raise UnsupportedMediaType()
    return answer({"outcome": use_cases().attending.receive(request.get_data()).value})


@bp.get("/sync-conflicts")
@bp.input(ConflictQuery, location="query", arg_name="wanted")
@bp.output(ConflictPage)
@allow(*READERS)
def conflicts(wanted: ConflictQuery) -> Response:
    """What both sides changed, and what was refused, newest first. Nothing is ever dropped from it unseen."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().disputes.listing(
        wanted.connection_id, attention=wanted.attention, after=after[0] if after else None, limit=wanted.limit,
        local_id=wanted.about,
    )  # fmt: skip
    return page(rows, wanted.limit, _conflict, lambda row: [row.id])


@bp.post("/sync-conflicts/<uid:conflict_id>/resolve")
@bp.input(ResolveIn, arg_name="wanted")
@bp.output(ConflictOut)
@allow(*DESK)
def resolve(conflict_id: str, wanted: ResolveIn) -> Response:
    """Let one of both values hold; choosing the other one later undoes it."""
    return answer(_conflict(use_cases().disputes.resolve(conflict_id, Live(wanted.choice), actor(), wanted.match)))


def _connection(row: Record) -> dict[str, Any]:
    provider = snapshot().provider_by_id.get(row.provider_id)
    config = row.config
    return {
        "id": row.uid, "kind": row.kind, "label": row.label, "provider_id": provider.uid if provider else None,
        "url": config.get("url", ""), "username": config.get("username") or None, "visits": config.get("visits", True),
        "busy": config.get("busy", True), "privacy": config.get("privacy", ""),
        "on_remote_delete": row.on_remote_delete, "state": row.state, "state_reason": row.state_reason,
        "failures": row.failures, "created_at": moment(row.created_at), "last_run_at": moment(row.last_run_at),
        "last_ok_at": moment(row.last_ok_at), "next_run_at": moment(row.next_run_at),
    }  # fmt: skip


def run_out(row: Record) -> dict[str, Any]:
    """One pass."""
    times = {"started_at": moment(row.started_at), "ended_at": moment(row.ended_at)}
    return times | {name: getattr(row, name) for name in _RUN} | {"remarks": row.remarks or {}}


def _conflict(row: Record) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _CONFLICT} | {
        "id": row.uid, "connection_id": row.connection_uid, "about": row.local_id, "before": row.base,
        "theirs_at": moment(row.theirs_at), "opened_at": moment(row.opened_at), "closed_at": moment(row.closed_at),
    }  # fmt: skip
