"""Signing in with an API key, and out."""

from __future__ import annotations

import re

from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.errors import Forbidden, Unauthenticated
from reminders.web import sessions
from reminders.web.console import guard
from reminders.web.console.pages import render, status_of

bp = Blueprint("session", __name__)

_OWN_PAGE = re.compile(r"/console/[A-Za-z0-9_/?&=%.:+-]*")


@bp.get("/sign-in")
def show() -> ResponseReturnValue:
    return _form()


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    try:
        guard.start(request.form.get("key", "").strip())
    except Unauthenticated as problem:
        return _form("This key is not known here, or it is no longer in force.", status_of(problem))
    except Forbidden as problem:
        return _form(problem.message, status_of(problem))
    wanted = request.form.get("next", "")
    return redirect(wanted if _OWN_PAGE.fullmatch(wanted) else url_for("console.day.show"), 303)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    session.clear()
    if sessions.visitor() is not None:
        sessions.end()
    flash("You are signed out.", "done")
    return redirect(url_for("console.session.show"), 303)


def _form(problem: str | None = None, status: int = 200) -> ResponseReturnValue:
    wanted = request.values.get("next", "")
    return render("session", status, wanted=wanted if _OWN_PAGE.fullmatch(wanted) else "", problem=problem)
