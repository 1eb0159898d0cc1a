"""Who reads the pages for managers. A cookie holds a random token, the database its digest: signing out, a new password
or the end of an account end a session at once, in every process."""

from __future__ import annotations

import secrets

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from reminders.domain.actor import Role
from reminders.domain.staff import SESSION_LIFE
from reminders.errors import Forbidden, Unauthenticated
from reminders.services.staff import Visitor
from reminders.web import forms
from reminders.web.context import use_cases

ROLES = frozenset({Role.MANAGER, Role.ADMIN})
OPEN = frozenset({"manage.session.show", "manage.session.sign_in"})

_EVERYBODY = frozenset({"manage.session", "manage.account"})
_COOKIE, _DOOR = "reminders_staff", "reminders_door"
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
        forms.check("sign-in", request.cookies.get(_name(_DOOR)))
        return None
    found = _resume()
    if found is None:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("manage.session.show", next=wanted), 303)
    g.visitor = found
    use_cases().catalogue.refresh(found.catalogue_version)
    forms.check("staff", found.session_id)
    if found.role not in ROLES and request.blueprint not in _EVERYBODY:
        raise NotForManagers()
    return None


def visitor() -> Visitor | None:
    """Whoever is signed in, if anybody is."""
    found: Visitor | None = g.get("visitor")
    return found


def start(token: str) -> None:
    """Send the token of a new session with the answer."""
    g.staff_token = token


def end() -> None:
    """Close the session and take the cookie back."""
    use_cases().staff.sign_out(request.cookies.get(_name(_COOKIE), ""))
    g.staff_token = ""


def csrf_token() -> str:
    """What every form carries: of the session, or at the door of a cookie that only this browser has."""
    found = visitor()
    if found is not None:
        return forms.token("staff", found.session_id)
    if "door" not in g:
        g.door = request.cookies.get(_name(_DOOR)) or secrets.token_urlsafe(16)
    return forms.token("sign-in", g.door)


def secure(response: Response) -> Response:
    """The policy of these pages, which may run our own scripts, and the cookies that changed."""
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    found = visitor()
    token = g.get("staff_token", found.token if found else None)
    if token is not None:
        _set(response, _COOKIE, token, int(SESSION_LIFE.total_seconds()))
    if "door" in g:
        _set(response, _DOOR, g.door, None)
    return response


def address() -> str:
    """Where a request comes from, as far as the server in front tells."""
    return request.remote_addr or ""


def _resume() -> Visitor | None:
    token = request.cookies.get(_name(_COOKIE))
    if not token:
        return None
    try:
        return use_cases().staff.resume(token)
    except Unauthenticated:
        return None


def _is_https() -> bool:
    return use_cases().settings.public_url.startswith("https://")


def _name(cookie: str) -> str:
    """With the prefix, browsers take the cookie from this host only, over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{cookie}" if _is_https() else cookie


def _set(response: Response, cookie: str, value: str, seconds: int | None) -> None:
    """Never for scripts, never with requests of other sites; an empty value takes the cookie back."""
    response.set_cookie(
        _name(cookie), value, max_age=seconds if value else 0, secure=_is_https(), httponly=True, samesite="Strict",
        path="/",
    )  # fmt: skip
