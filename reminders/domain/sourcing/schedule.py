"""When costs fall due within the horizon, and what money of later months is worth today."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from reminders.domain.sourcing.figure import ONE, ZERO
from reminders.domain.sourcing.scenario import Line, When

YEAR = 12


@dataclass(frozen=True, slots=True)
class Due:
    """How often something is paid within one year of the horizon, and the sum of the discount factors of these times."""

    times: int
    worth: Decimal


@dataclass(slots=True)
class Schedule:
    """A horizon of ``months``; ``rate`` is the discount rate of a year.

    What is paid once is paid at the beginning of its month, everything else at the end: one unit of money at the end of
    month m is worth (1 + rate) ^ (-m / 12) now.
    """

    months: int
    rate: Decimal
    _factors: list[Decimal] = field(init=False)
    _years: list[Due] = field(init=False)
    _known: dict[tuple[When, int, int | None], list[Due]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        step = (ONE + self.rate) ** (ONE / YEAR)
        self._factors = [ONE / step**month for month in range(self.months + 1)]
        self._years = [self._months(year) for year in range(self.years)]

    @property
    def years(self) -> int:
        """Begun years of the horizon."""
        return -(-self.months // YEAR)

    def due(self, line: Line) -> list[Due]:
        """Of every year of the horizon."""
        key = (line.when, line.first_month, line.last_month)
        if key not in self._known:
            self._known[key] = self._by_year(line)
        return self._known[key]

    def every_month(self, year: int) -> Due:
        """The months of a year (from 0)."""
        return self._years[year]

    def _months(self, year: int) -> Due:
        months = range(year * YEAR + 1, min((year + 1) * YEAR, self.months) + 1)
        return Due(len(months), sum((self._factors[month] for month in months), ZERO))

    def due_months(self, line: Line) -> list[int]:
        """Months, from 1, in which the line is paid."""
        last = min(line.last_month or self.months, self.months)
        if line.when is When.ONCE:
            last = min(line.first_month, last)
        return list(range(line.first_month, last + 1, YEAR if line.when is When.YEARLY else 1))

    def _by_year(self, line: Line) -> list[Due]:
        early = 1 if line.when is When.ONCE else 0
        found = [Due(0, ZERO)] * self.years
        for month in self.due_months(line):
            year = (month - 1) // YEAR
            found[year] = Due(found[year].times + 1, found[year].worth + self._factors[month - early])
        return found
