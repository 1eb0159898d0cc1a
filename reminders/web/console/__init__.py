"""The front desk's console: the same use cases as the API, as pages that need no scripts."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import redirect, url_for
from werkzeug.wrappers import Response

from reminders.web.console.booking import bp as booking_bp
from reminders.web.console.calendars import bp as calendars_bp
from reminders.web.console.calls import bp as calls_bp
from reminders.web.console.changesets import bp as changesets_bp
from reminders.web.console.connecting import bp as connecting_bp
from reminders.web.console.day import bp as day_bp
from reminders.web.console.guard import check, configure, secure
from reminders.web.console.imports import bp as imports_bp
from reminders.web.console.inbox import bp as inbox_bp
from reminders.web.console.pages import install, nowhere
from reminders.web.console.people import bp as people_bp
from reminders.web.console.session import bp as session_bp
from reminders.web.console.texts import bp as texts_bp
from reminders.web.console.unmarked import bp as unmarked_bp
from reminders.web.console.visit import bp as visit_bp
from reminders.web.console.webhooks import bp as webhooks_bp

__all__ = ["create_blueprint"]


def create_blueprint() -> APIBlueprint:
    """Everything under ``/console``, and ``/``, which leads there.

    The blueprint guards itself (``guard.py``): register it and declare it open to ``web/auth.py``.
    """
    whole = APIBlueprint(
        "console", __name__, static_folder="../static", static_url_path="/console/static", enable_openapi=False
    )
    whole.record_once(configure)
    whole.before_request(check)
    whole.after_request(secure)
    install(whole)
    whole.add_url_rule("/", "home", _home)
    for noun in (
        session_bp,
        day_bp,
        visit_bp,
        booking_bp,
        inbox_bp,
        unmarked_bp,
        calls_bp,
        people_bp,
        changesets_bp,
        texts_bp,
        calendars_bp,
        connecting_bp,
        imports_bp,
        webhooks_bp,
    ):
        whole.register_blueprint(noun, url_prefix="/console")
    whole.add_url_rule("/console/<path:rest>", "nowhere", nowhere)
    return whole


def _home() -> Response:
    return redirect(url_for("console.day.show"), 303)
