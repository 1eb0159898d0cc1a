"""How well no-shows are predicted: the public set of Vitória, learnt from its first weeks and tested on its last.

``python -m benchmarks.risk [FILE.csv.gz]``; without a file it takes the half of the set in ``../shared/data/noshow``. The
file goes through the import and the training of the product, on a database of its own. Ends with exit code 1 when the
model does not beat logistic regression on lead time alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from benchmarks.report import Sheet, terminal
from reminders.clock import SystemClock
from reminders.commands.importing import import_file
from reminders.domain.accuracy import Quality
from reminders.domain.risk import Case
from reminders.gateways.learning import logistic_regression
from reminders.services.training import Trained, Training
from reminders.showing.training import write_verdict
from reminders.store import schema
from reminders.store.engine import Database

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "noshow" / "vitoria-2016-half.csv.gz"
_SCORED = 10_000
_CASE = Case(lead_days=24, missed=1, kept=3, age=27, weekday=0, hour=9, service="svc")


def learn(file: Path, console: Console) -> tuple[Trained, float]:
    """Import a file into a database of its own and train on it; with the seconds that training took."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Database(f"sqlite:///{folder}/risk.db", pool_size=2)) as database,
    ):
        schema.migrate(database)
        import_file(database, file, None, Path(folder, "rejects.csv"), dry_run=False, console=console)
        began = time.perf_counter()
        found = Training(database, SystemClock(), logistic_regression).train()
        return found, time.perf_counter() - began


def sheet(found: Trained, seconds: float, per_second: float) -> Sheet:
    """Our model beside its rivals."""
    made, verdict = Sheet("No-shows of the last weeks, predicted from the first"), found.verdict
    ours, alone, rule = verdict.model, verdict.lead_time, verdict.rule
    made.note("learnt from", f"{verdict.learnt:,} visits", f"{found.first} to before {verdict.since}")
    made.note("tested on", f"{ours.visits:,} visits", f"{ours.missed:,} no-shows")
    made.exactly("better by log loss than lead time alone", ours.log_loss < alone.log_loss, True)
    for other, name in ((alone, "lead time alone"), (rule, "rule")):
        made.exactly(f"AUC above that of {name}", _auc(ours) > _auc(other), True)
        made.note("AUC", f"{_auc(ours):.4f}", f"{name} {_auc(other):.4f}")
        made.note("Brier score", f"{ours.brier:.4f}", f"{name} {other.brier:.4f}")
        made.note("log loss", f"{ours.log_loss:.4f}", f"{name} {other.log_loss:.4f}")
        made.note("no-shows expected", f"{ours.expected:,.0f} of {ours.missed:,}", f"{name} {other.expected:,.0f}")
        made.note("calibration slope", _slope(ours), f"{name} {_slope(other)}")
        made.note("calibration error", f"{ours.off:.2%}", f"{name} {other.off:.2%}")
    made.note("training, with its tests", f"{seconds:.1f} s")
    made.note("scoring, one thread", f"{per_second:,.0f} visits/s")
    return made


def scoring(found: Trained) -> float:
    """Visits whose risk is worked out per second."""
    began = time.perf_counter()
    for _ in range(_SCORED):
        found.model.risk(_CASE)
    return _SCORED / (time.perf_counter() - began)


def _auc(found: Quality) -> float:
    return found.auc or 0.0


def _slope(found: Quality) -> str:
    return f"{found.line.slope:.2f}" if found.line else "-"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    console = terminal()
    found, seconds = learn(parser().parse_args(arguments).file, console)
    write_verdict(found.verdict, console)
    return sheet(found, seconds, scoring(found)).close(console)


if __name__ == "__main__":
    sys.exit(main())
