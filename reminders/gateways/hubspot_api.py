"""HubSpot's CRM API v3 and v4 (developers.hubspot.com): requests, batches with an outcome for each input, associations,
signatures of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from reminders.domain.connector import Missing, PeerError, Precondition, Refused
from reminders.gateways.jsonapi import Answer, ask
from reminders.gateways.outward import Outward

#: Most records in one batch and on one page.
MOST = 100
_OLDEST = timedelta(minutes=5)
Failure = Precondition | Missing | Refused | PeerError


class HubSpotApi:
    """One account, in the name of a private app."""

    def __init__(self, outward: Outward, url: str, token: str) -> None:
        self._outward, self._base, self._token = outward, url.rstrip("/"), token

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The parsed answer; ``None`` where there is no such thing."""
        answer = self._call("GET", path, query=query)
        return None if answer.status == 404 else _good(answer)

    def post(self, path: str, body: Any) -> Any:
        """The parsed answer to something that only reads, or whose refusal has nothing to do with our values."""
        return _good(self._call("POST", path, body=body))

    def batch(self, path: str, inputs: Sequence[Mapping[str, Any]]) -> Answer:
        """A batch; its answer is judged by ``outcomes``."""
        return self._call("POST", path, body={"inputs": list(inputs)})

    def delete(self, path: str) -> None:
        """Move a record to the bin; one that is not there counts as deleted."""
        answer = self._call("DELETE", path)
        if answer.status not in (200, 204, 404):
            raise failure(answer.data, answer.status)

    def _call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Answer:  # fmt: skip
        secrets = {"Authorization": f"Bearer {self._token}"}
        return ask(self._outward, method, f"{self._base}/{path}", query=query, body=body, secrets=secrets)


def _good(answer: Answer) -> Any:
    if answer.status >= 300 or not isinstance(answer.data, dict):
        raise PeerError(f"HubSpot refuses ({answer.status} {_message(answer.data)}).", permanent=True)
    return answer.data


def outcomes(answer: Answer, traces: Sequence[str], name: str) -> dict[str, Any]:
    """What became of each input of a batch, by its trace or id: the record, or why not (``Failure``). An answer that
    speaks of the batch as a whole gives every input the same outcome. ``name``: the property that holds the trace."""
    data = answer.data if isinstance(answer.data, dict) else {}
    if answer.status not in (200, 201, 207):
        return dict.fromkeys(traces, failure(data, answer.status))
    found: dict[str, Any] = {}
    for error in data.get("errors") or []:
        named = error.get("context") or {}
        for trace in [*named.get("objectWriteTraceId", []), *named.get("ids", [])]:
            found[trace] = failure(error, int(error.get("httpStatus") or 400))
    for record in data.get("results") or []:
        for trace in (record["id"], record["properties"].get(name), record.get("objectWriteTraceId")):
            found[trace or ""] = record
    lost = PeerError("HubSpot does not say what became of a record.")
    return {trace: found.get(trace, lost) for trace in traces}


def failure(error: Any, status: int) -> Failure:
    """What a refusal means."""
    category = error.get("category", "") if isinstance(error, Mapping) else ""
    text = _message(error)
    if category == "OBJECT_NOT_FOUND" or status == 404:
        return Missing()
    if category in ("CONFLICT", "OBJECT_ALREADY_EXISTS") or status == 409 or "already has that value" in text:
        taken = re.search(r"unique|already has that value", text, re.IGNORECASE)
        return Precondition() if taken else Refused("duplicate_there", f"HubSpot holds it already ({text}).")
    if category == "RATE_LIMITS" or status >= 500:
        return PeerError(f"HubSpot answers {status}.")
    return Refused(f"http_{status}", f"HubSpot does not take it ({text or status}).")


def is_whole(answer: Answer) -> bool:
    """True when a refusal speaks of the batch, and not of single inputs."""
    return answer.status in (400, 404, 409)


def is_signed(secret: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Version 3 of the signature: base64 of HMAC-SHA256 over method, address, body and time stamp, five minutes old at
    most."""
    stamp = headers.get("x-hubspot-request-timestamp", "")
    if not (secret and stamp.isdecimal()) or abs(now.timestamp() * 1000 - int(stamp)) > _OLDEST.total_seconds() * 1000:
        return False
    signed = b"POST" + url.encode() + body + stamp.encode()
    expected = b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest())
    return hmac.compare_digest(expected, headers.get("x-hubspot-signature-v3", "").encode())


def _message(error: Any) -> str:
    return str(error.get("message", ""))[:200] if isinstance(error, Mapping) else ""
