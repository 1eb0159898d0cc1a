"""A HubSpot as its documentation describes it: properties are texts, unique ones are enforced, batches answer with an
outcome for each input, and the search lags behind (``settle`` lets it catch up), shows at most ``most_results``, and sorts
by one property only."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.gateways.fake_system import Asked, FakeSystem, Said

TOKEN, CLIENT_SECRET = "pat-eu1-secret", "client-secret"
SOMEBODY = "4711"
HOOK = "https://clinic.example/hooks/crm/con_1"
_TYPES = {"contacts": "0-1", "meetings": "0-47", "appointments": "0-421"}
_CHANGED = {"contacts": "lastmodifieddate", "meetings": "hs_lastmodifieddate", "appointments": "hs_lastmodifieddate"}
_BORN = {"contacts": "createdate", "meetings": "hs_createdate", "appointments": "hs_createdate"}
_OURS = {"reminders_id", "reminders_mark"}
_KNOWN = {
    "contacts": _OURS | {
        "firstname", "lastname", "phone", "mobilephone", "email", "hs_language", "hs_email_optout", "reminders_no_sms",
        "reminders_no_calls", "reminders_no_email", "hobby",
    },
    "meetings": _OURS | {
        "hs_timestamp", "hs_meeting_title", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome",
        "hubspot_owner_id", "reminders_confirmed", "reason", "hobby",
    },
    "appointments": _OURS | {
        "hs_appointment_name", "hs_appointment_start", "hs_appointment_end", "hs_appointment_status", "hubspot_owner_id",
        "reminders_confirmed", "reason", "hobby",
    },
}  # fmt: skip
_OUTCOMES = {"SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"}
Row = dict[str, Any]


class FakeHubSpot(FakeSystem):
    """``eventual``: the search sees changes only after ``settle``. ``whole``: a batch with one bad input is refused as a
    whole. ``rewrites``: texts are stored with single spaces and e-mail addresses in small letters."""

    def __init__(self, *, eventual: bool = False, whole: bool = False, rewrites: bool = False) -> None:
        super().__init__()
        self.eventual, self.whole, self.rewrites, self.most_results = eventual, whole, rewrites, 10_000
        self.rows: dict[str, dict[str, Row]] = {kind: {} for kind in _TYPES}
        self.index: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in _TYPES}
        self.contacts: dict[str, list[str]] = {}  # of a meeting
        self.missing: set[str] = set()
        self._numbers = itertools.count(101)

    # People

    def save(
        self, kind: str, properties: Mapping[str, Any], key: str | None = None, by: str = SOMEBODY
    ) -> Row:  # fmt: skip
        """What a person or we save."""
        now = _iso(self.clock.now())
        if key is None:
            key = str(next(self._numbers))
            self.rows[kind][key] = {"id": key, "archived": False, "properties": {"hs_object_id": key, _BORN[kind]: now}}
        row = self.rows[kind][key]
        row["properties"].update({name: self._rewritten(name, value) for name, value in properties.items()})
        row["properties"] |= {_CHANGED[kind]: now, "hs_updated_by_user_id": by}
        if not self.eventual:
            self.settle()
        return row

    def remove(self, kind: str, key: str) -> None:
        self.rows[kind][key]["archived"] = True
        if not self.eventual:
            self.settle()

    def settle(self) -> None:
        """The search catches up."""
        self.index = {
            kind: {key: dict(row["properties"]) for key, row in rows.items() if not row["archived"]}
            for kind, rows in self.rows.items()
        }

    def webhook(self, kind: str, key: str, *, number: int = 1) -> tuple[dict[str, str], bytes]:
        """Headers and body of two events about one record, the second a repeat."""
        now = int(self.clock.now().timestamp() * 1000)
        event = {
            "eventId": number, "subscriptionId": 7, "portalId": 62515, "occurredAt": now, "attemptNumber": 0,
            "subscriptionType": "object.propertyChange", "objectTypeId": _TYPES[kind], "objectId": int(key),
            "changeSource": "CRM_UI",
        }  # fmt: skip
        body = json.dumps([event, {**event, "attemptNumber": 1}]).encode()
        signed = b"POST" + HOOK.encode() + body + str(now).encode()
        signature = b64encode(hmac.new(CLIENT_SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(now)}, body

    def _rewritten(self, name: str, value: Any) -> Any:
        if self.rewrites and isinstance(value, str):
            return value.lower() if name == "email" else " ".join(value.split())
        return value

    # The API

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Said(401, {"status": "error", "category": "INVALID_AUTHENTICATION"})
        parts = asked.path.strip("/").split("/")
        if parts == ["account-info", "v3", "details"]:
            return Said(body={"portalId": 62515})
        if parts[:3] == ["crm", "v3", "properties"]:
            names = _KNOWN[parts[3]] - self.missing
            return Said(body={"results": [{"name": name} for name in sorted(names)]})
        if parts[:3] == ["crm", "v4", "associations"]:
            return self._associations(asked, parts[3], parts[5:])
        return self._objects(asked, parts[3], parts[4:])

    def _objects(self, asked: Asked, kind: str, rest: list[str]) -> Said:
        if not rest and asked.method == "GET":
            return self._listing(asked, kind)
        if rest == ["search"]:
            return self._search(kind, asked.json())
        if rest and rest[0] == "batch":
            return self._read(kind, asked.json()) if rest[1] == "read" else self._write(kind, rest[1], asked.json())
        row = self._named(kind, rest[0], asked.query.get("idProperty"))
        if row is None:
            return Said(204) if asked.method == "DELETE" else Said(404, {"category": "OBJECT_NOT_FOUND"})
        if asked.method == "DELETE":
            self.remove(kind, row["id"])
            return Said(204)
        return Said(body=self._shown(kind, row, asked.query["properties"].split(","), "associations" in asked.query))

    def _named(self, kind: str, value: str, by: str | None) -> Row | None:
        alive = (row for row in self.rows[kind].values() if not row["archived"])
        return next((row for row in alive if (row["properties"].get(by) if by else row["id"]) == value), None)

    def _listing(self, asked: Asked, kind: str) -> Said:
        query = asked.query
        limit, after = int(query["limit"]), int(query.get("after", 0))
        if limit > 100:
            return Said(400, {"category": "VALIDATION_ERROR", "message": "limit is at most 100"})
        wanted = query.get("archived") == "true"
        rows = [row for row in self.rows[kind].values() if row["archived"] == wanted]
        page = rows[after : after + limit]
        shown = [self._shown(kind, row, query["properties"].split(","), "associations" in query) for row in page]
        more = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < len(rows) else {}
        return Said(body={"results": shown, **more})

    def _search(self, kind: str, body: Mapping[str, Any]) -> Said:
        if body["limit"] > 200 or len(body["sorts"]) > 1 or int(body.get("after", 0)) >= self.most_results:
            return Said(400, {"category": "VALIDATION_ERROR", "message": "too much"})
        filters = [one for group in body["filterGroups"] for one in group["filters"]]
        rows = [one for one in self.index[kind].values() if all(_holds(rule, one) for rule in filters)]
        (sort,) = body["sorts"]
        rows.sort(key=lambda one: _number(one.get(sort["propertyName"])), reverse=sort["direction"] == "DESCENDING")
        page = [
            {"id": one["hs_object_id"], "properties": _of(one, body["properties"])} for one in rows[: body["limit"]]
        ]
        return Said(body={"total": len(rows), "results": page})

    def _read(self, kind: str, body: Mapping[str, Any]) -> Said:
        found = [self._named(kind, one["id"], None) for one in body["inputs"]]
        shown = [self._shown(kind, row, body["properties"], linked=False) for row in found if row is not None]
        return Said(207 if len(shown) < len(found) else 200, {"results": shown})

    def _write(self, kind: str, action: str, body: Mapping[str, Any]) -> Said:
        problems = [(one, self._problem(kind, action, one)) for one in body["inputs"]]
        bad = [{**problem, "context": self._context(action, one)} for one, problem in problems if problem]
        if bad and self.whole:
            return Said(409 if bad[0]["category"] == "CONFLICT" else 400, bad[0])
        results = [self._written(kind, action, one) for one, problem in problems if not problem]
        return Said(207 if bad else 200, {"status": "COMPLETE", "results": results, "errors": bad})

    def _context(self, action: str, one: Mapping[str, Any]) -> dict[str, Any]:
        return {"ids": [one["id"]]} if action == "update" else {"objectWriteTraceId": [one["objectWriteTraceId"]]}

    def _problem(self, kind: str, action: str, one: Mapping[str, Any]) -> dict[str, str] | None:
        properties = one["properties"]
        unknown = set(properties) - (_KNOWN[kind] - self.missing)
        if unknown:
            return {"category": "VALIDATION_ERROR", "message": f"Property {sorted(unknown)} does not exist"}
        if properties.get("hs_meeting_outcome", "SCHEDULED") not in _OUTCOMES:
            return {"category": "VALIDATION_ERROR", "message": "hs_meeting_outcome was not one of the allowed options"}
        if action == "update" and self._named(kind, one["id"], None) is None:
            return {"category": "OBJECT_NOT_FOUND", "message": "they may be deleted or not exist"}
        email = properties.get("email")
        twin = self._named(kind, email, "email") if email else None
        if twin is not None and twin["properties"].get("reminders_id") != properties["reminders_id"]:
            return {"category": "CONFLICT", "message": f"Contact already exists. Existing ID: {twin['id']}"}
        if action == "create" and self._named(kind, properties["reminders_id"], "reminders_id") is not None:
            return {"category": "VALIDATION_ERROR", "message": "reminders_id: another record already has that value"}
        return None

    def _written(self, kind: str, action: str, one: Mapping[str, Any]) -> Row:
        old = self._named(kind, one["id"], one.get("idProperty")) if "id" in one else None
        row = self.save(kind, one["properties"], old["id"] if old else None, "")
        for link in one.get("associations", []):
            assert link["types"] == [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 200}]
            self.contacts.setdefault(row["id"], []).append(link["to"]["id"])
        shown = self._shown(kind, row, list(one["properties"]), linked=False)
        return {**shown, "objectWriteTraceId": one["objectWriteTraceId"], "new": old is None}

    def _associations(self, asked: Asked, kind: str, rest: list[str]) -> Said:
        if rest == ["labels"]:
            kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 200, "label": None}]
            return Said(body={"results": [{"category": "USER_DEFINED", "typeId": 31, "label": "Companion"}, *kinds]})
        inputs = asked.json()["inputs"]
        if rest[1] == "read":
            found = {one["id"]: self.contacts.get(one["id"], []) for one in inputs}
            shown = [
                {"from": {"id": key}, "to": [{"toObjectId": to} for to in ids]} for key, ids in found.items() if ids
            ]
            return Said(body={"results": shown})
        for one in inputs:
            linked = self.contacts.setdefault(one["from"]["id"], [])
            if rest[1:] == ["associate", "default"]:
                linked += [one["to"]["id"]] * (one["to"]["id"] not in linked)
            else:
                linked[:] = [key for key in linked if key not in {to["id"] for to in one["to"]}]
        return Said(body={"results": []})

    def _shown(self, kind: str, row: Row, names: list[str], linked: bool) -> Row:
        properties = _of(row["properties"], [*names, "hs_object_id", _CHANGED[kind], _BORN[kind]])
        shown = {"id": row["id"], "archived": row["archived"], "properties": properties}
        ids = self.contacts.get(row["id"], []) if linked else []
        twice = [{"id": key, "type": kind} for key in ids for kind in ("meeting_event_to_contact", "companion")]
        return shown | ({"associations": {"contacts": {"results": twice}}} if ids else {})


def _of(properties: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: properties.get(name) or None for name in names}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: Any) -> int:
    if value is None:
        return -1
    return int(value) if str(value).isdecimal() else int(datetime.fromisoformat(value).timestamp() * 1000)


def _holds(rule: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    there, value = _number(properties.get(rule["propertyName"])), int(rule["value"])
    return {"EQ": there == value, "GT": there > value, "GTE": there >= value}[rule["operator"]]
