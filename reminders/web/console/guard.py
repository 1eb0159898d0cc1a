"""Who is at the desk. A signed cookie names the key that was used to sign in, and the key is looked up at every request,
so that revoking it ends the session at once. Forms carry a token that other sites cannot know."""

from __future__ import annotations

import secrets
from datetime import timedelta

from flask import Response, flash, g, redirect, request, session, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response as BaseResponse

from reminders.domain.actor import Actor, Role
from reminders.errors import Forbidden, Unauthenticated
from reminders.services.access import Caller
from reminders.web import forms, sessions
from reminders.web.context import EXTENSION, caller, now, use_cases

SESSION_LIFE = timedelta(hours=12)
ROLES = frozenset({Role.DESK, Role.ADMIN})

OPEN = frozenset({"console.static", "console.home", "console.session.show", "console.session.sign_in"})


class WrongRole(Forbidden):
    """The key is in force, but it is not one for the desk."""

    code = "forbidden"
    sentence = "This key is not for the front desk. Sign in with a key of the role desk or admin."


def configure(state: BlueprintSetupState) -> None:
    """The session cookie: sent to the console only, never to scripts, never with requests of other sites."""
    state.app.config.update(
        SESSION_COOKIE_NAME="reminders_console", SESSION_COOKIE_PATH="/console", SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=state.app.extensions[EXTENSION].settings.public_url.startswith("https://"),
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE, SESSION_REFRESH_EACH_REQUEST=False,
    )  # fmt: skip


def only_administrators(what: str) -> None:
    """``Forbidden`` for anybody else at the desk; ``what`` is what an administrator does here, as a page says it."""
    if caller().role is not Role.ADMIN:
        raise Forbidden(f"Only an administrator {what}.")


def start(key: str) -> None:
    """Sign in with an API key; ``Unauthenticated`` or ``WrongRole`` when that is not possible."""
    found = use_cases().access.check(key)
    if found.role not in ROLES:
        raise WrongRole()
    session.clear()  # nothing that was set before signing in outlives it
    session.permanent = True
    session.update(key=found.key_id, since=int(now().timestamp()), nonce=secrets.token_urlsafe(16))


def check() -> BaseResponse | None:
    """Before every page: a signed-in caller, and for a post a form of ours."""
    is_open = request.endpoint in OPEN
    found = None if is_open else _resume()
    if not is_open and found is None:
        return _to_sign_in()
    if found is not None:
        g.caller = found
        use_cases().catalogue.refresh(found.catalogue_version)
    forms.check("console", _nonce())
    return None


def secure(response: Response) -> Response:
    """With no referrer at all browsers hide the origin of our own forms, too."""
    sessions.write(response)
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def actor() -> Actor:
    """Whoever is signed in, as history names them."""
    return Actor(caller().key_id, "console")


def csrf_token() -> str:
    """What every form of this session carries."""
    return forms.token("console", _nonce() or session.setdefault("nonce", secrets.token_urlsafe(16)))


def _nonce() -> str | None:
    """What tells this session from others."""
    person = sessions.visitor()
    return person.session_id if person else session.get("nonce")


def _resume() -> Caller | None:
    """By the key that was used to sign in, else by the session of somebody who signed in with a password."""
    key_id, since = session.get("key"), session.get("since", 0)
    if key_id is None:
        person = sessions.resume()
        known = person is not None and person.role in ROLES
        return Caller(person.user_id, person.role, person.catalogue_version) if person and known else None
    if now().timestamp() - since >= SESSION_LIFE.total_seconds():
        return None
    try:
        found = use_cases().access.resume(key_id)
    except Unauthenticated:
        return None
    return found if found.role in ROLES else None


def _to_sign_in() -> BaseResponse:
    if "key" in session:
        session.clear()
        flash("Your session has ended. Please sign in again.", "problem")
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("console.session.show", next=wanted), 303)
