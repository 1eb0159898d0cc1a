"""How fast a sender may send, counted in one row that all workers share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reminders.store.prepared import Prepared
from reminders.store.tables import SenderPace

_FREE_AT = Prepared(
    select(SenderPace.free_at).where(SenderPace.sender == bindparam("sender")).with_for_update(key_share=True)
)
_SPEND = Prepared(
    update(SenderPace.__table__).where(SenderPace.sender == bindparam("sender")).values(free_at=bindparam("until"))  # type: ignore[arg-type]
)


def allowance(tx: Connection, sender: str, now: datetime, per_second: float, burst: timedelta) -> int:
    """Units (segments, calls) that ``sender`` may send now, at least 0; its row stays locked until the commit.

    What was left unused within ``burst`` may be made up for, and one unit always, however slow the sender is.
    """
    burst = _at_least_one(burst, per_second)
    row = _FREE_AT.first(tx, {"sender": sender})
    if row is None:
        build = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        tx.execute(build(SenderPace).values(sender=sender, free_at=now - burst).on_conflict_do_nothing())
        row = _FREE_AT.first(tx, {"sender": sender})
    unused = now - max(row.free_at if row else now, now - burst)
    return max(0, int(unused.total_seconds() * per_second))


def spend(tx: Connection, sender: str, now: datetime, per_second: float, burst: timedelta, units: int) -> None:
    """Take ``units`` from the allowance; it may go below zero, which delays what comes next."""
    row = _FREE_AT.first(tx, {"sender": sender})
    free_at = max(row.free_at if row else now, now - _at_least_one(burst, per_second)) + timedelta(
        seconds=units / per_second
    )
    _SPEND.run(tx, {"sender": sender, "until": free_at})


def _at_least_one(burst: timedelta, per_second: float) -> timedelta:
    return max(burst, timedelta(seconds=1 / per_second) + timedelta.resolution)
