"""The product's own code in one process, without a provider: for what cannot be seen through HTTP.

``python -m benchmarks.dispatching.drain dispatch COUNT`` sends everything due into nothing (claim, decide, render,
write the attempt, record the outcome) and prints {"count", "seconds", "marks", "cpu"}: marks are how long after the
beginning every thousandth went out, cpu the seconds of processor time. ``… claim COUNT`` runs the claim alone.
``… plan COUNT`` works out and stores the reminders of that many visits. Settings come from the environment, as always.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from reminders import settings
from reminders.domain.delivery import Channel, State
from reminders.domain.duration import Duration
from reminders.domain.plan import Step, plan
from reminders.domain.ports import Report
from reminders.store import claims
from reminders.store import reminders as store
from reminders.store.engine import Database
from reminders.store.ids import new_uid
from reminders.store.tables import Appointment
from reminders.wiring.service import build

MARK = 1000
BATCH = 100
PLANNED_AT_ONCE = 5000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PATIENCE = 3


class NullMessenger:
    """Takes every message at once and forgets it."""

    def __init__(self) -> None:
        self.count = 0
        self.times: list[float] = []

    def send_sms(self, to: str, body: str, token: str) -> Report:
        self.count += 1
        if self.count % MARK == 0:
            self.times.append(time.perf_counter())
        return Report(sid=f"SM{token}", state=State.SENT, status="queued", to=to, body=body)

    def place_call(self, to: str, token: str) -> Report:
        return Report(sid=f"CA{token}", state=State.SENT, status="queued", to=to)

    def check_account(self) -> None:
        return None

    def fetch(self, channel: Channel, sid: str) -> Report:
        raise NotImplementedError(f"nobody asks for {channel} {sid}, it was just taken")

    def find(self, channel: Channel, to: str, since: datetime) -> list[Report]:
        raise NotImplementedError(f"nobody is in doubt about {channel} to {to} since {since}")


def dispatch(count: int) -> dict[str, Any]:
    """Send ``count`` reminders that are due."""
    messenger = NullMessenger()
    service = build(settings.load(), messenger=messenger)
    began, used, idle = time.perf_counter(), time.process_time(), 0
    while messenger.count < count and idle < _PATIENCE:
        before = messenger.count
        service.sending.run_due()
        idle = 0 if messenger.count > before else idle + 1
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    service.close()
    return {"count": messenger.count, "seconds": seconds, "marks": [at - began for at in messenger.times], "cpu": cpu}


def claim(count: int) -> dict[str, Any]:
    """Claim ``count`` reminders that are due, a batch in each transaction, and do nothing with them."""
    database, now, taken = Database(settings.load().database_url), datetime.now(UTC), 0
    lease = now + timedelta(hours=1)
    began = time.perf_counter()
    while taken < count:
        with database.write() as tx:
            some = claims.claim_due(tx, Channel.SMS, now, "measurement", lease, BATCH, since=LONG_AGO)
        if not some:
            break
        taken += len(some)
    seconds = time.perf_counter() - began
    database.close()
    return {"count": taken, "seconds": seconds, "marks": []}


def planning(count: int) -> dict[str, Any]:
    """Work out the reminders of ``count`` visits, then store them; the seconds are those of storing."""
    database = Database(settings.load().database_url)
    with database.read() as tx:
        query = select(Appointment.id, Appointment.patient_id, Appointment.start_at).order_by(Appointment.id)
        visits = tx.execute(query.limit(count)).all()
    began = time.perf_counter()
    rows = list(_planned(visits))
    worked_out = time.perf_counter()
    for some in _batches(rows):
        with database.write() as tx:
            store.add(tx, some)
    stored = time.perf_counter()
    database.close()
    return {"count": len(rows), "seconds": stored - worked_out, "marks": [], "planning": worked_out - began}


def _planned(visits: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """As ``services/lifecycle.py`` does it for a visit that is booked now."""
    now, zone = datetime.now(UTC), ZoneInfo("UTC")
    step = Step(Duration.parse("-P1D"))
    for visit in visits:
        for item in plan(visit.start_at, now, [step], venue=zone, recipient=zone, quiet=None):
            yield {
                "uid": new_uid("rem", now), "appointment_id": visit.id, "patient_id": visit.patient_id,
                "kind": "reminder", "plan": 0, "step": item.step, "channel": item.channel, "due_at": item.due_at,
                "not_after": item.not_after, "state": item.state, "reason": item.reason, "attempts": 0,
                "updated_at": now,
            }  # fmt: skip


def _batches(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    waiting = iter(rows)
    while some := list(islice(waiting, PLANNED_AT_ONCE)):
        yield some


def main(arguments: Sequence[str] | None = None) -> int:
    verb, count = arguments or sys.argv[1:]
    print(json.dumps({"dispatch": dispatch, "claim": claim, "plan": planning}[verb](int(count))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
