"""What all pages for managers share: the frame, problems as pages, words."""

from __future__ import annotations

from typing import Any

from babel import Locale
from flask import Blueprint, Response, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, NotFound

from reminders.errors import ReminderError
from reminders.web import sessions
from reminders.web.context import use_cases
from reminders.web.manage import guard, period, words
from reminders.web.manage.words import N_, _

_PROBLEMS = {
    403: N_("This is not for you, or the form is out of date. Please go back, reload the page and try again."),
    404: N_("There is nothing at this address."),
    422: N_("Something that was asked for cannot be answered. Please check what you typed."),
    500: N_("Something went wrong on our side. Please try again."),
    503: N_("The database is busy. Please try again."),
}
_MENU = {
    "overview": N_("Overview"), "attendance": N_("Attendance"), "costs": N_("Costs"), "savings": N_("Savings"),
    "experiments": N_("Experiments"), "risk": N_("Risk"),
    "assessments": N_("Assessment"), "definitions": N_("Definitions"),
}  # fmt: skip
_OTHER = N_("This could not be done.")


def install(whole: Blueprint) -> None:
    """Problems become pages, and every template gets what the frame needs."""
    for kind in (ReminderError, ValidationError, HTTPException, Exception):
        whole.register_error_handler(kind, _problem_page)
    whole.context_processor(_frame)


def render(page: str, status: int = 200, **facts: Any) -> ResponseReturnValue:
    return make_response(render_template(f"manage/{page}.html", **facts), status)


def nowhere(rest: str) -> ResponseReturnValue:
    """Any other address: our page, not the API's problem document."""
    raise NotFound(rest)


def status_of(error: Exception) -> int:
    """The HTTP status of an error; ``web/problems.py`` alone knows them."""
    return _api_answer(error).status_code


def _frame() -> dict[str, Any]:
    spoken = {language: Locale.parse(language).get_display_name(language) for language in use_cases().pages.languages}
    return {
        "csrf": guard.csrf_token, "reader": sessions.visitor(), "words": words, "spoken": spoken, "menu": _menu,
        "kept": _kept, "lengths": period.LENGTHS, "latest": period.latest, "file_of": _file_of,
    }  # fmt: skip


def _menu() -> list[tuple[str, str, str]]:
    """Name, address and label of every page of the menu."""
    return [(name, f"manage.{name}.show", _(label)) for name, label in _MENU.items()]


def _file_of(sheet: str) -> str:
    """The address of a table of this page as a file."""
    given: dict[str, Any] = {name: value for name, value in request.args.items() if name not in {"csv", "after"}}
    return url_for(request.endpoint or "", **given | (request.view_args or {}) | {"csv": sheet})


def _kept() -> dict[str, str]:
    """The period goes along from page to page."""
    return {name: request.args[name] for name in ("from", "to") if name in request.args}


def _problem_page(error: Exception) -> ResponseReturnValue:
    answer = _api_answer(error)
    if 300 <= answer.status_code < 400:
        return answer
    sentence = _(_PROBLEMS.get(answer.status_code, _OTHER))
    return render("problem", answer.status_code, sentence=sentence)


def _api_answer(error: Exception) -> Response:
    """What the API would say; also writes the log line of an unexpected error."""
    handlers = current_app.error_handler_spec[None][None]
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    return current_app.make_response(current_app.ensure_sync(handler)(error))
