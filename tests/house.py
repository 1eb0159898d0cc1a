"""A whole service for tests: over real HTTP for journeys, in this process for the web tests; a clock that tests move."""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import requests
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from twilio.request_validator import RequestValidator
from werkzeug.serving import WSGIRequestHandler, make_server

from reminders.clock import Clock, ManualClock
from reminders.connecting import SYSTEMS, Systems
from reminders.domain.actor import Role
from reminders.domain.ports import Messenger
from reminders.settings import Settings, load
from reminders.wiring.service import Service, build

#: A Monday, far from any change of clocks.
MONDAY = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)
LOCAL_URL = "http://clinic.test"
#: Passwords of tests need not withstand anybody; a good hash takes a tenth of a second each time.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """One HTTP response, whichever way it came."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """``code`` of a problem document."""
        return str(self.json()["code"])

    @property
    def fields(self) -> set[str]:
        """The fields a problem document complains of."""
        return {item["field"] for item in self.json().get("errors", [])}


@dataclass
class Api(ABC):
    """The service as a caller with keys sees it. Speaks as the desk unless told otherwise."""

    service: Service
    clock: ManualClock
    url: str
    keys: dict[str, str] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)

    @abstractmethod
    def send(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        """One request; ``target`` is a path with its query, already encoded."""

    def key(self, role: str) -> str:
        if role not in self.keys:
            self.keys[role] = self.service.use_cases.access.create(Role(role), "test")
        return self.keys[role]

    def api(
        self, method: str, path: str, body: Any = None, *, role: str | None = "desk", query: Mapping[str, Any] | None = None,
        data: bytes | None = None, **headers: str,
    ) -> Answer:  # fmt: skip
        """A call below /api/v1. ``role=None`` sends no key; ``data`` is a body as it stands; header names use ``_``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            sent.setdefault("Authorization", f"Bearer {self.key(role)}")
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        names = {"first": "from", "last": "to"}
        given = [(names.get(name, name), value) for name, value in (query or {}).items()]
        return self.send(method, f"/api/v1/{path}" + (f"?{urlencode(given)}" if given else ""), data, sent)

    def get(self, path: str, role: str = "desk", **query: Any) -> Any:
        answer = self.api("GET", path, role=role, query=query)
        assert answer.status == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> Any:
        answer = self.api("POST", path, {} if body is None else body, role=role, **headers)
        assert answer.status in {200, 201}, f"{path}: {answer.status} {answer.text}"
        return answer.json()

    def patch(self, path: str, body: Any, *, role: str = "desk", **headers: str) -> Any:
        answer = self.api("PATCH", path, body, role=role, **headers)
        assert answer.status == 200, f"{path}: {answer.status} {answer.text}"
        return answer.json()

    def reminders(self, visit: Mapping[str, Any]) -> list[Any]:
        """The ledger of a visit."""
        items: list[Any] = self.get(f"appointments/{visit['id']}/reminders")["items"]
        return items

    def hook(self, path: str, form: Mapping[str, Any] | list[tuple[str, str]], signature: str | None = None) -> Answer:
        """A webhook as Twilio posts it; correctly signed unless a ``signature`` is given."""
        pairs = list(form.items()) if isinstance(form, Mapping) else form
        if signature is None:
            signature = self.signer.compute_signature(self.url + path, dict(pairs))
        data = urlencode(pairs, errors="surrogatepass").encode()
        return self.send("POST", path, data, {"Content-Type": FORM, "X-Twilio-Signature": signature})

    @property
    def signer(self) -> RequestValidator:
        return RequestValidator(self.service.settings.twilio_auth_token)

    def sms(self, phone: str, text: str, sid: str, **more: str) -> Answer:
        """A patient's text, as Twilio hands it over."""
        form = {"MessageSid": sid, "From": phone, "To": "+15005550006", "Body": text} | more
        return self.hook("/hooks/twilio/sms", form)

    def tick(self, **ahead: float) -> None:
        """Move the clock on and let the worker and the sandbox do what is due."""
        if ahead:
            self.clock.advance(timedelta(**ahead))
        self.service.worker.tick()

    def tick_at(self, moment: datetime) -> None:
        """Let the worker wake up at ``moment``."""
        self.clock.set(moment)
        self.service.worker.tick()

    def settle(self, rounds: int = 3) -> None:
        """A few seconds pass: messages are delivered, callbacks arrive."""
        for _ in range(rounds):
            self.tick(seconds=2)

    @property
    def sandbox(self) -> Any:
        assert self.service.sandbox is not None
        return self.service.sandbox


@dataclass
class House(Api):
    """One installation behind a real port."""

    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        answer = self.session.request(method, self.url + target, data=data, headers=headers, timeout=30)
        return Answer(answer.status_code, answer.headers, answer.text)

    def texts(self, phone: str) -> list[str]:
        """Every SMS that the phone got from the clinic, oldest first."""
        return [
            entry.body
            for entry in self.sandbox.conversation(phone)
            if getattr(entry, "direction", "").startswith("outbound")
        ]

    def calls(self, phone: str) -> list[Any]:
        """Every call to the phone, oldest first."""
        return [entry for entry in self.sandbox.conversation(phone) if hasattr(entry, "transcript")]

    def reply(self, phone: str, text: str) -> None:
        """The person with the phone answers, and the answer is dealt with."""
        self.sandbox.reply(phone, text)
        self.settle(2)


@dataclass
class Local(Api):
    """One installation in this process, without sockets."""

    client: FlaskClient = None  # type: ignore[assignment]

    def send(self, method: str, target: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        answer = self.client.open(target, method=method, data=data, headers=headers, base_url=self.url)
        found = Answer(answer.status_code, answer.headers, answer.get_data(as_text=True))
        answer.close()
        return found


class Quiet(WSGIRequestHandler):
    """The server of production keeps no access log either."""

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@contextmanager
def running(
    database_url: str, start: datetime = MONDAY, messenger: Callable[[Clock], Messenger] | None = None,
    systems: Systems = SYSTEMS, **changes: Any,
) -> Iterator[House]:  # fmt: skip
    """Serve an installation until the block ends."""
    clock = ManualClock(start)
    server = make_server(
        "127.0.0.1", 0, lambda environ, respond: app(environ, respond), threaded=True, request_handler=Quiet
    )
    url = f"http://127.0.0.1:{server.server_port}"
    settings = configured(database_url, url, **changes)
    service = build(settings, clock, messenger(clock) if messenger else None, systems=systems, hasher=QUICK)
    app = service.app()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    house = House(service, clock, url)
    try:
        yield house
    finally:
        house.session.close()
        server.shutdown()
        thread.join()
        server.server_close()
        service.close()


@contextmanager
def local(
    database_url: str, start: datetime = MONDAY, messenger: Callable[[Clock], Messenger] | None = None,
    systems: Systems = SYSTEMS, **changes: Any,
) -> Iterator[Local]:  # fmt: skip
    """An installation that is called directly, until the block ends. ``systems`` can be connected to."""
    clock = ManualClock(start)
    settings = configured(database_url, LOCAL_URL, **changes)
    service = build(settings, clock, messenger(clock) if messenger else None, systems=systems, hasher=QUICK)
    try:
        yield Local(service, clock, LOCAL_URL, client=service.app().test_client())
    finally:
        service.close()


def configured(database_url: str, url: str, **changes: Any) -> Settings:
    settings = load({"REMINDERS_DATABASE_URL": database_url, "REMINDERS_PUBLIC_URL": url, "REMINDERS_SENDERS": "4"})
    return replace(settings, **{"rate_limit": "100000/minute"} | changes)


def clinic(house: Api, **changes: Any) -> dict[str, Any]:
    """A venue in Madrid with one provider, one service, one policy and one patient; returns their ids."""
    location = house.post("locations", {
        "name": "Clinica Norte", "time_zone": "Europe/Madrid", "country": "ES", "language": "es", "currency": "EUR",
        "phone": "+34 600 000 001", "observes_holidays": False, **changes.get("location", {}),
    }, role="admin")  # fmt: skip
    policy = house.post("reminder-policies", {
        "name": "Two nudges",
        "steps": changes.get("steps", [
            {"offset": "-P1D", "channels": ["sms"]},
            {"offset": "-PT2H", "channels": ["sms"], "unless_confirmed": True},
        ]),
        **changes.get("policy", {"quiet_hours": None}),
    }, role="admin")  # fmt: skip
    provider = house.post("providers", {
        "name": "Dr Vega", "location_id": location["id"], "languages": ["es"],
        "hours": [{"weekday": day, "start": "09:00", "end": "17:00"} for day in ("MO", "TU", "WE", "TH", "FR")],
        **changes.get("provider", {}),
    }, role="admin")  # fmt: skip
    service = house.post("services", {
        "name": "Check-up", "duration_minutes": 30, "provider_ids": [provider["id"]],
        "reminder_policy_id": policy["id"], "value": {"amount": "80.00", "currency": "EUR"},
        **changes.get("service", {}),
    }, role="admin")  # fmt: skip
    patient = house.post(
        "patients", {"name": "Ana Ruiz", "phone": "600 000 010", "language": "es", **changes.get("patient", {})}
    )
    return {name: item["id"] for name, item in {
        "location": location, "policy": policy, "provider": provider, "service": service, "patient": patient,
    }.items()}  # fmt: skip


def booking(ids: Mapping[str, Any], start: str, **changes: Any) -> dict[str, Any]:
    """The body that books the clinic's one service for its one patient."""
    body = {"service_id": ids["service"], "provider_id": ids["provider"], "patient_id": ids["patient"], "start": start}
    return body | changes


def book(house: Api, ids: Mapping[str, Any], start: str, **changes: Any) -> dict[str, Any]:
    """Book it."""
    visit: dict[str, Any] = house.post("appointments", booking(ids, start, **changes))
    return visit
