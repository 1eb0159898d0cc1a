"""HTTP as FHIR uses it (https://hl7.org/fhir/R4/http.html): credentials, capabilities, Bundles, links, refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from reminders.clock import Clock
from reminders.domain.connector import CursorGone, LoginRefused, Missing, PeerError, Precondition, Refused
from reminders.gateways.http import basic
from reminders.gateways.jsonapi import Answer, ask
from reminders.gateways.outward import Outward

_TYPE = "application/fhir+json"
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
#: A token is renewed a little before it expires.
_EARLY = timedelta(seconds=30)
_LIFE = 300


@dataclass(frozen=True, slots=True)
class Bundle:
    """One page of a list. ``following``: the address of the next, on the same server."""

    entries: Sequence[Mapping[str, Any]]
    following: str | None


class FhirApi:
    """One server. Credentials are a bearer token, a name with a password, or a client that fetches tokens itself (OAuth 2.0
    client credentials, RFC 6749 section 4.4)."""

    def __init__(self, outward: Outward, clock: Clock, settings: Mapping[str, str]) -> None:
        self._outward, self._clock, self._settings = outward, clock, settings
        self.base = settings["url"].rstrip("/") + "/"
        self._token: tuple[str, datetime] | None = None

    def call(
        self, method: str, place: str, *, query: Sequence[tuple[str, str]] = (), body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """One request; the caller judges every status but 401, 429 and those above 499. ``place`` is relative to the
        address of the server."""
        url = urljoin(self.base, place) + (f"?{urlencode(query)}" if query else "")
        names = {"Accept": _TYPE, **({"Content-Type": _TYPE} if body is not None else {}), **(headers or {})}
        had = self._token
        try:
            return ask(self._outward, method, url, body=body, headers=names, secrets=self._credentials())
        except LoginRefused:
            if had is None:
                raise
        self._token = None  # withdrawn before its time
        return ask(self._outward, method, url, body=body, headers=names, secrets=self._credentials())

    def bundle(self, kind: str, place: str, query: Sequence[tuple[str, str]] = ()) -> Bundle:
        """One page; ``PeerError`` when it is none, ``CursorGone`` when the server no longer knows it."""
        answer = self.call("GET", place, query=query)
        if answer.status in (404, 410) and not query:
            raise CursorGone
        data = answer.data
        if answer.status != 200 or not isinstance(data, Mapping) or data.get("resourceType") != "Bundle":
            raise PeerError(
                f"{kind} cannot be listed ({answer.status}{said(answer)}).", permanent=400 <= answer.status < 500
            )
        links = {one.get("relation"): one.get("url") for one in data.get("link") or [] if isinstance(one, Mapping)}
        entries = [one for one in data.get("entry") or [] if isinstance(one, Mapping)]
        following = links.get("next")
        return Bundle(entries, self._checked(following, urljoin(self.base, place)) if following else None)

    def _checked(self, link: Any, here: str) -> str:
        """A link of a server leads only to the same server: our credentials go along."""
        there = urljoin(here, str(link))
        if urlsplit(there)[:2] != urlsplit(self.base)[:2]:
            raise PeerError("The other system's next page is on another server.", permanent=True)
        if there == here:
            raise PeerError("The other system's next page is the same page.", permanent=True)
        return there

    def _credentials(self) -> dict[str, str]:
        given = self._settings
        if given["client_id"]:
            return {"Authorization": f"Bearer {self._bearer()}"}
        if given["token"]:
            return {"Authorization": f"Bearer {given['token']}"}
        return {"Authorization": basic(given["username"], given["password"])} if given["username"] else {}

    def _bearer(self) -> str:
        now = self._clock.now()
        if self._token is None or self._token[1] <= now:
            self._token = self._fetched(now)
        return self._token[0]

    def _fetched(self, now: datetime) -> tuple[str, datetime]:
        given = self._settings
        form = {"grant_type": "client_credentials"} | ({"scope": given["scope"]} if given["scope"] else {})
        secret = {"Authorization": basic(given["client_id"], given["client_secret"])}
        reply = self._outward.request(
            "POST", given["token_url"], headers=_FORM, body=urlencode(form), secrets=secret
        )  # fmt: skip
        try:
            data = json.loads(reply.body)
            token, life = data["access_token"], int(data.get("expires_in", _LIFE))
        except (ValueError, KeyError, TypeError) as problem:
            if 400 <= reply.status < 500:
                raise LoginRefused("The other system gives this client no token.") from problem
            raise PeerError("The other system's token cannot be read.") from problem
        return str(token), now + max(timedelta(0), timedelta(seconds=life) - _EARLY)


def failed(answer: Answer) -> Exception:
    """What a refused write means; 409 is the caller's to judge."""
    if answer.status in (404, 410):
        return Missing()
    if answer.status == 412:
        return Precondition()
    if 400 <= answer.status < 500:
        return Refused(f"http_{answer.status}", f"The other system does not take it ({answer.status}{said(answer)}).")
    return PeerError(f"The other system answers {answer.status}.")


def said(answer: Answer) -> str:
    """What an OperationOutcome says, in one line; nothing when there is none."""
    data = answer.data if isinstance(answer.data, Mapping) else {}
    for issue in data.get("issue") or []:
        details = issue.get("details") if isinstance(issue, Mapping) else None
        text = (details or {}).get("text") or (issue.get("code") if isinstance(issue, Mapping) else None)
        if isinstance(text, str):
            return ": " + " ".join(text.split())[:200]
    return ""


def version_of(resource: Mapping[str, Any]) -> str | None:
    meta = resource.get("meta")
    found = meta.get("versionId") if isinstance(meta, Mapping) else None
    return str(found) if found else None
