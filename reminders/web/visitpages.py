"""/visit: the page on which a patient confirms or cancels, from a link in an e-mail."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from reminders.domain.appointment import Change
from reminders.errors import Invalid, NotFound
from reminders.services.visitpages import Shown
from reminders.web.auth import public
from reminders.web.context import use_cases

bp = Blueprint("visit", __name__)

_CHANGES = {"confirm": Change.CONFIRM, "cancel": Change.CANCEL}


@bp.get("/visit/", defaults={"token": ""})
@bp.get("/visit/<path:token>")
@public("the token in the address")
def show(token: str) -> Response:
    """The visit and two buttons. Looking changes nothing, since mail programs look, too."""
    return _page(use_cases().visit_pages.show(token))


@bp.post("/visit/<path:token>")
@public("the token in the address")
def answer(token: str) -> Response:
    """One of the buttons."""
    change = _CHANGES.get(request.form.get("answer", ""))
    if change is None:
        raise Invalid("There is no such answer.", field="answer")
    return _page(use_cases().visit_pages.answer(token, change))


@bp.errorhandler(NotFound)
def _missing(_: NotFound) -> Response:
    """A patient mistyped the address, or a mail program cut it: a page that tells nothing, in the browser's language."""
    return _page(use_cases().visit_pages.missing(request.accept_languages.values()), 404)


def _page(shown: Shown, status: int = 200) -> Response:
    page = make_response(render_template("visit.html", shown=shown), status)
    page.headers["X-Robots-Tag"] = "noindex"
    return page
