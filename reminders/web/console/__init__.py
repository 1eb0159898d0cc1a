"""The front desk's console: the same use cases as the API, as pages that need no scripts."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from werkzeug.wrappers import Response

from reminders.web.console import booking, day, guard, inbox, pages, people, session, visit

__all__ = ["create_blueprint"]


def create_blueprint() -> Blueprint:
    """Everything under ``/console``, and ``/``, which leads there.

    The blueprint guards itself (``guard.py``): register it and declare it open to ``web/auth.py``.
    """
    whole = Blueprint("console", __name__, static_folder="../static", static_url_path="/console/static")
    whole.record_once(guard.configure)
    whole.before_request(guard.check)
    whole.after_request(guard.secure)
    pages.install(whole)
    whole.add_url_rule("/", "home", _home)
    for module in (session, day, visit, booking, inbox, people):
        whole.register_blueprint(module.bp, url_prefix="/console")
    whole.add_url_rule("/console/<path:rest>", "nowhere", pages.nowhere)
    return whole


def _home() -> Response:
    return redirect(url_for("console.day.show"), 303)
