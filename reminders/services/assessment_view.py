"""An assessment as plain data: what is stored, and what the API, the command and the pages show.

Money is text with two decimals, costs per unit with four, shares and points are numbers.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from reminders.domain.sourcing.assessment import Assessment, Candidate
from reminders.domain.sourcing.comparing import Comparison
from reminders.domain.sourcing.contact import ContactResult
from reminders.domain.sourcing.erlang import Roster
from reminders.domain.sourcing.figure import Figure, plain
from reminders.domain.sourcing.recommending import Reason, Recommendation
from reminders.domain.sourcing.risk import Simulated
from reminders.domain.sourcing.scenario import Scenario
from reminders.domain.sourcing.scoring import KpiCell, Score, coverage

_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
_DIGITS = 4


def as_dict(found: Assessment) -> dict[str, Any]:
    """For JSON."""
    scenario = found.scenario
    return {
        "name": scenario.name, "currency": scenario.currency, "months": scenario.months,
        "discount_rate": plain(scenario.discount_rate), "baseline": scenario.baseline or None, "note": scenario.note,
        "source": scenario.source, "inputs": [_input(figure) for figure in scenario.inputs()],
        "hours": [{"hour": hour, "calls": float(calls)} for hour, calls in scenario.volume.hours],
        "languages": {language: float(share) for language, share in scenario.volume.languages.items()},
        "options": [_candidate(scenario, one, found.horizons) for one in found.candidates],
        "comparisons": [_comparison(one, scenario.baseline) for one in found.comparisons],
        "kpis": [_kpi(cell) for cell in found.kpis], "scores": [_score(one) for one in found.scores],
        "weights": {criterion.value: float(weight) for criterion, weight in scenario.weights.items()},
        "tornado": _tornado(found), "simulation": _simulation(found.simulated),
        "recommendation": _recommendation(found.recommendation), "contact_cost": _contact(found.contact),
    }  # fmt: skip


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount.quantize(_CENT, ROUND_HALF_UP))


def _per(amount: Decimal, units: Decimal | None) -> str | None:
    """A cost per unit; ``None`` when there are none, or nobody said how many."""
    return str((amount / units).quantize(_FINE, ROUND_HALF_UP)) if units else None


def _share(number: Decimal | float | None) -> float | None:
    return None if number is None else round(float(number), _DIGITS)


def _input(figure: Figure) -> dict[str, Any]:
    return {
        "field": figure.path, "label": figure.label, "value": plain(figure.value),
        "low": None if figure.low is None else plain(figure.low),
        "high": None if figure.high is None else plain(figure.high), "basis": figure.basis.value,
        "source": figure.source,
    }  # fmt: skip


def _candidate(scenario: Scenario, one: Candidate, horizons: list[int]) -> dict[str, Any]:
    found = one.costed
    return {
        "option": found.option.name, "kind": found.option.kind.value, "automated": found.automated,
        "vendor": found.option.vendor, "one_off": _money(found.one_off), "running": _money(found.running),
        "hidden": _money(found.hidden), "total": _money(found.total), "present": _money(found.present),
        "benefit": _money(found.benefit), "net": _money(found.net), "net_present": _money(found.net_present),
        "first_month": _money(one.paid[0]), "cost_per_call": _per(found.total, found.calls),
        "cost_per_minute": _per(found.total, found.minutes), "cost_per_booking": _per(found.total, found.bookings),
        "cost_per_kept_visit": _per(found.total, found.kept),
        "seats": None if found.first.seats is None else plain(found.first.seats),
        "staffing": _staffing(found.roster), "language_coverage": _share(coverage(scenario, found.option)),
        "at_months": [
            {"months": months, "paid": _money(sum(one.paid[:months], Decimal(0))),
             "net": _money(sum(one.flow[:months], Decimal(0)))}
            for months in horizons
        ],
        "paid": [_money(amount) for amount in one.paid], "flow": [_money(amount) for amount in one.flow],
        "lines": [
            {"name": part.line.name, "owner": part.owner or None, "per": part.line.per.value,
             "when": part.line.when.value, "hidden": part.line.hidden, "each": _money(part.each[0]),
             "total": _money(part.total)}
            for part in found.lines
        ],
    }  # fmt: skip


def _staffing(roster: Roster | None) -> dict[str, Any] | None:
    if roster is None:
        return None
    return {
        "seats": roster.seats, "agents": round(roster.paid, 2), "answered": _share(roster.answered),
        "wait_seconds": round(roster.wait_seconds, 1), "occupancy": _share(roster.occupancy),
    }  # fmt: skip


def _comparison(found: Comparison, baseline: str) -> dict[str, Any]:
    return {
        "option": found.subject.option.name, "automated": found.subject.automated, "against": baseline,
        "gain": _money(found.gain), "gain_present": _money(found.gain_present), "roi": _share(found.roi),
        "payback_month": found.payback_month, "break_even_month": found.break_even_month,
        "overtaken_month": found.overtaken_month, "break_even_calls": found.break_even_calls,
    }  # fmt: skip


def _kpi(cell: KpiCell) -> dict[str, Any]:
    return {
        "kpi": cell.kpi.value, "option": cell.option, "automated": cell.automated, "value": _share(cell.value),
        "target": _share(cell.target), "meets": cell.meets, "computed": cell.computed,
    }  # fmt: skip


def _score(found: Score) -> dict[str, Any]:
    return {
        "option": found.option, "automated": found.automated, "total": _share(found.total),
        "points": {criterion.value: _share(points) for criterion, points in found.points.items()},
        "unrated": [criterion.value for criterion in found.unrated],
    }  # fmt: skip


def _tornado(found: Assessment) -> dict[str, Any] | None:
    if found.leads is None:
        return None
    return {
        "between": list(found.leads),
        "bars": [
            {"field": bar.figure.path, "label": bar.figure.label, "low": plain(bar.low), "high": plain(bar.high),
             "at_low": _money(bar.at_low), "at_high": _money(bar.at_high), "swing": _money(bar.swing),
             "turns": bar.turns}
            for bar in found.bars
        ],
    }  # fmt: skip


def _simulation(found: Simulated | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "runs": found.runs, "seed": found.seed, "varied": found.varied, "leader_wins": _share(found.leader_wins),
        "candidates": [
            {"option": one.option, "automated": one.automated, "p5": _money(one.p5), "p50": _money(one.p50),
             "p95": _money(one.p95), "mean": _money(one.mean), "cheapest": _share(one.cheapest)}
            for one in found.candidates
        ],
    }  # fmt: skip


def _recommendation(found: Recommendation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "verdict": found.verdict.value, "option": found.option, "automated": found.automated,
        "headline": _reason(found.headline), "reasons": [_reason(reason) for reason in found.reasons],
    }  # fmt: skip


def _reason(found: Reason) -> dict[str, Any]:
    return {"code": found.code, "facts": dict(found.facts), "sentence": found.sentence}


def _contact(found: ContactResult | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "converted": [{"name": name, "contacts": plain(count)} for name, count in found.converted],
        "contacts": plain(found.contacts), "talk_minutes": _money(found.talk_minutes),
        "costs": [{"name": name, "amount": _money(cost)} for name, cost in found.costs],
        "subtotal": _money(found.subtotal), "tax": _money(found.tax), "total": _money(found.total),
        "cost_per_contact": None if found.per_contact is None else str(found.per_contact.quantize(_FINE)),
        "cost_per_minute": None if found.per_minute is None else str(found.per_minute.quantize(_FINE)),
        "utilisation": _share(found.utilisation),
    }  # fmt: skip
