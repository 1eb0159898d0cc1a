"""What was learnt, for a terminal: how good it is beside its rivals, how calibrated, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reminders.domain.accuracy import FLAGGED, Fairness, Quality
from reminders.services.risk_view import weightiest
from reminders.services.training import Trained, Verdict
from reminders.store.engine import Record

_NONE = "–"
_WEIGHTS = 12
#: A narrow table has no room for longer words.
VERDICTS = {"fair": "fair", "overestimated": "too high", "underestimated": "too low", "few": "few"}


def write_training(found: Trained, console: Console) -> None:
    """Print what training found."""
    write_verdict(found.verdict, console)
    console.print(_weights(found))
    span = f"{found.visits:,} visits from {found.first} to {found.last}"
    console.print(Text(f"Learnt from {span}. {_outcome(found)}"), soft_wrap=True)


def write_verdict(found: Verdict, console: Console) -> None:
    """Print the quality on visits that were not learnt from."""
    console.print(quality_table(found))
    console.print(calibration_table(found.model))
    console.print(fairness_table(found.fairness))


def write_models(rows: Sequence[Record], console: Console) -> None:
    """Print every model that was trained."""
    table = _table("Models")
    for heading in ("version", "trained", "visits", "from", "to", "AUC", "lead time alone", "in use"):
        table.add_column(heading, justify="right", overflow="fold")
    for row in rows:
        aucs = [f"{row.metrics[name]['auc']:.3f}" for name in ("model", "lead_time_alone")]
        table.add_row(str(row.version), f"{row.trained_at:%Y-%m-%d}", f"{row.visits:,}", str(row.since),
                      str(row.through), *aucs, "yes" if row.in_use else "")  # fmt: skip
    console.print(table)
    if not any(row.in_use for row in rows):
        console.print("No trained model is in use: the documented rule is.")


def quality_table(found: Verdict) -> Table:
    table = _table(
        f"Learnt from {found.learnt:,} visits before {found.since}, tested on {found.model.visits:,} from then on"
    )
    table.add_column("")
    for heading in ("AUC", "Brier", "log loss", "no-shows\nexpected", "happened", "slope", "calibration\nerror"):
        table.add_column(heading, justify="right")
    for name, one in (("model", found.model), ("lead time alone", found.lead_time), ("rule", found.rule)):
        table.add_row(name, *_quality(one))
    return table


def calibration_table(found: Quality) -> Table:
    table = _table("Calibration of the model: visits in tenths by predicted risk")
    for heading in ("visits", "predicted", "missed", "95 % interval"):
        table.add_column(heading, justify="right")
    for one in found.bins:
        interval = f"{one.missed.low * 100:.1f}–{one.missed.high:.1%}"
        table.add_row(f"{one.visits:,}", f"{one.predicted:.1%}", f"{one.missed.value:.1%}", interval)
    return table


def fairness_table(found: Sequence[Fairness]) -> Table:
    table = _table(f"Fairness: the {FLAGGED:.0%} of visits with the highest risks are flagged")
    headings = ("group", "visits", "pre-\ndicted", "missed", "95 %\ninterval", "AUC", "flag-\nged", "caught", "")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for one in found:
        auc = _NONE if one.auc is None else f"{one.auc:.3f}"
        caught = _NONE if one.caught is None else f"{one.caught.value:.1%}"
        interval = f"{one.observed.low * 100:.1f}–{one.observed.high:.1%}"
        table.add_row(one.group.replace(":", " "), f"{one.visits:,}", f"{one.predicted:.1%}",
                      f"{one.observed.value:.1%}", interval, auc, f"{one.flagged.value:.1%}", caught, VERDICTS[one.verdict])  # fmt: skip
    return table


def _quality(one: Quality) -> list[str]:
    slope = _NONE if one.line is None else f"{one.line.slope:.2f}"
    auc = _NONE if one.auc is None else f"{one.auc:.4f}"
    return [auc, f"{one.brier:.4f}", f"{one.log_loss:.4f}", f"{one.expected:,.0f}", f"{one.missed:,}", slope,
            f"{one.off:.2%}"]  # fmt: skip


def _weights(found: Trained) -> Table:
    table = _table("The heaviest weights, in log-odds")
    table.add_column("feature")
    table.add_column("weight", justify="right")
    for name, weight in weightiest(found.model.weights, _WEIGHTS):
        table.add_row(name, f"{weight:+.3f}")
    return table


def _outcome(found: Trained) -> str:
    if found.version is None:
        return "Nothing was stored."
    if found.in_use:
        return f"Version {found.version} is now in use."
    return (
        f"Version {found.version} is stored, but not in use: on the visits it was tested on, lead time alone or the rule "
        f"did as well. To use it all the same: reminders train --use {found.version}"
    )


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
