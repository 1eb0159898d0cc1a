"""/api/v1/external: programs of the clinic's own put their patients and visits here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request

from reminders.domain.actor import Role
from reminders.domain.connector import Remote
from reminders.domain.crm import PATIENT, VISIT
from reminders.domain.sync import canonical_moment, canonical_text
from reminders.errors import Invalid
from reminders.services.sync.external import Outcome
from reminders.web.auth import allow
from reminders.web.context import use_cases
from reminders.web.problems import problem
from reminders.web.respond import answer
from reminders.web.schemas.base import Body
from reminders.web.schemas.external import (
    ExternalPatientIn,
    ExternalPatientOut,
    ExternalVisitIn,
    ExternalVisitOut,
)

bp = APIBlueprint("external", __name__, url_prefix="/api/v1/external", tag="Patient systems")
_ROLES = (Role.ADMIN, Role.INTEGRATION)
_LONGEST = 200
#: Fields that are not texts, and what stands for nothing in them.
_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "birth_year": lambda value: value, "confirmed": bool, "sms_opt_out": bool, "voice_opt_out": bool,
    "email_opt_out": bool,
}  # fmt: skip


@bp.put("/<string:source>/patients/<string:external_id>")
@bp.input(ExternalPatientIn, arg_name="body")
@bp.output(ExternalPatientOut)
@allow(*_ROLES)
def put_patient(source: str, external_id: str, body: ExternalPatientIn) -> Response:
    """A patient as the record there is now. 409 with `current` when If-Match does not, or our rules refuse something."""
    return _put(source, PATIENT, external_id, body)


@bp.put("/<string:source>/appointments/<string:external_id>")
@bp.input(ExternalVisitIn, arg_name="body")
@bp.output(ExternalVisitOut)
@allow(*_ROLES)
def put_visit(source: str, external_id: str, body: ExternalVisitIn) -> Response:
    """A visit as it is there now: booked, moved or called off by our rules, and the patient is told as of any change. 409
    with `current` when If-Match does not, or our rules refuse something."""
    return _put(source, VISIT, external_id, body)


@bp.get("/<string:source>/patients/<string:external_id>")
@bp.output(ExternalPatientOut)
@allow(*_ROLES)
def get_patient(source: str, external_id: str) -> Response:
    """What holds here, and its ETag."""
    return _answer(source, use_cases().external.get(source, PATIENT, external_id))


@bp.get("/<string:source>/appointments/<string:external_id>")
@bp.output(ExternalVisitOut)
@allow(*_ROLES)
def get_visit(source: str, external_id: str) -> Response:
    """What holds here, and its ETag."""
    return _answer(source, use_cases().external.get(source, VISIT, external_id))


@bp.delete("/<string:source>/patients/<string:external_id>")
@bp.output({}, status_code=204)
@allow(*_ROLES)
def remove_patient(source: str, external_id: str) -> Response:
    """The record there was deleted. The card here stays; a person is asked."""
    use_cases().external.remove(source, PATIENT, external_id)
    return Response(status=204)


@bp.delete("/<string:source>/appointments/<string:external_id>")
@bp.output({}, status_code=204)
@allow(*_ROLES)
def remove_visit(source: str, external_id: str) -> Response:
    """The visit there was deleted: `on_remote_delete` of the connection says what becomes of ours."""
    use_cases().external.remove(source, VISIT, external_id)
    return Response(status=204)


def _put(source: str, entity: str, external_id: str, body: Body) -> Response:
    if len(external_id) > _LONGEST or not external_id.isprintable():
        raise Invalid("An id there has 1 to 200 characters.", field="external_id")
    fields = {name: _form(name, getattr(body, name)) for name in body.model_fields_set - {"id"}}
    remote = Remote(external_id, fields, uid=getattr(body, "id", None))
    return _answer(source, use_cases().external.put(source, entity, remote, _expected()))


def _form(name: str, value: Any) -> Any:
    """The form in which values are compared: "" for no text."""
    if isinstance(value, datetime):
        return canonical_moment(value)
    return _FORMS[name](value) if name in _FORMS else canonical_text(value)


def _expected() -> str | None:
    """The etag in If-Match, as we gave it out; proxies may have marked it as weak."""
    text = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    return text or None


def _answer(source: str, found: Outcome) -> Response:
    headers = {"ETag": f'"{found.etag}"'} if found.etag is not None else {}
    body = {
        "source": source, "external_id": found.external_id, "id": found.local_id, "state": found.state,
        "differences": [
            {"field": one.field, "ours": one.ours, "theirs": one.theirs, "code": one.code} for one in found.differences
        ],
    }  # fmt: skip
    if found.problem is None:
        return answer(body, 201 if found.created else 200, headers)
    refusal = problem(409, found.problem.code, found.problem.message, {**found.problem.facts, "current": body})
    refusal.headers.extend(headers)
    return refusal
