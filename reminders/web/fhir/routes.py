"""The addresses of /fhir (https://hl7.org/fhir/R4/http.html)."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable
from urllib.parse import parse_qsl, urlencode

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import MethodNotAllowed, NotAcceptable, NotFound

from reminders.domain.fhir.search import Token, token
from reminders.domain.fhir.shapes import check, is_id, is_printable
from reminders.errors import Forbidden, Invalid
from reminders.web.auth import DESK, READERS, allow, public
from reminders.web.context import caller, snapshot
from reminders.web.fhir import answers, capability
from reminders.web.fhir.answers import Found, Page
from reminders.web.fhir.offers import HealthcareServices, Locations, Practitioners, Schedules
from reminders.web.fhir.records import Appointments, Patients
from reminders.web.fhir.searching import Asked
from reminders.web.fhir.slots import Slots
from reminders.web.problems import problem
from reminders.web.respond import if_match

bp = APIBlueprint("fhir", __name__, url_prefix="/fhir", enable_openapi=False)
_JSON = frozenset({"application/fhir+json", "application/json", "json", "text/json", "application/json+fhir"})


class Readable(Protocol):
    kind: str

    def read(self, id_: str) -> Found: ...

    def search(self, asked: Asked) -> Page: ...


@runtime_checkable
class Creatable(Protocol):
    def create(self, resource: Any, unless: Token | None) -> tuple[Found, bool]: ...


@runtime_checkable
class Updatable(Protocol):
    def update(self, id_: str, resource: Any, version: int | None) -> Found: ...


@runtime_checkable
class Deletable(Protocol):
    def delete(self, id_: str, version: int | None) -> None: ...


_KINDS: dict[str, Readable] = {
    one.kind: one
    for one in (
        Patients(), Appointments(), Slots(), Schedules(), Practitioners(), Locations(), HealthcareServices(),
    )
}  # fmt: skip


@bp.get("/metadata")
@public("says what the server can do; holds no data")
def metadata() -> Response:
    """The CapabilityStatement."""
    return answers.body(capability.statement(answers.base()))


@bp.get("/<kind>")
@allow(*READERS)
def search(kind: str) -> Response:
    """A search, with its parameters in the address."""
    return _search(kind, request.query_string.decode("utf-8", "replace"))


@bp.post("/<kind>/_search")
@allow(*READERS)
def search_by_form(kind: str) -> Response:
    """A search with its parameters in a form, so that no log of addresses shows them."""
    form = request.get_data(cache=True).decode("utf-8", "replace")
    return _search(kind, "&".join(part for part in (request.query_string.decode("utf-8", "replace"), form) if part))


@bp.post("/<kind>")
@allow(*DESK)
def create(kind: str) -> Response:
    """A new resource; with ``If-None-Exist`` only when there is none yet."""
    known = _able(kind, Creatable)
    found, is_new = known.create(check(request.get_json(), kind), _condition())
    return answers.resource(found, 201 if is_new else 200)


@bp.get("/<kind>/<id_>")
@allow(*READERS)
def read(kind: str, id_: str) -> Response:
    """One resource."""
    return answers.resource(_known(kind).read(_id(id_)))


@bp.put("/<kind>/<id_>")
@allow(*DESK)
def update(kind: str, id_: str) -> Response:
    """A resource as it is to be; with ``If-Match`` only when it is still the version named."""
    known, resource = _able(kind, Updatable), check(request.get_json(), kind)
    if resource.get("id") != id_:
        return problem(400, "invalid", "The id in the resource is not the one in the address.")
    return answers.resource(known.update(_id(id_), resource, if_match()))


@bp.delete("/<kind>/<id_>")
@allow(*DESK)
def delete(kind: str, id_: str) -> Response:
    """For appointments: it was a mistake; for slots: the time is no longer blocked, or no longer open."""
    known = _able(kind, Deletable)
    known.delete(_id(id_), if_match())
    return Response(status=204)


@bp.route("", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@bp.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@bp.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@allow(*READERS)
def elsewhere(rest: str) -> Response:
    """What FHIR knows and this server does not: histories, batches, operations."""
    parts = rest.split("/")
    if rest and parts[0] not in _KINDS:
        raise NotFound()
    raise MethodNotAllowed()


@bp.before_request
def _acceptable() -> None:
    """Only JSON is spoken here."""
    wanted = request.args.get("_format")
    types = {kind for kind, quality in request.accept_mimetypes if quality}
    spoken = not types or any(kind in _JSON or kind in ("*/*", "application/*") for kind in types)
    if not (wanted.replace(" ", "+") in _JSON if wanted else spoken):
        raise NotAcceptable()


@bp.after_request
def _in_fhir(answer: Response) -> Response:
    return answers.outcome(answer)


def _search(kind: str, parameters: str) -> Response:
    known = _known(kind)
    given = parse_qsl(parameters, keep_blank_values=True)
    lenient = "handling=lenient" in request.headers.get("Prefer", "")
    try:
        page = known.search(Asked(given, snapshot(), lenient))
    except Invalid as wrong:  # a search that cannot be understood is a bad request (400), not a bad resource
        error = {"field": wrong.field or "", "message": wrong.message}
        return problem(400, wrong.code, wrong.message, {"errors": [error]})
    address = f"{answers.base()}/{kind}"
    rest = [(name, value) for name, value in given if name != "_after"]
    following = f"{address}?{urlencode([*rest, ('_after', page.following)])}" if page.following else None
    return answers.bundle(page, f"{address}?{urlencode(given)}" if given else address, following)


def _known(kind: str) -> Readable:
    if kind not in _KINDS:
        raise NotFound()
    return _KINDS[kind]


def _able(kind: str, action: type[Any]) -> Any:
    """What can do this (one of the protocols above); not everything may be done to each kind, nor by every key."""
    known = _known(kind)
    if not isinstance(known, action):
        raise MethodNotAllowed()
    if caller().role not in getattr(known, "writers", DESK):
        raise Forbidden()
    return known


def _id(text: str) -> str:
    if not is_id(text):
        raise NotFound()
    return text


def _condition() -> Token | None:
    """The identifier of ``If-None-Exist``; other conditions are not known here."""
    text = request.headers.get("If-None-Exist", "").lstrip("?")
    if not text:
        return None
    given = parse_qsl(text, keep_blank_values=True)
    found = token(given[0][1]) if len(given) == 1 and given[0][0] == "identifier" else None
    if found is None or not found.value or not is_printable(text):
        raise Invalid("The condition is identifier=SYSTEM|VALUE.", field="If-None-Exist")
    return found
