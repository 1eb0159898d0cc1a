"""The clinic that every party gets: 20 providers, every second half-hour of 60 days booked, 12,000 visits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

CLIENTS = 8
WORKERS = 2


@dataclass(frozen=True)
class Slot:
    """One bookable half-hour; ``provider`` counts from 0, ``start`` is wall time."""

    provider: int
    day: date
    start: time


@dataclass(frozen=True)
class Scenario:
    """Sizes and times. All days are working days; odd half-hours are taken, even ones stay free."""

    first_day: date
    providers: int = 20
    days: int = 60
    opens: time = time(9)
    closes: time = time(19)
    minutes: int = 30

    @property
    def starts(self) -> list[time]:
        """Every start of a day, in order."""
        begin, end = (datetime.combine(self.first_day, at) for at in (self.opens, self.closes))
        step = timedelta(minutes=self.minutes)
        return [(begin + n * step).time() for n in range((end - begin) // step)]

    @property
    def dates(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range(self.days)]

    def booked(self) -> list[Slot]:
        """The visits that are there from the beginning, day by day."""
        return self._slots(self.starts[1::2])

    def free(self) -> list[Slot]:
        """What is left to book, in a fixed random order so that clients do not queue up at one provider."""
        slots = self._slots(self.starts[0::2])
        random.Random(1).shuffle(slots)
        return slots

    def _slots(self, starts: list[time]) -> list[Slot]:
        return [
            Slot(provider, day, start) for day in self.dates for provider in range(self.providers) for start in starts
        ]

    def searches(self, count: int = 400, within_days: int = 30) -> list[tuple[int, date]]:
        """(provider, day) pairs to search, in a fixed random order."""
        chance = random.Random(2)
        return [(chance.randrange(self.providers), chance.choice(self.dates[:within_days])) for _ in range(count)]


def standard(today: date, days: int = 60) -> Scenario:
    """The scenario of the targets. It starts the day after tomorrow, clear of any notice a service may ask for."""
    return Scenario(today + timedelta(days=2), days=days)
