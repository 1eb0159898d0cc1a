"""Who came and who did not, in every way a manager may ask; ``docs/measures.md`` defines every figure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from reminders.clock import Clock
from reminders.domain.attendance import NO_HOUR, Attendance, AttendanceBy, stored_as
from reminders.domain.measures import Rate, folded, named
from reminders.errors import Invalid
from reminders.services.figures import MOST_LIVE, Figures
from reminders.services.groups import ALL, WEEKDAYS, Group, namer, ordered, wanted
from reminders.store import measures as store
from reminders.store.engine import Database

_DIGITS = 6
_BY_DAY = frozenset({AttendanceBy.DAY, AttendanceBy.WEEK, AttendanceBy.MONTH})
#: At most so many patients are listed.
MOST_REPEATERS = 1000
#: How far back repeated no-shows are counted unless a first day is given.
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class AttendanceReport:
    """Visits by outcome; ``first`` and ``last`` are the days asked for, both included, ``None`` for no bound."""

    first: date | None
    last: date | None
    by: AttendanceBy
    groups: tuple[tuple[Group, Attendance], ...]
    total: Attendance
    as_of: date

    @property
    def columns(self) -> list[str]:
        """The names of the columns, also when there is not a single line."""
        return list(row_of(ALL, Attendance()))

    def rows(self) -> list[dict[str, Any]]:
        """One line per group; the lines add up to the total."""
        return [row_of(group, counts) for group, counts in self.groups]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return head(self.first, self.last, self.by) | {
            "as_of": self.as_of.isoformat(), "items": self.rows(), "total": row_of(ALL, self.total)
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One hour of one weekday (0 is Monday); ``rate`` is ``None`` where no outcome is known."""

    weekday: int
    hour: int
    counts: Attendance

    @property
    def rate(self) -> Rate | None:
        return self.counts.rate


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Every hour in which a visit began, in the venue's calendar and clock. ``untimed``: visits without a time."""

    first: date | None
    last: date | None
    cells: tuple[HeatCell, ...]
    untimed: int
    by: str = "weekday_hour"

    @property
    def columns(self) -> list[str]:
        return list(_heat_row(HeatCell(0, 0, Attendance())))

    def rows(self) -> list[dict[str, Any]]:
        """One line per cell, by weekday and hour."""
        return [_heat_row(cell) for cell in self.cells]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return head(self.first, self.last, self.by) | {"items": self.rows(), "untimed": self.untimed}


@dataclass(frozen=True, slots=True)
class Repeater:
    """A patient who missed several visits; ``missed_on`` is the day of the last one."""

    patient_id: str
    missed: int
    missed_on: date


@dataclass(frozen=True, slots=True)
class Repeaters:
    """Patients who missed at least ``least`` visits within the days, most no-shows first."""

    first: date | None
    last: date | None
    least: int
    patients: tuple[Repeater, ...]
    by: str = "patient"

    @property
    def columns(self) -> list[str]:
        return ["patient_id", "missed", "missed_on"]

    def rows(self) -> list[dict[str, Any]]:
        """One line per patient."""
        return [asdict(one) | {"missed_on": one.missed_on.isoformat()} for one in self.patients]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return head(self.first, self.last, self.by) | {"least": self.least, "items": self.rows()}


class Attendances:
    """Reads only. Ranges are days of the visit in the venue's calendar, both ends included; without a last day, today."""

    def __init__(self, database: Database, clock: Clock, most_live: int = MOST_LIVE) -> None:
        self._database = database
        self._clock = clock
        self._most_live = most_live

    def report(
        self, first: date | None = None, last: date | None = None, by: str | None = None
    ) -> AttendanceReport:  # fmt: skip
        """Visits by what became of them; ``by`` is an ``AttendanceBy``. ``Invalid`` for an unknown one or an empty
        range."""
        asked = wanted(AttendanceBy, by, first, last)
        with self._database.read() as tx:
            name = namer(tx, asked)
            figures = Figures(tx, self._clock.now(), first, last, self._most_live)
            counted = list(_counts(figures, asked))
        groups: dict[Group, Attendance] = folded(counted, name)
        total = sum(groups.values(), Attendance())
        if asked is AttendanceBy.NONE:
            groups = {ALL: total}
        return AttendanceReport(first, last, asked, tuple(ordered(groups.items(), asked)), total, figures.as_of)

    def heat_map(self, first: date | None = None, last: date | None = None) -> HeatMap:
        """No-shows by weekday and hour of the venue's clock. ``Invalid`` for an empty range."""
        asked = wanted(AttendanceBy, "weekday_hour", first, last)
        with self._database.read() as tx:
            sums: dict[str, Attendance] = folded(
                _counts(Figures(tx, self._clock.now(), first, last, self._most_live), asked), str
            )  # fmt: skip
        cells, untimed = [], 0
        for key, counts in sorted(sums.items()):
            weekday, _, hour = key.partition("-")
            if hour == NO_HOUR:
                untimed += counts.booked
            else:
                cells.append(HeatCell(int(weekday), int(hour), counts))
        return HeatMap(first, last, tuple(cells), untimed)

    def repeaters(
        self, first: date | None = None, last: date | None = None, *, least: int = 2, limit: int = 100
    ) -> Repeaters:
        """Patients who missed ``least`` visits or more; without a first day, within a year. ``Invalid`` for an empty
        range or numbers out of bounds."""
        wanted(AttendanceBy, None, first, last)
        if not (1 <= least <= 100 and 1 <= limit <= MOST_REPEATERS):
            raise Invalid(f"least is 1 to 100, limit 1 to {MOST_REPEATERS}.", field="limit")
        last = last or self._clock.now().date() + timedelta(days=1)
        first = first or last - YEAR
        with self._database.read() as tx:
            rows = store.repeaters(tx, [(first, last)], least, limit)
        found = (Repeater(row.patient_id, row.missed, row.missed_on) for row in rows)
        return Repeaters(first, last, least, tuple(found))


def _counts(figures: Figures, by: AttendanceBy) -> Iterable[tuple[Any, Attendance]]:
    """(day or key, counts) of what is over or takes place today."""
    cells = figures.attendance(stored_as(by), daily=by in _BY_DAY)
    return ((day if by in _BY_DAY else key, counts) for day, key, counts in cells)


def head(first: date | None, last: date | None, by: str) -> dict[str, Any]:
    """The first lines of a report as JSON: what was asked."""
    days = (day.isoformat() if day else None for day in (first, last))
    return dict(zip(("from", "to"), days, strict=True)) | {"by": str(by)}


def row_of(group: Group, counts: Attendance) -> dict[str, Any]:
    """One line of the report."""
    return {
        "group": group.id, "label": group.label, "booked": counts.booked, **named(counts), "known": counts.known,
        **shares("rate", counts.rate), **shares("lost", counts.lost),
    }  # fmt: skip


def shares(name: str, found: Rate | None) -> dict[str, float | None]:
    """A share and its interval as three columns."""
    values = (found.value, found.low, found.high) if found else (None, None, None)
    names = (name, f"{name}_low", f"{name}_high")
    return {
        one: None if value is None else round(value, _DIGITS) for one, value in zip(names, values, strict=True)
    }  # fmt: skip


def _heat_row(cell: HeatCell) -> dict[str, Any]:
    return {
        "weekday": cell.weekday, "weekday_name": WEEKDAYS[cell.weekday], "hour": cell.hour,
        "known": cell.counts.known, "noshow": cell.counts.noshow, **shares("rate", cell.rate),
    }  # fmt: skip
