"""One's own account: password and language."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from reminders.errors import ReminderError, Throttled
from reminders.services.staff import Visitor, WeakPassword, WrongPassword
from reminders.web import sessions
from reminders.web.context import use_cases
from reminders.web.manage import guard, words
from reminders.web.manage.pages import render, status_of
from reminders.web.manage.words import N_, _

bp = Blueprint("account", __name__)

_DONE = {"password": N_("Your password is changed. You are signed out everywhere else."), "language": N_("Saved.")}
_WEAK = {
    "short": N_("The new password needs 12 characters or more."),
    "long": N_("The new password may have 200 characters at most."),
    "name": N_("The new password must not contain your name."),
    "monotonous": N_("The new password has too few different characters."),
}


@bp.get("/account")
def show() -> ResponseReturnValue:
    return _page()


@bp.post("/account/password")
def change_password() -> ResponseReturnValue:
    old, new = request.form.get("old", ""), request.form.get("new", "")
    try:
        sessions.start(use_cases().staff.change_password(_reader(), old, new, guard.address()))
    except WeakPassword as problem:
        why = _WEAK[problem.facts["weakness"]]
        return _page({"new": _(why)}, problem)
    except WrongPassword as problem:
        return _page({"old": _("This is not your present password.")}, problem)
    except Throttled as problem:
        return _page({"old": _("Too many tries. Please wait a quarter of an hour.")}, problem)
    return redirect(url_for(".show", done="password"), 303)


@bp.post("/account/language")
def change_language() -> ResponseReturnValue:
    wanted = use_cases().pages.choose([request.form.get("language", "")])
    use_cases().staff.speak(_reader(), wanted)
    words.speak(wanted)
    return redirect(url_for(".show", done="language"), 303)


def _reader() -> Visitor:
    return cast(Visitor, sessions.visitor())


def _page(faults: dict[str, str] | None = None, problem: ReminderError | None = None) -> ResponseReturnValue:
    done = _DONE.get(request.args.get("done", ""))
    return render("account", status_of(problem) if problem else 200, faults=faults or {}, done=_(done) if done else "")
