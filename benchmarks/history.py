"""A clinic's past for ``reports.py``: any number of visits over some years, with reminders, messages and prices.

The database makes the rows itself from the numbers 1 to n, so that ten million take minutes. What a row says depends on
nothing but its number (multiplicative hashing, Knuth, *The Art of Computer Programming* 3, 6.4): both databases and every
run hold the same clinic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, select

from reminders.domain.experiment import Branch
from reminders.store import clinic as store
from reminders.store import experiments
from reminders.store.engine import Database
from reminders.store.tables import Location, Provider, ReminderPolicy, Service

LOCATIONS, PROVIDERS, SERVICES = 6, 60, 24
#: Visits of one patient, on average.
VISITS_EACH = 12
#: Days after the last one that is over: what is booked already.
AHEAD = 20
_MULTIPLIERS = (2654435761, 2246822519, 3266489917, 668265263, 374761393, 2654435769, 1597334677, 3812015801)
_CHUNK = 250_000
_FILLED = ("appointment", "reminder", "message")
_AS_REPLICA = "SET LOCAL session_replication_role = replica"


@dataclass(frozen=True)
class Plan:
    """``visits`` on ``days`` days, of which the last ``AHEAD`` are to come."""

    visits: int
    days: int
    last: date

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days - 1)

    @property
    def patients(self) -> int:
        return max(1, self.visits // VISITS_EACH)

    @property
    def now(self) -> datetime:
        """An evening on which all but the days ahead are over everywhere."""
        return datetime.combine(self.last - timedelta(days=AHEAD - 1), datetime.min.time(), UTC) + timedelta(hours=20)


def fill(database: Database, plan: Plan) -> Iterator[str]:
    """Write everything; says what comes next."""
    yield "clinic"
    with database.write() as tx:
        _clinic(tx, plan)
    sql = _Words(database.is_sqlite, plan)
    later = _without_watch(database)
    yield f"{plan.patients:,} patients"
    _run(database, sql.patients(), plan.patients)
    yield f"{plan.visits:,} visits"
    _run(database, sql.visits(), plan.visits)
    yield "reminders"
    _run(database, sql.reminders(), plan.visits)
    yield "messages"
    _run(database, sql.messages(), plan.visits)
    yield "indexes and statistics"
    with database.write() as tx:
        for statement in later:
            tx.exec_driver_sql(statement)
    with database.raw() as connection:
        connection.exec_driver_sql("ANALYZE")


def _run(database: Database, template: str, count: int) -> None:
    for low in range(1, count + 1, _CHUNK):
        with database.write() as tx:
            if not database.is_sqlite:
                tx.exec_driver_sql(_AS_REPLICA)
            tx.exec_driver_sql(template.format(low=low, high=min(low + _CHUNK - 1, count)))


def _without_watch(database: Database) -> list[str]:
    """Lets rows in as a restored backup would; returns what sets the watch again."""
    with database.write() as tx:
        return _without_triggers(tx) if database.is_sqlite else _without_indexes(tx)


def _without_triggers(tx: Connection) -> list[str]:
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('{}', '{}', '{}')"
    found = tx.exec_driver_sql(query.format(*_FILLED)).all()
    for name, _ in found:
        tx.exec_driver_sql(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]


def _without_indexes(tx: Connection) -> list[str]:
    """PostgreSQL builds an index over all rows in a fraction of the time of adding them one by one. Its triggers, those of
    foreign keys among them, are silent in the role that replicas write in (``_AS_REPLICA``)."""
    query = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('{}', '{}', '{}') AND indexname NOT IN "
        "(SELECT conname FROM pg_constraint)"
    )
    found = tx.exec_driver_sql(query.format(*_FILLED)).all()
    for name, _ in found:
        tx.exec_driver_sql(f"DROP INDEX {name}")
    return ["SET LOCAL maintenance_work_mem = '512MB'", *(definition for _, definition in found)]


def _clinic(tx: Connection, plan: Plan) -> None:
    made = datetime.combine(plan.first, datetime.min.time(), UTC)
    zones = ("Europe/Berlin", "Europe/Madrid", "Europe/London")
    for number in range(1, LOCATIONS + 1):
        store.add(tx, Location, {
            "uid": f"loc_{number}", "name": f"House {number}", "time_zone": zones[number % 3], "country": "DE",
            "observes_holidays": False, "language": ("de", "es", "en")[number % 3], "currency": "EUR", "created_at": made,
        })  # fmt: skip
    policy = {"uid": "pol_1", "name": "Usual", "steps": [], "quiet_hours": {"mode": "none"}, "notices": []}
    store.add(tx, ReminderPolicy, policy | {"created_at": made})
    for number in range(1, PROVIDERS + 1):
        store.add(tx, Provider, {
            "uid": f"prv_{number}", "location_id": 1 + number % LOCATIONS, "name": f"Provider {number}", "languages": [],
            "active": True, "created_at": made,
        })  # fmt: skip
    for number in range(1, SERVICES + 1):
        store.add(tx, Service, {
            "uid": f"svc_{number}", "name": f"Service {number}", "duration_minutes": 30, "buffer_before_minutes": 0,
            "buffer_after_minutes": 0, "longest_minutes": 30, "slot_minutes": 30, "min_notice_minutes": 0,
            "horizon_days": 90, "active": True, "value_amount": Decimal(80), "value_currency": "EUR", "created_at": made,
        })  # fmt: skip
    services = list(tx.execute(select(Service.id)).scalars())
    number = tx.execute(select(ReminderPolicy.id)).scalar_one()
    holdout = Branch("held out", 0.1, ())
    experiments.add(tx, {
        "uid": "exp_1", "policy_id": number, "name": "A tenth", "service_ids": services, "guarded_ids": [],
        "branches": [{"name": holdout.name, "share": holdout.share, "steps": []}], "difference": 0.03,
        "started_at": plan.now - timedelta(days=200),
    })  # fmt: skip


class _Words:
    """The statements, in the words of one database."""

    def __init__(self, is_sqlite: bool, plan: Plan) -> None:
        self._is_sqlite, self._plan = is_sqlite, plan

    def patients(self) -> str:
        language = f"CASE WHEN {self._draw(0)} < 0.2 THEN 'es' WHEN {self._draw(0)} < 0.3 THEN 'tr' END"
        return self._insert("patient", {
            "id": "i", "uid": "'pat_' || i", "name": "'Patient ' || i", "language": language, "version": "1",
            "paused": self._false, "created_at": self._moment("0", "0"),
        })  # fmt: skip

    def visits(self) -> str:
        """Between 7 and 19 o'clock on a day that grows with the number; booked 0 to 40 days before."""
        day = f"(i * {self._plan.days} / {self._plan.visits + 1})"
        hour, lead = f"(7 + {self._whole(1, 12)})", f"({self._whole(2, 41)} * {self._whole(3, 2)})"
        start, end = self._moment(day, hour), self._moment(day, f"{hour} + 1")
        past = f"{day} <= {self._plan.days - AHEAD}"
        draw = self._draw(4)
        status = (
            f"CASE WHEN NOT {past} OR {draw} < 0.02 THEN 'booked' WHEN {draw} < 0.14 + {lead} * 0.002 THEN 'noshow' "
            f"WHEN {draw} < 0.4 THEN 'cancelled' WHEN {draw} < 0.5 THEN 'arrived' ELSE 'fulfilled' END"
        )
        return self._insert("appointment", {
            "id": "i", "uid": "'apt_' || i", "provider_id": f"(1 + {self._whole(5, PROVIDERS)})",
            "location_id": f"(1 + {self._whole(5, PROVIDERS)} * {LOCATIONS} / {PROVIDERS})",
            "service_id": f"(1 + {self._whole(6, SERVICES)})", "patient_id": f"(1 + {self._whole(7, self._plan.patients)})",
            "status": status, "confirmation": f"CASE WHEN {self._draw(0)} < 0.5 THEN 'confirmed' ELSE 'unconfirmed' END",
            "start_at": start, "end_at": end, "busy_start": start, "busy_end": end, "occupies": self._false,
            "timed": self._true, "local_day": self._day(day), "booked_at": self._moment(f"{day} - {lead}", "6"),
            "lead_days": lead, "paused": self._false, "published": self._true, "version": "1",
            "updated_at": self._moment(day, "6"),
        })  # fmt: skip

    def reminders(self) -> str:
        """One for every visit booked some days before, nine of ten sent."""
        state = f"CASE WHEN {self._draw(1)} < 0.1 THEN 'suppressed' WHEN {self._draw(1)} < 0.2 THEN 'sent' ELSE 'delivered' END"
        return self._insert("reminder", {
            "id": "a.id", "uid": "'rem_' || a.id", "appointment_id": "a.id", "patient_id": "a.patient_id",
            "kind": "'reminder'", "plan": "1", "step": "i & 1", "due_at": "a.start_at", "not_after": "a.start_at",
            "channel": f"CASE WHEN {self._draw(2)} < 0.7 THEN 'sms' ELSE 'voice' END",
            "state": f"CASE WHEN a.local_day > {self._today} THEN 'planned' ELSE {state} END", "reason": "'due'",
            "attempts": "1", "updated_at": "a.start_at",
        }, "JOIN appointment a ON a.id = i WHERE a.lead_days > 0")  # fmt: skip

    def messages(self) -> str:
        amount = "800" if self._is_sqlite else "0.008"
        priced = f"{self._draw(3)} < 0.8"
        return self._insert("message", {
            "id": "r.id", "uid": "'msg_' || r.id", "direction": "'out'", "channel": "r.channel", "kind": "'reminder'",
            "reminder_id": "r.id", "appointment_id": "r.appointment_id", "patient_id": "r.patient_id", "phone": "''",
            "body": "''", "provider_sid": "'SM' || r.id", "state": "r.state", "segments": "1", "estimated": amount,
            "estimated_currency": "'USD'", "price": f"CASE WHEN {priced} THEN {amount} END", "checks": "0",
            "price_currency": f"CASE WHEN {priced} THEN 'USD' END", "created_at": "r.due_at",
        }, "JOIN reminder r ON r.id = i WHERE r.state IN ('sent', 'delivered')")  # fmt: skip

    def _insert(self, table: str, columns: dict[str, str], tail: str = "") -> str:
        numbers = "generate_series({low}::bigint, {high}) AS g(i)"
        head = ""
        if self._is_sqlite:
            head = "WITH RECURSIVE g(i) AS (SELECT {low} UNION ALL SELECT i + 1 FROM g WHERE i < {high}) "
            numbers = "g"
        where = tail if tail or not self._is_sqlite else "WHERE true"
        names, values = ", ".join(columns), ", ".join(columns.values())
        return f"{head}INSERT INTO {table} ({names}) SELECT {values} FROM {numbers} {where}"

    def _draw(self, which: int) -> str:
        """A number in [0, 1) made of ``i``."""
        return f"(((i * {_MULTIPLIERS[which]}) & 4294967295) / 4294967296.0)"

    def _whole(self, which: int, below: int) -> str:
        return f"((((i * {_MULTIPLIERS[which]}) & 4294967295) * {below}) / 4294967296)"

    def _day(self, offset: str) -> str:
        if self._is_sqlite:
            return f"date('{self._plan.first}', {offset} || ' days')"
        return f"(date '{self._plan.first}' + ({offset})::int)"

    def _moment(self, offset: str, hour: str) -> str:
        if self._is_sqlite:
            start = int(datetime.combine(self._plan.first, datetime.min.time(), UTC).timestamp()) * 1_000_000
            return f"({start} + (({offset}) * 24 + {hour}) * 3600000000)"
        return f"(timestamptz '{self._plan.first} 00:00+00' + (({offset}) * 24 + {hour}) * interval '1 hour')"

    @property
    def _today(self) -> str:
        return f"'{self._plan.now.date()}'"

    @property
    def _true(self) -> str:
        return "1" if self._is_sqlite else "true"

    @property
    def _false(self) -> str:
        return "0" if self._is_sqlite else "false"
