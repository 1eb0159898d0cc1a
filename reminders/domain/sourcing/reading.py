"""Turns a scenario as it was written into the values the arithmetic works with, and fills in what was measured.

What is missing but needed is refused with the name of the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reminders.domain.sourcing.contact import ContactCost, Contacts, YearCost
from reminders.domain.sourcing.figure import DEFAULTS, ONE, ZERO, Basis, Figure
from reminders.domain.sourcing.scenario import (
    Automation,
    Criterion,
    Kind,
    Kpi,
    Line,
    Option,
    Part,
    Per,
    Scenario,
    Staffing,
    Volume,
    When,
)
from reminders.errors import Invalid

Given = Mapping[str, Any]

TARGETS: dict[Kpi, Decimal] = {
    Kpi.ANSWER_SECONDS: Decimal(28),
    Kpi.FIRST_CALL_RESOLUTION: Decimal("0.7"),
    Kpi.ABANDONMENT: Decimal("0.05"),
    Kpi.BOOKING_COMPLETION: Decimal("0.9"),
    Kpi.SATISFACTION: Decimal("0.85"),
}  # fmt: skip
WEIGHTS: dict[Criterion, Decimal] = {
    Criterion.COST: Decimal(40),
    Criterion.SECURITY: Decimal(20),
    Criterion.CONTROL: Decimal(15),
    Criterion.LOCK_IN: Decimal(10),
    Criterion.LANGUAGES: Decimal(15),
}  # fmt: skip
#: Last words of paths whose figures are shares, and of those that are decided, not estimated.
_SHARES = ("_share", "_rate", "_resolution", "abandonment", "_completion", "satisfaction", "occupancy", "shrinkage")
_STEADY = (".count", ".times", ".included", ".seats", ".open_days_per_month")
_STEADY_PARTS = ("staffing.", "contact_cost.")
#: A day of eight equal hours, when nobody said how calls are spread.
EVEN_DAY = tuple((hour, ONE) for hour in range(9, 17))


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure that the product counted: its interval, where there is one, and over which days."""

    value: Decimal
    source: str
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Measurements:
    """What the product knows of a clinic, by the field it fills in."""

    figures: Mapping[str, Measured] = field(default_factory=dict)
    hours: tuple[tuple[int, Decimal], ...] = ()
    languages: Mapping[str, Decimal] = field(default_factory=dict)


NOTHING = Measurements()


def read(given: Given, measured: Measurements = NOTHING) -> Scenario:
    """A scenario as the API takes it, already checked field by field; ``Invalid`` names what is still missing."""
    reader = _Reader(measured)
    options = tuple(reader.option(place, one) for place, one in enumerate(given["options"]))
    scenario = Scenario(
        name=given["name"], currency=given["currency"], months=given["months"],
        discount_rate=given["discount_rate"], volume=reader.volume(given["volume"]),
        staffing=reader.staffing(given["staffing"]), options=options,
        automation=reader.automation(given["automation"]) if given["automation"] else None,
        baseline=given["baseline"] or (options[0].name if options else ""),
        targets=TARGETS | {Kpi(name): value for name, value in given["targets"].items() if value is not None},
        weights=WEIGHTS | {Criterion(name): value for name, value in given["weights"].items() if value is not None},
        spread=given["spread"], runs=given["runs"], seed=given["seed"],
        contact=reader.contact(given["contact_cost"]) if given["contact_cost"] else None,
        note=given["note"], source=given["source"],
    )  # fmt: skip
    _check(scenario)
    return scenario


class _Reader:
    """Makes figures that know their place."""

    def __init__(self, measured: Measurements) -> None:
        self._measured = measured

    def figure(self, path: str, given: Given | None, label: str = "") -> Figure | None:
        """What was given, else what was measured, else the default, else nothing."""
        label = label or path.split(".")[-1].replace("_", " ")
        most = ONE if path.endswith(_SHARES) else None
        if given is not None:
            steady = path.endswith(_STEADY) or path.startswith(_STEADY_PARTS) or ".ratings." in path
            return Figure(
                path, label, given["value"], given["low"], given["high"], Basis.USER, given["source"] or "",
                given["together"] or "", steady, most,
            )  # fmt: skip
        known = self._measured.figures.get(path)
        if known is not None:
            return Figure(
                path, label, known.value, known.low, known.high, Basis.MEASURED, known.source, most=most,
            )  # fmt: skip
        if path in DEFAULTS:
            return Figure(path, label, DEFAULTS[path], basis=Basis.DEFAULT)
        return None

    def sure(self, path: str, given: Given | None, label: str = "", default: Decimal = ZERO) -> Figure:
        """The same where there is always something."""
        return self.figure(path, given, label) or Figure(path, label, default, basis=Basis.DEFAULT)

    def volume(self, given: Given) -> Volume:
        def sure(name: str) -> Figure:
            return self.sure(f"volume.{name}", given[name])

        def maybe(name: str) -> Figure | None:
            return self.figure(f"volume.{name}", given[name])

        hours = tuple((one["hour"], one["calls"]) for one in given["hours"] or ())
        return Volume(
            calls=maybe("calls_per_month"), bookings=maybe("bookings_per_month"), talk_minutes=sure("talk_minutes"),
            wrap_minutes=sure("wrap_minutes"), growth=sure("growth_per_year"), show_rate=maybe("show_rate"),
            value_per_visit=maybe("value_per_visit"), refilled=sure("refilled_share"),
            transfers=sure("transfer_share"), international=sure("international_share"),
            hours=hours or self._measured.hours or EVEN_DAY, open_days=sure("open_days_per_month"),
            languages=given["languages"] or self._measured.languages,
        )  # fmt: skip

    def staffing(self, given: Given) -> Staffing:
        answered, seconds, occupancy, shrinkage, hours = (
            self.sure(f"staffing.{name}", given[name])
            for name in ("answered_share", "seconds", "occupancy", "shrinkage", "hours_per_month")
        )
        return Staffing(answered, seconds, occupancy, shrinkage, hours)

    def option(self, place: int, given: Given) -> Option:
        path, name = f"options.{place}", given["name"]
        return Option(
            path, name, Kind(given["kind"]), tuple(self.lines(path, name, given["lines"])),
            self.sure(f"{path}.price_rise_per_year", given["price_rise_per_year"], f"{name}: price rise per year"),
            self.figure(f"{path}.seats", given["seats"], f"{name}: seats"), given["staffed"], given["existing"],
            given["vendor"], None if given["languages"] is None else frozenset(given["languages"]),
            tuple(Part(one["option"], one["share"]) for one in given["parts"]),
            dict(self._named(Kpi, f"{path}.kpis", name, given["kpis"])),
            dict(self._named(Criterion, f"{path}.ratings", name, given["ratings"])),
        )  # fmt: skip

    def lines(self, path: str, owner: str, given: Sequence[Given]) -> Iterator[Line]:
        for place, one in enumerate(given):
            where, label = f"{path}.lines.{place}", f"{owner}: {one['name']}"
            yield Line(
                where, one["name"], self.sure(f"{where}.amount", one["amount"], label),
                self.sure(f"{where}.count", one["count"], f"{label}: how many", ONE),
                self.sure(f"{where}.times", one["times"], f"{label}: times", ONE),
                self.sure(f"{where}.included", one["included"], f"{label}: included"),
                Per(one["per"]), When(one["when"]), one["first_month"], one["last_month"], one["hidden"],
            )  # fmt: skip

    def automation(self, given: Given) -> Automation:
        name = given["name"]
        lines = tuple(self.lines("automation", name, given["lines"]))
        cost = self.figure("automation.message_cost_per_month", given["message_cost_per_month"], f"{name}: messages")
        if cost is not None:
            one, none = Figure("", "", ONE, basis=Basis.DEFAULT), Figure("", "", ZERO, basis=Basis.DEFAULT)
            lines += (Line("automation.message_cost_per_month", "Messages", cost, one, one, none),)
        return Automation(
            name, lines,
            self.figure("automation.calls_avoided_per_month", given["calls_avoided_per_month"],
                        f"{name}: calls avoided per month"),
            self.figure("automation.no_shows_avoided_per_month", given["no_shows_avoided_per_month"],
                        f"{name}: no-shows avoided per month"),
        )  # fmt: skip

    def contact(self, given: Given) -> ContactCost:
        def costs() -> Iterator[YearCost]:
            for place, one in enumerate(given["costs"]):
                path, name = f"contact_cost.costs.{place}", one["name"]
                yield YearCost(
                    name, self.sure(f"{path}.amount", one["amount"], name),
                    self.sure(f"{path}.count", one["count"], f"{name}: how many", ONE),
                    self.sure(f"{path}.times", one["times"], f"{name}: times", ONE),
                )  # fmt: skip

        kinds = tuple(
            Contacts(one["name"], *(
                self.sure(f"contact_cost.contacts.{place}.{part}", one[part], f"{one['name']}: {part}")
                for part in ("count", "seconds")
            ))
            for place, one in enumerate(given["contacts"])
        )  # fmt: skip
        tax, agents, hours, days = (
            self.figure(f"contact_cost.{name}", given[name])
            for name in ("tax_rate", "agents", "daily_hours", "paid_days_per_month")
        )
        reference = self.sure("contact_cost.reference_seconds", given["reference_seconds"], "reference seconds")
        return ContactCost(reference, kinds, tuple(costs()), tax, agents, hours, days)

    def _named(self, kind: Any, path: str, owner: str, given: Given) -> Iterator[tuple[Any, Figure]]:
        for name, value in given.items():
            found = self.figure(f"{path}.{name}", value, f"{owner}: {name.replace('_', ' ')}")
            if found is not None:
                yield kind(name), found


def _check(scenario: Scenario) -> None:
    names = [one.name for one in scenario.options]
    if not names and scenario.contact is None:
        raise Invalid("Give at least one option, or a contact_cost.", field="options")
    if names and scenario.baseline not in names:
        raise Invalid(f"There is no option {scenario.baseline!r}.", field="baseline")
    for place, option in enumerate(scenario.options):
        if option.name in names[:place]:
            raise Invalid(f"{option.name!r} is there twice.", field=f"{option.path}.name")
        _check_parts(scenario, option)
        _check_units(scenario, option, option.lines)
        if option.staffed and scenario.volume.calls is None:
            raise Invalid(f"{option.name} is staffed for the calls: say how many.", field="volume.calls_per_month")
        if scenario.automation is not None:
            _check_units(scenario, option, scenario.automation.lines)


def _check_parts(scenario: Scenario, option: Option) -> None:
    known = {one.name: one for one in scenario.options}
    for place, part in enumerate(option.parts):
        where = f"{option.path}.parts.{place}.option"
        if part.option not in known:
            raise Invalid(f"There is no option {part.option!r}.", field=where)
        if known[part.option].parts:
            raise Invalid(f"{part.option!r} is a hybrid itself; name options that answer.", field=where)
    if option.parts and sum((part.share for part in option.parts), ZERO) != ONE:
        raise Invalid("The shares of the parts must add up to 1.", field=f"{option.path}.parts")


def _check_units(scenario: Scenario, option: Option, lines: tuple[Line, ...]) -> None:
    volume = scenario.volume
    calls = ("volume.calls_per_month", volume.calls)
    bookings = ("volume.bookings_per_month", volume.bookings)
    seats = (f"{option.path}.seats", option.seats or option.staffed or None)
    needs: dict[Per, list[tuple[str, Any]]] = {
        Per.SEAT: [seats], Per.AGENT: [seats], Per.CALL: [calls], Per.MINUTE: [calls], Per.TRANSFER: [calls],
        Per.INTERNATIONAL_MINUTE: [calls], Per.BOOKING: [bookings],
        Per.BOOKING_VALUE: [bookings, ("volume.value_per_visit", volume.value_per_visit)],
    }  # fmt: skip
    for line in lines:
        for name, value in needs.get(line.per, []):
            if value is None:
                raise Invalid(f"{line.name} is paid per {line.per.replace('_', ' ')}: say how many.", field=name)
        if line.last_month is not None and line.last_month < line.first_month:
            raise Invalid("The last month lies before the first.", field=f"{line.path}.last_month")
