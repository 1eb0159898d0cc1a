"""Who may call what. A route without a list of roles answers nobody, unless it is declared open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from reminders.domain.actor import Role
from reminders.errors import Forbidden, Unauthenticated
from reminders.web.context import use_cases

View = TypeVar("View", bound=Callable[..., Any])

_OPEN = "reminders.open_blueprints"
DESK = (Role.DESK, Role.ADMIN, Role.INTEGRATION)
READERS = (Role.DESK, Role.MANAGER, Role.ADMIN, Role.INTEGRATION)
MANAGERS = (Role.MANAGER, Role.ADMIN)
ADMINS = (Role.ADMIN,)


def allow(*roles: Role) -> Callable[[View], View]:
    """The roles whose keys may call this route."""

    def mark(view: View) -> View:
        view.roles = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return mark


def public(why: str) -> Callable[[View], View]:
    """A route that needs no key; ``why`` says what protects it instead, or why nothing has to."""

    def mark(view: View) -> View:
        view.public = why  # type: ignore[attr-defined]
        return view

    return mark


def open_blueprint(app: Flask, name: str) -> None:
    """Mark a blueprint as public: it guards itself (the sandbox's API has its own credentials)."""
    app.extensions.setdefault(_OPEN, set()).add(name)


def is_public(endpoint: str) -> bool:
    """True for a route that needs no key; an address without a route needs none either, it is just not found."""
    view = current_app.view_functions.get(endpoint)
    if view is None or getattr(view, "public", None):
        return True
    return endpoint.split(".")[0] in current_app.extensions.get(_OPEN, ())


def install(app: Flask) -> None:
    app.before_request(_check)


def _check() -> None:
    endpoint = request.endpoint or ""
    if is_public(endpoint):
        return
    g.caller = use_cases().access.check(_key())
    use_cases().catalogue.refresh(g.caller.catalogue_version)
    if g.caller.role not in getattr(current_app.view_functions[endpoint], "roles", ()):
        raise Forbidden(role=g.caller.role.value)


def _key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated()
    return key.strip()
