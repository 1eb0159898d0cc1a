"""HubSpot's search, as far as it can be trusted: it lags behind, shows at most 10,000 results and sorts by one property.
So pages are cut by time and, where thousands share one moment, by id, and records are read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reminders.gateways.hubspot_api import MOST, HubSpotApi
from reminders.gateways.hubspot_words import Words
from reminders.gateways.jsonapi import OVERLAP, moment

_OVERLAP = int(OVERLAP.total_seconds() * 1000)
_BORN = {"contacts": "createdate", "meetings": "hs_createdate", "appointments": "hs_createdate"}


class Search:
    """What changed, and how many there are, of one kind. ``names``: the properties to show."""

    def __init__(self, api: HubSpotApi, words: Words, names: Sequence[str]) -> None:
        self._api, self._words, self._names, self._born = api, words, list(names), _BORN[words.kind]

    def start(self) -> dict[str, int]:
        """Marks to keep from before a full listing: the newest change, and how many records there are."""
        return {"since": self._newest(), **self._number()}

    def have_gone(self, marks: dict[str, Any]) -> bool:
        """Fewer records than there were and have come since."""
        before, now = (marks.get("total", 0), marks.get("born", 0)), self._number()
        marks.update(now)
        if (now["total"], now["born"]) == before:
            return False
        come = self._found([_filter(self._born, "GT", before[1])], self._words.changed, 1)["total"]
        return bool(before[0] + come > now["total"])

    def _number(self) -> dict[str, int]:
        found = self._found([], self._born, 1, "DESCENDING")
        born = [_stamp(row["properties"][self._born]) for row in found["results"]]
        return {"total": found["total"], "born": max(born, default=0)}

    def _newest(self) -> int:
        rows = self._found([], self._words.changed, 1, "DESCENDING")["results"]
        return max((_stamp(row["properties"][self._words.changed]) for row in rows), default=0)

    def _search(self, filters: Sequence[Any], order: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._found(filters, order, MOST)["results"]
        return found

    def _found(self, filters: Sequence[Any], order: str, limit: int, direction: str = "ASCENDING") -> dict[str, Any]:
        body = {
            "filterGroups": [{"filters": list(filters)}] if filters else [], "limit": limit,
            "sorts": [{"propertyName": order, "direction": direction}],
            "properties": [*self._names, self._words.changed, self._born],
        }  # fmt: skip
        found: dict[str, Any] = self._api.post(f"crm/v3/objects/{self._words.kind}/search", body)
        return found

    def page(self, marks: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """One page of changes, and the marks from which the next one follows; with ``from`` in them there is one.
        ``from``: the moment to go on at; with ``id``, within that moment after this record."""
        start = marks.get("from", rewound(marks))
        if "id" in marks:
            filters = [_filter(self._words.changed, "EQ", start), _filter("hs_object_id", "GT", marks["id"])]
            rows = self._search(filters, "hs_object_id")
        else:
            rows = self._search([_filter(self._words.changed, "GTE", start)], self._words.changed)
        times = [_stamp(row["properties"][self._words.changed]) for row in rows]
        left = {name: value for name, value in marks.items() if name not in ("from", "id")}
        newest = max([marks["since"], *times])
        return rows, {**left, **self._following(marks, start, rows, times), "since": newest}

    def _following(
        self, marks: Mapping[str, Any], start: int, rows: Sequence[Mapping[str, Any]], times: Sequence[int]
    ) -> dict[str, Any]:
        """Where the next page begins; empty at the end. A page of one single moment is gone through by id."""
        if len(rows) < MOST:
            return {"from": start + 1} if "id" in marks else {}
        if "id" in marks:
            return {"from": start, "id": rows[-1]["id"]}
        return {"from": start, "id": "0"} if times[-1] == times[0] == start else {"from": times[-1]}


def rewound(marks: Mapping[str, Any]) -> int:
    """The moment from which to look again."""
    return max(0, int(marks["since"]) - _OVERLAP)


def _filter(name: str, operator: str, value: Any) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _stamp(text: str) -> int:
    """Milliseconds, as the search compares times."""
    return int(moment(text).timestamp() * 1000)
