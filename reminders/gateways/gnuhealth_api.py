"""Tryton's JSON-RPC, as GNU Health speaks it (docs.tryton.org, "RPC" and "ModelStorage"): login, sessions, calls, moments,
errors.

An error comes with status 200. A refusal by Tryton has a name (``UserError``, ``ConcurrencyException``); anything else that
goes wrong there is a bare text, be it a field that its code supposes to be given or a database that is locked.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from reminders.domain.connector import LoginRefused, PeerError, Precondition, Refused
from reminders.gateways.jsonapi import Answer, ask
from reminders.gateways.outward import Outward

#: A trouble of theirs that may be over the next time.
_PASSING = re.compile(r"lock|serializ|connect|time-?out|timed out|memory|disk|too many", re.IGNORECASE)
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}


class Session(NamedTuple):
    """Who we are there, until it expires."""

    user: int
    token: str


class Tryton:
    """One database of one server, in the name of a user."""

    def __init__(self, outward: Outward, url: str, database: str, user: str, password: str) -> None:
        self._outward, self._database = outward, database
        self._url = f"{url.rstrip('/')}/{quote(database, safe='')}/"
        self._name, self._password = user, password
        self._session: Session | None = None

    @property
    def user(self) -> int:
        """Our own user's id."""
        return (self._session or self._login()).user

    def read(self, name: str, *params: Any, **context: Any) -> Any:
        """What a method answers (``party.party.search_count``); ``PeerError`` when it does not."""
        result, error = self._call(name, params, context)
        if error is not None:
            raise PeerError(f"GNU Health cannot answer: {_said(error)}")
        return result

    def write(self, name: str, *params: Any, **context: Any) -> Any:
        """The same for a method that changes something; ``Precondition`` when somebody else was faster, ``Refused`` when
        it is against a rule there. Either way nothing was changed."""
        result, error = self._call(name, params, context)
        if error is not None:
            raise _meaning(error)
        return result

    def _call(self, name: str, params: Sequence[Any], context: Mapping[str, Any]) -> tuple[Any, Sequence[Any] | None]:
        body = {"id": 1, "method": f"model.{name}", "params": [*params, dict(context)]}
        fresh = self._session is None
        session = self._session or self._login()
        try:
            answer = self._ask(body, session)
        except LoginRefused:  # the session is over; then the login says whether we are still welcome
            if fresh:
                raise
            answer = self._ask(body, self._login())
        return self._judged(answer)

    def _ask(self, body: Mapping[str, Any], session: Session) -> Answer:
        return ask(self._outward, "POST", self._url, body=body, secrets={"Authorization": f"Session {session.token}"})

    def _login(self) -> Session:
        self._session = None
        body = {"id": 0, "method": "common.db.login", "params": [self._name, {"password": self._password}]}
        reply = self._outward.request("POST", self._url, headers=_JSON, body=json.dumps(body), secret_body=True)
        try:
            data = json.loads(reply.body)
        except ValueError:
            data = None
        result, _ = self._judged(Answer(reply.status, reply.headers, data))
        if not isinstance(result, list) or len(result) < 2:
            raise LoginRefused("GNU Health asks for more than a password, or the login is of no use here.")
        user, key = int(result[0]), str(result[1])
        token = b64encode(f"{self._name}:{user}:{key}".encode()).decode()
        self._session = Session(user, token)
        return self._session

    def _judged(self, answer: Answer) -> tuple[Any, Sequence[Any] | None]:
        if answer.status == 404:
            raise PeerError(f"There is no database {self._database!r} there.", permanent=True)
        if answer.status >= 300:
            raise PeerError(f"GNU Health refuses ({answer.status}).", permanent=True)
        data = answer.data
        if not isinstance(data, dict) or not data.keys() & {"result", "error"}:
            raise PeerError("The other system's answer cannot be read.")
        error = data.get("error")
        return plain(data.get("result")), error if isinstance(error, list) and error else None


def plain(value: Any) -> Any:
    """An answer with moments and days as ISO 8601 texts that sort in their order; moments are in UTC."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    if kind == "datetime":
        parts = {name: value[name] for name in _PARTS}
        return datetime(**parts, tzinfo=UTC).isoformat(timespec="microseconds")
    if kind == "date":
        return date(value["year"], value["month"], value["day"]).isoformat()
    return {name: plain(inner) for name, inner in value.items()}


def stamped(when: datetime) -> dict[str, Any]:
    """A moment as it is sent."""
    there = when.astimezone(UTC)
    return {"__class__": "datetime", **{name: getattr(there, name) for name in _PARTS}}


def _meaning(error: Sequence[Any]) -> Exception:
    """What a refused write means."""
    name, text = str(error[0]), _said(error)
    if name == "ConcurrencyException":
        return Precondition()
    if name == "UserWarning":
        return Refused("warning_there", f"GNU Health warns, and waits for a person ({text}).")
    if name == "UserError":
        return Refused("refused", f"GNU Health does not take it ({text}).")
    if _PASSING.search(text):
        return PeerError(f"GNU Health cannot write: {text}")
    return Refused("server_error", f"GNU Health fails over it ({text}).")


def _said(error: Sequence[Any]) -> str:
    """One line of an error, without anything that was sent."""
    first = error[0]
    if first in ("UserError", "UserWarning") and len(error) > 1 and isinstance(error[1], list):
        words = error[1][1:] if first == "UserWarning" else error[1]
        return " ".join(str(word) for word in words[:1])[:200]
    return str(first).strip().splitlines()[0][:200] if str(first).strip() else "no reason given"
