"""What an option has to handle in a month: calls, minutes, bookings, and the people who answer."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from reminders.domain.sourcing.erlang import Goal, Roster, fewest, full_time, roster
from reminders.domain.sourcing.figure import ONE, ZERO, Figure, Reading
from reminders.domain.sourcing.scenario import Kpi, Option, Per, Scenario
from reminders.domain.sourcing.vector import each

_MINUTE = Decimal(60)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Load:
    """A month. What the scenario does not say is ``None``."""

    calls: Decimal | None
    minutes: Decimal | None
    bookings: Decimal | None
    booking_value: Decimal | None
    transfers: Decimal | None
    international: Decimal | None
    seats: Decimal | None
    agents: Decimal | None

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
    if option.staffed and calls is not None:
        seats, agents = at.once(("people", year, automated, share), lambda: _people(scenario, at, calls))
    return Load(
        calls, minutes, bookings, worth, _times(calls, at(volume.transfers)),
        _times(minutes, at(volume.international)), seats, agents,
    )  # fmt: skip


def roster_of(scenario: Scenario, option: Option, at: Reading, automated: bool) -> Roster | None:
    """Who has to be there in a month of the first year; ``None`` unless the option is staffed to a service level."""
    calls = _calls(scenario, at, 0, automated)
    if not option.staffed or calls is None:
        return None
    goal, days, seconds = _service(scenario, at)
    shifts = float(at(scenario.staffing.hours_per_month)) / days
    return roster(_by_hour(scenario, calls, days), seconds, goal, float(at(scenario.staffing.shrinkage)), shifts)


def _times(units: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if units is None else units * factor


def bookings_of(scenario: Scenario, option: Option, at: Reading, year: int) -> Decimal | None:
    """Bookings of a month: those of the baseline, more or fewer when this option completes more or fewer of them."""
    usual = scenario.volume.bookings
    if usual is None:
        return None
    return at.once(("bookings", option.path, year), lambda: _bookings(scenario, option, at, year, at(usual)))


def _bookings(scenario: Scenario, option: Option, at: Reading, year: int, first: Decimal) -> Decimal:
    """``first``: those of a month in the first year."""
    booked = first * (ONE + at(scenario.volume.growth)) ** year
    mine, usual = _completion(option), _completion(scenario.option(scenario.baseline))
    if mine is None or usual is None:
        return booked
    return each(_rescaled, booked, at(mine), at(usual))


def _rescaled(booked: Decimal, mine: Decimal, usual: Decimal) -> Decimal:
    return booked * mine / usual if usual else booked


def _completion(option: Option) -> Figure | None:
    return option.kpis.get(Kpi.BOOKING_COMPLETION)


def _calls(scenario: Scenario, at: Reading, year: int, automated: bool) -> Decimal | None:
    """Calls that people have to answer; self-service takes some away, never more than there are."""
    if scenario.volume.calls is None:
        return None
    calls = at(scenario.volume.calls)
    automation = scenario.automation
    if automated and automation is not None and automation.calls_avoided is not None:
        calls = (calls - at(automation.calls_avoided)).max(ZERO)
    return calls * (ONE + at(scenario.volume.growth)) ** year


def _people(scenario: Scenario, at: Reading, calls: Decimal) -> tuple[Decimal, Decimal]:
    """The most people answering in one hour, and the full-time ones to employ."""
    volume, staffing = scenario.volume, scenario.staffing
    present = each(
        partial(_present, scenario), calls, at(volume.open_days), at(volume.talk_minutes), at(volume.wrap_minutes),
        at(staffing.answered), at(staffing.seconds), at(staffing.occupancy),
    )  # fmt: skip
    paid = each(_paid, present, at(staffing.shrinkage), at(staffing.hours_per_month), at(volume.open_days))
    return each(_most, present), paid


def _service(scenario: Scenario, at: Reading) -> tuple[Goal, float, float]:
    """The service level, open days of a month, and the handle time of a call in seconds."""
    volume, staffing = scenario.volume, scenario.staffing
    goal = Goal(float(at(staffing.answered)), float(at(staffing.seconds)), float(at(staffing.occupancy)))
    return goal, float(at(volume.open_days)), _seconds(at(volume.talk_minutes), at(volume.wrap_minutes))


def _present(
    scenario: Scenario, calls: Decimal, days: Decimal, talk: Decimal, wrap: Decimal, answered: Decimal,
    within: Decimal, occupancy: Decimal,
) -> list[int]:  # fmt: skip
    """People answering, hour by hour."""
    goal, seconds = Goal(float(answered), float(within), float(occupancy)), _seconds(talk, wrap)
    return [fewest(rate, seconds, goal) for rate in _by_hour(scenario, calls, float(days))]


def _paid(present: list[int], shrinkage: Decimal, hours: Decimal, days: Decimal) -> Decimal:
    """Full-time people, absences included."""
    return Decimal(full_time(present, float(shrinkage), float(hours) / float(days))).quantize(_CENT)


def _most(present: list[int]) -> Decimal:
    return Decimal(max(present, default=0))


def _seconds(talk: Decimal, wrap: Decimal) -> float:
    return float((talk + wrap) * _MINUTE)


def _by_hour(scenario: Scenario, calls: Decimal, days: float) -> list[float]:
    """The calls of an open day, by hour."""
    weights = [float(weight) for _, weight in scenario.volume.hours]
    daily, total = float(calls) / days, sum(weights)
    return [daily * weight / total for weight in weights]
