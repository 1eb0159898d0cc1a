"""Salesforce's REST API (developer.salesforce.com): login, queries, writes in batches, the day's quota."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from reminders.domain.connector import LoginRefused, Missing, PeerError, Precondition, Refused
from reminders.gateways.jsonapi import Answer, ask
from reminders.gateways.outward import Outward

#: Most records in one batch.
MOST = 200
#: After how many seconds to look whether there are requests left.
_WAIT = 3600.0
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_ID_FIELD"})
_BUSY = frozenset({
    "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "REQUEST_RUNNING_TOO_LONG", "UNKNOWN_EXCEPTION",
    "PROCESSING_HALTED",
})  # fmt: skip
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}

Failure = Precondition | Missing | Refused | PeerError


class QuotaUsed(PeerError):
    """The organisation's requests of the day are (nearly) used up; the rest is left to others."""

    sentence = "Salesforce's daily requests are nearly used up."
    reason = "quota_used"


class SalesforceApi:
    """One organisation, in the name of a connected app. The access token is asked for when it is needed, and once more
    when it has expired."""

    def __init__(self, outward: Outward, settings: Mapping[str, str]) -> None:
        self._outward, self._settings = outward, settings
        self._base = settings["url"].rstrip("/")
        self._version = f"/services/data/v{settings['api_version'].removeprefix('v')}"
        self._share = float(settings["quota"] or 100) / 100
        self._token, self._user, self._spent = "", "", False

    @property
    def user(self) -> str:
        """Our own user's id."""
        if not self._token:
            self._login()
        return self._user

    def describe(self, kind: str) -> dict[str, Any]:
        """An object's fields by their names."""
        found = _good(self._call("GET", f"/sobjects/{kind}/describe"))
        return {one["name"]: one for one in found["fields"]}

    def query(self, soql: str) -> list[dict[str, Any]]:
        """All records of a query, the deleted and the archived included."""
        found = _good(self._call("GET", "/queryAll", {"q": soql}))
        rows: list[dict[str, Any]] = found["records"]
        while not found["done"]:
            found = _good(self._call("GET", found["nextRecordsUrl"].removeprefix(self._version)))
            rows += found["records"]
        return rows

    def write(
        self, method: str, path: str, records: Sequence[Mapping[str, Any]], soql: str, *, allow_duplicates: bool
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """A batch, and the records as they are afterwards, with one request: the outcome of each, and what was found."""
        parts = [
            {"method": method, "url": self._version + path, "referenceId": "written",
             "body": {"allOrNone": False, "records": list(records)},
             "httpHeaders": {"Sforce-Duplicate-Rule-Header": f"allowSave={str(allow_duplicates).lower()}"}},
            {"method": "GET", "url": f"{self._version}/queryAll?{urlencode({'q': soql})}", "referenceId": "read"},
        ]  # fmt: skip
        found = _good(self._call("POST", "/composite", body={"allOrNone": False, "compositeRequest": parts}))
        answers = {part["referenceId"]: part for part in found["compositeResponse"]}
        written, read = answers["written"], answers.get("read", {})
        if written["httpStatusCode"] >= 300:
            raise _refusal(written["body"], written["httpStatusCode"])
        rows = read.get("body", {}).get("records", []) if read.get("httpStatusCode") == 200 else []
        return written["body"], rows

    def delete(self, kind: str, key: str) -> None:
        """Move a record to the bin; one that is not there counts as deleted."""
        answer = self._call("DELETE", f"/sobjects/{kind}/{key}")
        if answer.status not in (200, 204, 404):
            raise _refusal(answer.data, answer.status)

    def _call(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        if self._spent:
            raise QuotaUsed(retry_after=_WAIT)
        if not self._token:
            self._login()
        try:
            answer = self._ask(method, path, query, body)
        except LoginRefused:  # expired, or withdrawn: then the login says so
            self._login()
            answer = self._ask(method, path, query, body)
        usage = _USAGE.search(answer.headers.get("sforce-limit-info", ""))
        self._spent = bool(usage and int(usage[1]) >= self._share * int(usage[2]))
        if answer.status == 403 and "REQUEST_LIMIT_EXCEEDED" in json.dumps(answer.data):
            raise QuotaUsed(retry_after=_WAIT)
        return answer

    def _ask(self, method: str, path: str, query: Mapping[str, Any] | None, body: Any) -> Answer:
        secrets = {"Authorization": f"Bearer {self._token}"}
        return ask(
            self._outward, method, self._base + self._version + path, query=query, body=body, secrets=secrets
        )  # fmt: skip

    def _login(self) -> None:
        """Client credentials, or a refresh token (RFC 6749, 4.4 and 6)."""
        refresh = self._settings["refresh_token"]
        form = (
            {"grant_type": "refresh_token", "refresh_token": refresh}
            if refresh
            else {"grant_type": "client_credentials"}
        )
        reply = self._outward.request(
            "POST", f"{self._base}/services/oauth2/token", body=urlencode(form),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            auth=(self._settings["client_id"], self._settings["client_secret"]),
        )  # fmt: skip
        if reply.status in (400, 403):
            raise LoginRefused("Salesforce refuses the connected app or its token.")
        try:
            found = json.loads(reply.body)
            self._token, self._user = found["access_token"], found["id"].rstrip("/").rpartition("/")[2]
        except (ValueError, KeyError, TypeError) as problem:
            raise PeerError("Salesforce's answer to the login cannot be read.") from problem


def quoted(text: str) -> str:
    """A text in a query (SOQL, "Quoted String Escape Sequences")."""
    return "'" + "".join(_ESCAPES.get(letter, letter) for letter in text) + "'"


def failure(errors: Sequence[Mapping[str, Any]]) -> Failure:
    """What the errors of one record of a batch mean."""
    first = errors[0] if errors else {}
    code, text = str(first.get("statusCode") or first.get("errorCode") or ""), str(first.get("message", ""))[:200]
    if code in _GONE or (code == "INVALID_CROSS_REFERENCE_KEY" and not first.get("fields")):
        return Missing()
    if code in _BUSY:
        return PeerError(f"Salesforce answers {code}.")
    if code == "DUPLICATES_DETECTED":
        return Refused("duplicate_there", "Salesforce holds a record that looks like this one.")
    if code == "DUPLICATE_VALUE":
        return Precondition()
    return Refused(code.lower() or "refused", f"Salesforce does not take it ({text or code}).")


def _good(answer: Answer) -> Any:
    if answer.status >= 300 or not isinstance(answer.data, dict):
        raise _refusal(answer.data, answer.status)
    return answer.data


def _refusal(data: Any, status: int) -> PeerError:
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], Mapping) else {}
    text = f"{first.get('errorCode', '')} {first.get('message', '')}".strip()[:200]
    return PeerError(f"Salesforce refuses ({status} {text}).", permanent=400 <= status < 500)
