"""EspoCRM's REST API (docs.espocrm.com, "API" and "Webhooks"): requests, conditions, errors, signatures."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from reminders.domain.connector import LoginRefused, Missing, PeerError, Precondition, Refused
from reminders.gateways.jsonapi import Answer, ask
from reminders.gateways.outward import Outward

#: Texts shorter than this are shown whole everywhere; EspoCRM's lists cut at 10,000 characters unless told otherwise.
_SURELY_WHOLE = 1_000


class EspoApi:
    """One site, in the name of an API user: ``key`` is sent, or, with a ``secret``, signs (HMAC)."""

    def __init__(self, outward: Outward, url: str, key: str, secret: str) -> None:
        self._outward, self._key, self._secret = outward, key, secret
        self._raw: bool | None = None  # whether it reads the bytes of a signature, once that is known
        self._base = url.rstrip("/").removesuffix("/api/v1") + "/api/v1/"

    def records(self, kind: str, query: Mapping[str, Any], *, total: bool = True) -> Answer:
        """A list; ``PeerError`` when there is none, which is not the same as an empty one. Large tables answer faster
        when nobody asks for the ``total``."""
        answer = self.call("GET", kind, query=query, headers={} if total else {"X-No-Total": "true"})
        if answer.status != 200 or not isinstance(answer.data, dict) or not isinstance(answer.data.get("list"), list):
            raise unreadable(kind, answer)
        return answer

    def uncut(self, kind: str, key: str | None, name: str, record: Mapping[str, Any]) -> str:
        """A text of a record that a list showed. Lists cut texts that are long, so such a one is read again: a text that is
        written back must be all of it."""
        text = str(record.get(name) or "")
        if key is None or len(text) < _SURELY_WHOLE:
            return text
        answer = self.call("GET", f"{kind}/{key}")
        if answer.status != 200 or not isinstance(answer.data, dict):
            raise failed(answer) if answer.status >= 400 else unreadable(kind, answer)
        return str(answer.data.get(name) or "")

    def call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """One request; the caller judges every status but 401, 429 and those above 499."""

        def send(*, raw: bool) -> Answer:
            secrets = self._signed(method, path, raw=raw)
            return ask(
                self._outward, method, self._base + path, query=query, body=body, headers=headers, secrets=secrets
            )  # fmt: skip

        try:
            answer = send(raw=bool(self._raw))
        except LoginRefused:
            if not self._secret or self._raw is not None:
                raise
            answer, self._raw = send(raw=True), True
        self._raw = bool(self._raw)
        return answer

    def _signed(self, method: str, path: str, *, raw: bool) -> dict[str, str]:
        """With a secret: base64 of ``key:hex``, or, before version 9, of ``key:`` and the bytes themselves."""
        if not self._secret:
            return {"X-Api-Key": self._key}
        signed = hmac.new(self._secret.encode(), f"{method} /{path}".encode(), hashlib.sha256)
        told = signed.digest() if raw else signed.hexdigest().encode()
        return {"X-Hmac-Authorization": b64encode(f"{self._key}:".encode() + told).decode()}


def is_signed(hooks: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a webhook was signed with the secret key of the one it names: ``Signature`` is base64 of ``id:hex``, and
    ``X-Signature``, which is all that versions before 9 send, of ``id:`` and the bytes themselves. ``headers`` in lower
    case."""
    name = "signature" if "signature" in headers else "x-signature"
    try:
        hook, _, given = b64decode(headers.get(name, ""), validate=True).partition(b":")
    except (NotBase64, ValueError):
        return False
    secret = hooks.get(hook.decode(errors="replace"), "")
    expected = hmac.new(secret.encode(), body, hashlib.sha256)
    told = expected.hexdigest().encode() if name == "signature" else expected.digest()
    return bool(secret) and hmac.compare_digest(told, given)


def counted(answer: Answer) -> int:
    """How many records there are; below zero when nobody counts them."""
    total = answer.data.get("total")
    return total if isinstance(total, int) else -1


def unreadable(kind: str, answer: Answer) -> PeerError:
    """Records that this user may not list, or an answer that is none."""
    return PeerError(f"{kind} cannot be read ({answer.status} {_reason(answer)}).", permanent=True)


def failed(answer: Answer) -> Exception:
    """What a refused write means."""
    reason = _reason(answer)
    if answer.status == 404:
        return Missing()
    if answer.status == 409 and reason == "modified":
        return Precondition()
    if answer.status == 409:
        return Refused("duplicate_there", "EspoCRM holds a record that looks like this one.")
    if 400 <= answer.status < 500:
        return Refused(f"http_{answer.status}", f"EspoCRM does not take it ({reason or answer.status}).")
    return PeerError(f"The other system answers {answer.status}.")


def only(kind: str, attribute: str, value: Any) -> dict[str, Any]:
    """One condition of a ``where``."""
    return {"type": kind, "attribute": attribute, "value": value}


def all_of(*conditions: Any) -> dict[str, Any]:
    """Every one of these."""
    return {"type": "and", "value": list(conditions)}


def any_of(*conditions: Any) -> dict[str, Any]:
    """At least one of these."""
    return {"type": "or", "value": list(conditions)}


def _reason(answer: Answer) -> str:
    """What EspoCRM says in ``X-Status-Reason``: a code, a sentence or JSON; never more than a line of it."""
    return answer.headers.get("x-status-reason", "")[:200]
