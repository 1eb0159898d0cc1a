"""REPORT (RFC 3253) on a calendar: what changed, these events, events like this, busy times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Response

from reminders.domain.dav import NotAllowed
from reminders.domain.ical import PRODID, utc
from reminders.gateways.icalobjects import FOREVER, NEVER, expanded
from reminders.services.caldav import Caldav
from reminders.store.engine import Record
from reminders.web.dav import filters
from reminders.web.dav.answers import refused, xml
from reminders.web.dav.places import DATA, Objects, View, calendar, count_of, resource, token
from reminders.web.dav.xml import Name, gone, multistatus, name, status

_PROP, _ALL = name("D:prop"), name("D:allprop")
_FULL = "HTTP/1.1 507 Insufficient Storage"
_TRUNCATED = "<D:error><D:number-of-matches-within-limits/></D:error>"
_MOST_HREFS = 10_000


def asked(body: Any) -> Sequence[Name] | None:
    """The properties a request names; ``None`` for all."""
    prop = None if body is None else body.find(_PROP)
    return None if prop is None else [child.tag for child in prop]


class Reports:
    """Answers the reports on the calendar that ``view`` looks at."""

    def __init__(self, caldav: Caldav, view: View) -> None:
        self._caldav = caldav
        self._view = view
        self._login = view.login
        self._zone = view.provider.location.zone

    def answer(self, body: Any) -> Response:
        """The report that ``body`` asks for; 403 for one we do not have."""
        known = {
            name("D:sync-collection"): self._sync,
            name("C:calendar-multiget"): self._multiget,
            name("C:calendar-query"): self._query,
            name("C:free-busy-query"): self._free_busy,
        }
        report = known.get("" if body is None else body.tag)
        return refused("D:supported-report", 403) if report is None else report(body)

    def _sync(self, body: Any) -> Response:
        """RFC 6578. The first time everything that is there, afterwards what changed and what is gone."""
        text, state = body.findtext(name("D:sync-token")) or "", self._view.state
        after = count_of(text, self._login.provider, state) if text else 0
        if after is None:
            return refused("D:valid-sync-token", 403)
        most = _limit(body)
        show = Objects(self._view, asked(body) or [])
        rows = self._caldav.changes(self._login, after, most, body=show.needs_body)
        is_cut = most is not None and len(rows) > most
        rows = rows[:most] if is_cut else rows
        last = rows[-1].seq if is_cut else max([state["seq"], *[row.seq for row in rows[-1:]]])
        parts = [self._one(show, row) for row in rows]
        if is_cut:
            parts.append(status(calendar(self._login.provider_uid), _FULL, _TRUNCATED))
        return xml(multistatus(parts, f"<D:sync-token>{token(self._login.provider, last)}</D:sync-token>"))

    def _one(self, show: Objects, row: Record) -> str:
        return gone(resource(self._login.provider_uid, row.href)) if row.deleted else show(row)

    def _multiget(self, body: Any) -> Response:
        paths = [urlsplit(found.text or "").path for found in body.findall(name("D:href"))][:_MOST_HREFS]
        base = calendar(self._login.provider_uid)
        wanted = {path: unquote(path.removeprefix(base)) for path in paths if path.startswith(base)}
        rows = {row.href: row for row in self._caldav.by_href(self._login, list(wanted.values()))}
        show = self._shown(body)
        return xml(multistatus(show(rows[wanted[path]]) if wanted.get(path) in rows else gone(path) for path in paths))

    def _query(self, body: Any) -> Response:
        query, show = filters.read(body.find(name("C:filter")), self._zone), self._shown(body)
        return xml(multistatus(show(row) for row in self._matching(query)))

    def _matching(self, query: filters.Query) -> Iterator[Record]:
        found = query.window
        for row in self._caldav.between(self._login, found.since, found.until):
            if query.matches(row.body, self._zone, recurring=row.recurring):
                yield row

    def _shown(self, body: Any) -> Any:
        """Objects as asked; with <C:expand> those that repeat are written out."""
        show = Objects(self._view, asked(body))
        data = body.find(f"{_PROP}/{DATA}")
        expand = None if data is None else data.find(name("C:expand"))
        if expand is None:
            return show
        found = filters.window(expand)
        return lambda row: show(_with_body(row, expanded(row.body, found.since, found.until, self._zone)))

    def _free_busy(self, body: Any) -> Response:
        """RFC 4791 section 7.10: when nobody can be booked, with nothing about why."""
        found = filters.window(body.find(name("C:time-range")))
        if found.since == NEVER or found.until == FOREVER:
            raise NotAllowed("Name the beginning and the end.", "C:valid-filter")
        low, high = int(found.since.timestamp()), int(found.until.timestamp())
        periods = "".join(
            f"FREEBUSY:{_utc(max(low, start))}/{_utc(min(high, end))}\r\n"
            for start, end in self._caldav.busy(self._login, found.since, found.until)
        )
        text = (
            f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{PRODID}\r\nBEGIN:VFREEBUSY\r\nDTSTAMP:{utc(found.since)}\r\n"
            f"DTSTART:{utc(found.since)}\r\nDTEND:{utc(found.until)}\r\n{periods}END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        )
        return Response(text, content_type="text/calendar; charset=utf-8")


def _with_body(row: Record, body: str) -> Record:
    return row._replace(body=body)


def _utc(seconds: int) -> str:
    return utc(datetime.fromtimestamp(seconds, UTC))


def _limit(body: Any) -> int | None:
    """<D:limit>; a program that names one gets as many, and is told that there is more."""
    text = body.findtext(f"{name('D:limit')}/{name('D:nresults')}")
    return int(text) if text and text.strip().isdecimal() and 0 < int(text) < 10**9 else None
