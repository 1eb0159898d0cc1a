"""/api/v1/experiments: trials that tell what reminders do."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.services.experiments import Wish, reading_shown
from reminders.store.engine import Record
from reminders.web.auth import ADMINS, MANAGERS, allow
from reminders.web.context import snapshot, use_cases
from reminders.web.respond import answer, decode_cursor, moment, once, page
from reminders.web.schemas.base import Query
from reminders.web.schemas.experiments import ExperimentIn, ExperimentOut, ExperimentPage
from reminders.web.schemas.visits import Nothing

bp = APIBlueprint("experiments", __name__, url_prefix="/api/v1", tag="Experiments")


@bp.post("/experiments")
@bp.input(ExperimentIn, arg_name="body")
@bp.output(ExperimentOut, status_code=201)
@allow(*ADMINS)
def start(body: ExperimentIn) -> Response:
    """Begin a trial with the visits booked from now on: by lot, some patients get no reminders, or other ones."""
    return answer(show(use_cases().experiments.start(wish_of(body), once())), 201)


@bp.get("/experiments")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(ExperimentPage)
@allow(*MANAGERS)
def list_experiments(wanted: Query) -> Response:
    """Trials, the oldest first."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().experiments.listing(after[0] if after else 0, wanted.limit)
    return page(rows, wanted.limit, show, lambda row: [row.id])


@bp.get("/experiments/<uid:experiment_id>")
@bp.output(ExperimentOut)
@allow(*MANAGERS)
def get_experiment(experiment_id: str) -> Response:
    """One trial as it stands now: what it found, and what to do."""
    row = use_cases().experiments.get(experiment_id)
    return answer(show(row) | {"reading": reading_shown(use_cases().experiments.read(experiment_id))})


@bp.post("/experiments/<uid:experiment_id>/stop")
@bp.input(Nothing, arg_name="_body")
@bp.output(ExperimentOut)
@allow(*ADMINS)
def stop(experiment_id: str, _body: Nothing) -> Response:
    """End a trial: from now on everybody gets what the policy says."""
    return answer(show(use_cases().experiments.stop(experiment_id)))


def wish_of(body: ExperimentIn) -> Wish:
    """A request that was checked, as the use case takes it."""
    arms = [(arm.name, arm.share, [step.model_dump() for step in arm.steps]) for arm in body.arms]
    return Wish(body.name, body.policy_id, arms, body.guarded_service_ids, body.difference)


def show(row: Record) -> dict[str, Any]:
    services, policies = snapshot().service_by_id, snapshot().policies.values()
    uids = {
        name: [services[number].uid for number in getattr(row, name) if number in services]
        for name in ("service_ids", "guarded_ids")
    }
    return {
        "id": row.uid, "name": row.name,
        "policy_id": next((policy.uid for policy in policies if policy.id == row.policy_id), ""),
        "arms": row.branches, "service_ids": uids["service_ids"], "guarded_service_ids": uids["guarded_ids"],
        "difference": row.difference, "started_at": moment(row.started_at), "ended_at": moment(row.ended_at),
    }  # fmt: skip
