"""From the cells of one row to a past visit, or to the one reason why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from reminders.domain.appointment import Status
from reminders.domain.cells import Cell
from reminders.domain.delivery import Channel
from reminders.domain.faults import ColumnsMissing, Fault, FaultCode, named
from reminders.domain.mapping import REQUIRED, Fact, Mapping
from reminders.domain.measures import UNKNOWN_LEAD

Read = Callable[[Sequence[str]], Any]

_REMEMBERED = 4096
_LISTED = 40
_NAMES = (Fact.NAME, Fact.PHONE, Fact.EMAIL, Fact.LANGUAGE, Fact.LOCATION, Fact.SERVICE, Fact.PROVIDER)


class Visit(NamedTuple):
    """One past visit as a row tells it. ``name``, ``location`` … are empty where the row says nothing."""

    external_id: str
    patient_id: str
    status: Status
    start_at: datetime
    end_at: datetime
    timed: bool
    local_day: date
    booked_at: datetime
    lead_days: int
    reminder: Channel | None
    birth_year: int | None
    name: str
    phone: str
    email: str
    language: str
    location: str
    service: str
    provider: str

    def account(self) -> Account:
        """What every row about the same visit must agree on."""
        return Account(self.patient_id, self.status, self.start_at, self.booked_at, self.reminder)


class Account(NamedTuple):
    """What a row says about a visit; two rows about the same visit must say the same."""

    patient: str
    status: Status
    start: datetime
    booked_at: datetime
    reminder: Channel | None

    def facts(self) -> dict[str, str | None]:
        """For the visit's history, which holds no personal data: everything but the patient."""
        return {
            "status": self.status.value,
            "start": self.start.isoformat(),
            "booked_at": self.booked_at.isoformat(),
            "reminder": self.reminder.value if self.reminder else None,
        }

    @classmethod
    def restored(cls, patient: str, facts: dict[str, Any]) -> Account:
        """The account whose ``facts`` were kept."""
        start, booked_at = (datetime.fromisoformat(facts[name]) for name in ("start", "booked_at"))
        channel = facts["reminder"]
        return cls(patient, Status(facts["status"]), start, booked_at, Channel(channel) if channel else None)

    def differences(self, other: Account) -> list[str]:
        """The names of what the two say otherwise."""
        return [name for name, one, two in zip(self._fields, self, other, strict=True) if one != two]


class Converter:
    """Reads rows of one file. Made once per file from the mapping, the file's header and the present time.

    What a word means is worked out once and remembered; only ids and times of booking are different in every row.
    """

    def __init__(self, mapping: Mapping, header: Sequence[str], now: datetime) -> None:
        self._now = now
        self._zone = mapping.place.zone
        self._width = len(header)
        self._cells = _cells(mapping, header)
        self._length = timedelta(minutes=mapping.offer.duration_minutes)
        self._timed = mapping.fields[Fact.START].timed
        self._visit_id = self._reader(Fact.VISIT_ID, Cell.text, remember=False)
        self._patient_id = self._reader(Fact.PATIENT_ID, Cell.text, remember=False)
        self._start = self._reader(Fact.START, self._when, remember=not self._timed)
        self._booked = self._reader(Fact.BOOKED_AT, self._when, remember=False)
        self._status = self._reader(Fact.STATUS, _status)
        self._reminder = self._reader(Fact.REMINDER, _channel)
        self._age = self._reader(Fact.AGE, Cell.number)
        self._birth_year = self._reader(Fact.BIRTH_YEAR, Cell.number)
        self._names = [self._reader(fact, Cell.text, absent="") for fact in _NAMES]

    def convert(self, cells: Sequence[str]) -> Visit:
        """The visit of one row; raises ``Fault`` with the first thing that is wrong."""
        if len(cells) != self._width:
            raise Fault(
                FaultCode.WRONG_NUMBER_OF_COLUMNS, "", f"The row has {len(cells)} columns, the header {self._width}."
            )
        external_id, patient_id = self._visit_id(cells), self._patient_id(cells)
        day, start = self._start(cells)
        booked_day, booked_at = self._booked(cells) or (None, start)
        status, reminder = self._status(cells), self._reminder(cells)
        birth_year, age = self._birth_year(cells), self._age(cells)
        if birth_year is None and age is not None:
            birth_year = day.year - age  # uncertain by one: the birthday may still lie ahead
        names = [read(cells) for read in self._names]
        self._check_order(day, start, booked_day)
        return Visit(
            external_id, patient_id, status, start, start + self._length, self._timed, day, booked_at,
            UNKNOWN_LEAD if booked_day is None else (day - booked_day).days, reminder, birth_year, *names,
        )  # fmt: skip

    def status(self, cells: Sequence[str]) -> Status | None:
        """The status a row states, even when the row cannot be taken; ``None`` when that is not readable either."""
        try:
            status: Status = self._status(cells)
        except (Fault, IndexError):
            return None
        return status if len(cells) == self._width else None

    def _reader(
        self, fact: Fact, understand: Callable[[Cell, str], Any], *, remember: bool = True, absent: Any = None
    ) -> Read:
        cell = self._cells.get(fact)
        if cell is None:
            return lambda _: absent
        understood = partial(understand, cell)
        if remember:
            understood = lru_cache(_REMEMBERED)(understood)  # type: ignore[assignment]
        pick = cell.pick
        return lambda cells: understood(pick(cells))

    def _when(self, cell: Cell, raw: str) -> tuple[date, datetime] | None:
        """(day of the venue, moment in UTC); without a time of day the moment is the day's first."""
        local = cell.local(raw, self._zone)
        if local is None:
            return None
        if not cell.field.timed:
            local = datetime.combine(local.date(), time(), self._zone)
        return local.date(), local.astimezone(UTC)

    def _check_order(self, day: date, start: datetime, booked_day: date | None) -> None:
        column = named(self._cells[Fact.START].field)
        if booked_day is not None and day < booked_day:
            raise Fault(
                FaultCode.VISIT_BEFORE_BOOKING, column, f"The visit of {day} was booked later, on {booked_day}."
            )
        if start > self._now:
            raise Fault(
                FaultCode.VISIT_IN_FUTURE, column, f"The visit of {day} lies ahead; book it instead of importing it."
            )


def _status(cell: Cell, raw: str) -> Status:
    return Status(cell.text(raw))


def _channel(cell: Cell, raw: str) -> Channel | None:
    word = cell.text(raw)
    return Channel(word) if word else None


def _cells(mapping: Mapping, header: Sequence[str]) -> dict[Fact, Cell]:
    """A reader for each fact; ``ColumnsMissing`` names the columns that are not there, or there twice."""
    names = [name.strip() for name in header]
    lost = sorted(name for name in mapping.columns if names.count(name) != 1)
    if lost:
        raise ColumnsMissing(
            f"The mapping reads {', '.join(map(repr, lost))}, which the file does not have exactly once. "
            f"Its columns are: {', '.join(map(repr, names[:_LISTED]))}.",
            columns=lost,
        )
    needed = _needed(mapping)
    return {
        fact: Cell(field, [names.index(name) for name in field.columns], mapping.file.missing, needed=fact in needed)
        for fact, field in mapping.fields.items()
    }


def _needed(mapping: Mapping) -> frozenset[Fact]:
    """Facts without which there is no visit; a location or service needs a cell only if the mapping names none."""
    unnamed = {Fact.LOCATION: mapping.place.name, Fact.SERVICE: mapping.offer.name}
    return frozenset({*REQUIRED, *(fact for fact, name in unnamed.items() if not name)})
