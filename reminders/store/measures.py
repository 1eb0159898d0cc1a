"""The sums behind the reports. The database counts and adds up; what the groups are called is decided in Python.

Every query looks at visits by ``local_day``, the day of the venue's calendar, so no time zone is needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from reminders.domain.appointment import OPEN, Confirmation, Status
from reminders.domain.delivery import Reason
from reminders.domain.measures import COSTS_STORED, CostBy, NoShowBy
from reminders.store.engine import Record
from reminders.store.facts import Span, within
from reminders.store.spent import CURRENCY, GUESSED, PRICED, REFUSED
from reminders.store.tables import Appointment, Location, Message, Patient, Provider, Reminder, Service

UNMARKED = "unmarked"
UPCOMING = "upcoming"
IMPORTED = "imported"

Named = type[Location] | type[Provider] | type[Service]

_LANGUAGE: ColumnElement[Any] = func.coalesce(Patient.language, Location.language)

_NO_SHOW_KEYS: dict[NoShowBy, ColumnElement[Any] | Any] = {
    NoShowBy.NONE: literal(""),
    NoShowBy.DAY: Appointment.local_day,
    NoShowBy.WEEK: Appointment.local_day,
    NoShowBy.LOCATION: Appointment.location_id,
    NoShowBy.PROVIDER: Appointment.provider_id,
    NoShowBy.SERVICE: Appointment.service_id,
    NoShowBy.LANGUAGE: _LANGUAGE,
    NoShowBy.LEAD_TIME: Appointment.lead_days,
}

_COST_KEYS: dict[CostBy, ColumnElement[Any] | Any] = {
    CostBy.NONE: literal(""),
    CostBy.DAY: Appointment.local_day,
    CostBy.WEEK: Appointment.local_day,
    CostBy.LOCATION: Appointment.location_id,
    CostBy.CHANNEL: Reminder.channel,
    CostBy.LANGUAGE: _LANGUAGE,
    CostBy.STEP: Reminder.step,
}

_KEPT = (Status.ARRIVED, Status.FULFILLED)
_OUTCOME: ColumnElement[Any] = case((Reminder.reason == Reason.IMPORTED, IMPORTED), else_=Reminder.state).label(
    "outcome"
)
_PAID_IN: ColumnElement[Any] = CURRENCY.label("paid_in")
_KNOWN = PRICED | GUESSED
#: What one message adds to the sums; of the last three, each reminder and each visit counts once.
_MESSAGE: Mapping[str, Any] = {
    "segments": Message.segments,
    "price": case((PRICED, Message.price)),
    "guess": case((GUESSED, Message.estimated)),
    "reminders": case((_KNOWN, Reminder.id)),
    "confirmed": case((and_(_KNOWN, Appointment.confirmation == Confirmation.CONFIRMED), Appointment.id)),
    "kept": case((and_(_KNOWN, Appointment.status.in_(_KEPT)), Appointment.id)),
}


def visits(tx: Connection, by: NoShowBy, spans: Sequence[Span], now: datetime) -> Sequence[Record]:
    """(key, outcome, count): outcome is a final status, ``unmarked`` or ``upcoming``."""
    if not spans:
        return []
    is_open = Appointment.status.in_(OPEN)
    outcome = case((and_(is_open, Appointment.end_at <= now), UNMARKED), (is_open, UPCOMING), else_=Appointment.status)
    key = _NO_SHOW_KEYS[by].label("key")
    query = select(key, outcome.label("outcome"), func.count().label("count")).select_from(Appointment)
    if by is NoShowBy.LANGUAGE:
        query = query.join(Patient).join(Location, Location.id == Appointment.location_id)
    return tx.execute(query.where(within(spans)).group_by("key", "outcome")).all()


def reminders(tx: Connection, by: CostBy, spans: Sequence[Span]) -> Sequence[Record]:
    """(key, outcome, count) of the policy's reminders: outcome is a state, or ``imported``."""
    return tx.execute(_reminders(by).where(within(spans))).all() if spans else []


def spending(tx: Connection, by: CostBy, spans: Sequence[Span]) -> Sequence[Record]:
    """Messages of the policy's reminders, by key and currency.

    A message with a price counts its price, one without counts its estimate. What the provider refused to take was
    never billed, so it is not a message here. Denominators count each reminder and each visit once per currency.
    """
    return tx.execute(_spending(by).where(within(spans))).all() if spans else []


def reminders_of(tx: Connection, day: date) -> Sequence[Record]:
    """(grouping, key, outcome, count): ``reminders`` of one day under each of ``COSTS_STORED``, looked up once for all."""
    return tx.execute(_reminders_each_way(), {"day": day}).all()


def spending_of(tx: Connection, day: date) -> Sequence[Record]:
    """(grouping, key, paid_in, sums): ``spending`` of one day under each of ``COSTS_STORED``, looked up once for all."""
    return tx.execute(_spending_each_way(), {"day": day}).all()


@cache
def _reminders(by: CostBy) -> Any:
    key = _COST_KEYS[by].label("key")
    return _from_reminders((by,), key, _OUTCOME, func.count().label("count")).group_by("key", "outcome")


@cache
def _spending(by: CostBy) -> Any:
    key = _COST_KEYS[by].label("key")
    return _from_messages((by,), key, _PAID_IN, *_sums(_MESSAGE)).group_by("key", "paid_in")


@cache
def _reminders_each_way() -> Any:
    keys = (_COST_KEYS[by].label(by.value) for by in COSTS_STORED)
    return _each_way(_from_reminders(COSTS_STORED, *keys, _OUTCOME), "outcome", lambda _: [func.count().label("count")])


@cache
def _spending_each_way() -> Any:
    keys = (_COST_KEYS[by].label(by.value) for by in COSTS_STORED)
    parts = (part.label(name) for name, part in _MESSAGE.items())
    return _each_way(_from_messages(COSTS_STORED, *keys, _PAID_IN, *parts), "paid_in", _sums)


def _each_way(lines: Any, part: str, sums: Callable[[Any], list[Any]]) -> Any:
    """``lines`` of one day, read once and grouped by each of their keys."""
    c = lines.where(Appointment.local_day == bindparam("day")).cte("line").c
    return union_all(*(
        select(literal(by.value).label("grouping"), cast(c[by.value], String).label("key"), c[part], *sums(c))
        .group_by(c[by.value], c[part])
        for by in COSTS_STORED
    ))  # fmt: skip


def names(tx: Connection, table: Named) -> dict[int, tuple[str, str]]:
    """Internal number -> (public id, name)."""
    return {row.id: (row.uid, row.name) for row in tx.execute(select(table.id, table.uid, table.name))}


def repeaters(tx: Connection, spans: Sequence[Span], least: int, limit: int) -> Sequence[Record]:
    """(public id of the patient, no-shows, day of the last one), most no-shows first."""
    missed = func.count()
    counted = (
        select(Appointment.patient_id, missed.label("missed"), func.max(Appointment.local_day).label("missed_on"))
        .where(literal_column("appointment.status = 'noshow'"), within(spans))
        .group_by(Appointment.patient_id)
        .having(missed >= least)
        .order_by(missed.desc(), func.max(Appointment.local_day).desc(), Appointment.patient_id)
        .limit(limit)
        .subquery()
    )
    columns = Patient.uid.label("patient_id"), counted.c.missed, counted.c.missed_on
    order = counted.c.missed.desc(), counted.c.missed_on.desc(), counted.c.patient_id
    return tx.execute(select(*columns).join(counted, counted.c.patient_id == Patient.id).order_by(*order)).all()


def _from_reminders(keys: Iterable[CostBy], *columns: Any) -> Any:
    return _joined(select(*columns).select_from(Reminder), keys).where(Reminder.kind == "reminder")


def _from_messages(keys: Iterable[CostBy], *columns: Any) -> Any:
    query = select(*columns).select_from(Message).join(Reminder, Reminder.id == Message.reminder_id)
    return _joined(query, keys).where(Reminder.kind == "reminder", Message.direction == "out", ~REFUSED)


def _joined(query: Any, keys: Iterable[CostBy]) -> Any:
    query = query.join(Appointment, Appointment.id == Reminder.appointment_id)
    if CostBy.LANGUAGE in keys:
        query = query.join(Patient, Patient.id == Appointment.patient_id)
        query = query.join(Location, Location.id == Appointment.location_id)
    return query


def _sums(part: Mapping[str, Any]) -> list[Any]:
    """Messages with the parts of ``_MESSAGE``, added up."""
    return [
        func.count().label("messages"),
        func.coalesce(func.sum(part["segments"]), 0).label("segments"),
        func.count(part["price"]).label("actual_messages"),
        func.count(part["guess"]).label("estimated_messages"),
        func.sum(part["price"]).label("actual"),
        func.sum(part["guess"]).label("estimated"),
        *(func.count(distinct(part[name])).label(name) for name in ("reminders", "confirmed", "kept")),
    ]
