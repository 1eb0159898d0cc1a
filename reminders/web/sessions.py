"""Sessions of people who signed in with a password. A cookie holds a random token, the database its digest: signing out,
a new password or the end of an account end a session at once, in every process."""

from __future__ import annotations

from flask import Response, g, request

from reminders.domain.staff import SESSION_LIFE
from reminders.errors import Unauthenticated
from reminders.services.staff import Visitor
from reminders.web.context import use_cases

_COOKIE = "reminders_staff"


def resume() -> Visitor | None:
    """Whoever is signed in, if anybody is; also found by ``visitor`` from here on."""
    token = request.cookies.get(cookie_name(_COOKIE))
    if not token:
        return None
    try:
        g.visitor = use_cases().staff.resume(token)
    except Unauthenticated:
        return None
    return visitor()


def visitor() -> Visitor | None:
    """Whoever ``resume`` found."""
    found: Visitor | None = g.get("visitor")
    return found


def start(token: str) -> None:
    """Send the token of a new session with the answer."""
    g.staff_token = token


def end() -> None:
    """Close the session and take the cookie back."""
    use_cases().staff.sign_out(request.cookies.get(cookie_name(_COOKIE), ""))
    g.staff_token = ""


def write(response: Response) -> None:
    """Put a token that is new, or replaced, into the answer."""
    found = visitor()
    token = g.get("staff_token", found.token if found else None)
    if token is not None:
        set_cookie(response, _COOKIE, token, int(SESSION_LIFE.total_seconds()))


def cookie_name(cookie: str) -> str:
    """With the prefix, browsers take the cookie from this host only, over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{cookie}" if _is_https() else cookie


def set_cookie(response: Response, cookie: str, value: str, seconds: int | None) -> None:
    """Never for scripts, never with requests of other sites; an empty value takes the cookie back."""
    response.set_cookie(
        cookie_name(cookie), value, max_age=seconds if value else 0, secure=_is_https(), httponly=True,
        samesite="Strict", path="/",
    )  # fmt: skip


def _is_https() -> bool:
    return use_cases().settings.public_url.startswith("https://")
