"""CalDAV as a client (RFC 4791, RFC 6578): one calendar on somebody's server, behind the protocol of connectors.

What servers get wrong decides how it is done: listings by etag are the ground truth (once a day, and wherever there is no
usable sync-token), a token is only a short cut, ``DAV:limit`` is never sent, writes always carry an etag, and events go
out without METHOD, ORGANIZER and ATTENDEE, or the server starts mailing patients.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from zoneinfo import ZoneInfo

from reminders.clock import Clock
from reminders.domain.connector import (
    Caps,
    CursorGone,
    Item,
    Missing,
    Page,
    PeerError,
    Precondition,
    Put,
    Refused,
    Remote,
    Write,
)
from reminders.domain.ical import Event, EventStatus, single
from reminders.domain.icalsplit import split
from reminders.domain.overlay import overlay
from reminders.domain.ports import Unreadable
from reminders.domain.sync import canonical_moment, canonical_text
from reminders.gateways import davxml
from reminders.gateways.davxml import CAL, CS, DAV, Answered
from reminders.gateways.icalread import Seen, first_event
from reminders.gateways.outward import Outward, Reply

EVENT = "event"
#: Where our marker stands in an event.
REV = "X-REMINDERS-REV"
_OURS = re.compile(r"apt_[0-9a-z]{1,36}")
_REV_LINE = re.compile(rf"^{REV}:.*(?:\r?\n[ \t].*)*\r?\n", re.MULTILINE)
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_ICS = {"Content-Type": "text/calendar; charset=utf-8"}
_LISTING, _LISTING_SECONDS = 50 * 1024 * 1024, 180.0


@dataclass(frozen=True, slots=True)
class Login:
    """Name and password (an app password where the provider has them)."""

    user: str
    password: str


class CalDav:
    """One calendar. ``url`` is its address; ``zone`` the venue's, for whole days and times without a zone."""

    def __init__(
        self, outward: Outward, clock: Clock, url: str, login: Login, zone: ZoneInfo, *, writes: bool = True
    ) -> None:  # fmt: skip
        self._outward, self._clock, self._zone = outward, clock, zone
        self._url = url if url.endswith("/") else f"{url}/"
        self._path = davxml.path_of(self._url, self._url)
        self._auth = (login.user, login.password) if login.user else None
        self._caps = Caps(writes=writes)

    @property
    def caps(self) -> Caps:
        return self._caps

    @property
    def entities(self) -> Sequence[str]:
        return (EVENT,)

    def check(self) -> str:
        """The calendar's name; ``PeerError`` when there is no calendar at this address."""
        answer = self._about(f"{DAV}displayname", f"{DAV}resourcetype")
        kind = answer.props.get(f"{DAV}resourcetype")
        if kind is None or kind.find(f"{CAL}calendar") is None:
            raise PeerError("There is no calendar at this address.", permanent=True)
        return answer.text(f"{DAV}displayname") or self._path

    def changes(self, _entity: str, cursor: str | None) -> Page:
        if cursor is None:
            return self._everything()
        marks = json.loads(cursor)
        if marks.get("token"):
            return self._since(marks["token"])
        if marks.get("ctag") and self._marks().get("ctag") == marks["ctag"]:
            return Page((), cursor)
        return self._everything()

    def fetch(self, _entity: str, remote_ids: Sequence[str]) -> Mapping[str, Remote]:
        reply = self._ask("REPORT", self._url, davxml.multiget([self._href(one) for one in remote_ids]), depth="1")
        if reply.status != 207:
            return self._one_by_one(remote_ids)
        found = {}
        for answer in davxml.multistatus(reply.body, self._url)[0]:
            data = answer.props.get(f"{CAL}calendar-data")
            name = self._name(answer.path)
            if name and not answer.gone and data is not None and data.text:
                found[name] = self._remote(name, answer.text(f"{DAV}getetag"), data.text)
        return found

    def new_id(self, _entity: str, uid: str) -> str | None:
        return f"{uid}.ics"

    def find(self, _entity: str, uid: str) -> Remote | None:
        name = f"{uid}.ics"
        return self.fetch(EVENT, [name]).get(name)

    def put(self, _entity: str, write: Write) -> Put:
        name = write.remote_id or f"{write.uid}.ics"
        condition = {"If-None-Match": "*"} if write.create else {"If-Match": _quoted(write.etag)}
        body, headers = self._body(write), {**_ICS, **condition}
        reply = self._outward.request("PUT", self._address(name), headers=headers, body=body, auth=self._auth)
        if reply.status in (200, 201, 204):
            return Put(name, etag=_etag(reply.headers.get("etag")), raw=body)
        raise self._failed(reply, create=write.create)

    def delete(self, _entity: str, remote_id: str, etag: str | None) -> None:
        condition = {"If-Match": _quoted(etag)} if etag else {}
        reply = self._outward.request("DELETE", self._address(remote_id), headers=condition, auth=self._auth)
        if reply.status not in (200, 202, 204, 404, 410):
            raise self._failed(reply, create=False)

    # Listings

    def _everything(self) -> Page:
        """All etags. The marks are read first: what changes meanwhile is then listed again next time."""
        marks = self._marks()
        reply = self._ask("PROPFIND", self._url, davxml.propfind(f"{DAV}getetag", f"{DAV}resourcetype"), depth="1")
        if reply.status != 207:
            raise PeerError(f"The calendar cannot be listed ({reply.status}).", permanent=reply.status in (404, 410))
        answers, _ = davxml.multistatus(reply.body, self._url)
        if not any(answer.path.rstrip("/") == self._path.rstrip("/") and not answer.gone for answer in answers):
            raise PeerError("There is no calendar at this address.", permanent=True)  # not: it is empty
        return Page(self._items(answers), json.dumps(marks), full=True)

    def _since(self, token: str) -> Page:
        reply = self._ask("REPORT", self._url, davxml.sync_collection(token), depth="0")
        if reply.status != 207:
            raise CursorGone
        answers, following = davxml.multistatus(reply.body, self._url)
        cut_short = any(answer.status == 507 for answer in answers)
        if not following or (cut_short and following == token):
            raise CursorGone
        return Page(self._items(answers), json.dumps({"token": following}), more=cut_short)

    def _items(self, answers: Sequence[Answered]) -> list[Item]:
        items = []
        for answer in answers:
            name, etag = self._name(answer.path), _etag(answer.text(f"{DAV}getetag"))
            kind = answer.props.get(f"{DAV}resourcetype")
            is_folder = kind is not None and kind.find(f"{DAV}collection") is not None
            if name and not is_folder and (etag or answer.gone):
                items.append(Item(name, etag, gone=answer.gone))
        return items

    def _marks(self) -> dict[str, str]:
        answer = self._about(f"{DAV}sync-token", f"{CS}getctag")
        marks = {"token": answer.text(f"{DAV}sync-token"), "ctag": answer.text(f"{CS}getctag")}
        return {name: value for name, value in marks.items() if value}

    def _about(self, *names: str) -> Answered:
        """Properties of the calendar itself."""
        reply = self._ask("PROPFIND", self._url, davxml.propfind(*names), depth="0")
        if reply.status != 207:
            raise PeerError("There is no calendar at this address.", permanent=reply.status in (403, 404, 405, 410))
        for answer in davxml.multistatus(reply.body, self._url)[0]:
            return answer
        raise PeerError("The other system says nothing about this calendar.")

    # Single events

    def _one_by_one(self, remote_ids: Sequence[str]) -> dict[str, Remote]:
        found = {}
        for name in remote_ids:
            reply = self._outward.request("GET", self._address(name), auth=self._auth)
            if reply.status == 200:
                text = reply.body.decode("utf-8", "replace")
                found[name] = self._remote(name, reply.headers.get("etag"), text)
            elif reply.status not in (404, 410):
                raise PeerError(f"An event cannot be read ({reply.status}).")
        return found

    def _remote(self, name: str, etag: str | None, text: str) -> Remote:
        pieces = split(text.encode("utf-8", "replace").splitlines(keepends=True))
        digest = "".join(sorted(group.digest for group in pieces.groups.values()))[:64]
        try:
            seen = first_event(text, self._zone)
        except Unreadable:  # changes nothing here; it is looked at again when it changes there
            return Remote(name, {"digest": digest}, _etag(etag), raw=text)
        uid = seen.uid if _OURS.fullmatch(seen.uid) else None
        return Remote(name, {**_fields(seen), "digest": digest}, _etag(etag), uid, seen.properties.get(REV), text)

    def _body(self, write: Write) -> str:
        """The event as we want it, with everything in it that is none of our business as it was. What people wrote there
        into fields that we only show stays, too, unless ours changed."""
        fields, sequence = dict(write.fields), 0
        if write.raw:
            fields, sequence = self._kept(write, fields)
        event = _event(write.uid, fields, sequence, self._zone, self._clock.now())
        text = single(event)
        if write.raw:
            text = overlay(text, _REV_LINE.sub("", write.raw))
        return text.replace("END:VEVENT\r\n", f"{REV}:{write.rev}\r\nEND:VEVENT\r\n", 1)

    def _kept(self, write: Write, fields: dict[str, Any]) -> tuple[dict[str, Any], int]:
        try:
            seen = first_event(write.raw or "", self._zone)
        except Unreadable:
            return fields, 0
        shown = _fields(seen)
        kept = {name: value if name in write.changed else shown.get(name, value) for name, value in fields.items()}
        return kept, seen.sequence + bool(write.changed & {"start", "end", "status"})

    def _failed(self, reply: Reply, *, create: bool) -> Exception:
        if reply.status == 412:
            return Precondition()
        if reply.status in (404, 410) and not create:
            return Missing()
        if 400 <= reply.status < 500:
            return Refused(f"http_{reply.status}", f"The calendar does not take it ({reply.status}).")
        return PeerError(f"The other system answers {reply.status}.")

    # Addresses

    def _ask(self, method: str, url: str, body: str, *, depth: str) -> Reply:
        headers = {**_XML, "Depth": depth}
        return self._outward.request(
            method, url, headers=headers, body=body, auth=self._auth, most=_LISTING, seconds=_LISTING_SECONDS
        )

    def _name(self, path: str) -> str:
        """The event's name within the calendar; empty for the calendar itself and for anything elsewhere."""
        return path.removeprefix(self._path) if path.startswith(self._path) else ""

    def _href(self, name: str) -> str:
        return quote(self._path + name)

    def _address(self, name: str) -> str:
        parts = urlsplit(self._url)
        return urljoin(f"{parts.scheme}://{parts.netloc}", self._href(name))


def _fields(seen: Seen) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "status": "cancelled" if seen.status == "CANCELLED" else "confirmed",
        "summary": canonical_text(seen.summary), "location": canonical_text(seen.location),
    }  # fmt: skip
    if seen.start is not None and seen.end is not None and not seen.recurs:
        fields |= {"start": canonical_moment(seen.start), "end": canonical_moment(seen.end)}
    return fields


def _event(uid: str, fields: Mapping[str, Any], sequence: int, zone: ZoneInfo, now: datetime) -> Event:
    is_off = fields["status"] == "cancelled"
    return Event(
        uid=uid, start=datetime.fromisoformat(fields["start"]), end=datetime.fromisoformat(fields["end"]), zone=zone,
        summary=fields.get("summary", ""), stamp=now, sequence=sequence, location=fields.get("location", ""),
        status=EventStatus.CANCELLED if is_off else EventStatus.CONFIRMED, transparent=is_off,
    )  # fmt: skip


def _etag(text: str | None) -> str | None:
    """Without the marks that proxies and compressing servers add: "W/" and "-gzip"."""
    if not text:
        return None
    return re.sub(r"-(?:gzip|br|zstd)$", "", text.strip().removeprefix("W/").strip('"'))


def _quoted(etag: str | None) -> str:
    return f'"{etag or ""}"'
