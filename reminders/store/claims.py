"""Taking what is due: a batch at a time, with a lease, at a cost that depends on what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)

from reminders.domain.delivery import State
from reminders.store.bulk import insert_rows, update_rows
from reminders.store.engine import Record
from reminders.store.patients import HOME
from reminders.store.prepared import Prepared
from reminders.store.tables import Appointment, Message, Patient, Reminder
from reminders.store.tables.base import among

#: Written out rather than bound: a planner may use a partial index only when it sees the very condition of the index.
_PLANNED = Reminder.state == literal_column("'planned'")
_REMINDER: Table = Reminder.__table__  # type: ignore[assignment]
_MESSAGE: Table = Message.__table__  # type: ignore[assignment]

#: ``since`` is a low-water mark: PostgreSQL keeps index entries of rows that have been claimed as long as some old
#: snapshot may need them, and every claim would read over all of them again.
_DUE = (
    _PLANNED,
    Reminder.channel == bindparam("channel"),
    Reminder.due_at <= bindparam("now"),
    Reminder.due_at >= bindparam("since"),
)

#: Before anything of ours: the mark of a look at everything.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: Of so many that are due longest, those go first that would be too late first: a bounded look, however many there are.
CROWD = 2000

#: What a claim makes of a reminder.
_TAKEN = {
    "state": literal_column("'uncertain'"), "attempts": _REMINDER.c.attempts + 1, "lease_owner": bindparam("owner"),
    "lease_until": bindparam("lease_until"), "updated_at": bindparam("now"), "carried_by": null(),
}  # fmt: skip


def _claim(by_deadline: bool) -> Prepared:
    in_order = select(Reminder.id).where(*_DUE).order_by(Reminder.due_at, Reminder.id)
    if by_deadline:
        oldest = in_order.limit(literal_column(str(CROWD))).subquery()
        in_order = select(Reminder.id).where(_PLANNED, Reminder.id.in_(select(oldest.c.id)))
        in_order = in_order.order_by(Reminder.not_after, Reminder.id)
    # a CTE, because PostgreSQL may run a plain subquery once per row and then takes more than the limit
    due = in_order.limit(bindparam("limit", type_=BigInteger)).with_for_update(skip_locked=True).cte("due")
    taken = update(_REMINDER).where(_REMINDER.c.id == due.c.id, _REMINDER.c.state == literal_column("'planned'"))
    return Prepared(taken.values(_TAKEN).returning(_REMINDER.c.id, _REMINDER.c.due_at))


_CLAIM, _CLAIM_BY_DEADLINE = _claim(by_deadline=False), _claim(by_deadline=True)
_FIRST = Prepared(
    select(Reminder.due_at)
    .where(_PLANNED, Reminder.channel == bindparam("channel"), Reminder.due_at >= bindparam("since"))
    .order_by(Reminder.due_at, Reminder.id)
    .limit(1)
)
_ROW = select(
    Reminder.id, Reminder.uid, Reminder.appointment_id, Reminder.patient_id, Reminder.kind, Reminder.plan, Reminder.step,
    Reminder.channel, Reminder.due_at, Reminder.not_after, Reminder.attempts, Reminder.reason, Reminder.body,
    Appointment.location_id, Appointment.service_id, Appointment.status, Appointment.confirmation, Appointment.start_at,
    Appointment.booked_at, Appointment.paused.label("visit_paused"), Patient.uid.label("patient_uid"), Patient.name.label("patient_name"), Patient.phone.label("patient_phone"),
    Patient.email.label("patient_email"), Patient.language.label("patient_language"),
    Patient.time_zone.label("patient_zone"), Patient.paused.label("patient_paused"),
).join_from(Reminder, Patient, Patient.id == Reminder.patient_id).join(
    Appointment, Appointment.id == Reminder.appointment_id, isouter=True
)  # fmt: skip
_DETAILS = Prepared(_ROW.where(among(Reminder.id, "numbers")).order_by(Reminder.due_at, Reminder.id))
_COMPANIONS = Prepared(
    select(Reminder.id)
    .join_from(Reminder, Patient, Patient.id == Reminder.patient_id)
    .where(
        among(Patient.phone, "phones"), _PLANNED, Reminder.channel == bindparam("channel"), Reminder.kind == "reminder",
        Reminder.due_at > bindparam("now"), Reminder.due_at <= bindparam("until"),
    )
    .with_for_update(skip_locked=True, of=Reminder)
)  # fmt: skip
_CLAIM_THESE = Prepared(
    update(_REMINDER)
    .where(among(_REMINDER.c.id, "numbers"), _REMINDER.c.state == literal_column("'planned'"))
    .values(_TAKEN)
    .returning(_REMINDER.c.id)
)  # fmt: skip
_EXTEND = Prepared(
    update(_REMINDER)
    .where(
        or_(among(_REMINDER.c.id, "numbers"), among(_REMINDER.c.carried_by, "carriers")),
        _REMINDER.c.lease_owner == bindparam("owner"),
        _REMINDER.c.state == literal_column("'uncertain'"),
    )
    .values(lease_until=bindparam("until"))
    .returning(_REMINDER.c.id)
)
_LATER = Prepared(
    select(Reminder.appointment_id, func.count(Reminder.step.distinct()).label("count"))
    .where(
        among(Reminder.appointment_id, "visits"), text("reminder.state IN ('planned', 'uncertain')"),  # or taken early, just now
        Reminder.kind == "reminder", Reminder.due_at > bindparam("now"),
    )
    .group_by(Reminder.appointment_id)
)  # fmt: skip
_AUTOMATIC = (
    among(Message.phone, "phones"), Message.created_at > bindparam("since"), Message.direction == "out",
    text("message.kind IN ('reminder', 'moved', 'cancelled')"),
)  # fmt: skip
_RECENT = Prepared(
    select(Message.phone, func.count().label("count")).where(*_AUTOMATIC).group_by(Message.phone)
)  # fmt: skip
_RECENT_TIMES = Prepared(select(Message.created_at).where(*_AUTOMATIC).order_by(Message.created_at))
_MISSED = Prepared(
    update(_REMINDER)
    .where(*_DUE, Reminder.not_after < bindparam("now"))
    .values(state=State.MISSED, reason=bindparam("why"), updated_at=bindparam("now"))
)
_HOME = Prepared(select(Patient.id, HOME).where(among(Patient.id, "numbers")))


def claim_due(
    tx: Connection, channel: str, now: datetime, owner: str, lease_until: datetime, limit: int, *, since: datetime,
    by_deadline: bool = False,
) -> list[Record]:  # fmt: skip
    """Take up to ``limit`` due reminders of one channel for ``owner``: nobody else gets them until the lease ends.

    They become ``uncertain``: the caller writes their attempts in the same transaction, and whoever dies afterwards
    leaves rows of which nobody knows whether they were sent. Returns (id, due_at) in no order. ``by_deadline`` takes
    those first that would be too late first.
    """
    values = {
        "channel": channel,
        "now": now,
        "since": since,
        "owner": owner,
        "lease_until": lease_until,
        "limit": limit,
    }
    return (_CLAIM_BY_DEADLINE if by_deadline else _CLAIM).all(tx, values)


def first_due(tx: Connection, channel: str, since: datetime) -> datetime | None:
    """When the first planned reminder of this channel is due, not looking before ``since``."""
    row = _FIRST.first(tx, {"channel": channel, "since": since})
    return row.due_at if row else None


def details(tx: Connection, numbers: Sequence[int]) -> list[Record]:
    """Reminders with everything that decides whether and how they go out, in order of due time."""
    return _DETAILS.all(tx, {"numbers": list(numbers)})


def homes(tx: Connection, patients: Sequence[int]) -> dict[int, int | None]:
    """The venue of each patient's latest visit, for messages that belong to no visit."""
    return {row.id: row.home_location_id for row in _HOME.all(tx, {"numbers": list(patients)})}


def claim_companions(
    tx: Connection, phones: Sequence[str], channel: str, now: datetime, until: datetime, owner: str,
    lease_until: datetime,
) -> list[int]:  # fmt: skip
    """Take what is due to these phones until ``until`` as well, so that one message can speak for all of it."""
    found = _COMPANIONS.all(tx, {"phones": list(phones), "channel": channel, "now": now, "until": until})
    if not found:
        return []
    values = {"numbers": [row.id for row in found], "owner": owner, "lease_until": lease_until, "now": now}
    return [row.id for row in _CLAIM_THESE.all(tx, values)]


def extend(tx: Connection, numbers: Sequence[int], owner: str, until: datetime) -> set[int]:
    """Keep what is still being sent; returns the rows that were still ours."""
    values = {"numbers": list(numbers), "carriers": list(numbers), "owner": owner, "until": until}
    return {row.id for row in _EXTEND.all(tx, values)}


def later_nudges(tx: Connection, visits: Sequence[int], now: datetime) -> dict[int, int]:
    """How many further steps are planned for each of these visits."""
    return {row.appointment_id: row.count for row in _LATER.all(tx, {"visits": list(visits), "now": now})}


def recent(tx: Connection, phones: Sequence[str], since: datetime) -> dict[str, int]:
    """How many automatic messages went to each of these phones since ``since``."""
    return {row.phone: row.count for row in _RECENT.all(tx, {"phones": list(phones), "since": since})}


def recent_times(tx: Connection, phone: str, since: datetime) -> list[datetime]:
    """When the messages that ``recent`` counts were sent, the oldest first."""
    return [row.created_at for row in _RECENT_TIMES.all(tx, {"phones": [phone], "since": since})]


def miss_overdue(tx: Connection, channel: str, now: datetime, since: datetime, reason: str) -> int:
    """Give up what is planned and past its deadline; for times when nothing can be claimed."""
    return _MISSED.run(tx, {"channel": channel, "now": now, "since": since, "why": reason})


def add_attempts(tx: Connection, messages: Sequence[Mapping[str, Any]]) -> None:
    """Write down what is about to be sent."""
    insert_rows(tx, _MESSAGE, messages)


def settle_claimed(tx: Connection, verdicts: Sequence[Mapping[str, Any]]) -> None:
    """What was claimed and does not go out now: its state, reason, due time and carrier, by ``id``."""
    update_rows(tx, _REMINDER, "id", verdicts)


def accept(tx: Connection, messages: Sequence[Mapping[str, Any]], reminders: Sequence[Mapping[str, Any]]) -> int:
    """The provider took these: messages by ``token``, reminders by ``id``, unless somebody knows more already. Returns
    how many messages were waiting for the answer."""
    update_rows(tx, _REMINDER, "id", reminders, where="reminder.state = 'uncertain'")
    return update_rows(tx, _MESSAGE, "token", messages, where="message.state = 'uncertain'")
