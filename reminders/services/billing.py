"""Messages added up by kind, channel and currency."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import Connection

from reminders.domain.rollup import Pieces
from reminders.domain.spending import Bill
from reminders.store import rollups, spent
from reminders.store.engine import Record

#: What the stored sums are called; their key is the kind and the channel.
KIND = "kind"
#: (kind of message, channel, currency or nothing).
Key = tuple[str, str, str]


def bills_of(rows: Iterable[Record]) -> dict[Key, Bill]:
    """Rows of ``store/spent.py`` under their keys, of which some come twice."""
    sums: dict[Key, Bill] = {}
    for row in rows:
        key = (row.kind, row.channel, row.currency or "")
        sums[key] = sums.get(key, Bill()) + _bill(row)
    return sums


def bills(tx: Connection, pieces: Pieces) -> dict[Key, Bill]:
    """What all messages of a range cost: stored for past days, counted for the others."""
    sums = bills_of(spent.bills(tx, pieces.live))
    for row in rollups.costs(tx, KIND, pieces, daily=False):
        kind, _, channel = row.key.partition("/")
        key = (kind, channel, row.currency)
        sums[key] = sums.get(key, Bill()) + _bill(row)
    return sums


def cost_by_currency(found: dict[Key, Bill]) -> dict[str, Decimal]:
    """Each message once: its price, else its estimate; what has neither is left out."""
    sums: dict[str, Decimal] = {}
    for (_, _, currency), bill in found.items():
        if currency:
            sums[currency] = sums.get(currency, Decimal(0)) + bill.cost
    return sums


def _bill(row: Record) -> Bill:
    return Bill(
        int(row.messages), int(row.segments or 0), int(row.actual_messages), int(row.estimated_messages),
        *(Decimal(amount or 0) for amount in (row.actual, row.estimated, row.both_price, row.both_estimated)),
    )  # fmt: skip
