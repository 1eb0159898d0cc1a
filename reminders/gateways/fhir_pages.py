"""Lists of FHIR servers: everything, what changed since, and where to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reminders.domain.connector import CursorGone, Item, Page, Remote
from reminders.gateways.fhir_api import Bundle, FhirApi, version_of
from reminders.gateways.fhir_words import id_in, is_mistake
from reminders.gateways.jsonapi import OVERLAP, kept, moment, opened

PAGE = 100
_FIRST = "1970-01-01T00:00:00+00:00"
Query = Sequence[tuple[str, str]]


class Lists:
    """The lists of one server. ``show``: a resource as the engine knows it."""

    def __init__(self, api: FhirApi, show: Callable[[Mapping[str, Any]], Remote]) -> None:
        self._api, self._show = api, show
        self._abilities: dict[str, frozenset[str]] | None = None

    def changes(self, kind: str, only: Query, cursor: str | None) -> Page:
        """A page of ``Connector.changes``; ``only``: further search parameters."""
        marks = opened(cursor)
        if cursor is None or marks.get("full"):
            return self._everything(kind, only, marks)
        if "since" not in marks:
            raise CursorGone
        if "history-type" in self._able(kind) and not only:
            return self._history(kind, marks)
        return self._since(kind, only, marks)

    def statement(self) -> Mapping[str, Any]:
        """The CapabilityStatement; empty when the server has none."""
        answer = self._api.call("GET", "metadata")
        return answer.data if answer.status == 200 and isinstance(answer.data, Mapping) else {}

    def _everything(self, kind: str, only: Query, marks: Mapping[str, Any]) -> Page:
        bundle = self._page(kind, marks, [("_count", str(PAGE)), *only])
        found = self._items(kind, bundle.entries)
        latest = _newest(marks.get("new"), found)
        items = [item for item in found if not item.gone]
        return _paged(items, bundle, {"full": True}, latest, full=True)

    def _since(self, kind: str, only: Query, marks: Mapping[str, Any]) -> Page:
        query = [("_lastUpdated", f"ge{_earlier(marks['since'])}"), ("_sort", "_lastUpdated"), ("_count", str(PAGE))]
        bundle = self._page(kind, marks, [*query, *only])
        found = self._items(kind, bundle.entries)
        return _paged(found, bundle, {"since": marks["since"]}, _newest(marks.get("new") or marks["since"], found))

    def _history(self, kind: str, marks: Mapping[str, Any]) -> Page:
        """Newest first: what an id has come with already is the latest of it."""
        query = [("_since", _earlier(marks["since"])), ("_count", str(PAGE))]
        bundle = self._page(f"{kind}/_history", marks, query)
        seen = dict.fromkeys(marks.get("seen", ()))
        latest = {id_: entry for entry in reversed(bundle.entries) if (id_ := _id_of(entry)) and id_ not in seen}
        found = self._items(kind, list(latest.values()))
        going_on = {"since": marks["since"], "seen": [*seen, *latest]}
        return _paged(found, bundle, going_on, _newest(marks.get("new") or marks["since"], found))

    def _page(self, place: str, marks: Mapping[str, Any], query: Query) -> Bundle:
        following = marks.get("next")
        return self._api.bundle(place, following) if following else self._api.bundle(place, place, query)

    def _items(self, kind: str, entries: Sequence[Mapping[str, Any]]) -> list[Item]:
        """What a page names. What has the wrong shape is there all the same."""
        found = []
        for entry in entries:
            resource, request, id_ = entry.get("resource"), entry.get("request"), _id_of(entry)
            if id_ and isinstance(request, Mapping) and request.get("method") == "DELETE":
                found.append(Item(id_, gone=True))
            elif id_ and isinstance(resource, Mapping) and resource.get("resourceType") == kind:
                gone = is_mistake(resource)
                found.append(Item(id_, version_of(resource), gone=gone, remote=None if gone else self._show(resource)))
        return found

    def _able(self, kind: str) -> frozenset[str]:
        """Interactions that the server offers for this kind."""
        if self._abilities is None:
            self._abilities = _abilities(self.statement())
        return self._abilities.get(kind, frozenset())


def updated(resource: Mapping[str, Any]) -> str | None:
    """When it was last changed, if that can be read."""
    meta = resource.get("meta")
    found = meta.get("lastUpdated") if isinstance(meta, Mapping) else None
    try:
        return found if isinstance(found, str) and moment(found) else None
    except ValueError:
        return None


def _abilities(statement: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for rest in statement.get("rest") or []:
        for one in (rest.get("resource") or []) if isinstance(rest, Mapping) else []:
            codes = [each.get("code") for each in one.get("interaction") or [] if isinstance(each, Mapping)]
            found[str(one.get("type"))] = frozenset(code for code in codes if isinstance(code, str))
    return found


def _paged(
    items: Sequence[Item], bundle: Bundle, going_on: Mapping[str, Any], latest: str | None, *, full: bool = False
) -> Page:  # fmt: skip
    if bundle.following:
        return Page(items, kept({**going_on, "new": latest, "next": bundle.following}), full=full, more=True)
    return Page(items, kept({"since": latest or _FIRST}), full=full)


def _id_of(entry: Mapping[str, Any]) -> str | None:
    """Of its resource, or, for what was deleted, of the address that its request names."""
    resource, request = entry.get("resource"), entry.get("request")
    if isinstance(resource, Mapping) and isinstance(resource.get("id"), str):
        return str(resource["id"])
    return id_in(str(request.get("url"))) if isinstance(request, Mapping) else None


def _newest(known: str | None, items: Sequence[Item]) -> str | None:
    times = [item.remote.modified for item in items if item.remote is not None and item.remote.modified is not None]
    latest = max([*times, *([moment(known)] if known else [])], default=None)
    return latest.isoformat() if latest else None


def _earlier(text: str) -> str:
    try:
        return (moment(text) - OVERLAP).isoformat()
    except OverflowError:
        return _FIRST


def source_of(resource: Mapping[str, Any]) -> str | None:
    """Which system it came from (``meta.source``), without the number of the request that some servers append: the nearest
    that a resource itself says to who changed it."""
    meta = resource.get("meta")
    found = meta.get("source") if isinstance(meta, Mapping) else None
    return (found.partition("#")[0] or None) if isinstance(found, str) else None
