"""What does not show in the bill: quality against targets, and weights for security, control, lock-in and languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reminders.domain.sourcing.costing import Costed
from reminders.domain.sourcing.figure import ONE, ZERO
from reminders.domain.sourcing.scenario import LOW_IS_GOOD, Criterion, Kpi, Option, Scenario

BEST = Decimal(5)


@dataclass(frozen=True, slots=True)
class KpiCell:
    """A measure of an option; ``meets`` is ``None`` when nobody knows. ``computed``: by Erlang C, not given."""

    kpi: Kpi
    option: str
    automated: bool
    value: Decimal | None
    target: Decimal
    meets: bool | None
    computed: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Points from 0 to 5 by criterion and their weighted mean. A criterion without points for every option counts for
    none, or the options could not be compared; ``unrated`` names those."""

    option: str
    automated: bool
    points: Mapping[Criterion, Decimal]
    total: Decimal
    unrated: tuple[Criterion, ...]


def kpi_table(scenario: Scenario, candidates: Sequence[Costed]) -> list[KpiCell]:
    """Every measure of every candidate against its target."""
    return [_cell(kpi, target, found) for kpi, target in scenario.targets.items() for found in candidates]


def _cell(kpi: Kpi, target: Decimal, found: Costed) -> KpiCell:
    given = found.option.kpis.get(kpi)
    value, computed = None if given is None else given.value, False
    roster = found.roster
    if value is None and kpi is Kpi.ANSWER_SECONDS and roster is not None:
        value, computed = Decimal(str(round(roster.wait_seconds, 1))), True
    meets = None if value is None else (value <= target if kpi in LOW_IS_GOOD else value >= target)
    return KpiCell(kpi, found.option.name, found.automated, value, target, meets, computed)


def coverage(scenario: Scenario, option: Option) -> Decimal | None:
    """Share of the patients who are answered in their language; ``None`` when either side is unknown. A hybrid covers what
    its parts cover."""
    spoken = scenario.volume.languages
    offered = option.languages
    if offered is None and option.parts:
        sets = [scenario.option(part.option).languages for part in option.parts]
        offered = None if None in sets else frozenset().union(*(found for found in sets if found is not None))
    if not spoken or offered is None:
        return None
    total = sum(spoken.values(), ZERO)
    return sum((share for language, share in spoken.items() if _offers(offered, language)), ZERO) / total


def _offers(offered: frozenset[str], language: str) -> bool:
    """``zh`` serves ``zh_Hans``, and the other way round."""
    base = language.replace("_", "-").split("-")[0].lower()
    return base in {one.replace("_", "-").split("-")[0].lower() for one in offered}


def scores(scenario: Scenario, candidates: Sequence[Costed]) -> list[Score]:
    """Points of every candidate, weighted."""
    weights = {criterion: weight for criterion, weight in scenario.weights.items() if weight > 0}
    points = [_points(scenario, found, candidates) for found in candidates]
    rated = [criterion for criterion in weights if all(criterion in one for one in points)]
    missing = tuple(criterion for criterion in weights if criterion not in rated)
    total = sum((weights[criterion] for criterion in rated), ZERO)
    return [
        Score(
            found.option.name, found.automated, one,
            sum((weights[criterion] * one[criterion] for criterion in rated), ZERO) / total if total else ZERO, missing,
        )
        for found, one in zip(candidates, points, strict=True)
    ]  # fmt: skip


def _points(scenario: Scenario, found: Costed, candidates: Sequence[Costed]) -> dict[Criterion, Decimal]:
    given = {criterion: figure.value for criterion, figure in found.option.ratings.items()}
    covered = coverage(scenario, found.option)
    if covered is not None:
        given[Criterion.LANGUAGES] = BEST * covered
    return given | {Criterion.COST: _cost_points(found, candidates)}


def _cost_points(found: Costed, candidates: Sequence[Costed]) -> Decimal:
    """5 for the cheapest; one point less for every fifth of the dearest bill that it costs more."""
    least = min(one.net_present for one in candidates)
    bill = max(one.present for one in candidates)
    if not bill:
        return BEST
    return max(ZERO, BEST * (ONE - (found.net_present - least) / bill))
