"""What CalDAV asks of providers' calendars (RFC 4791, RFC 6578)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, literal, or_, select, update

from reminders.store.engine import Record
from reminders.store.prepared import Prepared
from reminders.store.tables import Calendar, CalendarEntry
from reminders.store.tables.base import among

_SHORT = (CalendarEntry.href, CalendarEntry.etag, CalendarEntry.modified_at, CalendarEntry.deleted, CalendarEntry.seq,
          CalendarEntry.recurring)  # fmt: skip
_WITHOUT = select(*_SHORT, literal("").label("body")).where(CalendarEntry.provider_id == bindparam("provider"))
_WITH = select(*_SHORT, CalendarEntry.body).where(CalendarEntry.provider_id == bindparam("provider"))


def _either(*conditions: Any, order: Any = CalendarEntry.id, limit: bool = False) -> dict[bool, Prepared]:
    """A query without and with what the entries hold."""

    def made(query: Any) -> Prepared:
        query = query.where(*conditions).order_by(order)
        return Prepared(query.limit(bindparam("most", type_=BigInteger)) if limit else query)

    return {False: made(_WITHOUT), True: made(_WITH)}


_EVERYTHING = _either(~CalendarEntry.deleted)
_BY_HREF = _either(~CalendarEntry.deleted, among(CalendarEntry.href, "hrefs"))
_BETWEEN = _either(
    ~CalendarEntry.deleted,
    CalendarEntry.start_at < bindparam("until"),
    CalendarEntry.end_at >= bindparam("since"),
    (CalendarEntry.end_at > bindparam("since")) | (CalendarEntry.start_at == CalendarEntry.end_at),
)
_CHANGED = _either(CalendarEntry.seq > bindparam("after"), order=CalendarEntry.seq, limit=True)
_FIRST = _either(CalendarEntry.seq > bindparam("after"), ~CalendarEntry.deleted, order=CalendarEntry.seq, limit=True)
_ONE = Prepared(
    select(CalendarEntry.__table__).where(
        CalendarEntry.provider_id == bindparam("provider"), CalendarEntry.href == bindparam("href")
    )
)


def state(tx: Connection, provider: int) -> dict[str, Any]:
    """``seq``, ``floor`` and ``props`` of a calendar; those of an unused one when it was never written to."""
    table = Calendar.__table__
    row = tx.execute(select(table.c.seq, table.c.floor, table.c.props).where(table.c.provider_id == provider)).first()
    return dict(row._mapping) if row is not None else {"seq": 0, "floor": 0, "props": {}}


def everything(tx: Connection, provider: int, *, body: bool) -> Sequence[Record]:
    return _EVERYTHING[body].all(tx, {"provider": provider})


def by_href(tx: Connection, provider: int, hrefs: Sequence[str], *, body: bool) -> Sequence[Record]:
    """Those of ``hrefs`` that are there."""
    return _BY_HREF[body].all(tx, {"provider": provider, "hrefs": list(hrefs)})


def between(tx: Connection, provider: int, since: datetime, until: datetime) -> Sequence[Record]:
    """What may happen in [since, until); of what repeats, all that has begun by then."""
    return _BETWEEN[True].all(tx, {"provider": provider, "since": since, "until": until})


def changes(tx: Connection, provider: int, after: int, most: int, *, body: bool) -> Sequence[Record]:
    """What changed after that count, in order; deleted ones only if a program may know of them."""
    query = _CHANGED if after else _FIRST
    return query[body].all(tx, {"provider": provider, "after": after, "most": most})


def one(tx: Connection, provider: int, href: str) -> Record | None:
    """The entry at this address, also if it is deleted."""
    return _ONE.first(tx, {"provider": provider, "href": href})


def by_uid(tx: Connection, provider: int, uid: str) -> Sequence[Record]:
    """Entries of this event: at most one that is there, and deleted ones."""
    table = CalendarEntry.__table__
    return tx.execute(select(table).where(table.c.provider_id == provider, table.c.uid == uid)).all()


def buried(tx: Connection, before: datetime) -> Sequence[int]:
    """Providers with entries that were deleted before that moment."""
    old = (CalendarEntry.deleted, CalendarEntry.modified_at < before)
    return list(
        tx.execute(
            select(CalendarEntry.provider_id).where(*old).distinct().order_by(CalendarEntry.provider_id)
        ).scalars()
    )


def forget_buried(tx: Connection, provider: int, before: datetime) -> int:
    """Forget entries deleted before that moment; who last looked before they were has to begin anew (RFC 6578, 3.8). The
    calendar must be held. Returns how many there were."""
    old = (CalendarEntry.provider_id == provider, CalendarEntry.deleted, CalendarEntry.modified_at < before)
    newest, count = tx.execute(select(func.max(CalendarEntry.seq), func.count()).where(*old)).one()
    if count:
        tx.execute(delete(CalendarEntry).where(*old))
        mine = (Calendar.provider_id == provider, Calendar.floor < newest)
        tx.execute(update(Calendar).where(*mine).values(floor=newest))
    return int(count)


def running_out(tx: Connection, before: datetime, limit: int) -> Sequence[Record]:
    """Events that repeat and are not worked out as far as ``before``."""
    table = CalendarEntry.__table__
    mine = (~table.c.deleted, table.c.appointment_id.is_(None), table.c.recurring,
            or_(table.c.expanded_to.is_(None), table.c.expanded_to < before))  # fmt: skip
    return tx.execute(select(table).where(*mine).order_by(table.c.expanded_to, table.c.id).limit(limit)).all()


def set_props(tx: Connection, provider: int, props: Mapping[str, Any]) -> None:
    tx.execute(update(Calendar).where(Calendar.provider_id == provider).values(props=dict(props)))
