"""The pages for managers: figures with their uncertainty, as tables and charts, in the reader's language."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask.blueprints import BlueprintSetupState

from reminders.web.manage import words
from reminders.web.manage.account import bp as account_bp
from reminders.web.manage.assessments import bp as assessments_bp
from reminders.web.manage.attendance import bp as attendance_bp
from reminders.web.manage.costs import bp as costs_bp
from reminders.web.manage.definitions import bp as definitions_bp
from reminders.web.manage.experiments import bp as experiments_bp
from reminders.web.manage.guard import check, secure
from reminders.web.manage.messages import bp as messages_bp
from reminders.web.manage.overview import bp as overview_bp
from reminders.web.manage.pages import install, nowhere
from reminders.web.manage.risk import bp as risk_bp
from reminders.web.manage.savings import bp as savings_bp
from reminders.web.manage.session import bp as session_bp
from reminders.web.manage.vendors import bp as vendors_bp
from reminders.web.manage.visits import bp as visits_bp

__all__ = ["create_blueprint"]


def create_blueprint() -> APIBlueprint:
    """Everything under ``/manage``. The blueprint guards itself (``guard.py``): register it and declare it open to
    ``web/auth.py``."""
    whole = APIBlueprint("manage", __name__, url_prefix="/manage", enable_openapi=False)
    whole.record_once(_speak)
    whole.before_request(check)
    whole.after_request(secure)
    install(whole)
    for part in (
        session_bp,
        account_bp,
        overview_bp,
        attendance_bp,
        costs_bp,
        savings_bp,
        experiments_bp,
        risk_bp,
        assessments_bp,
        vendors_bp,
        definitions_bp,
        visits_bp,
        messages_bp,
    ):
        whole.register_blueprint(part)
    whole.add_url_rule("/<path:rest>", "nowhere", nowhere)
    return whole


def _speak(state: BlueprintSetupState) -> None:
    """Templates translate with the words of the reader's language."""
    environment = state.app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(words.gettext, words.ngettext, newstyle=True)  # type: ignore[attr-defined]
