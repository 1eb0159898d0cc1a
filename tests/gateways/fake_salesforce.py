"""A Salesforce as its documentation describes it: OAuth, SOQL with deleted and archived records, upserts by an external id,
batches with an outcome for each record, duplicate rules, sessions that expire, a quota of requests."""

from __future__ import annotations

import itertools
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.gateways.fake_system import Asked, FakeSystem, Said

CLIENT, SECRET, REFRESH = "consumer-key", "consumer-secret", "refresh-token"
ME, SOMEBODY = "005000000000001AAA", "005000000000002AAA"
NAMES = {ME: "Reminders", SOMEBODY: "Eva Vega"}
_VERSION = "/services/data/v62.0"
_PREFIX = {"Contact": "003", "Event": "00U", "Appointment__c": "a01"}
_OURS = {"Id", "IsDeleted", "SystemModstamp", "LastModifiedById", "RemindersId__c", "RemindersMark__c"}
_KNOWN = {
    "Contact": _OURS | {
        "FirstName", "LastName", "MobilePhone", "Phone", "Email", "Language__c", "RemindersNoSms__c", "DoNotCall",
        "HasOptedOutOfEmail", "Hobby__c",
    },
    "Event": _OURS | {
        "StartDateTime", "EndDateTime", "WhoId", "OwnerId", "Subject", "RemindersStatus__c", "RemindersConfirmed__c",
        "Reason__c", "IsAllDayEvent", "IsChild", "Hobby__c",
    },
    "Appointment__c": _OURS | {
        "Start__c", "End__c", "Contact__c", "Provider__c", "Service__c", "Status__c", "Confirmed__c", "Reason__c", "Hobby__c",
    },
}  # fmt: skip
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Contact": {"DoNotCall": False, "HasOptedOutOfEmail": False, "RemindersNoSms__c": False},
    "Event": {"IsAllDayEvent": False, "IsChild": False, "RemindersConfirmed__c": False}, "Appointment__c": {},
}  # fmt: skip
_TOKEN = re.compile(r"\s*('(?:\\.|[^'\\])*'|\d{4}-[-\dT:.]+Z|[A-Za-z_]\w*|>=|<=|[()=<>,])")
_UNESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
Row = dict[str, Any]


class FakeSalesforce(FakeSystem):
    """``rewrites``: a trigger stores texts with single spaces. ``meddles``: somebody edits what we write right after.
    ``most``: records that a query shows at once. ``rules``: a duplicate rule compares e-mail addresses, ``"warn"`` or
    ``"block"``."""

    def __init__(self, *, rewrites: bool = False, meddles: bool = False, rules: str = "") -> None:
        super().__init__()
        self.rewrites, self.meddles, self.rules, self.most = rewrites, meddles, rules, 2000
        self.rows: dict[str, dict[str, Row]] = {kind: {} for kind in _PREFIX}
        self.tokens: set[str] = set()
        self.external = True
        self.used, self.quota = 0, 15_000
        self.grants: list[dict[str, str]] = []
        self.cursors: dict[str, list[Row]] = {}
        self._numbers = itertools.count(1)

    # People

    def save(self, kind: str, values: Mapping[str, Any], key: str | None = None, by: str = SOMEBODY) -> Row:
        """What a person or we save."""
        if key is None:
            key = f"{_PREFIX[kind]}{next(self._numbers):012d}AAA"
            blank = dict.fromkeys(_KNOWN[kind])
            self.rows[kind][key] = {**blank, **_DEFAULTS[kind], "Id": key, "IsDeleted": False}
        row = self.rows[kind][key]
        row.update({name: self._rewritten(value) for name, value in values.items()}, LastModifiedById=by)
        row["SystemModstamp"] = _stamp(self.clock.now())
        return row

    def remove(self, kind: str, key: str) -> None:
        self.save(kind, {"IsDeleted": True}, key)

    def _rewritten(self, value: Any) -> Any:
        return " ".join(value.split()) if self.rewrites and isinstance(value, str) else value

    # The API

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/services/oauth2/token":
            return self._login(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Said(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
        self.used += 1
        if self.used > self.quota:
            return Said(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
        said = self._routed(asked)
        return Said(said.status, said.body, {"Sforce-Limit-Info": f"api-usage={self.used}/{self.quota}"})

    def _login(self, asked: Asked) -> Said:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        self.grants.append(form)
        login = "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != login or form.get("refresh_token", REFRESH) != REFRESH:
            return Said(400, {"error": "invalid_grant"})
        token = f"token-{next(self._numbers)}"
        self.tokens.add(token)
        return Said(body={"access_token": token, "id": f"{self.url}/id/00D000000000001/{ME}", "token_type": "Bearer"})

    def _routed(self, asked: Asked) -> Said:
        path = asked.path.removeprefix(_VERSION)
        if path == "/composite":
            return Said(body={"compositeResponse": [self._part(part) for part in asked.json()["compositeRequest"]]})
        if path.startswith("/query"):
            return Said(body=self._queried(path, asked.query.get("q", "")))
        kind, _, rest = path.removeprefix("/sobjects/").partition("/")
        if rest == "describe":
            names = [{"name": name, "externalId": name == "RemindersId__c" and self.external} for name in _KNOWN[kind]]
            return Said(body={"fields": names})
        row = self.rows[kind].get(rest)
        if row is None or row["IsDeleted"]:
            return Said(404, [{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}])
        self.remove(kind, rest)
        return Said(204)

    def _part(self, part: Mapping[str, Any]) -> dict[str, Any]:
        place = urlsplit(part["url"].removeprefix(_VERSION))
        if part["method"] == "GET":
            body: Any = self._queried(place.path, parse_qs(place.query)["q"][0])
        else:
            body = self._batch(place.path.split("/")[3:], part["body"]["records"], part["httpHeaders"])
        return {"body": body, "httpStatusCode": 200, "referenceId": part["referenceId"]}

    def _batch(self, by: list[str], records: list[Row], headers: Mapping[str, str]) -> list[dict[str, Any]]:
        allowed = "allowSave=true" in headers["Sforce-Duplicate-Rule-Header"]
        results = [self._upserted(by, record, allowed) for record in records]
        if self.meddles:
            for record, result in zip(records, results, strict=True):
                self.save(record["attributes"]["type"], {"Hobby__c": "chess"}, result.get("id"))
        return results

    def _upserted(self, by: list[str], record: Row, allowed: bool) -> dict[str, Any]:
        kind = record["attributes"]["type"]
        values = {name: value for name, value in record.items() if name not in ("attributes", "id")}
        if by:
            alive = (row for row in self.rows[kind].values() if not row["IsDeleted"])
            old = next((row for row in alive if row[by[1]] == values[by[1]]), None)
        else:
            old = self.rows[kind].get(record["id"])
            if old is None or old["IsDeleted"]:
                return _error("ENTITY_IS_DELETED", "entity is deleted")
        problem = self._problem(kind, values, old, allowed)
        if problem:
            return problem
        row = self.save(kind, values, old["Id"] if old else None, ME)
        return {"id": row["Id"], "success": True, "errors": [], "created": old is None}

    def _problem(self, kind: str, values: Row, old: Row | None, allowed: bool) -> dict[str, Any] | None:
        for name, value in values.items():
            if name not in _KNOWN[kind]:
                return _error("INVALID_FIELD", f"No such column '{name}'")
            if value == "":
                return _error("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"bad value: {name}")
        if kind == "Contact" and not values.get("LastName", (old or {}).get("LastName")):
            return _error("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]")
        twins = [row for row in self.rows[kind].values() if old is None and row.get("Email") == values.get("Email")]
        if self.rules and kind == "Contact" and twins and not (allowed and self.rules == "warn"):
            return _error("DUPLICATES_DETECTED", "Use one of these records?")
        return None

    # SOQL

    def _queried(self, path: str, soql: str) -> dict[str, Any]:
        rows = self.cursors.pop(path.rpartition("/")[2], None)
        if rows is None:
            rows = self._found(soql)
        page, left = rows[: self.most], rows[self.most :]
        if not left:
            return {"totalSize": len(rows), "done": True, "records": page}
        cursor = f"01g{next(self._numbers)}-{self.most}"
        self.cursors[cursor] = left
        return {"done": False, "records": page, "nextRecordsUrl": f"{_VERSION}/query/{cursor}"}

    def _found(self, soql: str) -> list[Row]:
        shape = re.fullmatch(
            r"SELECT (.+?) FROM (\w+)(?: WHERE (.+))? ORDER BY (.+?)( DESC)? LIMIT (\d+)", soql, re.DOTALL
        )
        assert shape, soql
        names, kind, where, order, down, limit = shape.groups()
        tokens = tokens_of(where or "")
        rows = [row for row in self.rows[kind].values() if not tokens or _Where(tokens, row).holds()]
        keys = order.split(", ")
        rows.sort(key=lambda row: [str(row[key]) for key in keys], reverse=bool(down))
        return [dict(_shown(row, name) for name in names.split(", ")) for row in rows[: int(limit)]]


def _shown(row: Row, name: str) -> tuple[str, Any]:
    """A field, or one of the user who changed it last."""
    if name == "LastModifiedBy.Name":
        return "LastModifiedBy", {"Name": NAMES[row["LastModifiedById"]]}
    return name, row[name]


def tokens_of(condition: str) -> list[str]:
    """The words of a condition; nothing else may stand between them."""
    found, at = [], 0
    while at < len(condition):
        token = _TOKEN.match(condition, at)
        assert token, condition[at:]
        found.append(token[1])
        at = token.end()
    return found


class _Where:
    """A condition over one row: comparisons, IN, AND, OR, parentheses."""

    def __init__(self, tokens: list[str], row: Row) -> None:
        self._tokens, self._row, self._at = tokens, row, 0

    def holds(self) -> bool:
        found = self._all()
        while self._peek() == "OR":
            self._next()
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._peek() == "AND":
            self._next()
            found = self._one() and found
        return found

    def _one(self) -> bool:
        first = self._next()
        if first == "(":
            found = self.holds()
            assert self._next() == ")"
            return found
        there, operator = self._row[first], self._next()
        if operator == "IN":
            assert self._next() == "("
            values = [literal(self._next())]
            while self._next() == ",":
                values.append(literal(self._next()))
            return there in values
        value = literal(self._next())
        if operator == "=":
            return bool(there == value)
        return there is not None and (there > value if operator == ">" else there >= value)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]


def literal(token: str) -> Any:
    if token.startswith("'"):
        return re.sub(r"\\(.)", lambda found: _UNESCAPED.get(found[1], found[1]), token[1:-1])
    return {"true": True, "false": False}.get(token, token.replace("Z", "+0000"))


def _error(code: str, text: str) -> dict[str, Any]:
    return {"success": False, "errors": [{"statusCode": code, "message": text, "fields": []}]}


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
