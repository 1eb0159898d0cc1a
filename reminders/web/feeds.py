"""/feeds: calendars to subscribe to; /api/v1/feeds and /api/v1/dav-credentials: who may."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Blueprint, Response, request
from werkzeug.http import http_date

from reminders.services.feeds import Scope
from reminders.store.engine import Record
from reminders.web.auth import DESK, READERS, allow, public
from reminders.web.context import use_cases
from reminders.web.respond import answer, decode_cursor, moment, once, page
from reminders.web.schemas.base import Query
from reminders.web.schemas.feeds import (
    DavCredentialIn,
    DavCredentialOut,
    DavCredentialPage,
    FeedIn,
    FeedOut,
    FeedPage,
)

bp = APIBlueprint("feeds", __name__, url_prefix="/api/v1", tag="Calendars")
served = Blueprint("feed", __name__)


@served.get("/feeds/<token>.ics")
@public("the token in the address")
def read(token: str) -> Response:
    """A calendar to subscribe to. Kept by nobody in between, named by no search engine."""
    asked = request.if_none_match
    known = {"*"} if asked.star_tag else asked.as_set(include_weak=True)
    fetched = use_cases().feeds.fetch(token, request.user_agent.string, known, request.if_modified_since)
    headers = {
        "ETag": f'"{fetched.etag}"', "Last-Modified": http_date(fetched.changed_at),
        "Cache-Control": "private, max-age=900", "X-Robots-Tag": "noindex",
    }  # fmt: skip
    if fetched.body is None:
        return Response(status=304, headers=headers)
    headers["Content-Disposition"] = 'inline; filename="calendar.ics"'
    return Response(fetched.body, headers=headers, content_type="text/calendar; charset=utf-8")


@bp.post("/feeds")
@bp.input(FeedIn, arg_name="wanted")
@bp.output(FeedOut, status_code=201)
@allow(*DESK)
def create_feed(wanted: FeedIn) -> Response:
    """Make an address at which visits can be read as a calendar. It is shown this once."""
    scope = Scope(wanted.provider_id, wanted.location_id, wanted.patient_id)
    row, address = use_cases().feeds.create(scope, wanted.privacy, wanted.label, once())
    links = {"url": address, "webcal_url": f"webcal:{address.partition(':')[2]}"} if address else {}
    return answer(_feed(row) | links, 201)


@bp.get("/feeds")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(FeedPage)
@allow(*READERS)
def list_feeds(wanted: Query) -> Response:
    """Feeds in force, with their last fetch."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().feeds.listing(after[0] if after else 0, wanted.limit)
    return page(rows, wanted.limit, _feed, lambda row: [row.id])


@bp.get("/feeds/<uid:feed_id>")
@bp.output(FeedOut)
@allow(*READERS)
def get_feed(feed_id: str) -> Response:
    """One feed."""
    return answer(_feed(use_cases().feeds.get(feed_id)))


@bp.delete("/feeds/<uid:feed_id>")
@bp.output({}, status_code=204)
@allow(*DESK)
def revoke_feed(feed_id: str) -> Response:
    """End a feed: its address is not found any more, at once."""
    use_cases().feeds.revoke(feed_id)
    return Response(status=204)


@bp.post("/dav-credentials")
@bp.input(DavCredentialIn, arg_name="wanted")
@bp.output(DavCredentialOut, status_code=201)
@allow(*DESK)
def create_credential(wanted: DavCredentialIn) -> Response:
    """Let one device into one provider's calendar. The password is shown this once."""
    row, password = use_cases().dav_logins.create(wanted.provider_id, wanted.label, wanted.scope, once())
    return answer(_credential(row) | ({"password": password} if password else {}), 201)


@bp.get("/dav-credentials")
@bp.input(Query, location="query", arg_name="wanted")
@bp.output(DavCredentialPage)
@allow(*READERS)
def list_credentials(wanted: Query) -> Response:
    """Logins in force, with their last use."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().dav_logins.listing(after[0] if after else 0, wanted.limit)
    return page(rows, wanted.limit, _credential, lambda row: [row.id])


@bp.get("/dav-credentials/<uid:credential_id>")
@bp.output(DavCredentialOut)
@allow(*READERS)
def get_credential(credential_id: str) -> Response:
    """One login."""
    return answer(_credential(use_cases().dav_logins.get(credential_id)))


@bp.delete("/dav-credentials/<uid:credential_id>")
@bp.output({}, status_code=204)
@allow(*DESK)
def revoke_credential(credential_id: str) -> Response:
    """Shut a device out, at once."""
    use_cases().dav_logins.revoke(credential_id)
    return Response(status=204)


def _feed(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "label": row.label, "privacy": row.privacy, "provider_id": row.provider_uid,
        "location_id": row.location_uid, "patient_id": row.patient_uid, "created_at": moment(row.created_at),
        "last_fetched_at": moment(row.fetched_at), "last_agent": row.agent, "revoked_at": moment(row.revoked_at),
    }  # fmt: skip


def _credential(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "label": row.label, "provider_id": row.provider_uid, "scope": row.scope, "username": row.uid,
        "url": f"{use_cases().settings.public_url}/dav/", "created_at": moment(row.created_at),
        "last_used_at": moment(row.used_at), "last_agent": row.agent, "revoked_at": moment(row.revoked_at),
    }  # fmt: skip
