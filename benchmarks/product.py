"""Our product on a fresh database: started as an operator would start it, seeded and loaded through its HTTP API."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from benchmarks import loadgen, scenario, servers
from benchmarks.scenario import CLIENTS, Scenario, Slot

PATIENTS = 1000
CLI = servers.BIN / "reminders"
STATEMENTS = "reminders_sql_statements_total"
_API = "/api/v1"
# North American numbers kept free for fiction: 555-0100 to 555-0199 in each of ten area codes.
_AREAS = (205, 206, 212, 303, 305, 312, 404, 415, 512, 617)


@dataclass(frozen=True)
class Product:
    """A running, seeded product and the ways to load it. All wall times are UTC."""

    server: servers.Server
    plan: Scenario
    key: str
    service_id: str
    provider_ids: list[str]
    patient_ids: list[str]

    def search(self, seconds: float, days: int = 1, clients: int = CLIENTS) -> loadgen.Result:
        """Free slots of one provider over ``days`` days."""
        wanted = self.plan.searches(within_days=30) if days == 1 else self.plan.searches(within_days=1)
        requests = [self._get(self._slots(provider, day, days)) for provider, day in wanted]
        return loadgen.run(self.server.address, loadgen.spread(requests, clients), seconds).only(200)

    def offered(self, provider: int, day: date) -> list[str]:
        """The free starts of one day, in UTC."""
        answer = self.read(self._slots(provider, day, 1))
        return [_utc(item["start"]) for item in answer["items"]]

    def book(self, slots: Sequence[Slot]) -> tuple[loadgen.Result, list[str]]:
        """Book each of these slots once with 8 clients; (result, ids of the new appointments)."""
        bodies: list[bytes] = []
        scripts = [self._bookings(client, slots[client::CLIENTS], bodies) for client in range(CLIENTS)]
        result = loadgen.run(self.server.address, scripts)
        if set(result.statuses) != {201}:
            raise loadgen.LoadError(f"bookings answered {dict(result.statuses)}: {bodies[-1][:1000]!r}")
        return result, [json.loads(body)["id"] for body in bodies]

    def race(self, slot: Slot) -> tuple[Counter[str], int]:
        """8 clients book one slot at once: (answers by status and code, visits then found at that time)."""
        bodies: list[bytes] = []
        result = loadgen.run(self.server.address, [self._bookings(client, [slot], bodies) for client in range(CLIENTS)])
        codes = Counter(str(json.loads(body).get("code", "")) for body in bodies)
        answers = Counter({f"{status}": count for status, count in result.statuses.items()})
        answers["slot_taken"] = codes["slot_taken"]
        return answers, len(self._visits_at(slot))

    def reads(self, ids: Sequence[str], seconds: float) -> loadgen.Result:
        """GET of single appointments."""
        requests = [self._get(f"{_API}/appointments/{one}") for one in ids]
        return loadgen.run(self.server.address, loadgen.spread(requests, CLIENTS), seconds).only(200)

    def statements(self) -> float:
        """The product's own count of SQL statements. Meaningful with one worker: each counts for itself."""
        (answer,) = loadgen.ask(self.server.address, self._get("/metrics"))
        for line in answer.body.decode().splitlines():
            if line.startswith((STATEMENTS + " ", STATEMENTS + "{")):
                return float(line.rpartition(" ")[2])
        raise servers.ServerError(f"/metrics does not show {STATEMENTS}")

    def statements_per_search(self, searches: int = 200, days: int = 1) -> float:
        """SQL statements of one search, those of reading /metrics taken off."""
        requests = [self._get(self._slots(*wanted, days)) for wanted in self.plan.searches(searches, 1)]
        loadgen.ask(self.server.address, *requests[:20])
        first, second = self.statements(), self.statements()
        loadgen.ask(self.server.address, *requests)
        return (self.statements() - second - (second - first)) / searches

    def read(self, path: str) -> Any:
        """JSON of one GET; ``LoadError`` unless it is 200."""
        (answer,) = loadgen.ask(self.server.address, self._get(path))
        return _checked(answer, 200)

    def create(self, path: str, *bodies: Mapping[str, Any]) -> list[Any]:
        """POST each body; the JSON of what was made."""
        requests = [self._post(f"{_API}/{path}", body) for body in bodies]
        return [_checked(answer, 201) for answer in loadgen.ask(self.server.address, *requests)]

    def _bookings(self, client: int, slots: Sequence[Slot], bodies: list[bytes]) -> loadgen.Script:
        patients = itertools.cycle(self.patient_ids[client::CLIENTS])
        requests = [self._post(f"{_API}/appointments", self._booking(slot, next(patients))) for slot in slots]
        for one in requests:
            answer = yield one
            bodies.append(answer.body)

    def _booking(self, slot: Slot, patient_id: str) -> dict[str, str]:
        return {
            "service_id": self.service_id,
            "provider_id": self.provider_ids[slot.provider],
            "patient_id": patient_id,
            "start": _instant(slot.day, slot.start),
        }

    def _visits_at(self, slot: Slot) -> list[Any]:
        start, provider = _instant(slot.day, slot.start), self.provider_ids[slot.provider]
        end = _instant(slot.day, slot.start, minutes=1)
        found = self.read(f"{_API}/appointments?provider_id={provider}&from={start}&to={end}")["items"]
        return [one for one in found if one["status"] != "cancelled"]

    def _slots(self, provider: int, day: date, days: int) -> str:
        first, last = _instant(day, time()), _instant(day + timedelta(days=days), time())
        wanted = f"service_id={self.service_id}&provider_id={self.provider_ids[provider]}"
        return f"{_API}/slots?{wanted}&from={first}&to={last}&limit={20 * days}"

    def _get(self, path: str) -> bytes:
        return loadgen.request("GET", path, {"Authorization": f"Bearer {self.key}"})

    def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return loadgen.request("POST", path, headers, json.dumps(body).encode())


@contextmanager
def running(plan: Scenario, database_url: str, folder: Path) -> Iterator[Product]:
    """Migrate, serve and seed the product until the block ends; ``database_url`` is an empty database."""
    environment = _environment(database_url)
    _reminders(environment, folder, "migrate")
    key = _reminders(environment, folder, "key", "create", "--role", "admin").splitlines()[-1].strip()
    with serving(environment, folder, scenario.WORKERS) as server:
        product = _seed(Product(server, plan, key, "", [], []))
        _verify(product)
        yield product


@contextmanager
def with_one_worker(product: Product, database_url: str, folder: Path) -> Iterator[Product]:
    """The same data behind a second server with a single worker, for counters that live in a process."""
    with serving(_environment(database_url), folder, 1) as server:
        yield replace(product, server=server)


@contextmanager
def serving(environment: Mapping[str, str], folder: Path, workers: int) -> Iterator[servers.Server]:
    port = servers.free_port()
    command = [str(CLI), "web", "--host", "127.0.0.1", "--port", str(port)]
    log = folder / f"product-{port}.log"
    with servers.serve([*command, "--workers", str(workers)], port, log, environment, folder) as server:
        yield server


def _environment(database_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REMINDERS_", "TWILIO_"))}
    return kept | {
        "REMINDERS_DATABASE_URL": database_url,
        "REMINDERS_SECRET_KEY": "only-for-measurements",
        "REMINDERS_RATE_LIMIT": "1000000000/minute",
    }


def _reminders(environment: Mapping[str, str], folder: Path, *arguments: str) -> str:
    command = [str(CLI), *arguments]
    done = subprocess.run(command, env=dict(environment), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise servers.ServerError(
            f"reminders {' '.join(arguments)} failed:\n{done.stderr[-4000:]}{done.stdout[-1000:]}"
        )
    return done.stdout


def _seed(empty: Product) -> Product:
    """The scenario: one venue in UTC that keeps no holidays, its providers, one service, patients and visits."""
    plan = empty.plan
    venue = {"name": "Venue", "country": "US", "time_zone": "UTC", "language": "en", "currency": "USD"}
    (location,) = empty.create("locations", {**venue, "phone": "+12125550100", "observes_holidays": False})
    week = [{"weekday": day, "start": f"{plan.opens:%H:%M}", "end": f"{plan.closes:%H:%M}"} for day in _WEEK]
    one = {"location_id": location["id"], "languages": ["en"], "hours": week}
    providers = empty.create("providers", *({**one, "name": f"Provider {n}"} for n in range(plan.providers)))
    steps = [{"offset": offset, "channels": ["sms"]} for offset in ("-P1D", "-PT2H")]
    (policy,) = empty.create("reminder-policies", {"name": "Two texts", "steps": steps, "quiet_hours": None})
    provider_ids = [one["id"] for one in providers]
    service = {
        **{"name": "Visit", "duration_minutes": plan.minutes, "slot_minutes": plan.minutes},
        **{"buffer_before_minutes": 0, "buffer_after_minutes": 0, "min_notice_minutes": 0},
        **{"provider_ids": provider_ids, "reminder_policy_id": policy["id"], "horizon_days": plan.days + 30},
    }
    (made,) = empty.create("services", service)
    patients = [
        {"name": f"Patient {n}", "phone": f"+1{_AREAS[n // 100]}55501{n % 100:02}", "language": "en"}
        for n in range(PATIENTS)
    ]
    patient_ids = [one["id"] for one in empty.create("patients", *patients)]
    product = replace(empty, service_id=made["id"], provider_ids=provider_ids, patient_ids=patient_ids)
    visits = iter(plan.booked())
    while some := list(itertools.islice(visits, 5000)):
        product.book(some)
    return product


_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _verify(product: Product) -> None:
    """Refuse to measure a product that answers quickly because it has nothing to say."""
    day = product.plan.dates[0]
    expected = [_instant(day, start) for start in product.plan.starts[0::2]]
    if (offered := product.offered(0, day)) != expected:
        raise servers.ServerError(f"the product offers {offered} where {expected} are free")


def _checked(answer: loadgen.Response, expected: int) -> Any:
    if answer.status != expected:
        raise loadgen.LoadError(f"expected {expected}, got {answer.status}: {answer.body[:1000]!r}")
    return answer.json()


def _instant(day: date, at: time, minutes: int = 0) -> str:
    """ISO 8601 in UTC with Z, which needs no escaping in a URL."""
    return f"{datetime.combine(day, at) + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def _utc(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
