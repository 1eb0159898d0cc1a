"""A clinic of the product with any number of visits, and reminders for them that fall due when a scenario says.

Everything is written straight into the product's tables: what is measured is what the product does with it. Every
patient has one visit and a phone number of a country code that nobody has, so that no message can meet another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from benchmarks.dispatching.bulk import load
from reminders.store import schema
from reminders.store.engine import Database
from reminders.store.tables import (
    Appointment,
    CatalogueVersion,
    Heartbeat,
    Location,
    Patient,
    Provider,
    Reminder,
    ReminderPolicy,
    Service,
)

PATIENCE = timedelta(days=1)
_VISIT = timedelta(minutes=30)
_AHEAD = timedelta(days=3)
_SEQUENCES = ("patient", "appointment")
#: A reminder of a state that is not in here has come to its end.
OPEN = frozenset({"planned", "claimed", "uncertain"})


def phone(number: int) -> str:
    """Where the reminder of visit ``number`` goes."""
    return f"+999{number:010d}"


class Clinic:
    """One seeded database. ``due`` adds one reminder to each of the first visits; every call is a plan of its own."""

    def __init__(self, url: str, visits: int) -> None:
        self.url, self.visits = url, visits
        self._database = Database(url, pool_size=2)
        self._plan = 0
        schema.migrate(self._database)
        self._seed()

    def due(self, count: int, first: datetime, step: timedelta = timedelta(0), patience: timedelta = PATIENCE) -> None:
        """Plan ``count`` reminders, the first for ``first``, each further one ``step`` later."""
        self._plan += 1
        with self._database.write() as tx:
            load(tx, Reminder, _REMINDER, self._reminders(count, first, step, patience))
        self.analyse()

    def tighten(self, every: int, patience: timedelta) -> None:
        """Give one in ``every`` of the last plan a deadline as soon as ``patience`` after its due time."""
        mine = (Reminder.plan == self._plan, Reminder.appointment_id % every == 0)
        with self._database.write() as tx:
            rows = tx.execute(select(Reminder.id, Reminder.due_at).where(*mine)).all()
            statement = update(Reminder.__table__).where(Reminder.id == bindparam("number"))  # type: ignore[arg-type]
            tx.execute(statement.values(not_after=bindparam("last")),
                       [{"number": row.id, "last": row.due_at + patience} for row in rows])  # fmt: skip

    def analyse(self) -> None:
        """Let the database look at what it holds now, as it does by itself in a quiet minute."""
        with self._database.raw() as connection:
            connection.exec_driver_sql("ANALYZE")

    def settle(self) -> None:
        """Leave nothing for the database to tidy up while somebody measures what it can do."""
        if not self._database.is_sqlite:
            with self._database.raw() as connection:
                connection.exec_driver_sql("VACUUM ANALYZE reminder, message")

    def states(self) -> Counter[str]:
        """How many of the last plan are in each state."""
        query = (
            select(Reminder.state, func.count().label("number"))
            .where(Reminder.plan == self._plan)
            .group_by(Reminder.state)
        )
        with self._database.read() as tx:
            return Counter({row.state: row.number for row in tx.execute(query)})

    def open(self) -> int:
        """How many of the last plan have not come to an end."""
        states = self.states()
        return sum(states[state] for state in OPEN)

    def withdraw(self) -> None:
        """Leave nothing open, so that the next measurement begins with an empty desk."""
        with self._database.write() as tx:
            tx.execute(update(Reminder).where(Reminder.state.in_(OPEN)).values(state="withdrawn", lease_until=None))

    def last_beat(self) -> datetime | None:
        """When the clock of any worker last ticked."""
        with self._database.read() as tx:
            return tx.execute(select(func.max(Heartbeat.at))).scalar()

    def bytes(self) -> int:
        """What the reminders take on disk, with their indexes; on SQLite the whole file."""
        with self._database.read() as tx:
            if self._database.is_sqlite:
                return int(
                    tx.execute(
                        text("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                    ).scalar_one()
                )
            return int(tx.execute(text("SELECT pg_total_relation_size('reminder')")).scalar_one())

    def close(self) -> None:
        self._database.close()

    def _reminders(self, count: int, first: datetime, step: timedelta, patience: timedelta) -> Iterator[Sequence[Any]]:
        now, plan = datetime.now(UTC), self._plan
        for n in range(count):
            at = first + step * n
            yield (
                f"rem_{plan}_{n}",
                n + 1,
                n + 1,
                "reminder",
                plan,
                0,
                "sms",
                at,
                at + patience,
                "planned",
                "due",
                0,
                now,
            )

    def _seed(self) -> None:
        now = datetime.now(UTC)
        with self._database.write() as tx:
            _ground(tx, now)
            names = ("id", "uid", "name", "phone", "language", "version", "created_at")
            load(tx, Patient, names, (
                (n + 1, f"pat_{n}", f"Patient {n}", phone(n), "en", 1, now) for n in range(self.visits)
            ))  # fmt: skip
            load(tx, Appointment, _APPOINTMENT, _visits(self.visits, now))
            if not self._database.is_sqlite:
                for table in _SEQUENCES:
                    tx.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {self.visits + 1})"))
        self.analyse()


def _ground(tx: Any, now: datetime) -> None:
    """One venue, one provider, one service whose policy is a single text and knows no quiet hours."""
    made = {"id": 1, "created_at": now}
    steps = [{"offset": "-P1D", "channels": ["sms"]}]
    for table, values in (
        (ReminderPolicy, {"uid": "pol_1", "name": "One text", "notices": [], "quiet_hours": {"mode": "none"},
                          "steps": steps}),
        (Location, {"uid": "loc_1", "name": "Venue", "time_zone": "UTC", "country": "US", "observes_holidays": False,
                    "language": "en", "currency": "USD", "phone": "+12125550100"}),
        (Service, {"uid": "srv_1", "name": "Visit", "duration_minutes": 30, "buffer_before_minutes": 0,
                   "buffer_after_minutes": 0, "longest_minutes": 30, "slot_minutes": 30, "min_notice_minutes": 0,
                   "horizon_days": 90, "reminder_policy_id": 1, "active": True}),
        (Provider, {"uid": "pro_1", "location_id": 1, "name": "Provider", "languages": ["en"], "active": True}),
    ):  # fmt: skip
        tx.execute(insert(table), made | values)
    tx.execute(update(CatalogueVersion).values(version=CatalogueVersion.version + 1))


_REMINDER = (
    "uid", "appointment_id", "patient_id", "kind", "plan", "step", "channel", "due_at", "not_after", "state", "reason",
    "attempts", "updated_at",
)  # fmt: skip
_APPOINTMENT = (
    "id", "uid", "location_id", "provider_id", "service_id", "patient_id", "status", "confirmation", "start_at",
    "end_at", "busy_start", "busy_end", "occupies", "timed", "local_day", "time_zone", "local_start", "booked_at",
    "lead_days", "version", "updated_at",
)  # fmt: skip


def _visits(count: int, now: datetime) -> Iterator[Sequence[Any]]:
    """Open visits some days ahead. They take up no time of the provider: the guard against double booking would only
    make the seeding slow, and sending does not look at it."""
    first = (now + _AHEAD).replace(minute=0, second=0, microsecond=0)
    for n in range(count):
        start = first + _VISIT * (n % 48)
        end = start + _VISIT
        yield (n + 1, f"apt_{n}", 1, 1, 1, n + 1, "booked", "unconfirmed", start, end, start, end, False, True,
               start.date(), "UTC", start.isoformat(), now, 3, 1, now)  # fmt: skip
