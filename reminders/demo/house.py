"""A whole running installation: real HTTP on a free port, the sandbox as Twilio, and a clock moved by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from reminders.clock import ManualClock
from reminders.domain.actor import Role
from reminders.errors import ReminderError
from reminders.sandbox.state import Sandbox
from reminders.settings import load
from reminders.wiring.service import Service, build

#: A step of the sandbox that is further away than this waits for a person; what is nearer is a delivery or a sentence
#: being spoken.
_SOON = timedelta(seconds=30)
_ROUNDS = 60
#: Names under which Python lets parameters be passed whose real name is a keyword.
_PARAMETERS = {"first": "from", "last": "to"}


class Unexpected(ReminderError):
    """The installation answered something else than it should have."""

    code = "rehearsal_failed"
    sentence = "The rehearsal did not go as it should."


@dataclass
class House:
    """One installation and a client of its API, which speaks as the desk unless told otherwise."""

    service: Service
    clock: ManualClock
    url: str
    session: requests.Session = field(default_factory=requests.Session)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def sandbox(self) -> Sandbox:
        if self.service.sandbox is None:
            raise Unexpected("This installation talks to a real provider.")
        return self.service.sandbox

    def key(self, role: str) -> str:
        """A key of this role, made when it is first needed."""
        if role not in self.keys:
            self.keys[role] = self.service.use_cases.access.create(Role(role), "rehearsal")
        return self.keys[role]

    def api(self, method: str, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> requests.Response:
        """One request under ``/api/v1``, whatever the answer; ``If_Match`` stands for the header If-Match."""
        return self._request(method, path, role, headers, json=body)

    def get(self, path: str, role: str = "desk", **query: Any) -> Any:
        """What is there; ``first`` and ``last`` stand for the parameters from and to."""
        parameters = {_PARAMETERS.get(name, name): value for name, value in query.items()}
        return _accepted(self._request("GET", path, role, {}, params=parameters), path)

    def post(self, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> Any:
        """Do something; ``Unexpected`` when it is refused."""
        return _accepted(self.api("POST", path, {} if body is None else body, role=role, **headers), path)

    def _request(
        self, method: str, path: str, role: str, headers: Mapping[str, str], **content: Any
    ) -> requests.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {self.key(role)}"
        return self.session.request(method, f"{self.url}/api/v1/{path}", headers=sent, timeout=30, **content)

    def tick(self, **ahead: float) -> None:
        """Move the clock on by so many seconds, minutes, hours … and let worker and sandbox do what is due."""
        if ahead:
            self.clock.advance(timedelta(**ahead))
        self.service.worker.tick()

    def settle(self) -> None:
        """Some seconds pass, until every message under way has arrived; a call that waits for a key goes on waiting."""
        for _ in range(_ROUNDS):
            if not self._under_way():
                self.tick()  # something may have become due just now, such as a call after a text that failed
                if not self._under_way():
                    return
            self.clock.set(max(self.sandbox.next_due or self.clock.now(), self.clock.now()))
            self.tick()
        raise Unexpected("Messages are going round in circles.")

    def _under_way(self) -> bool:
        due = self.sandbox.next_due
        return due is not None and due <= self.clock.now() + _SOON


class _Silent(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing of requests that went well or were refused."""


@contextmanager
def running(database_url: str, start: datetime, **changes: Any) -> Iterator[House]:
    """Serve an installation on a migrated database until the block ends. ``changes`` are settings."""
    waiting = _Door()
    server = make_server("127.0.0.1", 0, waiting, threaded=True, request_handler=_Silent)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = load({"REMINDERS_DATABASE_URL": database_url, "REMINDERS_PUBLIC_URL": url, "REMINDERS_SENDERS": "4"})
    clock = ManualClock(start)
    service = build(replace(settings, rate_limit="100000/minute", **changes), clock)
    waiting.app = service.app()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    house = House(service, clock, url)
    house.session.trust_env = False  # loopback: no proxy, whatever the environment says
    try:
        yield house
    finally:
        house.session.close()
        server.shutdown()
        thread.join()
        server.server_close()
        service.close()


class _Door:
    """The application has to know its port, and the server its application: this stands between them."""

    app: Flask

    def __call__(self, environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        return self.app(environ, respond)


def _accepted(answer: requests.Response, path: str) -> Any:
    if answer.ok:
        return answer.json() if answer.content else None
    raise Unexpected(f"{path}: {answer.status_code} {answer.text}")
