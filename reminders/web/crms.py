"""/api/v1/crm-connections: patient systems and CRMs; /hooks/connections: their calls to say that something changed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import Blueprint, Response, request

from reminders.domain.connector import Refused
from reminders.domain.crm import System
from reminders.errors import NotFound
from reminders.services.sync.crms import CrmChange
from reminders.store.engine import Record
from reminders.web.auth import ADMINS, DESK, READERS, allow, public
from reminders.web.connections import run_out
from reminders.web.context import use_cases
from reminders.web.hooks import BadSignature
from reminders.web.respond import answer, decode_cursor, moment, page
from reminders.web.schemas.base import Query
from reminders.web.schemas.connections import CheckOut, RunPage, SyncIn, SyncOut
from reminders.web.schemas.crms import (
    CrmConnectionChange,
    CrmConnectionIn,
    CrmConnectionOut,
    CrmConnectionPage,
    CrmSystemPage,
    LinkPage,
    PreviewOut,
)
from reminders.web.schemas.visits import Nothing

bp = APIBlueprint("crms", __name__, url_prefix="/api/v1", tag="Patient systems")
hooked = Blueprint("crm_hooks", __name__, url_prefix="/hooks/connections")


@bp.get("/crm-systems")
@bp.output(CrmSystemPage)
@allow(*READERS)
def systems() -> Response:
    """What can be connected, and what each asks for."""
    return answer({"items": [_system(one) for one in use_cases().crm_connections.systems()], "next_cursor": None})


@bp.post("/crm-connections")
@bp.input(CrmConnectionIn, arg_name="wanted")
@bp.output(CrmConnectionOut, status_code=201)
@allow(*ADMINS)
def create(wanted: CrmConnectionIn) -> Response:
    """Connect a patient system. It rests (`held`, `first_import`) until its preview was looked at and it is let go."""
    return answer(_connection(use_cases().crm_connections.add(wanted.kind, _change(wanted))), 201)


@bp.get("/crm-connections")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(CrmConnectionPage)
@allow(*READERS)
def list_connections(wanted: Query) -> Response:
    """Connections and their health."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().crm_connections.listing(after[0] if after else 0, wanted.limit)
    return page(rows, wanted.limit, _connection, lambda row: [row.id])


@bp.get("/crm-connections/<uid:connection_id>")
@bp.output(CrmConnectionOut)
@allow(*READERS)
def get(connection_id: str) -> Response:
    """One connection with its last pass."""
    row = use_cases().crm_connections.get(connection_id)
    runs = use_cases().crm_connections.runs(connection_id, 1)
    return answer(_connection(row) | {"last_run": run_out(runs[0]) if runs else None})


@bp.patch("/crm-connections/<uid:connection_id>")
@bp.input(CrmConnectionChange, arg_name="wanted")
@bp.output(CrmConnectionOut)
@allow(*ADMINS)
def change(connection_id: str, wanted: CrmConnectionChange) -> Response:
    """Settings, mappings, who decides, pause or go on. New mappings give what was refused another chance."""
    return answer(_connection(use_cases().crm_connections.edit(connection_id, _change(wanted, wanted.paused))))


@bp.delete("/crm-connections/<uid:connection_id>")
@bp.output({}, status_code=204)
@allow(*ADMINS)
def remove(connection_id: str) -> Response:
    """Forget a connection. Patients and visits stay on both sides."""
    use_cases().crm_connections.get(connection_id)
    use_cases().crm_connections.remove(connection_id)
    return Response(status=204)


@bp.post("/crm-connections/<uid:connection_id>/test")
@bp.input(Nothing, arg_name="_")
@bp.output(CheckOut)
@allow(*DESK)
def test(connection_id: str, _: Nothing) -> Response:
    """Try address and credentials; changes nothing."""
    use_cases().crm_connections.get(connection_id)
    return answer(asdict(use_cases().crm_connections.test(connection_id)))


@bp.post("/crm-connections/<uid:connection_id>/preview")
@bp.input(Nothing, arg_name="_")
@bp.output(PreviewOut)
@allow(*ADMINS)
def preview(connection_id: str, _: Nothing) -> Response:
    """What a first import would do, counted; changes nothing on either side."""
    counts = use_cases().import_previews.run(connection_id)
    return answer(counts)


@bp.post("/crm-connections/<uid:connection_id>/sync")
@bp.input(SyncIn, arg_name="wanted")
@bp.output(SyncOut)
@allow(*DESK)
def sync(connection_id: str, wanted: SyncIn) -> Response:
    """A pass now, instead of waiting for the next one."""
    use_cases().crm_connections.get(connection_id)
    done = use_cases().syncing.now(connection_id, full=wanted.full)
    return answer({"error": done.error, "detail": done.sentence, **asdict(done.tally)})


@bp.get("/crm-connections/<uid:connection_id>/runs")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(RunPage)
@allow(*READERS)
def runs(connection_id: str, wanted: Query) -> Response:
    """The last passes, newest first."""
    use_cases().crm_connections.get(connection_id)
    rows = use_cases().crm_connections.runs(connection_id, wanted.limit)
    return answer({"items": [run_out(row) for row in rows], "next_cursor": None})


@bp.get("/patients/<uid:patient_id>/links")
@bp.output(LinkPage)
@allow(*READERS)
def known_as(patient_id: str) -> Response:
    """What the patient is called in other systems, and where to see the record there."""
    items = [
        {"connection_id": one.connection.uid, "kind": one.connection.kind, "label": one.connection.label,
         "remote_id": one.remote_id, "name": one.name, "url": one.url}
        for one in use_cases().crm_connections.known_as(patient_id)
    ]  # fmt: skip
    return answer({"items": items, "next_cursor": None})


@hooked.post("/<uid:connection_id>")
@public("signed by the system that calls")
def receive(connection_id: str) -> Response:
    """Something changed there. Verified over the raw body, kept once, answered at once; the next pass fetches it."""
    body = request.get_data()
    headers = {name.lower(): value for name, value in request.headers.items()}
    target = request.full_path if request.query_string else request.path
    place = {":method": request.method, ":url": use_cases().settings.public_url + target}
    try:
        use_cases().crm_connections.receive(connection_id, headers | place, body)
    except (Refused, NotFound) as problem:
        raise BadSignature() from problem
    return Response(status=204)


def _change(wanted: CrmConnectionIn | CrmConnectionChange, paused: bool | None = None) -> CrmChange:
    return CrmChange(
        wanted.label, wanted.settings, wanted.providers, wanted.services, wanted.default_service, wanted.country,
        wanted.owners, wanted.imported_as, wanted.on_remote_delete, paused,
    )  # fmt: skip


def _system(system: System) -> dict[str, Any]:
    settings = [asdict(one) | {"choices": list(one.choices)} for one in system.settings]
    fields = {entity: sorted(names) for entity, names in system.fields.items()}
    return {"kind": system.kind, "title": system.title, "settings": settings, "fields": fields}


def _connection(row: Record) -> dict[str, Any]:
    crms, config = use_cases().crm_connections, row.config
    system = crms.system(row.kind)
    return {
        "id": row.uid, "kind": row.kind, "label": row.label, "settings": config.get("settings", {}),
        "secrets": [one.name for one in system.settings if one.secret], "providers": config.get("providers", {}),
        "services": config.get("services", {}), "default_service": config.get("default_service"),
        "country": config.get("country"), "imported_as": config.get("imported_as"),
        "owners": system.owners(config.get("owners", {})), "on_remote_delete": row.on_remote_delete,
        "webhook": f"{use_cases().settings.public_url}/hooks/connections/{row.uid}", "preview": config.get("preview"),
        "state": row.state, "state_reason": row.state_reason, "failures": row.failures, "waiting": crms.waiting(row.id),
        "created_at": moment(row.created_at), "last_run_at": moment(row.last_run_at),
        "last_ok_at": moment(row.last_ok_at), "next_run_at": moment(row.next_run_at),
    }  # fmt: skip
