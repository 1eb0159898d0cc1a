"""A scenario in, an assessment out: the whole arithmetic in one call."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from reminders.domain.sourcing.comparing import Comparison, compare, flow
from reminders.domain.sourcing.contact import ContactResult, contact_cost
from reminders.domain.sourcing.costing import Calculator, Costed
from reminders.domain.sourcing.figure import ZERO, Reading
from reminders.domain.sourcing.recommending import Evidence, Recommendation, called, recommend
from reminders.domain.sourcing.risk import Bar, Simulated, simulate, tornado
from reminders.domain.sourcing.scenario import Scenario
from reminders.domain.sourcing.scoring import KpiCell, Score, kpi_table, scores

#: Ends of the horizons that are always shown, as far as the scenario's own reaches.
HORIZONS = (12, 36, 60)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An option with what is paid and what comes back month by month (cost minus benefit)."""

    costed: Costed
    paid: tuple[Decimal, ...]
    flow: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything an assessment says. Without options only ``contact`` is there, without a contact cost only the rest.

    ``leads`` names the two candidates between which the bars of the tornado show the difference.
    """

    scenario: Scenario
    candidates: tuple[Candidate, ...]
    comparisons: tuple[Comparison, ...]
    kpis: tuple[KpiCell, ...]
    scores: tuple[Score, ...]
    bars: tuple[Bar, ...]
    leads: tuple[str, str] | None
    simulated: Simulated | None
    recommendation: Recommendation | None
    contact: ContactResult | None

    @property
    def horizons(self) -> list[int]:
        return sorted({*(months for months in HORIZONS if months <= self.scenario.months), self.scenario.months})


def assess(scenario: Scenario) -> Assessment:
    """Cost, compare, vary and recommend. The scenario must be complete (``reading.read`` sees to that)."""
    contact = contact_cost(scenario.contact, Reading()) if scenario.contact else None
    if not scenario.options:
        return Assessment(scenario, (), (), (), (), (), None, None, None, contact)
    calculator = Calculator.of(scenario)
    found = _candidates(calculator)
    evidence = _evidence(calculator, found)
    shown = tuple(
        Candidate(one, tuple(calculator.by_month(one)), tuple(flow(calculator, one))) for one in found
    )  # fmt: skip
    comparisons = tuple(compare(calculator, one, found[0]) for one in found[1:])
    rival = evidence.rival
    leads = (called(evidence.leader), called(rival)) if rival else None
    return Assessment(
        scenario, shown, comparisons, evidence.kpis, evidence.scores, evidence.bars, leads, evidence.simulated,
        recommend(evidence), contact,
    )  # fmt: skip


def _candidates(calculator: Calculator) -> tuple[Costed, ...]:
    """Every option without and with automation; the baseline without it comes first."""
    scenario = calculator.scenario
    order = sorted(scenario.options, key=lambda option: option.name != scenario.baseline)
    beside = (False, True) if scenario.automation is not None else (False,)
    return tuple(calculator.cost(option, automated) for option in order for automated in beside)


def _evidence(calculator: Calculator, found: tuple[Costed, ...]) -> Evidence:
    scenario = calculator.scenario
    points = tuple(scores(scenario, found))
    ranked = sorted(range(len(found)), key=lambda place: (-points[place].total, found[place].net_present))
    leader = found[ranked[0]]
    others = [place for place in ranked if found[place].option is not leader.option]
    rival = found[others[0]] if others else None
    lead = points[ranked[0]].total - points[others[0]].total if others else ZERO
    return Evidence(
        scenario, found, leader, rival, min(found, key=lambda one: one.net_present), lead,
        compare(calculator, leader, found[0]) if leader is not found[0] else None,
        tuple(kpi_table(scenario, found)), points,
        tuple(tornado(calculator, leader, rival)) if rival else (),
        simulate(calculator, found, ranked[0], others),
    )  # fmt: skip
