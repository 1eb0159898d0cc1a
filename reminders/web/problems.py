"""Errors as ``application/problem+json`` (RFC 9457). The only module that maps errors to HTTP statuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from apiflask import HTTPError
from flask import Flask, Response
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, TooManyRequests

from reminders import errors
from reminders.store.engine import is_retryable

log = structlog.get_logger()

_STATUS: tuple[tuple[type[errors.ReminderError], int], ...] = (
    (errors.Invalid, 422),
    (errors.NotFound, 404),
    (errors.Stale, 412),
    (errors.Conflict, 409),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.Throttled, 429),
    (errors.GatewayError, 502),
)
_TITLES = {
    400: "Bad request", 401: "Not authenticated", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    409: "Conflict", 412: "Precondition failed", 413: "Too large", 415: "Unsupported media type", 422: "Invalid input",
    429: "Too many requests", 500: "Internal error", 502: "Provider error", 503: "Not available",
}  # fmt: skip
_HTTP_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "not_json",
               429: "rate_limited"}  # fmt: skip


def problem(status: int, code: str, detail: str, facts: Mapping[str, Any] | None = None) -> Response:
    """A problem document; ``code`` is stable and part of the API. No fact can displace a standard member."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "code": code,
            "detail": detail}  # fmt: skip
    body |= {name: value for name, value in (facts or {}).items() if name not in body}
    # ASCII: the name of an unknown field may hold what cannot be written as UTF-8
    response = Response(json.dumps(body, default=str), status, mimetype="application/problem+json")
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install(app: Flask) -> None:
    """Every error that leaves the application passes here."""
    app.register_error_handler(errors.ReminderError, _expected)
    app.register_error_handler(ValidationError, _validation)
    app.register_error_handler(HTTPError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(DBAPIError, _database)
    app.register_error_handler(Exception, _unexpected)


def _expected(error: errors.ReminderError) -> Response:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    facts = dict(error.facts)
    field = getattr(error, "field", None)
    if field:
        facts["errors"] = [{"field": field, "code": error.code, "message": error.message}]
    return problem(status, error.code, error.message, facts)


def _validation(error: ValidationError) -> Response:
    found = [
        {"field": ".".join(str(part) for part in item["loc"]) or "body", "code": _field_code(item["type"]),
         "message": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]  # fmt: skip
    code = "naive_time" if {item["code"] for item in found} == {"naive_time"} else "invalid"
    names = ", ".join(dict.fromkeys(item["field"] for item in found))
    return problem(422, code, f"Please check: {names}.", {"errors": found})


def _refused(error: HTTPError) -> Response:
    """What APIFlask makes of input that its schema does not take."""
    if isinstance(error.__cause__, ValidationError):
        return _validation(error.__cause__)
    return problem(error.status_code, _HTTP_CODES.get(error.status_code, "http_error"), str(error.message))


def _field_code(kind: str) -> str:
    return {"timezone_aware": "naive_time", "missing": "missing", "extra_forbidden": "unknown_field"}.get(kind, kind)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    answer = problem(status, _HTTP_CODES.get(status, "http_error"), _sentence(error))
    if isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = "60"
    for name, value in error.get_headers():
        if name.lower() in {"allow", "location"}:
            answer.headers[name] = value
    if status in {301, 302, 303, 307, 308}:
        return Response(status=status, headers=answer.headers)
    return answer


def _sentence(error: HTTPException) -> str:
    return {
        400: "The request is not well-formed JSON.",
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
        413: "The request is too large.",
        415: "Send JSON with Content-Type: application/json.",
        429: "Too many requests with this key; try again in a minute.",
    }.get(error.code or 500, error.name)


def _database(error: DBAPIError) -> Response:
    log.error("web.database", error=type(error.orig).__name__)
    if is_retryable(error):
        return problem(503, "busy", "The database is busy; please try again.")
    return problem(500, "internal", "Something went wrong on our side.")


def _unexpected(error: Exception) -> Response:
    log.error("web.unexpected", error=type(error).__name__, where=_where(error))
    return problem(500, "internal", "Something went wrong on our side.")


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
