"""What no-shows and reminders cost; ``docs/measures.md`` defines every figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from reminders.clock import Clock
from reminders.domain.attendance import Attendance
from reminders.domain.measures import (
    CostBy,
    Costs,
    NoShowBy,
    Outcomes,
    Spent,
    Visits,
    by_currency,
    folded,
    named,
)
from reminders.services.figures import MOST_COUNTED, Range, ranged
from reminders.services.groups import ALL, Group, Name, namer, ordered, wanted
from reminders.store import measures as store
from reminders.store import rollups
from reminders.store.engine import Database, Record
from reminders.store.facts import Span

_RATE_DIGITS = 6
_MONEY = Decimal("0.00001")
#: Groupings for which the days have to be kept apart.
_DAILY = frozenset({NoShowBy.DAY, NoShowBy.WEEK, CostBy.DAY, CostBy.WEEK})
#: Groupings in which no visit stands in two groups: what is counted for the groups adds up to the total.
_DISJOINT = frozenset(CostBy) - {CostBy.CHANNEL, CostBy.STEP}


@dataclass(frozen=True, slots=True)
class NoShowReport:
    """Visits by outcome; ``first`` and ``last`` are the days asked for, both included, ``None`` for no bound. ``as_of`` is
    the last day that is in the figures."""

    first: date | None
    last: date | None
    by: NoShowBy
    groups: tuple[tuple[Group, Visits], ...]
    total: Visits
    as_of: date | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns, also when there is not a single line."""
        return list(_visit_row(ALL, Visits()))

    def rows(self) -> list[dict[str, Any]]:
        """One line per group; the lines add up to the total."""
        return [_visit_row(group, visits) for group, visits in self.groups]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return _head(self) | {"items": self.rows(), "total": _visit_row(ALL, self.total)}


@dataclass(frozen=True, slots=True)
class CostReport:
    """Reminders by outcome and what their messages cost: one line per group and currency.

    ``totals`` has one line per currency. Visits that got reminders of two groups count in both, so the denominators of
    the groups need not add up to those of the totals. ``as_of`` is the last day that is in the figures.
    """

    first: date | None
    last: date | None
    by: CostBy
    groups: tuple[tuple[Group, Costs], ...]
    totals: tuple[Costs, ...]
    as_of: date | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the columns, also when there is not a single line."""
        return list(_cost_row(ALL, Costs(None, Outcomes(), Spent())))

    def rows(self) -> list[dict[str, Any]]:
        """One line per group and currency."""
        return [_cost_row(group, costs) for group, costs in self.groups]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return _head(self) | {"items": self.rows(), "totals": [_cost_row(ALL, costs) for costs in self.totals]}


class Reports:
    """Reads only. Ranges are days of the visit in the venue's calendar, both ends included."""

    def __init__(self, database: Database, clock: Clock, most_live: int = MOST_COUNTED) -> None:
        self._database = database
        self._clock = clock
        self._most_live = most_live

    def no_shows(self, first: date | None = None, last: date | None = None, by: str | None = None) -> NoShowReport:
        """Who came and who did not; ``by`` is a ``NoShowBy``. ``Invalid`` for an unknown one or an empty range."""
        asked = wanted(NoShowBy, by, first, last)
        with self._database.read() as tx:
            days = self._ranged(tx, first, last)
            counted = _visits(tx, asked, days, self._clock.now())
            name = namer(tx, asked)
        groups = folded(counted, name)
        total = sum(groups.values(), Visits())
        if asked is NoShowBy.NONE:
            groups = {ALL: total}
        return NoShowReport(first, last, asked, tuple(ordered(groups.items(), asked)), total, days.as_of)

    def reminder_costs(self, first: date | None = None, last: date | None = None, by: str | None = None) -> CostReport:
        """What reminding cost; ``by`` is a ``CostBy``. ``Invalid`` for an unknown one or an empty range."""
        asked = wanted(CostBy, by, first, last)
        with self._database.read() as tx:
            days = self._ranged(tx, first, last)
            live = _live(tx, asked, days.pieces().live)
            alone = live if asked in _DISJOINT else _live(tx, CostBy.NONE, days.pieces().live)
            totals = _lines(_stored(tx, CostBy.NONE, days) + alone, lambda _: ALL, {ALL})
            groups = totals if asked is CostBy.NONE else _lines(_stored(tx, asked, days) + live, namer(tx, asked))
        lines = [(group, line) for group, costs in ordered(groups.items(), asked) for line in costs]
        return CostReport(first, last, asked, tuple(lines), tuple(totals[ALL]), days.as_of)

    def _ranged(self, tx: Connection, first: date | None, last: date | None) -> Range:
        return ranged(tx, self._clock.now(), first, last, self._most_live)


def _visits(tx: Connection, by: NoShowBy, days: Range, now: datetime) -> list[tuple[Any, Visits]]:
    """(key, counts), stored and live."""
    daily = by in _DAILY
    found = days.pieces(daily=daily)
    stored = rollups.visits(tx, NoShowBy.NONE if daily else by, found, daily=daily)
    counted = [(day if daily else key, _of_these(counts)) for day, key, counts in stored]
    rows = store.visits(tx, by, found.live, now)
    return counted + [(row.key, Visits(**{row.outcome: row.count})) for row in rows]


def _of_these(counts: Attendance) -> Visits:
    return Visits(
        counts.fulfilled, counts.arrived, counts.noshow, counts.cancelled, counts.unmarked, counts.upcoming
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Counted:
    """(key, outcome, number) of reminders, and (key, currency, sums) of their messages; a key may come several times."""

    states: list[tuple[Any, str, int]]
    amounts: list[tuple[Any, str | None, Spent]]

    def __add__(self, other: _Counted) -> _Counted:
        return _Counted(self.states + other.states, self.amounts + other.amounts)


def _live(tx: Connection, by: CostBy, spans: Sequence[Span]) -> _Counted:
    """Counted from the reminders themselves."""
    return _Counted(
        [(row.key, row.outcome, row.count) for row in store.reminders(tx, by, spans)],
        [(row.key, row.paid_in, _spent(row)) for row in store.spending(tx, by, spans)],
    )


def _stored(tx: Connection, by: CostBy, days: Range) -> _Counted:
    daily = by in _DAILY
    found, stored_by = days.pieces(daily=daily), CostBy.NONE if daily else by
    return _Counted(
        [(row.key, row.outcome, int(row.number)) for row in rollups.reminders(tx, stored_by, found, daily=daily)],
        [(row.key, row.currency or None, _spent(row)) for row in rollups.costs(tx, stored_by, found, daily=daily)],
    )


def _lines(found: _Counted, name: Name, always: Iterable[Group] = ()) -> dict[Group, list[Costs]]:
    """The lines of every group; those of ``always`` even when there is nothing to count."""
    states: dict[Group, dict[str, int]] = {group: {} for group in always}
    for key, outcome, number in found.states:
        counts = states.setdefault(name(key), {})
        counts[outcome] = counts.get(outcome, 0) + number
    spent: dict[Group, dict[str | None, Spent]] = {group: {} for group in states}
    for key, currency, sums in found.amounts:
        amounts = spent.setdefault(name(key), {})
        amounts[currency] = amounts[currency] + sums if currency in amounts else sums
    return {group: by_currency(Outcomes(**states.get(group, {})), amounts) for group, amounts in spent.items()}


def _spent(row: Record) -> Spent:
    return Spent(
        int(row.messages), int(row.segments), int(row.actual_messages), int(row.estimated_messages),
        Decimal(row.actual or 0), Decimal(row.estimated or 0), int(row.reminders), int(row.confirmed), int(row.kept),
    )  # fmt: skip


def _head(report: NoShowReport | CostReport) -> dict[str, Any]:
    first, last, as_of = (day.isoformat() if day else None for day in (report.first, report.last, report.as_of))
    return {"from": first, "to": last, "by": report.by.value, "as_of": as_of}


def _visit_row(group: Group, visits: Visits) -> dict[str, Any]:
    rate = visits.rate
    shares = {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high} if rate else _NO_RATE
    return {
        "group": group.id, "label": group.label, "booked": visits.booked, **named(visits),
        **{name: None if share is None else round(share, _RATE_DIGITS) for name, share in shares.items()},
    }  # fmt: skip


_NO_RATE: Mapping[str, float | None] = {"rate": None, "rate_low": None, "rate_high": None}


def _cost_row(group: Group, costs: Costs) -> dict[str, Any]:
    spent = costs.spent
    return {
        "group": group.id, "label": group.label, "currency": costs.currency, "reminders": costs.outcomes.reminders,
        **named(costs.outcomes), "messages": spent.messages, "segments": spent.segments,
        "actual_messages": spent.actual_messages, "estimated_messages": spent.estimated_messages,
        "unpriced_messages": spent.unpriced_messages,
        "actual_cost": _money(spent.actual if spent.actual_messages else None),
        "estimated_cost": _money(spent.estimated if spent.estimated_messages else None),
        "basis": spent.basis, "reminders_with_cost": spent.reminders, "confirmed_visits": spent.confirmed,
        "kept_visits": spent.kept, "cost_per_reminder": _money(spent.per(spent.reminders)),
        "cost_per_confirmed_visit": _money(spent.per(spent.confirmed)),
        "cost_per_kept_visit": _money(spent.per(spent.kept)),
    }  # fmt: skip


def _money(amount: Decimal | None) -> str | None:
    """An amount as text with five decimals: prices of messages are fractions of a cent."""
    return None if amount is None else str(amount.quantize(_MONEY))
