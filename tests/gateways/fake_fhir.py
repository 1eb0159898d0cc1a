"""A FHIR R4 server as https://hl7.org/fhir/R4/http.html and /search.html describe one, with what servers leave out or get
wrong as switches."""

from __future__ import annotations

import copy
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from reminders.gateways.jsonapi import moment
from tests.gateways.fake_system import Asked, FakeSystem, Said

TOKEN, CLIENT, CLIENT_SECRET = "secret-token", "client", "client-secret"
TYPE = {"Content-Type": "application/fhir+json"}
Resource = dict[str, Any]


class FakeFhir(FakeSystem):
    """``history``: of the type, with deletions. ``keeps_extensions``, ``returns``: of resources in answers to writes.
    ``conflict``: the status for a version that is not current. ``status_only``: nothing else of a visit changes.
    ``page``: the most on a page. ``lag``: searches know of a write only after so many requests. ``elsewhere``: next links
    lead to another server. ``deletes``: may anything be deleted."""

    def __init__(
        self, *, history: bool = False, keeps_extensions: bool = True, returns: bool = True, conflict: int = 412,
        status_only: bool = False, page: int = 40, elsewhere: str = "", deletes: bool = True, life: int = 3600,
    ) -> None:  # fmt: skip
        super().__init__()
        self.history, self.keeps_extensions, self.returns, self.conflict = history, keeps_extensions, returns, conflict
        self.status_only, self.page, self.elsewhere, self.deletes, self.life = (
            status_only,
            page,
            elsewhere,
            deletes,
            life,
        )
        self.version = "4.0.1"
        self.rows: dict[str, dict[str, Resource]] = {"Patient": {}, "Appointment": {}}
        self.log: list[tuple[str, str, Resource | None, str]] = []
        self.tokens: list[str] = [TOKEN]
        self._count = 0

    # What people there do

    def save(self, kind: str, resource: Mapping[str, Any], id_: str | None = None, source: str = "") -> Resource:
        """Store a resource as its next version. As HAPI does, ``source`` stands in it before the number of the request."""
        self._count += 1
        id_ = id_ or f"{kind[0].lower()}-{self._count}"
        known = self.rows[kind].get(id_)
        version = int(known["meta"]["versionId"]) + 1 if known else 1
        stored: Resource = copy.deepcopy(dict(resource))
        if not self.keeps_extensions:
            for one in stored.get("identifier", []):
                one.pop("extension", None)
        now = self.clock.now().isoformat()
        meta = {"versionId": str(version), "lastUpdated": now, "source": f"{source}#{self._count}"}
        stored |= {"resourceType": kind, "id": id_, "meta": meta}
        self.rows[kind][id_] = stored
        self.log.append((kind, id_, copy.deepcopy(stored), now))
        return stored

    def remove(self, kind: str, id_: str) -> None:
        del self.rows[kind][id_]
        self.log.append((kind, id_, None, self.clock.now().isoformat()))

    # What it answers

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/token":
            return self._token(asked)
        place = asked.path.removeprefix("/fhir").lstrip("/")
        if place == "metadata":
            return Said(200, self._capabilities(), TYPE)
        if asked.headers.get("authorization") not in {f"Bearer {one}" for one in self.tokens} | {
            _basic("user", "pass word")
        }:
            return _outcome(401, "login")
        kind, _, id_ = place.partition("/")
        if kind not in self.rows:
            return _outcome(404, "not-supported")
        if id_ == "_history":
            return self._history(asked, kind)
        if not id_:
            return self._create(asked, kind) if asked.method == "POST" else self._search(asked, kind)
        return self._one(asked, kind, id_)

    def _token(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != _basic(CLIENT, CLIENT_SECRET):
            return Said(401, {"error": "invalid_client"})
        assert asked.body.decode() == urlencode({"grant_type": "client_credentials", "scope": "system/*.cruds"})
        self.tokens = [f"token-{len(self.asked)}"]
        return Said(200, {"access_token": self.tokens[0], "token_type": "Bearer", "expires_in": self.life})

    def _capabilities(self) -> Resource:
        codes = ["read", "search-type", "create", "update"] + (["history-type"] if self.history else [])
        resources = [{"type": kind, "interaction": [{"code": code} for code in codes]} for kind in self.rows]
        return {
            "resourceType": "CapabilityStatement", "fhirVersion": self.version, "software": {"name": "Fake FHIR"},
            "rest": [{"mode": "server", "resource": resources}],
        }  # fmt: skip

    def _search(self, asked: Asked, kind: str) -> Said:
        rows = list(self.rows[kind].values())
        query = asked.query
        if "identifier" in query:
            rows = [one for one in rows if query["identifier"] in _identifiers(one)]
        if "_lastUpdated" in query:
            assert query["_lastUpdated"].startswith("ge")
            since = moment(query["_lastUpdated"][2:])
            rows = [one for one in rows if moment(one["meta"]["lastUpdated"]) >= since]
        if query.get("_sort") == "_lastUpdated":
            rows.sort(key=lambda one: moment(one["meta"]["lastUpdated"]))
        if "status" in query:
            rows = [one for one in rows if one.get("status") == query["status"]]
        return self._page(asked, "searchset", [{"resource": one, "search": {"mode": "match"}} for one in rows])

    def _history(self, asked: Asked, kind: str) -> Said:
        if not self.history:
            return _outcome(405, "not-supported")
        since = moment(asked.query["_since"])
        entries = [
            {"fullUrl": f"{self.url}/fhir/{kind}/{id_}", **({"resource": row} if row else {}),
             "request": {"method": "PUT" if row else "DELETE", "url": f"{kind}/{id_}"}}
            for one, id_, row, at in reversed(self.log) if one == kind and moment(at) >= since
        ]  # fmt: skip
        return self._page(asked, "history", entries)

    def _page(self, asked: Asked, sort: str, entries: list[Resource]) -> Said:
        start = int(asked.query.get("_offset", "0"))
        size = min(self.page, int(asked.query.get("_count", "20")))
        links = [{"relation": "self", "url": self.url}]
        if len(entries) > start + size:
            more = urlencode({**asked.query, "_offset": start + size})
            links.append({"relation": "next", "url": f"{self.elsewhere or self.url}{asked.path}?{more}"})
        body: Resource = {"resourceType": "Bundle", "type": sort, "total": len(entries), "link": links}
        shown = entries[start : start + size]
        return Said(200, body | ({"entry": shown} if shown else {}), TYPE)

    def _create(self, asked: Asked, kind: str) -> Said:
        wanted = asked.headers.get("if-none-exist", "").removeprefix("identifier=")
        known = [one for one in self.rows[kind].values() if wanted and wanted in _identifiers(one)]
        if len(known) > 1:
            return _outcome(412, "multiple-matches")
        if known:
            return Said(200, known[0], TYPE)
        return self._said(201, self.save(kind, self._checked(asked.json())), asked)

    def _one(self, asked: Asked, kind: str, id_: str) -> Said:
        known = self.rows[kind].get(id_)
        if known is None:
            gone = any(row is None for one, other, row, _ in self.log if (one, other) == (kind, id_))
            return _outcome(410 if gone else 404, "not-found")
        if asked.method == "GET":
            return Said(200, known, TYPE)
        match = re.fullmatch(r'W/"(\d+)"', asked.headers.get("if-match", ""))
        if match is not None and match[1] != known["meta"]["versionId"]:
            return _outcome(self.conflict, "conflict")
        if asked.method == "DELETE":
            if not self.deletes:
                return _outcome(405, "not-supported")
            self.remove(kind, id_)
            return Said(204)
        if asked.method == "PATCH":
            (operation,) = asked.json()
            assert (operation["op"], operation["path"]) == ("replace", "/status")
            return self._said(200, self.save(kind, {**known, "status": operation["value"]}, id_), asked)
        if self.status_only and kind == "Appointment":
            return _outcome(422, "business-rule")
        assert asked.json()["id"] == id_
        return self._said(200, self.save(kind, self._checked(asked.json()), id_), asked)

    def _checked(self, resource: Resource) -> Resource:
        assert not [name for name, value in resource.items() if value in ("", [], {}, None)], resource
        return resource

    def _said(self, status: int, resource: Resource, asked: Asked) -> Said:
        place = f"{self.url}/fhir/{resource['resourceType']}/{resource['id']}/_history/{resource['meta']['versionId']}"
        shown = self.returns and "return=representation" in asked.headers.get("prefer", "")
        return Said(status, resource if shown else b"", {**(TYPE if shown else {}), "Location": place})


def _identifiers(resource: Resource) -> set[str]:
    return {f"{one.get('system')}|{one.get('value')}" for one in resource.get("identifier", [])}


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _outcome(status: int, code: str) -> Said:
    text = json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code}]})
    return Said(status, text, TYPE)
