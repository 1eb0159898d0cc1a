"""An EspoCRM as its REST documentation describes it ("API", "Search params", "Webhooks"), with what one meets in practice:
our own fields may be missing, phone numbers are shared records, answers to writes leave out what was not set, ids and
``uid`` cannot be chosen, and a list of nothing is told from a forbidden one."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from tests.gateways.fake_system import Asked, FakeSystem, Said

KEY, SECRET, HOOK, HOOK_SECRET = "api-key", "hmac-secret", "65f0c2d1e4b3a", "webhook-secret"
ME, SOMEBODY = "5f0000000000000me", "Eva Vega"
_SHARED = {"phoneNumber": "phoneNumberIsOptedOut", "emailAddress": "emailAddressIsOptedOut"}
_KNOWN = {
    "Contact": {
        "id", "deleted", "name", "firstName", "middleName", "lastName", "emailAddress", "phoneNumber", "emailAddressIsOptedOut",
        "phoneNumberIsOptedOut", "doNotCall", "description", "createdAt", "modifiedAt", "cLanguage", "title", "modifiedById", "modifiedByName", "createdById",
        "createdByName",
    },
    "Meeting": {
        "id", "deleted", "name", "status", "dateStart", "dateEnd", "dateStartDate", "dateEndDate", "parentType", "parentId",
        "contactsIds", "contactsNames", "contactsColumns", "assignedUserId", "description", "uid", "createdAt", "modifiedAt",
        "cReason", "location", "modifiedById", "modifiedByName", "createdById", "createdByName",
    },
}  # fmt: skip
_MARKS = {"cRemindersId", "cRemindersMark"}
_READ_ONLY = {"id", "uid", "createdAt", "modifiedAt", "deleted", "versionNumber"}
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Contact": {"doNotCall": False}, "Meeting": {"status": "Planned", "contactsIds": [], "contactsColumns": {}},
}  # fmt: skip


#: Lists show so many characters of a text (maxSelectTextAttributeLength).
LONGEST = 10_000


class FakeEspoCrm(FakeSystem):
    """``vanilla``: nobody made our fields. ``most``: the largest page allowed. ``versions``: optimistic concurrency
    control is on. ``counts``: lists say how many records there are. ``old``: it signs and reads bytes, not their
    hexadecimal digits, as versions before 9 do."""

    def __init__(self, *, vanilla: bool = False, hmac_only: bool = False, versions: bool = False) -> None:
        super().__init__()
        self.old = False
        self.vanilla, self.hmac_only, self.versions, self.most, self.counts = vanilla, hmac_only, versions, 200, True
        self.rows: dict[str, dict[str, dict[str, Any]]] = {"Contact": {}, "Meeting": {}}
        self.opted_out: dict[str, bool] = {}  # by number or address: these are records of their own
        self._numbers = itertools.count(1)

    # People

    def save(
        self, kind: str, values: Mapping[str, Any], key: str | None = None, by: str = SOMEBODY
    ) -> dict[str, Any]:  # fmt: skip
        """What a person or we save."""
        now = f"{self.clock.now():%Y-%m-%d %H:%M:%S}"
        made = key is None
        if key is None:
            key = f"{next(self._numbers):017x}"
            self.rows[kind][key] = {
                **_DEFAULTS[kind], "id": key, "createdAt": now, "uid": f"espo-{key}", "createdByName": by,
            }  # fmt: skip
        row = self.rows[kind][key]
        for number, out in _SHARED.items():
            if values.get(number, row.get(number)) and (out in values or (number in values and not made)):
                self.opted_out[values.get(number, row.get(number))] = bool(values.get(out, self._out(row, number)))
        row.update({name: value for name, value in values.items() if name not in _SHARED.values()}, modifiedAt=now)
        row["versionNumber"] = row.get("versionNumber", 0) + 1
        if not made:
            row["modifiedByName"] = by
        return row

    def remove(self, kind: str, key: str) -> None:
        self.rows[kind][key]["deleted"] = True

    def webhook(self, kind: str, key: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of an "update" webhook."""
        body = json.dumps([{"id": key, "status": self.rows[kind][key].get("status")}]).encode()
        digest = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256)
        if self.old:
            return {"x-signature": b64encode(f"{HOOK}:".encode() + digest.digest()).decode()}, body
        return {"signature": b64encode(f"{HOOK}:{digest.hexdigest()}".encode()).decode()}, body

    # The API

    def answer(self, asked: Asked) -> Said:
        if not self._is_known(asked):
            return Said(401)
        parts = asked.path.removeprefix("/api/v1/").split("/")
        if parts == ["App", "user"]:
            return Said(body={"user": {"id": ME, "userName": "reminders"}})
        kind, key = parts[0], parts[1] if len(parts) > 1 else None
        if kind not in self.rows:
            return _refusal(404, "")
        if asked.method == "GET" and key is None:
            return self._list(kind, _nested(asked.query), total=asked.headers.get("x-no-total") != "true")
        return self._one(asked, kind, key)

    def _is_known(self, asked: Asked) -> bool:
        signature = asked.headers.get("x-hmac-authorization")
        if signature is None:
            return not self.hmac_only and asked.headers.get("x-api-key") == KEY
        text = f"{asked.method} {asked.path.removeprefix('/api/v1')}"
        digest = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256)
        told = digest.digest() if self.old else digest.hexdigest().encode()
        return b64decode(signature) == f"{KEY}:".encode() + told

    def _one(self, asked: Asked, kind: str, key: str | None) -> Said:
        row = self.rows[kind].get(key or "")
        if key is not None and (row is None or row.get("deleted")):
            return _refusal(404, f"Record {key} does not exist.")
        if asked.method == "DELETE" and row is not None:
            row["deleted"] = True
            return Said(body=True)
        if asked.method == "GET" and row is not None:
            return Said(body=self._shown(kind, row))
        values = {
            name: value for name, value in asked.json().items() if name in self._known(kind) and name not in _READ_ONLY
        }
        problem = self._problem(asked, kind, row, values)
        return problem or self._saved(kind, values, key)

    def _saved(self, kind: str, values: dict[str, Any], key: str | None) -> Said:
        """The answer to a create shows what was set and what has a default, no more."""
        for name, value in values.items():
            if isinstance(value, str) and not name.startswith("date"):
                values[name] = value.strip()
        if kind == "Meeting" and "contactsIds" in values:
            values.setdefault("contactsColumns", {})
        row = self.save(kind, values, key, ME)
        shown = self._shown(kind, row)
        return Said(body=shown if key else {name: value for name, value in shown.items() if value is not None})

    def _problem(self, asked: Asked, kind: str, row: dict[str, Any] | None, values: dict[str, Any]) -> Said | None:
        required = {"Contact": ["lastName"], "Meeting": ["name", "dateStart", "dateEnd", "assignedUserId"]}[kind]
        for name in required:
            if not values.get(name, (row or {}).get(name)):
                return _refusal(400, f"Field validation failure; entityType: {kind}, field: {name}, type: required.")
        if values.get("status", "Planned") not in ("Planned", "Held", "Not Held"):
            return _refusal(400, "Field validation failure; field: status, type: valid.")
        for name in ("dateStart", "dateEnd"):
            if values.get(name) and not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", values[name]):
                return _refusal(400, f"Field validation failure; field: {name}, type: valid.")
        version = asked.headers.get("x-version-number")
        if row is not None and self.versions and version is not None and int(version) != row["versionNumber"]:
            return Said(409, {"values": {}, "versionNumber": row["versionNumber"]}, {"X-Status-Reason": "modified"})
        if row is None and kind == "Contact" and asked.headers.get("x-skip-duplicate-check") != "true":
            twins = [self._shown(kind, one) for one in self._alive(kind) if _is_twin(one, values)]
            return Said(409, twins, {"X-Status-Reason": "duplicate"}) if twins else None
        return None

    def _list(self, kind: str, query: Mapping[str, Any], *, total: bool) -> Said:
        if int(query.get("maxSize", 20)) > self.most:
            return _refusal(403, f"Max size should not exceed {self.most}. Use offset and limit.")
        conditions = list(query.get("where", {}).values())
        unknown = [name for name in _attributes(conditions) if name not in self._known(kind)]
        if unknown:
            return _refusal(400, f"Not existing attribute '{unknown[0]}' in where.")
        rows = [row for row in self._alive(kind) if all(_holds(one, self._shown(kind, row)) for one in conditions)]
        order = query.get("orderBy", "createdAt")
        rows.sort(key=lambda row: (row.get(order) or "", row["id"]), reverse=query.get("order") == "desc")
        offset = int(query.get("offset", 0))
        page = rows[offset : offset + int(query.get("maxSize", 20))]
        names = [name for name in query["select"].split(",") if name in self._known(kind)]
        if "contactsIds" in names:
            names.append("contactsColumns")
        shown = [{name: self._shown(kind, row).get(name) for name in {"id", *names}} for row in page]
        for row in shown:
            if row.get("description"):
                row["description"] = row["description"][:LONGEST]
        return Said(body={"total": len(rows) if self.counts and total else -2, "list": shown})

    def _shown(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        values = {name: row.get(name) for name in self._known(kind)}
        if kind == "Contact":
            values |= {out: self._out(row, number) for number, out in _SHARED.items()}
        return values

    def _out(self, row: Mapping[str, Any], number: str) -> bool:
        return self.opted_out.get(row.get(number) or "", False)

    def _alive(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[kind].values() if not row.get("deleted")]

    def _known(self, kind: str) -> set[str]:
        return _KNOWN[kind] | (set() if self.vanilla else _MARKS) | ({"versionNumber"} if self.versions else set())


def _refusal(status: int, reason: str) -> Said:
    return Said(status, "", {"X-Status-Reason": reason})


def _is_twin(row: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    named = (row.get("firstName"), row.get("lastName")) == (values.get("firstName"), values.get("lastName"))
    return named or bool(values.get("emailAddress") and row.get("emailAddress") == values["emailAddress"])


def _nested(query: Mapping[str, str]) -> dict[str, Any]:
    """``where[0][type]=equals`` as PHP reads it."""
    found: dict[str, Any] = {}
    for name, value in query.items():
        keys = re.findall(r"[^\[\]]+", name)
        place = found
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return found


def _attributes(conditions: list[Any]) -> list[str]:
    found = []
    for one in conditions:
        if one["type"] in ("and", "or"):
            found += _attributes(list(one["value"].values()))
        else:
            found.append(one["attribute"])
    return found


def _holds(one: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    kind, value = one["type"], one.get("value")
    if kind in ("and", "or"):
        parts = [_holds(part, row) for part in value.values()]  # type: ignore[union-attr]
        return all(parts) if kind == "and" else any(parts)
    there = row.get(one["attribute"])
    if kind == "isTrue":
        return bool(there)
    if kind == "in":
        return there in value.values()  # type: ignore[union-attr]
    return there is not None and {
        "equals": there == value, "greaterThan": str(there) > str(value), "contains": str(value) in str(there),
        "greaterThanOrEquals": str(there) >= str(value),
    }[kind]  # fmt: skip
