"""Calendar feeds: a cold feed of 10,000 visits beside icalendar's serialiser, and a feed that has not changed.

The feed is read through the whole web application, in this process, on SQLite: ten providers of one location, a thousand
visits each. What is rendered per version of a visit is in the database, as it is in production after the first read; the
first read is shown, too. The peer gets its 10,000 events ready made and only writes them down. In the end icalendar
reads our feed and has to find every visit at its time. ``python -m benchmarks.ical [--quick]``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
from flask import Flask
from sqlalchemy import insert
from werkzeug.test import create_environ

from benchmarks import report, servers
from reminders import settings
from reminders.domain.visit_event import Privacy
from reminders.services.feeds import Scope
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import Appointment, AppointmentHistory, Location, Patient, Provider
from reminders.store.tables import Service as ServiceTable
from reminders.wiring.service import Service, build

TIMES_PEER = 10
UNCHANGED_MS = 2.0
PROVIDERS = 10
ZONE = ZoneInfo("Europe/Madrid")


def seed(database: Database, visits: int) -> dict[str, datetime]:
    """One location with ten providers and so many visits around today; each visit's start by its public id."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    made = {"created_at": now}
    first = now - timedelta(days=20)
    with database.write() as tx:
        tx.execute(insert(Location), [made | {
            "id": 1, "uid": "loc_1", "name": "Clinica Norte", "time_zone": ZONE.key, "country": "ES", "language": "es",
            "currency": "EUR", "observes_holidays": False,
        }])  # fmt: skip
        tx.execute(insert(Provider), [
            made | {"id": n, "uid": f"prv_{n}", "location_id": 1, "name": f"Dr {n}", "languages": [], "active": True}
            for n in range(1, PROVIDERS + 1)
        ])  # fmt: skip
        tx.execute(insert(ServiceTable), [made | {
            "id": 1, "uid": "svc_1", "name": "Check-up", "duration_minutes": 30, "buffer_before_minutes": 0,
            "buffer_after_minutes": 0, "longest_minutes": 30, "slot_minutes": 30, "min_notice_minutes": 0,
            "horizon_days": 365, "active": True,
        }])  # fmt: skip
        tx.execute(
            insert(Patient),
            [made | {"id": n, "uid": f"pat_{n}", "name": f"Ana Núñez {n}", "version": 1} for n in range(1, visits + 1)],
        )
        starts = {f"apt_{n}": first + timedelta(minutes=30) * (n // PROVIDERS) * 4 for n in range(1, visits + 1)}
        tx.execute(insert(Appointment), [
            {"id": n, "uid": uid, "location_id": 1, "provider_id": n % PROVIDERS + 1, "service_id": 1, "patient_id": n,
             "status": "booked", "confirmation": "unconfirmed", "start_at": start, "end_at": start + timedelta(minutes=30),
             "busy_start": start, "busy_end": start + timedelta(minutes=30), "occupies": True, "timed": True,
             "local_day": start.date(), "booked_at": now, "lead_days": 1, "version": 1, "updated_at": now}
            for n, (uid, start) in enumerate(starts.items(), 1)
        ])  # fmt: skip
        tx.execute(insert(AppointmentHistory), [
            {"appointment_id": n, "at": now, "change": "book", "actor": "b", "channel": "b", "version": 1, "facts": {}}
            for n in range(1, visits + 1)
        ])  # fmt: skip
    return starts


def peer(starts: dict[str, datetime]) -> icalendar.Calendar:
    """The same events for icalendar, ready to be written down."""
    whole, now = icalendar.Calendar(), datetime.now(UTC)
    for uid, start in starts.items():
        event, local = icalendar.Event(), start.astimezone(ZONE)
        for name, value in (
            ("uid", uid), ("dtstamp", now), ("created", now), ("last-modified", now), ("sequence", 0), ("dtstart", local),
            ("dtend", local + timedelta(minutes=30)), ("status", "CONFIRMED"), ("transp", "OPAQUE"),
            ("summary", "Ana Núñez, Check-up"), ("location", "Clinica Norte"),
        ):  # fmt: skip
            event.add(name, value)
        whole.add_component(event)
    return whole


def timed(work: Callable[[], object]) -> float:
    """Seconds it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def read(app: Flask, path: str, known: str = "") -> tuple[int, str, str]:
    """Status, ETag and text of a feed, as a WSGI server would ask for it."""
    environ = create_environ(path, headers={"If-None-Match": known} if known else {})
    told: dict[str, Any] = {}

    def start(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        told.update(headers, status=int(status[:3]))
        return lambda _: None

    answer = app.wsgi_app(environ, start)
    text = b"".join(answer).decode()
    answer.close()
    return told["status"], told.get("ETag", ""), text


def found(text: str) -> dict[str, datetime]:
    """What icalendar reads in a feed."""
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return {str(event["UID"]): event["DTSTART"].dt.astimezone(UTC) for event in events}


def measure(service: Service, starts: dict[str, datetime], repetitions: int, sheet: report.Sheet) -> None:
    client = service.app()
    _, address = service.use_cases.feeds.create(Scope(location_id="loc_1"), Privacy.FULL, "")
    path = str(address).removeprefix(service.settings.public_url)
    first = timed(lambda: read(client, path))
    events = peer(starts)
    ours, theirs, unchanged = [], [], []
    for _ in range(repetitions):  # in turn, so that a noisy minute meets both
        ours.append(timed(lambda: read(client, path)))
        theirs.append(timed(events.to_ical))
    status, tag, text = read(client, path)
    unchanged.extend(timed(lambda: read(client, path, tag)) for _ in range(50 * repetitions))
    count = len(starts)
    sheet.note("first read, which renders every visit", f"{first * 1000:,.0f} ms", f"{count / first:,.0f} visits/s")
    sheet.quotient(
        f"cold feed of {count:,} visits", _ms(ours), f"icalendar {_ms(theirs)}",
        statistics.median(theirs) / statistics.median(ours), TIMES_PEER,
    )  # fmt: skip
    sheet.at_most("unchanged feed, p50", statistics.median(unchanged) * 1000, UNCHANGED_MS, "ms")
    sheet.exactly("answers to it", {read(client, path, tag)[0], status}, {304, 200})
    sheet.exactly("visits that icalendar reads in it, at their times", sum(
        starts.get(uid) == start for uid, start in found(text).items()
    ), count)  # fmt: skip


def _ms(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:,.0f} ms"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="benchmarks.ical", description=__doc__.splitlines()[0] if __doc__ else None)
    made.add_argument("--quick", action="store_true", help="1,000 visits, fewer repetitions")
    return made


def run(folder: Path, visits: int, repetitions: int) -> report.Sheet:
    url = f"sqlite:///{folder / 'feeds.db'}"
    database = Database(url)
    schema.migrate(database)
    starts = seed(database, visits)
    database.close()
    service = build(replace(settings.load({"REMINDERS_DATABASE_URL": url}), rate_limit="100000/second"))
    sheet = report.Sheet("Calendar feeds")
    try:
        measure(service, starts, repetitions, sheet)
    finally:
        service.close()
    return sheet


def main() -> int:
    options = parser().parse_args()
    servers.stop_on_signals()
    with servers.workdir() as folder:
        return run(folder, 1_000 if options.quick else 10_000, 3 if options.quick else 5).close()


if __name__ == "__main__":
    raise SystemExit(main())
