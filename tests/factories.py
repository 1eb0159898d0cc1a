"""Builds what tests start from: rows for the store's tests, and a ``World`` of wired use cases for everything above."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert, select

from reminders.clock import ManualClock
from reminders.domain import actor
from reminders.domain.actor import Actor
from reminders.domain.appointment import Change
from reminders.domain.changeset import Gate
from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.ports import Mailer, Report
from reminders.services.attempts import Attempts
from reminders.services.booking import Booking, Request
from reminders.services.catalogue import Catalogue, Holidays
from reminders.services.changeset_previews import Previews
from reminders.services.changeset_work import ChangeSetWork
from reminders.services.changesets import ChangeSets
from reminders.services.checking import Checking
from reminders.services.circuit import Circuit
from reminders.services.clinic import Clinic
from reminders.services.desk import Desk
from reminders.services.effects import Effects
from reminders.services.ledger import Entry, Ledger
from reminders.services.lifecycle import Lifecycle
from reminders.services.outcomes import Outcomes
from reminders.services.patients import Patients
from reminders.services.reconciling import Reconciling
from reminders.services.sending import Gateways, Pace, Rules, Sending
from reminders.services.slots import Slots
from reminders.settings import data_dir
from reminders.store import bookings, outbox, patients
from reminders.store import clinic as clinic_store
from reminders.store.engine import Database, Record
from reminders.store.tables import (
    Appointment,
    Location,
    Message,
    Outbox,
    Patient,
    Provider,
    Reminder,
    ReminderPolicy,
    Service,
)
from reminders.texts import Texts
from tests.fakes import FakeMessenger, InlineExecutor, Sent, no_holidays

#: A Monday, far from any change of clocks; 08:00 in Madrid.
MONDAY = datetime(2030, 5, 6, 6, 0, tzinfo=UTC)
DESK = Actor("key_desk", "api")
PATIENT = actor.patient("sms")
BAD_NUMBER = 21614
WEEK = tuple((day, "09:00", "17:00") for day in range(5))

_count = itertools.count(1)


@cache
def texts() -> Texts:
    """The real texts; reading them takes a while, so once per run."""
    return Texts(data_dir())


def add_visit(tx: Connection, values: Mapping[str, Any], reminders: Sequence[Mapping[str, Any]] = ()) -> int:
    """A visit as a row, with the least that comes with one; returns its number."""
    history = {
        "at": values["booked_at"],
        "change": "book",
        "actor": "test",
        "channel": "test",
        "version": 1,
        "facts": {},
    }
    return bookings.add(tx, values, reminders, history, outbox.row("test", values["uid"], {}, values["booked_at"]))


def uid(prefix: str) -> str:
    """An id that no other row of this run has."""
    return f"{prefix}_{next(_count):08d}"


def at(text: str) -> datetime:
    """A moment in UTC, e.g. ``at("2030-05-06 09:00")``."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Rows for the store


@dataclass(frozen=True)
class Ground:
    """Numbers of the rows that visits, reminders and messages refer to."""

    location: int
    providers: tuple[int, ...]
    service: int
    patients: tuple[int, ...]

    def visit(self, start: datetime, minutes: int = 30, **changes: Any) -> dict[str, Any]:
        """A booked visit with the first provider, without buffers."""
        end = start + timedelta(minutes=minutes)
        return {
            "uid": uid("apt"), "location_id": self.location, "provider_id": self.providers[0],
            "service_id": self.service, "patient_id": self.patients[0], "status": "booked",
            "confirmation": "unconfirmed", "start_at": start, "end_at": end, "busy_start": start, "busy_end": end,
            "occupies": True, "timed": True, "local_day": start.date(), "booked_at": MONDAY, "lead_days": 0,
            "version": 1, "updated_at": MONDAY,
        } | changes  # fmt: skip

    def reminder(self, appointment: int | None, due: datetime, **changes: Any) -> dict[str, Any]:
        """A planned SMS."""
        return {
            "uid": uid("rem"), "appointment_id": appointment, "patient_id": self.patients[0], "kind": "reminder",
            "plan": 1, "step": next(_count), "channel": Channel.SMS, "due_at": due,
            "not_after": due + timedelta(hours=12), "state": State.PLANNED, "reason": Reason.DUE, "attempts": 0,
            "updated_at": MONDAY,
        } | changes  # fmt: skip

    def message(self, reminder: int | None = None, **changes: Any) -> dict[str, Any]:
        """An SMS whose attempt is written."""
        return {
            "uid": uid("msg"), "direction": "out", "channel": Channel.SMS, "kind": "reminder", "reminder_id": reminder,
            "patient_id": self.patients[0], "phone": "+34600000001", "body": "Hello", "token": uid("tok"),
            "state": State.UNCERTAIN, "created_at": MONDAY,
        } | changes  # fmt: skip


def ground(database: Database, *, providers: int = 2, patients: int = 2) -> Ground:
    """A venue, some providers, a service and some patients, written straight into the tables."""
    with database.write() as tx:
        place = _insert(tx, Location, name="Norte", time_zone="Europe/Madrid", country="ES", observes_holidays=False,
                        language="es", currency="EUR", created_at=MONDAY)  # fmt: skip
        staff = [
            _insert(tx, Provider, location_id=place, name=f"Dr {number}", languages=[], active=True, created_at=MONDAY)
            for number in range(providers)
        ]
        offer = _insert(tx, Service, name="Check-up", duration_minutes=30, buffer_before_minutes=0, slot_minutes=30,
                        buffer_after_minutes=0, longest_minutes=30, min_notice_minutes=0, horizon_days=365,
                        active=True, created_at=MONDAY)  # fmt: skip
        people = [
            _insert(tx, Patient, name=f"Patient {number}", phone=f"+3460000000{number + 1}", version=1,
                    created_at=MONDAY)
            for number in range(patients)
        ]  # fmt: skip
    return Ground(place, tuple(staff), offer, tuple(people))


def _insert(tx: Connection, table: Any, **values: Any) -> int:
    return int(tx.execute(insert(table).returning(table.id), {"uid": uid("x"), **values}).scalar_one())


# A world of use cases


@dataclass(frozen=True)
class Ids:
    """Public ids of one clinic's own data."""

    location: str
    provider: str
    service: str
    policy: str | None
    patient: str


def step(offset: str, *channels: str, **more: Any) -> dict[str, Any]:
    """One step of a policy as the API writes it; by SMS unless told otherwise."""
    return {"offset": offset, "channels": list(channels or ("sms",)), **more}


#: Every reminder is a message of its own, unless a test asks for more.
RULES = Rules(combine=timedelta(0))

#: The account at the provider.
ACCOUNT = "AC1"

TWO_NUDGES = (step("-P1D"), step("-PT2H", unless_confirmed=True))


_LOCATION: dict[str, Any] = {
    "name": "Clinica Norte", "time_zone": "Europe/Madrid", "country": "ES", "language": "es", "currency": "EUR",
    "phone": None, "observes_holidays": False, "holiday_region": None,
}  # fmt: skip
_SERVICE: dict[str, Any] = {
    "name": "Check-up", "duration_minutes": 30, "buffer_before_minutes": 0, "buffer_after_minutes": 0,
    "slot_minutes": 30, "min_notice_minutes": 0, "horizon_days": 365, "value_amount": None, "value_currency": None,
}  # fmt: skip


def _patient() -> dict[str, Any]:
    return {"name": "Ana Ruiz", "phone": f"+346000{next(_count):05d}", "language": "es"}


def _policy(
    steps: Sequence[Mapping[str, Any]], quiet: str | tuple[str, str] | None, notices: Sequence[str]
) -> dict[str, Any]:  # fmt: skip
    hours: dict[str, str] = {"mode": "none" if quiet is None else "country"}
    if isinstance(quiet, tuple):
        hours = {"mode": "own", "start": quiet[0], "end": quiet[1]}
    return {"name": "Nudges", "steps": [dict(one) for one in steps], "quiet_hours": hours, "notices": list(notices)}


class World:
    """Every use case over one database, with a clock that tests move and a provider in memory."""

    def __init__(
        self, database: Database, start: datetime = MONDAY, *, holidays: Holidays = no_holidays,
        per_second: float = 1000.0, batch: int = 100, rules: Rules = RULES, mailer: Mailer | None = None,
    ) -> None:  # fmt: skip
        self.database = database
        self.clock = ManualClock(start)
        self.messenger = FakeMessenger(self.clock)
        self.mailer = mailer
        self.catalogue = Catalogue(database, self.clock, holidays)
        self.clinic = Clinic(database, self.clock, self.catalogue)
        self.patients = Patients(database, self.clock, self.catalogue)
        self.lifecycle = Lifecycle(self.clock, self.catalogue)
        self.slots = Slots(database, self.clock, self.catalogue)
        self.previews = Previews(self.clock, self.catalogue, texts())
        self.change_sets = self.gate(radius=2)
        self.change_work = ChangeSetWork(database, self.clock, self.catalogue, self.lifecycle)
        self.booking = Booking(database, self.clock, self.catalogue, self.lifecycle, self.slots)
        self.outcomes = Outcomes(database, self.clock, self.catalogue, frozenset({BAD_NUMBER}))
        self.circuit = Circuit(database, self.clock, {ACCOUNT: self.messenger.check_account})
        self.rules = rules
        self.sending = self.worker("worker-1", per_second=per_second, batch=batch)
        self.reconciling = Reconciling(database, self.clock, self.messenger, self.outcomes)
        self.checking = Checking(database, self.clock, self.messenger, self.outcomes)
        self.effects = Effects(database, self.clock, {})
        self.ledger = Ledger(database, self.clock, self.catalogue)
        self.desk = Desk(database, self.clock)

    def gate(self, radius: int, undo: timedelta = timedelta(minutes=5)) -> ChangeSets:
        """Changes of many visits, held when they concern more patients than ``radius``."""
        gate = Gate(radius, undo)
        return ChangeSets(self.database, self.clock, self.catalogue, self.lifecycle, self.previews, gate)

    def worker(self, owner: str, *, per_second: float = 1000.0, batch: int = 100) -> Sending:
        """One more worker on the same database."""
        pace = Pace("+15005550006", per_second, per_second)
        attempts = Attempts(self.database, self.clock, self.catalogue, texts(), pace, self.rules, owner)
        gateways = Gateways(self.messenger, self.mailer, ACCOUNT)
        return Sending(
            self.database, self.clock, attempts, gateways, self.outcomes, self.circuit, InlineExecutor(), self.rules,
            capacity=batch,
        )  # fmt: skip

    def add_location(self, **changes: Any) -> str:
        return str(self.clinic.add_location(_LOCATION | changes).uid)

    def add_provider(
        self, location: str, hours: Iterable[tuple[int, str, str]] = WEEK, breaks: Iterable[tuple[int, str, str]] = ()
    ) -> str:
        """``hours`` and ``breaks`` are (weekday, from, to)."""
        values = {"name": "Dr Vega", "location_id": location, "languages": ["es"]}
        return str(
            self.clinic.add_provider(values, [_span(*one) for one in hours], [_span(*one) for one in breaks]).uid
        )

    def add_policy(
        self, steps: Sequence[Mapping[str, Any]] = TWO_NUDGES, quiet: str | tuple[str, str] | None = None,
        notices: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """``quiet``: (from, to), "country" or ``None`` for no quiet hours at all."""
        return str(self.clinic.add_policy(_policy(steps, quiet, notices)).uid)

    def add_service(self, providers: Sequence[str], policy: str | None, **changes: Any) -> str:
        values = _SERVICE | {"reminder_policy_id": policy} | changes
        return str(self.clinic.add_service(values, providers).uid)

    def add_patient(self, **changes: Any) -> str:
        return str(self.patients.add(_patient() | changes, "ES").patient.uid)

    def open(
        self, *, steps: Sequence[Mapping[str, Any]] | None = TWO_NUDGES, quiet: str | tuple[str, str] | None = None,
        notices: Sequence[str] = (), location: Mapping[str, Any] | None = None, hours: Iterable[Any] = WEEK,
        breaks: Iterable[Any] = (), service: Mapping[str, Any] | None = None, patient: Mapping[str, Any] | None = None,
    ) -> Ids:  # fmt: skip
        """A clinic with one of everything, written in one go; ``steps=None`` for a service without a policy."""
        ids = Ids(uid("loc"), uid("prv"), uid("svc"), None if steps is None else uid("pol"), uid("pat"))
        now = {"created_at": self.clock.now()}
        with self.database.write() as tx:
            place = clinic_store.add(tx, Location, _LOCATION | now | {"uid": ids.location} | dict(location or {}))
            staff = clinic_store.add(tx, Provider, now | {
                "uid": ids.provider, "location_id": place, "name": "Dr Vega", "languages": ["es"], "active": True,
            })  # fmt: skip
            clinic_store.set_hours(tx, staff, [_span(*one) for one in hours], breaks=False)
            clinic_store.set_hours(tx, staff, [_span(*one) for one in breaks], breaks=True)
            policy = None if steps is None else clinic_store.add(tx, ReminderPolicy, now | {
                "uid": ids.policy, **_policy(steps, quiet, notices),
            })  # fmt: skip
            offered = _SERVICE | dict(service or {})
            length = sum(offered[f"{part}_minutes"] for part in ("duration", "buffer_before", "buffer_after"))
            offer = clinic_store.add(tx, Service, now | offered | {
                "uid": ids.service, "reminder_policy_id": policy, "active": True, "longest_minutes": length,
            })  # fmt: skip
            clinic_store.set_offers(tx, offer, [staff])
            patients.add(tx, now | _patient() | {"uid": ids.patient, "version": 1} | dict(patient or {}))
        self.catalogue.refresh()
        return ids

    def book(self, ids: Ids, start: datetime, *, patient: str | None = None, **changes: Any) -> str:
        """Book the clinic's one service; returns the visit's public id."""
        wanted = Request(
            ids.service, ids.provider, patient or ids.patient, start, override=changes.pop("override", True)
        )
        return str(self.booking.book(wanted, DESK, **changes).uid)

    def change(self, visit: str, change: Change, actor: Actor = DESK, **more: Any) -> Record:
        return self.booking.change(visit, change, actor, **more)

    def move(self, visit: str, start: datetime, actor: Actor = DESK, **more: Any) -> Record:
        return self.booking.reschedule(visit, start, actor, override=True, **more)

    def tick(self, moment: datetime | None = None) -> int:
        """Let the worker send what is due at ``moment``, by default now."""
        if moment is not None:
            self.clock.set(moment)
        return self.sending.run_due()

    def callback(self, sent: Sent, state: State, **facts: Any) -> bool:
        """The provider reports on a message."""
        return self.outcomes.callback(sent.token, self.messenger.learn(sent, state, **facts))

    def visit(self, uid: str) -> Record:
        return self.booking.get(uid)

    def reminders(self, visit: str | None = None) -> Sequence[Record]:
        """Reminders in the order they were planned, of one visit or of all."""
        query = select(Reminder.__table__).order_by(Reminder.id)
        if visit is not None:
            query = query.where(Reminder.appointment_id == self.visit(visit).id)
        return self.rows(query)

    def reminder(self, visit: str | None = None) -> Record:
        """The only one."""
        (row,) = self.reminders(visit)
        return row

    def states(self, visit: str) -> list[tuple[str, str]]:
        """(state, reason) of each reminder of a visit, in the order they were planned."""
        return [(row.state, row.reason) for row in self.reminders(visit)]

    def messages(self) -> Sequence[Record]:
        return self.rows(select(Message.__table__).order_by(Message.id))

    def outbox(self, topic: str) -> Sequence[Record]:
        return self.rows(select(Outbox.__table__).where(Outbox.topic == topic).order_by(Outbox.id))

    def entries(self, visit: str) -> list[Entry]:
        return self.ledger.of(visit)

    def rows(self, query: Any) -> Sequence[Record]:
        with self.database.read() as tx:
            return tx.execute(query).all()

    def count(self, table: Any = Appointment) -> int:
        return len(self.rows(select(table.id)))

    def run(self, work: Callable[[Connection], Any]) -> Any:
        """Do something in one transaction."""
        with self.database.write() as tx:
            return work(tx)

    def report(self, sent: Sent, **facts: Any) -> Report:
        return self.messenger.learn(sent, sent.report.state, **facts)


def _span(weekday: int, start: str, end: str) -> dict[str, int]:
    return {"weekday": weekday, "start_minute": _minutes(start), "end_minute": _minutes(end)}


def _minutes(wall: str) -> int:
    hours, minutes = wall.split(":")
    return int(hours) * 60 + int(minutes)


def day(text: str) -> date:
    return date.fromisoformat(text)


def together(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all of them at the same moment, each in its own thread; what each returned or raised, in their order."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait(timeout=30)
        try:
            return work()
        except Exception as problem:
            return problem

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
