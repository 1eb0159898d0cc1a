"""What an option costs over the horizon, line by line, with automation beside it or without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reminders.domain.sourcing.erlang import Roster
from reminders.domain.sourcing.figure import ONE, ZERO, Figure, Reading
from reminders.domain.sourcing.load import Load, bookings_of, month_of, roster_of
from reminders.domain.sourcing.scenario import Line, Option, Per, Scenario, When
from reminders.domain.sourcing.schedule import YEAR, Due, Schedule


@dataclass(frozen=True, slots=True)
class LineCost:
    """A cost line over the horizon. ``each`` is one payment and ``due`` how often it is paid, by year; ``present`` is what
    all payments are worth today."""

    line: Line
    owner: str
    each: tuple[Decimal, ...]
    due: Sequence[Due]

    @property
    def total(self) -> Decimal:
        paid = (amount * one.times for amount, one in zip(self.each, self.due, strict=True) if one.times)
        return sum(paid, ZERO)

    @property
    def present(self) -> Decimal:
        worth = (amount * one.worth for amount, one in zip(self.each, self.due, strict=True) if one.times)
        return sum(worth, ZERO)


@dataclass(frozen=True, slots=True)
class Costed:
    """An option over the horizon.

    ``benefit`` is money that comes in because of it: visits kept that would have been missed, bookings that the baseline
    would not have made. Net is cost minus benefit. ``present`` amounts are discounted to today. Units (calls, minutes,
    bookings, kept visits) are those of the whole horizon, ``None`` when the scenario does not say; calls that self-service
    takes over are among them, so that costs per call can be compared. ``first`` is a month of the first year, ``roster``
    who has to be there then; ``None`` for options that are not staffed to a service level.
    """

    option: Option
    automated: bool
    lines: tuple[LineCost, ...]
    benefit: Decimal
    benefit_present: Decimal
    first: Load
    roster: Roster | None
    calls: Decimal | None
    minutes: Decimal | None
    bookings: Decimal | None
    kept: Decimal | None

    @property
    def one_off(self) -> Decimal:
        return sum((found.total for found in self.lines if found.line.when is When.ONCE), ZERO)

    @property
    def running(self) -> Decimal:
        """Everything that is not paid once."""
        return self.total - self.one_off

    @property
    def hidden(self) -> Decimal:
        return sum((found.total for found in self.lines if found.line.hidden), ZERO)

    @property
    def total(self) -> Decimal:
        return sum((found.total for found in self.lines), ZERO)

    @property
    def present(self) -> Decimal:
        return sum((found.present for found in self.lines), ZERO)

    @property
    def net(self) -> Decimal:
        return self.total - self.benefit

    @property
    def net_present(self) -> Decimal:
        return self.present - self.benefit_present


@dataclass(frozen=True, slots=True)
class Calculator:
    """Costs options of one scenario again and again, with other figures each time."""

    scenario: Scenario
    schedule: Schedule
    given: Reading

    @classmethod
    def of(cls, scenario: Scenario) -> Calculator:
        return cls(scenario, Schedule(scenario.months, scenario.discount_rate), Reading())

    def cost(self, option: Option, automated: bool, at: Reading | None = None) -> Costed:
        """``automated``: with the scenario's automation beside it. ``at``: with other figures than the given ones."""
        at = at or self.given
        years = range(self.schedule.years)
        lines = tuple(self._lines(option, automated, at))
        loads = [month_of(self.scenario, option, at, year, automated=False) for year in years]
        gains = [self._benefit(option, automated, at, year) for year in years]
        kept = [self._kept(option, automated, at, year) for year in years]
        return Costed(
            option, automated, lines,
            benefit=self._received(gains), benefit_present=self._worth(gains), first=month_of(self.scenario, option, at, 0, automated),
            roster=roster_of(self.scenario, option, at, automated),
            calls=self._over([load.calls for load in loads]), minutes=self._over([load.minutes for load in loads]),
            bookings=self._over([load.bookings for load in loads]), kept=self._over(kept),
        )  # fmt: skip

    def net_present(self, option: Option, automated: bool, at: Reading) -> Decimal:
        """The same as ``cost(...).net_present``, without all the rest; ``at`` may hold vectors: thousands of tries."""
        gains = [self._benefit(option, automated, at, year) for year in range(self.schedule.years)]
        paid = sum((found.present for found in self._lines(option, automated, at)), ZERO)
        return paid - self._worth(gains)

    def net(self, option: Option, automated: bool, at: Reading) -> Decimal:
        """The same as ``cost(...).net``, as ``net_present`` is."""
        gains = [self._benefit(option, automated, at, year) for year in range(self.schedule.years)]
        paid = sum((found.total for found in self._lines(option, automated, at)), ZERO)
        return paid - self._received(gains)

    def by_month(self, found: Costed) -> list[Decimal]:
        """What is paid in each month, before benefits."""
        paid = [ZERO] * self.scenario.months
        for part in found.lines:
            for month in self.schedule.due_months(part.line):
                paid[month - 1] += part.each[(month - 1) // YEAR]
        return paid

    def benefit_by_month(self, option: Option, automated: bool) -> list[Decimal]:
        """What comes in each month."""
        years = [self._benefit(option, automated, self.given, year) for year in range(self.schedule.years)]
        return [years[month // YEAR] for month in range(self.scenario.months)]

    def _lines(self, option: Option, automated: bool, at: Reading) -> Iterator[LineCost]:
        yield from self._costs(option, option.lines, automated, at, ONE)
        for part in option.parts:
            other = self.scenario.option(part.option)
            yield from self._costs(other, other.lines, automated, at, part.share)
        automation = self.scenario.automation
        if automated and automation is not None:
            yield from self._costs(None, automation.lines, automated, at, ONE, option)

    def _costs(
        self, owner: Option | None, lines: tuple[Line, ...], automated: bool, at: Reading, share: Decimal,
        beside: Option | None = None,
    ) -> Iterator[LineCost]:  # fmt: skip
        """Lines of one owner: an option, or (``None``) the automation ``beside`` one."""
        answering = owner or beside
        if answering is None:
            return
        years = range(self.schedule.years)
        loads = [month_of(self.scenario, answering, at, year, automated, share) for year in years]
        rise = ONE + at(owner.price_rise) if owner else ONE
        flat = rise == ONE and not at(self.scenario.volume.growth)
        for line in lines:
            if owner is not None and owner.existing and line.when is When.ONCE:
                continue
            if flat:
                each = (_payment(line, loads[0], at),) * len(loads)
            else:
                each = tuple(_payment(line, load, at) * rise**year for year, load in enumerate(loads))
            yield LineCost(line, owner.name if owner else "", each, self.schedule.due(line))

    def _benefit(self, option: Option, automated: bool, at: Reading, year: int) -> Decimal:
        """Money of one month: no-shows avoided by automation, and bookings won or lost against the baseline."""
        volume, automation = self.scenario.volume, self.scenario.automation
        if volume.value_per_visit is None:
            return ZERO
        growth, value = (ONE + at(volume.growth)) ** year, at(volume.value_per_visit)
        gain = ZERO
        if automated and automation is not None and automation.no_shows_avoided is not None:
            gain += at(automation.no_shows_avoided) * growth * value * (ONE - at(volume.refilled))
        mine = bookings_of(self.scenario, option, at, year)
        if mine is not None and volume.bookings is not None:
            gain += (mine - at(volume.bookings) * growth) * _rate(volume.show_rate, at) * value
        return gain

    def _kept(self, option: Option, automated: bool, at: Reading, year: int) -> Decimal | None:
        volume, automation = self.scenario.volume, self.scenario.automation
        booked = bookings_of(self.scenario, option, at, year)
        if booked is None or volume.show_rate is None:
            return None
        kept = booked * at(volume.show_rate)
        if automated and automation is not None and automation.no_shows_avoided is not None:
            kept += at(automation.no_shows_avoided) * (ONE + at(volume.growth)) ** year
        return min(kept, booked)

    def _received(self, monthly: list[Decimal]) -> Decimal:
        return sum((gain * self.schedule.every_month(year).times for year, gain in enumerate(monthly)), ZERO)

    def _worth(self, monthly: list[Decimal]) -> Decimal:
        """What an income of every month, by year, is worth today."""
        return sum((gain * self.schedule.every_month(year).worth for year, gain in enumerate(monthly)), ZERO)

    def _over(self, monthly: list[Decimal | None]) -> Decimal | None:
        known = [units for units in monthly if units is not None]
        if len(known) < len(monthly):
            return None
        return sum((units * self.schedule.every_month(year).times for year, units in enumerate(known)), ZERO)


def _rate(figure: Figure | None, at: Reading) -> Decimal:
    return ONE if figure is None else at(figure)


def _payment(line: Line, load: Load, at: Reading) -> Decimal:
    """One payment of a line, before later price rises."""
    each = at.once(("each", line.path), lambda: at(line.amount) * at(line.count) * at(line.times))
    if line.per is Per.FIXED:
        return each
    return each * (load.units(line.per) - at(line.included)).max(ZERO)
