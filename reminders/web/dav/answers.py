"""Answers of the calendar server, and errors in the words of WebDAV."""

from __future__ import annotations

from flask import Response

from reminders import errors
from reminders.domain.dav import NotAllowed, UidTaken, Unmatched
from reminders.gateways.icalobjects import Unreadable
from reminders.web.dav.xml import error, href

HEADERS = {"DAV": "1, 3, calendar-access"}
_KINDS: tuple[tuple[type[errors.ReminderError], int], ...] = (
    (errors.NotFound, 404), (errors.Stale, 412), (errors.Unauthenticated, 401), (errors.OutsideHours, 403),
    (errors.Conflict, 409), (errors.Forbidden, 403), (errors.Invalid, 403),
)  # fmt: skip


def xml(text: str, status: int = 207) -> Response:
    return Response(text, status, content_type="application/xml; charset=utf-8")


def refused(condition: str, status: int, inner: str = "", description: str = "") -> Response:
    """A request that failed, with the precondition that did not hold."""
    return xml(error(condition, inner, description), status)


def failed(problem: errors.ReminderError, base: str) -> Response:
    """An expected error; ``base`` is the address of the calendar. Our own conditions are the codes of the API."""
    status = next((status for kind, status in _KINDS if isinstance(problem, kind)), 500)
    inner = ""
    if isinstance(problem, NotAllowed | Unreadable):
        condition = problem.condition
    elif isinstance(problem, UidTaken):
        condition, inner = "C:no-uid-conflict", href(base + problem.href)
    elif isinstance(problem, errors.Stale | Unmatched):
        condition = "R:precondition-failed"
    else:
        condition = f"R:{problem.code.replace('_', '-')}"
    answer = refused(condition, status, inner, problem.message)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="Calendars", charset="UTF-8"'
    return answer
