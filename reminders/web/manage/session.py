"""Signing in with name and password, and out."""

from __future__ import annotations

import re

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from reminders.errors import Throttled, Unauthenticated
from reminders.web import sessions
from reminders.web.context import use_cases
from reminders.web.manage import guard
from reminders.web.manage.pages import render, status_of
from reminders.web.manage.words import _

bp = Blueprint("session", __name__)

_OWN_PAGE = re.compile(r"/(?:manage|console)/[A-Za-z0-9_/?&=%.:+-]*")


@bp.get("/sign-in")
def show() -> ResponseReturnValue:
    return _form()


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        sessions.start(use_cases().staff.sign_in(name, password, guard.address()))
    except Unauthenticated as problem:
        return _form(_("This name and this password do not belong together."), status_of(problem))
    except Throttled as problem:
        return _form(_("Too many tries. Please wait a quarter of an hour."), status_of(problem))
    wanted = request.form.get("next", "")
    return redirect(wanted if _OWN_PAGE.fullmatch(wanted) else url_for("manage.overview.show"), 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    sessions.end()
    return redirect(url_for("manage.session.show", done="out"), 303)


def _form(problem: str = "", status: int = 200) -> ResponseReturnValue:
    wanted = request.values.get("next", "")
    done = _("You are signed out.") if request.args.get("done") == "out" else ""
    return render(
        "session", status, wanted=wanted if _OWN_PAGE.fullmatch(wanted) else "", problem=problem, done=done,
        name=request.form.get("name", "")[:64],
    )  # fmt: skip
