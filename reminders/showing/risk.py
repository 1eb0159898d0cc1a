"""How good the predicted risks were, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from reminders.domain.accuracy import Quality
from reminders.services.risk import RiskReport
from reminders.showing.training import VERDICTS, calibration_table, fairness_table

_RIVALS = {"model": "the model", "lead_time_alone": "lead time alone", "rule": "the rule"}
_OFF = frozenset({"overestimated", "underestimated"})


def write_risk(report: RiskReport, console: Console) -> None:
    """Print the calibration and the groups, if there is a visit to judge by, and what a reader has to know."""
    if report.quality is not None:
        console.print(calibration_table(report.quality))
        console.print(fairness_table(report.fairness))
    for line in _remarks(report):
        console.print(Text(line))


def _remarks(report: RiskReport) -> Iterator[str]:
    model = report.model
    name = f"model {model['version']}" if model["version"] else "the rule (no trained model is in use)"
    if report.quality is None:
        yield f"No visit of these days has a known end, so there is nothing to judge {name} by."
        yield from _held_out(model)
        return
    yield f"{report.quality.visits:,} visits, {report.first} to {report.last}, risks of {name}: {_summary(report.quality)}."
    if report.learnt:
        yield "The model learnt from some of these visits, so the figures flatter it."
    whole, *others = report.fairness
    if whole.verdict in _OFF:
        apart = [
            f"{one.group.replace(':', ' ')} ({VERDICTS[one.beside_all]})" for one in others if one.beside_all in _OFF
        ]
        yield f"The risks are {VERDICTS[whole.verdict]} for everybody; differently so for: {', '.join(apart) or 'nobody'}."


def _held_out(model: dict[str, Any]) -> Iterator[str]:
    """What was printed when the model was trained."""
    if not model["version"]:
        return
    yield (
        f"It learnt from visits up to {model['to']}. For earlier days give --from; figures of visits it learnt from flatter it."
    )
    kept = model["held_out"]
    aucs = [f"{label} {kept[key]['auc']:.3f}" for key, label in _RIVALS.items() if kept.get(key, {}).get("auc")]
    if aucs:
        yield f"When it was trained, on visits not learnt from (since {kept['since']}), AUC: {', '.join(aucs)}."


def _summary(found: Quality) -> str:
    auc = "" if found.auc is None else f"AUC {found.auc:.3f}, "
    slope = "" if found.line is None else f", calibration slope {found.line.slope:.2f}"
    return f"{auc}{found.expected:,.0f} no-shows expected, {found.missed:,} happened{slope}"
