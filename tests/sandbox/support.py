"""The emulator in a bare Flask app, Twilio's own SDK in front of it and a small application behind it. No sockets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from reminders.clock import ManualClock
from reminders.sandbox import Faults, Sandbox
from reminders.sandbox.blueprint import create_blueprint

ACCOUNT = "AC" + "5" * 32
TOKEN = "not-a-real-token"
NUMBER = "+12025550150"
PHONE = "+12025550100"
OTHER_PHONE = "+447700900123"
START = datetime(2025, 3, 30, 0, 59, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
APPLICATION = "https://clinic.example"
INBOUND_URL = f"{APPLICATION}/hooks/twilio/sms?tenant=a%20b"
STATUS_URL = f"{APPLICATION}/hooks/twilio/status/token-1"
VOICE_URL = f"{APPLICATION}/hooks/twilio/voice/token-1"
TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "pages"


class SandboxHttpClient(HttpClient):
    """Sends what the SDK would send to api.twilio.com into a Flask test client."""

    def __init__(self, client: FlaskClient) -> None:
        super().__init__(logging.getLogger("sandbox-sdk"), False)
        self._client = client
        self.headers: dict[str, str] = {}

    def request(
        self,
        method: str,
        url: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: Any = None,
        **_: Any,
    ) -> Response:
        answer = self._client.open(
            url.replace("https://api.twilio.com", "/sandbox", 1),
            method=method,
            query_string=urlencode(params or {}, doseq=True) or None,
            data=urlencode(data or {}, doseq=True),
            headers=headers,
            auth=auth,
        )
        self.headers = dict(answer.headers)
        return Response(answer.status_code, answer.get_data(as_text=True), self.headers)


@dataclass
class Request:
    """One webhook as it reached the application."""

    url: str
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def signed(self) -> bool:
        return bool(RequestValidator(TOKEN).validate(self.url, self.form, self.headers["X-Twilio-Signature"]))


@dataclass
class Application:
    """The product's side: remembers every webhook, answers with what the test put there."""

    answers: dict[str, Callable[[dict[str, str]], tuple[int, str]]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def __call__(self, url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
        self.requests.append(Request(url, form, headers))
        answer = self.answers.get(url)
        return answer(form) if answer else (204, "")

    def answer(self, url: str, body: str, status: int = 200) -> None:
        self.answers[url] = lambda form: (status, body)

    def to(self, url: str) -> list[Request]:
        return [request for request in self.requests if request.url == url]

    def statuses(self, key: str = "MessageStatus") -> list[str]:
        return [request.form[key] for request in self.requests if key in request.form]


@dataclass
class World:
    """Everything a test needs."""

    clock: ManualClock
    application: Application
    sandbox: Sandbox
    http: SandboxHttpClient
    sdk: Client
    browser: FlaskClient

    def pass_time(self, span: timedelta = timedelta(seconds=10)) -> int:
        """Let ``span`` pass second by second, as a worker's ticker would."""
        done = 0
        for _ in range(int(span / SECOND)):
            done += self.sandbox.advance(self.clock.advance(SECOND))
        return done

    def send(self, body: str = "Your visit is tomorrow.", to: str = PHONE, **options: Any) -> Any:
        return self.sdk.messages.create(to=to, from_=NUMBER, body=body, **options)


def make_world(*, faults: Faults | None = None, **options: Any) -> World:
    clock = ManualClock(START)
    application = Application()
    sandbox = Sandbox(clock, ACCOUNT, TOKEN, NUMBER, INBOUND_URL, application, SECOND, faults=faults, **options)
    app = Flask("sandbox-test", template_folder=str(TEMPLATES))
    app.testing = True
    app.register_blueprint(create_blueprint(sandbox))
    http = SandboxHttpClient(app.test_client())
    sdk = Client(ACCOUNT, TOKEN, http_client=http)
    return World(clock, application, sandbox, http, sdk, app.test_client())
