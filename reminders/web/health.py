"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from flask import Blueprint, Response, current_app
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from reminders.web.auth import public
from reminders.web.context import use_cases
from reminders.web.respond import answer, moment

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public("tells only that the process answers")
def healthz() -> Response:
    """The process answers."""
    return answer({"status": "ok"})


@bp.get("/readyz")
@public("tells only whether parts work")
def readyz() -> Response:
    """The database answers with the right schema, and some worker's clock ticks. ``refused`` names providers that refuse our account:
    bookings go on, messages wait."""
    state = use_cases().health.check()
    body = {"status": "ready" if state.ready else "not_ready", "database": state.database, "worker": state.worker,
            "last_tick": moment(state.last_tick), "refused": [
                {"provider": one.provider, "since": moment(one.since), "retry_at": moment(one.retry_at),
                 "error_code": one.error_code}
                for one in state.refused
            ]}  # fmt: skip
    return answer(body, 200 if state.ready else 503)


@bp.get("/metrics")
@public("holds counts only; keep it inside the network")
def metrics() -> Response:
    """Counters for Prometheus."""
    return Response(generate_latest(current_app.extensions["registry"]), content_type=CONTENT_TYPE_LATEST)
