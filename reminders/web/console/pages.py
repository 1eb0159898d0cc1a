"""What all pages share: the frame, problems as pages, forms that take effect once."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from typing import Any, TypeVar

from flask import Blueprint, Response, current_app, flash, make_response, render_template, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import HTTPException, NotFound

from reminders.domain.actor import Once
from reminders.errors import Invalid, ReminderError
from reminders.web.console import guard, words
from reminders.web.context import caller, use_cases

Model = TypeVar("Model", bound=BaseModel)

_MOST_COUNTED = 20


class Complaints(Invalid):
    """What is wrong with a form, field by field; the message sums it up."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("Nothing was saved yet. " + " ".join(fields.values()))
        self.fields = fields


def install(whole: Blueprint) -> None:
    """Problems become pages, and every template gets what the frame needs."""
    for kind in (ReminderError, ValidationError, HTTPException, Exception):
        whole.register_error_handler(kind, _problem_page)
    whole.context_processor(_frame)


def render(page: str, status: int = 200, **facts: Any) -> ResponseReturnValue:
    return make_response(render_template(f"console/{page}.html", **facts), status)


def nowhere(rest: str) -> ResponseReturnValue:
    """Any other address: our page, not the API's problem document."""
    raise NotFound(rest)


def status_of(error: Exception) -> int:
    """The HTTP status of an error; ``web/problems.py`` alone knows them."""
    return _api_answer(error).status_code


def done(sentence: str) -> None:
    """Say on the next page what was done. Never holds personal data: it travels in the cookie."""
    flash(sentence, "done")


def query(name: str, longest: int = 200) -> str:
    """A query parameter as typed, without control characters."""
    return _clean(request.args.get(name, ""))[:longest]


def written(name: str) -> str:
    """A form field as typed, without control characters; line breaks stay."""
    return _clean(request.form.get(name, "").replace("\r\n", "\n"))


def version_seen() -> int | None:
    """The version of the thing as the page showed it."""
    text = written("version")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def checked(model: type[Model], **values: Any) -> Model:
    """A form as the API's own schema reads it; empty fields count as not given. ``Complaints`` when it does not fit."""
    try:
        return model.model_validate({name: value for name, value in values.items() if value not in ("", None)})
    except ValidationError as problem:
        found = problem.errors(include_url=False, include_context=False, include_input=False)
        raise Complaints({
            str(item["loc"][0]) if item["loc"] else "form": words.complaint(str(item["loc"][0]), item["type"])
            for item in found
        }) from problem  # fmt: skip


def complaints(problem: ReminderError) -> dict[str, str]:
    """The fields at fault, for marking them."""
    if isinstance(problem, Complaints):
        return problem.fields
    field = getattr(problem, "field", None)
    return {field: problem.message} if field else {}


def once(*more: str) -> Once:
    """The promise that sending the same form twice (a double click, a reload) takes effect once."""
    fields = sorted((name, value) for name, value in request.form.items() if name != "csrf")
    digest = hashlib.sha256(repr((request.path, fields, more)).encode()).hexdigest()
    return Once(caller().key_id, f"console:{digest}", digest)


def _frame() -> dict[str, Any]:
    return {"csrf": guard.csrf_token, "once": lambda: secrets.token_urlsafe(9), "waiting": _waiting, "words": words,
            "refused": use_cases().health.refused}  # fmt: skip


def _waiting() -> str:
    """How many items wait in the inbox, in few words."""
    count = len(use_cases().desk.inbox(0, _MOST_COUNTED - 1, done=False))
    return f"{_MOST_COUNTED}+" if count >= _MOST_COUNTED else str(count or "")


def _problem_page(error: Exception) -> ResponseReturnValue:
    answer = _api_answer(error)
    if 300 <= answer.status_code < 400:
        return answer
    body = answer.get_json(force=True)
    return render("problem", answer.status_code, title=body["title"], sentence=words.PAGE_PROBLEMS.get(
        body["status"], body["detail"]
    ))  # fmt: skip


def _api_answer(error: Exception) -> Response:
    """What the API would say; also writes the log line of an unexpected error."""
    handlers = current_app.error_handler_spec[None][None]
    handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
    return current_app.make_response(current_app.ensure_sync(handler)(error))


def _clean(text: str) -> str:
    return "".join(char for char in text if char == "\n" or unicodedata.category(char) not in {"Cc", "Cs"}).strip()
