"""The peer: django-appointment from PyPI, in a virtual environment of its own, driven over HTTP as a browser would.

It runs under the server the product runs under (granian, two workers of one thread) and on the same kind of database.
``python -m benchmarks.peer`` prints its own figures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from benchmarks import environments, loadgen, scenario, servers
from benchmarks.scenario import CLIENTS, Scenario, Slot

PACKAGES = ("django-appointment==3.12.0", "Django>=5.2,<5.3", "psycopg[binary]>=3.2", f"granian=={version('granian')}")
PROJECTS = servers.BENCHMARKS / "peers"
_CSRF = "b" * 32


def install() -> Path:
    """The Python of the peer's environment, built on first use below the cache folder."""
    return environments.install("django-appointment-3.12.0", PACKAGES)


@dataclass(frozen=True)
class Peer:
    """A seeded, running django-appointment and the ways to load it."""

    server: servers.Server
    plan: Scenario
    python: Path
    environment: dict[str, str]
    service_id: int
    staff_ids: list[int]
    sessions: list[str]

    def search(self, seconds: float) -> loadgen.Result:
        """Free slots of one member of staff on one day, through its own JSON endpoint."""
        requests = [self._search(*wanted) for wanted in self.plan.searches()]
        return loadgen.run(self.server.address, loadgen.spread(requests, CLIENTS), seconds).only(200)

    def offered(self, provider: int, day: date) -> list[str]:
        """The free starts that the endpoint offers, e.g. ``2030-01-31T09:00:00``."""
        (answer,) = loadgen.ask(self.server.address, self._search(provider, day))
        return [start for start, _label in answer.json()["available_slots"]]

    def appointments(self, slot: Slot | None = None) -> int:
        """How many appointments its database holds, in one slot or in all."""
        wanted = (
            {"staff_id": self.staff_ids[slot.provider], "date": f"{slot.day}", "start": f"{slot.start}"} if slot else {}
        )
        return int(_seed(self.python, self.environment, "count", wanted)["appointments"])

    def book(self, slots: Sequence[Slot], *, pages: bool = True) -> loadgen.Result:
        """Full bookings by logged-in patients. ``latencies`` and ``rate`` count whole bookings, not requests.

        With ``pages`` the redirects are followed (details form, thank-you page with its e-mail), as a browser does;
        without, only the two POSTs that write the booking are sent.
        """
        done: list[float] = []
        before = self.appointments()
        scripts = [self._bookings(client, slots[client::CLIENTS], done, pages) for client in range(CLIENTS)]
        result = loadgen.run(self.server.address, scripts).only(200, 302)
        if (added := self.appointments() - before) != len(slots):
            raise loadgen.LoadError(f"{len(slots)} bookings asked for, {added} in the peer's database")
        return replace(result, count=len(done), latencies=sorted(done))

    def race(self, slot: Slot) -> int:
        """All clients book the same slot at once; how many appointments the database then holds for it."""
        done: list[float] = []
        loadgen.run(self.server.address, [self._bookings(n, [slot], done, pages=True) for n in range(CLIENTS)])
        return self.appointments(slot)

    def _search(self, provider: int, day: date) -> bytes:
        query = {"selected_date": day, "staff_member": self.staff_ids[provider], "service_id": self.service_id}
        path = "/appointment/ajax/available_slots/?" + urlencode(query)
        return loadgen.request("GET", path, {"X-Requested-With": "XMLHttpRequest"})

    def _bookings(self, client: int, slots: Sequence[Slot], done: list[float], pages: bool) -> loadgen.Script:
        headers = {"Cookie": f"sessionid={self.sessions[client]}; csrftoken={_CSRF}", "X-CSRFToken": _CSRF}
        for slot in slots:
            began = perf_counter()
            response = yield _post("/appointment/request-submit/", headers, self._slot_form(slot))
            details = _redirected(response)
            if pages:
                yield loadgen.request("GET", details, headers)
            response = yield _post(details, headers, _details_form(client))
            thanks = _redirected(response)
            if pages:
                yield loadgen.request("GET", thanks, headers)
            done.append(perf_counter() - began)

    def _slot_form(self, slot: Slot) -> dict[str, str]:
        end = datetime.combine(slot.day, slot.start) + timedelta(minutes=self.plan.minutes)
        return {
            "date": f"{slot.day}",
            "start_time": f"{slot.start}",
            "end_time": f"{end.time()}",
            "service": str(self.service_id),
            "staff_member": str(self.staff_ids[slot.provider]),
        }


def _details_form(client: int) -> dict[str, str]:
    return {
        "name": f"Client {client}",
        "email": f"client{client}@example.org",
        "phone_0": "US",
        "phone_1": "2125550123",
        "address": "Main Street 1",
        "additional_info": "",
        "payment_type": "full",
    }


def _post(path: str, headers: dict[str, str], form: dict[str, str]) -> bytes:
    content_type = {"Content-Type": "application/x-www-form-urlencoded"}
    return loadgen.request("POST", path, headers | content_type, urlencode(form).encode())


def _redirected(response: loadgen.Response) -> str:
    target = response.header("Location")
    if response.status != 302 or not target:
        raise loadgen.LoadError(f"expected a redirect, got {response.status}: {response.body[:2000]!r}")
    return target


@contextmanager
def running(plan: Scenario, database_url: str, folder: Path) -> Iterator[Peer]:
    """Install, seed and serve the peer until the block ends. ``database_url`` is sqlite:/// or a libpq URL."""
    python, port = install(), servers.free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("REMINDERS_")},
        "PEER_DATABASE_URL": database_url,
        "PYTHONPATH": str(PROJECTS),
        "DJANGO_SETTINGS_MODULE": "django_appointment.settings",
    }
    ids = _seed(python, environment, "fill", _seed_plan(plan))
    command = servers.granian("django_appointment.wsgi:application", port, scenario.WORKERS, python)
    with servers.serve(command, port, folder / "peer.log", environment, PROJECTS) as server:
        peer = Peer(server, plan, python, environment, **ids)
        _verify(peer)
        yield peer


def _verify(peer: Peer) -> None:
    """Refuse to measure a peer that answers quickly because it has nothing to say."""
    day = peer.plan.dates[0]
    expected = [datetime.combine(day, start).isoformat() for start in peer.plan.starts[0::2]]
    if (offered := peer.offered(0, day)) != expected:
        raise servers.ServerError(f"the peer offers {offered} where {expected} are free")


def _seed_plan(plan: Scenario) -> dict[str, Any]:
    return {
        "providers": plan.providers,
        "days": plan.days,
        "first_day": f"{plan.first_day}",
        "opens": f"{plan.opens}",
        "closes": f"{plan.closes}",
        "minutes": plan.minutes,
        "booked_starts": [f"{start}" for start in plan.starts[1::2]],
        "clients": CLIENTS,
    }


def _seed(python: Path, environment: dict[str, str], verb: str, given: dict[str, Any]) -> dict[str, Any]:
    command = [str(python), "-m", "django_appointment.seed", verb]
    done = subprocess.run(
        command, input=json.dumps(given), env=environment, cwd=PROJECTS, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise servers.ServerError(f"{verb} failed:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="benchmarks.peer", description="django-appointment's own figures")
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--bookings", type=int, default=200)
    options.add_argument("--races", type=int, default=3)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    servers.stop_on_signals()
    plan = scenario.standard(date.today())
    free = iter(plan.free())
    with servers.workdir() as folder, running(plan, f"sqlite:///{folder}/peer.db", folder) as peer:
        print("one day:  ", loadgen.describe(peer.search(given.seconds)))
        for name, pages in (("bookings, as a browser:", True), ("bookings, POSTs only:", False)):
            print(name, loadgen.describe(peer.book(list(itertools.islice(free, given.bookings)), pages=pages)))
        print("race:     ", [peer.race(slot) for slot in itertools.islice(free, given.races)])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
