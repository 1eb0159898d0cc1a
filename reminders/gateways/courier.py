"""Hands over webhooks, under the rules for addresses that people type in (``gateways/outward.py``)."""

from __future__ import annotations

from collections.abc import Mapping

from reminders.domain.connector import PeerError
from reminders.domain.ports import Posted
from reminders.errors import Invalid
from reminders.gateways.outward import NotPublic, Outward

#: How long a receiver may take; the specification advises 15 to 30.
SECONDS = 15.0


class HttpCourier:
    """A ``Courier`` over HTTP."""

    def __init__(self, outward: Outward) -> None:
        self._outward = outward

    def check(self, url: str) -> None:
        try:
            self._outward.check(url)
        except NotPublic as problem:
            raise Invalid(
                "Webhooks go to public https addresses; REMINDERS_PRIVATE_NETWORKS allows others.", field="url"
            ) from problem

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        try:
            reply = self._outward.once("POST", url, headers=headers, body=body, seconds=SECONDS)
        except PeerError as problem:
            return Posted(None, problem.reason)
        ok = 200 <= reply.status < 300
        return Posted(reply.status, None if ok else f"http_{reply.status}", self._outward.retry_after(reply))
