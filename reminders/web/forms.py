"""Forms of our own pages: a post must come from one of them, made for the session it comes with."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from flask import current_app, request

from reminders.errors import Forbidden
from reminders.web.context import use_cases

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignForm(Forbidden):
    """The form was not made by our pages for this session."""

    code = "foreign_form"
    sentence = "This form is no longer valid, so nothing was changed. Please go back, reload the page and try again."


def token(purpose: str, nonce: str) -> str:
    """What every form of a session carries in its field ``csrf``; ``nonce`` tells sessions apart."""
    secret = str(current_app.secret_key).encode()
    return hmac.new(secret, f"{purpose} form {nonce}".encode(), hashlib.sha256).hexdigest()


def check(purpose: str, nonce: str | None) -> None:
    """Before every page: ``ForeignForm`` for a post from elsewhere, or without the token of this session."""
    if request.method in _READING:
        return
    _refuse_other_sites()
    given = request.form.get("csrf", "").encode()
    if nonce is None or not hmac.compare_digest(given, token(purpose, nonce).encode()):
        raise ForeignForm()


def _refuse_other_sites() -> None:
    """https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site; browsers too old for it send an Origin."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise ForeignForm()
    elif origin is not None:
        ours = {request.host, urlsplit(use_cases().settings.public_url).netloc}
        if urlsplit(origin).netloc not in ours:
            raise ForeignForm()
