"""Who reads the pages for managers."""

from __future__ import annotations

import secrets

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from reminders.domain.actor import Role
from reminders.errors import Forbidden
from reminders.web import forms, sessions
from reminders.web.context import use_cases

ROLES = frozenset({Role.MANAGER, Role.ADMIN})
OPEN = frozenset({"manage.session.show", "manage.session.sign_in"})

_EVERYBODY = frozenset({"manage.session", "manage.account"})
_DOOR = "reminders_door"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


class NotForManagers(Forbidden):
    """Signed in, but these pages are not for this role."""

    code = "forbidden"
    sentence = "These pages are for the roles manager and admin."


def check() -> BaseResponse | None:
    """Before every page: a manager who is signed in, and for a post a form of ours."""
    if request.endpoint in OPEN:
        forms.check("sign-in", request.cookies.get(sessions.cookie_name(_DOOR)))
        return None
    found = sessions.resume()
    if found is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("manage.session.show", next=wanted), 303)
    use_cases().catalogue.refresh(found.catalogue_version)
    forms.check("staff", found.session_id)
    if found.role not in ROLES and request.endpoint == "manage.overview.show":
        return redirect(url_for("console.day.show"), 303)  # where everybody arrives who just signed in
    if found.role not in ROLES and request.blueprint not in _EVERYBODY:
        raise NotForManagers()
    return None


def csrf_token() -> str:
    """What every form carries: of the session, or at the door of a cookie that only this browser has."""
    found = sessions.visitor()
    if found is not None:
        return forms.token("staff", found.session_id)
    if "door" not in g:
        g.door = request.cookies.get(sessions.cookie_name(_DOOR)) or secrets.token_urlsafe(16)
    return forms.token("sign-in", g.door)


def secure(response: Response) -> Response:
    """The policy of these pages, which may run our own scripts, and the cookies that changed."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    sessions.write(response)
    if "door" in g:
        sessions.set_cookie(response, _DOOR, g.door, None)
    return response


def address() -> str:
    """Where a request comes from, as far as the server in front tells."""
    return request.remote_addr or ""
