"""Answers in FHIR: resources with their versions, lists as Bundles, problems as OperationOutcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, request
from werkzeug.http import http_date

from reminders.web.context import use_cases

TYPE = "application/fhir+json"
#: System of our stable codes in ``OperationOutcome.issue.details``.
CODES = "urn:reminders:error"
#: Our codes in those of https://hl7.org/fhir/R4/valueset-issue-type.html; others are told by their status.
_ISSUES = {
    "unauthenticated": "login", "forbidden": "forbidden", "not_found": "not-found", "version_mismatch": "conflict",
    "several_match": "multiple-matches", "slot_taken": "conflict", "slot_not_offered": "business-rule",
    "status_conflict": "business-rule", "identifier_taken": "duplicate", "naive_time": "value", "busy": "transient",
    "malformed": "structure", "too_large": "too-long", "method_not_allowed": "not-supported",
}  # fmt: skip
_BY_STATUS = {404: "not-found", 405: "not-supported", 406: "not-supported", 409: "conflict", 412: "conflict",
              415: "not-supported", 429: "throttled"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A resource with its version, where it has one."""

    body: Mapping[str, Any]
    version: int | None = None
    updated_at: datetime | None = None

    @property
    def address(self) -> str:
        return f"{base()}/{self.body['resourceType']}/{self.body['id']}"


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. ``following``: the cursor of the next part. ``total`` counts all parts, when that is known."""

    items: Sequence[Found]
    following: str | None = None
    total: int | None = None
    included: Sequence[Found] = ()


def base() -> str:
    """The address of this face, as others know it."""
    return use_cases().settings.public_url.rstrip("/") + "/fhir"


def body(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers=headers, content_type=f"{TYPE}; charset=utf-8")


def resource(found: Found, status: int = 200) -> Response:
    """One resource, with ETag and Last-Modified; 304 when the caller has this version, without a body when it is not
    wanted (``Prefer: return=minimal``)."""
    headers = {}
    if found.version is not None:
        headers["ETag"] = f'W/"{found.version}"'
    if found.updated_at is not None:
        headers["Last-Modified"] = http_date(found.updated_at)
    if status == 201:
        headers["Location"] = f"{found.address}/_history/{found.version}"
    if request.method == "GET" and headers.get("ETag", "-") in request.headers.get("If-None-Match", ""):
        return Response(status=304, headers=headers)
    if request.method != "GET" and "return=minimal" in request.headers.get("Prefer", "").replace(" ", ""):
        return Response(status=status, headers=headers)
    return body(found.body, status, headers)


def bundle(page: Page, link: str, following: str | None) -> Response:
    """A searchset. ``link``: the address of this page, ``following`` that of the next."""
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        made["total"] = page.total
    made["link"] = [{"relation": "self", "url": link}]
    if following:
        made["link"].append({"relation": "next", "url": following})
    entries = [_entry(one, "match") for one in page.items] + [_entry(one, "include") for one in page.included]
    return body(made | ({"entry": entries} if entries else {}))


def _entry(found: Found, mode: str) -> dict[str, Any]:
    return {"fullUrl": found.address, "resource": found.body, "search": {"mode": mode}}


def outcome(answer: Response) -> Response:
    """A problem document in FHIR's words; everything else passes as it is."""
    if answer.mimetype != "application/problem+json":
        return answer
    problem = json.loads(answer.get_data())
    issues = [_issue(problem, one) for one in problem.get("errors") or [{}]]
    text = json.dumps({"resourceType": "OperationOutcome", "issue": issues}, ensure_ascii=True)
    answer.set_data(text)
    answer.content_type = f"{TYPE}; charset=utf-8"
    return answer


def _issue(problem: Mapping[str, Any], error: Mapping[str, Any]) -> dict[str, Any]:
    code, status = problem["code"], problem["status"]
    kind = _ISSUES.get(code) or _BY_STATUS.get(status) or ("exception" if status >= 500 else "invalid")
    made: dict[str, Any] = {
        "severity": "error", "code": kind,
        "details": {"coding": [{"system": CODES, "code": code}], "text": error.get("message") or problem["detail"]},
    }  # fmt: skip
    known = {"type", "title", "status", "code", "detail", "errors"}
    facts = {name: value for name, value in problem.items() if name not in known}
    if facts:
        made["diagnostics"] = json.dumps(facts, ensure_ascii=False)
    return made | ({"expression": [error["field"]]} if error.get("field") else {})
