"""What an option has to handle in a month: calls, minutes, bookings, and the people who answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from reminders.domain.sourcing.erlang import Goal, Roster, roster
from reminders.domain.sourcing.figure import ONE, ZERO, Figure, Reading
from reminders.domain.sourcing.scenario import Kpi, Option, Per, Scenario

_MINUTE = Decimal(60)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Load:
    """A month. What the scenario does not say is ``None``; ``roster`` is there for staffed options only."""

    calls: Decimal | None
    minutes: Decimal | None
    bookings: Decimal | None
    booking_value: Decimal | None
    transfers: Decimal | None
    international: Decimal | None
    seats: Decimal | None
    agents: Decimal | None
    roster: Roster | None = None

    def units(self, per: Per) -> Decimal:
        """How many of what a line is charged by; a scenario was checked to have what its lines need."""
        found = {
            Per.SEAT: self.seats, Per.AGENT: self.agents, Per.CALL: self.calls, Per.MINUTE: self.minutes,
            Per.BOOKING: self.bookings, Per.BOOKING_VALUE: self.booking_value, Per.TRANSFER: self.transfers,
            Per.INTERNATIONAL_MINUTE: self.international,
        }.get(per)  # fmt: skip
        return ZERO if found is None else found


def month_of(scenario: Scenario, option: Option, at: Reading, year: int, automated: bool, share: Decimal = ONE) -> Load:
    """A month of ``year`` (from 0) in which ``option`` answers this ``share`` of the calls."""
    year = year if at(scenario.volume.growth) else 0
    return at.once((option.path, year, automated, share), lambda: _month(scenario, option, at, year, automated, share))


def _month(scenario: Scenario, option: Option, at: Reading, year: int, automated: bool, share: Decimal) -> Load:
    volume = scenario.volume
    calls = _times(_calls(scenario, at, year, automated), share)
    minutes = _times(calls, at(volume.talk_minutes))
    bookings = _times(bookings_of(scenario, option, at, year), share)
    worth = _times(bookings, at(volume.value_per_visit)) if volume.value_per_visit else None
    seats = agents = None if option.seats is None else at(option.seats)
    found = None
    if option.staffed and calls is not None:
        found = at.once(("roster", calls), partial(_roster, scenario, at, calls))
        seats, agents = Decimal(found.seats), Decimal(found.paid).quantize(_CENT)
    return Load(
        calls, minutes, bookings, worth, _times(calls, at(volume.transfers)),
        _times(minutes, at(volume.international)), seats, agents, found,
    )  # fmt: skip


def _times(units: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if units is None else units * factor


def bookings_of(scenario: Scenario, option: Option, at: Reading, year: int) -> Decimal | None:
    """Bookings of a month: those of the baseline, more or fewer when this option completes more or fewer of them."""
    if scenario.volume.bookings is None:
        return None
    booked = at(scenario.volume.bookings) * (ONE + at(scenario.volume.growth)) ** year
    mine, usual = _completion(option), _completion(scenario.option(scenario.baseline))
    if mine is None or usual is None or not at(usual):
        return booked
    return booked * at(mine) / at(usual)


def _completion(option: Option) -> Figure | None:
    return option.kpis.get(Kpi.BOOKING_COMPLETION)


def _calls(scenario: Scenario, at: Reading, year: int, automated: bool) -> Decimal | None:
    """Calls that people have to answer; self-service takes some away, never more than there are."""
    if scenario.volume.calls is None:
        return None
    calls = at(scenario.volume.calls)
    automation = scenario.automation
    if automated and automation is not None and automation.calls_avoided is not None:
        calls = max(ZERO, calls - at(automation.calls_avoided))
    return calls * (ONE + at(scenario.volume.growth)) ** year


def _roster(scenario: Scenario, at: Reading, calls: Decimal) -> Roster:
    volume, staffing = scenario.volume, scenario.staffing
    weights = [float(weight) for _, weight in volume.hours]
    days = float(at(volume.open_days))
    daily = float(calls) / days
    seconds = float((at(volume.talk_minutes) + at(volume.wrap_minutes)) * _MINUTE)
    goal = Goal(float(at(staffing.answered)), float(at(staffing.seconds)), float(at(staffing.occupancy)))
    shifts = float(at(staffing.hours_per_month)) / days
    return roster(
        [daily * weight / sum(weights) for weight in weights], seconds, goal, float(at(staffing.shrinkage)), shifts
    )  # fmt: skip
