"""The verbs of /dav/ (RFC 4918, 4791, 6578) and the way there (RFC 6764). Every answer says that this is CalDAV."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from flask import Blueprint, Response, g, redirect, request
from werkzeug.exceptions import BadRequest, MethodNotAllowed
from werkzeug.http import http_date
from werkzeug.wrappers import Response as BaseResponse

from reminders.domain.dav import Conditions, NotAllowed
from reminders.errors import NotFound, ReminderError, Unauthenticated
from reminders.gateways.icalobjects import read
from reminders.services.davlogins import Login
from reminders.web.context import now, use_cases
from reminders.web.dav import places
from reminders.web.dav.answers import HEADERS, failed, refused, xml
from reminders.web.dav.places import Kind, Objects, Place, View, collection
from reminders.web.dav.reports import Reports, asked
from reminders.web.dav.xml import document, element, multistatus, name, parse, response, source

bp = Blueprint("dav", __name__)

_VERBS = ("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "MOVE", "MKCALENDAR", "MKCOL",
          "COPY", "LOCK", "UNLOCK", "ACL", "POST")  # fmt: skip
_OFFERED = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, REPORT, MOVE"
_HREF = re.compile(r"[^/\x00-\x1f\x7f]{1,255}")
_TAG = re.compile(r'(?:W/)?"([^"]*?)(?:-(?:gzip|br|zstd|deflate))?"')
#: How far ahead events that repeat block time.
_AHEAD_YEARS = 5
_LIVE = frozenset(
    name(one) for one in (
        "D:resourcetype", "D:getetag", "D:getcontenttype", "D:getcontentlength", "D:getlastmodified", "D:sync-token",
        "D:current-user-principal", "D:principal-URL", "D:owner", "D:current-user-privilege-set", "D:lockdiscovery",
        "D:supportedlock", "D:supported-report-set", "D:creationdate", "CS:getctag", "C:calendar-home-set",
        "C:supported-calendar-component-set", "C:supported-calendar-data", "C:max-resource-size", "C:calendar-data",
    )
)  # fmt: skip


@bp.route("/.well-known/caldav", methods=list(_VERBS), provide_automatic_options=False)
def well_known() -> BaseResponse:
    """Where the calendars are (RFC 6764 section 5), whatever is asked."""
    return redirect(places.ROOT, 301)


@bp.route("/", methods=["PROPFIND", "REPORT"], provide_automatic_options=False)
def top() -> BaseResponse:
    """Some programs begin here."""
    return redirect(places.ROOT, 301)


@bp.route("/dav", methods=list(_VERBS), provide_automatic_options=False)
def bare() -> BaseResponse:
    return redirect(places.ROOT, 301)


@bp.route("/dav/", defaults={"path": ""}, methods=list(_VERBS), provide_automatic_options=False)
@bp.route("/dav/<path:path>", methods=list(_VERBS), provide_automatic_options=False)
def handle(path: str) -> BaseResponse:
    """Any verb on any address below /dav/. Only OPTIONS may be asked by anybody."""
    del path  # read from the request as it was encoded
    if request.method == "OPTIONS":
        return Response(status=200, headers={"Allow": _OFFERED})
    login = g.dav_login = _login()
    if request.method in {"MKCALENDAR", "MKCOL"}:
        raise NotAllowed("Calendars are made at the front desk.", "D:not-supported")
    verb = _HANDLERS.get(request.method)
    if verb is None:
        raise MethodNotAllowed()
    return verb(login, _place(login, _path(request.path)))


@bp.after_request
def _says_dav(answer: Response) -> Response:
    if "DAV" not in answer.headers:
        answer.headers.update(HEADERS)
    return answer


@bp.errorhandler(ReminderError)
def _failed(problem: ReminderError) -> Response:
    uid = g.dav_login.provider_uid if "dav_login" in g else ""
    return failed(problem, places.calendar(uid))


@bp.errorhandler(BadRequest)
def _malformed(_: BadRequest) -> Response:
    return refused("R:malformed", 400)


@bp.errorhandler(MethodNotAllowed)
def _wrong_verb(_: MethodNotAllowed) -> Response:
    return Response(status=405, headers={"Allow": _OFFERED})


def _login() -> Login:
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        raise Unauthenticated("Sign in with the name and password of a calendar login.")
    agent = request.environ.get("HTTP_USER_AGENT", "")
    login = use_cases().dav_logins.check(given.username, given.password, agent, request.path.rpartition("/")[2])
    use_cases().catalogue.refresh(login.catalogue_version)
    return login


def _path(path: str) -> str:
    """A path below /dav/, without the prefix."""
    if not path.startswith(places.ROOT):
        raise NotFound()
    return path.removeprefix(places.ROOT)


def _place(login: Login, path: str) -> Place:
    """What a path names. A device sees its own provider's places and no others."""
    parts = path.strip("/").split("/") if path.strip("/") else []
    mine = login.provider_uid
    match parts:
        case []:
            return Place(Kind.ROOT)
        case ["principals", uid] if uid == mine:
            return Place(Kind.PRINCIPAL)
        case ["calendars", uid] if uid == mine:
            return Place(Kind.HOME)
        case ["calendars", uid, "appointments"] if uid == mine:
            return Place(Kind.CALENDAR)
        case ["calendars", uid, "appointments", href] if uid == mine and _HREF.fullmatch(href):
            return Place(Kind.OBJECT, href)
    raise NotFound("There is nothing at this address.")


def _view(login: Login) -> View:
    provider = use_cases().catalogue.current().provider(login.provider_uid)
    return View(login, provider, use_cases().caldav.state(login))


def _address(login: Login, place: Place) -> str:
    uid = login.provider_uid
    return {
        Kind.ROOT: places.ROOT, Kind.PRINCIPAL: places.principal(uid), Kind.HOME: places.home(uid),
        Kind.CALENDAR: places.calendar(uid), Kind.OBJECT: places.resource(uid, place.href),
    }[place.kind]  # fmt: skip


def _propfind(login: Login, place: Place) -> Response:
    depth = request.headers.get("Depth", "infinity").lower()
    body = parse(request.get_data())
    if depth not in {"0", "1"} and place.kind is not Kind.OBJECT:
        return refused("D:propfind-finite-depth", 403)
    if body is not None and body.tag != name("D:propfind"):
        raise BadRequest()
    view, wanted = _view(login), asked(body)
    show = Objects(view, wanted)
    if place.kind is Kind.OBJECT:
        return xml(multistatus([show(use_cases().caldav.get(login, place.href))]))
    parts = [collection(view, _address(login, place), place.kind, wanted)]
    if depth == "1":
        parts += [collection(view, _address(login, inner), inner.kind, wanted) for inner in _INSIDE[place.kind]]
        if place.kind is Kind.CALENDAR:
            parts += [show(row) for row in use_cases().caldav.everything(login, body=show.needs_body)]
    return xml(multistatus(parts))


_INSIDE: dict[Kind, list[Place]] = {
    Kind.ROOT: [Place(Kind.PRINCIPAL), Place(Kind.HOME)], Kind.PRINCIPAL: [], Kind.HOME: [Place(Kind.CALENDAR)],
    Kind.CALENDAR: [],
}  # fmt: skip


def _proppatch(login: Login, place: Place) -> Response:
    """Whatever a program wants to keep with a place is kept; what we say ourselves it cannot change."""
    body = parse(request.get_data())
    if body is None or body.tag != name("D:propertyupdate"):
        raise BadRequest()
    values: dict[str, str | None] = {}
    for change in body:
        for one in change.find(name("D:prop")) if change.find(name("D:prop")) is not None else ():
            values[one.tag] = source(one) if change.tag == name("D:set") else None
    address, wrong = _address(login, place), sorted(_LIVE & values.keys())
    if wrong:
        parts = _propstats({one: one in wrong for one in values})
        return xml(multistatus([f"<D:response><D:href>{address}</D:href>{parts}</D:response>"]))
    if place.kind is Kind.OBJECT:
        use_cases().caldav.get(login, place.href)
    use_cases().caldav.patch(login, place.key, values)
    return xml(multistatus([response(address, "".join(element(one) for one in values))]))


def _propstats(wrong: dict[str, bool]) -> str:
    """All or nothing (RFC 4918 section 9.2): some may not be changed, so none was."""
    lines = {True: "HTTP/1.1 403 Forbidden", False: "HTTP/1.1 424 Failed Dependency"}
    return "".join(
        f"<D:propstat><D:prop>{element(one)}</D:prop><D:status>{lines[is_wrong]}</D:status>"
        f"{'<D:error><D:cannot-modify-protected-property/></D:error>' if is_wrong else ''}</D:propstat>"
        for one, is_wrong in wrong.items()
    )


def _report(login: Login, place: Place) -> Response:
    body = parse(request.get_data())
    if body is not None and body.tag in _EMPTY_REPORTS:
        return xml(multistatus([]))
    if body is not None and body.tag == name("D:principal-search-property-set"):
        return xml(document("D:principal-search-property-set", ""), 200)
    if place.kind is not Kind.CALENDAR:
        return refused("D:supported-report", 403)
    return Reports(use_cases().caldav, _view(login)).answer(body)


_EMPTY_REPORTS = frozenset({name("D:principal-property-search"), name("D:expand-property"), name("D:principal-match")})


def _get(login: Login, place: Place) -> Response:
    if place.kind is not Kind.OBJECT:
        raise MethodNotAllowed()
    row = use_cases().caldav.get(login, place.href)
    headers = {
        "Content-Type": places.TYPE, "ETag": f'"{row.etag}"', "Last-Modified": http_date(row.modified_at), **HEADERS,
    }  # fmt: skip
    answer = Response(row.body, headers=headers)
    if "HTTP_IF_NONE_MATCH" in request.environ or "HTTP_IF_MODIFIED_SINCE" in request.environ:
        answer.make_conditional(request)
    return answer


def _put(login: Login, place: Place) -> Response:
    if place.kind is not Kind.OBJECT:
        raise MethodNotAllowed()
    zone = use_cases().catalogue.current().provider(login.provider_uid).location.zone
    until = now().replace(year=now().year + _AHEAD_YEARS, day=1)
    sent = read(request.get_data(), zone, until)
    stored = use_cases().caldav.put(login, place.href, sent, _conditions())
    answer = Response(status=201 if stored.is_new else 204)
    if stored.etag:
        answer.set_etag(stored.etag)
    return answer


def _delete(login: Login, place: Place) -> Response:
    if place.kind is not Kind.OBJECT:
        raise NotAllowed("Calendars stay.", "D:need-privileges")
    use_cases().caldav.delete(login, place.href, _conditions())
    return Response(status=204)


def _move(login: Login, place: Place) -> Response:
    target = _place(login, _path(unquote(urlsplit(request.headers.get("Destination", "")).path)))
    if place.kind is not Kind.OBJECT or target.kind is not Kind.OBJECT or place == target:
        raise NotAllowed("Only events move, and only within their calendar.")
    overwrite = request.headers.get("Overwrite", "T").upper() != "F"
    is_new = use_cases().caldav.move(login, place.href, target.href, overwrite=overwrite, conditions=_conditions())
    return Response(status=201 if is_new else 204, headers={"Location": _address(login, target)})


def _conditions() -> Conditions:
    """``If-Match`` and ``If-None-Match``. Proxies that compress mark ETags as weak or add a suffix; both are forgiven."""
    wanted = request.headers.get("If-Match")
    tags = frozenset(_TAG.findall(wanted)) if wanted is not None and wanted.strip() != "*" else None
    return Conditions(
        etags=tags, must_exist=wanted is not None, must_be_new=request.headers.get("If-None-Match", "").strip() == "*"
    )


_HANDLERS: dict[str, Callable[[Login, Place], Response]] = {
    "PROPFIND": _propfind, "PROPPATCH": _proppatch, "REPORT": _report, "GET": _get, "HEAD": _get, "PUT": _put,
    "DELETE": _delete, "MOVE": _move,
}  # fmt: skip
