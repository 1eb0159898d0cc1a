"""A whole running service for journeys: real HTTP on a free port, the sandbox as Twilio, a clock that tests move."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from werkzeug.serving import make_server

from reminders.clock import ManualClock
from reminders.domain.actor import Role
from reminders.settings import load
from reminders.wiring import Service, build

#: A Monday, far from any change of clocks.
MONDAY = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)


@dataclass
class House:
    """One installation. ``api`` speaks as the desk unless told otherwise."""

    service: Service
    clock: ManualClock
    url: str
    session: requests.Session = field(default_factory=requests.Session)
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, role: str) -> str:
        if role not in self.keys:
            self.keys[role] = self.service.use_cases.access.create(Role(role), "test")
        return self.keys[role]

    def api(self, method: str, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> requests.Response:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {self.key(role)}"
        return self.session.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers, timeout=30)

    def get(self, path: str, role: str = "desk", **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key(role)}"}
        names = {"first": "from", "last": "to"}
        params = {names.get(name, name): value for name, value in query.items()}
        answer = self.session.get(f"{self.url}/api/v1/{path}", params=params, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, *, role: str = "desk", **headers: str) -> Any:
        answer = self.api("POST", path, {} if body is None else body, role=role, **headers)
        assert answer.status_code in {200, 201}, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def tick(self, **ahead: float) -> None:
        """Move the clock on and let the worker and the sandbox do what is due."""
        if ahead:
            self.clock.advance(timedelta(**ahead))
        self.service.worker.tick()

    def settle(self, rounds: int = 6) -> None:
        """A few seconds pass: messages are delivered, callbacks arrive."""
        for _ in range(rounds):
            self.tick(seconds=2)

    @property
    def sandbox(self) -> Any:
        assert self.service.sandbox is not None
        return self.service.sandbox


@contextmanager
def running(database_url: str, start: datetime = MONDAY, **changes: Any) -> Iterator[House]:
    """Serve an installation until the block ends."""
    clock = ManualClock(start)
    server = make_server("127.0.0.1", 0, lambda environ, respond: app(environ, respond), threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = load({"REMINDERS_DATABASE_URL": database_url, "REMINDERS_PUBLIC_URL": url, "REMINDERS_SENDERS": "4"})
    settings = replace(settings, rate_limit="100000/minute", **changes)
    service = build(settings, clock)
    app = service.app()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
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


def clinic(house: House, **changes: Any) -> dict[str, Any]:
    """A venue in Madrid with one provider, one service, one policy and one patient; returns their ids."""
    location = house.post("locations", {
        "name": "Clinica Norte", "time_zone": "Europe/Madrid", "country": "ES", "language": "es", "currency": "EUR",
        "phone": "+34 600 000 001", "observes_holidays": False,
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
    }, role="admin")  # fmt: skip
    service = house.post("services", {
        "name": "Check-up", "duration_minutes": 30, "provider_ids": [provider["id"]],
        "reminder_policy_id": policy["id"], "value": {"amount": "80.00", "currency": "EUR"},
    }, role="admin")  # fmt: skip
    patient = house.post("patients", {"name": "Ana Ruiz", "phone": "600 000 010", "language": "es"})
    return {name: item["id"] for name, item in {
        "location": location, "policy": policy, "provider": provider, "service": service, "patient": patient,
    }.items()}  # fmt: skip


def book(house: House, ids: dict[str, Any], start: str, **changes: Any) -> dict[str, Any]:
    """Book the clinic's one service for its one patient."""
    body = {"service_id": ids["service"], "provider_id": ids["provider"], "patient_id": ids["patient"], "start": start}
    return house.post("appointments", body | changes)
