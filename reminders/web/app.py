"""Builds the Flask application from its use cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apiflask import APIFlask
from flask import Blueprint, Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from prometheus_client import CollectorRegistry

from reminders import __version__
from reminders.settings import data_dir
from reminders.web import (
    appointments,
    assessments,
    auth,
    calling,
    changes,
    changesets,
    clinic,
    connections,
    console,
    crms,
    docs,
    experiments,
    external,
    feeds,
    health,
    hooks,
    limits,
    manage,
    metrics,
    openapi,
    patients,
    problems,
    reports,
    texts,
    visitpages,
    webhooks,
)
from reminders.web.context import EXTENSION, UseCases
from reminders.web.dav import routes as dav
from reminders.web.fhir import routes as fhir
from reminders.web.intake import ApiRequest
from reminders.web.routing import Route, Uid

_LARGEST_BODY = 1024 * 1024
_WITHOUT_SESSIONS = ("/api/", "/dav/", "/feeds/", "/hooks/", "/healthz", "/metrics")
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_SECURE = {
    name.lower(): (name, value)
    for name, value in (
        ("Content-Security-Policy", _POLICY), ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-store"),
    )
}  # fmt: skip


class _Sessions(SecureCookieSessionInterface):
    """Only pages for people have sessions: looking for one would cost every call as much as a small query."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith(_WITHOUT_SESSIONS) else super().open_session(app, request)


class _App(APIFlask):
    """Every view and hook here is a plain function, so none has to be asked whether it is a coroutine; asking cost a
    request in twenty."""

    url_rule_class = Route

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(use_cases: UseCases, extras: Sequence[Blueprint] = ()) -> Flask:
    """The web application. ``extras`` are mounted as they are (the sandbox, when there are no credentials)."""
    app = _App(
        "reminders", title="Reminders", version=__version__, spec_path="/openapi.json", docs_path=None,
        json_errors=False, template_folder=str(data_dir() / "templates" / "pages"),
        static_folder=None,  # type: ignore[arg-type]  # Flask takes it; each blueprint brings its own
    )  # fmt: skip
    app.config.update(
        MAX_CONTENT_LENGTH=_LARGEST_BODY, SECRET_KEY=use_cases.settings.secret_key, VALIDATION_ERROR_STATUS_CODE=422,
        OPENAPI_VERSION="3.1.0", SECURITY_SCHEMES={"key": {"type": "http", "scheme": "bearer"}},
    )  # fmt: skip
    app.request_class = ApiRequest
    app.session_interface = _Sessions()
    app.url_map.converters["uid"] = Uid
    app.extensions[EXTENSION] = use_cases
    registry = CollectorRegistry()
    registry.register(metrics.Installation(use_cases.health, use_cases.clock))
    app.extensions["registry"] = registry
    metrics.install(app, registry)
    auth.install(app)
    app.register_blueprint(dav.bp)
    auth.open_blueprint(app, dav.bp.name)
    limits.install(app, use_cases.settings.rate_limit)
    problems.install(app)
    openapi.install(app)
    for blueprint in (
        appointments.bp, assessments.bp, calling.bp, changes.bp, changesets.bp, clinic.bp, connections.bp, crms.bp, crms.hooked, webhooks.bp, patients.bp, reports.bp, experiments.bp, external.bp, texts.bp, feeds.bp, feeds.served, visitpages.bp, hooks.bp, health.bp, docs.bp, *extras,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    app.register_blueprint(fhir.bp)
    app.register_blueprint(console.create_blueprint())
    app.register_blueprint(manage.create_blueprint())
    for name in ("console", "docs", "manage", *(blueprint.name for blueprint in extras)):
        auth.open_blueprint(app, name)
    app.after_request(_secure)
    _open_spec(app)
    return app


def _open_spec(app: Flask) -> None:
    """The API's own description needs no key."""
    app.view_functions["openapi.spec"] = auth.public("describes the API; holds no data")(
        app.view_functions["openapi.spec"]
    )


def _secure(response: Response) -> Response:
    """No scripts but our own, no framing, no guessing of types, no answers kept by caches in between."""
    present = {name.lower() for name, _ in response.headers}
    response.headers.extend([pair for name, pair in _SECURE.items() if name not in present])
    return response
